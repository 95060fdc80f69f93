"""The expansion of a short spec to a complete one, independent of any admission review."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Protocol

from webhook.abi.adoption import DeviceKey
from webhook.abi.freeze import Kept, device_keys, freeze
from webhook.abi.origin import is_imported, wrong_origin
from webhook.abi.resting import Now, give_places, places_of, rest, with_given
from webhook.abi.running import keys_of
from webhook.abi.state import FROZEN, LATEST, reserved
from webhook.declare import shown
from webhook.declare.tree import copied
from webhook.expand.addresses import allocate
from webhook.expand.asked import Asked, asked_of, still
from webhook.expand.boot_order import order_boot
from webhook.expand.completing import complete
from webhook.expand.connection import unconnected, unsaid
from webhook.expand.declined import at_odds, newly_at_odds
from webhook.expand.device_order import DeviceOrder
from webhook.expand.following import Followed, Frozen, with_resting
from webhook.expand.guest_requirements import far_too_small, unmet_requirements
from webhook.expand.identity import identify
from webhook.expand.merge import merge
from webhook.expand.moving import move
from webhook.expand.naming import name_devices
from webhook.expand.other_guest import Update, another_guest, kept_guest, newly_unmet, with_guest
from webhook.expand.recognition import recognised, with_names
from webhook.expand.references import contradicted, follow
from webhook.expand.updating import Merged, eject, outgrown, settle, unfit
from webhook.expand.wanted import renamed, wanted_by
from webhook.expand.words import Words
from webhook.features import expand as expand_features
from webhook.features import numa
from webhook.features.contribution import Contribution
from webhook.features.memory import without_room
from webhook.features.platform import Platform, Site, platform_of
from webhook.findings import Finding, Refused
from webhook.rule_sets import NEWEST, RULE_SETS
from webhook.trees import Tree


class ExpansionContext(Protocol):
    """What an expansion needs beside the spec: the site, a source of random bytes, and the time."""

    @property
    def site(self) -> Site: ...
    @property
    def entropy(self) -> Callable[[int], bytes]: ...
    @property
    def clock(self) -> Callable[[], str]: ...


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


@dataclass(slots=True, eq=False)
class Expanded:
    """A complete spec, and what each part of it came from."""

    spec: Tree
    platform: Platform
    contributions: list[Contribution] = field(default_factory=list)
    # Of an update: the values that follow a feature which now asks for them, and what features no longer say.
    followed: Mapping[str, Followed] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Draft:
    """A machine while it is expanded: the spec it comes from, its own domain and ABI record, the findings so far."""

    spec: Tree
    domain: Tree
    abi: Tree
    platform: Platform
    contributions: list[Contribution]
    findings: list[Finding]
    # Devices of an imported machine, which get no identity that they did not have.
    settled: set[DeviceKey] = field(default_factory=set)
    # The devices that run, whose places are taken.
    running: list[Tree] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    # Devices that were there before, in an update or an imported machine.
    before: set[DeviceKey] = field(default_factory=set)
    # The devices that features ask for, which get places and turns in this order before others.
    order: DeviceOrder = field(default_factory=dict)


def expand(
    spec: Tree, context: ExpansionContext, path: str, known: Tree | None = None, observe: Observe = _unobserved
) -> Expanded:
    """Complete a new VM's spec; raises Refused with all findings. `spec` has been inspected and is not changed.

    `known` is an earlier domain of the same VM: names and identities of its devices stay.
    """
    domain = copied(spec.get("domain") or {})
    abi = copied(spec.get("abi") or {})
    platform, contributions = _contributions(spec, domain, _rule_set(abi, context.site, path), context, path)
    new = not known and not abi.get("ruleSet")
    findings = list(at_odds(domain, spec.get("features") or {}, contributions, path)) if new else []
    if is_imported(abi):
        return _imported(_Draft(spec, domain, abi, platform, _asking(contributions), findings), context, path)
    draft = _Draft(spec, domain, abi, platform, contributions, findings)
    if not new:
        # It was stored once: its devices have their names, whatever their references were then, and are as they were.
        names = recognised(wanted_by(contributions), (known or domain).get("devices", {}))
        draft.contributions = renamed(without_room(contributions, domain), names)
        draft.before = device_keys([known or domain])
    return _made(draft, context, path, known, observe)


def _asking(contributions: list[Contribution]) -> list[Contribution]:
    """What was asked for, without what is there by best practice alone."""
    return [contribution for contribution in contributions if contribution.asked]


def _imported(draft: _Draft, context: ExpansionContext, path: str) -> Expanded:
    """A machine that says itself what it is: nothing is added but what features ask for beside it; raises Refused."""
    draft.settled = draft.before = device_keys([draft.domain])
    draft.findings += eject(draft.domain.get("devices", {}), f"{path}.domain.devices")
    if draft.contributions:
        stated = Frozen(draft.spec.get("domain") or {})
        draft.findings += merge(draft.domain, draft.contributions, f"{path}.domain", frozen=stated).findings
        name_devices(draft.domain.setdefault("devices", {}), draft.abi.get("tombstones"))
        return _finish(draft, context, path)
    if draft.findings:
        raise Refused(draft.findings)
    return _stored(draft)


def _made(
    draft: _Draft, context: ExpansionContext, path: str, known: Tree | None = None, observe: Observe = _unobserved
) -> Expanded:
    """All steps of a machine that is not frozen; raises Refused."""
    domain, stated = draft.domain, draft.spec.get("domain") or {}
    draft.findings += eject(domain.get("devices", {}), f"{path}.domain.devices")
    merged = merge(domain, draft.contributions, f"{path}.domain", stated=stated)
    draft.findings += merged.findings
    draft.order = merged.order
    observe(Step.MERGED, domain)
    numa.complete(domain)
    observe(Step.COMPLETED, domain)
    name_devices(domain.setdefault("devices", {}), draft.abi.get("tombstones"))
    observe(Step.NAMED, domain)
    resting = [entry["device"] for entry in reserved(draft.abi)] if draft.abi.get("policy") != LATEST else ()
    order_boot(domain, draft.order, resting)
    observe(Step.BOOT_ORDERED, domain)
    unmet = unmet_requirements(domain, draft.platform.guest, f"{path}.domain")
    draft.findings += unmet
    if not (unmet or draft.before):
        draft.notes += far_too_small(domain, draft.platform.guest, f"{path}.domain")
    return _finish(draft, context, path, known, observe)


def extend(spec: Tree, stored: Tree, context: ExpansionContext, path: str, running: Sequence[Tree] = ()) -> Expanded:
    """Complete an update of a stored, complete spec: nothing that was there moves; raises Refused.

    A machine that names another rule set, or follows the newest, gets what that makes otherwise. `running` are the
    devices of the machine that runs (`webhook.abi.running`), which keep their places.
    """
    abi = {**copied(stored.get("abi") or {}), **copied(spec.get("abi") or {})}
    said = spec.get("features")
    if "features" in stored:
        features = stored["features"] if said is None else with_guest(said, stored["features"] or {})
        spec = {**spec, "features": features}
    abi["ruleSet"] = rule_set = _rule_set(abi, context.site, path, follows=abi.get("policy") == LATEST)
    by = partial(_asked_by, stored["domain"], rule_set, context, path)
    asked = asked_of(spec, stored, by)
    kept, findings = _frozen(spec.get("domain") or {}, stored, asked, f"{path}.domain")
    features, earlier = spec.get("features") or {}, stored.get("features") or {}
    frozen = Frozen(with_resting(stored["domain"], _tombstones(stored)), asked.before)
    moved = move(stored, {**spec, "abi": abi}, asked.names, context.site, path)
    moved.carry(kept.domain, frozen.stored)
    platform, contributions = _contributions(spec, kept.domain, rule_set, context, path)
    update = Update(features, earlier, kept.domain, platform, contributions)
    contributions = renamed(contributions, asked.names)
    if is_imported(abi):
        contributions = _asking(contributions)
    merged = merge(kept.domain, contributions, f"{path}.domain", frozen=frozen)
    findings += merged.findings
    settle(kept.domain, stored["domain"], asked, Merged(frozen, contributions))
    findings += newly_at_odds(update, stored["domain"], path)
    notes = [*still(frozen, asked.after, kept.domain, asked.earlier, path), *kept_guest(update, said, path)]
    findings += [note for note in notes if note.rule]
    findings += unfit(kept.domain, stored["domain"], f"{path}.domain")
    findings += outgrown(kept.domain, stored["domain"], f"{path}.domain")
    if not is_imported(abi):
        numa.complete(kept.domain)
        findings += another_guest(update, path) if abi.get("policy") != LATEST else ()
        findings += newly_unmet(update, kept.domain, stored["domain"], f"{path}.domain")
    name_devices(kept.domain["devices"], kept.tombstones)
    kept.tombstones = with_given(kept.tombstones, stored, spec)
    notes += rest(abi, stored, kept.tombstones, Now(context.clock(), keys_of(running)), path)
    settled = device_keys([stored["domain"]]) if is_imported(abi) else set()
    draft = _Draft(spec, kept.domain, abi, platform, contributions, findings, settled, list(running))
    draft.before = device_keys([stored["domain"], {"devices": _tombstones(stored)}])
    draft.order = merged.order
    made = _finish(draft, context, path)
    made.spec = with_names(made.spec, asked.wanted, asked.names, path)
    made.followed = {**moved.followed, **frozen.followed}
    made.notes += [note for note in notes if not note.rule]
    return made


def names_of_entries(stored: Tree, context: ExpansionContext, path: str) -> dict[tuple[str, str], int]:
    """The index of the entry that led to a stored device, by its feature and the device's name."""
    rule_set = _rule_set(stored.get("abi") or {}, context.site, path)
    by = partial(_asked_by, stored["domain"], rule_set, context, path)
    asked = asked_of(stored, stored, by)
    found = {}
    for each in (each for entries in asked.wanted.values() for each in entries):
        feature, _, index = each.origin.removeprefix(f"{path}.features.").partition("[")
        found[feature, asked.names.get(each.origin, each.name)] = int(index.removesuffix("]"))
    return found


