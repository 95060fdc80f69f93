"""Every field of either side is carried or said: the table has a row for it, and a conversion that meets it says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.attacks.manifests import spec_of
from tests.attacks.planting import possible, put
from tests.kubevirt.edits import machine
from webhook.convert.converted import Converted, row_of, rows
from webhook.convert.from_kubevirt import from_kubevirt
from webhook.convert.to_kubevirt import to_kubevirt
from webhook.declare import DeclaredField, Frontend
from webhook.declare.field_path import declared_form
from webhook.declare.tree import copied
from webhook.kinds import declared_fields as own_fields
from webhook.kubevirt.api import declared_fields as kubevirt_fields
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

SITE = Site(entropy=lambda count: bytes(range(7, 7 + count)))
# What policies call the parts of an object, and where they stand in it.
PLACES = {"vmi": "spec.template.spec", "vm": "spec", "instancetype": "instancetype", "preference": "preference"}
DEVICES = "spec.template.spec.domain.devices"
HEAD = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "a"}}


def kubevirt_leaves() -> Iterator[tuple[str, DeclaredField]]:
    """Each field of KubeVirt's that holds a value, by its place in a VM."""
    for path, place in kubevirt_fields().items():
        part, _, rest = path.partition(".")
        if part in PLACES and rest and (place.field.shape is None or not place.field.shape.fields):
            yield f"{PLACES[part]}.{rest}", place


KUBEVIRT = dict(kubevirt_leaves())
OWN = {f"spec.{path}": place for path, place in own_fields().items() if path.startswith("domain.")}


@pytest.mark.parametrize(("side", "declared"), [("kubevirt", KUBEVIRT), ("own", OWN)], ids=["kubevirt", "own"])
def test_every_field_has_a_row(side: str, declared: dict[str, DeclaredField]) -> None:
    assert [path for path in declared if row_of(side, path) is None] == []


@pytest.mark.parametrize(("side", "declared"), [("kubevirt", KUBEVIRT), ("own", OWN)], ids=["kubevirt", "own"])
def test_every_row_is_about_a_field_that_there_is(side: str, declared: dict[str, DeclaredField]) -> None:
    there = {"spec.template.metadata", "instancetype", "preference"} if side == "kubevirt" else {"spec.domain"}
    above = {path[:end] for path in declared for end in range(len(path) + 1) if path[end : end + 1] in ("", ".", "[")}
    entries = {path[: end + 3] for path in declared for end in range(len(path)) if path[end : end + 3] == "[*]"}
    assert [path for path in rows(side) if path not in above | entries | there] == []


@pytest.mark.parametrize("side", ["kubevirt", "own"])
def test_a_row_says_one_of_the_three(side: str) -> None:
    for row in rows(side).values():
        assert sum(map(bool, (row.as_, row.told, row.lost))) == 1, row.path


def said(made: Converted, path: str) -> bool:
    """Whether anything is said of a place, or of what it is a part of."""
    places = {declared_form(each.path) for each in (*made.findings, *made.notes)}
    return any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in places)


def plant(tree: Tree, path: str, value: Any) -> None:
    """Set a value at a declared path; of a list, in its first entry, which is made where there is none."""
    *above, last = path.split(".")
    here: Any = tree
    for part in above:
        name = part.removesuffix("[*]")
        if type(here.get(name)) is not (list if name != part else dict):
            here[name] = [{}] if name != part else {}
        here = here[name][0] if name != part else here[name]
    name = last.removesuffix("[*]")
    here[name] = [value] if name != last else value


def value_of(path: str, place: DeclaredField) -> Any:
    """A value of a field's type, which the machine has not got already."""
    scalar = place.field.scalar
    kind = (scalar.schema if scalar else {}).get("type")
    if kind == "boolean":
        name = path.rpartition(".")[2]
        return (
            name in ("autoattachInputDevice", "autoattachVSOCK")
            or "hypervPassthrough" in path
            or not name.startswith(("autoattach", "enabled", "present"))
        )
    return 3 if kind == "integer" else "another"


