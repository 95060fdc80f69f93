"""`vmconfig policy diff`: whose VMs other policies would newly refuse or newly allow, and which rules differ."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from webhook.admission.apis import apis, kubevirt_api
from webhook.admission.context import AdmissionContext
from webhook.admission.stored import StoredCheck, as_stored, check_stored, check_stored_of_kubevirt
from webhook.cli import audit, manifests, verbs
from webhook.cli.verb import POLICY, Verb
from webhook.features.platform import Site
from webhook.findings import Finding
from webhook.kinds import KINDS, Kind, declared_fields
from webhook.kubevirt.api import KubeVirtKind, kubevirt_kind
from webhook.policy import LEVELS, Policies
from webhook.policy.tools.difference import (
    NEWLY_ALLOWED,
    NEWLY_REFUSED,
    REFUSED_OTHERWISE,
    Edit,
    OutcomeChange,
    VmChange,
    edits,
    narrowed,
    outcome_changes,
    vm_change,
)
from webhook.trees import Tree

_FATES = (NEWLY_REFUSED, NEWLY_ALLOWED, REFUSED_OTHERWISE)
# Paths of a class that text names one by one; JSON has them all.
_NAMED = 4
# An object and its kind.
Stored = tuple[Tree, Kind | KubeVirtKind]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("old", type=Path, metavar="OLD", help="the folder of policy files in force")
    parser.add_argument("new", type=Path, metavar="NEW", help="the folder that would take its place")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--vms",
        action="append",
        metavar="PATH",
        help="a manifest, or a folder of them, Namespaces included; may be repeated",
    )
    source.add_argument("--cluster", action="store_true", help="everything that a cluster has stored")
    parser.add_argument(
        "--default-level", choices=LEVELS, default=LEVELS[0], help="the policy level of namespaces without a label"
    )
    audit.with_kubeconfig(parser)
    verbs.with_site(parser)


def run(given: argparse.Namespace) -> int:
    """Print what differs, of the rules alone or for VMs; exit code 1 where something does."""
    read = apis(with_kubevirt=True)
    old, new = (Policies(folder, read, given.default_level) for folder in (given.old, given.new))
    if given.vms is None and not given.cluster:
        return _rules(old, new, given.output)
    site = verbs.site(given.site)
    labels, objects = _from_cluster(given.kubeconfig) if given.cluster else _from_files(given.vms, old, site)
    worlds = [AdmissionContext(each, site, labels=lambda name: labels.get(name, {})) for each in (old, new)]
    found = Differences()
    for obj, kind in objects:
        found.add(*(_checked(obj, kind, context) for context in worlds))
    found.show(given.output)
    for context in worlds:
        audit.unknown_users(context)
    return int(found.any)


def _checked(obj: Tree, kind: Kind | KubeVirtKind, context: AdmissionContext) -> StoredCheck:
    if isinstance(kind, KubeVirtKind):
        return check_stored_of_kubevirt(obj, kind, context)
    return check_stored(obj, kind, context)


def _from_cluster(kubeconfig: Path | None) -> tuple[Mapping[str, Mapping[str, str]], Iterator[Stored]]:
    from webhook.cluster.api import connected
    from webhook.cluster.vms import namespaces, stored

    api = connected(kubeconfig)
    labels = namespaces(api)
    return labels, (
        (obj, kind) for name in sorted(labels) for kind in KINDS.values() for obj in stored(api, kind, name)
    )


def _from_files(
    paths: list[str], policies: Policies, site: Site
) -> tuple[Mapping[str, Mapping[str, str]], Iterator[Stored]]:
    found = manifests.vms(*paths, kubevirt=True)
    context = AdmissionContext(policies, site)
    return found.labels, (_as_stored(obj, context) for obj in found.objects)


def _as_stored(obj: Tree, context: AdmissionContext) -> Stored:
    """An object as it would be stored; KubeVirt completes its own."""
    theirs = kubevirt_kind(obj)
    if theirs is not None:
        return obj, theirs
    kind = KINDS[obj["kind"]]
    return as_stored(obj, kind, context), kind


@dataclass(slots=True)
class Differences:
    """What becomes of each VM."""

    seen: int = 0
    fates: dict[str, list[tuple[StoredCheck, VmChange]]] = field(default_factory=lambda: {kind: [] for kind in _FATES})
    malformed: list[tuple[StoredCheck, Finding]] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return any(self.fates.values())

    def add(self, before: StoredCheck, after: StoredCheck) -> None:
        """One VM, judged by both sides."""
        self.seen += 1
        self.malformed += [(before, finding) for finding in before.malformed]
        found = vm_change(before.decision, after.decision)
        if found is not None:
            self.fates[found.kind].append((before, found))

    def show(self, output: str) -> None:
        """Print all of it."""
        if output == "text":
            print("\n".join(self._lines()))
        else:
            verbs.show([self._tree()], output)

    def _lines(self) -> Iterator[str]:
        for kind, entries in self.fates.items():
            if entries:
                yield f"{kind}:"
            for judged, found in entries:
                yield f"  {judged.namespace}/{judged.name} ({judged.kind.name})"
                yield from _told("+", found.more)
                yield from _told("-", found.fewer)
        for judged, finding in self.malformed:
            yield f"malformed: {judged.namespace}/{judged.name} ({judged.kind.name}): {finding.path}: {finding.problem}"
        counts = ", ".join(f"{len(entries)} {kind}" for kind, entries in self.fates.items())
        yield f"{self.seen} VMs: {counts}"

    def _tree(self) -> Tree:
        made: Tree = {
            _camel(kind): [
                {**_named(judged), "more": _dicts(each.more), "fewer": _dicts(each.fewer)} for judged, each in entries
            ]
            for kind, entries in self.fates.items()
        }
        made["malformed"] = [{**_named(judged), **finding.as_dict()} for judged, finding in self.malformed]
        made["summary"] = {"vms": self.seen, **{_camel(kind): len(entries) for kind, entries in self.fates.items()}}
        return made


def _told(sign: str, findings: Iterable[Finding]) -> Iterator[str]:
    for each in findings:
        yield f"    {sign} {each.path}: {each.problem}"
        yield f"      rule: {each.rule}"


def _named(judged: StoredCheck) -> dict[str, str]:
    return {"namespace": judged.namespace, "name": judged.name, "kind": judged.kind.name}


def _dicts(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [finding.as_dict() for finding in findings]


def _camel(words: str) -> str:
    first, *rest = words.split()
    return first + "".join(word.capitalize() for word in rest)


def _rules(old: Policies, new: Policies, output: str) -> int:
    """The comparison without VMs."""
    written = edits(old.all, new.all)
    turned = outcome_changes(old.engine, new.engine, declared_fields())
    if old.kubevirt is not None and new.kubevirt is not None:
        turned += outcome_changes(old.kubevirt, new.kubevirt, kubevirt_api().declared_fields)
    narrow = narrowed(new.all)
    if output == "text":
        print("\n".join([*_edit_lines(written), *_turn_lines(turned, narrow)]))
    else:
        decisions = [asdict(turn) for turn in turned]
        verbs.show([{"edits": [asdict(edit) for edit in written], "decisions": decisions, "narrowed": narrow}], output)
    return int(bool(written or turned))


def _edit_lines(written: list[Edit]) -> Iterator[str]:
    for each in written:
        yield f"{each.change} {each.what} {each.name}" + (f" ({each.where})" if each.where else "")
        if each.before and each.before != each.after:
            yield f"  - {each.before}"
        if each.after and each.before != each.after:
            yield f"  + {each.after}"
        if each.before == each.after:
            yield f"    {each.after}: says it in other words"
    if not written:
        yield "no rule differs"


def _turn_lines(turned: list[OutcomeChange], narrow: list[str]) -> Iterator[str]:
    for level in LEVELS:
        grouped: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
        for turn in turned:
            if turn.level == level:
                grouped[turn.kind, turn.before, turn.after].append(turn.path)
        yield f"in a namespace of level {level}:" + ("" if grouped else " nothing is decided otherwise")
        for (kind, before, after), paths in grouped.items():
            yield f"  {kind}: {before} -> {after}: {_few(paths)}"
    if narrow:
        yield f"not counted above, since they match some namespaces or users only: {', '.join(narrow)}"


def _few(paths: list[str]) -> str:
    # What rests in tombstones follows what is in the domain, and says nothing more.
    ordered = sorted(paths, key=lambda path: not path.startswith("domain."))
    rest = len(paths) - _NAMED
    return ", ".join(ordered[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


VERBS = (
    Verb(
        "diff",
        "whose VMs other policies would newly refuse or allow; without VMs, which rules differ",
        run,
        add_flags,
        group=POLICY,
    ),
)
