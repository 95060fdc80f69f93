"""What an admin granted stays whole, tried on every declared place: by tenants of two levels, and by the admin himself.

An admin puts one field of the host into a machine. Then its tenant tries everything around it: another value, none,
another use of the device, another name for it. Places come from the declarations: what is declared tomorrow is tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from tests.attacks.manifests import context, manifest
from tests.libvirt.test_every_place import examples
from tests.policy.engine.test_reviews import context as ruled
from tests.policy.vap.trees import backends, smallest
from webhook.abi.freeze import tombstone_of
from webhook.admission.context import AdmissionContext
from webhook.admission.review import Review
from webhook.admission.validate import validate
from webhook.declare import Backend, Field, Frontend, Shape
from webhook.declare.tree import copied
from webhook.kinds import declared_fields
from webhook.trees import Tree

DEVICES = "domain.devices."
LEVELS = ("restricted", "baseline")


@dataclass(frozen=True)
class Grant:
    """A field of the host in a spec that says nothing else: its declared path, its value, and the spec's domain."""

    path: str
    value: Any
    domain: Tree

    @property
    def kind(self) -> str:
        """The list, or the field, of the device; empty where there is none."""
        return self.path.removeprefix(DEVICES).split(".")[0].removesuffix("[*]") if self.in_device else ""

    @property
    def in_device(self) -> bool:
        return self.path.startswith(DEVICES)

    def with_device(self, device: Tree) -> Tree:
        one = self.domain["devices"][self.kind]
        return {"devices": {self.kind: [device] if type(one) is list else device}}

    @property
    def device(self) -> Tree:
        one: Any = self.domain["devices"][self.kind]
        device: Tree = one[0] if type(one) is list else one
        return device


@cache
def grants() -> tuple[Grant, ...]:
    """Every declared backend field of a domain, and every word that is backend."""
    found = [Grant(path, _at(spec, path), spec["domain"]) for path, _, spec in backends() if path.startswith("domain.")]
    for each in found:
        if each.in_device:
            each.device.setdefault("name", "n0")
    return tuple(found)


def _at(tree: Any, path: str) -> Any:
    for part in path.split("."):
        tree = tree[part.removesuffix("[*]")]
        if part.endswith("[*]") and type(tree) is list and not path.endswith(part):
            tree = tree[0]
    return tree


def refusals(
    facts: AdmissionContext, before: Tree, after: Tree, abi: Tree | None = None, was: Tree | None = None
) -> list[str]:
    """What policies and the frozen machine say of an update past the mutating webhook; not that it is no whole one."""
    old = {"domain": before, "abi": was or {}}
    verdict = validate(_review({"domain": after, "abi": abi or {}}, old), facts)
    found = ((each.path, each.rule.split(" ")[0]) for each in verdict.findings)
    return [f"{where} {rule}" for where, rule in found if "/" in rule or rule == "frozen"]


def status_refusals(facts: AdmissionContext, before: Tree, after: Tree) -> list[str]:
    old, new = ({**manifest("VM", {}), "status": {"desired": each}} for each in (before, after))
    verdict = validate(_review(None, None, new, old), facts)
    return [each.rule for each in verdict.findings if "/" in each.rule]


def _review(spec: Any, stored: Any, obj: Any = None, old: Any = None) -> Review:
    return Review(
        uid="granted",
        operation="UPDATE",
        kind="VM",
        namespace="default",
        name="web-1",
        object=obj or manifest("VM", spec),
        old_object=old or manifest("VM", stored),
        user="tenant",
        groups=(),
        dry_run=False,
        subresource="status" if obj else "",
    )


def admins() -> AdmissionContext:
    return ruled([{"rules": [{"name": "all", "permit": {"class": "backend"}}]}], {})


def by_policy(found: list[str]) -> bool:
    return any("/" in each for each in found)


def others(grant: Grant) -> Iterator[Tree]:
    """The domain with every other word of the field, or another value."""
    entry = declared_fields()[grant.path].field
    if entry.scalar is None:
        return
    for value in dict.fromkeys([*map(_hashable, [*entry.scalar.values, *entry.unless, *examples(entry.scalar)])]):
        if value != _hashable(grant.value):
            yield smallest(grant.path, value)["domain"]


