"""An API server that goes away and comes back, with a log that fails all the while: levels and certificates follow."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import httpx

from tests.admission.reviews import review
from tests.cluster.cluster import Cluster, running
from tests.cluster.test_namespaces import LEVEL, label, made
from tests.e2e.service import account, serving
from tests.faults.load import SECRET, connected, loaded, metric, readiness, vm, with_secret, wrong
from tests.faults.test_log import DROPPED, QUICK, ends
from tests.waiting import until

# What the level `privileged` permits and `restricted` refuses.
FREE = vm(devices={"rng": {"path": "/dev/hwrng"}})


def permitted(client: httpx.Client, namespace: str) -> bool:
    answer = client.post("/validate", json=review(FREE, namespace=namespace))
    rules = str(answer.json()["response"])
    return "restricted/no-host-paths" not in rules


def test_a_namespace_that_was_tightened_while_the_log_failed_and_the_server_was_away_is_tight(tmp_path: Path) -> None:
    shell = ("sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh")
    (tmp_path / "cluster").mkdir()
    with running(tmp_path / "cluster") as cluster:
        name = made(cluster, **{LEVEL: "privileged"})
        kubeconfig = account(cluster)
        with (
            serving(tmp_path, flags=QUICK, kubeconfig=kubeconfig, through=shell) as service,
            connected(service) as client,
        ):
            until(lambda: permitted(client, name), "the label is not known")
            with loaded(service) as load:
                with cluster.away():
                    until(lambda: readiness(service)[1]["namespaces"]["problem"], "the loss does not show")
                    load.goes_on()
                    assert permitted(client, name)
                label(cluster, name, f"{LEVEL}=restricted")
                until(lambda: not permitted(client, name), "the namespace stays privileged")
                until(lambda: not readiness(service)[1]["namespaces"]["problem"], "the server stays lost")
                assert readiness(service)[0] == 200
            assert metric(service, DROPPED) > 0
            assert metric(service, 'vmconfig_task_restarts_total{task="namespaces"}') == 0
            ends(service)


def test_a_service_that_is_there_before_its_cluster_gets_its_certificate_when_that_comes(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(running(tmp_path / "cluster"))
        kubeconfig = account(cluster)
        with cluster.away():
            service = stack.enter_context(with_secret(tmp_path, kubeconfig, "--namespaces", "watch"))
            until(lambda: readiness(service)[1]["certificate"]["problem"], "the cause is not told")
            assert readiness(service)[0] == 503
        until(lambda: readiness(service)[0] == 200, "it does not become ready")
        (tmp_path / "certs").mkdir()
        (tmp_path / "certs" / "ca.crt").write_bytes(authority(cluster))
        with httpx.Client(base_url=f"https://localhost:{service.port}", verify=service.trusted()) as client:
            assert wrong(client, "trusted") == ""
        assert readiness(service)[1]["certificate"]["problem"] is None
        ends(service)


def authority(cluster: Cluster) -> bytes:
    """The CA in the Secret, which API servers trust."""
    namespace, _, name = SECRET.partition("/")
    secret: dict[str, Any] = json.loads(cluster.kubectl("-n", namespace, "get", "secret", name, "-o", "json").stdout)
    return base64.b64decode(secret["data"]["ca.crt"])
