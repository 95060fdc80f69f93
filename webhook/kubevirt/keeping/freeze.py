"""Keeps the machine of a `kubevirt.io/v1` VM: what its guest sees is stated in the VM, and comes back if left out.

KubeVirt places most devices anew at each start. Nothing here needs a feature gate: what the API has a field for is
stated, what KubeVirt counts keeps its order, and what it places by itself finds the same ports free. What cannot be
held is said. Nothing is refused but an annotation that is no machine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from webhook.findings import Finding
from webhook.kubevirt.keeping import telling
from webhook.kubevirt.keeping.hardware import Hardware
from webhook.kubevirt.keeping.identities import draw, identify, is_clone, renew
from webhook.kubevirt.keeping.life import goes_on, restored
from webhook.kubevirt.keeping.machine import ANNOTATION, Machine, read
from webhook.kubevirt.keeping.noting import note_of
from webhook.kubevirt.keeping.places import (
    MOST_PLACED,
    Placed,
    automatic,
    choose,
    known_ports,
    moved,
    placeable,
    settled,
    with_ports,
)
from webhook.kubevirt.keeping.restoring import floats, reorder, restore, restore_devices, restore_places
from webhook.kubevirt.keeping.whole import elsewhere, first_hardware, next_hardware, owned, taken_buses
from webhook.kubevirt.starting.devices import SLOT_COUNT, Devices, annotations_of, template_of, too_long
from webhook.kubevirt.starting.effective import (
    add,
    as_started,
    complete,
    devices_at,
    draft,
    layout_of,
    own_layout,
    prefer,
    slots_of,
    state,
    with_count,
)
from webhook.kubevirt.starting.forms import well_formed
from webhook.kubevirt.starting.layout import Layout, port_of
from webhook.kubevirt.starting.preferences import matched
from webhook.kubevirt.starting.site import Frozen, Site
from webhook.kubevirt.starting.topology import ports_of
from webhook.trees import Tree

NOTHING = Machine()


def freeze(vm: Any, stored: Any, site: Site) -> Frozen:
    """A VM that comes in, as it shall be stored; `stored` is what it was, None where it is new.

    Of an object whose parts have other forms than KubeVirt's nothing is changed: the API server refuses it. Nor is one
    that is being deleted; a new one says so only by itself, and the API server forgets it.
    """
    if not well_formed(vm) or (stored is not None and vm["metadata"].get("deletionTimestamp")):
        return Frozen(vm)
    if path := too_long(vm):
        return Frozen(vm, warnings=(telling.too_many(path),))
    before = stored if stored is not None and well_formed(stored) and not too_long(stored) else None
    text = annotations_of(vm if before is None else before).get(ANNOTATION)
    machine = read(text) if text is not None else None
    if before is None and text is not None and machine is None:
        return Frozen(vm, (telling.no_machine(),))
    noted = note_of(vm, before, machine) if before is not None else ""
    if before is not None and noted:
        before, machine = with_count(before, noted), None
    if before is not None and (machine is None or not machine.written) and goes_on(vm, before):
        return _adopted(vm, before, (machine, noted), site)
    return _Writing(vm, before, (machine, noted), site).done()


def _adopted(vm: Tree, stored: Tree, known: tuple[Machine | None, str], site: Site) -> Frozen:
    """Of a VM that runs on: its places are noted, and its fields stay as they are."""
    machine, noted = known
    new = machine is None
    slots = annotations_of(stored).get(SLOT_COUNT, "")
    if machine is None or (site.hook and machine.hardware is None):
        preference, _ = matched(stored, "preference", site.find)
        ports = {} if machine is None else machine.ports
        devices = with_ports(as_started(stored, preference, site), ports)
        places = layout_of(stored, devices, site)
        if machine is None:
            if places is None:
                return Frozen(vm)
            found = known_ports(devices, places)
            machine = Machine(_name(stored), _uuid(stored), written=False, ports=found, noted=noted)
            slots = slots_of(devices, site)
        if places is not None:
            hardware = first_hardware(places, devices, template_of(stored), ports) if site.hook else None
            machine = replace(machine, hardware=hardware).readable({*machine.ports, *places.places})
    made = draft(vm)
    annotations = annotations_of(made)
    annotations[ANNOTATION] = machine.text()
    if slots:
        annotations[SLOT_COUNT] = slots
    return Frozen(made, warnings=(telling.adopted(),) if new else ())


class _Writing:
    """A VM that is new, stopped or to be started again, or stated already: its fields get to say what it is."""

    def __init__(self, vm: Tree, stored: Tree | None, known: tuple[Machine | None, str], site: Site) -> None:
        machine, noted = known
        self.vm, self.stored, self.site = draft(vm), stored, site
        self.template = template_of(self.vm)
        self.machine = machine or replace(NOTHING, noted=noted)
        # Whether a guest has known the machine: by its annotation, or since it was there before.
        self.known = machine is not None
        self.again = stored is None and restored(vm)
        self.ports = ports_of(site.version)
        self.crowded = 0
        self.present: set[str] = set()
        self.warnings: list[Finding] = []

    def done(self) -> Frozen:
        """The VM as it shall be stored."""
        preference = self._preference()
        self._complete(preference)
        self._identify()
        earlier = self._earlier(preference)
        before = layout_of(self.stored or self.vm, earlier, self.site) if earlier else None
        placed = self._place(earlier, before)
        if placed is not None:
            _write(self.template["domain"]["devices"], placed)
            if self.ports == "annotated":
                annotations_of(self.vm)[SLOT_COUNT] = str(placed.slots)
        known = self._known_hardware(earlier, before)
        hardware = self._next_hardware(known, placed) if earlier is None or known else None
        self.machine = replace(self.machine, hardware=hardware)
        annotations_of(self.vm)[ANNOTATION] = self._noted(placed).text()
        self._tell(placed)
        if self.site.hook and hardware is not None:
            moves = elsewhere(known, hardware) if known else ()
            self.warnings += telling.restated(moves, known or hardware, hardware)
        else:
            moves = tuple(moved(before, placed.layout)) if before and placed else ()
            self.warnings += telling.moves(moves, before, placed.layout if placed else None)
        return Frozen(self.vm, warnings=tuple(self.warnings), moves=moves)

    def _known_hardware(self, earlier: Devices | None, before: Layout | None) -> Hardware | None:
        """The hardware that a guest knows: as it is noted, else as KubeVirt has placed it until now."""
        if self.machine.hardware is not None or not self.site.hook or earlier is None or before is None:
            return self.machine.hardware
        return first_hardware(before, earlier, template_of(self.stored or self.vm), self.machine.ports)

    def _next_hardware(self, known: Hardware | None, placed: Placed | None) -> Hardware | None:
        """The hardware from now on; None where no hook shall restate it, or nobody can say it."""
        if known is None and not self.site.hook:
            return None
        devices = placed.devices if placed else devices_at(self.vm, self.site)
        made = placed.layout if placed else own_layout(self.vm, devices)
        if made is None:
            return known
        self.present |= {owned(name) for name in made.places}
        if known is None:
            return first_hardware(made, devices, self.template, self.machine.ports)
        return next_hardware(known, made, devices, self.template)

    def _preference(self) -> Tree | None:
        """The preference that the VM met first, while it names the same one; None where there is none."""
        matcher = self.vm["spec"].get("preference")
        name = matcher.get("name") if type(matcher) is dict else None
        if self.stored is not None and name and self.machine.preferred == name:
            return self.machine.preference
        found, missing = matched(self.vm, "preference", self.site.find)
        if missing:
            self.warnings.append(telling.unknown("preference", missing))
        kept = {part: found[part] for part in _PREFERRED if found.get(part)} if found else {}
        self.machine = replace(self.machine, preferred=str(name) if found else "", preference=kept)
        return kept if found is not None else None

    def _complete(self, preference: Tree | None) -> None:
        """State what KubeVirt would add and fill in. What was stored comes before what a preference says.

        What KubeVirt adds is added first: an entry that was added at create is stored like any other.
        """
        if self.stored is None:
            state(self.vm, preference, self.site)
            return
        domain, stored = self.template["domain"], template_of(self.stored)["domain"]
        old = stored.get("devices") or {}
        slots = annotations_of(self.stored).get(SLOT_COUNT)
        if slots:
            annotations_of(self.vm).setdefault(SLOT_COUNT, slots)
        restore(domain, stored)
        prefer(self.vm, preference, self.site)
        devices = domain["devices"]
        add(self.vm, preference or {}, self.site)
        restore_devices(devices, old)
        complete(self.vm, preference or {})
        restore_places(devices, old)
        self.warnings += [telling.order(kind) for kind in reorder(devices, old)]

    def _identify(self) -> None:
        """Who it is: of a new VM drawn, of a clone drawn anew, of a VM that a guest knows kept."""
        domain, known = self.template["domain"], self.machine.identities
        new = self.stored is None
        if new and self.known and is_clone(domain, self.machine):
            renew(domain["devices"], known)
            known = {}
        elif new and self.known and not _same(self.machine.name, _name(self.vm)):
            self.warnings.append(telling.twin(self.machine.name))
        if new and not self.again:
            identify(domain, self.site.entropy)
        listed = (template_of(self.stored)["domain"].get("devices") or {}).get("disks") if self.stored else ()
        having = {entry["name"] for entry in listed or ()}
        serials = set() if self.again else {entry["name"] for entry in domain["devices"].get("disks") or ()} - having
        found = draw(domain["devices"], known, self.site.entropy, serials=serials)
        self.machine = replace(self.machine, identities={**known, **found})

    def _earlier(self, preference: Tree | None) -> Devices | None:
        """The devices that a guest has known until now; None of a new VM."""
        if self.stored is None and not (self.known or self.again or SLOT_COUNT in annotations_of(self.vm)):
            return None
        devices = as_started(self.stored or self.vm, preference, self.site)
        # A machine that was noted while it ran had its places without stating them.
        return with_ports(devices, self.machine.ports) if self.known else devices

    def _place(self, earlier: Devices | None, before: Layout | None) -> Placed | None:
        """A place for each device, with the fewest moves; None where there are too many, or it is not known."""
        devices = devices_at(self.vm, self.site)
        if layout_of(self.vm, devices, self.site) is None:
            return None
        count = sum(1 for _ in placeable(devices))
        if count > MOST_PLACED:
            self.crowded = count
            return None
        known, avoided = self.machine.ports, set[int]()
        if earlier is not None and before is not None:
            known = {**known_ports(earlier, before), **known}
            avoided = automatic(before, earlier)
        if self.machine.hardware is not None:
            avoided = avoided | taken_buses(self.machine.hardware)
        self.machine = replace(self.machine, ports=known)
        return settled(with_ports(devices, choose(devices, known, avoided, self.ports)), before, self.ports)

    def _noted(self, placed: Placed | None) -> Machine:
        """The machine as it is now, with the places of what is gone."""
        found = {name: port_of(each.address) for name, each in placeable(placed.devices)} if placed else {}
        here = {name: port for name, port in found.items() if port is not None}
        taken = set(here.values())
        gone = {name: port for name, port in self.machine.ports.items() if name not in here and port not in taken}
        made = replace(self.machine, name=_name(self.vm), uuid=_uuid(self.vm), written=True, ports={**gone, **here})
        listed = self.template["domain"]["devices"]
        having = {f"{kind} {entry['name']}" for kind in ("disk", "interface") for entry in listed.get(f"{kind}s") or ()}
        return made.readable(having | self.present)

    def _tell(self, placed: Placed | None) -> None:
        """What is not held; said once, when the machine is written first, but for places that nobody can choose."""
        held = self.machine.hardware is not None
        if self.crowded and not held:
            self.warnings.append(telling.crowded(self.crowded, MOST_PLACED))
        if self.stored is not None and self.known and self.machine.written:
            return
        machine = (self.template["domain"].get("machine") or {}).get("type") or "q35"
        if floats(machine):
            self.warnings.append(telling.floating(machine))
        _, missing = matched(self.vm, "instancetype", self.site.find)
        if missing:
            self.warnings.append(telling.unknown("instancetype", missing))
        if placed is None and not self.crowded and not held:
            unknown = telling.uncaptured() if self.site.hook and self.stored else None
            unstable = self.site.version if self.ports == "unstable" else ""
            self.warnings.append(unknown or telling.unplaced(unstable))


# The parts of a preference that make the guest's machine.
_PREFERRED = ("clock", "devices", "features", "firmware", "machine")


def _write(devices: Tree, placed: Placed) -> None:
    """State the addresses."""
    addresses = {name: each.address for name, each in placeable(placed.devices) if each.address}
    for entry in devices.get("interfaces") or ():
        address = addresses.get(f"interface {entry['name']}")
        if address:
            entry["pciAddress"] = address
    for entry in devices.get("disks") or ():
        address = addresses.get(f"disk {entry['name']}")
        if address:
            entry["disk"] = {**entry["disk"], "pciAddress": address}


def _name(vm: Tree) -> str:
    """The namespace and name; nothing of a VM that has none yet."""
    metadata = vm["metadata"]
    name, namespace = metadata.get("name"), metadata.get("namespace")
    return f"{namespace or ''}/{name}" if name else ""


def _same(one: str, other: str) -> bool:
    """Whether two names may be one VM's: a manifest may leave its namespace out, and a name is made late."""
    if not one or not other:
        return True
    first, second = one.partition("/"), other.partition("/")
    return first[2] == second[2] and (first[0] == second[0] or not first[0] or not second[0])


def _uuid(vm: Tree) -> str:
    return str((template_of(vm)["domain"].get("firmware") or {}).get("uuid") or "")
