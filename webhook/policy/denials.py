"""The words of a refusal: the rule's own, or those of the field's class (denials.yaml). Credentials are never shown."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import BACKEND_KINDS, shown
from webhook.findings import Finding
from webhook.policy.model import DEFAULT, Rule, Selector

# What nobody permits is refused by these, one a kind.
DEFAULT_DENY = {kind: Rule(f"{DEFAULT}/{kind}", "deny", Selector(kind)) for kind in BACKEND_KINDS}


@cache
def texts() -> dict[str, Any]:
    """The words by class of backend."""
    loaded: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "denials.yaml").read_text())
    return loaded


def refusal(rule: Rule, declared: str, kind: str, path: str, value: object) -> Finding:
    """The finding for a value of class `kind` at `path` that `rule` refuses."""
    return Finding(path, _problem(rule, kind, value), _help(rule, declared, kind), rule.named)


def _problem(rule: Rule, kind: str, value: object) -> str:
    told = _told(kind, value)
    if rule.message:
        return f"{told}is refused: {rule.message}" if told else rule.message
    refusals = (*(each.refusal for each in rule.comparisons), *(each.refusal for each in rule.conditions))
    said = next((words(value) for words in refusals if words), "")
    if said and kind != "credential":
        return said
    if kind in texts() and (told or kind in ("credential", "escape-hatch")):
        problem: str = texts()[kind]["problem"]
        return problem.replace("{value}", shown(value))
    return f"{told}is not allowed here"


def _told(kind: str, value: object) -> str:
    """A leaf's value as words begin with it; nothing of credentials and of whole elements."""
    leaf = kind != "credential" and isinstance(value, str | int | bool)
    return f"`{shown(_json(value))}` " if leaf else ""


def _json(value: object) -> object:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def _help(rule: Rule, declared: str, kind: str) -> str:
    exception = f"ask an admin for an exception to `{rule.id}`"
    if rule.help:
        return f"{rule.help}, or {exception}" if rule.effect == "deny" else rule.help
    way = _way(declared, kind)
    return f"{way}, or {exception}" if way else exception


@cache
def _way(declared: str, kind: str) -> str:
    """The way out that denials.yaml knows for a declared place; the cache is bounded by the declarations."""
    said = texts().get(kind)
    if said is None:
        return ""
    paths: dict[str, str] = said.get("paths", {})
    covering = [path for path in paths if declared == path or declared.startswith(f"{path}.")]
    return paths[max(covering, key=len)] if covering else str(said["help"])
