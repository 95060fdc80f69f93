"""A VM of ours that goes to KubeVirt and comes back has the frontend that it had, but for what was said on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kubevirt.edits import machine
from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.convert.converted import row_of
from webhook.convert.from_kubevirt import from_kubevirt
from webhook.convert.to_kubevirt import to_kubevirt
from webhook.declare import Frontend, Shape
from webhook.domain import domain_shape
from webhook.kubevirt.starting.site import Site
from webhook.policy import Policies, shipped
from webhook.trees import Tree

DRIVES = {"storage": [{"source": "root"}, {"source": "data"}], "network": [{"type": "pod"}, {"source": "lan"}]}
LINUX = {"system": {"type": "debian", "version": "12"}, "memory": "2Gi", "cpu": {"count": 2}}
WINDOWS = {"system": {"type": "windows", "version": "2k22"}, "memory": "4Gi", "cpu": {"topology": {"cores": 4}}}
MACHINES = {
    "Linux": {**LINUX, **DRIVES},
    "Linux with a seed of each kind that KubeVirt has": {
        **LINUX,
        **DRIVES,
        "seed": [
            {"type": "cloud-init", "secret": "a"},
            {"type": "cloud-init", "secret": "b", "datasource": "ConfigDrive"},
            {"type": "sysprep", "configMap": "c"},
        ],
    },
    "Windows with UEFI, secure boot and a TPM": {**WINDOWS, **DRIVES},
    "disks of every bus": {
        **LINUX,
        "storage": [
            {"source": "a", "interface": "sata"},
            {"source": "b", "interface": "virtio-scsi"},
            {"source": "c", "interface": "usb"},
            {"source": "d", "type": "cdrom", "interface": "sata"},
            {"source": "e", "interface": "virtio", "readonly": True, "bootOrder": 1},
        ],
        "network": [{"source": "lan", "model": "e1000e"}, {"source": "fast", "type": "sriov"}],
    },
    "a watchdog, a sound card, folders, devices of the host": {
        **LINUX,
        **DRIVES,
        "watchdog": True,
        "sound": True,
        "balloon": False,
        "console": False,
        "filesystems": [{"claim": "shared"}],
        "devices": [{"resource": "nvidia.com/gpu"}],
        "numa": "match-host",
        "hugepages": "2Mi",
    },
}
SITE = Site(entropy=lambda count: bytes(range(1, count + 1)))


@pytest.fixture(scope="session")
def ours() -> AdmissionContext:
    return AdmissionContext(Policies(shipped(), apis(with_kubevirt=False), "restricted"))


def complete(vm: Tree, ours: AdmissionContext) -> Tree:
    made, findings, _ = expand_object(vm, ours)
    assert [str(finding) for finding in findings] == []
    assert made is not None
    return made


def leaves(tree: Tree, shape: Shape, path: str) -> Iterator[tuple[str, str, Any]]:
    """Every frontend value: its place by names, its declared place, the value."""
    for name, value in tree.items():
        entry = shape.fields[name]
        if entry.shape is None:
            if isinstance(entry.class_of_value(value), Frontend):
                yield f"{path}.{name}", f"{path}.{name}", value
        elif not entry.many:
            yield from leaves(value, entry.shape, f"{path}.{name}")
        else:
            for index, each in enumerate(value):
                key = each.get(entry.shape.key, index) if entry.shape.key else index
                yield from leaves(each, entry.shape, f"{path}.{name}[{key}]")


@pytest.mark.parametrize("features", MACHINES.values(), ids=MACHINES)
def test_what_was_carried_is_as_it_was(ours: AdmissionContext, features: Tree) -> None:
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "web", "namespace": "shop"}}
    first = complete({**head, "spec": {"features": features}}, ours)
    there = to_kubevirt(first, SITE)
    assert [str(finding) for finding in there.findings] == []
    back = from_kubevirt(there.objects[0], SITE)
    assert [str(finding) for finding in back.findings] == []
    last = complete(back.objects[0], ours)
    now = {path: value for path, _, value in leaves(last["spec"]["domain"], domain_shape(), "spec.domain")}
    told = [note.path for note in (*there.notes, *back.notes)]
    changed = []
    for path, _, value in leaves(first["spec"]["domain"], domain_shape(), "spec.domain"):
        row = row_of("own", path)
        if now.get(path) != value and row is not None and not row.told and not _said(path, told):
            changed.append(f"{path}: {value!r} is {now.get(path)!r}")
    assert not changed, "\n".join(changed)


# Places are said once for all disks and cards, the letters of disks are an order, and the names that KubeVirt has no
# field for are ours to make.
_ONCE = (".address", ".target.dev")


def _said(path: str, told: list[str]) -> bool:
    return path.endswith(_ONCE) or any(path.startswith(each) and each != "spec.domain.devices" for each in told)


@pytest.mark.parametrize(
    ("architecture", "turn", "rom"),
    [
        ("amd64", None, {"enabled": False}),
        ("amd64", 2, None),
        ("arm64", None, {"enabled": False}),
        ("s390x", None, None),
        ("s390x", 2, None),
    ],
)
def test_a_card_boots_and_has_an_option_rom_where_kubevirt_gives_it_one(
    architecture: str, turn: int | None, rom: Tree | None
) -> None:
    vm = machine(1, ("virtio",))
    template = vm["spec"]["template"]["spec"]
    template["architecture"] = architecture
    domain = template["domain"]
    domain["cpu"] = {"model": {"amd64": "Westmere", "s390x": "z14"}.get(architecture, "host-passthrough")}
    if architecture != "amd64":
        domain.pop("machine", None)
    for disk in domain["devices"]["disks"]:
        disk.pop("bootOrder", None)
    if turn:
        domain["devices"]["interfaces"][0]["bootOrder"] = turn
    made = from_kubevirt(vm, SITE)
    assert made.findings == []
    ours = complete(made.objects[0], AdmissionContext(Policies(shipped(), apis(with_kubevirt=False), "privileged")))
    [card] = ours["spec"]["domain"]["devices"]["interfaces"]
    assert (card.get("bootOrder"), card.get("rom")) == (turn, rom)
    back = to_kubevirt(ours, SITE)
    assert [note.path for note in back.notes if "rom" in note.path or "boot" in note.path] == []
    devices = back.objects[0]["spec"]["template"]["spec"]["domain"]["devices"]
    turns = [each.get("bootOrder") for each in (*devices["disks"], *devices["interfaces"])]
    assert turns == [None if turn else 1, turn]
