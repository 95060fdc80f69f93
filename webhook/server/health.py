"""Whether the service lives, whether it should be sent requests, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from webhook.admission.world import RULE_SETS, World
from webhook.policy.exceptions import expired, expiring

if TYPE_CHECKING:
    from certs.serve import Reloader
    from webhook.cluster.namespaces import Namespaces


@dataclass(slots=True)
class Health:
    """The state that probes look at."""

    world: World
    reloader: Reloader | None = None
    namespaces: Namespaces | None = None
    draining: bool = False

    def problems(self) -> list[str]:
        """What keeps the service from being ready; nothing where it is."""
        found = []
        if self.draining:
            found.append("the service is shutting down")
        if self.reloader is not None and self.reloader.expires_at <= datetime.now(UTC):
            found.append(f"the certificate expired at {self.reloader.expires_at.isoformat()}")
        if self.namespaces is not None and not self.namespaces.watch.synced:
            why = self.namespaces.watch.problem or "the API server has not answered yet"
            found.append(f"the namespaces' labels are not known yet: {why}")
        return found

    def details(self) -> dict[str, Any]:
        """What an operator wants to know when looking closer."""
        policies = self.world.policies
        engine = policies.engine
        exceptions = [*expired(engine.policies, engine.today()), *expiring(engine.policies, engine.today())]
        return {
            "ready": not self.problems(),
            "problems": self.problems(),
            "policy": {
                "digest": policies.digest,
                "errors": [finding.as_dict() for finding in policies.error],
                "exceptions": [finding.as_dict() for finding in exceptions],
            },
            "namespaces": self._namespaces(),
            "certificate": {
                "expires": self.reloader.expires_at.isoformat() if self.reloader else None,
                "problem": self.reloader.problem if self.reloader else None,
            },
        }

    def _namespaces(self) -> dict[str, Any] | None:
        """How many are known, since when nothing was heard (seconds) and why; None where they are not watched."""
        if self.namespaces is None:
            return None
        watch = self.namespaces.watch
        age = None if watch.age is None else round(watch.age, 1)
        return {"known": len(self.namespaces), "age": age, "problem": watch.problem or None}

    def version(self) -> dict[str, Any]:
        """This release, its rule sets, and the policies in force."""
        return {"version": version("vmconfig"), "ruleSets": list(RULE_SETS), "policy": self.world.policies.digest}
