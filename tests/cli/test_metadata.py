"""What no API server takes of an object's metadata is a finding of `vmconfig check`, as the API server itself says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_cli import vmconfig
from tests.cluster.cluster import Cluster

LONG: list[dict[str, Any]] = [
    {"metadata": {"name": "a" * 253}},
    {"metadata": {"name": "a" * 254}, "refused": "metadata.name"},
    {"metadata": {"name": "web", "namespace": "a" * 64}, "refused": "metadata.namespace"},
    {"metadata": {"name": "web", "labels": {"a" * 63: "b" * 63}}},
    {"metadata": {"name": "web", "labels": {"a" * 64: "b"}}, "refused": "metadata.labels"},
    {"metadata": {"name": "web", "labels": {"a": "b" * 64}}, "refused": "metadata.labels[a]"},
    {"metadata": {"name": "web", "annotations": {"a": "b" * ((256 << 10) - 1)}}},
    {"metadata": {"name": "web", "annotations": {"a": "b" * (256 << 10)}}, "refused": "metadata.annotations"},
]
CASES = [*yaml.safe_load((Path(__file__).parent / "metadata.yaml").read_text()), *LONG]
HEAD = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM"}


def title(case: Any) -> str:
    return json.dumps(case["metadata"])[:60]


@pytest.mark.parametrize("case", CASES, ids=title)
def test_what_is_refused_is_found(case: Any) -> None:
    spec = {"features": {"memory": "4Gi"}}
    done = vmconfig("check", "-", "-o", "json", text=json.dumps({**HEAD, "metadata": case["metadata"], "spec": spec}))
    found = [each["path"] for each in json.loads(done.stdout)]
    assert found == ([case["refused"]] if "refused" in case else []), done.stdout


def test_the_api_server_refuses_just_these(cluster: Cluster) -> None:
    wrong = [
        (title(case), said)
        for case in CASES
        if bool(said := refusal(cluster, case["metadata"])) is not ("refused" in case)
    ]
    assert wrong == []


def refusal(cluster: Cluster, metadata: Any) -> str:
    """What the API server has against a ConfigMap with this metadata."""
    namespace = metadata.get("namespace", "default") if isinstance(metadata, dict) else "default"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    with cluster.client() as api:
        answer = api.post(f"/api/v1/namespaces/{namespace}/configmaps?dryRun=All", json=body)
    return "" if answer.is_success else answer.text