# Fields that mean nothing where they stand alone.
LEFT_OUT = {
    "spec.template.spec.networks[*].name",
    "spec.template.spec.volumes[*].name",
    "spec.template.spec.domain.features.hyperv.vendorid.enabled",
    "spec.template.spec.domain.devices.autoattachPodInterface",
    *(
        f"spec.{which}.{name}"
        for which in ("instancetype", "preference")
        for name in ("kind", "revisionName", "inferFromVolume", "inferFromVolumeFailurePolicy")
    ),
}
# A number for itself, of one value alone, and of none without UEFI.
LEFT_OUT_OF_OURS = {"spec.domain.cpu.numa[*].cell", "spec.domain.os.type.os", "spec.domain.os.secureBoot"}


def test_no_field_of_kubevirts_is_lost_without_a_word() -> None:
    """Each field is planted in a machine alone: what comes of it is another VM, or it is said."""
    base = machine(1, ("virtio",), rng={})
    first = from_kubevirt(copied(base), SITE)
    silent = []
    for path, place in KUBEVIRT.items():
        if not path.startswith("spec.") or path in LEFT_OUT:
            continue
        vm = copied(base)
        plant(vm, path, {} if place.field.shape is not None else value_of(path, place))
        made = from_kubevirt(vm, SITE)
        if made.objects == first.objects and not said(made, path) and vm != base:
            silent.append(path)
    assert not silent, "\n".join(silent)


def test_no_field_of_ours_is_lost_without_a_word() -> None:
    """The same of every field of a domain that the guest sees."""
    base = spec_of("pc", {}, complete=True)
    first = to_kubevirt({**HEAD, "spec": copied(base)}, SITE)
    silent = []
    for path, place in OWN.items():
        scalar = place.field.scalar
        if scalar is None or not isinstance(place.field.field_class, Frontend) or path in LEFT_OUT_OF_OURS:
            continue
        values = [value for value in possible(scalar.schema) if scalar.check(value) is None]
        # One of the values may be what there is without a word.
        if values and not any(_heard(base, path, value, first) for value in values[:3]):
            silent.append(path)
    assert not silent, "\n".join(silent)


def _heard(base: Tree, path: str, value: Any, first: Converted) -> bool:
    spec = copied(base)
    put(spec, path.removeprefix("spec."), value, 0)
    made = to_kubevirt({**HEAD, "spec": spec}, SITE)
    return made.objects != first.objects or said(made, path)


def test_what_is_lost_says_how_to_go_on() -> None:
    vm = machine(1, ("virtio",))
    vm["spec"]["template"]["spec"]["volumes"][0] = {"name": "disk0", "containerDisk": {"image": "quay.io/a"}}
    [finding] = from_kubevirt(vm, SITE).findings
    assert finding.path == "spec.template.spec.volumes[0].containerDisk"
    assert "import the image into a PersistentVolumeClaim" in finding.help


def test_what_is_carried_says_nothing() -> None:
    vm = freeze(machine(1, ("virtio",)), None, SITE).vm
    made = from_kubevirt(vm, SITE)
    assert made.findings == []
    assert [str(note) for note in made.notes] == [
        "spec.runStrategy: is not carried over: whether a VM runs is said beside it here"
    ]


def test_what_an_enlightenment_needs_comes_with_it_as_kubevirt_adds_it() -> None:
    vm = machine(1, ("virtio",))
    vm["spec"]["template"]["spec"]["domain"]["features"] = {"hyperv": {"synictimer": {}, "relaxed": {}}}
    [hyperv] = from_kubevirt(vm, SITE).objects[0]["spec"]["domain"]["features"]
    assert hyperv == {
        "feature": "hyperv",
        "relaxed": True,
        "stimer": {"state": True},
        "synic": True,
        "vpindex": True,
    }


def test_each_field_of_how_a_machine_is_run_is_told_by_itself() -> None:
    vm = machine(1, ("virtio",))
    vm["spec"]["template"]["spec"] |= {"nodeSelector": {"a": "b", "c": "d"}, "terminationGracePeriodSeconds": 3}
    told = {note.path for note in from_kubevirt(vm, SITE).notes}
    assert {"spec.template.spec.nodeSelector", "spec.template.spec.terminationGracePeriodSeconds"} <= told


