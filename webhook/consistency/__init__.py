"""What has to fit together in a complete domain, whoever wrote it: each rule one small function of the domain.

A rule yields findings (the machine would not start, or not be the one that is described) and warnings (it would,
but unwisely). Rules know the domain's tree alone; the validator runs all of them over the final object. A module of
this folder is found by being there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from webhook.consistency.rule import RULES, WARNINGS, Tree
from webhook.findings import Finding

for _found in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_found.name}")


def consistent(domain: Tree, path: str) -> Iterator[Finding]:
    """All findings of all rules, as they are made; `path` is the domain's place in the object."""
    return (finding for check in RULES for finding in check(domain, path))


def warned_of(domain: Tree, path: str) -> Iterator[Finding]:
    """All that is allowed, but that its owner should know."""
    return (finding for check in WARNINGS for finding in check(domain, path))


__all__ = ["consistent", "warned_of"]
