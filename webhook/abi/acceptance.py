"""Changes that a guest may not survive: refused with a digest, accepted by that digest once, and recorded.

The digest is over the object, its accepted changes so far, and the change itself, stored and asked. So it is of no use
for another object, for another change, or for the same one again after it was taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

import orjson

from webhook.abi.compare import Change, compare, in_words, value_in_words
from webhook.abi.consequences import ChangeClass, Consequence, consequence_of, rows_of
from webhook.abi.state import DIGEST_LENGTH, LONGEST_PATH, LONGEST_VALUE
from webhook.findings import Finding
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

ANNOTATION = "vmconfig.kubevirt.io/accept-abi-change"
# How many acceptances are kept, and of each how many fields: with the bounds of their texts a few KiB.
_MOST_KEPT, _MOST_FIELDS = 8, 8


class Breaking(NamedTuple):
    """A change that a guest may not survive, and what it would notice."""

    change: Change
    consequence: Consequence


class Acceptance(NamedTuple):
    """What a request says of its change: the object (`identity`), its record, and the digest that it accepts."""

    identity: Sequence[str]
    history: list[Tree]
    digest: str

    def wanted(self, found: Sequence[Breaking]) -> str:
        """The digest that accepts these changes; empty where one of them cannot be accepted."""
        if not all(each.consequence.accepted for each in found):
            return ""
        changes = [[each.change.path, each.change.old, each.change.new] for each in _in_order(found)]
        said = orjson.dumps([list(self.identity), self.history, changes], option=orjson.OPT_SORT_KEYS)
        return sha256(said).hexdigest()[:DIGEST_LENGTH]

    def accepts(self, found: Sequence[Breaking]) -> bool:
        """Whether there is a change, and it is the accepted one."""
        return bool(found) and bool(self.digest) and self.wanted(found) == self.digest

    def recorded(self, found: Iterable[Breaking]) -> list[Tree]:
        """The record with these changes, which this acceptance is used up by."""
        return with_entry(self.history, {"digest": self.digest}, [each.change for each in found])


def with_entry(history: list[Tree], said: Tree, found: Iterable[Change]) -> list[Tree]:
    """A record with one more entry, which `said` begins, about these changes.

    The last ones are kept, and the last one of a restore for as long as the object says what it is restored from.
    """
    fields = [_field(each) for each in sorted(found, key=lambda each: each.path)[:_MOST_FIELDS]]
    made = [*history, {**said, "changes": fields}]
    restored = max((index for index, entry in enumerate(made) if entry.get("snapshot")), default=-1)
    while len(made) > _MOST_KEPT:
        oldest = 1 if restored == 0 else 0
        del made[oldest]
        restored -= restored > oldest
    return made


def _in_order(found: Iterable[Breaking]) -> list[Breaking]:
    return sorted(found, key=lambda each: each.change.path)


def _field(change: Change) -> Tree:
    told = {"path": f"domain{change.path}"[:LONGEST_PATH]}
    for name, value in (("before", change.old), ("after", change.new)):
        if value is not None:
            told[name] = value_in_words(value, change)[:LONGEST_VALUE]
    return told


def breaking(old: Tree, new: Tree, rule_set: str = NEWEST) -> Iterator[Breaking]:
    """The changes from one domain to another, made by this rule set, that its guest may not survive."""
    for change in compare(old, new, rule_set):
        consequence = consequence_of(change, old, new)
        if consequence.change_class is ChangeClass.GUEST_BREAKING:
            yield Breaking(change, consequence)


def frozen_finding(change: Change, path: str, digest: str = "") -> Finding:
    """The refusal of one change of a field. `path` is where the domain is in the object."""
    consequence = rows_of(change.declared, True)[0].consequence
    problem = f"{in_words(change)}; {consequence.text}"
    return Finding(f"{path}{change.path}", problem, way_out(consequence.help, digest), "frozen")


def way_out(way: str, digest: str) -> str:
    """How the change is left, or accepted by this digest."""
    way = way or "restore the stored value"
    return f"{way}, or accept it for this once: annotate the object with `{ANNOTATION}: {digest}`" if digest else way
