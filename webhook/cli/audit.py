"""`vmconfig audit`: what the policies in force say of everything that a cluster has stored."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext
from webhook.admission.duplicates import DENY, Duplicate, Wanted, duplicates_of, keys_of, parse
from webhook.admission.identity_index import IdentityIndex
from webhook.admission.stored import StoredCheck, check_stored, check_stored_of_kubevirt
from webhook.cli import adopt, fleet, kubevirt_audit, objects, verbs
from webhook.cli.verb import Verb
from webhook.findings import Finding
from webhook.kinds import KINDS
from webhook.kubevirt.api import KINDS as KUBEVIRT_KINDS
from webhook.policy import LEVELS, Policies, shipped
from webhook.policy.tools.report import ERROR, FAIL, OUTCOMES, WARN, Report, Result, Subject, outcome_of, results
from webhook.trees import Tree

# What two VMs that started from one image, or one another's copy, have in common by mistake.
_DUPLICATES = "mac=warn@cluster,uuid=warn@cluster,serial=warn@namespace,wwn=warn@namespace"
_ROW = "{:24} {:28} {:21} {:7} {}"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="with --adopt or --kubevirt: manifests or folders of stored VMs; with --adopt also vm/NAME",
    )
    parser.add_argument("--adopt", action="store_true", help="tell what a move to another rule set would change")
    adopt.with_rule_set(parser)
    kubevirt_audit.with_upgrade(parser)
    parser.add_argument("--policies", type=Path, help="folder of policy files (default: the shipped ones)")
    parser.add_argument(
        "--default-level", choices=LEVELS, default=LEVELS[0], help="the policy level of namespaces without a label"
    )
    parser.add_argument(
        "--namespace", nargs="+", action="extend", default=[], metavar="NS", help="these namespaces (default: all)"
    )
    parser.add_argument(
        "--duplicates",
        type=_wanted,
        default=_DUPLICATES,
        metavar="FORM=ACTION@SCOPE,…",
        help=f"identities that no two of these VMs shall have, as the service has it (default: {_DUPLICATES})",
    )
    parser.add_argument("--write-reports", action="store_true", help="write a PolicyReport into each namespace")
    parser.add_argument(
        "--kubevirt-policies", action="store_true", help="also KubeVirt's own objects, by the policies about them"
    )
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 also where VMs are refused")
    verbs.with_site(parser)
    with_kubeconfig(parser)


def _wanted(setting: str) -> dict[str, Wanted]:
    """The flag about duplicates; argparse shows the message of its own error alone."""
    try:
        return parse(setting)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def with_kubeconfig(parser: argparse.ArgumentParser) -> None:
    """The flag that says which cluster."""
    parser.add_argument("--kubeconfig", type=Path, help="default: this pod's cluster, or the user's current one")


@dataclass(slots=True)
class Tally:
    """What was seen: objects by outcome, findings, namespaces that have any."""

    objects: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    findings: int = 0
    namespaces: int = 0
    written: int = 0
    removed: int = 0

    def text(self, reports: bool) -> str:
        """The summary line."""
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.objects.items())
        summary = (
            f"{sum(self.objects.values())} VMs in {self.namespaces} namespaces: {counts}; {self.findings} findings"
        )
        return f"{summary}\nreports: {self.written} written, {self.removed} removed" if reports else summary


def run(given: argparse.Namespace) -> int:
    """Print what is refused, what is warned of and what is malformed; exit code 1 where something is refused."""
    if given.adopt + given.kubevirt + given.kubevirt_policies > 1:
        raise ValueError("--adopt, --kubevirt and --kubevirt-policies are audits of their own: say one of them")
    if given.adopt:
        return fleet.run(given)
    if given.kubevirt:
        return kubevirt_audit.run(given)
    if given.before or given.after:
        raise ValueError("`--from` and `--to` are about KubeVirt's VMs: say --kubevirt")
    if given.sources:
        raise ValueError("an audit of policies is of a whole cluster: name no sources, or say --adopt or --kubevirt")
    # The kubernetes client costs half a second, which the other verbs need not pay.
    from webhook.cluster.api import connected
    from webhook.cluster.reports import Reports
    from webhook.cluster.vms import namespaces

    policies = Policies(given.policies or shipped(), apis(with_kubevirt=given.kubevirt_policies), given.default_level)
    api = connected(given.kubeconfig)
    spaces = namespaces(api, given.namespace)
    objects.there(given.namespace, spaces)
    context = AdmissionContext(policies, verbs.site(given.site), labels=lambda name: spaces.get(name, {}))
    reports = Reports(api) if given.write_reports else None
    tally, rows = Tally(), Rows(given.output)
    shared = Shared(given.duplicates)
    shared.read(api, spaces)
    with_report = reports.namespaces() if reports else set()
    for name in sorted(spaces):
        report = _audited(_judged(api, name, context), shared, Report(name), tally, rows)
        if reports is not None and not report.empty:
            tally.written += reports.write(report.tree())
        elif reports is not None and name in with_report:
            reports.remove(name)
            tally.removed += 1
    rows.end(tally, given.write_reports)
    unknown_users(context)
    return 0 if given.exit_zero else int(bool(tally.objects[FAIL] or tally.objects[ERROR]))


@dataclass(slots=True)
class Shared:
    """Which of the VMs that are looked at have which identities; of each kind by itself."""

    wanted: Mapping[str, Wanted]
    indexes: dict[str, IdentityIndex] = field(default_factory=dict)

    def read(self, api: Any, spaces: Iterable[str]) -> None:
        """All identities of these namespaces; the objects themselves are not kept."""
        from webhook.cluster.vms import stored_if_known

        for kind in KINDS.values() if self.wanted else ():
            index = self.indexes[kind.name] = IdentityIndex()
            for namespace in spaces:
                for obj in stored_if_known(api, kind, namespace):
                    index.put(f"{namespace}/{obj['metadata']['name']}", keys_of(kind.spec_of(obj)))

    def found(self, judged: StoredCheck) -> list[tuple[Duplicate, Finding]]:
        """What an object has in common with others, in full and as its namespace may know it."""
        index, kind = self.indexes.get(judged.kind.name), KINDS.get(judged.kind.name)
        if index is None or kind is None:
            return []
        owner = f"{judged.namespace}/{judged.name}"
        return list(duplicates_of(judged.spec, owner, index, self.wanted, kind.spec_path))


def _audited(checks: Iterable[StoredCheck], shared: Shared, report: Report, tally: Tally, rows: Rows) -> Report:
    """The results of one namespace; the objects themselves are not kept."""
    for judged in checks:
        duplicates = shared.found(judged)
        outcomes = [FAIL if one.action == DENY else WARN for one, _ in duplicates]
        found, reported = (
            results(
                judged.decision, judged.malformed, judged.classes, judged.unrunnable, zip(outcomes, told, strict=True)
            )
            for told in ([one.finding for one, _ in duplicates], [other for _, other in duplicates])
        )
        subject = Subject(judged.kind.api_version, judged.kind.name, judged.namespace, judged.name, judged.uid)
        report.add(subject, reported)
        outcome = outcome_of(found)
        tally.objects[outcome] += 1
        tally.findings += sum(bool(each.path) for each in found)
        rows.add(judged, outcome, found)
    tally.namespaces += not report.empty
    return report


def _judged(api: Any, namespace: str, context: AdmissionContext) -> Iterator[StoredCheck]:
    from webhook.cluster.vms import stored, stored_if_known

    # Where KubeVirt's objects are asked for, ours need not be known.
    with_kubevirt = context.policies.kubevirt is not None
    for kind in KINDS.values():
        for obj in (stored_if_known if with_kubevirt else stored)(api, kind, namespace):
            yield check_stored(obj, kind, context)
    for other in KUBEVIRT_KINDS.values() if with_kubevirt else ():
        for obj in stored_if_known(api, other, namespace) if not other.cluster else ():
            yield check_stored_of_kubevirt(obj, other, context)


def unknown_users(context: AdmissionContext) -> None:
    """Say where the requester would matter: who created a stored VM, and what he wrote of it, is not known."""
    named = [policy.name for policy in context.policies.all if policy.match.by_subject]
    if named:
        names = ", ".join(f"`{name}`" for name in named)
        print(f"note: {names} match users or groups; VMs are judged as an unknown user's", file=sys.stderr)
    rules = [rule.id for policy in context.policies.engine.policies for rule in policy.rules if rule.stated]
    if rules:
        names = ", ".join(f"`{name}`" for name in rules)
        print(f"note: {names}: about what a requester writes, which a stored VM does not tell", file=sys.stderr)


@dataclass(slots=True)
class Rows:
    """The table: text as it comes, JSON and YAML at the end."""

    output: str
    rows: list[Tree] = field(default_factory=list)
    begun: bool = False

    def add(self, judged: StoredCheck, outcome: str, found: list[Result]) -> None:
        """One object's row, and its findings below it."""
        rows = [each for each in found if each.path]
        if self.output != "text":
            self.rows.append(_row(judged, outcome, rows))
            return
        if not self.begun:
            print(_ROW.format("NAMESPACE", "NAME", "KIND", "RESULT", "FINDINGS"))
            self.begun = True
        print(_ROW.format(judged.namespace, judged.name, judged.kind.name, outcome, len(rows)))
        for each in rows:
            rule = f"{each.policy}/{each.rule}" + (f" ({each.where})" if each.where else "")
            print(f"  {each.outcome}: {each.path}: {each.problem}\n    rule: {rule}")

    def end(self, tally: Tally, reports: bool) -> None:
        """The summary."""
        if self.output == "text":
            print(tally.text(reports))
            return
        summary: Tree = {**tally.objects, "findings": tally.findings, "namespaces": tally.namespaces}
        if reports:
            summary["reports"] = {"written": tally.written, "removed": tally.removed}
        verbs.show([{"summary": summary, "vms": self.rows}], self.output)


def _row(judged: StoredCheck, outcome: str, rows: list[Result]) -> Tree:
    findings = [
        {
            "result": each.outcome,
            "path": each.path,
            "problem": each.problem,
            "help": each.help,
            "policy": each.policy,
            "rule": each.rule,
            "class": each.category,
            "where": each.where,
        }
        for each in rows
    ]
    return {
        "namespace": judged.namespace,
        "name": judged.name,
        "kind": judged.kind.name,
        "result": outcome,
        "findings": findings,
    }


VERBS = (Verb("audit", "what the policies say of all that a cluster has stored", run, add_flags),)
