"""What each rule set makes of the same words, as whole documents: one that is stored somewhere is never edited."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.kinds import declared_fields
from webhook.policy import Policies, shipped
from webhook.rule_sets import NEWEST, RULE_SETS
from webhook.trees import Tree

HERE = Path(__file__).parent
WORDS: dict[str, Any] = yaml.safe_load((HERE / "golden.yaml").read_text())


def made(features: Tree, abi: Tree) -> Tree:
    """The spec as it is stored, with identities that are the same each time."""
    entropy = random.Random("identities").randbytes
    context = AdmissionContext(Policies(shipped(), declared_fields(), "privileged"), entropy=entropy)
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm", "namespace": "tenant"}}
    complete, findings, _ = expand_object({**head, "spec": {"features": features, "abi": abi}}, context)
    assert findings == []
    assert complete is not None
    spec: Tree = complete["spec"]
    return spec


@pytest.mark.parametrize("rule_set", RULE_SETS)
@pytest.mark.parametrize("name", WORDS)
def test_a_rule_set_makes_of_the_same_words_what_it_always_did(
    name: str, rule_set: str, golden: Callable[[Path, str], None]
) -> None:
    spec = made(WORDS[name], {"ruleSet": rule_set})
    golden(HERE / "golden" / rule_set / f"{name}.yaml", yaml.safe_dump(spec, sort_keys=False, width=120))


@pytest.mark.parametrize("name", WORDS)
def test_who_names_no_rule_set_has_the_newest(name: str) -> None:
    assert made(WORDS[name], {}) == made(WORDS[name], {"ruleSet": NEWEST})
