"""A stored machine that moves to another rule set, asked for by name or because it follows the newest."""

from __future__ import annotations

import pytest

from tests.abi.life import admitted, devices, digest_in, patched
from webhook.admission.context import AdmissionContext
from webhook.declare.tree import copied
from webhook.expand.moving import Move
from webhook.expand.pipeline import expand, extend
from webhook.features.platform import Site
from webhook.findings import Refused
from webhook.kinds import declared_fields
from webhook.libvirt.xml.render import render
from webhook.policy import Policies, shipped
from webhook.trees import Tree

OLD, NEW = {"ruleSet": "2026.1"}, {"ruleSet": "2026.2"}
LINUX: Tree = {
    "system": {"type": "debian", "version": "12"},
    "memory": "2Gi",
    "storage": [{"source": "root"}, {"source": "data", "interface": "sata"}],
    "network": [{"source": "lan"}],
}
WINDOWS: Tree = {"system": {"type": "windows", "version": 11}, "graphics": "spice", "storage": [{"source": "root"}]}


def stored(features: Tree, abi: Tree = OLD, domain: Tree | None = None) -> Tree:
    made, _ = admitted({"features": features, "abi": dict(abi), **({"domain": domain} if domain else {})})
    return made


def moved(spec: Tree, abi: Tree = NEW, accept: str = "") -> tuple[Tree, list[str]]:
    return admitted(patched(spec, {"abi": abi}), spec, accept)


def test_a_move_changes_what_the_rule_sets_make_otherwise_and_says_each() -> None:
    before = stored(LINUX)
    after, told = moved(before)
    assert after["abi"] == {"policy": "frozen", **NEW}
    assert [text.partition("; ")[0] for text in told] == [
        "spec.abi.ruleSet: is now `2026.2` instead of `2026.1`",
        "spec.domain.features[4]: `vmcoreinfo` is new (reboot: the guest has a place for what a dump of its memory "
        "needs, or none, at its next cold boot)",
        "spec.domain.devices.disks[1].target.rotationRate: is now `1` (reboot: the guest sees at its next cold boot "
        "whether the disk rotates, and treats it so)",
        "spec.domain.devices.memballoon.freePageReporting: is now `true` (reboot: the guest gives free memory back by "
        "its balloon, or no longer does, from its next cold boot)",
        "spec.domain.devices.memballoon.statsPeriod: is now `10` (none: the host asks the balloon for numbers more or "
        "less often)",
    ]


def test_a_move_makes_what_the_other_rule_set_would_have_made() -> None:
    """But for identities, which stay."""
    for features in (LINUX, {**LINUX, "hugepages": "2Mi"}, {"storage": [{"source": "root"}]}):
        before, fresh = stored(features), stored(features, NEW)
        after, _ = moved(before)
        for each in (after["domain"], fresh["domain"]):
            del each["uuid"]
            each["features"].sort(key=lambda entry: entry["feature"])
            for entry in (*each["devices"]["disks"], *each["devices"].get("interfaces", ())):
                entry.pop("serial", None)
                entry.pop("mac", None)
        assert render(after["domain"], "vm") == render(fresh["domain"], "vm")


def test_a_move_leaves_places_and_identities_as_they_were() -> None:
    before = stored(LINUX)
    after, _ = moved(before)
    kept = ("name", "address", "serial", "mac", "bootOrder", "claim", "network")
    assert [{name: each.get(name) for name in kept} for each in devices(after).values()] == [
        {name: each.get(name) for name in kept} for each in devices(before).values()
    ]
    assert after["domain"]["uuid"] == before["domain"]["uuid"]
    assert after["domain"]["devices"]["controllers"] == before["domain"]["devices"]["controllers"]


def test_a_move_back_makes_the_former_machine_again() -> None:
    before = stored(LINUX)
    after, _ = moved(before)
    back, told = moved(after, OLD)
    assert back == before
    assert "spec.abi.ruleSet: is now `2026.1` instead of `2026.2`" in told


def test_without_the_word_nothing_moves() -> None:
    before = stored(LINUX)
    after, told = admitted(patched(before, {"features": {"memory": "4Gi"}}), before)
    assert after["abi"] == before["abi"]
    assert not any("ruleSet" in text or "memballoon" in text for text in told)


def test_what_was_stated_or_changed_since_stays() -> None:
    before = stored(LINUX, domain={"devices": {"memballoon": {"statsPeriod": 60}}})
    before, _ = admitted(patched(before, {"domain": {"devices": {"memballoon": {"freePageReporting": False}}}}), before)
    after, told = moved(before)
    assert after["domain"]["devices"]["memballoon"] == before["domain"]["devices"]["memballoon"]
    assert not any("memballoon" in text for text in told)


