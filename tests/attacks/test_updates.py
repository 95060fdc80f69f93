"""Updates past the mutating webhook, as another webhook behind it could make them: the validator trusts nobody's words.

What is stored may hold what an admin was permitted, and the tenant changes what stands around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.attacks.manifests import laid_over, manifest, spec_of
from tests.attacks.wire import Answer, Wire
from webhook.trees import Tree

Of = Callable[[str], Wire]
# What an admin put into the machine: a medium that is only read, a filter, limits.
ADMINS: Tree = {
    "disks": [
        {
            "name": "iso2",
            "device": "disk",
            "source": {"file": "/srv/media/a.img"},
            "readonly": True,
            "target": {"bus": "virtio", "dev": "vdz"},
            "serial": "S9",
            "address": "0000:00:14.0",
        },
        {"name": "root", "iotune": {"totalIopsSec": 500}},
    ],
    "interfaces": [{"name": "front", "filterRef": {"filter": "clean-traffic"}}],
}


def copy(tree: Tree) -> Tree:
    made: Tree = orjson.loads(orjson.dumps(tree))
    return made


def stored(base: str = "pc") -> Tree:
    return spec_of(base, {"domain": {"devices": copy(ADMINS)}}, complete=True)


def device(spec: Tree, kind: str, name: str) -> Tree:
    found: Tree = next(entry for entry in spec["domain"]["devices"][kind] if entry["name"] == name)
    return found


def updated(wire: Of, before: Tree, after: Tree, hook: str = "validate") -> Answer:
    asked = wire("restricted")
    old, new = manifest("VM", before), manifest("VM", after)
    return asked.pair(new, old) if hook == "both" else asked.ask("validate", new, old)


def rules(answer: Answer) -> set[str]:
    return {rule for _, rule in answer.findings}


@pytest.mark.parametrize("base", ["pc", "latest"])
def test_what_an_admin_was_permitted_stays_while_the_tenant_changes_other_things(wire: Of, base: str) -> None:
    before = stored(base)
    after = laid_over(copy(before), {"domain": {"title": "another"}})
    assert updated(wire, before, after).allowed
    assert updated(wire, before, after, "both").allowed


ADMINS_OWN = pytest.mark.parametrize(
    ("kind", "name", "field", "leaf", "rule"),
    [
        ("interfaces", "front", "filterRef", "filter", "restricted/no-host-networks"),
        ("disks", "root", "iotune", "totalIopsSec", "restricted/no-io-tuning"),
    ],
)


@ADMINS_OWN
def test_a_tenant_does_not_take_away_what_an_admin_put_there(
    wire: Of, kind: str, name: str, field: str, leaf: str, rule: str
) -> None:
    """The validator refuses it, and the mutator puts it back, so that a tool that leaves it out does no harm."""
    after = stored()
    del device(after, kind, name)[field]
    assert updated(wire, stored(), after).findings == {(f"domain.devices.{kind}[{name}].{field}.{leaf}", rule)}
    restored = updated(wire, stored(), after, "both")
    assert restored.allowed
    assert device(restored.object["spec"], kind, name)[field] == device(stored(), kind, name)[field]


@pytest.mark.parametrize(("kind", "name", "lead"), [("interfaces", "front", "network"), ("disks", "root", "storage")])
def test_a_device_that_a_tenant_takes_away_whole_is_his_to_take(wire: Of, kind: str, name: str, lead: str) -> None:
    after = stored()
    after["features"][lead] = [entry for entry in after["features"][lead] if name not in entry.values()]
    answer = updated(wire, stored(), after, "both")
    assert answer.allowed
    assert name not in [entry["name"] for entry in answer.object["spec"]["domain"]["devices"].get(kind, [])]


def test_an_admin_takes_away_what_he_may_set(wire: Of) -> None:
    """At a level that permits the filter the same update removes it."""
    after = stored()
    del device(after, "interfaces", "front")["filterRef"]
    old, new = manifest("VM", stored()), manifest("VM", after)
    answer = wire("privileged").pair(new, old)
    assert answer.allowed
    assert "filterRef" not in device(answer.object["spec"], "interfaces", "front")


@pytest.mark.parametrize("hook", ["validate", "both"])
@pytest.mark.parametrize("change", [{"readonly": False}, {"device": "cdrom"}, {"type": "block"}])
def test_a_tenant_does_not_turn_an_admins_path_into_another_use_of_it(wire: Of, hook: str, change: Tree) -> None:
    """A machine that follows the newest rule set is not frozen, so the freeze does not help here."""
    before, after = stored("latest"), stored("latest")
    device(after, "disks", "iso2").update(change)
    assert not updated(wire, before, after, hook).allowed


def without_data(**tombstone: Any) -> tuple[Tree, Tree]:
    """A machine, and the same without its disk `data`, which rests as the tombstone says."""
    before = spec_of("pc", {}, complete=True)
    after = copy(before)
    gone = device(after, "disks", "data")
    after["domain"]["devices"]["disks"].remove(gone)
    after["features"]["storage"] = [drive for drive in after["features"]["storage"] if drive["name"] != "data"]
    after["abi"]["tombstones"] = {"disks": [{**gone, **tombstone}]}
    return before, after


def test_a_removed_device_that_rests_as_it_was_passes(wire: Of) -> None:
    assert updated(wire, *without_data()).allowed


ELSEWHERE = "0000:32:00.0"


@pytest.mark.parametrize(
    "forged", [{"address": ELSEWHERE}, {"serial": "S1"}, {"target": {"bus": "virtio", "dev": "vdq"}}]
)
def test_a_removed_device_does_not_rest_as_another(wire: Of, forged: Tree) -> None:
    answer = updated(wire, *without_data(**forged))
    assert not answer.allowed
    assert rules(answer) == {"frozen"}


def test_a_tombstone_does_not_change_while_it_rests(wire: Of) -> None:
    _, before = without_data()
    after = copy(before)
    after["abi"]["tombstones"]["disks"][0]["address"] = ELSEWHERE
    assert rules(updated(wire, before, after)) == {"frozen"}


def test_a_device_that_is_gone_without_a_tombstone_is_missed(wire: Of) -> None:
    before, after = without_data()
    del after["abi"]["tombstones"]
    assert ("domain.devices.disks[data]", "frozen") in updated(wire, before, after).findings


@pytest.mark.parametrize("domain", [None, {}, {"devices": {}}])
def test_a_machine_that_is_gone_is_missed(wire: Of, domain: Tree | None) -> None:
    before = spec_of("pc", {}, complete=True)
    after = {**before, "domain": domain} if domain is not None else {k: v for k, v in before.items() if k != "domain"}
    answer = updated(wire, before, after)
    assert not answer.allowed
    assert "frozen" in rules(answer)


ALIKE = {
    "false for nothing": ({"domain": {"devices": {"disks": [{"name": "data", "address": False}]}}}, "shape"),
    "one for true": ({"features": {"rng": 1}}, "shape"),
    "a fraction for a whole number": ({"features": {"cpu": {"count": 2.0}}}, "shape"),
    "one for a display": ({"features": {"guestAgent": 1}}, "shape"),
}


@pytest.mark.parametrize("hook", ["validate", "both"])
@pytest.mark.parametrize("change", ALIKE)
def test_values_that_only_seem_to_be_the_same_are_another(wire: Of, hook: str, change: str) -> None:
    part, rule = ALIKE[change]
    before = spec_of("pc", {}, complete=True)
    answer = updated(wire, before, laid_over(copy(before), part), hook)
    assert not answer.allowed
    assert rules(answer) == {rule}


def test_a_program_of_the_host_does_not_hide_behind_a_name(wire: Of) -> None:
    """A stored path is told by its device's name: another device does not inherit it, nor does a second of the name."""
    before, after = stored(), stored()
    device(after, "disks", "data").update(source={"file": "/srv/media/a.img"})
    assert ("domain.devices.disks[data].source.file", "restricted/no-host-paths") in updated(
        wire, before, after
    ).findings
    twice = stored()
    twice["domain"]["devices"]["disks"].append(copy(device(twice, "disks", "iso2")))
    assert not updated(wire, before, twice).allowed


