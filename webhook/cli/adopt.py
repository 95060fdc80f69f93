"""`vmconfig adopt`: a stored VM under another rule set: what that changes, and the manifest to apply."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from webhook.abi.acceptance import ANNOTATION
from webhook.admission import offline
from webhook.admission.adoption import Adopted, accepted, adopt
from webhook.admission.context import AdmissionContext
from webhook.cli import objects, verbs
from webhook.cli.diff import Compared
from webhook.cli.manifests import Manifest
from webhook.cli.verb import Verb
from webhook.cli.yaml_output import written
from webhook.findings import Findings, Refused
from webhook.rule_sets import NEWEST, RULE_SETS
from webhook.trees import Tree


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    with_rule_set(parser)
    parser.add_argument(
        "--accept", action="store_true", help="write the annotation that accepts what the guest may not survive"
    )
    verbs.with_rules(parser)


def with_rule_set(parser: argparse.ArgumentParser) -> None:
    """The flag that says which rule set."""
    parser.add_argument(
        "--rule-set", choices=RULE_SETS, default=NEWEST, help=f"the rule set to move to (default: {NEWEST})"
    )


def run(given: argparse.Namespace) -> int:
    """Print each VM's manifest with what it changes; where one cannot move, the findings alone."""
    found = objects.read(given)
    context = verbs.context(given, found.labels)
    made: list[Adopted] = []
    findings = Findings()
    for one in found.found:
        try:
            made.append(adopted(one, given.rule_set, context))
        except Refused as refused:
            findings.take(one.about(refused.findings))
    if findings:
        return verbs.refuse(findings, given.output)
    if given.output == "text":
        print("---\n".join(_text(each, given.accept) for each in made), end="")
    else:
        verbs.show([tree(each) | {"manifest": _manifest(each, given.accept)} for each in made], given.output)
    return 0


def adopted(one: Manifest, rule_set: str, context: AdmissionContext) -> Adopted:
    """The VM of one manifest under the rule set; raises Refused."""
    kind, wrong = offline.kind_of(one.obj)
    if kind is None:
        raise Refused(wrong)
    return adopt(one.obj, kind, rule_set, context)


def _manifest(each: Adopted, accept: bool) -> Tree:
    return accepted(each.manifest, each.digest) if accept and each.digest else each.manifest


def _text(each: Adopted, accept: bool) -> str:
    """The manifest, below what it changes in comments."""
    head = "".join(f"# {line}\n" for told in lines(each) for line in told.splitlines())
    return head + written([_manifest(each, accept)])


def lines(each: Adopted) -> Iterator[str]:
    """What a VM's move changes, as text."""
    yield f"rule set {each.before} -> {each.after}"
    yield from _compared(each).lines()
    if each.worst == "guest-breaking":
        yield f"to accept it: {ANNOTATION}: {each.digest or 'the digest that the refusal prints'}"


def tree(each: Adopted) -> Tree:
    """The same for tools."""
    compared = _compared(each).tree()
    return {
        "namespace": each.namespace,
        "name": each.name,
        "kind": each.kind.name,
        "ruleSet": {"before": each.before, "after": each.after},
        "worst": None if each.worst is None else each.worst.value,
        "accept": each.digest or None,
        "changes": compared["changes"],
    }


def _compared(each: Adopted) -> Compared:
    return Compared(each.kind, f"{each.namespace}/{each.name}", each.changes, words=False)


VERBS = (
    Verb("adopt", "a stored VM under another rule set: what changes, and its manifest", run, add_flags, document=True),
)
