"""Identities that another stored object of the kind has: what a review, and an audit, say of them.

What is looked for is a setting: for each form of identity whether a duplicate is a warning or a refusal, and whether
it is looked for in the object's namespace or in the whole cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from webhook.admission.identity_index import IdentityIndex
from webhook.admission.review import Review
from webhook.declare import shown
from webhook.declare.identities import FORMS, Identity, identities
from webhook.declare.nearest import closest
from webhook.domain import domain_shape
from webhook.findings import Finding
from webhook.kinds import Kind

WARN, DENY = "warn", "deny"
NAMESPACE, CLUSTER = "namespace", "cluster"
RULE = "duplicate"
# What QEMU calls the drives of every machine that nobody gave a serial number (hw/ide/core.c, hw/scsi/scsi-disk.c).
_OF_EVERY_MACHINE = re.compile("qm[0-9]{5}")
_WHAT = {"uuid": "UUID", "mac": "MAC address", "serial": "serial number", "wwn": "WWN"}
# Owners that a message names.
_TOLD = 3


class Wanted(NamedTuple):
    """What a duplicate is, `warn` or `deny`, and where it is looked for."""

    action: str
    scope: str

    def looks_at(self, other: str, namespace: str) -> bool:
        """Whether an object, by its `NAMESPACE/NAME`, is where this looks."""
        return self.scope == CLUSTER or other.startswith(f"{namespace}/")


class Duplicate(NamedTuple):
    """One identity that others have, too."""

    action: str
    finding: Finding


class Followed(Protocol):
    """The stored objects of a kind as a watch has them."""

    @property
    def synced(self) -> bool: ...
    @property
    def index(self) -> IdentityIndex: ...


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What is looked for, by form, and the stored objects by the name of their kind."""

    wanted: Mapping[str, Wanted]
    followed: Mapping[str, Followed]

    def found(self, review: Review, kind: Kind, boots: bool) -> Iterator[Duplicate]:
        """What a review brings anew that another object has; `boots`: the object is made of a configuration."""
        stored = kind.spec_of(review.old_object) if review.operation == "UPDATE" else None
        new = list(_new(kind.spec_of(review.object), stored, self.wanted, kind.spec_path))
        if not new:
            return
        objects = self.followed[kind.name]
        if not objects.synced:
            yield from _unsynced(new, self.wanted)
            return
        owner = f"{review.namespace}/{review.name}"
        for each in new:
            others = owners(objects.index, each, owner, self.wanted[each.form])
            if others:
                way = _OF_A_BOOT if boots else _WAY
                yield Duplicate(self.wanted[each.form].action, _finding(each, others, (review.namespace, way)))


_WAY = "give it another value, or leave it out where the service makes one"
_OF_A_BOOT = "two VMs of one configuration are the same machine: delete the other one first, or make a clone"


def keys_of(spec: Any) -> Iterator[tuple[str, str]]:
    """What an index keeps of an inspected spec."""
    return (each.key for each in _identities(spec, FORMS, ""))


def owners(index: IdentityIndex, identity: Identity, owner: str, wanted: Wanted) -> list[str]:
    """The other objects that have an identity, as far as they are looked at."""
    namespace = owner.partition("/")[0]
    return sorted(each for each in index.others(identity.key, owner) if wanted.looks_at(each, namespace))


def duplicates_of(
    spec: Any, owner: str, index: IdentityIndex, wanted: Mapping[str, Wanted], path: str
) -> Iterator[tuple[Duplicate, Finding]]:
    """All that a stored object has in common with others: as whoever reads the whole cluster may be told, and then as
    whoever reads the object's namespace alone may be.
    """
    namespace = owner.partition("/")[0]
    for each in _identities(spec, wanted, path):
        others = owners(index, each, owner, wanted[each.form])
        if others:
            found = Duplicate(wanted[each.form].action, _finding(each, others, ("", _WAY)))
            yield found, _finding(each, others, (namespace, _WAY))


def _new(spec: Any, stored: Any, wanted: Mapping[str, Wanted], path: str) -> Iterator[Identity]:
    """The identities of a spec that are looked for and that the stored one has not."""
    before = {each.key for each in _identities(stored, wanted, "")}
    return (each for each in _identities(spec, wanted, path) if each.key not in before)


def _identities(spec: Any, forms: Iterable[str], path: str) -> Iterator[Identity]:
    """Each identity of the domain once."""
    domain = spec.get("domain") if type(spec) is dict else None
    domain = domain if type(domain) is dict else {}
    seen: set[tuple[str, str]] = set()
    for each in identities(domain, domain_shape(), f"{path}.domain"):
        if each.form in forms and each.key not in seen and not _OF_EVERY_MACHINE.fullmatch(each.key[1]):
            seen.add(each.key)
            yield each


def _finding(each: Identity, others: list[str], told: tuple[str, str]) -> Finding:
    """`told` has the namespace whose objects may be named (empty: all may), and the way out.

    Who may write VMs in a namespace need not know what other namespaces have.
    """
    namespace, way = told
    named = [name for name in others if not namespace or name.startswith(f"{namespace}/")]
    told_names = [f"`{shown(name.removeprefix(f'{namespace}/'))}`" for name in named[:_TOLD]]
    if len(named) > _TOLD:
        told_names.append(f"{len(named) - _TOLD} more")
    if len(others) > len(named):
        told_names.append(f"{len(others) - len(named)} in other namespaces")
    problem = f"{_WHAT[each.form]} `{shown(each.value)}` is that of {', '.join(told_names)} too"
    return Finding(each.path, problem, way, RULE)


def _unsynced(new: list[Identity], wanted: Mapping[str, Wanted]) -> Iterator[Duplicate]:
    """What is said while not all objects are known: refused is only what would be."""
    first = next((each for each in new if wanted[each.form].action == DENY), new[0])
    problem = "may be another VM's: the service does not know all of them yet"
    way = "try again in a moment; the service's /readyz says what it waits for"
    yield Duplicate(wanted[first.form].action, Finding(first.path, problem, way, RULE))


def parse(setting: str) -> dict[str, Wanted]:
    """What a setting like `mac=deny@cluster,serial=warn@namespace` looks for; raises ValueError."""
    made: dict[str, Wanted] = {}
    for part in filter(None, (each.strip() for each in setting.split(","))):
        form, _, rest = part.partition("=")
        action, _, scope = rest.partition("@")
        for word, known in ((form, FORMS), (action, (WARN, DENY)), (scope, (NAMESPACE, CLUSTER))):
            if word not in known:
                near = closest(word, known) or " or ".join(known)
                raise ValueError(
                    f"`{shown(word)}` in `{shown(part)}` is none of {', '.join(known)}; did you mean {near}?"
                )
        made[form] = Wanted(action, scope)
    return made
