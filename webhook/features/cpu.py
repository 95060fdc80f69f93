"""Processors: a count or a topology, a model, and whether the CPUs are exclusive to this VM.

A bare count leaves headroom to plug in more where the guest supports it; a topology is the maximum.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Annotated, ClassVar

from webhook.declare import Element, Goal, frontend, goal, text
from webhook.domain.cpu import Topology
from webhook.domain.types import Flag, Positive
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform
from webhook.findings import Finding, Refused
from webhook.trees import Tree

ALSO = ("cores", "cpus", "processors", "sockets", "threads", "topology", "vcpu", "vcpus")
# More than 255 vCPUs need an IOMMU with interrupt remapping (QEMU: hw/i386/x86.c); KubeVirt's headroom ends here.
_MOST = 240
_LEVELS = ("sockets", "dies", "cores", "threads")
# Modes instead of a model. They follow the node's CPU, which libvirt compares where it can.
_FOLLOWING: dict[str, Tree] = {
    "host-model": {"check": "partial"},
    "host-passthrough": {"check": "none"},
    "maximum": {"check": "none"},
}
# Those of them that libvirt keeps migratable: QEMU has that of x86 alone, and libvirt refuses it elsewhere.
_MIGRATABLE = ("host-passthrough", "maximum")


class Wanted(Element):
    """Processors: a count or a topology, a model, and whether the CPUs are exclusive to this VM."""

    also: ClassVar[Mapping[str, str]] = {
        "cores": "topology",
        "sockets": "topology",
        "threads": "topology",
        **dict.fromkeys(("cpus", "number", "processors", "vcpu", "vcpus"), "count"),
    }
    mostly = "count"

    count: Positive | None = frontend("-", doc="vCPUs at boot.")
    max: Positive | None = frontend(
        "-", doc="vCPUs that the guest can have at most, those that can be plugged included."
    )
    topology: Topology | None = frontend("-")
    model: Annotated[str, text(64, "[A-Za-z0-9][A-Za-z0-9._-]*", "a CPU model's name")] | None = frontend(
        "-",
        unless=dict.fromkeys(_FOLLOWING, Goal()),
        doc="A CPU model like `Skylake-Server`, or what follows the node: `host-model`, `host-passthrough`, `maximum`.",
    )
    exclusive: Flag | None = goal("-", doc="Whether the host's CPUs are this VM's alone: `true` or `false`.")


_NOTHING = Wanted()


def expand(wanted: Wanted | None, platform: Platform, origin: str) -> list[Contribution]:
    """Count and topology, model, and the goal of exclusive CPUs. Raises Refused where the numbers disagree."""
    given = wanted or _NOTHING
    if not platform.machine.defaults["cpu"].get(platform.site.domain_type, "named"):
        return [_without_model(given, platform, origin)]
    asked, default = _from_count(given, platform, origin) if given.topology is None else _from_topology(given, origin)
    model_asked, model_default = _model(given.model, platform)
    if model_asked:
        asked["cpu"] = {**asked.get("cpu", {}), **model_asked}
    default["cpu"].update(model_default)
    if given.exclusive is not None:
        asked["goals"] = {"exclusiveCpus": given.exclusive}
    return [Contribution(origin, asked, default, platform.guest.because)]


def _without_model(wanted: Wanted, platform: Platform, origin: str) -> Contribution:
    """Where libvirt has no CPU driver (riscv64): a count alone; raises Refused for more."""
    for name, value in (("topology", wanted.topology), ("model", wanted.model)):
        if value is not None:
            problem = f"cannot be said on {platform.arch}: QEMU's own is all there is"
            raise Refused([Finding(f"{origin}.{name}", problem, "leave it out; state a `count`", "cpu")])
    count = wanted.max or wanted.count or (platform.stated.get("vcpu") or {}).get("count") or platform.guest.cpus
    asked: Tree = {"vcpu": {"count": count}} if wanted.count or wanted.max else {}
    default: Tree = {"vcpu": {"count": count, "current": wanted.count or count}}
    if wanted.exclusive is not None:
        asked["goals"] = {"exclusiveCpus": wanted.exclusive}
    return Contribution(origin, asked, default, platform.guest.because)


def _from_topology(wanted: Wanted, origin: str) -> tuple[Tree, Tree]:
    """With a topology: it is the maximum of vCPUs; a count beside it is the number at boot."""
    assert wanted.topology is not None  # noqa: S101 - the caller's condition
    levels = {level: getattr(wanted.topology, level) or 1 for level in _LEVELS}
    total = prod(levels.values()) * (wanted.topology.clusters or 1)
    if wanted.max not in (None, total):
        problem = f"is {wanted.max}, but the topology makes {total} vCPUs"
        raise Refused([Finding(f"{origin}.max", problem, "leave it out: the topology says it", "cpu")])
    if (wanted.count or total) > total:
        problem = f"is {wanted.count}, but the topology makes {total} vCPUs"
        raise Refused([Finding(f"{origin}.count", problem, "state a larger topology, or leave one out", "cpu")])
    stated = {level: there for level in (*_LEVELS, "clusters") if (there := getattr(wanted.topology, level))}
    asked: Tree = {"vcpu": {"count": total}, "cpu": {"topology": stated}}
    default: Tree = {"cpu": {"topology": levels}}
    if wanted.count:
        asked["vcpu"]["current"] = wanted.count
    else:
        default["vcpu"] = {"current": total}
    return asked, default


def _from_count(wanted: Wanted, platform: Platform, origin: str) -> tuple[Tree, Tree]:
    """Without a topology: the count of the feature, the domain or the guest; a topology of the domain is kept."""
    if wanted.count and wanted.max and wanted.count > wanted.max:
        problem = f"is {wanted.max}, less than the {wanted.count} vCPUs at boot"
        raise Refused([Finding(f"{origin}.max", problem, "state at least `count`, or leave one out", "cpu")])
    vcpu = platform.stated.get("vcpu") or {}
    stated = (platform.stated.get("cpu") or {}).get("topology") or {}
    at_boot = wanted.count or vcpu.get("current") or wanted.max or vcpu.get("count")
    at_boot = at_boot or (prod(stated.values()) if stated else platform.guest.cpus)
    most = wanted.max or vcpu.get("count") or _most(at_boot, stated, platform)
    topology = _topology(most, stated, platform.guest.cpus_as)
    asked: Tree = {}
    if wanted.count:
        asked["current"] = wanted.count
    if wanted.max:
        asked["count"] = wanted.max
    default: Tree = {"vcpu": {"count": most, "current": at_boot}, "cpu": {"topology": topology}}
    return ({"vcpu": asked} if asked else {}), default


def _most(at_boot: int, stated: Tree, platform: Platform) -> int:
    """The maximum of vCPUs: that of a complete topology, else the headroom, in whole sockets."""
    if "sockets" in stated:
        return prod(stated.values())
    times = platform.guest.cpu_headroom if platform.machine.defaults["cpus_grow"] else 1
    most = max(at_boot, min(at_boot * times, _MOST))
    each = prod(stated.values())
    return -(-most // each) * each


def _topology(most: int, stated: Tree, counts: str) -> Tree:
    """Every level of the topology: the stated ones, the one that a bare count counts, and 1 for the others."""
    level = counts if counts not in stated else "sockets"
    return {**dict.fromkeys(_LEVELS, 1), level: max(1, most // prod(stated.values())), **stated}


def _model(model: str | None, platform: Platform) -> tuple[Tree, Tree]:
    """The model by name, or a mode that follows the node; libvirt compares with the node only under KVM."""
    stated = platform.stated.get("cpu") or {}
    mode = model if model in _FOLLOWING else None if model else stated.get("mode")
    if mode in _FOLLOWING:
        return ({"mode": mode} if model else {}), _following(mode, platform)
    check = "partial" if platform.site.domain_type == "kvm" else "none"
    default = {"mode": "custom", "match": "exact", "check": check, "fallback": "forbid"}
    if model:
        # A mode of the domain that follows the node would leave the model without effect.
        return {"mode": "custom", "model": model}, default
    own = platform.machine.defaults["cpu"].get(platform.site.domain_type, platform.guest.cpu_model)
    if own in _FOLLOWING:
        return {}, _following(own, platform)
    return {}, {**default, "model": own} if own else {}


def _following(mode: str, platform: Platform) -> Tree:
    """The CPU of the node, as a mode."""
    kept = {"migratable": "on"} if mode in _MIGRATABLE and platform.arch == "x86_64" else {}
    return {"mode": mode, **_FOLLOWING[mode], **kept}
