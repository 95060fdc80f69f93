"""`vmconfig audit --adopt`: what each VM of a fleet would be under another rule set, without a change of any."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from webhook.abi.consequences import ChangeClass
from webhook.admission.adoption import APART
from webhook.cli import objects, verbs
from webhook.cli.adopt import adopted, lines, tree
from webhook.cli.manifests import Manifest
from webhook.findings import Finding, Refused
from webhook.trees import Tree

_ROW = "{:24} {:28} {:21} {:18} {:15} {}"
# What becomes of a VM beside the classes: nothing differs but the name of the rule set, or it cannot move,
# or it is none that rule sets are for: it was not stored yet, or was found elsewhere.
_UNCHANGED, _REFUSED, _APART = "unchanged", "refused", "apart"
_OUTCOMES = (_UNCHANGED, *(one.value for one in ChangeClass), _REFUSED, _APART)


@dataclass(slots=True)
class Fleet:
    """The table: text as it comes, JSON and YAML at the end; the VMs themselves are not kept."""

    output: str
    counts: Counter[str] = field(default_factory=Counter)
    rows: list[Tree] = field(default_factory=list)
    head: str = _ROW.format("NAMESPACE", "NAME", "KIND", "RULE SET", "WORST", "CHANGES")

    def add(self, row: Tree, told: list[str]) -> None:
        """One VM's row, and what changes of it below."""
        self.counts[row["worst"]] += 1
        if self.output != "text":
            self.rows.append(row)
            return
        print(self.head, end="\n" if self.head else "")
        self.head = ""
        moved = " -> ".join(row["ruleSet"].values()) if "ruleSet" in row else "-"
        place = (row["namespace"] or "-", row["name"] or "-", row["kind"] or "-")
        print(_ROW.format(*place, moved, row["worst"], len(row.get("changes", ()))))
        for line in told:
            print(f"  {line}")

    def end(self) -> None:
        """The counts."""
        counts = {outcome: self.counts[outcome] for outcome in _OUTCOMES}
        if self.output != "text":
            verbs.show([{"summary": {"vms": self.counts.total(), **counts}, "vms": self.rows}], self.output)
            return
        print(f"{self.counts.total()} VMs: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


def run(given: argparse.Namespace) -> int:
    """Print what a move would be for every VM; exit code 1 where one cannot move."""
    context = verbs.context(argparse.Namespace(**vars(given), level=given.default_level))
    fleet = Fleet(given.output)
    unread: list[Finding] = []
    for one in _all(given, unread):
        try:
            each = adopted(one, given.rule_set, context)
        except Refused as refused:
            fleet.add(
                _refused(one, refused.findings), [line for each in refused.findings for line in str(each).split("\n")]
            )
            continue
        row = tree(each)
        fleet.add({**row, "worst": row["worst"] or _UNCHANGED}, list(lines(each))[2:])
    fleet.end()
    verbs.tell_unread(unread)
    return 0 if given.exit_zero else int(bool(fleet.counts[_REFUSED] or unread))


def _refused(one: Manifest, findings: list[Finding]) -> Tree:
    told = [{"path": each.path, "problem": each.problem, "help": each.help} for each in findings]
    outcome = _APART if all(each.rule == APART for each in findings) else _REFUSED
    return {
        "namespace": one.namespace, "name": one.name, "kind": one.kind, "worst": outcome, "findings": told,
    }  # fmt: skip


def _all(given: argparse.Namespace, unread: list[Finding]) -> Iterator[Manifest]:
    """The VMs of the sources that are named, else of the whole cluster, one after the other.

    What is wrong with files of which nothing is read is added to `unread`.
    """
    if given.sources:
        asked = argparse.Namespace(sources=given.sources, filename=[], kubeconfig=given.kubeconfig, namespace=None)
        read = objects.read(asked, partial=True)
        unread += read.unread
        yield from read.found
        return
    # The kubernetes client costs half a second, which files need not pay.
    from webhook.cluster.api import connected
    from webhook.cluster.vms import namespaces, stored
    from webhook.kinds import KINDS

    api = connected(given.kubeconfig)
    spaces = namespaces(api, given.namespace)
    objects.there(given.namespace, spaces)
    for name in sorted(spaces):
        for kind in KINDS.values():
            for obj in stored(api, kind, name):
                yield Manifest({**obj, "kind": kind.name, "apiVersion": obj.get("apiVersion")})
