"""What a tenant may try by snapshots and restores, each with an honest twin that passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.admission.stored_objects import API, Stored, machine, merged
from tests.attacks.steps import steps
from webhook.declare.tree import copied
from webhook.kinds import SNAPSHOT
from webhook.trees import Tree

FILTER = {"filter": "no-mac-spoofing"}


@pytest.fixture
def stored() -> Stored:
    made = Stored()
    made.send(machine())
    made.snapshot()
    return made


def taken(stored: Stored) -> Tree:
    found: Tree = copied(stored.objects[SNAPSHOT.name, "here", "before"])
    return found


def asking(name: str = "mine", **spec: Any) -> Tree:
    source = {"source": {"kind": "VM", "name": "web"}}
    return {"apiVersion": API, "kind": "VMSnapshot", "metadata": {"name": name}, "spec": source | spec}


def by_admin(stored: Stored, spec: Tree) -> None:
    """What an admin does who may do all."""
    stored.level = "privileged"
    assert stored.change("web", spec).obj
    stored.level = "restricted"


FORGED: dict[str, Callable[[Tree], Tree]] = {
    "another machine": lambda spec: merged(spec, {"configuration": {"domain": {"memory": {"size": 1}}}}),
    "a path of the host's": lambda spec: merged(
        spec, {"configuration": {"domain": {"devices": {"rng": {"path": "/dev/mem"}}}}}
    ),
    "no features": lambda spec: merged(spec, {"configuration": {"features": None}}),
    "an empty configuration": lambda spec: {**spec, "configuration": {}},
    "a text": lambda spec: {**spec, "configuration": "x"},
    "another maker": lambda spec: merged(spec, {"provenance": {"user": "admin"}}),
    "another level": lambda spec: merged(spec, {"provenance": {"level": "privileged"}}),
    "a grant": lambda spec: merged(spec, {"provenance": {"granted": [{"path": "domain.type", "rule": "x/y"}]}}),
    "True for 1": lambda spec: merged(spec, {"provenance": {"source": {"generation": True}}}),
}


@pytest.mark.parametrize("title", FORGED)
@pytest.mark.parametrize("halves", ["both", "validate"])
def test_a_forged_snapshot_is_refused(stored: Stored, title: str, halves: str) -> None:
    spec = FORGED[title](taken(stored)["spec"])
    told = stored.send(asking(**spec), halves=halves).told
    assert "is not what `web` is now" in told
    assert "leave it out: the service fills it in" in told


@pytest.mark.parametrize("halves", ["both", "validate"])
def test_a_true_one_passes(stored: Stored, halves: str) -> None:
    assert stored.send(asking(**taken(stored)["spec"]), halves=halves).obj


def test_one_that_nobody_filled_in_is_refused(stored: Stored) -> None:
    told = stored.send(asking(), halves="validate").told
    assert "spec.configuration: is missing" in told
    assert "spec.provenance: is missing" in told


@pytest.mark.parametrize("title", FORGED)
def test_a_stored_one_is_not_forged_either(stored: Stored, title: str) -> None:
    obj = taken(stored)
    told = stored.send({**obj, "spec": FORGED[title](obj["spec"])}).told
    assert "what one holds never changes" in told
    labelled = {**obj, "metadata": {"name": "before", "labels": {"a": "b"}}}
    assert stored.send(labelled).obj == labelled


def test_words_that_are_none_are_refused_with_the_nearest(stored: Stored) -> None:
    told = stored.send(asking(memry=True, source={"kind": "Pod", "name": "../web"})).told
    for word in ("did you mean `memory`?", "spec.source.kind", "spec.source.name"):
        assert word in told
    assert "spec.source.name: is missing" in stored.send(asking(source={"kind": "VM"})).told


@pytest.mark.parametrize(
    "body", [None, 1, "x", [], {"source": None}, {"source": []}, {"source": {"kind": [], "name": {}}}]
)
def test_no_body_is_an_error_of_ours(stored: Stored, body: Any) -> None:
    for halves in ("both", "validate"):
        assert stored.send({**asking(), "spec": body}, halves=halves).told
        assert stored.send({**taken(stored), "spec": body}, halves=halves).told


@pytest.mark.parametrize("body", [1, "x", [], {}, {"snapshot": 1}, {"snapshot": "before", "devices": {"disks": [{}]}}])
def test_no_restore_is_an_error_of_ours(stored: Stored, body: Any) -> None:
    for halves in ("both", "validate"):
        answer = stored.change("web", {"restoreFrom": body}, halves=halves)
        assert answer.obj is None or not body


@pytest.mark.parametrize("name", ["there/before", "../there/before", "before"])
def test_a_snapshot_of_another_namespace_is_not_found(stored: Stored, name: str) -> None:
    stored.send(machine(), namespace="there")
    new = {**machine(), "spec": {"restoreFrom": {"snapshot": name}}}
    del stored.objects["VM", "there", "web"]
    assert "spec.restoreFrom.snapshot" in stored.send(new, namespace="there").told
    del stored.objects["VM", "here", "web"]
    if name == "before":
        assert stored.send(new, namespace="here").obj


def test_a_source_of_another_namespace_is_not_found(stored: Stored) -> None:
    assert "is not in this namespace" in stored.send(asking(), namespace="there").told
    assert stored.send(asking(), namespace="here").obj


def test_a_giant_has_no_snapshot_and_no_restore(stored: Stored) -> None:
    stored.known["VM"].too_large = stored.known[SNAPSHOT.name].too_large = True
    assert "more than the service keeps" in stored.send(asking()).told
    stored.change("web", {"features": {"memory": "4Gi"}})
    assert "more than the service keeps" in stored.change("web", {"restoreFrom": {"snapshot": "before"}}).told


def test_one_that_was_stored_while_the_service_was_away_gives_nothing(stored: Stored) -> None:
    """Whoever writes one then writes what they like: its machine is judged as any other."""
    del stored.objects["VM", "here", "web"]
    new = {**machine(), "spec": {"restoreFrom": {"snapshot": "forged"}}}
    stored.objects[SNAPSHOT.name, "here", "forged"] = asking("forged")
    assert "holds no machine" in stored.send(new).told
    configuration = merged(
        taken(stored)["spec"]["configuration"], {"domain": {"devices": {"rng": {"path": "/dev/mem"}}}}
    )
    stored.objects[SNAPSHOT.name, "here", "forged"] = asking("forged", configuration=configuration)
    assert "spec.domain.devices.rng.path" in stored.send(new).told
    configuration = merged(configuration, {"domain": {"devices": {"rng": {"path": None}}}})
    stored.objects[SNAPSHOT.name, "here", "forged"] = asking("forged", configuration=configuration)
    assert stored.send(new).obj


def test_a_wide_restore_costs_what_it_is_wide() -> None:
    counts = []
    for number in (100, 400):
        stored = Stored()
        stored.send(machine())
        stored.snapshot()
        entries = [{"name": f"x{index}", "network": "n"} for index in range(number)]
        wanted = {"restoreFrom": {"snapshot": "before", "devices": {"interfaces": entries}}}
        counts.append(steps(lambda stored=stored, wanted=wanted: stored.change("web", wanted)))
    assert counts[1] < 5 * counts[0]


def test_a_policy_that_was_tightened_since_holds(stored: Stored) -> None:
    by_admin(stored, {"domain": {"devices": {"rng": {"path": "/dev/hwrng"}}}})
    assert stored.snapshot("granted").obj
    granted = stored.objects[SNAPSHOT.name, "here", "granted"]["spec"]["provenance"]["granted"]
    assert [each["path"] for each in granted] == ["domain.devices.rng.path"]
    # What the machine holds is no new right, whatever else comes back.
    assert stored.change("web", {"features": {"memory": "4Gi"}}).obj
    assert stored.change("web", {"restoreFrom": {"snapshot": "granted"}}).obj
    assert stored.objects["VM", "here", "web"]["spec"]["domain"]["devices"]["rng"]["path"] == "/dev/hwrng"
    by_admin(stored, {"domain": {"devices": {"rng": {"path": "/dev/urandom"}}}, "restoreFrom": None})
    told = stored.change("web", {"restoreFrom": {"snapshot": "granted"}}).told
    assert "spec.domain.devices.rng.path" in told
    # A machine that is gone holds nothing.
    del stored.objects["VM", "here", "web"]
    new = {**machine(), "spec": {"restoreFrom": {"snapshot": "granted"}}}
    assert "spec.domain.devices.rng.path" in stored.send(new).told
    stored.level = "privileged"
    assert stored.send(new).obj


def test_a_guard_that_was_put_on_since_is_not_shed(stored: Stored) -> None:
    nics = stored.objects["VM", "here", "web"]["spec"]["domain"]["devices"]["interfaces"]
    by_admin(stored, {"domain": {"devices": {"interfaces": [{**nics[0], "filterRef": FILTER}, nics[1]]}}})
    made = stored.change("web", {"restoreFrom": {"snapshot": "before"}})
    assert made.spec["domain"]["devices"]["interfaces"][0] == {**nics[0], "filterRef": FILTER}
    assert made.spec["domain"]["devices"]["interfaces"][1] == nics[1]


@pytest.mark.parametrize(
    "device",
    [{"name": "front", "network": "other"}, {"name": "front", "placeholder": True}],
    ids=["other", "placeholder"],
)
def test_a_granted_device_is_not_turned_by_a_restore(stored: Stored, device: Tree) -> None:
    nics = stored.objects["VM", "here", "web"]["spec"]["domain"]["devices"]["interfaces"]
    by_admin(stored, {"domain": {"devices": {"interfaces": [{**nics[0], "filterRef": FILTER}, nics[1]]}}})
    wanted = {"restoreFrom": {"snapshot": "before", "devices": {"interfaces": [device]}}}
    told = stored.change("web", wanted).told
    assert "spec.domain.devices.interfaces[0].filterRef.filter: was granted to a device whose" in told
    wanted["restoreFrom"]["devices"]["interfaces"] = [{**device, "name": "back"}]
    assert stored.change("web", wanted).obj


def test_a_restore_past_the_mutating_webhook_is_the_snapshots_machine_or_refused(stored: Stored) -> None:
    first = stored.objects["VM", "here", "web"]["spec"]
    stored.change("web", {"features": {"memory": "4Gi", "storage": [{"source": "root"}, {"source": "data"}]}})
    wanted = {"restoreFrom": {"snapshot": "before"}}
    told = stored.change("web", wanted, halves="validate").told
    assert "spec.domain.memory.size: is `4096`, it was `2048` in the snapshot" in told
    assert "spec.domain.devices.disks[data]: is not in the snapshot" in told
    assert "spec.abi.history: is not what was restored" in told
    moved = copied(first["domain"])
    moved["devices"]["disks"][0]["serial"] = "another"
    changed = {**wanted, "features": first["features"], "domain": moved}
    told = stored.change("web", changed, halves="validate").told
    assert "disks[0].serial: is `another`" in told
    # The twin is what the mutating webhook makes.
    other = Stored(objects=copied(dict(stored.objects)))
    made = other.change("web", wanted)
    vm = stored.objects["VM", "here", "web"]
    assert stored.send({**vm, "spec": made.spec}, halves="validate").obj


def test_a_restore_forges_no_tombstone_and_no_record(stored: Stored) -> None:
    stored.change("web", {"features": {"network": [{"source": "front"}, {"source": "back"}, {"source": "third"}]}})
    other = Stored(objects=copied(dict(stored.objects)))
    made = other.change("web", {"restoreFrom": {"snapshot": "before"}}).spec
    vm = stored.objects["VM", "here", "web"]
    for forged in (
        {"tombstones": None},
        {"tombstones": {"disks": [{"name": "x", "address": "0000:09:00.0"}]}},
        {"history": None},
        {"history": [{"snapshot": "before"}]},
        {"ruleSet": "2025.9"},
        {"origin": "imported"},
    ):
        told = stored.send({**vm, "spec": merged(made, {"abi": forged})}, halves="validate").told
        assert f"spec.abi.{next(iter(forged))}" in told


def test_a_record_that_says_it_was_done_gets_nothing_but_what_it_says(stored: Stored) -> None:
    """Whoever creates a VM may claim that it was restored: then it is what its own spec says, and judged for it."""
    del stored.objects["VM", "here", "web"]
    claimed = machine("web", abi={"history": [{"snapshot": "before"}]}, restoreFrom={"snapshot": "before"})
    claimed["spec"]["domain"] = {"devices": {"rng": {"path": "/dev/mem"}}}
    assert "spec.domain.devices.rng.path" in stored.send(claimed).told


def test_no_credential_is_told(stored: Stored) -> None:
    """One that was stored while the service was away."""
    domain = stored.objects["VM", "here", "web"]["spec"]["domain"]
    domain["devices"]["graphics"] = [{"type": "vnc", "name": "vnc", "passwd": "hunter2"}]
    assert stored.snapshot("secret").obj
    assert "hunter2" not in str(stored.objects[SNAPSHOT.name, "here", "secret"]["spec"]["provenance"])
    del stored.objects["VM", "here", "web"]
    new = {**machine(), "spec": {"restoreFrom": {"snapshot": "secret"}}}
    told = stored.send(new).told
    assert "spec.domain.devices.graphics[0].passwd" in told
    assert "hunter2" not in told