def _hashable(value: Any) -> Any:
    return value if type(value) is not list else value[0]


def lacking(tree: Any, path: str) -> Tree:
    """The tree without what stands at a declared path."""
    made = copied(tree)
    here: Any = made
    *way, last = path.removeprefix("domain.").split(".")
    for part in way:
        here = here[part.removesuffix("[*]")]
        here = here[0] if part.endswith("[*]") else here
    here.pop(last.removesuffix("[*]"))
    return made  # type: ignore[no-any-return]


def beside(grant: Grant) -> Iterator[tuple[str, Tree, Tree]]:
    """Two forms of the granted device that differ in one other field: each reference, goal and frontend of it."""
    shape = declared_fields()[
        DEVICES + grant.kind + ("[*]" if type(grant.domain["devices"][grant.kind]) is list else "")
    ].field.shape
    assert shape is not None
    for way, entry in _leaves(shape, ()):
        first, second = _two(entry)
        if first is None or way[-1] == "name" or way[0] == "address" or _said(grant.device, way):
            continue
        yield ".".join(way), _laid(grant.device, way, first), _laid(grant.device, way, second)


def _leaves(shape: Shape, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Field]]:
    """References and goals wherever they are in a device, and frontends of its own."""
    for entry in shape.fields.values():
        here = (*way, entry.name)
        if entry.shape is None:
            if not isinstance(entry.field_class, Backend) and (
                len(way) < 2 or not isinstance(entry.field_class, Frontend)
            ):
                yield here, entry
        elif not entry.many and not isinstance(entry.field_class, Backend):
            yield from _leaves(entry.shape, here)


def _two(entry: Field) -> tuple[Any, Any]:
    """Two values of a field that need nobody's permission; the second is None where there is but one."""
    assert entry.scalar is not None
    free = [each for each in examples(entry.scalar) if not isinstance(entry.class_of_value(each), Backend)]
    return (free[0] if free else None), (free[1] if len(free) > 1 else None)


def _said(tree: Any, way: tuple[str, ...]) -> bool:
    for name in way:
        if type(tree) is not dict or name not in tree:
            return False
        tree = tree[name]
    return True


def _laid(device: Tree, way: tuple[str, ...], value: Any) -> Tree:
    made = copied(device)
    if value is None:
        return made  # type: ignore[no-any-return]
    here = made
    for name in way[:-1]:
        here = here.setdefault(name, {})
    here[way[-1]] = value
    return made  # type: ignore[no-any-return]


@cache
def denied(level: str) -> tuple[Grant, ...]:
    """Those that a tenant of this level could not set himself."""
    return tuple(grant for grant in grants() if by_policy(refusals(context(level), {}, grant.domain)))


def one_of_each(level: str) -> list[Grant]:
    """One grant of each element of each device: what is done to the device is the same for all of them."""
    found = {grant.path.rpartition(".")[0]: grant for grant in denied(level) if grant.in_device}
    return list(found.values())


def test_there_are_grants_of_every_device_and_elsewhere() -> None:
    kinds = {grant.kind for grant in grants()}
    assert len(grants()) > 1000
    assert len(kinds) > 25
    assert "" in kinds
    assert len(denied("baseline")) < len(denied("restricted")) == len(grants())
    assert len(one_of_each("restricted")) > 100


@pytest.mark.parametrize("level", LEVELS)
def test_a_granted_value_is_neither_changed_nor_taken_away(level: str) -> None:
    """Not to another one of the host's, and not to one that is free."""
    facts, wrong = context(level), []
    for grant in denied(level):
        tried = [*others(grant), lacking(grant.domain, grant.path)]
        if len(grant.path.split(".")) > 4:
            tried.append(lacking(grant.domain, ".".join(grant.path.split(".")[:4])))
        for after in tried:
            if grant.in_device and after.get("devices", {}).get(grant.kind):
                after = grant.with_device({**_first(after["devices"][grant.kind]), "name": "n0"})
            if not by_policy(refusals(facts, grant.domain, after)) or not status_refusals(facts, grant.domain, after):
                wrong.append(f"{grant.path}: {grant.value} → {after}")
    assert wrong == []


