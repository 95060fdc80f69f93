"""`vmconfig policy check`, `test` and `schema`: what files of policies are before anybody is judged by them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson

from webhook.admission import offline
from webhook.admission.apis import kubevirt_api
from webhook.admission.context import AdmissionContext
from webhook.admission.kubevirt import judged_object
from webhook.cli import verbs
from webhook.cli.verb import POLICY, Verb
from webhook.declare import inspect
from webhook.findings import Refused
from webhook.kinds import declared_fields
from webhook.kinds.spec import spec_shape
from webhook.kubevirt.api.kinds import kubevirt_kind
from webhook.policy import Loading, Policies, load, shipped
from webhook.policy.tools.cases import Complete, Objects
from webhook.policy.tools.schema import policy_schema
from webhook.policy.tools.suite import Folder, Foreign
from webhook.policy.tools.suite import run as run_suites
from webhook.trees import Tree


def _with_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="a folder of policy files")


def check(given: argparse.Namespace) -> int:
    """Load a folder as the service would: all findings with file, line and column, or what is in it."""
    loaded = load(Path(given.folder), Loading(declared_fields(), kubevirt=kubevirt_api()))
    if given.output == "text":
        policies = loaded.policies
        print(f"{len(policies)} policies, {sum(len(policy.rules) for policy in policies)} rules: {loaded.digest}")
    for note in loaded.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0 if given.output == "text" else verbs.show_findings([], given.output)


def test(given: argparse.Namespace) -> int:
    """Run the suites of a folder; findings are cases that end otherwise, and rules that no case needs."""
    folder = Folder(
        Path(given.folder),
        declared_fields(),
        lambda spec, path: inspect(spec, spec_shape(), path).marks,
        Objects(_completed(), lambda obj: kubevirt_kind(obj) is not None),
        Foreign(kubevirt_api(), judged_object),
    )
    outcome = run_suites(folder)
    if outcome.findings or given.output != "text":
        return verbs.show_findings(outcome.findings, given.output)
    print(f"{outcome.cases} cases as expected; every rule is needed by one")
    return 0


def _completed() -> Complete:
    """Completes a manifest's object as on create, whatever policies say of it."""
    context = AdmissionContext(policies=Policies(shipped(), declared_fields()))

    def complete(obj: Any) -> tuple[Tree, Tree, str, str]:
        kind, findings = offline.kind_of(obj)
        if kind is None:
            raise Refused(findings)
        findings = inspect(kind.spec_of(obj), spec_shape(), kind.spec_path).findings
        if findings:
            raise Refused(findings)
        spec = kind.spec_of(offline.completed(obj, kind, context))
        return spec, kind.spec_of(obj), kind.spec_path, offline.review_of(obj, kind).namespace

    return complete


def schema(given: argparse.Namespace) -> int:
    """Print the JSON Schema of policy files, for editors."""
    made = policy_schema({**declared_fields(), **kubevirt_api().declared_fields})
    if given.output == "yaml":
        verbs.show([made], given.output)
    else:
        sys.stdout.write(orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    return 0


VERBS = (
    Verb(
        "check", "load a folder of policies as the service would, with every finding", check, _with_folder, group=POLICY
    ),
    Verb("test", "run the suites of a folder; name the rules that no case needs", test, _with_folder, group=POLICY),
    Verb("schema", "the JSON Schema of policy files, for editors", schema, group=POLICY),
)
