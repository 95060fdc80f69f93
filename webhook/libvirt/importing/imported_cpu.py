"""The CPU of a dump that follows its host: a model by name in its place, where one is given."""

from __future__ import annotations

from difflib import get_close_matches

from webhook.declare import shown
from webhook.declare.scalars import listed
from webhook.domain.cpu_names import MODELS, names
from webhook.findings import Finding
from webhook.libvirt.importing.losses import Losses
from webhook.trees import Tree

_FOLLOWING = ("host-passthrough", "host-model", "maximum")
# What belongs to a mode that follows the host.
_OF_MODE = ("mode", "match", "check", "fallback", "vendor", "model", "migratable")
_NAMED = {"mode": "custom", "match": "exact", "check": "partial", "fallback": "forbid"}
# Under KVM it has no CPU but the host's.
_ALWAYS_HOSTS = "aarch64"


def name_cpu(domain: Tree, model: str, losses: Losses) -> list[Finding]:
    """Put the model in place of the host's CPU, or say that there is none; what is wrong with the model's name."""
    cpu, arch = domain.get("cpu") or {}, domain["os"]["type"].get("arch", "")
    follows = cpu.get("mode") in _FOLLOWING
    if not model:
        if follows and arch == "x86_64":
            problem = "what its host has, which most namespaces refuse: `--cpu MODEL` names a model in its place"
            losses.tell("cpu.mode", f"is `{cpu['mode']}`: the guest has {problem}")
        return []
    known = names(MODELS).by_architecture.get(arch, frozenset())
    if model not in names(MODELS).all:
        near = get_close_matches(model, sorted(known), 3) or sorted(known)[:3]
        way = f"name one of libvirt's, like {listed(tuple(near))}" if near else "leave it out"
        return [Finding("--cpu", f"`{shown(model)}` is no CPU model of {arch or 'any architecture'}", way, "import")]
    if not follows or model not in known or arch == _ALWAYS_HOSTS:
        why = f"is of {arch}, which has no such model" if follows else "is the XML's own"
        losses.tell("cpu", f"{why}: `--cpu` is not used")
        return []
    kept = {name: value for name, value in cpu.items() if name not in _OF_MODE}
    for name in ("cache", "maxPhysAddr"):
        if (kept.get(name) or {}).get("mode") == "passthrough":
            del kept[name]
            losses.of_host(f"cpu.{name}.mode")
    domain["cpu"] = {**_NAMED, "model": model, **kept}
    losses.tell("cpu.mode", f"was `{cpu['mode']}`: the guest has `{model}` now")
    return []
