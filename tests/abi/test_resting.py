"""Removed devices: since when they rest, that they come home, and what becomes of them where there is no room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.abi.life import Admitted, admit
from webhook.abi.resting import MOST_BYTES, places_of, size_of
from webhook.abi.tombstones import address_of
from webhook.declare.tree import copied
from webhook.findings import Refused
from webhook.trees import Tree

CASES: list[Tree] = yaml.safe_load((Path(__file__).parent / "cases" / "resting.yaml").read_text())
FIRST, SECOND, THIRD, FOURTH = (f"2026-0{month}-01T12:00:00Z" for month in (1, 2, 3, 4))
GUEST: Tree = {"memory": "1Gi", "system": {"type": "debian", "version": "12"}, "graphics": False}
each = pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])


def disks(*names: str, **more: Any) -> Tree:
    return {"features": {**GUEST, "storage": [{"name": name, "source": name, **more} for name in names]}}


def ages(spec: Tree) -> dict[str, str]:
    return {entry["device"]: entry["since"] for entry in spec["abi"].get("removed", ())}


def filled(case: Tree, names: list[str], stored: Tree | None = None) -> Tree:
    """The case's machine with these devices on its bus."""
    entries = [{"name": name, **yaml.safe_load(str(case["entry"]).replace("{name}", name))} for name in names]
    features, domain = {**GUEST, **case["features"]}, copied(case.get("domain", {}))
    if case["of"] in ("storage", "network"):
        return {"features": {**features, case["of"]: entries}, "domain": domain}
    theirs = [] if stored is None else stored["domain"]["devices"].get(case["of"], [])
    ours = {f"dev-{number}" for number in range(99)} | {"new", "another"}
    domain["devices"] = {case["of"]: [*(one for one in theirs if one["name"] not in ours), *entries]}
    return {"features": features, "domain": domain}


def named(case: Tree, spec: Tree) -> dict[str, Tree]:
    return {one["name"]: one for one in spec["domain"]["devices"][case["list"]]}


def resting(case: Tree, made: Admitted) -> dict[str, Tree]:
    return {one["name"]: one for one in made.spec["abi"].get("tombstones", {}).get(case["list"], ())}


@each
def test_a_place_is_given_up_where_no_other_is_free_the_oldest_first(case: Tree) -> None:
    names = [f"dev-{number}" for number in range(case["count"])]
    full = admit(filled(case, names)).spec
    if "beyond" not in case:
        with pytest.raises(Refused):
            admit(filled(case, [*names, "new"], full), full)
    # Two are removed one after the other: the one that comes later in the list is the older one.
    second, first = names[0], names[1]
    fewer = admit(filled(case, [one for one in names if one != first], full), full, time=SECOND).spec
    left = [one for one in names if one not in (first, second)]
    fewer = admit(filled(case, left, fewer), fewer, time=THIRD).spec
    assert ages(fewer) == {f"{case['list']}/{first}": SECOND, f"{case['list']}/{second}": THIRD}
    made = admit(filled(case, [*left, "new"], fewer), fewer, time=FOURTH)
    new, rests = named(case, made.spec)["new"], resting(case, made)
    assert made.again == []
    if "beyond" in case:
        kept = {address_of(named(case, full)[one]) for one in (first, second)}
        assert {address_of(one) for one in rests.values()} == kept
        return
    assert address_of(new) == address_of(named(case, full)[first])
    assert "address" not in rests[first]
    assert address_of(rests[second]) == address_of(named(case, full)[second])
    assert made.told == [
        f"spec.abi.tombstones.{case['list']}[{first}]: gives its place to a new device, as no other is free; "
        "should it return, it gets another"
    ]
    assert admit(made.spec).spec == made.spec == admit(made.spec, made.spec).spec
    # The one whose place is kept comes home.
    again = admit(filled(case, [*left, "new", second], made.spec), made.spec).spec
    assert named(case, again)[second] == named(case, full)[second]
    # The other one gets the place that is left, and is who it was.
    last = admit(filled(case, [*left, second, first], again), again)
    there, was = named(case, last.spec)[first], named(case, full)[first]
    assert there["address"]
    assert all(there.get(one) == was.get(one) for one in ("serial", "mac", "claim", "network"))


@each
def test_a_place_is_not_given_up_where_another_is_free(case: Tree) -> None:
    names = [f"dev-{number}" for number in range(case["count"] - 1)]
    first = admit(filled(case, names)).spec
    fewer = admit(filled(case, names[1:], first), first).spec
    made = admit(filled(case, [*names[1:], "new"], fewer), fewer)
    assert made.told == []
    assert address_of(named(case, made.spec)["new"]) != address_of(named(case, first)[names[0]])


def test_a_removed_device_has_its_age_and_a_second_update_changes_nothing() -> None:
    full = admit(disks("root", "data")).spec
    gone = admit(disks("root"), full, time=SECOND).spec
    assert ages(gone) == {"disks/data": SECOND}
    for said in (disks("root"), gone, {"features": gone["features"], "abi": {"removed": []}}):
        assert admit(said, gone, time=THIRD).spec == gone
    assert admit(gone, time=THIRD).spec == gone


