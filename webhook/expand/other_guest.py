"""The guest that a stored machine was made for: kept where an update names none, and not to be made another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.expand.guest_requirements import unmet_requirements
from webhook.features import expand as expand_features
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform, platform_of
from webhook.findings import Finding, Refused
from webhook.guests import Guest
from webhook.trees import Tree

_GUEST = ("type", "version")


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """The features of an update and the stored ones, and what the former make of the machine."""

    features: Tree
    earlier: Tree
    domain: Tree
    platform: Platform
    contributions: list[Contribution]


def with_guest(features: Tree, earlier: Tree) -> Tree:
    """The features of an update with the stored words for the guest, as far as it leaves these out.

    No other part of a spec says which guest it is. Another type comes with a version of its own.
    """
    now, then = features.get("system") or {}, earlier.get("system") or {}
    if now.get("type", then.get("type")) != then.get("type"):
        return features
    kept = {name: then[name] for name in _GUEST if name in then and name not in now}
    return {**features, "system": {**now, **kept}} if kept else features


def kept_guest(update: Update, said: Tree | None, path: str) -> Iterator[Finding]:
    """A note of the guest that is kept where the features of an update, as they were said, leave its words out."""
    if said is not None and said.get("system") != update.features.get("system"):
        yield Finding(f"{path}.features.system", f"stays {update.platform.guest.title}, which the update does not say")


def another_guest(update: Update, path: str) -> Iterator[Finding]:
    """A finding where the other guest would have another machine; other words for the same one are only recorded."""
    now, then = update.features.get("system") or {}, update.earlier.get("system") or {}
    if all(now.get(name) == then.get(name) for name in _GUEST):
        return
    system = {**now, **{name: then.get(name) for name in _GUEST}}
    features = {**update.features, "system": {name: value for name, value in system.items() if value is not None}}
    try:
        before = platform_of(features, update.domain, update.platform.site, update.platform.rule_set, path)
        same = before.guest is update.platform.guest or _made(
            expand_features(features, before, f"{path}.features")
        ) == _made(update.contributions)
    except Refused:
        return
    if not same:
        problem = f"is {update.platform.guest.title}, the machine was made for {before.guest.title} and stays so"
        way = "restore the words; for another guest create a new VM, which may use the same claims"
        yield Finding(f"{path}.features.system", problem, way, "frozen")


def _made(contributions: list[Contribution]) -> list[tuple[Tree, Tree]]:
    return [(each.asked, each.default) for each in contributions]


def newly_unmet(update: Update, domain: Tree, stored: Tree, path: str) -> list[Finding]:
    """What the guest's installer would miss in the machine as it becomes, and its guest did not in it as it was."""
    unmet = unmet_requirements(domain, update.platform.guest, path)
    known = {finding.path for finding in unmet_requirements(stored, _earlier(update, path), path)} if unmet else set()
    return [finding for finding in unmet if finding.path not in known]


def _earlier(update: Update, path: str) -> Guest:
    """The guest that the stored features name; the update's where they can name none any more."""
    platform = update.platform
    try:
        return platform_of(update.earlier, update.domain, platform.site, platform.rule_set, path).guest
    except Refused:
        return platform.guest
