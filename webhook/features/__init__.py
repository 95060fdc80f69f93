"""What a tenant says, one module a feature: a small typed input, and a pure function to a part of the domain.

A feature is found by being there: a module with `Wanted` (its type), `expand` (None where the tenant said nothing)
and, where it is more than a frontend, `DECLARED` (its class). Features do not know each other.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from types import ModuleType
from typing import Any

from webhook.declare import Declared, Element, Shape, camel, element, frontend, shape_of
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform, Site, platform_of
from webhook.features.reading import reader
from webhook.findings import Finding, Refused

Tree = dict[str, Any]
# The tenant's words (None where there are none), the platform, the feature's path.
Expand = Callable[[Any, Platform, str], list[Contribution]]


def _found() -> dict[str, ModuleType]:
    modules = (
        importlib.import_module(f"{__name__}.{module.name}")
        for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name)
    )
    return {module.__name__.rpartition(".")[2]: module for module in modules if hasattr(module, "Wanted")}


FEATURES = _found()
_EXPANDS: list[tuple[str, Expand]] = [(name, module.expand) for name, module in FEATURES.items()]


def _declared(module: ModuleType) -> tuple[Any, Declared]:
    """A feature as a field: its type, and its class with the first line of the module's docstring."""
    declared: Declared = getattr(module, "DECLARED", frontend("-"))
    return module.Wanted | None, replace(declared, doc=(module.__doc__ or "").split("\n")[0])


Features: type[Element] = element(
    "Features",
    "A few words about the machine, of which all of its virtual hardware is made.",
    {name: _declared(module) for name, module in FEATURES.items()},
)

_READ = reader(Features)


def features_shape() -> Shape:
    """The compiled declaration of `spec.features`."""
    return shape_of(Features)


def expand(features: Tree, platform: Platform, path: str = "spec.features") -> list[Contribution]:
    """What all features contribute, those included that the tenant did not mention, in the order of their names.

    `features` has been inspected. Raises Refused with the findings of every feature that cannot be had.
    """
    wanted = _READ(features)
    contributions: list[Contribution] = []
    findings: list[Finding] = []
    for name, expand_one, origin in _origins(path):
        try:
            contributions += expand_one(getattr(wanted, name), platform, origin)
        except Refused as refused:
            findings += refused.findings
    if findings:
        raise Refused(findings)
    return contributions


@lru_cache(16)
def _origins(path: str) -> tuple[tuple[str, Expand, str], ...]:
    return tuple((name, one, f"{path}.{camel(name)}") for name, one in _EXPANDS)


__all__ = ["FEATURES", "Contribution", "Features", "Platform", "Site", "expand", "features_shape", "platform_of"]
