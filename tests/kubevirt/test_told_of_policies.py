"""What policies say of KubeVirt's objects: each name at its place, and the way out that is meant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubevirt.objects import around
from webhook.admission.apis import apis
from webhook.admission.kubevirt import judged_object
from webhook.findings import Findings
from webhook.policy import Policies, Request, shipped
from webhook.trees import Tree

ENGINE = Policies(shipped(), apis(with_kubevirt=True)).kubevirt
REQUESTS = "spec.template.spec.domain.resources.requests"


def told(vmi: Tree, vm: Tree | None = None, metadata: Any = None) -> Findings:
    assert ENGINE is not None
    obj = around("VirtualMachine", vmi, vm or {}, {})
    if metadata is not None:
        obj["spec"]["template"]["metadata"] = metadata
    return judged_object(ENGINE, Request(namespace="team"), obj).findings


def requests(*names: str) -> Tree:
    return {"domain": {"resources": {"requests": {"memory": "1Gi", **dict.fromkeys(names, "1")}}}}


def test_each_resource_of_a_node_is_told_at_its_own_place() -> None:
    names = ["devices.kubevirt.io/sev", "nvidia.com/gpu"]
    assert [finding.path for finding in told(requests(*names))] == [f"{REQUESTS}[{name}]" for name in names]


def test_a_name_that_may_be_a_secret_is_not_told() -> None:
    assert [finding.path for finding in told(requests("a.b/hunter2hunter2"))] == [REQUESTS]


def test_of_very_many_names_some_are_told() -> None:
    assert 1 < len(told(requests(*(f"a.b/{'x' * number}" for number in range(5000))))) < 100


def test_resources_that_a_machine_has_anyway_are_not_told() -> None:
    assert told(requests("cpu")) == []


@pytest.mark.parametrize("part", ["annotations", "labels"])
@pytest.mark.parametrize("value", [["a"], "a", 4])
def test_what_is_no_map_is_told_as_what_it_is(part: str, value: object) -> None:
    (finding,) = told({"domain": {}}, metadata={part: value})
    assert finding.path == f"spec.template.metadata.{part}"
    assert finding.problem.endswith(", expected an object")
    assert "remove" not in finding.help


@pytest.mark.parametrize("part", ["features", "domain"])
def test_words_of_our_own_machines_lead_to_their_kind(part: str) -> None:
    (finding,) = told({"domain": {}}, {part: {"memory": "4Gi"}})
    assert finding.path == f"spec.{part}"
    assert "`kind: VM` with `apiVersion: kubevirt.io/v1alpha1`" in finding.help


def test_other_words_that_kubevirt_does_not_have_do_not() -> None:
    (finding,) = told({"domain": {}}, {"feature": {"memory": "4Gi"}})
    assert "kind: VM" not in finding.help
