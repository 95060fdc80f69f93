"""A VM of KubeVirt's that becomes one of ours and comes back is the same machine to its guest, by KubeVirt's own code.

What is converted is admitted by KubeVirt, and by ours at the level `restricted`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from lxml import etree

from tests.convert.test_there_and_back import MACHINES, complete
from tests.kubevirt.edits import edited, machine
from tests.kubevirt.frozen import GATES
from tests.kubevirt.guest_places import Places, moved, places
from tests.kubevirt.histories import History
from tests.kubevirt.kubevirt import KubeVirt
from tests.kubevirt.launcher import boot
from tests.oracle.hypervisor import Hypervisor
from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.convert.from_kubevirt import from_kubevirt
from webhook.convert.to_kubevirt import to_kubevirt
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.starting.site import Site
from webhook.policy import Policies, shipped
from webhook.trees import Tree

TABLE = yaml.safe_load((Path(__file__).parent / "edits.yaml").read_text())
SITE = Site()
# Random machines; every other one has had its places chosen before.
RANDOM = 60
# What of KubeVirt's the machines need that is not there for everybody.
MORE_GATES = [*GATES, "HostDevices", "ExperimentalVirtiofsSupport", "EnableVirtioFsStorageVolumes", "VideoConfig"]


@pytest.fixture(scope="session")
def ours() -> AdmissionContext:
    """Our own admission at the level of namespaces without a label."""
    return AdmissionContext(Policies(shipped(), apis(with_kubevirt=False), "restricted"))


@pytest.fixture(scope="session")
def started(kubevirt: KubeVirt, hypervisor: Hypervisor) -> Callable[[Tree], Places]:
    """Where the guest finds its devices, with the feature gates that the machines need."""
    return lambda vm: places(boot(kubevirt, hypervisor, vm, gates=GATES))


def there_and_back(vm: Tree, ours: AdmissionContext) -> Tree:
    """The VM that comes back; what is ours in between passes both webhooks."""
    made = from_kubevirt(copy.deepcopy(vm), SITE)
    assert made.findings == []
    complete, findings, _ = expand_object(made.objects[0], ours)
    assert [str(finding) for finding in findings] == []
    assert complete is not None
    back = to_kubevirt(complete, SITE)
    assert [str(finding) for finding in back.findings] == []
    return dict(back.objects[0])


def stored(kubevirt: KubeVirt, vm: Tree) -> Tree:
    """The VM as KubeVirt stores it, with a CPU that the level `restricted` takes."""
    vm["spec"]["template"]["spec"]["domain"]["cpu"]["model"] = "Westmere"
    admitted = kubevirt.admit(vm, gates=GATES)
    assert admitted.refused == []
    assert admitted.vm is not None
    return admitted.vm


def same_devices(one: Places, other: Places) -> list[str]:
    """The devices of one that the other lacks."""
    return sorted(one.keys() ^ other.keys())


@pytest.mark.parametrize("row", TABLE["edits"], ids=lambda row: row["title"])
@pytest.mark.parametrize("chosen", [False, True], ids=["as KubeVirt places it", "with places chosen"])
def test_a_machine_comes_back_as_it_was(
    kubevirt: KubeVirt,
    started: Callable[[Tree], Places],
    ours: AdmissionContext,
    row: Tree,
    chosen: bool,
) -> None:
    asked = TABLE["base"]
    vm = edited(machine(asked["cards"], tuple(asked["disks"]), **asked["devices"]), *row["edits"])
    vm = stored(kubevirt, freeze(vm, None, SITE).vm if chosen else vm)
    first, last = started(vm), started(stored(kubevirt, there_and_back(vm, ours)))
    assert same_devices(first, last) == []
    assert moved(first, last) == []


@pytest.mark.parametrize("seed", range(RANDOM))
def test_random_machines_come_back_as_they_were(
    kubevirt: KubeVirt, started: Callable[[Tree], Places], ours: AdmissionContext, seed: int
) -> None:
    vm = History(seed).vm
    vm = stored(kubevirt, freeze(vm, None, SITE).vm if seed % 2 else vm)
    first, last = started(vm), started(stored(kubevirt, there_and_back(vm, ours)))
    assert same_devices(first, last) == []
    assert moved(first, last) == []


@pytest.mark.parametrize("features", MACHINES.values(), ids=MACHINES)
def test_kubevirt_admits_and_starts_what_was_ours(
    kubevirt: KubeVirt, hypervisor: Hypervisor, ours: AdmissionContext, features: Tree
) -> None:
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "web", "namespace": "shop"}}
    first = complete({**head, "spec": {"features": features}}, ours)
    made = to_kubevirt(first, SITE)
    assert made.findings == []
    admitted = kubevirt.admit(made.objects[0], gates=MORE_GATES)
    assert admitted.refused == []
    assert admitted.vm is not None
    found = places(boot(kubevirt, hypervisor, admitted.vm, gates=MORE_GATES))
    disks = {f"disk {disk['name']}" for disk in first["spec"]["domain"]["devices"]["disks"]}
    assert disks <= found.keys()


KINDS = [
    {
        "apiVersion": "instancetype.kubevirt.io/v1beta1",
        "kind": "VirtualMachineClusterInstancetype",
        "metadata": {"name": "small"},
        "spec": {"cpu": {"guest": 4, "model": "Westmere"}, "memory": {"guest": "4Gi"}},
    },
    {
        "apiVersion": "instancetype.kubevirt.io/v1beta1",
        "kind": "VirtualMachineClusterPreference",
        "metadata": {"name": "linux"},
        "spec": {
            "cpu": {"preferredCPUTopology": "spread"},
            "preferSpreadSocketToCoreRatio": 2,
            "devices": {"preferredDiskBus": "scsi", "preferredCdromBus": "sata", "preferredRng": {}},
            "firmware": {"preferredUseEfi": True, "preferredUseSecureBoot": False},
        },
    },
]


def test_what_an_instance_type_and_a_preference_say_is_carried(
    kubevirt: KubeVirt, hypervisor: Hypervisor, ours: AdmissionContext
) -> None:
    vm = machine(2, ("virtio", "virtio"))
    template = vm["spec"]["template"]["spec"]
    for disk in template["domain"]["devices"]["disks"][1:]:
        disk["disk"] = {}
    for part in ("cpu", "memory", "resources"):
        template["domain"].pop(part, None)
    vm["spec"] |= {"instancetype": {"name": "small"}, "preference": {"name": "linux"}}
    known = {each["kind"]: each for each in KINDS}
    site = Site(find=lambda kind, _namespace, _name: known.get(kind))
    made = from_kubevirt(vm, site)
    assert made.findings == []
    back = to_kubevirt(complete(made.objects[0], ours), SITE)
    assert back.findings == []
    admitted = kubevirt.admit(vm, gates=GATES, objects=KINDS)
    assert admitted.vm is not None
    first = boot(kubevirt, hypervisor, admitted.vm, gates=GATES, objects=KINDS)
    last = boot(kubevirt, hypervisor, stored(kubevirt, back.objects[0]), gates=GATES)
    assert places(first) == places(last)
    assert _topology(first) == _topology(last)


def _topology(xml: str) -> list[str]:
    root = etree.fromstring(xml)
    return [str(value) for name in ("vcpu", "memory") for value in root.xpath(f"{name}/text()")] + [
        str(value) for value in root.xpath("cpu/topology/@sockets | cpu/topology/@cores | cpu/topology/@threads")
    ]
