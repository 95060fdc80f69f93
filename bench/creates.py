"""Creates a second on the real API server: without webhooks, with two that allow at once, and with ours.

A VM that we complete is many times what the tenant wrote, and the API server decodes, validates, tracks and stores
all of it, whoever wrote it; so there is a fourth load: the complete VMs, sent past webhooks that allow at once. What
ours lacks to that one is our cost; what that one lacks to the short VMs is the API server's."""

from __future__ import annotations

import asyncio
import base64
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop
import yaml

from bench import client, processes
from bench.bodies import context, review, stored, vm
from tests import tools
from tests.cluster.cluster import Cluster, running

CHART = processes.ROOT / "charts" / "vmconfig"
COUNT = 1200
CONNECTIONS = 16
WITHOUT, NO_OP, COMPLETE, OURS = "without webhooks", "no-op webhooks", "no-op, complete VMs sent", "ours"
PATH = b"/apis/kubevirt.io/v1alpha1/namespaces/default/vmdefinitions"


@dataclass
class Creates:
    """What a load of creates showed: creates a second, and the API server's CPU for one in milliseconds."""

    rate: float = 0.0
    cpu: float = 0.0


def measure(certs: Path) -> dict[str, Creates]:
    """The four loads; each the better of two runs, taken in turn, since the machine's hour changes."""
    rows = {name: Creates() for name in (WITHOUT, NO_OP, COMPLETE, OURS)}
    short, complete = [orjson.dumps(vm(number)) for number in range(COUNT)], _complete()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as cluster:
        _apply(cluster, _manifests("https://127.0.0.1:1", certs, "CustomResourceDefinition"))
        cluster.wait_established("vmdefinitions.kubevirt.io")
        for _ in range(2):
            for name in rows:
                with _hooked(name, cluster, certs):
                    load = uvloop.run(_creates(cluster, complete if name == COMPLETE else short))
                    rows[name] = max(rows[name], load, key=lambda seen: seen.rate)
    return rows


def _complete() -> list[bytes]:
    """The same VMs as ours are stored, for a load in which the API server stores as much but nobody expands."""
    used = context()
    return [orjson.dumps(stored(review(vm(number)), used)[0]) for number in range(COUNT)]


@contextmanager
def _hooked(name: str, cluster: Cluster, certs: Path) -> Iterator[None]:
    """The API server with these webhooks registered."""
    if name == WITHOUT:
        yield
        return
    server = processes.service(certs) if name == OURS else processes.calibration(certs, None)
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


async def _creates(cluster: Cluster, objects: list[bytes]) -> Creates:
    """Create, over some connections, then delete again."""
    token = cluster.token("admin").encode()
    requests = iter([client.request(PATH, body, token) for body in objects])

    async def run(connection: client.Connection) -> None:
        for request in requests:
            answer = await connection.ask(request)
            assert b'"creationTimestamp"' in answer, answer[:2000]

    opened = await client.connect(int(cluster.url.rpartition(":")[2]), Path(cluster.ca_file), CONNECTIONS)
    before, began = processes.cpu_seconds(cluster.process.pid), time.perf_counter()
    await asyncio.gather(*(run(connection) for connection in opened))
    seconds, cpu = time.perf_counter() - began, processes.cpu_seconds(cluster.process.pid) - before
    for connection in opened:
        connection.transport.close()
    with cluster.client() as http:
        http.delete(PATH.decode()).raise_for_status()
    return Creates(len(objects) / seconds, cpu / len(objects) * 1e3)
