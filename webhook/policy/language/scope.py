"""Where and for whom a policy or an exception holds: globs over names, labels of the namespace, subjects."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from webhook.policy.language.model import LABELS, LEVELS, MODES, Exemption, Match, Policy, Request


def glob(pattern: str, name: str) -> bool:
    """Whether `name` is of the form `pattern`, in which `*` stands for any characters. Linear in the name."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    if not name.startswith(first):
        return False
    *inner, last = rest
    at = len(first)
    for part in inner:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(name) - at >= len(last) and name.endswith(last)


class Names:
    """Names and globs to be found in: a name without `*` is looked up."""

    __slots__ = ("_globs", "_known")

    def __init__(self, patterns: Iterable[str]) -> None:
        known, globs = set(), []
        for each in patterns:
            globs.append(each) if "*" in each else known.add(each)
        self._known, self._globs = known, globs

    def __contains__(self, name: object) -> bool:
        return name in self._known or any(glob(each, str(name)) for each in self._globs)


names = lru_cache(maxsize=4096)(Names)


def applies(match: Match, request: Request) -> bool:
    """Whether a policy with this `match` is about the request."""
    if match.names and request.namespace not in names(match.names):
        return False
    if request.namespace in names(match.without):
        return False
    if any(request.labels.get(label) != value for label, value in match.labels.items()):
        return False
    if not match.by_subject:
        return True
    return request.user in names(match.users) or any(map(names(match.groups).__contains__, request.groups))


def exempts(exemption: Exemption, request: Request) -> bool:
    """Whether an exception is about the request's namespace; its day is looked at with each value."""
    return request.namespace in names(exemption.namespaces)


def levels(request: Request, default: str) -> dict[str, str]:
    """The level in force for each mode. A word that is no level counts as the strictest one.

    Without a label of its own, a mode has the level that is enforced.
    """
    enforced = _level(request.labels.get(LABELS["enforce"], default))
    return {mode: _level(request.labels.get(LABELS[mode], enforced)) for mode in MODES}


def _level(word: str) -> str:
    return word if word in LEVELS else LEVELS[0]


def chosen(policies: Iterable[Policy], request: Request, mode: str, default: str) -> tuple[int, ...]:
    """The policies, by index, that are in force for `mode`: beside its own, those that are enforced anyway."""
    level = levels(request, default)[mode]
    return tuple(
        index
        for index, policy in enumerate(policies)
        if (policy.level == level if policy.level else policy.mode in ("enforce", mode))
        and applies(policy.match, request)
    )
