"""`vmconfig audit --kubevirt`: which of KubeVirt's VMs find devices elsewhere at their next start, and why."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import orjson

from webhook.cli import kubevirt_objects, objects, other_kinds, verbs
from webhook.cli.names import release
from webhook.declare import shown
from webhook.declare.tree import at
from webhook.findings import Finding
from webhook.kubevirt.keeping import telling
from webhook.kubevirt.next_start import NextStart, Outcome, Upgrade, next_start
from webhook.kubevirt.starting.site import Find, Site
from webhook.kubevirt.starting.topology import NEWEST, is_newer, is_version
from webhook.policy.tools.report import FAIL, NAME, PASS, WARN, Report, Result, Subject
from webhook.trees import Tree

_ROW = "{:24} {:28} {:8} {:7} {}"
_DEVICES = "spec.template.spec.domain.devices"
_RESULTS = {"moves": FAIL, "unknown": WARN, "frozen": PASS, "stays": PASS}
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
# The report of this audit in a namespace, beside the one about policies; and the command that shows what it leaves out.
REPORT, _COMMAND = f"{NAME}-kubevirt", "vmconfig audit --kubevirt"
_ALSO = frozenset({"KubeVirt", "VirtualMachineInstance"})


def with_upgrade(parser: argparse.ArgumentParser) -> None:
    """The flags about KubeVirt's VMs."""
    parser.add_argument(
        "--kubevirt", action="store_true", help="instead: where KubeVirt's VMs find their devices at their next start"
    )
    parser.add_argument(
        "--from",
        dest="before",
        type=release,
        metavar="VERSION",
        help="with --kubevirt: what VMs that do not say it started with (default: what the KubeVirt object says)",
    )
    parser.add_argument(
        "--to",
        dest="after",
        type=release,
        metavar="VERSION",
        help=f"with --kubevirt: KubeVirt's version at the next start (default: {NEWEST})",
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What the VMs are, of files or of a cluster: what KubeVirt's own object says, and each VM with its instance."""

    kubevirt: Tree
    find: Find
    machines: Iterable[tuple[str, Iterable[tuple[Tree, Tree | None]]]]
    unread: tuple[Finding, ...] = ()


@dataclass(slots=True)
class Table:
    """Text as it comes, JSON and YAML at the end; the VMs themselves are not kept."""

    output: str
    counts: Counter[str] = field(default_factory=Counter)
    devices: int = 0
    rows: list[Tree] = field(default_factory=list)
    head: str = _ROW.format("NAMESPACE", "NAME", "RESULT", "DEVICES", "WHY")

    def add(self, vm: Tree, told: NextStart) -> None:
        """One VM's row, and what moves below it."""
        self.counts[told.outcome] += 1
        self.devices += len(told.moves)
        namespace, name = _named(vm)
        if self.output != "text":
            self.rows.append({"namespace": namespace, "name": name, **_tree(vm, told)})
            return
        print(self.head, end="\n" if self.head else "")
        self.head = ""
        print(_ROW.format(namespace or "-", name or "-", told.outcome, len(told.moves), told.reason))
        for move in told.moves:
            print(f"  {telling.device(move.name)}: {move.until_now} -> {move.then}")
        for note in told.notes:
            print(f"  note: {note.path}: {note.problem}\n    help: {note.help}")
        if told.moves:
            print(f"  help: {_help(vm, told)}")

    def end(self, upgrade: Upgrade, reports: Tree) -> None:
        """The counts."""
        counts: dict[str, int] = {outcome: self.counts[outcome] for outcome in _OUTCOMES}
        if self.output != "text":
            summary = {"vms": self.counts.total(), **counts, "devices": self.devices, **reports}
            versions = {"from": upgrade.before, "to": upgrade.after}
            verbs.show([{"upgrade": versions, "summary": summary, "vms": self.rows}], self.output)
            return
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        print(f"{self.counts.total()} VMs: {told}; {self.devices} devices move")
        for word, count in reports.items():
            print(f"{word}: {count['written']} written, {count['removed']} removed")


def run(given: argparse.Namespace) -> int:
    """Print what the next start moves of every VM; exit code 1 where something moves or is not known."""
    if given.sources and given.write_reports:
        raise ValueError("a PolicyReport is written into a cluster: name no sources, or leave out --write-reports")
    # The kubernetes client costs half a second, which files need not pay.
    api: Any = None
    if not given.sources:
        from webhook.cluster.api import connected

        api = connected(given.kubeconfig)
    seen = _files(given.sources) if given.sources else _cluster(api, given.namespace)
    upgrade = _upgrade(given, seen.kubevirt)
    table = Table(given.output)
    reports = _Written(api) if given.write_reports else None
    card = at(seen.kubevirt, "spec.configuration.network.defaultNetworkInterface")
    site = Site(upgrade.after, card=card if type(card) is str else "bridge", find=seen.find)
    for namespace, machines in seen.machines:
        report = Report(namespace, REPORT, _COMMAND)
        for vm, instance in machines:
            told = next_start(vm, instance, upgrade, site)
            table.add(vm, told)
            report.add(_subject(vm), _results(vm, told))
        if reports is not None:
            reports.take(report)
    table.end(upgrade, reports.tree() if reports is not None else {})
    verbs.tell_unread(seen.unread)
    return 0 if given.exit_zero else int(bool(table.counts["moves"] or table.counts["unknown"] or seen.unread))


def _upgrade(given: argparse.Namespace, kubevirt: Tree) -> Upgrade:
    observed = at(kubevirt, "status.observedKubeVirtVersion")
    before = given.before or (observed if type(observed) is str and is_version(observed) else "")
    before, after = (f"v{each.removeprefix('v')}" if each else "" for each in (before, given.after or NEWEST))
    for version in filter(is_newer, (before, after)):
        print(f"note: {version} is newer than {NEWEST}, and is taken for it", file=sys.stderr)
    return Upgrade(before, after, stated=given.before is not None)


def _files(sources: list[str]) -> Seen:
    """The objects of files; instances belong to the VM of their name."""
    unread: list[Finding] = []
    found, others = kubevirt_objects.read(sources, _ALSO, unread=unread)
    if others:
        print(f"note: not looked at are objects of other kinds: {other_kinds.counted(others)}", file=sys.stderr)
    by_kind: dict[str, list[Tree]] = {}
    for one in found:
        by_kind.setdefault(one.kind, []).append(one.obj)
    running = {_named(each): each for each in by_kind.get("VirtualMachineInstance", ())}
    machines: dict[str, list[tuple[Tree, Tree | None]]] = {}
    for vm in by_kind[kubevirt_objects.VIRTUAL_MACHINE]:
        machines.setdefault(_named(vm)[0], []).append((vm, running.get(_named(vm))))
    kubevirt = next(iter(by_kind.get("KubeVirt", ())), {})
    return Seen(kubevirt, kubevirt_objects.finder(one.obj for one in found), machines.items(), tuple(unread))


def _cluster(api: Any, wanted: list[str]) -> Seen:
    from webhook.cluster.kubevirt_now import KubeVirtNow
    from webhook.cluster.vms import namespaces

    spaces = namespaces(api, wanted)
    objects.there(wanted, spaces)
    now = KubeVirtNow(api)
    return Seen(now.kubevirt(), now.find, ((name, now.machines(name)) for name in sorted(spaces)))


class _Written:
    """The reports of a cluster, as they are written and removed."""

    def __init__(self, api: Any) -> None:
        from webhook.cluster.reports import Reports

        self._reports = Reports(api, REPORT)
        self._there = self._reports.namespaces()
        self._written = self._removed = 0

    def take(self, report: Report) -> None:
        """Write the report of a namespace, or remove that of one which has no VM any more."""
        if not report.empty:
            self._written += self._reports.write(report.tree())
        elif report.namespace in self._there:
            self._reports.remove(report.namespace)
            self._removed += 1

    def tree(self) -> Tree:
        """How many."""
        return {"reports": {"written": self._written, "removed": self._removed}}


def _results(vm: Tree, told: NextStart) -> Iterator[Result]:
    outcome = _RESULTS[told.outcome]
    for move in told.moves:
        problem = f"the guest finds {telling.device(move.name)} at {move.then} at the next start"
        problem += f", until now at {move.until_now}"
        yield Result(outcome, NAME, telling.RULE, "frontend", _DEVICES, problem, _help(vm, told))
    if not told.moves:
        yield Result(outcome, NAME, telling.RULE, "frontend", problem=told.reason)


def _help(vm: Tree, told: NextStart) -> str:
    """What to do before the next start, so that less moves."""
    if not told.hold:
        return told.help
    patch = {"spec": {"template": {"metadata": {"annotations": dict(told.hold)}}}}
    namespace, name = _named(vm)
    where = f"-n {shlex.quote(namespace)} " if namespace else ""
    whose = f"{where}patch virtualmachine {shlex.quote(name or 'NAME')}"
    return f"kubectl {whose} --type merge -p '{orjson.dumps(patch).decode()}'"


def _tree(vm: Tree, told: NextStart) -> Tree:
    moves = [{"device": each.name, "from": each.until_now, "to": each.then} for each in told.moves]
    made: Tree = {"result": told.outcome, "reason": told.reason, "moves": moves}
    if told.moves:
        made |= {"help": _help(vm, told), "annotations": dict(told.hold)}
    if told.notes:
        made["notes"] = [{"path": each.path, "problem": each.problem, "help": each.help} for each in told.notes]
    return made


def _subject(vm: Tree) -> Subject:
    namespace, name = _named(vm)
    uid = at(vm, "metadata.uid")
    kind = kubevirt_objects.VIRTUAL_MACHINE
    return Subject(kubevirt_objects.VERSION, kind, namespace, name, uid if type(uid) is str else "")


def _named(obj: Tree) -> tuple[str, str]:
    found = (at(obj, f"metadata.{key}") for key in ("namespace", "name"))
    namespace, name = (shown(text) if type(text) is str else "" for text in found)
    return namespace, name