@pytest.mark.parametrize(
    ("domain", "kind"),
    [
        ({"devices": {"memballoon": {"model": "none"}}}, "memballoon"),
        ({"devices": {"disks": [{"name": "data", "claim": "data", "target": {"bus": "usb"}}]}}, "disks"),
    ],
    ids=["a balloon that there is none of", "a disk on another bus"],
)
def test_a_device_of_another_kind_than_the_rule_set_makes_stays_whole(domain: Tree, kind: str) -> None:
    words = {**LINUX, "storage": [{"source": "root"}, {"source": "data", "name": "data"}]}
    before = stored(words, domain=domain)
    after, told = moved(before)
    assert after["domain"]["devices"][kind] == before["domain"]["devices"][kind]
    assert not any(kind in text for text in told)


def test_a_feature_changes_in_the_same_update() -> None:
    before = stored(LINUX)
    after, told = admitted(patched(before, {"abi": NEW, "features": {"memory": "4Gi"}}), before)
    assert after["domain"]["memory"] == {"size": 4096, "current": 4096}
    assert after["domain"]["devices"]["memballoon"]["statsPeriod"] == 10
    assert any("memory.size" in text for text in told)


def test_what_the_guest_may_not_survive_is_refused_with_a_digest_and_passes_with_it_once() -> None:
    before = stored(WINDOWS)
    with pytest.raises(Refused) as refused:
        moved(before)
    paths = {finding.path for finding in refused.value.findings}
    assert paths == {"spec.abi.ruleSet"}
    assert "asks for `bochs`, but `spec.domain.devices.video[0].type` says `qxl`" in str(refused.value)
    digest = digest_in(refused.value)
    after, _ = moved(before, accept=digest)
    assert after["domain"]["devices"]["video"] == [
        {"name": "video", "type": "bochs", "primary": True, "vram": 16384, "address": "0000:00:01.0"}
    ]
    assert after["abi"]["history"][0]["digest"] == digest
    with pytest.raises(Refused):
        moved(after, OLD, accept=digest)


def test_the_help_of_the_refusal_is_a_way_out() -> None:
    before = stored(WINDOWS)
    with pytest.raises(Refused) as refused:
        moved(before)
    assert "restore the rule set" in refused.value.findings[0].help
    assert admitted(copied(before), before)[0] == before


def test_an_update_that_states_what_the_rule_set_would_make_is_the_same_update() -> None:
    before = stored(LINUX)
    after, told = moved(before)
    again, told_again = admitted(copied(after), before)
    assert again == after
    assert told_again == told


@pytest.mark.parametrize("rule_set", ["1999.1", "2026.999"])
def test_a_rule_set_that_there_is_not_is_refused(rule_set: str) -> None:
    with pytest.raises(Refused, match="is no rule set of this release"):
        moved(stored(LINUX), {"ruleSet": rule_set})


# A machine that follows the newest.
FOLLOWS = {"policy": "latest", **OLD}


@pytest.mark.parametrize(
    "change",
    [
        {"domain": {"title": "another"}},
        {"features": {"memory": "4Gi"}},
        {"features": {"network": [{"source": "lan"}, {"source": "more"}]}},
    ],
    ids=["of the domain", "of an amount", "of a device"],
)
def test_a_patch_of_one_field_moves_a_machine_that_follows_the_newest(change: Tree) -> None:
    before = stored(LINUX, FOLLOWS)
    assert before["abi"] == FOLLOWS
    after, told = admitted(patched(before, change), before)
    assert after["abi"] == {"policy": "latest", **NEW}
    assert after["domain"]["devices"]["memballoon"]["freePageReporting"] is True
    assert "spec.abi.ruleSet: is now `2026.2` instead of `2026.1`" in told
    assert any("(reboot: the guest gives free memory back" in text for text in told)


def test_the_manifest_that_it_was_made_of_moves_it_too() -> None:
    manifest = {"features": LINUX, "abi": {"policy": "latest"}}
    before = stored(LINUX, FOLLOWS)
    after, _ = admitted(manifest, before)
    assert after["abi"] == {"policy": "latest", **NEW}
    again, told = admitted(manifest, after)
    assert again == after
    assert told == []


def test_what_a_guest_may_not_survive_passes_with_its_consequence_told() -> None:
    before = stored(WINDOWS, FOLLOWS)
    after, told = admitted(patched(before, {"domain": {"title": "another"}}), before)
    assert after["domain"]["devices"]["video"][0]["type"] == "bochs"
    assert any("is now `bochs` instead of `qxl` (guest-breaking:" in text for text in told)