def _frozen(incoming: Tree, stored: Tree, asked: Asked, path: str) -> tuple[Kept, list[Finding]]:
    """The incoming domain with all that is kept of the stored one, and where it contradicts the features."""
    before, stated = stored["domain"].get("devices", {}), incoming.get("devices", {})
    kept = freeze(stored["domain"], _tombstones(stored), incoming, asked.devices, path)
    findings = [*contradicted(stated, before, asked.connected, path), *eject(kept.domain["devices"], f"{path}.devices")]
    follow(kept.domain["devices"], stated, before, asked.connected)
    if "type" in stored["domain"]:
        # The site or an admin chose the hypervisor type: an update that leaves it out does not ask for another.
        kept.domain.setdefault("type", stored["domain"]["type"])
    return kept, findings


def _tombstones(stored: Tree) -> Tree:
    tombstones: Tree = (stored.get("abi") or {}).get("tombstones") or {}
    return tombstones


def _asked_by(domain: Tree, rule_set: str, context: ExpansionContext, path: str, features: Tree) -> list[Contribution]:
    """What these features contribute, without the stated domain: it has what they contributed earlier."""
    platform = replace(platform_of(features, domain, context.site, rule_set, path), stated={})
    return expand_features(features, platform, f"{path}.features")


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
    draft.findings += unconnected(domain, draft.contributions)
    wrong = {finding.path for finding in draft.findings}
    unsaid_here = unsaid(domain, draft.contributions, draft.before, f"{path}.domain")
    draft.findings += [finding for finding in unsaid_here if finding.path not in wrong]
    found = is_imported(draft.abi)
    machine = platform.machine.bare if found else platform.machine
    complete(domain, machine, None if found else platform.guest, platform.guest.nic[machine.family])
    observe(Step.COMPLETED, domain)
    places = places_of(draft.abi, draft.running)
    draft.findings += allocate(domain, machine, places, f"{path}.domain", draft.order)
    draft.notes += give_places(draft.abi, places, path)
    observe(Step.ALLOCATED, domain)
    identify(domain, context.entropy, known, draft.settled)
    observe(Step.IDENTIFIED, domain)
    if draft.findings or draft.notes:
        words = Words(draft.spec.get("features") or {}, domain, draft.contributions, platform, path)
        draft.notes = [words.told(each) for each in draft.notes]
        if draft.findings:
            raise Refused([words.told(each) for each in draft.findings])
    return _stored(draft)


def _stored(draft: _Draft) -> Expanded:
    """The draft as it is stored, with how its guest's view is kept."""
    platform = draft.platform
    draft.abi.setdefault("policy", FROZEN)
    draft.abi.setdefault("ruleSet", platform.rule_set)
    spec = {**draft.spec, "abi": draft.abi, "domain": draft.domain}
    return Expanded(spec, platform, draft.contributions, notes=draft.notes)


def _rule_set(abi: Tree, site: Site, path: str, *, follows: bool = False) -> str:
    """The rule set that the machine is made by, the newest where it `follows` that; raises Refused."""
    wrong = list(wrong_origin(None, abi, path))
    if wrong:
        raise Refused(wrong)
    newest = site.rule_set or NEWEST
    rule_set: str = newest if follows else abi.get("ruleSet") or newest
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
