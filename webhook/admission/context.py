"""All that an admission needs beside the review itself, handed in at the edge."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from webhook.admission.drawn import Drawn
from webhook.admission.duplicates import Duplicates
from webhook.features.platform import Site
from webhook.kubevirt.starting.site import Site as KubeVirtSite

if TYPE_CHECKING:
    from webhook.admission.objects import Sources
    from webhook.admission.policy_process import Checks
    from webhook.admission.rights import Asked
    from webhook.policy import Policies


OFF, AUDIT, ENFORCE = "off", "audit", "enforce"
# KubeVirt's service accounts that write what somebody else has asked for, and what was decided on then. The one of its
# API server is none of them: what `virtctl addvolume` plugs into a running machine is first seen when that one writes.
CONTROLLERS = ("kubevirt-controller", "kubevirt-handler", "kubevirt-operator")


@dataclass(frozen=True, slots=True)
class KubeVirtSettings:
    """What becomes of findings (`off`, `audit` or `enforce`), and the namespace that KubeVirt is installed in.

    `hardware`: virtual machines start through a hook, for which the whole hardware of each is noted.
    `container` is what their pods get for it, where somebody else does not run it.
    """

    mode: str = ENFORCE
    namespace: str = "kubevirt"
    hardware: bool = False
    container: Mapping[str, Any] | None = None
    # The users that KubeVirt's controllers are.
    controllers: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        users = (f"system:serviceaccount:{self.namespace}:{name}" for name in CONTROLLERS)
        object.__setattr__(self, "controllers", frozenset(users))


def _unlabelled(namespace: str) -> Mapping[str, str]:  # noqa: ARG001 - the default knows no namespace
    return {}


def now() -> str:
    """This moment, to the second, as Kubernetes writes times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True, eq=False)
class AdmissionContext:
    """The policies in force, what the site's nodes can do, where randomness and namespace labels come from."""

    policies: Policies
    site: Site = field(default_factory=Site)
    # Returns that many random bytes.
    entropy: Callable[[int], bytes] = os.urandom
    # The time as VMs keep it.
    clock: Callable[[], str] = now
    # The labels of a namespace, by its name.
    labels: Callable[[str], Mapping[str, str]] = _unlabelled
    # The processes that check policies, which end with the service; without it a check has a process of its own.
    checks: Checks | None = None
    # What is known of KubeVirt now: its version, and where its instance types and preferences are looked up.
    kubevirt_site: Callable[[], KubeVirtSite] = KubeVirtSite
    # The stored objects that others name, as the cluster has them; None where they are not followed.
    sources: Sources | None = None
    # Whether a user may get an object; None where policies alone decide.
    access: Asked | None = None
    # The identities of all that is stored; None where nobody looks for duplicates.
    duplicates: Duplicates | None = None
    # What becomes of KubeVirt's own virtual machines.
    kubevirt: KubeVirtSettings = field(default_factory=KubeVirtSettings)
    # The identities that were drawn lately, for policies about what is stated.
    drawn: Drawn = field(default_factory=Drawn)
