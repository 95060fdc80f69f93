"""The words of a refusal: the rule's own, or those of the field's class (messages.yaml). Secrets are never shown."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import BACKEND_KINDS, SECRET_KINDS, shown
from webhook.findings import Finding
from webhook.policy.language.model import DEFAULT, Rule, Selector

# What nobody permits is refused by these, one a kind.
DEFAULT_DENY = {kind: Rule(f"{DEFAULT}/{kind}", "deny", Selector(kind)) for kind in BACKEND_KINDS}

# Where removed devices rest: what is said of a device there is what is said of it in the domain.
_TOMBSTONES = "abi.tombstones."


@cache
def texts() -> dict[str, Any]:
    """The words by class."""
    loaded: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "messages.yaml").read_text())
    return loaded


def refusal(rule: Rule, declared: str, kind: str, path: str, value: object, *, secret: bool = False) -> Finding:
    """The finding for a value of class `kind` at `path` that `rule` refuses; one that may be a secret is not shown."""
    hidden = secret or kind in SECRET_KINDS
    return Finding(path, _problem(rule, declared, kind, value, hidden=hidden), _help(rule, declared, kind), rule.named)


def _problem(rule: Rule, declared: str, kind: str, value: object, *, hidden: bool) -> str:
    told = value if isinstance(value, str | int) and not hidden else None
    if rule.message:
        return rule.message if told is None else f"`{shown(told)}` is refused: {rule.message}"
    refusals = (*(each.refusal for each in rule.comparisons), *(each.refusal for each in rule.conditions))
    said = next((words(value) for words in refusals if words), "")
    if said and not hidden:
        return said
    return _whole(declared, kind) if told is None else _sentence(declared, kind, told).replace("{value}", shown(told))


def _whole(declared: str, kind: str) -> str:
    """What is said of an element, and of what is not shown."""
    said = texts().get(kind, texts()["frontend"])
    return _own(said, declared) or str(said["whole"])


def _own(said: dict[str, Any], declared: str) -> str:
    """The words of a field of its own, by the end of its path; empty where it has none."""
    return next((str(words) for end, words in said.get("fields", {}).items() if declared.endswith(end)), "")


def _sentence(declared: str, kind: str, value: str | int) -> str:
    """The words about one value, with a place for it."""
    said = texts().get(kind, texts()["frontend"])
    sort = "flag" if isinstance(value, bool) else "path" if isinstance(value, str) and value[:1] == "/" else "problem"
    return _own(said, declared) or str(said.get(sort, said["problem"]))


def _help(rule: Rule, declared: str, kind: str) -> str:
    exception = f"ask an admin for an exception to `{rule.id}`"
    if rule.help:
        return f"{rule.help}, or {exception}" if rule.effect == "deny" else rule.help
    way = _way(declared, kind)
    return f"{way}, or {exception}" if way else exception


@cache
def _way(declared: str, kind: str) -> str:
    """The way out that messages.yaml knows for a declared place; the cache is bounded by the declarations."""
    said = texts().get(kind, {})
    paths: dict[str, str] = said.get("paths", {})
    place = declared.replace(_TOMBSTONES, "domain.devices.", 1)
    covering = [path for path in paths if place == path or place.startswith(f"{path}.")]
    return paths[max(covering, key=len)] if covering else str(said.get("help", ""))
