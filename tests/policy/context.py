"""What the policy tests share: the declared places, and a decision over a case's few words."""

from __future__ import annotations

from datetime import date
from typing import Any

import yaml

from tests.policy.files import END
from webhook.declare import DeclaredField, Mark, inspect, walk
from webhook.domain import domain_shape
from webhook.findings import Refused
from webhook.policy import Decision, Engine, Policy, Request, Submission, compile_policies
from webhook.policy.engine.stated import stated_paths
from webhook.policy.loading.load import check, parse

PLACES: dict[str, DeclaredField] = {place.path: place for place in walk(domain_shape(), "domain")}
TODAY = date(2026, 11, 24)


class _Written(yaml.SafeDumper):
    """Writes what a case shares between two places twice: policy files have no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - whatever it is
        return True


def policies(said: list[dict[str, Any]], declared_fields: dict[str, DeclaredField] = PLACES) -> list[Policy]:
    """Policies as a case writes them: what every policy file says is added; raises Refused."""
    whole = [
        {"apiVersion": "policy.vmconfig.kubevirt.io/v1", "kind": "Policy", "metadata": {"name": "site"}, **each}
        for each in said
    ]
    if not whole:
        return []
    text = yaml.dump_all(whole, Dumper=_Written, sort_keys=False) + END
    made, findings = parse(text.encode(), "site/policy.yaml", declared_fields)
    findings = findings or check(made, declared_fields)
    if findings:
        raise Refused(findings)
    return made


def engine(
    said: list[dict[str, Any]], level: str = "restricted", declared_fields: dict[str, DeclaredField] = PLACES
) -> Engine:
    return compile_policies(policies(said, declared_fields), declared_fields, level, lambda: TODAY)


def decide(
    judge: Engine, spec: Any, request: Request | None = None, stored: Any = None, frozen: bool = True
) -> Decision:
    """The decision over a spec that holds a domain; what is no domain has no marks."""
    marks, stored_marks = (_marks(each) for each in (spec, stored))
    submitted, request = Submission(spec, marks, "spec", stored, stored_marks, frozen), request or Request()
    found = judge.decide(submitted, request)
    paths = stated_paths(spec, [] if stored is None else [stored], "spec", PLACES)
    own = judge.decide_stated(submitted, request, paths)
    for taken, more in ((found.findings, own.findings), (found.warned, own.warned), (found.audits, own.audits)):
        taken.take(more)
    return found


def _marks(spec: Any) -> list[Mark]:
    domain = spec.get("domain") if isinstance(spec, dict) else None
    return inspect(domain, domain_shape(), "spec.domain").marks


def refused(decision: Decision) -> list[dict[str, str]]:
    """A decision's findings as cases write them."""
    return [{"path": each.path, "rule": each.rule.split(" ")[0]} for each in decision.findings]


def decided(case: dict[str, Any]) -> dict[str, Any]:
    """What becomes of the VM of a case in cases/, in the words in which `expected` has it."""
    said = case.get("policies", [{"rules": case["rules"]}] if "rules" in case else [])
    judge = engine(said, case.get("level", "restricted"))
    stored = {"domain": case["stored"]} if "stored" in case else None
    request, frozen = Request(**case.get("request", {})), case.get("frozen", True)
    decision = decide(judge, {"domain": case["domain"]}, request, stored, frozen)
    texts = [each.get("text", "") for each in case.get("refused", [])]
    return {
        "malformed": inspect(case["domain"], domain_shape(), "spec.domain").findings,
        "refused": refused(decision),
        # The text that is expected, where the finding has it: it ends with a line's end.
        "texts": [
            text if text in f"{each}\n" else str(each) for each, text in zip(decision.findings, texts, strict=False)
        ],
        "warned": [text[: text.index(": ")] for text in decision.warnings],
        "audited": [{"path": each.path, "rule": each.rule.split(" ")[0]} for each in decision.audits],
    }


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """What shall become of it: its refusals in their order, what is warned of, and what only the log is told."""
    found = {
        word: [{**each, "path": f"spec.domain.{each['path']}"} for each in case.get(word, [])]
        for word in ("refused", "warned", "audited")
    }
    return {
        "malformed": [],
        "refused": [{"path": each["path"], "rule": each["rule"]} for each in found["refused"]],
        "texts": [each.get("text", "") for each in found["refused"]],
        "warned": [each["path"] for each in found["warned"]],
        "audited": found["audited"],
    }
