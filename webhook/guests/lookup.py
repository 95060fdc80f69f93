"""Guests found by the fields of `features.system`. Data is read once a rule set; a lookup is two dictionary reads.

The caches hold package data. Names and versions come from tenants, so that those by name are bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from webhook.declare import shown
from webhook.declare.nearest import closest
from webhook.declare.scalars import listed
from webhook.findings import Finding, Refused
from webhook.guests import data_files
from webhook.guests.guest import Guest
from webhook.guests.names import parted, plain, shorter
from webhook.trees import Tree

# The guest of a VM that names none.
UNNAMED = "other"
# Names less alike than this are of other systems: sles is no alpine.
_ALIKE = 0.75


def find(system: Tree | None, rule_set: str, path: str = "spec.features.system") -> Guest:
    """The guest of `features.system` (`type`, `version`), or the one for VMs that name none.

    Raises Refused where the rule set does not have it; the help names the nearest.
    """
    kind = (system or {}).get("type")
    version = str((system or {}).get("version", "")).lower()
    if kind is None and version:
        problem = f"`{shown(version)}` is a version of no guest"
        raise Refused([Finding(f"{path}.version", problem, "say which guest in `type`", "guest")])
    family = data_files.kinds(rule_set).get(kind or UNNAMED)
    exact = family.known.get(family.also.get(version, version)) if family is not None else None
    return exact or _written(rule_set, str(kind), version, path)


def types() -> tuple[str, ...]:
    """The guest types of all rule sets, which are the names of their files: nothing is read for them."""
    return tuple(sorted({path.stem for path in data_files.DATA.glob("*/*.yaml")}))


def guests(rule_set: str) -> list[Guest]:
    """Every guest of a rule set, one a type and version."""
    return [guest for _, kind in sorted(data_files.kinds(rule_set).items()) for guest in kind.known.values()]


def others(guest: Guest, rule_set: str) -> tuple[str, ...]:
    """The other words for a guest of the rule set: for its version, or for its type where it is any version."""
    family = data_files.kinds(rule_set)[guest.type]
    return tuple(word for word, of in family.also.items() if of == guest.version) if guest.version else family.names


@lru_cache(1024)
def _written(rule_set: str, kind: str, version: str, path: str) -> Guest:
    """A guest by a name as people write it, which may hold the version, or a part of the name may be in `version`."""
    names = data_files.names(rule_set)
    name = parted(plain(kind), names)
    within = _version(rule_set, *name) if name else None
    if name is None or (name[1] and within is None):
        raise Refused([_unknown(rule_set, kind, name, path)])
    if not version:
        # A name with nothing behind it has a guest for any version.
        assert within is not None  # noqa: S101 - `known` has the empty version
        return within
    together = parted(plain(f"{kind} {version}"), names) if not name[1] else (name[0], plain(version))
    found = _version(rule_set, *together) if together else None
    if found is None:
        raise Refused([_no_version(rule_set, name[0], version, f"{path}.version")])
    if name[1] and found is not within:
        problem = f"`{shown(version)}` is another version than that of `{shown(kind)}`"
        raise Refused([Finding(f"{path}.version", problem, "say the version once", "guest")])
    return found


def _version(rule_set: str, kind: str, version: str) -> Guest | None:
    """A version of a type: one that is listed, one that is taken without, or the release of a point release."""
    family = data_files.kinds(rule_set)[kind]
    for word in shorter(version, family.silent, family.points):
        guest = family.known.get(family.also.get(word, word))
        if guest is not None:
            return guest
        if family.open and family.open.fullmatch(word):
            return _further(rule_set, kind, word)
    return None


@lru_cache(1024)
def _further(rule_set: str, kind: str, version: str) -> Guest:
    """A version that the data does not list, of a type that takes such versions."""
    return data_files.guest(kind, version, data_files.kinds(rule_set)[kind].any, rule_set)


def _unknown(rule_set: str, kind: str, name: tuple[str, str] | None, path: str) -> Finding:
    """No guest has this name; where only the number behind it is unknown, that is said."""
    if name and name[1][0].isdigit():
        return _no_version(rule_set, name[0], name[1], f"{path}.type")
    names, kinds = data_files.names(rule_set), data_files.kinds(rule_set)
    near = closest(plain(kind[:64]), names, _ALIKE)
    meant = f"did you mean `{names[near]}`? " if near else ""
    rest = "say `linux` for a Linux that is not listed, `other` for anything else"
    problem = f"`{shown(kind)}` is no guest that rule set {rule_set} knows"
    return Finding(f"{path}.type", problem, f"{meant}{rest}; known are {listed(tuple(kinds))}", "guest")


def _no_version(rule_set: str, kind: str, version: str, place: str) -> Finding:
    problem = f"`{shown(version)}` is no version of {kind} that rule set {rule_set} knows"
    versions = [known for known in data_files.kinds(rule_set)[kind].known if known]
    return Finding(place, problem, _way(version, versions) if versions else "leave the version out", "guest")


def _way(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words, and all of them."""
    names = tuple(known)
    near = closest(word, names, 0.4)
    return (f"did you mean `{near}`? " if near else "") + f"known are {listed(names)}"