def test_no_preference_refuses_what_is_only_told_of_a_vm() -> None:
    """A preference has a row of its own, or is stated in the VM: none is lost for want of one."""
    base = machine(1, ("virtio",), rng={})
    base["spec"]["preference"] = {"name": "p"}
    refused = []
    for path, place in KUBEVIRT.items():
        part, _, rest = path.partition(".")
        row = row_of("kubevirt", path)
        if part != "preference" or (row is not None and row.lost):
            continue
        spec: Tree = {}
        plant(spec, rest, {} if place.field.shape is not None else value_of(path, place))
        made = from_kubevirt(copied(base), replace(SITE, find=lambda *_, spec=spec: {"spec": spec}))
        refused += [f"{each}" for each in made.findings if each.path.startswith("preference")]
    assert not refused, "\n".join(refused)


@pytest.mark.parametrize(
    ("path", "value", "refused"),
    [
        ("devices.disks[*].shareable", False, False),
        ("devices.disks[*].shareable", True, True),
        ("devices.useVirtioTransitional", False, False),
        ("devices.useVirtioTransitional", True, True),
        ("features.hypervPassthrough.enabled", False, False),
        ("features.hypervPassthrough.enabled", True, True),
    ],
)
def test_what_asks_for_nothing_refuses_nothing(path: str, value: bool, refused: bool) -> None:
    vm = machine(1, ("virtio",))
    plant(vm, f"spec.template.spec.domain.{path}", value)
    assert bool(from_kubevirt(vm, SITE).findings) is refused


@pytest.mark.parametrize(
    ("tpm", "carried"),
    [
        ({"model": "tpm-crb", "version": "2.0"}, True),
        ({"model": "tpm-crb", "version": "2.0", "backend": "emulator"}, True),
        ({"model": "tpm-crb"}, True),
        ({"model": "tpm-tis"}, False),
        ({"model": "tpm-tis", "version": "1.2"}, False),
        ({"model": "tpm-tis", "version": "2.0", "backend": "passthrough"}, False),
    ],
)
def test_a_tpm_is_carried_where_it_is_an_emulated_2_0_and_refused_where_it_is_not(tpm: Tree, carried: bool) -> None:
    spec = copied(spec_of("pc", {}, complete=True))
    spec["domain"]["devices"]["tpm"] = tpm
    made = to_kubevirt({**HEAD, "spec": spec}, SITE)
    lost = [each.path for each in made.findings if "tpm" in each.path]
    there = made.objects[0]["spec"]["template"]["spec"]["domain"]["devices"]
    assert (not lost, "tpm" in there) == (carried, carried)


def test_a_feature_without_a_word_is_named_and_one_that_is_carried_is_not() -> None:
    spec = copied(spec_of("pc", {}, complete=True))
    spec["domain"]["features"] = [
        {"feature": "acpi"},
        {"feature": "pmu", "state": True},
        {"feature": "kvm", "hidden": True, "pollControl": True},
    ]
    told = [str(note) for note in to_kubevirt({**HEAD, "spec": spec}, SITE).notes if "features" in note.path]
    assert told == [
        "spec.domain.features[1]: is not carried over: KubeVirt has no word for `pmu`",
        "spec.domain.features[2]: is not carried over: KubeVirt has no word for `pollControl` of `kvm`",
    ]


def test_a_gpu_that_becomes_another_device_of_the_host_is_told_and_such_a_device_is_not() -> None:
    for kind, told in (("gpus", [f"{DEVICES}.gpus[0]"]), ("hostDevices", [])):
        vm = machine(1, ("virtio",))
        vm["spec"]["template"]["spec"]["domain"]["devices"][kind] = [{"name": "a", "deviceName": "nvidia.com/A"}]
        assert [note.path for note in from_kubevirt(vm, SITE).notes if "evices." in note.path] == told
