"""The expansion of a short spec to a complete one, independent of any admission review."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from webhook.abi.freeze import AskedDevices, DeviceKey, device_keys, drop_present, freeze, renew
from webhook.abi.state import FROZEN, LATEST, Tree, reserved
from webhook.declare import shown
from webhook.declare.tree import copied
from webhook.expand.addresses import allocate
from webhook.expand.boot_order import order_boot
from webhook.expand.completing import complete
from webhook.expand.guest_requirements import unmet_requirements
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
    """The default of an admission, which reports no steps."""


@dataclass(slots=True)
class Expanded:
    """A complete spec, and what each part of it came from."""

    spec: Tree
    platform: Platform
    contributions: list[Contribution] = field(default_factory=list)


@dataclass(slots=True)
class _Draft:
    """A machine while it is expanded: the spec it comes from, its own domain and ABI record, the findings so far."""

    spec: Tree
    domain: Tree
    abi: Tree
    platform: Platform
    contributions: list[Contribution]
    findings: list[Finding]


def expand(
    spec: Tree, context: ExpansionContext, path: str, known: Tree | None = None, observe: Observe = _unobserved
) -> Expanded:
    """Complete a new VM's spec; raises Refused with all findings. `spec` has been inspected and is not changed.

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
    findings += unmet_requirements(domain, platform.guest, f"{path}.domain")
    return _finish(_Draft(spec, domain, abi, platform, contributions, findings), context, path, known, observe)


def extend(spec: Tree, stored: Tree, context: ExpansionContext, path: str) -> Expanded:
    """Complete an update of a stored, complete spec: nothing that was there moves; raises Refused."""
    abi = {**copied(stored.get("abi") or {}), **copied(spec.get("abi") or {})}
    if abi.get("policy") == LATEST:
        return _renewed({**spec, "abi": abi}, stored, context, path)
    rule_set = _rule_set(abi, path)
    asked = _devices_before_and_after(stored, spec, rule_set, context, path)
    kept = freeze(stored["domain"], _tombstones(stored), spec.get("domain") or {}, asked, f"{path}.domain")
    if "type" in stored["domain"]:
        # The site or an admin chose the hypervisor type: an update that leaves it out does not ask for another.
        kept.domain.setdefault("type", stored["domain"]["type"])
    if "features" not in spec and "features" in stored:
        spec = {**spec, "features": stored["features"]}
    platform, contributions = _contributions(spec, kept.domain, rule_set, context, path)
    findings = merge(kept.domain, contributions, f"{path}.domain", frozen=True)
    name_devices(kept.domain["devices"])
    abi["tombstones"] = kept.tombstones
    if not kept.tombstones:
        del abi["tombstones"]
    return _finish(_Draft(spec, kept.domain, abi, platform, contributions, findings), context, path)


def _tombstones(stored: Tree) -> Tree:
    tombstones: Tree = (stored.get("abi") or {}).get("tombstones") or {}
    return tombstones


def _renewed(spec: Tree, stored: Tree, context: ExpansionContext, path: str) -> Expanded:
    """A VM that follows the newest rule set: identities stay, every other unset field gets the best practice of today.

    The tombstones are the stored ones, whatever the incoming spec has of them.
    """
    features = spec.get("features") or {}
    kept = renew(
        stored["domain"],
        _tombstones(stored),
        spec.get("domain") or {},
        lambda: _devices_of(features, stored["domain"], NEWEST, context, path),
    )
    abi = {**spec["abi"], "ruleSet": NEWEST, "tombstones": kept.tombstones}
    made = expand({**spec, "abi": abi, "domain": kept.domain}, context, path, stored["domain"])
    drop_present(made.spec["abi"]["tombstones"], made.spec["domain"])
    if not made.spec["abi"]["tombstones"]:
        del made.spec["abi"]["tombstones"]
    return made


def _devices_before_and_after(
    stored: Tree, spec: Tree, rule_set: str, context: ExpansionContext, path: str
) -> AskedDevices:
    """The devices of the stored features and of the new ones; a spec without any features keeps the stored ones."""
    features = stored.get("features") or {}
    before = _devices_of(features, stored["domain"], rule_set, context, path)
    if spec.get("features") in (None, features):
        return AskedDevices(before, before)
    return AskedDevices(before, _devices_of(spec["features"], stored["domain"], rule_set, context, path))


def _devices_of(features: Tree, domain: Tree, rule_set: str, context: ExpansionContext, path: str) -> set[DeviceKey]:
    """The devices that these features contribute, without the stated domain: it has what they contributed earlier."""
    platform = replace(platform_of(features, domain, context.site, rule_set, path), stated={})
    contributions = expand_features(features, platform, f"{path}.features")
    return device_keys(tree for entry in contributions for tree in (entry.asked, entry.default))


def _contributions(
    spec: Tree, domain: Tree, rule_set: str, context: ExpansionContext, path: str
) -> tuple[Platform, list[Contribution]]:
    features = spec.get("features") or {}
    platform = platform_of(features, domain, context.site, rule_set, path)
    return platform, expand_features(features, platform, f"{path}.features")


def _finish(
    draft: _Draft, context: ExpansionContext, path: str, known: Tree | None = None, observe: Observe = _unobserved
) -> Expanded:
    """The last steps of new and stored machines: complete the devices, allocate, identify; raises Refused."""
    domain, platform = draft.domain, draft.platform
    complete(domain, platform.machine, platform.guest.nic[platform.machine.family])
    observe(Step.COMPLETED, domain)
    draft.findings += allocate(domain, platform.machine, reserved(draft.abi), f"{path}.domain")
    observe(Step.ALLOCATED, domain)
    identify(domain, context.entropy, known)
    observe(Step.IDENTIFIED, domain)
    if draft.findings:
        raise Refused(draft.findings)
    draft.abi.setdefault("policy", FROZEN)
    draft.abi.setdefault("ruleSet", platform.rule_set)
    return Expanded({**draft.spec, "abi": draft.abi, "domain": domain}, platform, draft.contributions)


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
