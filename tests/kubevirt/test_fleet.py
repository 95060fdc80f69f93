"""An upgrade of a fleet: the audit names exactly the devices that move, at the places where they are and will be.

The VMs are stored by KubeVirt 1.6.1's own code, and start by its converter and by the newest one's, each with the root
ports that its launcher reserves, through the real libvirt. Of 1.5, 1.6.4 and 1.7 the way to reserve ports is tried,
with 1.6.1's converter.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.kubevirt import handler
from tests.kubevirt.fleet import GATES, OBJECTS, Member, fleet
from tests.kubevirt.guest_places import Places, moved, places
from tests.kubevirt.kubevirt import KubeVirt
from tests.kubevirt.launcher import Topology, boot
from tests.oracle.hypervisor import Hypervisor
from webhook.cli.kubevirt_objects import finder
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.next_start import NextStart, Upgrade, next_start
from webhook.kubevirt.starting.devices import annotations_of
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

VMS = 200
# Every so manieth of the fleet, where a story needs fewer.
SOME = 5
SITE = Site(find=finder(OBJECTS))
Found = dict[str, tuple[str, str]]


class Starts:
    """Where guests find their devices when they start; of the same VM asked once."""

    def __init__(self, old: KubeVirt, new: KubeVirt, hypervisor: Hypervisor) -> None:
        self.old, self.new, self.hypervisor = old, new, hypervisor
        self._known: dict[tuple[int, str], str] = {}

    def xml(self, member: Member, topology: Topology) -> str:
        """The domain of a member as the older KubeVirt stored it, with ports reserved so."""
        key = (member.seed, topology)
        if key not in self._known:
            self._known[key] = boot(
                self.old, self.hypervisor, member.stored, topology=topology, gates=GATES, objects=OBJECTS
            )
        return self._known[key]

    def before(self, member: Member, topology: Topology = "v2") -> Places:
        """The places of that domain."""
        return places(self.xml(member, topology))

    def after(self, vm: Tree, kubevirt: KubeVirt | None = None, topology: Topology = "v3") -> Places:
        """The places of any VM at a start with the newest KubeVirt, or another one."""
        return places(boot(kubevirt or self.new, self.hypervisor, vm, topology=topology, gates=GATES, objects=OBJECTS))


@pytest.fixture(scope="module")
def old(schemas: object) -> Iterator[KubeVirt]:  # noqa: ARG001
    """KubeVirt 1.6.1's own code."""
    judge = KubeVirt("v1.6.1")
    yield judge
    judge.close()


@pytest.fixture(scope="module")
def members(old: KubeVirt) -> list[Member]:
    found = list(fleet(VMS))
    for member in found:
        member.store(old)
    return found


@pytest.fixture(scope="module")
def starts(old: KubeVirt, kubevirt: KubeVirt, hypervisor: Hypervisor) -> Starts:
    return Starts(old, kubevirt, hypervisor)


def found(before: Places, after: Places) -> Found:
    return {name: (before[name], after[name]) for name in moved(before, after)}


def said(told: NextStart) -> Found:
    assert (told.outcome == "moves") == bool(told.moves)
    return {move.name: (move.until_now, move.then) for move in told.moves}


def test_the_audit_names_exactly_the_devices_that_an_upgrade_moves(members: list[Member], starts: Starts) -> None:
    counts: Counter[str] = Counter()
    for member in members:
        told = next_start(member.stored, None, Upgrade("v1.6.1", "v1.9.0"), SITE)
        assert told.outcome != "unknown"
        really = found(starts.before(member), starts.after(member.stored))
        assert said(told) == really, (member.seed, told.reason)
        counts["devices"] += len(really)
        counts[told.outcome] += 1
    print(dict(counts))
    assert counts["moves"] > counts["stays"] > 0


def test_with_the_annotations_that_it_names_and_frozen_then_nothing_moves(
    members: list[Member], starts: Starts
) -> None:
    held = 0
    for member in members[::SOME]:
        told = next_start(member.stored, None, Upgrade("v1.6.1", "v1.9.0"), SITE)
        if told.moves:
            helped = copy.deepcopy(member.stored)
            annotations = helped["spec"]["template"].setdefault("metadata", {}).setdefault("annotations", {})
            annotations |= told.hold
            assert moved(starts.before(member), starts.after(helped)) == []
            assert next_start(helped, None, Upgrade("v1.6.1", "v1.9.0"), SITE).outcome == "stays"
            # Written for Git, and where the annotations reach a webhook that keeps machines.
            for stored in (None, member.stored):
                frozen = freeze(helped, stored, SITE).vm
                assert moved(starts.before(member), starts.after(frozen)) == []
                assert next_start(frozen, None, Upgrade("v1.9.0", "v1.9.0"), SITE).outcome == "frozen"
            held += 1
    assert held > VMS / SOME / 2


