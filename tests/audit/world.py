"""What the audit's tests share: a world of a case's policies, and stored objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.policy.world import TODAY, policies
from webhook.admission.world import World
from webhook.kinds import places
from webhook.policy import Engine, compile_policies

Tree = dict[str, Any]


@dataclass
class Fixed:
    """Policies that come from no folder."""

    engine: Engine


def world(said: list[Tree], labels: dict[str, str] | None = None) -> World:
    """A world in which these policies hold, and every namespace has these labels."""
    known = places()
    engine = compile_policies(policies(said, known), known, today=lambda: TODAY)
    return World(policies=Fixed(engine), labels=lambda _: labels or {})  # type: ignore[arg-type]


def vm(spec: Any, name: str = "web", kind: str = "VM") -> Tree:
    """An object as the API server gives it."""
    metadata = {"name": name, "namespace": "team-a", "uid": f"uid-of-{name}"}
    if kind == "VirtualMachineConfig":
        spec = {"template": {"spec": spec}}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
