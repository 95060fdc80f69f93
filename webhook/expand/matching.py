"""Which device an unnamed entry of a feature is: a stored one, one that returns, or a new one.

A device is who it is by its name; what it refers to may change under it. So an entry without a name is compared with
the devices that are there: by identity, by what the stored entries say, and last by what remains. What cannot be told
apart is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from webhook.abi.adoption import identities_of, references
from webhook.declare.scalars import listed
from webhook.domain.names import label, names_of
from webhook.expand.settling import Candidates, settled
from webhook.expand.wanted import Lists, Wanted
from webhook.findings import Finding, Refused
from webhook.trees import Tree

# Comparisons of entries with devices in one list: beyond it, entries have to be named.
_MOST_COMPARED = 16384

Keys = Callable[[Wanted], Iterable[Hashable]]
DeviceKeys = Callable[[str, Tree], Iterable[Hashable]]
Fits = Callable[[Wanted, Tree], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What is stored of a VM: its devices and tombstones, and what its features ask for under the devices' names."""

    devices: Tree
    tombstones: Tree
    before: Lists


def matched(wanted: Lists, stored: Stored) -> dict[str, str]:
    """The names of the devices that do not state one, by origin; raises Refused."""
    names: dict[str, str] = {}
    findings: list[Finding] = []
    for kind, entries in wanted.items():
        matching = _Matching(
            kind,
            entries,
            stored.before.get(kind, []),
            {device["name"]: device for device in stored.devices.get(kind, ())},
            {device["name"]: device for device in stored.tombstones.get(kind, ())},
        )
        matching.run()
        names |= matching.names
        findings += matching.findings
    if findings:
        raise Refused(findings)
    return names