@pytest.mark.parametrize(("before", "topology"), [("v1.6.1", "v2"), ("v1.5.2", "v1")])
def test_of_guests_that_run_through_1_6_4_those_move_that_its_note_counts_wrongly(
    members: list[Member], starts: Starts, before: str, topology: Topology
) -> None:
    """It takes the port of a bridge of conventional PCI for a free one, and holds one too many from then on."""
    counts: Counter[str] = Counter()
    for member in members[::SOME]:
        told = next_start(_running(member), None, Upgrade(before, "v1.6.4"), SITE)
        xml = starts.xml(member, topology)
        noted = copy.deepcopy(member.stored)
        cards = sum(name.startswith("interface ") for name in places(xml))
        noted["spec"]["template"].setdefault("metadata", {})["annotations"] = handler.noted(xml, cards)
        really = found(places(xml), starts.after(noted, starts.old))
        assert said(told) == really, (member.seed, told.reason)
        assert bool(really) <= ("pcie-to-pci-bridge" in xml)
        counts["moves" if really else "stays"] += 1
        # From there on it is KubeVirt's own note that holds.
        assert next_start(noted, None, Upgrade("", "v1.9.0"), SITE).outcome == "stays"
    assert counts["stays"] > 0
    assert counts["moves"] > 0


def test_of_stopped_vms_1_6_4_notes_nothing_and_they_move(members: list[Member], starts: Starts) -> None:
    for member in members[::SOME]:
        stopped = {**member.stored, "status": {"created": False}}
        told = next_start(stopped, None, Upgrade("v1.6.1", "v1.6.4"), SITE)
        assert said(told) == found(starts.before(member), starts.after(member.stored, starts.old)), member.seed


@pytest.mark.parametrize(
    ("before", "topology", "moves"),
    [("v1.5.2", "v1", False), ("v1.7.1", "v2", True), ("v1.7.0", "v2", True)],
)
def test_an_upgrade_from_another_version_moves_what_is_said(
    members: list[Member], starts: Starts, before: str, topology: Topology, moves: bool
) -> None:
    devices = 0
    for member in members[::SOME]:
        told = next_start(member.stored, None, Upgrade(before, "v1.9.0"), SITE)
        really = found(starts.before(member, topology), starts.after(member.stored))
        assert said(told) == really, member.seed
        devices += len(really)
    assert bool(devices) == moves


def test_a_way_back_to_a_version_that_counts_ports_is_told_with_a_better_one(
    members: list[Member], starts: Starts
) -> None:
    for member in members[:: SOME * 2]:
        told = next_start(member.stored, None, Upgrade("v1.5.2", "v1.6.3"), SITE)
        assert said(told) == found(starts.before(member, "v1"), starts.before(member, "v2"))
        assert not told.hold
        assert ("1.6.4" in told.help) == bool(told.moves)


def test_what_was_changed_since_the_start_moves_by_the_instance_that_runs(
    members: list[Member], starts: Starts
) -> None:
    """The instance is as the guest was started; the VM is as it will be."""
    for member in members[::SOME]:
        changed = copy.deepcopy(_running(member))
        devices = changed["spec"]["template"]["spec"]["domain"]["devices"]
        devices["rng"], devices["watchdog"] = {}, {"name": "dog", "i6300esb": {"action": "reset"}}
        template = member.stored["spec"]["template"]
        instance = {"metadata": template.get("metadata") or {}, "spec": _applied(template["spec"], member)}
        told = next_start(changed, instance, Upgrade("v1.6.1", "v1.9.0"), SITE)
        assert said(told) == found(starts.before(member), starts.after(changed)), member.seed


def _running(member: Member) -> Tree:
    return {**member.stored, "status": {"created": True}}


def _applied(spec: Tree, member: Member) -> Tree:
    """What KubeVirt writes into an instance of instance type and preference, as far as places follow from it."""
    made = copy.deepcopy(spec)
    wanted = member.stored["spec"]
    found = SITE.find("VirtualMachineClusterInstancetype", "", (wanted.get("instancetype") or {}).get("name", ""))
    if found is not None:
        made["domain"]["memory"] = found["spec"]["memory"]
        made["domain"]["devices"]["gpus"] = found["spec"].get("gpus", [])
    if "preference" in wanted:
        devices = made["domain"]["devices"]
        for disk in devices.get("disks", ()):
            disk["disk"] = {"bus": "virtio", **disk["disk"]}
        for card in devices.get("interfaces", ()):
            card.setdefault("model", "e1000")
        for entry in devices.get("inputs", ()):
            entry.setdefault("bus", "virtio")
        if not devices.get("inputs"):
            devices["inputs"] = [{"name": "default-0", "bus": "virtio", "type": "tablet"}]
    return made


def test_the_members_say_nothing_of_ports_as_their_version_stored_them(members: list[Member]) -> None:
    assert all(not annotations_of(member.stored) for member in members)
    assert {member.runs for member in members} == {True, False}