def test_a_device_that_goes_once_more_has_a_new_age_and_one_that_is_back_has_none() -> None:
    full = admit(disks("root", "data")).spec
    gone = admit(disks("root"), full, time=FIRST).spec
    back = admit(disks("root", "data"), gone, time=SECOND).spec
    assert "removed" not in back["abi"]
    assert ages(admit(disks("root"), back, time=THIRD).spec) == {"disks/data": THIRD}


def test_what_rested_before_ages_were_kept_passes_unpatched_and_is_the_oldest() -> None:
    system = {"system": {"type": "debian", "version": "12", "machine": "i440fx"}}
    of = [disks(*names, interface="ide") for names in ("abcd", "abd", "bd", "bde")]
    full, first, second, third = ({"features": {**one["features"], **system}} for one in of)
    once = admit(first, admit(full).spec).spec
    del once["abi"]["removed"]
    assert admit(first, once).spec == once
    assert admit(once).spec == once
    later = admit(second, once, time=FIRST).spec
    assert ages(later) == {"disks/a": FIRST}
    made = admit(third, later)
    assert [one.partition(":")[0] for one in made.told] == ["spec.abi.tombstones.disks[c]"]


def test_an_unnamed_device_of_the_domain_comes_home_by_its_identity() -> None:
    spec: Tree = {"features": {**GUEST}, "domain": {"devices": {"interfaces": [{"name": "one", "network": "a"}]}}}
    full = admit(spec).spec
    nic = full["domain"]["devices"]["interfaces"][0]
    gone = admit({"domain": {"devices": {"interfaces": []}}}, full).spec
    said: Tree = {"network": "elsewhere", "mac": nic["mac"]}
    back = admit({"domain": {"devices": {"interfaces": [said]}}}, gone).spec
    assert back["domain"]["devices"]["interfaces"] == [{**nic, "network": "elsewhere"}]
    with pytest.raises(Refused, match="belongs to `one`, which was removed"):
        admit({"domain": {"devices": {"interfaces": [{**said, "name": "two"}]}}}, gone)


def test_removed_devices_are_forgotten_the_oldest_first_where_there_is_no_room_for_more() -> None:
    """Whatever the history: SCSI has room for any number, and each update replaces them all."""
    spec, told, known = admit(disks("root", interface="virtio-scsi")).spec, [], ""
    for turn in range(8):
        names = [f"turn-{turn}-{number}" for number in range(60)]
        said = disks("root", *names, interface="virtio-scsi")
        made = admit(said, spec, time=f"2026-01-0{turn + 1}T00:00:00Z")
        spec, told = made.spec, [*told, *made.told]
        assert made.again == []
        assert size_of(spec["abi"].get("tombstones", {})) <= MOST_BYTES
        assert len(orjson.dumps(spec)) < 120_000
        assert admit(spec).spec == spec == admit(spec, spec).spec
        assert list(ages(spec).values()) == sorted(ages(spec).values())
        known = min(ages(spec).values(), default="")
    assert known > "2026-01-02"
    assert any("disks[turn-0-0]: is forgotten: there is no room for more removed devices" in one for one in told)
    gone = {entry["name"] for entry in spec["abi"]["tombstones"]["disks"]}
    assert {f"turn-6-{number}" for number in range(60)} <= gone
    assert "turn-0-1" not in gone


def test_what_the_host_has_a_part_in_keeps_its_place_and_is_never_forgotten() -> None:
    granted = {"name": "nic", "address": "0000:01:00.0", "filterRef": {"filter": "clean-traffic"}}
    plain = {"name": "other", "address": "0000:02:00.0"}
    places = places_of({"tombstones": {"interfaces": [granted, plain]}}, [])
    assert [one.get("held", False) for one in places] == [True, False]


def altered(spec: Tree, stored: Tree) -> str:
    """What the validating webhook says of an update that the mutating one has not seen."""
    from webhook.admission.validate import unfrozen

    return " ".join(map(str, unfrozen(stored, spec, "spec")))


def test_what_was_removed_and_when_is_the_service_s_to_say() -> None:
    full = admit(disks("root", "data", "more")).spec
    gone = admit(disks("root", "more"), full, time=FIRST).spec
    after = admit(disks("root"), gone, time=SECOND).spec
    assert altered(after, gone) == ""
    for removed in (
        [],
        after["abi"]["removed"][1:],
        [{**after["abi"]["removed"][0], "since": THIRD}, after["abi"]["removed"][1]],
        [*after["abi"]["removed"], {"device": "disks/root", "since": THIRD}],
        [*after["abi"]["removed"], after["abi"]["removed"][1]],
    ):
        assert "spec.abi.removed: is not when the devices were removed" in altered(
            {**after, "abi": {**after["abi"], "removed": removed}}, gone
        ), removed
    forgotten = copied(after)
    forgotten["abi"]["tombstones"]["disks"] = forgotten["abi"]["tombstones"]["disks"][:1]
    assert "disks[more]: is gone" in altered(forgotten, gone)
    unplaced = copied(after)
    del unplaced["abi"]["tombstones"]["disks"][0]["address"]
    assert "disks[data]: is not the device that was there" in altered(unplaced, gone)
