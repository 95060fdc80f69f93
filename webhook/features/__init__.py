"""The features, one module each: a small typed input, and a pure function to a part of the domain.

A feature is a module of this folder that satisfies the protocol `Feature`; it is found by being there. Features do not
import each other.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from webhook.declare import Declared, Element, Shape, camel, element, frontend, shape_of
from webhook.features.contribution import Contribution, Declined
from webhook.features.platform import Platform, Site, platform_of
from webhook.features.reading import reader
from webhook.findings import Finding, Refused
from webhook.trees import Tree

# The tenant's input (None where there is none), the platform, the feature's path.
Expand = Callable[[Any, Platform, str], list[Contribution]]


@runtime_checkable
class Feature(Protocol):
    """The module of a feature: its docstring's first line is the feature's description."""

    __doc__: str | None
    Wanted: Any
    """The type of what a tenant writes."""

    def expand(self, wanted: Any, platform: Platform, origin: str, /) -> list[Contribution]:
        """What it adds to the domain; `wanted` is None where the tenant does not mention it. Raises Refused."""


@runtime_checkable
class ClassedFeature(Feature, Protocol):
    """A feature whose class is not plainly frontend: `DECLARED` is its class."""

    DECLARED: Declared


@runtime_checkable
class RenamedFeature(Feature, Protocol):
    """A feature that is known elsewhere under other names, `ALSO`, from which a finding leads here."""

    ALSO: tuple[str, ...]


@runtime_checkable
class DecliningFeature(Feature, Protocol):
    """A feature that a tenant can decline: `DECLINED` are the devices that he then has none of."""

    DECLINED: Declined


def _found() -> dict[str, Feature]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = ((name, importlib.import_module(f"{__name__}.{name}")) for name in names)
    return {name: module for name, module in modules if isinstance(module, Feature)}


FEATURES = _found()
_EXPANDS: list[tuple[str, Expand]] = [(name, feature.expand) for name, feature in FEATURES.items()]


def _declared(feature: Feature) -> tuple[Any, Declared]:
    """A feature as a field: its type, and its class with the first line of the module's docstring."""
    declared = feature.DECLARED if isinstance(feature, ClassedFeature) else frontend("-")
    return feature.Wanted | None, replace(declared, doc=(feature.__doc__ or "").split("\n")[0])


Features: type[Element] = element(
    "Features",
    "A few words about the machine, of which all of its virtual hardware is made.",
    {name: _declared(feature) for name, feature in FEATURES.items()},
)

Features.also = {
    word.lower(): camel(name)
    for name, each in FEATURES.items()
    if isinstance(each, RenamedFeature)
    for word in each.ALSO
}

_READ = reader(Features)
# The word that declines beside false.
_NONE = "none"
_DECLINED = {camel(name): each.DECLINED for name, each in FEATURES.items() if isinstance(each, DecliningFeature)}


def features_shape() -> Shape:
    """The compiled declaration of `spec.features`."""
    return shape_of(Features)


def expand(features: Tree, platform: Platform, path: str = "spec.features") -> list[Contribution]:
    """What all features contribute, those included that the tenant did not mention, in the order of their names.

    `features` has been inspected. Raises Refused with the findings of all features.
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


def declined(features: Tree) -> Iterator[tuple[str, str, Tree]]:
    """What a tenant declines: the feature, a list of devices, and what such a device there has at least."""
    for name, lists in _DECLINED.items():
        if features.get(name) is False or features.get(name) == _NONE:
            for kind, patterns in lists.items():
                for pattern in patterns:
                    yield name, kind, pattern


# One entry a kind of resource that holds a spec.
@lru_cache(16)
def _origins(path: str) -> tuple[tuple[str, Expand, str], ...]:
    return tuple((name, one, f"{path}.{camel(name)}") for name, one in _EXPANDS)


__all__ = [
    "FEATURES",
    "Contribution",
    "Feature",
    "Features",
    "Platform",
    "Site",
    "declined",
    "expand",
    "features_shape",
    "platform_of",
]
