"""The cases of features: what a tenant says on a platform, and the contributions or refusals that follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic.alias_generators import to_camel

from webhook.declare import inspect
from webhook.features import FEATURES, Contribution, Features, Platform, Site, features_shape, platform_of
from webhook.features.reading import reader
from webhook.findings import Refused

FOLDER = Path(__file__).parent / "cases"
RULE_SET = "2026.1"
Case = dict[str, Any]


def load() -> list[tuple[str, Case]]:
    """Every case with its feature's module."""
    return [(path.stem, case) for path in sorted(FOLDER.glob("*.yaml")) for case in yaml.safe_load(path.read_text())]


def features_of(name: str, case: Case) -> Case:
    """`spec.features` of a case."""
    system = {"system": case["system"]} if "system" in case else {}
    return {**system, to_camel(name): case["wanted"]} if "wanted" in case else system


def platform(name: str, case: Case) -> Platform:
    """The platform of a case; its own words about the system count."""
    return platform_of(features_of(name, case), case.get("stated", {}), Site(**case.get("site", {})), RULE_SET)


def expanded(name: str, case: Case) -> list[Contribution]:
    """What the one feature of a case contributes; raises Refused."""
    features = features_of(name, case)
    findings = inspect(features, features_shape(), "spec.features").findings
    if findings:
        raise Refused(findings)
    wanted = getattr(reader(Features)(features), name)
    made: list[Contribution] = FEATURES[name].expand(wanted, platform(name, case), f"spec.features.{to_camel(name)}")
    return made


def outcome(name: str, case: Case) -> Case:
    """A case's end as its file writes it: contributions without what is empty, or refusals."""
    try:
        made = expanded(name, case)
    except Refused as refused:
        return {"refused": [f"{finding.path}: {finding.problem}" for finding in refused.findings]}
    parts = [{"origin": c.origin, "asked": c.asked, "default": c.default} for c in made]
    return {"contributions": [{key: value for key, value in part.items() if value} for part in parts]}
