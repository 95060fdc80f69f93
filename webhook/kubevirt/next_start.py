"""Where the guest of a VM finds its devices at its next start, and where it found them at the last one.

Two versions of KubeVirt reserve root ports differently, and what they place behind them moves. Nothing of the VM is
changed here, and nothing is guessed: where the last start or a device is not known, that is the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from webhook.declare import shown
from webhook.findings import Finding
from webhook.kubevirt.keeping import telling
from webhook.kubevirt.keeping.machine import ANNOTATION, COUNT, read
from webhook.kubevirt.keeping.places import moved, with_ports
from webhook.kubevirt.starting.devices import SLOT_COUNT, Devices, annotations_of, modelled, template_of, too_long
from webhook.kubevirt.starting.effective import devices_at, draft, state
from webhook.kubevirt.starting.forms import malformed
from webhook.kubevirt.starting.held_ports import by_memory, is_large, noted
from webhook.kubevirt.starting.layout import Layout, held, layout
from webhook.kubevirt.starting.preferences import matched
from webhook.kubevirt.starting.site import Site
from webhook.kubevirt.starting.topology import Ports, topology_of
from webhook.trees import Tree

Outcome = Literal["moves", "unknown", "frozen", "stays"]
# KubeVirt's own note of how a VM's ports were reserved: `v2` with a count, which it keeps, or `v3`.
NOTE = "kubevirt.io/pci-topology-version"
_COUNTED = "v2"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The version with which VMs started last, unless they say another one, and the one of the next start.

    `before` is empty where nobody knows. `stated`: somebody said it, so that it is not of the whole cluster alone.
    """

    before: str
    after: str
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One device by its name, and its places as ways from the machine's root."""

    name: str
    until_now: str
    then: str


@dataclass(frozen=True, slots=True)
class NextStart:
    """What a next start does to a VM. `hold` are annotations of its template with which less moves, if set before it.

    `help` is the way out where there are none. `notes` are what else is not known of it.
    """

    outcome: Outcome
    reason: str
    moves: tuple[Move, ...] = ()
    hold: Mapping[str, str] = field(default_factory=dict)
    help: str = ""
    notes: tuple[Finding, ...] = ()


_HOOK = Finding(
    f"spec.template.metadata.annotations[{ANNOTATION}]",
    "notes the whole hardware: where a hook restates it at the next start, none of it moves",
    "see to it that KubeVirt calls `vmconfig hook`",
    telling.RULE,
)


class _Unknown(Exception):
    """Why it cannot be said where devices are."""


@dataclass(frozen=True, slots=True)
class _Started:
    """The devices of a start that was, how many ports were held behind the cards, and where the devices were."""

    devices: Devices
    holding: int
    layout: Layout


def next_start(vm: Any, instance: Any, upgrade: Upgrade, site: Site) -> NextStart:
    """What the next start does to a VM that is stored; `instance` is the one that runs of it, None where none is known.

    Never raises, whatever the objects are.
    """
    try:
        return _forecast(vm, instance, upgrade, site)
    except _Unknown as unknown:
        return NextStart("unknown", str(unknown))


def _forecast(vm: Any, instance: Any, upgrade: Upgrade, site: Site) -> NextStart:
    now, large = _devices(vm, site)
    running = _as_vm(instance) if instance is not None else None
    kept = read(annotations_of(vm).get(ANNOTATION, ""))
    if kept is not None:
        now = with_ports(now, kept.ports)
    was = (now, large) if running is None else _devices(running, site)
    plugged = _plugged(running or vm)
    start = _started(annotations_of(running or vm), (_without(was[0], plugged), was[1]), upgrade)
    now = _without(now, _plugged(vm))
    holding, why = _next((now, large), _carried(vm, running, start, upgrade), upgrade)
    after = layout(now, holding)
    names = [name for name in moved(start.layout, after) if name.removeprefix("disk ") not in plugged]
    why = f"KubeVirt held {start.holding} root ports behind the network cards, {upgrade.after} holds {holding}{why}"
    notes = tuple(_notes(vm, running, plugged))
    if not names:
        placed = kept is not None and (kept.ports or SLOT_COUNT in annotations_of(vm))
        return NextStart("frozen" if placed else "stays", why, notes=notes)
    if kept is not None and kept.hardware is not None:
        notes += (_HOOK,)
    moves = tuple(Move(name, shown(start.layout.places[name]), shown(after.places[name])) for name in names)
    hold = _hold(start, now, len(names), upgrade)
    return NextStart("moves", why, moves, hold, "" if hold else _way_out(upgrade), notes)


def _devices(vm: Any, site: Site) -> tuple[Devices, bool | None]:
    """A VM's devices at a start, and whether it has much memory; raises _Unknown."""
    wrong = next(malformed(vm), None)
    if wrong is not None:
        raise _Unknown(f"{wrong.path} {wrong.problem}: its places cannot be told")
    if path := too_long(vm):
        raise _Unknown(telling.too_many(path).problem)
    preference, missing = matched(vm, "preference", site.find)
    if missing:
        raise _Unknown(f"preference `{shown(missing)}` is not found: which devices it adds is not known")
    kind, missing = matched(vm, "instancetype", site.find)
    if missing:
        raise _Unknown(f"instance type `{shown(missing)}` is not found: what it passes through is not known")
    made = draft(vm)
    state(made, preference, site)
    if not modelled(template_of(made), annotations_of(made)):
        raise _Unknown(telling.unplaced("").problem)
    return devices_at(made, site), is_large(template_of(made), kind)


