"""Every feature by every kind of change: an update does what it says, or says why not."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tests.abi.life import admitted
from webhook.consistency import warned_of
from webhook.features import FEATURES
from webhook.findings import Refused
from webhook.trees import Tree

WORDS: dict[str, list[Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "words.yaml").read_text())
BASE = {"system": {"type": "debian", "version": "12"}}
CLASSED = re.compile(r" \((none|hotplug|reboot): .{15,}\)$")
RECORDED = "the update changes these words alone, the machine stays as it is"


def with_words(feature: str, words: Any) -> Tree:
    return {name: value for name, value in {**BASE, feature: words}.items() if value is not None}


def test_every_feature_has_words() -> None:
    assert WORDS.keys() == {to_camel(name) for name in FEATURES}


@pytest.mark.parametrize("feature", WORDS)
def test_every_change_of_a_feature_means_what_it_says(feature: str) -> None:
    passed = 0
    without_help: list[str] = []
    for before, after in itertools.permutations([None, *WORDS[feature]], 2):
        try:
            stored, _ = admitted({"features": with_words(feature, before)})
        except Refused:
            continue
        case = f"{before} -> {after}"
        try:
            made, warnings = admitted({"features": with_words(feature, after)}, stored)
        except Refused as refused:
            without_help += [f"{case}: {finding}" for finding in refused.findings if not finding.help]
            continue
        passed += 1
        # What a feature asks for is in the machine, and the guest that it names would have it so.
        again, _ = admitted(made)
        assert again == made, f"{case}: created again from what is stored"
        unwise = {str(finding) for finding in warned_of(made["domain"], "spec.domain")}
        told = [warning for warning in warnings if warning not in unwise]
        if made == stored:
            # The words for a guest are kept.
            assert told == [], case
        elif made["domain"] == stored["domain"]:
            assert [warning.partition(": ")[2] for warning in told] == [RECORDED], case
        else:
            assert told, case
            assert [warning for warning in told if not CLASSED.search(warning)] == [], case
    assert passed
    assert without_help == []
