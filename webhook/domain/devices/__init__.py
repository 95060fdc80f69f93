"""One file a device. A declaration is found by being in a module of this folder."""

from __future__ import annotations

import importlib
import pkgutil

from webhook.declare import Element, element, frontend
from webhook.domain.devices.device import Named


def _found() -> list[type[Named]]:
    kinds: list[type[Named]] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        names = vars(importlib.import_module(f"{__name__}.{module.name}")).values()
        kinds += [kind for kind in names if isinstance(kind, type) and issubclass(kind, Named)]
    return [kind for kind in dict.fromkeys(kinds) if kind.plural or kind.single]


KINDS: dict[str, type[Named]] = {kind.plural or kind.single: kind for kind in _found()}


Devices: type[Element] = element(
    "Devices",
    "The devices of a domain, a list a kind.",
    {
        name: ((list[kind] if kind.plural else kind) | None, frontend(kind.tag))  # type: ignore[valid-type]
        for name, kind in KINDS.items()
    },
    tag="devices",
)

Devices.also = {word: name for name, kind in KINDS.items() for word in kind.also_called}

__all__ = ["KINDS", "Devices", "Named"]
