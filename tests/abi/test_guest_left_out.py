"""Updates that name no guest, or a part of its words: the machine stays that of the guest that it was made for."""

from __future__ import annotations

import pytest

from tests.abi.life import admit, admitted, patched
from webhook.findings import Refused
from webhook.trees import Tree

UBUNTU = {"type": "ubuntu", "version": "24.04"}
FEATURES: Tree = {"system": UBUNTU, "memory": "2Gi", "storage": [{"source": "root"}]}
REST = {name: value for name, value in FEATURES.items() if name != "system"}
WINDOWS: Tree = {**FEATURES, "system": {"type": "windows", "version": "11"}, "memory": "8Gi", "cpu": {"count": 4}}


def made(features: Tree, **over: Tree) -> Tree:
    return admitted({"features": features, **over})[0]


@pytest.mark.parametrize(
    "system",
    [None, {}, {"type": "ubuntu"}, {"version": "24.04"}, {"arch": "x86_64"}, {"firmware": "bios"}, {"machine": "q35"}],
)
def test_what_is_left_out_of_the_guest_is_kept(system: Tree | None) -> None:
    stored = made(FEATURES)
    features = REST if system is None else {**REST, "system": system}
    after = admit({"features": features}, stored)
    assert after.spec["features"]["system"] == {**(system or {}), **UBUNTU}
    assert after.spec["domain"] == stored["domain"]
    assert after.again == []


def test_it_is_told() -> None:
    left = admit({"features": REST}, made(FEATURES))
    assert left.told == ["spec.features.system: stays ubuntu 24.04, which the update does not say"]
    assert left.warnings == []


@pytest.mark.parametrize("spec", [{"features": FEATURES}, {}])
def test_it_is_not_told_where_the_guest_is_named_or_no_features_are(spec: Tree) -> None:
    assert admit(spec, made(FEATURES)).told == []


def test_it_is_kept_where_all_words_are_left_out() -> None:
    after, told = admitted({"features": {}}, made(FEATURES))
    assert after["features"] == {"system": UBUNTU}
    assert after["domain"]["memory"]["size"] == 2048
    assert any("disk `root` is removed" in each for each in told)


def test_other_words_change_beside_it() -> None:
    stored = made(WINDOWS)
    features = {**WINDOWS, "memory": "12Gi"}
    named, _ = admitted({"features": features}, stored)
    left, _ = admitted({"features": {name: value for name, value in features.items() if name != "system"}}, stored)
    assert left["domain"] == named["domain"]
    assert left["domain"]["memory"]["size"] == 12 * 1024


def test_what_the_kept_guest_demands_is_not_taken_away() -> None:
    with pytest.raises(Refused, match="windows 11 needs 4096 MiB"):
        admitted({"features": {"memory": "2Gi", "storage": [{"source": "root"}]}}, made(WINDOWS))


def test_an_update_by_the_newest_rule_set_is_made_for_the_kept_guest() -> None:
    stored = made(WINDOWS, abi={"policy": "latest"})
    left = {name: value for name, value in WINDOWS.items() if name != "system"}
    after, told = admitted({"features": left, "abi": {"policy": "latest"}}, stored)
    assert after == stored
    assert told == []


def test_another_guest_that_is_named_is_refused_as_before() -> None:
    with pytest.raises(Refused, match=r"is other, the machine was made for ubuntu 24\.04"):
        admitted({"features": {**REST, "system": {"type": "other"}}}, made(FEATURES))


def test_another_version_alone_is_one_of_the_kept_type() -> None:
    with pytest.raises(Refused, match="is windows 10, the machine was made for windows 11"):
        admitted({"features": {"system": {"version": "10"}}}, made(WINDOWS))


def test_another_type_does_not_get_the_stored_version() -> None:
    after, _ = admitted({"features": {**REST, "system": {"type": "linux"}}}, made(FEATURES))
    assert after["features"]["system"] == {"type": "linux"}


def test_a_machine_that_was_made_for_no_named_guest_is_given_none() -> None:
    after, _ = admitted({"features": {"memory": "2Gi", "storage": [{"source": "root"}]}}, made(REST))
    assert "system" not in after["features"]


def test_a_guest_that_is_named_later_is_no_guest_that_was_left_out() -> None:
    with pytest.raises(Refused, match=r"is ubuntu 24\.04, the machine was made for other"):
        admitted(patched(made(REST), {"features": {"system": UBUNTU}}), made(REST))
