"""The CPU's model and features belong to the architecture."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import rule
from webhook.declare import shown
from webhook.domain.cpu_names import FEATURES, MODELS, elsewhere
from webhook.findings import Finding
from webhook.trees import Tree

_WAY = "leave it out, or name another"


@rule
def cpu_is_of_the_architecture(domain: Tree, path: str) -> Iterator[Finding]:
    """A domain with a name of another architecture does not start. Unknown names are refused by policy."""
    arch, cpu = domain.get("os", {}).get("type", {}).get("arch", ""), domain.get("cpu", {})
    model = cpu.get("model")
    if model in elsewhere(MODELS, arch):
        yield Finding(f"{path}.cpu.model", f"`{shown(model)}` is no CPU of {arch}", _WAY, "cpu")
    others = elsewhere(FEATURES, arch)
    for index, feature in enumerate(cpu.get("features", ())):
        name = feature.get("name")
        if name in others:
            problem = f"`{shown(name)}` is no CPU feature of {arch}"
            yield Finding(f"{path}.cpu.features[{index}].name", problem, _WAY, "cpu")


@rule
def arm_has_the_nodes_cpu(domain: Tree, path: str) -> Iterator[Finding]:
    """KVM gives an aarch64 guest no CPU but the node's own (libvirt: src/qemu/qemu_validate.c, "custom" on ARM)."""
    cpu = domain.get("cpu", {})
    if domain.get("type") != "kvm" or domain.get("os", {}).get("type", {}).get("arch") != "aarch64":
        return
    if cpu.get("model") and cpu.get("mode", "custom") == "custom":
        problem = f"`{shown(cpu['model'])}` does not start under KVM, which gives an aarch64 guest the node's own CPU"
        way = "leave it out: the guest has the CPU of its node"
        yield Finding(f"{path}.cpu.model", problem, way, "cpu")


@rule
def cpu_features_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a CPU feature that is named twice (src/conf/cpu_conf.c)."""
    seen: dict[str, int] = {}
    for index, feature in enumerate(domain.get("cpu", {}).get("features", ())):
        name = feature.get("name")
        first = seen.setdefault(name, index)
        if name is not None and first != index:
            problem = f"`{shown(name)}` is named by `{path}.cpu.features[{first}]` too"
            yield Finding(f"{path}.cpu.features[{index}].name", problem, "remove one of the two", "cpu")
