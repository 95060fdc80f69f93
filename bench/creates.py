"""Creates a second on the real API server: without webhooks, with two that allow at once, and with ours."""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvloop
import yaml

from bench import processes
from bench.bodies import vm
from tests import tools
from tests.cluster.cluster import Cluster, running

CHART = processes.ROOT / "charts" / "vmconfig"
COUNT = 1200
CONNECTIONS = 16
PATH = "/apis/kubevirt.io/v1alpha1/namespaces/default/vms"


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
    headers = {"Authorization": f"Bearer {cluster.token('admin')}", "Content-Type": "application/json"}
    names = iter(range(COUNT))

    async def run(client: httpx.AsyncClient) -> None:
        for number in names:
            tree = vm(number)
            tree["metadata"]["name"] = f"{prefix}-{number}"
            answer = await client.post(PATH, content=orjson.dumps(tree))
            assert answer.status_code == 201, answer.text

    trusted = ssl.create_default_context(cafile=cluster.ca_file)
    async with httpx.AsyncClient(base_url=cluster.url, verify=trusted, headers=headers, timeout=30) as client:
        began = time.perf_counter()
        await asyncio.gather(*(run(client) for _ in range(CONNECTIONS)))
        rate = COUNT / (time.perf_counter() - began)
        await client.delete(PATH)
    return rate
