"""From a spec that says a few words to one that says all: without any review around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from webhook.abi.freeze import device_keys, drop_present, freeze, renew
from webhook.abi.state import FROZEN, LATEST, Tree, reserved
from webhook.declare import shown
from webhook.declare.tree import copied
from webhook.expand.addresses import allocate
from webhook.expand.boot_order import order_boot
from webhook.expand.completing import complete
from webhook.expand.guest_requirements import suits
from webhook.expand.identity import identify
from webhook.expand.merge import merge
from webhook.expand.naming import name_devices
from webhook.features import expand as expand_features
from webhook.features import numa
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform, Site, platform_of
from webhook.findings import Finding, Refused
from webhook.rule_sets import NEWEST, RULE_SETS


class ExpansionContext(Protocol):
    """What an expansion needs beside the spec: the site, and a source of random bytes."""

    @property
    def site(self) -> Site: ...
    @property
    def entropy(self) -> Callable[[int], bytes]: ...


class Step(StrEnum):
    """A step of the expansion."""

    MERGED = "merged"
    NAMED = "named"
    BOOT_ORDERED = "boot order"
    COMPLETED = "completed"
    ALLOCATED = "allocated"
    IDENTIFIED = "identified"


Observe = Callable[[Step, Tree], None]
"""Called after each step of a new VM's expansion, with the domain as it is then: to be read, not kept."""


def _unobserved(_step: Step, _domain: Tree) -> None:
    """An admission has nobody who asks how a value came about."""


@dataclass(slots=True)
class Expanded:
    """A complete spec, and what each part of it came from."""

    spec: Tree
    platform: Platform
    contributions: list[Contribution] = field(default_factory=list)


def expand(
    spec: Tree, context: ExpansionContext, path: str, known: Tree | None = None, observe: Observe = _unobserved
) -> Expanded:
    """Complete a new VM's spec; raises Refused with all findings. `spec` has been read and is left as it is.

    `known` is an earlier domain whose identities stay.
    """
    domain = copied(spec.get("domain") or {})
    abi = copied(spec.get("abi") or {})
    rule_set = _rule_set(abi, path)
    platform, contributions = _contributions(spec, domain, rule_set, context, path)
    findings = merge(domain, contributions, f"{path}.domain", stated=spec.get("domain") or {})
    observe(Step.MERGED, domain)
    numa.complete(domain)
    observe(Step.COMPLETED, domain)
    name_devices(domain.setdefault("devices", {}))
    observe(Step.NAMED, domain)
    order_boot(domain)
    observe(Step.BOOT_ORDERED, domain)
    findings += suits(domain, platform.guest, f"{path}.domain")
    return _finished(spec, domain, abi, platform, contributions, findings, context, path, known, observe)


def extend(spec: Tree, stored: Tree, context: ExpansionContext, path: str) -> Expanded:
    """Complete an update of a stored, complete spec: nothing that was there moves; raises Refused."""
    abi = {**copied(stored.get("abi") or {}), **copied(spec.get("abi") or {})}
    if abi.get("policy") == LATEST:
        return _renewed({**spec, "abi": abi}, stored, context, path)
    rule_set = _rule_set(abi, path)
    before, after = _asked_places(stored, spec, rule_set, context, path)
    old_abi = stored.get("abi") or {}
    resting = old_abi.get("tombstones") or {}
    kept = freeze(stored["domain"], resting, spec.get("domain") or {}, before, after, f"{path}.domain")
    if "type" in stored["domain"]:
        # What the machine runs on was the site's word or an admin's: to leave it out is no wish.
        kept.domain.setdefault("type", stored["domain"]["type"])
    if "features" not in spec and "features" in stored:
        spec = {**spec, "features": stored["features"]}
    platform, contributions = _contributions(spec, kept.domain, rule_set, context, path)
    findings = merge(kept.domain, contributions, f"{path}.domain", frozen=True)
    name_devices(kept.domain["devices"])
    abi["tombstones"] = kept.tombstones
    if not kept.tombstones:
        del abi["tombstones"]
    return _finished(spec, kept.domain, abi, platform, contributions, findings, context, path)


