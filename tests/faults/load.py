"""Reviews that go on while something breaks: each with a verdict that is known before."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.admission.reviews import review
from tests.cluster.cluster import reserved_port
from tests.e2e.service import RELEASE, ROOT, Service
from tests.waiting import PATIENCE, until
from webhook.trees import Tree

SECRET = f"{RELEASE}/vmconfig-certificates"
RULE = "restricted/no-host-paths"


def vm(**domain: Any) -> Tree:
    features = {"memory": 512, "storage": [{"type": "disk", "source": "root"}]}
    spec = {"features": features, **({"domain": domain} if domain else {})}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm"}, "spec": spec}


HONEST = vm()
HOSTILE = vm(devices={"rng": {"path": "/dev/mem"}})


def connected(service: Service, **options: Any) -> httpx.Client:
    """A client that keeps one connection, and asks no proxy for our loopback address."""
    return httpx.Client(base_url=service.url, verify=service.trusted(), timeout=PATIENCE, trust_env=False, **options)


def wrong(client: httpx.Client, uid: str) -> str:
    """Whether an honest VM is expanded and a hostile one refused; else what came instead."""
    honest, hostile = review(HONEST), review(HOSTILE)
    honest["request"]["uid"] = hostile["request"]["uid"] = uid
    first, second = client.post("/mutate", json=honest), client.post("/validate", json=hostile)
    if first.status_code != 200 or second.status_code != 200:
        return f"{first.status_code} {second.status_code}: {first.text[:200]} {second.text[:200]}"
    expanded, refused = first.json()["response"], second.json()["response"]
    if not (expanded["allowed"] and expanded["patch"] and expanded["uid"] == uid):
        return first.text[:500]
    return "" if not refused["allowed"] and RULE in str(refused) else second.text[:500]


@dataclass
class Load:
    """What came of the reviews so far: how many pairs were right, and what was not."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    ends: threading.Event = field(default_factory=threading.Event)
    clients: list[threading.Thread] = field(default_factory=list)

    def goes_on(self, pairs: int = 25) -> None:
        """Wait for that many more; fails where one was wrong or lost, or where they do not come."""
        wanted = self.right + pairs
        until(lambda: self.right >= wanted or self.wrong or self.lost, "the reviews stopped")
        assert (self.wrong, self.lost) == ([], [])

    def end(self) -> None:
        """Have the clients finish what they have begun."""
        self.ends.set()
        for client in self.clients:
            client.join(PATIENCE)

    def send(self, service: Service, numbers: Iterator[int]) -> None:
        with connected(service) as client:
            while not self.ends.is_set():
                try:
                    said = wrong(client, f"review-{next(numbers)}")
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    return
                if said:
                    self.wrong.append(said)
                else:
                    self.right += 1


@contextlib.contextmanager
def loaded(service: Service, clients: int = 2) -> Iterator[Load]:
    """Clients that send reviews while this is entered; at the end none was lost and none was wrong."""
    load, numbers = Load(), itertools.count()
    load.clients = [threading.Thread(target=load.send, args=(service, numbers)) for _ in range(clients)]
    for thread in load.clients:
        thread.start()
    try:
        load.goes_on()
        yield load
        if not load.ends.is_set():
            load.goes_on()
    finally:
        load.end()
    assert (load.wrong, load.lost) == ([], [])


@contextlib.contextmanager
def with_secret(folder: Path, kubeconfig: Path, *flags: str) -> Iterator[Service]:
    """A service that keeps its certificates in a Secret, as the chart has it; not ready when this is entered."""
    port = reserved_port()
    command = [sys.executable, "-m", "webhook.cli", "serve", "--listen", f"127.0.0.1:{port}", "--drain-seconds", "0.2"]
    command += ["--certs-secret", SECRET, "--dns-name", "localhost", *flags]
    environment = {name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"}
    environment |= {"KUBECONFIG": str(kubeconfig), "NO_PROXY": "127.0.0.1"}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment)
    service = Service(port, folder, process)
    try:
        until(lambda: process.poll() is not None or answers(service), "it does not answer")
        assert process.poll() is None, service.log()
        yield service
    finally:
        if process.poll() is None:
            service.stop()


def answers(service: Service) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return alive(service)
    return False


def readiness(service: Service) -> tuple[int, Tree]:
    """What `/readyz` says, to somebody who does not verify whom it asks, as kubelets do not."""
    answer = httpx.get(f"{service.url}/readyz", verify=False, trust_env=False, timeout=PATIENCE)
    return answer.status_code, answer.json()


def alive(service: Service) -> bool:
    return httpx.get(f"{service.url}/livez", verify=False, trust_env=False, timeout=PATIENCE).text == "ok"


def metric(service: Service, name: str) -> float:
    """The value of a metric, its labels a part of the name."""
    text = httpx.get(f"{service.url}/metrics", verify=False, trust_env=False, timeout=PATIENCE).text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))