def test_an_update_that_changes_nothing_does_not_move_it() -> None:
    before = stored(LINUX, FOLLOWS)
    after, told = admitted(copied(before), before)
    assert after == before
    assert told == []


def test_another_guest_makes_another_machine_of_one_that_follows() -> None:
    before = stored({**LINUX, "graphics": "vnc"}, {"policy": "latest"})
    words = {**LINUX, "graphics": "vnc", "system": {"type": "other"}}
    after, told = admitted({**before, "features": words}, before)
    assert not any(entry["feature"] == "vmcoreinfo" for entry in after["domain"]["features"])
    assert told


def test_to_begin_to_follow_moves_at_once() -> None:
    before = stored(LINUX)
    after, _ = admitted(patched(before, {"abi": {"policy": "latest"}}), before)
    assert after["abi"] == {"policy": "latest", **NEW}


def made_by(*entries: Tree) -> Tree:
    return {"features": list(entries)} if entries else {}


SMM = {"feature": "smm", "state": True}
OFF = {"feature": "smm", "state": False}


@pytest.mark.parametrize(
    ("before", "after", "stored", "becomes"),
    [
        ([], [SMM], [], [SMM]),
        ([SMM], [], [SMM], []),
        ([SMM], [], [OFF], [OFF]),
        ([SMM], [OFF], [SMM], [OFF]),
        ([SMM], [OFF], [], []),
        ([], [SMM], [OFF], [OFF]),
    ],
    ids=[
        "that it brings", "that it takes away", "that was changed since", "that it makes otherwise",
        "that was taken away since", "that was stated",
    ],
)  # fmt: skip
def test_a_feature_of_the_hypervisor(
    before: list[Tree], after: list[Tree], stored: list[Tree], becomes: list[Tree]
) -> None:
    domain = copied(made_by(*stored))
    Move("spec.abi.ruleSet", made_by(*before), made_by(*after)).carry(domain, made_by(*stored))
    assert domain == made_by(*becomes)


def test_a_move_that_states_what_the_rule_set_makes_is_refused_in_the_same_words() -> None:
    """As what `vmconfig adopt` prints is applied."""
    before = stored(WINDOWS)
    with pytest.raises(Refused) as by_name:
        moved(before)
    after, _ = moved(before, accept=digest_in(by_name.value))
    del after["abi"]["history"]
    with pytest.raises(Refused) as by_manifest:
        admitted(after, before)
    assert str(by_manifest.value) == str(by_name.value)


def ways_out(spec: Tree, abi: Tree) -> list[str]:
    """The help of each finding of a move; nothing where it passes."""
    try:
        moved(spec, abi)
    except Refused as refused:
        return [finding.help for finding in refused.findings]
    return []


@pytest.mark.parametrize("domain", [{}, {"devices": {}}, {"features": []}, {"devices": {"memballoon": {}}}])
def test_a_stored_domain_that_says_next_to_nothing_moves_or_is_refused(domain: Tree) -> None:
    """As somebody may have written it while the webhooks were away."""
    odd = {"features": LINUX, "abi": dict(OLD), "domain": {"title": "odd", **domain}}
    for abi in (NEW, {"policy": "latest"}):
        assert all(ways_out(odd, abi))


HELD_BACK = AdmissionContext(Policies(shipped(), declared_fields()), site=Site(rule_set="2026.1"))


def test_a_site_holds_new_vms_and_those_that_follow_back() -> None:
    made = expand({"features": LINUX}, HELD_BACK, "spec").spec
    assert made["abi"]["ruleSet"] == "2026.1"
    following = stored(LINUX, {"policy": "latest"})
    assert following["abi"]["ruleSet"] == "2026.2"
    after = extend(patched(following, {"domain": {"title": "another"}}), following, HELD_BACK, "spec").spec
    assert after["abi"]["ruleSet"] == "2026.1"
    assert "statsPeriod" not in after["domain"]["devices"]["memballoon"]


def test_who_names_a_rule_set_has_it_on_a_site_that_is_held_back() -> None:
    made = expand({"features": LINUX, "abi": dict(NEW)}, HELD_BACK, "spec").spec
    assert made["abi"]["ruleSet"] == "2026.2"
    after = extend(patched(stored(LINUX), {"abi": NEW}), stored(LINUX), HELD_BACK, "spec").spec
    assert after["abi"]["ruleSet"] == "2026.2"
