"""`vmconfig policy explain`: for each field of a VM, which rule decides about it, for a user somewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.admission.site import marks_of
from webhook.cli import files, verbs
from webhook.cli.verb import POLICY, Verb
from webhook.findings import Refused
from webhook.kinds import Kind, declared_fields, inspect_spec
from webhook.policy import LEVELS, Policies, Request, Submission, shipped
from webhook.policy.language.model import LABELS
from webhook.policy.tools.explain import FieldDecision, explain

Tree = dict[str, Any]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("file", metavar="FILE", help="a manifest with one or more VMs; - for standard input")
    parser.add_argument("--policies", type=Path, help="folder of policy files (default: the shipped ones)")
    verbs.with_site(parser)
    parser.add_argument("--user", default="", help="who asks, as the API server names users")
    parser.add_argument("--group", action="append", default=[], help="a group of the user; may be repeated")
    parser.add_argument("--namespace", help="where (default: the manifest's own, else `default`)")
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", help="a label of the namespace")
    parser.add_argument("--level", choices=LEVELS, help="the namespace's level, like its label for `enforce`")
    parser.add_argument("--all", action="store_true", help="also the fields about which no rule has to decide")


def run(given: argparse.Namespace) -> int:
    """Print a line a field; exit code 1 where one is refused."""
    context = AdmissionContext(
        policies=Policies(given.policies or shipped(), declared_fields()), site=verbs.site(given.site)
    )
    found: list[FieldDecision] = []
    for obj in files.read(given.file):
        kind, findings = offline.kind_of(obj)
        if kind is None:
            raise Refused(findings)
        found += _decided(obj, kind, context, given)
    if given.output == "text":
        _print(found, given.all)
    else:
        verbs.show([[_plain(each) for each in found]], given.output)
    return 1 if any(each.refused for each in found) else 0


def _decided(obj: Tree, kind: Kind, context: AdmissionContext, given: argparse.Namespace) -> list[FieldDecision]:
    """What became of each field of one object, as it would be stored."""
    reading = inspect_spec(kind.spec_of(obj), kind.spec_path)
    if reading.findings:
        raise Refused(reading.findings)
    spec = kind.spec_of(offline.completed(obj, kind, context))
    marks = marks_of(inspect_spec(spec, kind.spec_path).marks, context.site, kind.spec_path)
    request = _request(offline.review_of(obj, kind).namespace, given)
    return explain(context.policies.engine, Submission(spec, marks, kind.spec_path), request)


def _request(namespace: str, given: argparse.Namespace) -> Request:
    labels = dict(_label(text) for text in given.label)
    if given.level:
        labels[LABELS["enforce"]] = given.level
    return Request(given.namespace or namespace, labels, given.user, tuple(given.group))


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--label {text}: is no KEY=VALUE")
    return key, value


def _print(found: list[FieldDecision], everything: bool) -> None:
    shown = [each for each in found if everything or each.rule is not None or each.refused]
    width = max((len(each.path) for each in shown), default=0)
    for each in shown:
        verdict = "refused" if each.refused else "allowed"
        print(f"{verdict}  {each.path:{width}}  {each.kind:13}  {_because(each)}".rstrip())
    left = len(found) - len(shown)
    if left:
        print(f"allowed  {left} more fields, about which no rule has to decide")


def _because(each: FieldDecision) -> str:
    return each.rule.named if each.rule is not None else "no rule"


def _plain(each: FieldDecision) -> Tree:
    rule, where = (each.rule.id, each.rule.where) if each.rule is not None else ("", "")
    return {"path": each.path, "class": each.kind, "refused": each.refused, "rule": rule, "at": where}


VERBS = (
    Verb(
        "explain",
        "which rule decides about each field of a VM, for a user in a namespace",
        run,
        add_flags,
        group=POLICY,
    ),
)