@dataclass(slots=True, eq=False)
class _Matching:
    """The entries of one list while they are matched: those that wait, and the devices that are free.

    `before` are the stored entries, each with the name of its device.
    """

    kind: str
    entries: list[Wanted]
    before: list[Wanted]
    devices: dict[str, Tree]
    tombstones: dict[str, Tree]
    names: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    waiting: dict[str, Wanted] = field(default_factory=dict)
    free: dict[str, Tree] = field(default_factory=dict)
    resting: dict[str, Tree] = field(default_factory=dict)
    compared: int = 0

    def run(self) -> None:
        """Match every unnamed entry, from the strongest evidence to the weakest."""
        stated = {each.name for each in self.entries if not each.base}
        self.waiting = {each.origin: each for each in self.entries if each.base}
        self.free = {name: one for name, one in self.devices.items() if name not in stated}
        self.resting = {name: one for name, one in self.tombstones.items() if name not in stated}
        made = {each.name: each for each in self.before if each.name in self.devices}
        self._by_identity(self.free)
        self._by_own_name(made)
        # Devices that no feature asked for are not meant: a second NIC on a network is another one.
        self.free = {name: one for name, one in self.free.items() if name in made}
        self._at_its_place()
        self._unchanged(made)
        self._by_reference(self.free, Wanted.agrees)
        self._by_reference(self.free, lambda _entry, _device: True)
        self._by_identity(self.resting)
        self._returning()
        self._otherwise_unchanged(made)
        self._remaining()
        self._name_new()

    def _take(self, entry: Wanted, name: str, among: dict[str, Tree]) -> None:
        self.names[entry.origin] = name
        del self.waiting[entry.origin], among[name]

    def _by_identity(self, among: dict[str, Tree]) -> None:
        self._settle(
            self._candidates(
                among,
                lambda entry: entry.identities,
                lambda _, device: identities_of(self.kind, device),
                lambda _entry, _device: True,
            ),
            among,
        )

    def _by_own_name(self, made: dict[str, Wanted]) -> None:
        """A device that only the domain has, under the name that the feature would make, and on the same object."""
        for entry in list(self.waiting.values()):
            device = self.free.get(entry.name)
            if device is not None and entry.name not in made and entry.connected_as(device):
                self._take(entry, entry.name, self.free)

    def _at_its_place(self) -> None:
        """Where one entry alone differs from the stored one at its place, the others are what they were."""
        if len(self.entries) != len(self.before):
            return
        pairs = list(zip(self.entries, self.before, strict=True))
        changed = [now for now, then in pairs if now.text != then.text]
        if len(changed) != 1:
            return
        for now, then in pairs:
            if now is not changed[0] and now.origin in self.waiting and then.name in self.free:
                self._take(now, then.name, self.free)

    def _unchanged(self, made: dict[str, Wanted]) -> None:
        """An entry that says what a stored one does; of several that say the same the first is the first."""
        names: dict[bytes, list[str]] = {}
        for name, entry in made.items():
            if name in self.free:
                names.setdefault(entry.text, []).append(name)
        entries: dict[bytes, list[Wanted]] = {}
        for each in self.waiting.values():
            entries.setdefault(each.text, []).append(each)
        for text, same in entries.items():
            if len(same) >= len(names.get(text, ())):
                for each, name in zip(same, names.get(text, ()), strict=False):
                    self._take(each, name, self.free)

    def _by_reference(self, among: dict[str, Tree], fits: Fits) -> None:
        """An entry that refers to the object that a device refers to."""
        unsettled = self._settle(
            self._candidates(among, lambda entry: self._referred(entry.asked), self._referred_by, fits), among
        )
        self._refuse(unsettled)

    def _returning(self) -> None:
        """A removed device that returns: it referred to the same object, or to none as the entry does.

        Where the entry may as well be a stored device that would go, and now refers to that object, nobody knows.
        """
        candidates = self._candidates(
            self.resting,
            lambda entry: [references(self.kind, entry.asked)],
            lambda _, device: [references(self.kind, device)],
            Wanted.can_be,
        )
        if candidates:
            going = self._candidates(self.free, lambda _: [""], lambda _name, _: [""], Wanted.can_be)
            doubtful = {origin: [*names, *going[origin]] for origin, names in candidates.items() if origin in going}
            candidates = {origin: names for origin, names in candidates.items() if origin not in doubtful}
            self._refuse(doubtful)
        self._refuse(self._settle(candidates, self.resting))

    def _otherwise_unchanged(self, made: dict[str, Wanted]) -> None:
        """An entry that says all that a stored one did but for what it refers to, where both are the only such ones."""
        self._settle(
            self._candidates(
                self.free,
                lambda entry: [entry.text_but_references],
                lambda name, _: [made[name].text_but_references],
                lambda _entry, _device: True,
            ),
            self.free,
            strict=True,
        )

    def _remaining(self) -> None:
        """The only device that an entry can still be, and that only this entry can be."""
        candidates = self._candidates(self.free, lambda _: [""], lambda _name, _: [""], Wanted.can_be)
        for origin, names in candidates.items():
            entry = self.waiting[origin]
            candidates[origin] = [name for name in names if entry.agrees(self.free[name])] or names
        self._refuse(self._settle(candidates, self.free, strict=True))

    def _referred(self, device: Tree) -> list[Hashable]:
        """What a device refers to, if anything."""
        found = references(self.kind, device)
        return [found] if found else []

    def _referred_by(self, _name: str, device: Tree) -> list[Hashable]:
        return self._referred(device)

    def _candidates(self, among: dict[str, Tree], of: Keys, of_device: DeviceKeys, fits: Fits) -> Candidates:
        """The devices with a key in common with each waiting entry, as far as they fit."""
        if not self.waiting or not among:
            return {}
        by_key: dict[Hashable, list[str]] = {}
        for name, device in among.items():
            for key in of_device(name, device):
                by_key.setdefault(key, []).append(name)
        found: Candidates = {}
        for origin, entry in self.waiting.items():
            names = dict.fromkeys(name for key in of(entry) for name in by_key.get(key, ()))
            self.compared += len(names)
            if self.compared > _MOST_COMPARED:
                raise Refused([self._too_many(origin)])
            fitting = [name for name in names if fits(entry, among[name])]
            if fitting:
                found[origin] = fitting
        return found

    def _settle(self, candidates: Candidates, among: dict[str, Tree], *, strict: bool = False) -> Candidates:
        """Match the entries that can be one device only; returns what is left of the candidates."""
        certain, left = settled(candidates, {origin: self.waiting[origin].text for origin in candidates}, strict=strict)
        for origin, name in certain:
            self._take(self.waiting[origin], name, among)
        return left

    def _refuse(self, unsettled: Candidates) -> None:
        """Report the entries that may be several devices, or share the only one, and take all of these out."""
        for origin, names in unsettled.items():
            problem = f"has no name and may be {'any of ' if len(names) > 1 else ''}{listed(tuple(names))}"
            ways = " or ".join(f"`name: {name}`" for name in names[:4])
            new = f"or another name, such as `name: {self._example(origin, names)}`, if it is new"
            self.findings.append(Finding(origin, problem, f"write {ways} to keep the device, {new}", "frozen"))
        for origin, names in unsettled.items():
            self.waiting.pop(origin, None)
            for name in names:
                self.free.pop(name, None)
                self.resting.pop(name, None)

    def _example(self, origin: str, names: list[str]) -> str:
        """A name for a new device."""
        return names_of([(None, self.waiting[origin].base)], self._reserved().union(names))[0]

    def _too_many(self, origin: str) -> Finding:
        problem = "has too many entries without a name to tell which devices they are"
        return Finding(origin.partition("[")[0], problem, "give each entry its `name`", "frozen")

    def _reserved(self) -> set[str]:
        """Names that no new device gets: those of devices, tombstones and other entries, and the bases of these."""
        others = (
            label(each.base) if each.base else each.name for each in self.entries if each.origin not in self.waiting
        )
        return {*self.devices, *self.tombstones, *others}

    def _name_new(self) -> None:
        """Name what is left, which is new."""
        waiting = list(self.waiting.values())
        names = names_of(((None, each.base) for each in waiting), self._reserved())
        self.names |= {each.origin: name for each, name in zip(waiting, names, strict=True)}
