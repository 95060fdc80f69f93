"""The rules of consistency over a complete domain, whoever wrote it: each one a small function of the domain.

A rule yields findings (the machine would not start, or would not be the described one) or warnings. Rules read the
domain alone; the validator runs all of them over the final object. A rule is found by being in a module of this folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import partial

from webhook.consistency.rule import Check, Rule
from webhook.consistency.unchanged import Breaches, breaches
from webhook.findings import Finding
from webhook.trees import Tree


def found() -> list[Rule]:
    """The rules of every module of this folder, in the order of the files and of their lines."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    values = (value for module in modules for value in vars(module).values())
    return list(dict.fromkeys(value for value in values if isinstance(value, Rule)))


RULES = found()
_REFUSING: tuple[Check, ...] = tuple(rule.check for rule in RULES if rule.refuses)
_WARNING: tuple[Check, ...] = tuple(rule.check for rule in RULES if not rule.refuses)


def consistent(domain: Tree, path: str) -> Iterator[Finding]:
    """The findings of all rules that refuse, one after the other; `path` is the domain's place in the object."""
    return (finding for check in _REFUSING for finding in check(domain, path))


def consistent_update(domain: Tree, stored: Tree | None, path: str) -> Breaches:
    """The same of an update: what it breaks, and beside it what was broken before and is as it was stored."""
    return breaches(partial(consistent, path=path), domain, stored, path)


def warned_of(domain: Tree, path: str) -> Iterator[Finding]:
    """The findings of all rules that warn."""
    return (finding for check in _WARNING for finding in check(domain, path))


__all__ = ["RULES", "Breaches", "Rule", "consistent", "consistent_update", "warned_of"]