def _first(entries: Any) -> Tree:
    device: Tree = entries[0] if type(entries) is list else entries
    return device


@pytest.mark.parametrize("level", LEVELS)
def test_a_device_is_not_turned_around_what_it_was_granted(level: str) -> None:
    """Whatever else of it changes, is added or goes: each reference, goal and frontend, in the spec and in a status."""
    facts, wrong, tried, kinds = context(level), [], 0, set()
    for grant in one_of_each(level):
        # All that stands beside it once a kind; what a grant's own element is makes no difference, so a few of each.
        fields = list(beside(grant))
        for name, one, other in fields if grant.kind not in kinds else fields[:3]:
            pairs = [(grant.device, one), (one, other), (one, grant.device)]
            for before, after in pairs[: 3 if other != one else 1]:
                tried += 1
                old, new = grant.with_device(before), grant.with_device(after)
                if not by_policy(refusals(facts, old, new)) or not status_refusals(facts, old, new):
                    wrong.append(f"{grant.path}: {name}: {before} → {after}")
        kinds.add(grant.kind)
    assert tried > 500
    assert wrong == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_device_does_not_take_what_it_was_granted_to_another_name(level: str) -> None:
    facts, wrong = context(level), []
    for grant in one_of_each(level):
        if type(grant.domain["devices"][grant.kind]) is list:
            renamed = grant.with_device({**grant.device, "name": "n1"})
            if not by_policy(refusals(facts, grant.domain, renamed)) or not status_refusals(
                facts, grant.domain, renamed
            ):
                wrong.append(grant.path)
    assert wrong == []


