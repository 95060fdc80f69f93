"""The CPU's model and features belong to the architecture."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import Tree, rule
from webhook.declare import shown
from webhook.domain.cpu_names import FEATURES, MODELS, elsewhere
from webhook.findings import Finding

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
