"""`vmconfig diff`: what an update changes, each change with its class and consequence, and why it is refused."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from webhook.abi.changes import LifeChange, changed, changes
from webhook.abi.consequences import ChangeClass
from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import Requester
from webhook.cli import objects, verbs
from webhook.cli.manifests import Manifests
from webhook.cli.sources import Sources
from webhook.cli.verb import Verb
from webhook.declare import FieldPath
from webhook.declare.withheld import field_at
from webhook.domain import domain_shape
from webhook.expand.pipeline import extend
from webhook.findings import Finding, Refused
from webhook.kinds import KINDS, Kind
from webhook.trees import Tree

_NOTHING = Finding("$", "there is no VM on either side", "name manifests of VMs", "kind")


def add_flags(parser: ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("old", metavar="A", help="a manifest, a folder of them, or vm/NAME: the VMs as they are")
    parser.add_argument("new", metavar="B", help="the same VMs as they shall be, complete or in a few words")
    objects.with_cluster(parser)
    verbs.with_rules(parser)


def run(given: Namespace) -> int:
    """Print what differs, and why the webhook would refuse it; exit code 1 where something does."""
    sides = (given.old, given.new)
    before, after = (_read(given, side) for side in sides)
    context, requester = verbs.context(given, before.labels | after.labels), verbs.requester(given)
    context.sources = known = Sources(requester.namespace)
    for one in (*before.found, *before.snapshots, *after.snapshots):
        known.put_stored(one)
    compared = [_compared(*pair, context, requester) for pair in _pairs(before.objects, after.objects, sides)]
    if given.output == "text":
        print("\n".join(line for each in compared for line in each.lines()))
    else:
        verbs.show([[each.tree() for each in compared]], given.output)
    return int(any(each.differs for each in compared))


def _read(given: Namespace, side: str) -> Manifests:
    return objects.read(Namespace(**{**vars(given), "sources": [side], "filename": []}), snapshots=True)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two states of one VM: what differs, whether the words of its features do, and why the update is refused."""

    kind: Kind
    name: str
    changes: tuple[LifeChange, ...]
    words: bool
    refused: tuple[Finding, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.changes or self.words or self.refused)

    def lines(self) -> Iterator[str]:
        """All of it as text."""
        yield f"{self.kind.name} {self.name}:" + ("" if self.differs else " nothing differs")
        for each in self.changes:
            yield f"  {self.kind.spec_path}.domain{each.change.path}: {each.text}"
            yield f"    {each.consequence}"
        if self.words and not self.changes and not self.refused:
            yield f"  {self.kind.spec_path}.features: other words for the same machine"
        if self.changes:
            counts = Counter(each.consequence.change_class for each in self.changes)
            yield "  " + ", ".join(f"{counts[one]} {one}" for one in ChangeClass if counts[one])
        if self.refused:
            yield "  the update is refused:"
        for finding in self.refused:
            yield indent(verbs.told(finding), "    ")

    def tree(self) -> Tree:
        """All of it as JSON."""
        return {
            "kind": self.kind.name,
            "name": self.name,
            "features": self.words,
            "changes": [
                {
                    "path": f"{self.kind.spec_path}.domain{each.change.path}",
                    "before": _value(each, each.change.old),
                    "after": _value(each, each.change.new),
                    "class": each.consequence.change_class.value,
                    "consequence": each.consequence.text,
                }
                for each in self.changes
            ],
            "refused": [finding.as_dict() for finding in self.refused],
        }


def _value(each: LifeChange, value: Any) -> Any:
    """A value as it is, unless it may be a secret; of a device or an entry of a list what names it."""
    entry = field_at(domain_shape(), FieldPath.parse(each.change.declared.removeprefix("domain.")))
    if value is not None and entry is not None and entry.secret:
        return "…"
    if type(value) is not dict:
        return value
    key = entry.shape.fields.get(entry.shape.key) if entry is not None and entry.shape is not None else None
    return None if key is None or key.secret else value.get(key.name)


def _pairs(old: list[Tree], new: list[Tree], sides: tuple[str, str]) -> Iterator[tuple[Tree, Tree]]:
    """The VMs of both sides by kind and name; one alone of a kind on each side is the same one, whatever its name."""
    before, after = ({_key(obj): obj for obj in objects_of} for objects_of in (old, new))
    if len(before) == len(after) == 1 and {kind for kind, _ in before} == {kind for kind, _ in after}:
        yield from zip(before.values(), after.values(), strict=True)
        return
    findings = [
        Finding(f"{side}: {kind} {name}", "is on one side alone", "name manifests of the same VMs", "kind")
        for side, these, those in zip(sides, (before, after), (after, before), strict=True)
        for kind, name in these.keys() - those.keys()
    ]
    if findings or not before:
        raise Refused(sorted(findings, key=lambda finding: finding.path) or [_NOTHING])
    yield from ((obj, after[key]) for key, obj in before.items())


def _key(obj: Tree) -> tuple[str, str]:
    asked = offline.review_of(obj, KINDS[obj["kind"]])
    return asked.kind, f"{asked.namespace}/{asked.name}"


def _compared(old: Tree, new: Tree, context: AdmissionContext, requester: Requester) -> Compared:
    """What the new one, as an update of the old one, changes, and why it is refused; raises Refused for the old one.

    What the old one leaves open is completed as at its creation.
    """
    kind = KINDS[new["kind"]]
    complete = offline.as_complete(old, kind, context)
    stored = kind.spec_of(complete)
    made, findings, warnings = offline.update_object(new, complete, context, requester)
    spec = _as_it_stands(new, stored, context) if made is None else kind.spec_of(made)
    # What the webhook tells as warnings of the changes stands in the comparison.
    told = {str(finding) for finding in changed(stored, spec, kind.spec_path)}
    verbs.warn((warning for warning in warnings if warning not in told), f"{kind.name} {_key(new)[1]}")
    asked = spec if made is None else kind.spec_of(new)
    words = (stored.get("features") or {}) != (asked.get("features") or {})
    return Compared(kind, _key(new)[1], tuple(changes(stored, spec)), words, tuple(findings))


def _as_it_stands(new: Tree, stored: Tree, context: AdmissionContext) -> Tree:
    """The spec of a refused update as far as it can be compared; the stored one where it cannot."""
    kind = KINDS[new["kind"]]
    try:
        spec = offline.inspected(new, kind)
    except Refused:
        return stored
    try:
        made: Tree = extend(spec, stored, context, kind.spec_path).spec
    except Refused:
        # Two complete machines can be compared even where one would be no update of the other.
        return spec if offline.is_complete(spec) else stored
    return made


VERBS = (Verb("diff", "what an update changes of a VM, what the guest notices, and why it is refused", run, add_flags),)
