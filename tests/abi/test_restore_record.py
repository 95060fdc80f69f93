"""The record of accepted changes and restores: bounded, and the last restore stays in it."""

from __future__ import annotations

from typing import Any

from webhook.abi.acceptance import with_entry
from webhook.abi.restoring import is_restore, rested
from webhook.trees import Tree


def test_the_last_restore_outlives_what_is_accepted_after_it() -> None:
    history: list[Tree] = with_entry([], {"snapshot": "before"}, [])
    for number in range(20):
        history = with_entry(history, {"digest": str(number)}, [])
    assert len(history) == 8
    assert history[0]["snapshot"] == "before"
    assert [entry["digest"] for entry in history[1:]] == [str(number) for number in range(13, 20)]


def test_an_earlier_restore_does_not() -> None:
    history: list[Tree] = []
    for number in range(20):
        history = with_entry(history, {"snapshot": str(number)}, [])
    assert [entry["snapshot"] for entry in history] == [str(number) for number in range(12, 20)]


def test_a_creation_is_a_restore_until_its_record_says_that_it_was_done() -> None:
    wanted: Tree = {"restoreFrom": {"snapshot": "a"}}
    done: Tree = {
        **wanted,
        "domain": {"uuid": "x"},
        "abi": {"history": [{"snapshot": "b"}, {"snapshot": "a"}, {"digest": "c"}]},
    }
    assert is_restore(wanted, None)
    assert is_restore({**done, "domain": None}, None)
    assert is_restore({**done, "restoreFrom": {"snapshot": "b"}}, None)
    assert not is_restore(done, None)
    assert not is_restore({}, None)


def test_an_update_is_one_where_it_says_another() -> None:
    stored: Tree = {"domain": {"uuid": "x"}, "restoreFrom": {"snapshot": "a"}}
    assert is_restore({**stored, "restoreFrom": {"snapshot": "b"}}, stored)
    assert is_restore({**stored, "restoreFrom": {"snapshot": "a", "devices": {}}}, stored)
    assert not is_restore(stored, stored)
    assert not is_restore({"domain": {}}, stored)


def disk(name: str, slot: int, **more: Any) -> Tree:
    return {"name": name, "target": {"bus": "virtio"}, "address": f"0000:{slot:02x}:00.0", **more}


def test_what_was_added_since_rests_with_its_age_unless_another_device_is_it() -> None:
    then = {"domain": {"devices": {"disks": [disk("root", 1), disk("old", 2, serial="same")]}}}
    now = {
        "domain": {
            "devices": {"disks": [disk("root", 1), disk("taken", 2), disk("own", 3), disk("alias", 4, serial="SAME")]}
        },
        "abi": {
            "tombstones": {"disks": [disk("gone", 5)]},
            "removed": [{"device": "disks/gone", "since": "2026-01-01T00:00:00Z"}],
        },
    }
    found = rested(then, now, "2026-02-02T00:00:00Z")
    resting = {each["name"]: each.get("address") for each in found["tombstones"]["disks"]}
    assert resting == {"taken": None, "own": "0000:03:00.0", "gone": "0000:05:00.0"}
    assert [(each["device"], each["since"][:7]) for each in found["removed"]] == [
        ("disks/gone", "2026-01"), ("disks/own", "2026-02"), ("disks/taken", "2026-02"),
    ]  # fmt: skip


def test_nothing_rests_where_nothing_was_added() -> None:
    then = {"domain": {"devices": {"disks": [disk("root", 1)]}}}
    assert rested(then, then, "2026-02-02T00:00:00Z") == {}
