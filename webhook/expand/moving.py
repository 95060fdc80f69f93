"""A stored machine that moves to another rule set: it follows where the two make something else of its features.

What the machine has otherwise was stated or changed since, and stays; so do addresses, identities, and the devices that
were removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from webhook.abi.origin import is_imported
from webhook.abi.state import LATEST
from webhook.declare import Field, Shape
from webhook.declare.tree import at, copied
from webhook.domain import domain_shape
from webhook.expand.completing import complete
from webhook.expand.following import Followed
from webhook.expand.merge import merge
from webhook.expand.recognition import recognised
from webhook.expand.wanted import Names, renamed, wanted_by
from webhook.features import expand as expand_features
from webhook.features.platform import Platform, Site, platform_of
from webhook.trees import Tree

# The fields by which a device is of one kind.
_KIND = ("device", "type", "model", "target.bus")


def move(stored: Tree, spec: Tree, names: Names, site: Site, path: str) -> Move:
    """How an update moves its machine to another rule set, or, where it follows the newest, to other features.

    `names` are those of the devices that the update's features ask for, by origin. Raises Refused.
    """
    abi, then = spec["abi"], (stored.get("abi") or {}).get("ruleSet") or spec["abi"]["ruleSet"]
    earlier, features = stored.get("features") or {}, spec.get("features") or {}
    follows = abi.get("policy") == LATEST
    nothing = Move(f"{path}.abi.ruleSet", {}, {})
    if is_imported(abi) or (then == abi["ruleSet"] and not (follows and features != earlier)):
        return nothing
    domain, now = stored["domain"], features if follows else earlier
    before = _made(domain, earlier, platform_of(earlier, domain, site, then, path), path)
    after = _made(domain, now, platform_of(now, domain, site, abi["ruleSet"], path), path, names if follows else None)
    return replace(nothing, before=before, after=after)


def _made(domain: Tree, features: Tree, platform: Platform, path: str, names: Names | None = None) -> Tree:
    """What features alone make on a platform, before places and identities, under the names of a stored domain."""
    alone = replace(platform, stated={})
    contributions = expand_features(features, alone, f"{path}.features")
    known = recognised(wanted_by(contributions), domain.get("devices", {})) if names is None else names
    tree: Tree = {}
    merge(tree, renamed(contributions, known), f"{path}.domain")
    complete(tree, alone.machine, alone.guest, alone.guest.nic[alone.machine.family])
    return tree


@dataclass(slots=True, eq=False)
class Move:
    """What one rule set makes of the stored features, before places and identities, and what the other one does.

    `followed` are the values that now are others, by their path below the domain with names for the entries of lists.
    """

    origin: str
    before: Tree
    after: Tree
    followed: dict[str, Followed] = field(default_factory=dict)

    def carry(self, domain: Tree, stored: Tree) -> None:
        """Let the domain of an update, which is complete, follow the move in place; what it changes itself stays."""
        self._element(domain, stored, (self.before, self.after), domain_shape(), "")

    def _element(self, domain: Tree, stored: Tree, made: tuple[Tree, Tree], shape: Shape, path: str) -> None:
        before, after = made
        for name in {**before, **after}:
            entry, was, now = shape.fields[name], before.get(name), after.get(name)
            if was == now:
                continue
            here = f"{path}.{name}"
            if entry.shape is None or (entry.many and not entry.shape.key):
                self._value(domain, stored, (was, now), entry, here)
            elif entry.many:
                there = domain.setdefault(name, [])
                self._list(there, stored.get(name) or [], (was or [], now or []), entry.shape, here)
                if not there:
                    del domain[name]
            elif path == ".devices":
                if was and now and name in domain and not _is_another(stored.get(name) or {}, was):
                    self._element(domain[name], stored.get(name) or {}, (was, now), entry.shape, here)
            elif name in domain or not stored.get(name):
                inner = domain.setdefault(name, {})
                self._element(inner, stored.get(name) or {}, (was or {}, now or {}), entry.shape, here)
                if not inner and name != "devices":
                    del domain[name]

    def _value(self, domain: Tree, stored: Tree, made: tuple[Any, Any], entry: Field, path: str) -> None:
        """A value that nobody changed before, nor the update, unless to what the other rule set makes."""
        there, before, (was, now) = domain.get(entry.name), stored.get(entry.name), made
        if not entry.same(before, was) or not (entry.same(there, was) or entry.same(there, now)):
            return
        self.followed[path] = Followed(self.origin, before)
        if now is None:
            domain.pop(entry.name, None)
        else:
            domain[entry.name] = copied(now)

    def _list(
        self, there: list[Tree], stored: list[Tree], made: tuple[list[Tree], list[Tree]], shape: Shape, path: str
    ) -> None:
        """The entries of a list by their key; one that only the former rule set makes goes, if it is as it was made.

        Devices neither come nor go here: a merge adds those of features, and what is there may have been granted.
        """
        domain, were, before, after = (
            {entry.get(shape.key): entry for entry in entries} for entries in (there, stored, *made)
        )
        devices = path.startswith(".devices.")
        for key in {**before, **after}:
            here, pair = f"{path}[{key}]", (before.get(key, {}), after.get(key, {}))
            if key in domain and key in after:
                if not devices or (key in before and not _is_another(were.get(key, {}), before[key])):
                    self._element(domain[key], were.get(key, {}), pair, shape, here)
            elif devices:
                continue
            elif key not in domain and key not in before and key not in were:
                there.append(copied(after[key]))
                self.followed[here] = Followed(self.origin, None)
            elif key in domain and domain[key] == were.get(key) == before[key]:
                there.remove(domain[key])
                self.followed[here] = Followed(self.origin, domain[key])


def _is_another(device: Tree, made: Tree) -> bool:
    """Whether a stored device is of another kind than a rule set makes it, so that nothing of it fits: also none."""
    said = ((at(device, name), at(made, name)) for name in _KIND)
    return any(None not in pair and pair[0] != pair[1] for pair in said)
