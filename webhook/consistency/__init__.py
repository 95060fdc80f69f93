"""The rules of consistency over a complete domain, whoever wrote it: each one a small function of the domain.

A rule yields findings (the machine would not start, or would not be the described one) or warnings. Rules read the
domain alone; the validator runs all of them over the final object. A rule is found by being in a module of this folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from webhook.consistency.rule import Rule, Tree
from webhook.findings import Finding


def _found() -> list[Rule]:
    """All rules, in the order of the modules' names and of the rules in a module."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Rule)]


RULES = tuple(dict.fromkeys(_found()))
_REFUSING = [one.check for one in RULES if one.refuses]
_WARNING = [one.check for one in RULES if not one.refuses]


def consistent(domain: Tree, path: str) -> Iterator[Finding]:
    """The findings of all rules that refuse, one after the other; `path` is the domain's place in the object."""
    return (finding for check in _REFUSING for finding in check(domain, path))


def warned_of(domain: Tree, path: str) -> Iterator[Finding]:
    """The findings of all rules that warn."""
    return (finding for check in _WARNING for finding in check(domain, path))


__all__ = ["RULES", "consistent", "warned_of"]
