"""The words of `spec.features` that made a value of the domain: where a finding about it is told.

Rules read the domain alone. What a tenant wrote, and changes, is the word that asked for the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from webhook.declare import FieldPath
from webhook.declare.withheld import field_at
from webhook.domain import domain_shape
from webhook.expand.askers import askers_of, element_of
from webhook.expand.following import value_at
from webhook.expand.recognition import recognised
from webhook.expand.wanted import renamed, wanted_by
from webhook.features import expand as expand_features
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform, Site, platform_of
from webhook.findings import Finding, Refused
from webhook.kinds import inspect_spec
from webhook.rule_sets import NEWEST, RULE_SETS
from webhook.trees import Tree

# A place that a text names.
_NAMED = re.compile(r"`(spec\.[^` ]+)`")


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The features of a spec at `path`, and what they ask of its domain under the names of its devices."""

    features: Tree
    domain: Tree
    contributions: Sequence[Contribution]
    platform: Platform
    path: str
    # The word of each place that was asked for, since many findings are about the same few.
    found: dict[str, str] = field(default_factory=dict)
    # The contributions that ask for something of a device or of another element.
    askers: dict[str, list[Contribution]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "askers", askers_of(self.contributions))

    def told(self, finding: Finding) -> Finding:
        """The finding where the word stands that asked for the value; else as it is.

        What names a word itself is about the domain beside it.
        """
        if not finding.path.startswith(f"{self.path}.domain.") or f"`{self.path}.features." in finding.problem:
            return finding
        place = self.place(finding.path)
        problem = _NAMED.sub(lambda found: f"`{self.place(found[1])}`", finding.problem)
        return replace(finding, path=place, problem=problem)

    def place(self, path: str) -> str:
        """Where the value at a path was asked for; the path itself where it was not."""
        start = f"{self.path}.domain"
        if not path.startswith(f"{start}."):
            return path
        if path not in self.found:
            self.found[path] = self._word(path.removeprefix(start)) or path
        return self.found[path]

    def _word(self, path: str) -> str:
        parts = FieldPath.parse(path)
        value = parts.value(self.domain) if parts else None
        is_device = len(parts) == 2 and parts[0][0] == "devices"
        if value is None or (type(value) in (dict, list) and not is_device):
            return ""
        named = _by_name(parts, self.domain)
        for each in self.askers.get(element_of(named), ()):
            asked = value_at(each.asked, named)
            if is_device and asked is not None:
                return each.origin
            if asked is not None and _same(parts, asked, value):
                return self._in_entry(each, parts, value)
        return ""

    def _in_entry(self, asker: Contribution, parts: FieldPath, value: Any) -> str:
        """The word of a feature's entry without which the feature would not ask for the value."""
        feature, _, index = asker.origin.removeprefix(f"{self.path}.features.").partition("[")
        said = self.features.get(feature)
        entry: Any = said[int(index.removesuffix("]"))] if index and type(said) is list else said
        if type(entry) is not dict:
            return asker.origin
        for word in entry:
            rest = {name: each for name, each in entry.items() if name != word}
            if not self._asks({feature: [rest] if index else rest}, parts, value):
                return f"{asker.origin}.{word}"
        return asker.origin

    def _asks(self, features: Tree, parts: FieldPath, value: Any) -> bool:
        """Whether a part of the features asks for the value, or cannot stand alone."""
        if inspect_spec({"features": features}, self.path).findings:
            return True
        try:
            made = expand_features(features, self.platform, f"{self.path}.features")
        except Refused:
            return True
        return any(_same(parts, asked, value) for each in made for asked in _values(each.asked, parts))


def words_of(spec: Tree, site: Site, path: str) -> Words | None:
    """The words of a complete spec's features; None where they make no machine."""
    features, domain = spec.get("features") or {}, spec.get("domain") or {}
    rule_set = (spec.get("abi") or {}).get("ruleSet") or site.rule_set or NEWEST
    if rule_set not in RULE_SETS:
        return None
    try:
        platform = replace(platform_of(features, domain, site, rule_set, path), stated={})
        contributions = expand_features(features, platform, f"{path}.features")
    except Refused:
        return None
    names = recognised(wanted_by(contributions), domain.get("devices") or {})
    return Words(features, domain, renamed(contributions, names), platform, path)


def _by_name(parts: FieldPath, domain: Tree) -> str:
    """The path with names for the entries of lists, as `value_at` reads it."""
    text, above = "", FieldPath()
    for name, entry in parts:
        above = above.below((name, entry))
        found = above.value(domain) if entry else None
        key = (found.get("name") or found.get("timer")) if type(found) is dict else None
        text += f".{name}[{key or entry}]" if entry else f".{name}"
    return text


def _same(parts: FieldPath, one: Any, other: Any) -> bool:
    """Whether two values mean the same there, such as `4Gi` and 4096."""
    entry = field_at(domain_shape(), parts)
    return bool(one == other) if entry is None or entry.scalar is None else entry.scalar.same(one, other)


def _values(asked: Tree, parts: FieldPath) -> list[Any]:
    """What is asked at a place, of any entry of its lists: names may be others."""
    return FieldPath((name, "*" if entry else "") for name, entry in parts).values(asked)