def test_a_golden_image_stays_what_it_is(wire: Of) -> None:
    """What says how a host's file is used is no frontend, and is not the tenant's while the file is an admin's."""
    before = stored()
    device(before, "disks", "iso2").update(transient=True)
    for change in ({"transient": False}, {"type": "block"}):
        after = copy(before)
        device(after, "disks", "iso2").update(change)
        found = {rule for _, rule in updated(wire, before, after).findings}
        assert "restricted/no-host-paths" in found, change
    after = copy(before)
    after["domain"]["title"] = "another"
    assert updated(wire, before, after).allowed


def test_a_list_without_keys_is_not_emptied(wire: Of) -> None:
    before = stored()
    before["domain"]["cputune"] = {"vcpuScheds": [{"vcpus": "0", "scheduler": "idle"}]}
    for emptied in ([], [{}]):
        after = copy(before)
        after["domain"]["cputune"]["vcpuScheds"] = emptied
        answer = updated(wire, before, after)
        assert not answer.allowed
        assert "restricted/no-scheduling" in rules(answer)
    after["domain"]["cputune"]["vcpuScheds"] = []
    restored = updated(wire, before, after, "both")
    assert restored.allowed
    assert restored.object["spec"]["domain"]["cputune"] == before["domain"]["cputune"]


def without(spec: Tree, name: str) -> Tree:
    """The same machine whose features ask for no device of this name any more; it says nothing of its hardware."""
    made = {name: copy(spec[name]) for name in ("features", "abi")}
    for lead in ("storage", "network"):
        made["features"][lead] = [entry for entry in made["features"][lead] if name not in entry.values()]
    return made


