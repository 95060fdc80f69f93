"""Which pods get the container of the hook, and what it is there. Any JSON is a pod or none, and no error."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.chart.rendering import rendered
from tests.strategies import JSON
from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext, KubeVirtSettings
from webhook.admission.kubevirt_pod import add_hook
from webhook.admission.patch import patched
from webhook.admission.review import Review, Verdict
from webhook.policy import Policies, shipped
from webhook.trees import Tree

CASES: list[Tree] = yaml.safe_load((Path(__file__).parent / "pods.yaml").read_text())
CONTROLLER = "system:serviceaccount:kubevirt:kubevirt-controller"
POD: Tree = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "generateName": "virt-launcher-web-",
        "labels": {"kubevirt.io": "virt-launcher"},
        "annotations": {"vmconfig.kubevirt.io/machine": "{}", "kubevirt.io/domain": "web"},
    },
    "spec": {
        "containers": [{"name": "compute", "resources": {"limits": {"devices.kubevirt.io/kvm": "1"}}}],
        "volumes": [{"name": "private", "emptyDir": {}}, {"name": "kubevirt-plugin-sockets", "emptyDir": {}}],
        "securityContext": {"fsGroup": 107, "runAsUser": 107},
    },
}


def container() -> Tree:
    """The container as the chart says it."""
    site = rendered({"kubevirt": {"hook": "plugin"}})["ConfigMap/vmconfig-site"]["data"]
    made: Tree = yaml.safe_load(site["hook.yaml"])
    return made


@cache
def with_hook() -> AdmissionContext:
    """The context of a service that adds the chart's container."""
    return AdmissionContext(
        Policies(shipped(), apis(with_kubevirt=False)), kubevirt=KubeVirtSettings(container=container())
    )


def review(pod: Any, user: str = CONTROLLER, operation: str = "CREATE") -> Review:
    return Review("u", operation, "Pod", "shop", "", pod, None, user, (), dry_run=False, subresource="")


def laid_over(pod: Any, over: Any) -> Any:
    """A merge patch; lists are put in place of others."""
    if type(over) is not dict or type(pod) is not dict:
        return over
    made = {**pod, **{key: laid_over(pod.get(key), value) for key, value in over.items()}}
    return {key: value for key, value in made.items() if value is not None}


def after(pod: Tree, verdict: Verdict) -> Tree:
    assert verdict.allowed
    return patched(copy.deepcopy(pod), verdict.patch or [])


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_a_pod_gets_the_container_or_stays_as_it_is(case: Tree) -> None:
    pod = laid_over(POD, case.get("over", {}))
    verdict = add_hook(review(pod, case.get("user", CONTROLLER), case.get("operation", "CREATE")), with_hook())
    made = after(pod, verdict)
    assert case.get("warns", "") in "\n".join(verdict.warnings)
    assert bool(verdict.warnings) is ("warns" in case)
    if case.get("passes"):
        assert made == pod
        return
    *before, hook = made["spec"].pop("initContainers")
    assert before == pod["spec"].pop("initContainers", [])
    assert made == pod
    assert hook == laid_over(hook, case["gets"])


def test_a_second_time_nothing_is_added() -> None:
    once = after(POD, add_hook(review(POD), with_hook()))
    assert once != POD
    assert add_hook(review(once), with_hook()).patch is None


def test_what_is_added_is_held_to_the_restricted_level_of_pods() -> None:
    (hook,) = after(POD, add_hook(review(POD), with_hook()))["spec"]["initContainers"]
    assert hook["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsGroup": 107,
        "runAsNonRoot": True,
        "runAsUser": 107,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    # It ends with the pod and keeps no pod from ending.
    assert hook["restartPolicy"] == "Always"
    assert [mount["name"] for mount in hook["volumeMounts"]] == ["kubevirt-plugin-sockets"]


def test_without_a_container_to_add_every_pod_stays_as_it_is() -> None:
    off = replace(with_hook(), kubevirt=KubeVirtSettings())
    assert add_hook(review(POD), off).patch is None


PARTS = ["metadata", "spec", "containers", "initContainers", "volumes", "securityContext", "labels", "annotations"]


@given(st.sampled_from(PARTS), JSON)
def test_no_pod_is_an_error(part: str, value: Any) -> None:
    hostile = copy.deepcopy(POD)
    place = hostile if part in hostile else hostile["metadata"] if part in hostile["metadata"] else hostile["spec"]
    place[part] = value
    for pod in (hostile, value):
        assert add_hook(review(pod), with_hook()).allowed


@given(st.sampled_from(["name", "resources", "securityContext"]), JSON)
def test_no_container_of_a_pod_is_an_error(part: str, value: Any) -> None:
    hostile = copy.deepcopy(POD)
    hostile["spec"]["containers"] = [{"name": "compute", part: value}, value]
    assert add_hook(review(hostile), with_hook()).allowed
