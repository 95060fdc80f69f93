"""`vmconfig policy explain`: for each field of a VM, which rule decides about it, for a user somewhere."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from webhook.admission import offline
from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext
from webhook.admission.kubevirt import submission as submission_of_kubevirt
from webhook.admission.policy_check import submission
from webhook.admission.reading import Reading
from webhook.admission.site import marks_of
from webhook.admission.stated import stated
from webhook.cli import objects, verbs
from webhook.cli.manifests import Manifest
from webhook.cli.verb import POLICY, Verb
from webhook.findings import Refused
from webhook.kinds import Kind, inspect_spec
from webhook.kubevirt.api import KINDS as KUBEVIRT_KINDS
from webhook.kubevirt.api import kubevirt_kind
from webhook.policy import LEVELS, Policies, Request, Submission, shipped
from webhook.policy.language.model import LABELS
from webhook.policy.tools.explain import FieldDecision, explain, explain_stated
from webhook.trees import Tree


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    parser.add_argument("--policies", type=Path, help="folder of policy files (default: the shipped ones)")
    verbs.with_site(parser)
    parser.add_argument("--user", default="", help="who asks, as the API server names users")
    parser.add_argument("--group", action="append", default=[], help="a group of the user; may be repeated")
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", help="a label of the namespace")
    parser.add_argument("--level", choices=LEVELS, help="the namespace's level, like its label for `enforce`")
    parser.add_argument("--all", action="store_true", help="also the fields about which no rule has to decide")


def run(given: argparse.Namespace) -> int:
    """Print a line a field; exit code 1 where one is refused."""
    read = objects.read(given, kubevirt=True)
    policies = Policies(given.policies or shipped(), apis(with_kubevirt=read.of_kubevirt))
    context = AdmissionContext(policies=policies, site=verbs.site(given.site))
    found = [(one, _decisions(one, context, read.labels, given)) for one in read.found]
    if given.output == "text":
        for one, decisions in found:
            if len(found) > 1:
                print(f"# {one}")
            _print(decisions, given.all)
    else:
        verbs.show(
            [[{**one.as_dict(), **_plain(each)} for one, decisions in found for each in decisions]], given.output
        )
    return 1 if any(each.refused for _, decisions in found for each in decisions) else 0


def _decisions(
    one: Manifest, context: AdmissionContext, labels: Mapping[str, Mapping[str, str]], given: argparse.Namespace
) -> list[FieldDecision]:
    """What became of each field of one object; raises Refused, with the object's place, where it cannot be judged."""
    if kubevirt_kind(one.obj) is not None:
        return _decided_of_kubevirt(one.obj, context.policies, _request(one.obj, one.kind, labels, given))
    kind, findings = offline.kind_of(one.obj)
    if kind is None:
        raise Refused(one.about(findings))
    request = _request(one.obj, kind, labels, given)
    try:
        decided = _decided(one.obj, kind, context, request)
        return [*decided, *_stated(one.obj, kind, context, request)] if one.file else decided
    except Refused as refused:
        raise Refused(one.about(refused.findings)) from None


def _decided(obj: Tree, kind: Kind, context: AdmissionContext, request: Request) -> list[FieldDecision]:
    """What became of each field of one object, as it would be stored."""
    reading = inspect_spec(kind.spec_of(obj), kind.spec_path)
    if reading.findings:
        raise Refused(reading.findings)
    spec = kind.spec_of(offline.completed(obj, kind, context))
    marks = marks_of(inspect_spec(spec, kind.spec_path).marks, context.site, kind.spec_path)
    return explain(context.policies.engine, Submission(spec, marks, kind.spec_path), request)


def _stated(obj: Tree, kind: Kind, context: AdmissionContext, request: Request) -> list[FieldDecision]:
    """What is refused of the fields that a manifest itself states."""
    reading = Reading(kind, kind.spec_of(obj), inspect_spec(kind.spec_of(obj), kind.spec_path))
    return explain_stated(context.policies.engine, submission(reading, context), request, stated(reading, context))


def _decided_of_kubevirt(obj: Tree, policies: Policies, request: Request) -> list[FieldDecision]:
    """The same of an object of KubeVirt's, as it is."""
    submitted, made = submission_of_kubevirt(obj, KUBEVIRT_KINDS[obj["kind"]])
    assert policies.kubevirt is not None  # noqa: S101 - they were read
    return [replace(each, path=made.place(each.path)) for each in explain(policies.kubevirt, submitted, request)]


def _request(obj: Tree, kind: Kind | str, known: Mapping[str, Mapping[str, str]], given: argparse.Namespace) -> Request:
    """Who asks where; labels of namespaces among the manifests count, those of the flags before them."""
    namespace = given.namespace or offline.review_of(obj, kind).namespace
    labels = {**known.get(namespace, {}), **dict(_label(text) for text in given.label)}
    if given.level:
        labels[LABELS["enforce"]] = given.level
    return Request(namespace, labels, given.user, tuple(given.group))


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
