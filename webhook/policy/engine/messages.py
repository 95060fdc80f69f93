"""The words of a refusal: the rule's own, or those of the field's class (messages.yaml). Secrets are never shown.

The words about another API are another such file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import BACKEND_KINDS, SECRET_KINDS, shown
from webhook.findings import Finding
from webhook.policy.engine.denial import TOTAL, Denial
from webhook.policy.language.model import DEFAULT, Rule, Selector
from webhook.policy.language.totals import totals

# These refuse backend that no rule permits, one for each kind.
DEFAULT_DENY = {kind: Rule(f"{DEFAULT}/{kind}", "deny", Selector(kind)) for kind in BACKEND_KINDS}

# The way out of a rule about what is stated.
_UNSTATED = "leave it out, and say in `spec.features` what the machine shall have"
# Where removed devices are kept: messages about a device there are those about it in the domain.
_TOMBSTONES = "abi.tombstones."


WORDS = Path(__file__).parent / "messages.yaml"


@cache
def texts(words: Path = WORDS) -> dict[str, Any]:
    """The words by class."""
    loaded: dict[str, Any] = yaml.safe_load(words.read_text())
    return loaded


def refusal(denial: Denial, words: Path = WORDS, *, secret: bool = False) -> Finding:
    """The finding for a value that is refused; one that may be a secret is not shown."""
    hidden = secret or denial.kind in SECRET_KINDS
    problem, way = _problem(denial, texts(words), hidden=hidden), _help(denial, words)
    if denial.kind == TOTAL:
        problem += f"; this counts {totals()[denial.declared].doc}"
    return Finding(denial.path, problem, way, denial.rule.named)


def _problem(denial: Denial, by_class: dict[str, Any], *, hidden: bool) -> str:
    rule, declared, kind, value = denial.rule, denial.declared, denial.kind, denial.value
    visible = value if isinstance(value, str | int) and not hidden else None
    if kind == TOTAL:
        visible = totals()[declared].shown(value)
    if rule.message:
        return rule.message if visible is None else f"`{shown(visible)}` is refused: {rule.message}"
    refusals = (*(each.refusal for each in rule.comparisons), *(each.refusal for each in rule.conditions))
    own = next((refused(value) for refused in refusals if refused), "")
    if own and not hidden:
        return own
    return (
        _about_element(declared, by_class.get(kind, by_class["frontend"]))
        if visible is None
        else _sentence(declared, by_class.get(kind, by_class["frontend"]), visible).replace("{value}", shown(visible))
    )


def _about_element(declared: str, words: dict[str, Any]) -> str:
    """The words about an element, and about a value that is not shown."""
    return _field_text(words, declared) or str(words["whole"])


def _field_text(words: dict[str, Any], declared: str) -> str:
    """The words of a field of its own, by the end of its path; empty where it has none."""
    return next((str(text) for end, text in words.get("fields", {}).items() if declared.endswith(end)), "")


def _sentence(declared: str, words: dict[str, Any], value: str | int) -> str:
    """The words about one value, with a place for it."""
    kind_of_value = (
        "flag" if isinstance(value, bool) else "path" if isinstance(value, str) and value[:1] == "/" else "problem"
    )
    return _field_text(words, declared) or str(words.get(kind_of_value, words["problem"]))


def _help(denial: Denial, words: Path) -> str:
    rule = denial.rule
    exception = f"ask an admin for an exception to `{rule.id}`"
    if rule.help:
        return f"{rule.help}, or {exception}" if rule.effect == "deny" else rule.help
    way = _UNSTATED if rule.stated else _way_out(denial.declared, denial.kind, words)
    return f"{way}, or {exception}" if way else exception


@cache
def _way_out(declared: str, kind: str, by_class: Path) -> str:
    """The way out that messages.yaml knows for a declared place; the cache is bounded by the declarations."""
    words = texts(by_class).get(kind, {})
    paths: dict[str, str] = words.get("paths", {})
    place = declared.replace(_TOMBSTONES, "domain.devices.", 1)
    covering = [path for path in paths if place == path or place.startswith(f"{path}.")]
    return paths[max(covering, key=len)] if covering else str(words.get("help", ""))
