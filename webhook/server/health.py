"""Whether the service lives, whether it should be sent requests, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from webhook.admission.world import RULE_SETS, World

if TYPE_CHECKING:
    from certs.serve import Reloader


@dataclass(slots=True)
class Health:
    """The state that probes look at."""

    world: World
    reloader: Reloader | None = None
    draining: bool = False

    def problems(self) -> list[str]:
        """What keeps the service from being ready; nothing where it is."""
        found = []
        if self.draining:
            found.append("the service is shutting down")
        if self.reloader is not None and self.reloader.expires_at <= datetime.now(UTC):
            found.append(f"the certificate expired at {self.reloader.expires_at.isoformat()}")
        return found

    def details(self) -> dict[str, Any]:
        """What an operator wants to know when looking closer."""
        policies = self.world.policies
        return {
            "ready": not self.problems(),
            "problems": self.problems(),
            "policy": {"digest": policies.digest, "errors": [finding.as_dict() for finding in policies.error]},
            "certificate": {
                "expires": self.reloader.expires_at.isoformat() if self.reloader else None,
                "problem": self.reloader.problem if self.reloader else None,
            },
        }

    def version(self) -> dict[str, Any]:
        """This release, its rule sets, and the policies in force."""
        return {"version": version("vmconfig"), "ruleSets": list(RULE_SETS), "policy": self.world.policies.digest}
