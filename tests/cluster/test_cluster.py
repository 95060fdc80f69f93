"""The test cluster itself: a real API server, and nothing left of it afterwards."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.build import kubernetes
from tests.cluster.cluster import Cluster, reserved_port, running

ROOT = Path(__file__).parents[2]
# A test run that starts a cluster, says where, and then waits to be killed.
RUN = """
import sys, time
from pathlib import Path
from tests.cluster.cluster import running
with running(Path(sys.argv[1])) as cluster:
    print(cluster.port, flush=True)
    time.sleep(600)
"""

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


def test_two_clusters_share_nothing_and_a_stopped_one_leaves_no_process(cluster: Cluster, tmp_path: Path) -> None:
    with running(tmp_path) as other:
        other.kubectl("create", "namespace", "only-there")
        assert cluster.kubectl("get", "namespace", "only-there", check=False).returncode != 0
    assert other.process.returncode == 0
    assert not listens(other.port)
    assert listens(cluster.port)


def test_a_killed_test_run_leaves_no_server(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        port = int(run.stdout.readline())
        assert listens(port)
        run.kill()
    deadline = time.monotonic() + 20
    while listens(port):
        assert time.monotonic() < deadline, "the server outlived the test run"
        time.sleep(0.1)


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "etcd").write_text("a file where etcd wants its folder")
    with pytest.raises(RuntimeError, match="etcd: "), running(tmp_path):
        pass


def test_a_proxy_in_the_environment_is_not_asked(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with cluster.client() as client:
        assert client.get("/version").is_success
    assert cluster.kubectl("get", "namespaces").stdout


def test_a_reserved_port_is_only_for_who_asks_for_it_by_number() -> None:
    port = reserved_port()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)):  # sets SO_REUSEADDR
        assert listens(port)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
