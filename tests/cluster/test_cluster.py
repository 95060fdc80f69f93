"""The test cluster itself: a real API server, and nothing left of it afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cluster.build import kubernetes
from tests.cluster.cluster import Cluster, running

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.test.example}
spec:
  group: test.example
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  scope: Namespaced
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""


def test_the_server_says_the_version_that_it_is_built_from(cluster: Cluster) -> None:
    with cluster.client() as client:
        assert client.get("/version").json()["gitVersion"] == kubernetes()
    assert cluster.kubectl("version").stdout.count(kubernetes()) == 2


def test_a_custom_resource_definition_becomes_established(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-f", "-", input=CRD)
    cluster.wait_established("things.test.example")
    assert "No resources found" in cluster.kubectl("get", "things").stderr


def test_a_tenant_may_not_do_what_the_admin_may(cluster: Cluster) -> None:
    refused = cluster.kubectl("get", "secrets", user="tenant", check=False)
    assert refused.returncode != 0
    assert "forbidden" in refused.stderr
    assert cluster.kubectl("get", "secrets", user="admin").returncode == 0


def test_a_stopped_cluster_leaves_no_process(tmp_path: Path) -> None:
    with running(tmp_path) as started:
        process = started.process.pid
    assert started.process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
