"""Whether the service lives, whether it should be sent requests, and what it is."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from webhook.admission.context import AdmissionContext
from webhook.policy.loading.exceptions import expired, expiring
from webhook.rule_sets import RULE_SETS
from webhook.server import logs
from webhook.server.supervision import Supervision

if TYPE_CHECKING:
    from certs.serve import Reloader
    from webhook.cluster.machines import Machines
    from webhook.cluster.namespaces import Namespaces
    from webhook.cluster.watch import Watch

# Seconds without an answer about the namespaces after which their labels may have changed. A quiet watch is opened
# again every half minute, so that such a silence means a lost connection.
SILENT = 300.0


@dataclass(slots=True)
class Health:
    """The state that probes look at."""

    context: AdmissionContext
    reloader: Reloader | None = None
    namespaces: Namespaces | None = None
    supervision: Supervision = field(default_factory=lambda: Supervision(logs.event))
    machines: tuple[Machines, ...] = ()
    draining: bool = False

    def problems(self) -> list[str]:
        """What keeps the service from being ready; nothing where it is."""
        found = []
        if self.draining:
            found.append("the service is shutting down")
        unusable = self.reloader.unusable(datetime.now(UTC)) if self.reloader is not None else ""
        if unusable:
            found.append(unusable)
        return found + self._silence() + self.supervision.problems()

    def _silence(self) -> list[str]:
        """Why the namespaces' labels are not known, or not known any more."""
        if self.namespaces is None:
            return []
        watch = self.namespaces.watch
        why = watch.problem or "the API server has not answered"
        if not watch.synced:
            return [f"the namespaces' labels are not known yet: {why}"]
        if watch.age is not None and watch.age > SILENT:
            return [f"nothing was heard of the namespaces' labels for {watch.age:.0f} s: {why}"]
        return []

    def details(self) -> dict[str, Any]:
        """What an operator wants to know when looking closer."""
        policies = self.context.policies
        engine = policies.engine
        exceptions = [*expired(policies.all, engine.today()), *expiring(policies.all, engine.today())]
        return {
            "ready": not self.problems(),
            "problems": self.problems(),
            "policy": {
                "digest": policies.digest,
                "errors": [finding.as_dict() for finding in policies.error],
                "exceptions": [finding.as_dict() for finding in exceptions],
            },
            "namespaces": None if self.namespaces is None else _followed(self.namespaces, self.namespaces.watch),
            "stored": {each.kind.name: _followed(each, each.watch) for each in self.machines},
            "certificate": {
                "expires": self._expires(),
                "problem": self.reloader.problem if self.reloader else None,
            },
        }

    def _expires(self) -> str | None:
        expires = self.reloader.expires_at if self.reloader is not None else None
        return None if expires is None else expires.isoformat()

    def version(self) -> dict[str, Any]:
        """This release, its rule sets, and the policies in force."""
        return {"version": version("vmconfig"), "ruleSets": list(RULE_SETS), "policy": self.context.policies.digest}


def _followed(known: Sized, watch: Watch) -> dict[str, Any]:
    """How many objects are known, whether all have been seen, seconds since the last answer, and the problem."""
    age = None if watch.age is None else round(watch.age, 1)
    return {"known": len(known), "synced": watch.synced, "age": age, "problem": watch.problem or None}
