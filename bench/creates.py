"""Creates a second on the real API server: without webhooks, with two that allow at once, and with ours."""

from __future__ import annotations

import asyncio
import base64
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import uvloop
import yaml

from bench import client, processes
from bench.bodies import vm
from tests import tools
from tests.cluster.cluster import Cluster, running

CHART = processes.ROOT / "charts" / "vmconfig"
COUNT = 1200
CONNECTIONS = 16
PATH = b"/apis/kubevirt.io/v1alpha1/namespaces/default/vms"


def measure(certs: Path) -> dict[str, float]:
    """The three rates; each the better of two runs, taken in turn, since the machine's hour changes."""
    rates = dict.fromkeys(("without webhooks", "with no-op webhooks", "with ours"), 0.0)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as cluster:
        _apply(cluster, _manifests("https://127.0.0.1:1", certs, "CustomResourceDefinition"))
        cluster.wait_established("vms.kubevirt.io")
        for turn in range(2):
            for name in rates:
                with _hooked(name, cluster, certs):
                    rates[name] = max(rates[name], uvloop.run(_creates(cluster, f"{name.split()[-1]}-{turn}")))
    return rates


@contextmanager
def _hooked(name: str, cluster: Cluster, certs: Path) -> Iterator[None]:
    """The API server with these webhooks registered."""
    if name == "without webhooks":
        yield
        return
    server = processes.service(certs) if name == "with ours" else processes.calibration(certs, None)
    with server as (port, _):
        hooks = _manifests(f"https://127.0.0.1:{port}", certs, "WebhookConfiguration")
        _apply(cluster, hooks)
        # The API server takes a moment to see new configurations.
        time.sleep(3)
        try:
            yield
        finally:
            for hook in hooks:
                cluster.kubectl("delete", hook["kind"], hook["metadata"]["name"])
            time.sleep(2)


def _manifests(url: str, certs: Path, kind: str) -> list[dict[str, Any]]:
    bundle = base64.b64encode((certs / "ca.crt").read_bytes()).decode()
    text = tools.template(CHART, {"webhook": {"url": url, "caBundle": bundle}}, namespace="hooks", release="vmconfig")
    return [document for document in yaml.safe_load_all(text) if document and document["kind"].endswith(kind)]


def _apply(cluster: Cluster, documents: list[dict[str, Any]]) -> None:
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(documents))


async def _creates(cluster: Cluster, prefix: str) -> float:
    """Create, over some connections, then delete again."""
    token = cluster.token("admin").encode()
    bodies = []
    for number in range(COUNT):
        tree = vm(number)
        tree["metadata"]["name"] = f"{prefix}-{number}"
        bodies.append(client.request(PATH, orjson.dumps(tree), token))
    names = iter(bodies)

    async def run(connection: client.Connection) -> None:
        for body in names:
            answer = await connection.ask(body)
            assert b'"creationTimestamp"' in answer, answer[:2000]

    opened = await client.connect(int(cluster.url.rpartition(":")[2]), Path(cluster.ca_file), CONNECTIONS)
    began = time.perf_counter()
    await asyncio.gather(*(run(connection) for connection in opened))
    rate = COUNT / (time.perf_counter() - began)
    for connection in opened:
        connection.transport.close()
    with cluster.client() as http:
        http.delete(PATH.decode()).raise_for_status()
    return rate