def _renewed(spec: Tree, stored: Tree, context: ExpansionContext, path: str) -> Expanded:
    """A VM that follows the newest rule set: identities stay, all else that is unsaid is best practice anew.

    What rests is as it is stored, whatever the tenant says of it.
    """
    features, resting = spec.get("features") or {}, (stored.get("abi") or {}).get("tombstones") or {}
    kept = renew(
        stored["domain"],
        resting,
        spec.get("domain") or {},
        lambda: _led_to(features, stored["domain"], NEWEST, context, path),
    )
    abi = {**spec["abi"], "ruleSet": NEWEST, "tombstones": kept.tombstones}
    made = expand({**spec, "abi": abi, "domain": kept.domain}, context, path, stored["domain"])
    drop_present(made.spec["abi"]["tombstones"], made.spec["domain"])
    if not made.spec["abi"]["tombstones"]:
        del made.spec["abi"]["tombstones"]
    return made


def _asked_places(
    stored: Tree, spec: Tree, rule_set: str, context: ExpansionContext, path: str
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The devices that the stored features led to, and those that the new ones lead to.

    A spec that comes without features at all says nothing about them: they stay as they are.
    """
    features = stored.get("features") or {}
    before = _led_to(features, stored["domain"], rule_set, context, path)
    if spec.get("features") in (None, features):
        return before, before
    return before, _led_to(spec["features"], stored["domain"], rule_set, context, path)


def _led_to(features: Tree, domain: Tree, rule_set: str, context: ExpansionContext, path: str) -> set[tuple[str, str]]:
    """The devices of these features alone: with what the domain states, they would follow what they led to before."""
    platform = replace(platform_of(features, domain, context.site, rule_set, path), stated={})
    contributions = expand_features(features, platform, f"{path}.features")
    return device_keys(tree for entry in contributions for tree in (entry.asked, entry.default))


def _contributions(
    spec: Tree, domain: Tree, rule_set: str, context: ExpansionContext, path: str
) -> tuple[Platform, list[Contribution]]:
    features = spec.get("features") or {}
    platform = platform_of(features, domain, context.site, rule_set, path)
    return platform, expand_features(features, platform, f"{path}.features")


def _finished(
    spec: Tree,
    domain: Tree,
    abi: Tree,
    platform: Platform,
    contributions: list[Contribution],
    findings: list[Finding],
    context: ExpansionContext,
    path: str,
    known: Tree | None = None,
    observe: Observe = _unobserved,
) -> Expanded:
    """What new and stored machines need last: places, then who they are; raises Refused."""
    complete(domain, platform.machine, platform.guest.nic[platform.machine.family])
    observe(Step.COMPLETED, domain)
    findings += allocate(domain, platform.machine, reserved(abi), f"{path}.domain")
    observe(Step.ALLOCATED, domain)
    identify(domain, context.entropy, known)
    observe(Step.IDENTIFIED, domain)
    if findings:
        raise Refused(findings)
    abi.setdefault("policy", FROZEN)
    abi.setdefault("ruleSet", platform.rule_set)
    return Expanded({**spec, "abi": abi, "domain": domain}, platform, contributions)


def _rule_set(abi: Tree, path: str) -> str:
    if abi.get("policy") == LATEST and not abi.get("ruleSet"):
        return NEWEST
    rule_set: str = abi.get("ruleSet") or NEWEST
    if rule_set not in RULE_SETS:
        raise Refused(
            [
                Finding(
                    f"{path}.abi.ruleSet",
                    f"`{shown(rule_set)}` is no rule set of this release",
                    f"known are {', '.join(f'`{known}`' for known in RULE_SETS)}; leave it out to get the newest",
                    "rule-set",
                )
            ]
        )
    return rule_set
