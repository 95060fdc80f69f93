"""The background tasks: policies and their exceptions, certificates, watches, Events.

Every task and thread starts and ends with the application's lifespan; one that fails is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from webhook.cluster.events import Events, first
from webhook.cluster.watch import Watch
from webhook.findings import Finding
from webhook.policy import Policies
from webhook.policy.loading.exceptions import expired
from webhook.policy.loading.watch import watch as watch_policies
from webhook.server import logs
from webhook.server.metrics import Metrics
from webhook.server.supervision import Supervision

if TYPE_CHECKING:
    from certs.serve import Reloader

# Seconds between two looks for exceptions that expired: they end at midnight, UTC.
_DAY = 30.0
# Seconds that a thread may take to end.
_JOIN = 2.0


@dataclass(frozen=True, slots=True)
class BackgroundParts:
    """The parts of the service that tasks keep up to date; a part that is None has no task."""

    policies: Policies
    metrics: Metrics
    events: Events | None = None
    watches: Sequence[Watch] = ()
    reloader: Reloader | None = None
    renew: Callable[[], object] | None = None


@contextlib.asynccontextmanager
async def background(supervision: Supervision, parts: BackgroundParts) -> AsyncIterator[None]:
    """Runs all background tasks while it is entered."""
    policies, events, reloader = parts.policies, parts.events, parts.reloader
    reporter = PolicyReporter(policies, parts.metrics, events)
    running: dict[str, Callable[[], Awaitable[None]]] = {
        "policies": lambda: watch_policies(policies, reporter.on_loaded, reporter.on_refused),
        "exceptions": reporter.watch_dates,
    }
    if events is not None:
        running["events"] = events.run
    if reloader is not None:
        running["certificates"] = lambda: _certificates(reloader, parts.renew)
    tasks = [asyncio.create_task(supervision.task(name, run)) for name, run in running.items()]
    async with _following(supervision, parts.watches):
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _following(supervision: Supervision, watches: Sequence[Watch]) -> AsyncIterator[None]:
    """Follows what is watched while it is entered, each in a thread of its own."""
    threads = [supervision.thread(watch.what, watch.run, watch.ending) for watch in watches]
    try:
        yield
    finally:
        for watch in watches:
            watch.stop()
        for thread in threads:
            await asyncio.to_thread(thread.join, _JOIN)


async def _certificates(reloader: Reloader, renew: Callable[[], object] | None) -> None:
    """Imported here: cryptography is slow to import, and a service without certificates does not need it."""
    from certs.serve import watch

    await watch(reloader, renew)


class PolicyReporter:
    """Reports each change of the policies once: to the metrics, the log and the cluster."""

    def __init__(self, policies: Policies, metrics: Metrics, events: Events | None) -> None:
        self.policies = policies
        self.metrics = metrics
        self.events = events
        self._ended: frozenset[Finding] = frozenset()
        set_metrics(metrics, policies)

    def on_loaded(self, _: Policies) -> None:
        digest = self.policies.digest
        set_metrics(self.metrics, self.policies)
        logs.event("policies loaded", digest=digest[:12])
        if self.events is not None:
            self.events.record("Normal", "PolicyLoaded", f"the policies with digest {digest} are in force")
        self.report_expired()

    def on_refused(self, findings: list[Finding]) -> None:
        self.metrics.policies.set(0)
        logs.event("policies refused, the last good ones stay", findings=[finding.as_dict() for finding in findings])
        if self.events is not None:
            text = f"the policies with digest {self.policies.digest[:12]} stay in force:\n{first(findings)}"
            self.events.record("Warning", "PolicyRefused", text)

    def report_expired(self) -> None:
        """Report the exceptions whose day has passed since the last look."""
        engine = self.policies.engine
        ended = frozenset(expired(engine.policies, engine.today()))
        new = sorted(ended - self._ended, key=lambda finding: finding.path)
        self._ended = ended
        if new:
            logs.event("exceptions ended", findings=[finding.as_dict() for finding in new])
            if self.events is not None:
                self.events.record("Warning", "PolicyExceptionEnded", first(new))

    async def watch_dates(self, every: float = _DAY) -> None:
        """Report exceptions that expire, until cancelled."""
        while True:
            self.report_expired()
            await asyncio.sleep(every)


def set_metrics(metrics: Metrics, policies: Policies) -> None:
    """Set the metrics of policies that came into force now."""
    metrics.policies.set(1)
    metrics.policy.info({"digest": policies.digest})
    metrics.loaded_at.set(datetime.now(UTC).timestamp())
