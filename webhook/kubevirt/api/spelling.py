"""Names in another letter case on the way to what policies judge.

KubeVirt reads objects with Go's `encoding/json`, which takes `SPEC` for `spec`; policies see fields by their names.
Within a part such a name is an unknown field, above it nothing else would see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from webhook.findings import Finding
from webhook.kubevirt.api.declarations import ANNOTATIONS, LABELS
from webhook.kubevirt.api.kinds import Keys, KubeVirtKind, at

RULE = "names"


@cache
def names_above(kind: KubeVirtKind) -> Mapping[Keys, frozenset[str]]:
    """The names that lead to what is judged of a kind, by the keys that each stands below."""
    ways = [*kind.parts.values(), kind.annotations]
    if kind.metadata:
        ways += [(*kind.metadata, ANNOTATIONS), (*kind.metadata, LABELS)]
    made: dict[Keys, frozenset[str]] = {}
    for keys in ways:
        for index, name in enumerate(keys):
            made[keys[:index]] = made.get(keys[:index], frozenset()) | {name}
    return made


def misspelt(obj: Any, kind: KubeVirtKind) -> dict[str, Any]:
    """What stands at names that differ from those only in their letter case, by its place."""
    made: dict[str, Any] = {}
    for keys, names in names_above(kind).items():
        found = at(obj, keys)
        for key in found if type(found) is dict else ():
            if key not in names and key.casefold() in _folded(names):
                made[".".join((*keys, key))] = found[key]
    return made


@cache
def _folded(names: frozenset[str]) -> Mapping[str, str]:
    return {name.casefold(): name for name in names}


def wrong_names(now: Mapping[str, Any], kind: KubeVirtKind) -> Iterator[Finding]:
    """One finding for each of these places."""
    for place in now:
        keys = place.split(".")
        meant = _folded(names_above(kind)[tuple(keys[:-1])])[keys[-1].casefold()]
        problem = f"is `{meant}` in another letter case, which KubeVirt would read as `{meant}`"
        yield Finding(place, problem, f"write `{meant}`", RULE)