def _as_vm(instance: Any) -> Tree:
    """An instance that runs, in the form of a VM that makes it; raises _Unknown."""
    spec, metadata = (instance.get(key) if type(instance) is dict else None for key in ("spec", "metadata"))
    if type(metadata) is not dict:
        raise _Unknown("its instance is none as KubeVirt has it")
    template = {"metadata": {"annotations": metadata.get("annotations")}, "spec": spec}
    return {"metadata": metadata, "spec": {"template": template}, "status": {"created": True}}


def _started(said: Mapping[str, str], was: tuple[Devices, bool | None], upgrade: Upgrade) -> _Started:
    """What is known of the last start, of which the annotations were these; raises _Unknown."""
    devices, large = was
    ports = topology_of(upgrade.before).ports if upgrade.before else None
    # Where no place could be held this service keeps a machine without a count.
    if NOTE in said or (SLOT_COUNT in said and read(said.get(ANNOTATION, "")) is not None):
        holding = _annotated(devices)
    elif ports is None:
        raise _Unknown("nothing says with which KubeVirt it started last: say it with `--from`")
    elif ports == "annotated" and not upgrade.stated:
        # These versions note on every VM that starts how its ports are reserved.
        raise _Unknown(f"has not started with KubeVirt {upgrade.before} yet: say with `--from` what it started with")
    else:
        holding = _held(devices, large, ports)
    return _Started(devices, holding, layout(devices, holding))


def _carried(vm: Tree, running: Tree | None, start: _Started, upgrade: Upgrade) -> str | None:
    """The count that KubeVirt itself writes into a VM that runs, before its next start; None where it writes none."""
    if NOTE in annotations_of(vm) or (running is None and not _runs(vm)):
        return None
    noted_before = annotations_of(running) if running is not None else {}
    if NOTE in noted_before:
        return noted_before.get(SLOT_COUNT)
    by_itself = upgrade.before and topology_of(upgrade.before).ports == "annotated"
    if by_itself or not topology_of(upgrade.after).notes:
        return None
    found = noted(start.devices, start.layout)
    return None if found == held(start.devices, "fixed") else str(found + len(start.devices.cards))


def _next(now: tuple[Devices, bool | None], carried: str | None, upgrade: Upgrade) -> tuple[int, str]:
    """How many ports are held at the next start, and what more is to say of it."""
    devices, large = now
    ports = topology_of(upgrade.after).ports
    if carried is None or ports != "annotated":
        return _held(devices, large, ports), ""
    return _annotated(_counted(devices, carried)), ", as it notes of a guest that runs"


def _held(devices: Devices, large: bool | None, ports: Ports) -> int:
    if ports == "annotated":
        return _annotated(devices)
    if ports == "fixed":
        return held(devices, ports)
    if large is None:
        raise _Unknown("its memory is no amount: how many ports are held is not known")
    return by_memory(devices, large=large)


def _counted(devices: Devices, slots: str) -> Devices:
    return replace(devices, annotations={**devices.annotations, SLOT_COUNT: slots})


def _annotated(devices: Devices) -> int:
    stated = devices.annotations.get(SLOT_COUNT)
    if stated is not None and not COUNT.fullmatch(stated):
        raise _Unknown(f"`{SLOT_COUNT}` is no number of ports: KubeVirt does not start it")
    return held(devices, "annotated")


def _hold(start: _Started, now: Devices, moving: int, upgrade: Upgrade) -> dict[str, str]:
    """The annotations with which the next start holds as many ports as the last one did, where less moves then."""
    slots = str(start.holding + len(start.devices.cards))
    if topology_of(upgrade.after).ports != "annotated":
        return {}
    left = moved(start.layout, layout(now, held(_counted(now, slots), "annotated")))
    return {NOTE: _COUNTED, SLOT_COUNT: slots} if len(left) < moving else {}


def _way_out(upgrade: Upgrade) -> str:
    if topology_of(upgrade.after).ports != "annotated":
        return "start it with 1.6.4, 1.7.2, 1.8 or later instead, which can hold as many ports as before"
    return "undo what was changed since it started, or see to it in the guest before its next start"


def _runs(vm: Tree) -> bool:
    status = vm.get("status")
    return type(status) is dict and status.get("created") is True


def _plugged(vm: Tree) -> set[str]:
    """The disks that are plugged in once the guest runs."""
    volumes = template_of(vm).get("volumes") or ()
    return {
        volume["name"]
        for volume in volumes
        if any(type(source) is dict and source.get("hotpluggable") is True for source in volume.values())
    }


def _without(devices: Devices, plugged: set[str]) -> Devices:
    """The devices that have a port at the start itself."""
    kept = tuple(disk for disk in devices.disks if disk.bus != "virtio" or disk.name not in plugged)
    return replace(devices, disks=kept) if plugged else devices


def _notes(vm: Tree, running: Tree | None, plugged: set[str]) -> Iterator[Finding]:
    if plugged:
        names = ", ".join(f"`{shown(name)}`" for name in sorted(plugged))
        yield Finding(
            "spec.template.spec.volumes",
            f"{names}: plugged in while the guest runs, at a place that nothing says",
            "make it a volume of the next start: leave `hotpluggable` out",
            telling.RULE,
        )
    if running is None and _changed(vm):
        yield Finding(
            "status.conditions",
            "was changed since it started: what moves by that is not counted",
            "add the VirtualMachineInstance to the sources",
            telling.RULE,
        )


def _changed(vm: Tree) -> bool:
    status = vm.get("status")
    conditions = status.get("conditions") if type(status) is dict else None
    return type(conditions) is list and any(
        type(each) is dict and each.get("type") == "RestartRequired" and each.get("status") == "True"
        for each in conditions
    )
