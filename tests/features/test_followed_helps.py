"""The help of every refused case of a feature, followed: the VM that then is written passes both webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tests.consistency.vms import context
from tests.features.feature_cases import Case, expanded, load
from webhook.admission.offline import expand_object
from webhook.findings import Refused

FOLLOWED: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("followed.yaml").read_text())
REFUSED = [(name, case) for name, case in load() if "refused" in case]
IDS = [f"{name}: {case['title']}" for name, case in REFUSED]


def test_what_follows_the_help_is_said_of_every_refused_case_and_of_no_other() -> None:
    said = {(name, title) for name, titles in FOLLOWED.items() for title in titles}
    assert said == {(name, case["title"]) for name, case in REFUSED}


@pytest.mark.parametrize(("name", "case"), REFUSED, ids=IDS)
def test_every_finding_has_a_help_that_is_more_than_the_problem(name: str, case: Case) -> None:
    with pytest.raises(Refused) as caught:
        expanded(name, case)
    for finding in caught.value.findings:
        assert finding.help
        assert finding.help != finding.problem


@pytest.mark.parametrize(("name", "case"), REFUSED, ids=IDS)
def test_a_vm_that_follows_the_help_passes(name: str, case: Case) -> None:
    features: Case = {"system": case.get("system", {"type": "linux"}), "memory": "1Gi", "cpu": {"count": 2}}
    if name == "numa":
        # The cells say how much memory there is.
        del features["memory"]
    followed = FOLLOWED[name][case["title"]]
    if "wanted" in followed:
        features[to_camel(name)] = followed["wanted"]
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm", "namespace": "tenant"}}
    made, findings, _ = expand_object({**head, "spec": {"features": features}}, context())
    assert [str(finding) for finding in findings] == []
    assert made is not None
