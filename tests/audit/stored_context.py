"""What the audit's tests share: a world of a case's policies, and stored objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.policy.context import TODAY, policies
from webhook.admission.context import AdmissionContext
from webhook.kinds import declared_fields
from webhook.policy import Engine, compile_policies
from webhook.trees import Tree


@dataclass
class Fixed:
    """Policies that come from no folder."""

    engine: Engine


def context(said: list[Tree], labels: dict[str, str] | None = None) -> AdmissionContext:
    """A world in which these policies hold, and every namespace has these labels."""
    known = declared_fields()
    engine = compile_policies(policies(said, known), known, today=lambda: TODAY)
    return AdmissionContext(policies=Fixed(engine), labels=lambda _: labels or {})  # type: ignore[arg-type]


def vm(spec: Any, name: str = "web", kind: str = "VM") -> Tree:
    """An object as the API server gives it."""
    metadata = {"name": name, "namespace": "team-a", "uid": f"uid-of-{name}"}
    if kind == "VirtualMachineConfig":
        spec = {"template": {"spec": spec}}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
