"""Kubernetes Events about the policies, on the ConfigMap that they are mounted from: what became of a change.

`kubectl describe configmap` shows them to whoever made the change. They are written off the path of requests; what
cannot be written is logged.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from certs.cluster import TIMEOUT
from certs.threads import in_daemon_thread
from webhook.cluster.api import Unanswered, asking
from webhook.findings import Finding
from webhook.trees import Tree

COMPONENT = "vmconfig"
# Seconds between two Events: a file that changes all the time must not fill the cluster's store.
_PERIOD = 1.0
# Characters of an Event's message, which the API server holds to 1024 bytes.
_LONGEST = 900

EventType = Literal["Normal", "Warning"]


class Events:
    """Writes Events; `core` is a CoreV1Api, `log` is called with what could not be written.

    An Event that is not written yet is replaced by a newer one of the same reason.
    """

    def __init__(self, core: Any, namespace: str, name: str, log: Callable[..., None]) -> None:
        self.core = core
        self.namespace = namespace
        self.name = name
        self._log = log
        self._pending: dict[str, Tree] = {}
        self._wake = asyncio.Event()

    def record(self, event_type: EventType, reason: str, message: str) -> None:
        """Have an Event written soon; called in the event loop. `reason` is for programs, such as PolicyRefused."""
        self._pending.pop(reason, None)
        self._pending[reason] = {"type": event_type, "reason": reason, "message": message}
        self._wake.set()

    async def run(self) -> None:
        """Write what is recorded, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                await in_daemon_thread(self._write, self._pending.pop(next(iter(self._pending))))
                await asyncio.sleep(_PERIOD)

    def _write(self, event: Tree) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        host = socket.gethostname()
        try:
            with asking(f"an Event on ConfigMap {self.namespace}/{self.name}"):
                body = {
                    "metadata": {"name": f"{self.name}.{time.time_ns():x}", "namespace": self.namespace},
                    "involvedObject": self._involved(),
                    **event,
                    "source": {"component": COMPONENT, "host": host},
                    "reportingComponent": COMPONENT,
                    "reportingInstance": host,
                    "firstTimestamp": now,
                    "lastTimestamp": now,
                    "count": 1,
                }
                self.core.create_namespaced_event(self.namespace, body, _request_timeout=TIMEOUT)
        except Unanswered as unanswered:  # the service is about VMs: an Event that is lost is no more than that
            self._log("event not written", reason=event["reason"], problem=str(unanswered))

    def _involved(self) -> Tree:
        """The ConfigMap as Events name it; with its uid, by which `kubectl describe` finds them."""
        found = self.core.read_namespaced_config_map(self.name, self.namespace, _request_timeout=TIMEOUT)
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": self.name,
            "namespace": self.namespace,
            "uid": found.metadata.uid,
        }


def first(findings: Iterable[Finding]) -> str:
    """As many findings as an Event holds, and how many are left out."""
    all_of_them = list(findings)
    lines: list[str] = []
    length = 0
    for number, finding in enumerate(all_of_them):
        line = f"{finding.path}: {finding.problem}"
        length += len(line) + 1
        if number and length > _LONGEST:
            lines.append(f"and {len(all_of_them) - number} more")
            break
        lines.append(line[:_LONGEST])
    return "\n".join(lines)