def placeless(entry: Tree) -> Tree:
    """A device without what the service chooses anew where the newest rule set is followed."""
    return {name: value for name, value in entry.items() if name not in ("address", "bootOrder")}


GUARDS = pytest.mark.parametrize(
    ("kind", "name", "guard"), [("interfaces", "front", "filterRef"), ("disks", "root", "iotune")]
)
BASES = pytest.mark.parametrize("base", ["pc", "latest"])


@BASES
@GUARDS
def test_a_device_that_a_tenant_takes_away_and_brings_back_has_its_guards(
    wire: Of, base: str, kind: str, name: str, guard: str
) -> None:
    """In between it rests with them, and says so in the object."""
    before = stored(base)
    gone = updated(wire, before, without(before, name), "both")
    assert gone.allowed, gone.findings
    resting = gone.object["spec"]
    rests = next(entry for entry in resting["abi"]["tombstones"][kind] if entry["name"] == name)
    assert name not in {entry["name"] for entry in resting["domain"]["devices"].get(kind, ())}
    assert rests[guard] == device(before, kind, name)[guard]
    back = updated(wire, resting, {"features": copy(before["features"])}, "both")
    assert back.allowed, back.findings
    assert name not in {entry["name"] for entry in back.object["spec"]["abi"].get("tombstones", {}).get(kind, ())}
    assert placeless(device(back.object["spec"], kind, name)) == placeless(device(before, kind, name))


@BASES
@GUARDS
def test_a_device_that_rests_is_not_brought_back_without_its_guards(
    wire: Of, base: str, kind: str, name: str, guard: str
) -> None:
    before = stored(base)
    resting = updated(wire, before, without(before, name), "both").object["spec"]
    after = copy(before)
    del device(after, kind, name)[guard]
    assert not updated(wire, resting, after).allowed
    assert updated(wire, resting, after, "both").object["spec"]["domain"]["devices"][kind] is not None
    forgotten = copy(resting)
    del forgotten["abi"]["tombstones"]
    assert not updated(wire, resting, forgotten).allowed
    assert updated(wire, resting, forgotten, "both").object["spec"]["abi"]["tombstones"] == resting["abi"]["tombstones"]


@pytest.mark.parametrize(("base", "own"), [("pc", "mac"), ("pc", "address"), ("latest", "mac")])
def test_a_nic_does_not_shed_its_filter_under_another_name(wire: Of, base: str, own: str) -> None:
    """Neither in the request in which it goes nor in a later one, whoever asks."""
    before = stored(base)
    features = copy(before["features"])
    old = device(before, "interfaces", "front")
    other = {"name": "front2", "network": old["network"], "model": old["model"], own: old[own]}
    at_once = without(before, "front")
    at_once["domain"] = copy(before["domain"])
    at_once["domain"]["devices"]["interfaces"] = [
        *(nic for nic in before["domain"]["devices"]["interfaces"] if nic["name"] != "front"),
        other,
    ]
    where = f"domain.devices.interfaces[front2].{'mac.address' if own == 'mac' else own}"
    assert (where, "frozen") in updated(wire, before, at_once, "both").findings
    resting = updated(wire, before, without(before, "front"), "both").object["spec"]
    later = copy(resting)
    later["domain"]["devices"].setdefault("interfaces", []).append(other)
    assert (where, "frozen") in updated(wire, resting, later, "both").findings
    harmless = copy(resting)
    harmless["domain"]["devices"].setdefault("interfaces", []).append({"name": "front2", "network": old["network"]})
    assert updated(wire, resting, harmless, "both").allowed
    assert features == before["features"]


@BASES
@pytest.mark.parametrize(
    ("kind", "name", "field", "rule"),
    [("interfaces", "front", "network", "no-host-networks"), ("disks", "root", "claim", "no-io-tuning")],
)
def test_what_a_granted_device_is_connected_to_is_not_the_tenants(
    wire: Of, base: str, kind: str, name: str, field: str, rule: str
) -> None:
    """Not by the domain, and not by the features that the device was made of."""
    before = stored(base)
    after = copy(before)
    device(after, kind, name)[field] = "another"
    assert f"restricted/{rule}" in rules(updated(wire, before, after))
    for entry in (*after["features"]["storage"], *after["features"]["network"]):
        if entry["name"] == name:
            entry["source"] = "another"
    assert f"restricted/{rule}" in rules(updated(wire, before, after, "both"))


@BASES
def test_the_same_manifest_applied_again_changes_nothing(wire: Of, base: str) -> None:
    before = stored(base)
    for again in ({"features": copy(before["features"])}, copy(before)):
        answer = updated(wire, before, again, "both")
        assert answer.allowed, answer.findings
        for kind, name in (("interfaces", "front"), ("disks", "root")):
            assert placeless(device(answer.object["spec"], kind, name)) == placeless(device(before, kind, name))