def tombstone(grant: Grant) -> Tree:
    """The granted device as it rests."""
    return grant.with_device(grant.device)["devices"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("level", LEVELS)
def test_a_device_goes_to_rest_and_comes_back_with_all_that_it_was_granted_and_with_nothing_less(level: str) -> None:
    facts, wrong = context(level), []
    for grant in one_of_each(level):
        rests = {"tombstones": tombstone(grant)}
        bare = tombstone_of(grant.kind, grant.device)
        assert bare is not None
        stripped = {"tombstones": grant.with_device(bare)["devices"]}
        back = grant.with_device(bare)
        said = {
            "goes": not refusals(facts, grant.domain, {}, rests),
            "does not go bare": by_policy(refusals(facts, grant.domain, {}, stripped)),
            "does not vanish": by_policy(refusals(facts, grant.domain, {})),
            "comes back": not refusals(facts, {"title": "t"}, {"title": "t", **grant.domain}, {}, rests),
            "does not come back bare": by_policy(refusals(facts, {"title": "t"}, {"title": "t", **back}, {}, rests)),
            "does not vanish from rest": by_policy(refusals(facts, {"title": "t"}, {"title": "u"}, {}, rests)),
        }
        wrong += [f"{grant.path}: {what}" for what, holds in said.items() if not holds]
    assert wrong == []


OWN = {
    "interfaces": ["mac.address", "acpiIndex"],
    "disks": ["serial", "wwn", "acpiIndex"],
    "memories": ["uuid"],
    "filesystems": ["target"],
}
PLACES = [
    "0000:01:00.0",
    "0000:00:03.1,multifunction=on",
    "drive:0:0:0:1",
    "usb:0:1.2",
    "fe.0.0001",
    "virtio-serial:0:0:1",
    "dimm:1,base=0x000001000",
]


@pytest.mark.parametrize("level", [*LEVELS, "privileged"])
def test_no_other_device_takes_the_identity_of_one_that_rests(level: str) -> None:
    """In the request in which it goes, and in a later one; a part of the machine that stood so already may stay."""
    facts, known = context(level), declared_fields()
    for kind, fields in OWN.items():
        for field in fields:
            entry = known[f"{DEVICES}{kind}[*].{field}"].field
            assert entry.scalar is not None
            value = examples(entry.scalar)[0]
            device = _laid({"name": "one"}, tuple(field.split(".")), value)
            upper = value.upper() if type(value) is str else value
            same = upper if entry.scalar.check(upper) is None else value
            _not_taken(facts, kind, device, _laid({"name": "two"}, tuple(field.split(".")), same), field)


@pytest.mark.parametrize("level", [*LEVELS, "privileged"])
@pytest.mark.parametrize("place", PLACES)
def test_no_other_device_takes_the_place_of_one_that_rests(level: str, place: str) -> None:
    _not_taken(context(level), "disks", {"name": "one", "address": place}, {"name": "two", "address": place}, "address")


def test_no_other_device_has_the_identity_or_the_place_of_one_that_is_there() -> None:
    """Or it would be the granted device's heir: what a device has already is no reason to refuse it."""
    known, wrong = declared_fields(), []
    for kind, fields in OWN.items():
        for field in fields:
            scalar = known[f"{DEVICES}{kind}[*].{field}"].field.scalar
            assert scalar is not None
            wrong += _shared(kind, field.split("."), examples(scalar)[0])
    for place in PLACES:
        wrong += _shared("disks", ["address"], place)
        wrong += [f"{place}: {other}" for other in _again(place) if _taken_as(other)]
    assert wrong == []


def _shared(kind: str, field: list[str], value: Any) -> list[str]:
    """The field, if two devices of a new machine may have its value."""
    two = [_laid({"name": name}, tuple(field), value) for name in ("one", "two")]
    alone, both = (_found({"devices": {kind: devices}}) for devices in (two[:1], two))
    return (
        [] if any(each.startswith(f"spec.domain.devices.{kind}[1]") for each in both - alone) else [f"{kind}: {field}"]
    )


def _found(domain: Tree) -> set[str]:
    """The places and rules of all that is wrong with a new domain, but for what it does not say."""
    verdict = validate(replace(_review({"domain": domain}, None), operation="CREATE", old_object=None), context())
    return {f"{each.path} {each.rule}" for each in verdict.findings if each.rule != "complete"}


def _again(place: str) -> Iterator[str]:
    """Other spellings of a place: with a nought before each number, in capital letters, with blanks."""
    yield from (place[: found.start()] + "0" + place[found.start() :] for found in re.finditer(r"\b[0-9a-f]+\b", place))
    yield from (other for other in (place.upper(), f" {place}", f"{place}\n") if other != place)


def _taken_as(value: str) -> bool:
    scalar = declared_fields()[f"{DEVICES}disks[*].address"].field.scalar
    assert scalar is not None
    return scalar.check(value) is None


def _not_taken(facts: AdmissionContext, kind: str, device: Tree, other: Tree, field: str) -> None:
    rests = {"tombstones": {kind: [device]}}
    before, after = {"devices": {kind: [device]}}, {"devices": {kind: [other]}}
    taken = [f"spec.domain.devices.{kind}[0].{field} frozen"]
    assert refusals(facts, before, after, rests) == taken
    assert refusals(facts, {"title": "t"}, {"title": "t", **after}, rests, rests) == taken
    assert refusals(facts, after, {"title": "t", **after}, rests, rests) == []
    assert refusals(facts, {"title": "t"}, {"title": "t", "devices": {kind: [{"name": "two"}]}}, rests, rests) == []


def test_whoever_may_set_what_was_granted_may_do_all_that_with_it() -> None:
    facts, wrong = admins(), []
    for grant in grants():
        for after in (*others(grant), lacking(grant.domain, grant.path)):
            if by_policy(refusals(facts, grant.domain, after)) or status_refusals(facts, grant.domain, after):
                wrong.append(f"{grant.path}: {grant.value} → {after}")
    assert wrong == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_device_to_which_nothing_was_granted_is_its_tenants(level: str) -> None:
    facts, wrong = context(level), []
    for grant in {grant.kind: grant for grant in grants() if grant.in_device}.values():
        bare = Grant(grant.path, None, grant.with_device({"name": "n0"}))
        for name, one, other in beside(bare):
            old, new = bare.with_device(one), bare.with_device(other)
            if by_policy(refusals(facts, {}, new)):
                continue  # no grant of an admin's: the level itself bounds it
            if by_policy(refusals(facts, old, new)) or status_refusals(facts, old, new):
                wrong.append(f"{bare.kind}: {name}")
    assert wrong == []
