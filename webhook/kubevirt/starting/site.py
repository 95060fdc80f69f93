"""What is known of the cluster where a VM of KubeVirt's machine is kept, and what comes of keeping it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webhook.findings import Finding
from webhook.kubevirt.starting.topology import NEWEST
from webhook.trees import Tree

Entropy = Callable[[int], bytes]
# An object of the cluster by its kind, namespace (none of cluster-wide kinds) and name; None where there is none.
Find = Callable[[str, str, str], Tree | None]


def nothing_known(kind: str, namespace: str, name: str) -> None:
    """A cluster in which there is nothing."""


@dataclass(frozen=True, slots=True)
class Site:
    """KubeVirt's version, the versioned machine of each alias, and what objects there are.

    `card` is KubeVirt's `defaultNetworkInterface`: how it connects a VM that says nothing of networks. `entropy(n)`
    returns n random bytes. `hook`: VMs start through a hook that restates their machines.
    """

    version: str = NEWEST
    machines: Mapping[str, str] = field(default_factory=dict)
    card: str = "bridge"
    find: Find = nothing_known
    entropy: Entropy = secrets.token_bytes
    hook: bool = False


@dataclass(frozen=True, slots=True)
class Frozen:
    """The VM as it shall be stored; what is wrong with it; what its owner should know, and which devices move."""

    vm: Tree
    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    moves: tuple[str, ...] = ()
