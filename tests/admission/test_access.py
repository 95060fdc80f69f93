"""Who takes or restores a snapshot is asked about, for each object that the machine refers to, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.admission.stored_objects import API, Stored, machine
from webhook.admission.review import Review, Verdict, answer
from webhook.admission.rights import Access, check_rights
from webhook.trees import Tree


class Rbac:
    """A stand-in for the API server's answers: what is asked, and the names that nobody may get."""

    def __init__(self, *forbidden: str, error: Exception | None = None) -> None:
        self.asked: list[Access] = []
        self.users: list[Tree] = []
        self.forbidden, self.error = forbidden, error

    def __call__(self, user: Tree, access: Access) -> bool:
        if self.error is not None:
            raise self.error
        self.asked.append(access)
        self.users.append(user)
        return access.name not in self.forbidden


@pytest.fixture
def restored() -> tuple[Stored, Tree, Tree]:
    """A cluster, the VM before a restore, and what is restored."""
    stored = Stored()
    stored.send(machine())
    stored.snapshot()
    before = stored.change("web", {"features": {"network": [{"source": "front"}]}}).obj
    after = stored.change("web", {"restoreFrom": {"snapshot": "before"}}).obj
    assert before
    assert after
    return stored, before, after


def asked(stored: Stored, rbac: Any, obj: Tree, old: Tree | None) -> Verdict:
    operation = "UPDATE" if old else "CREATE"
    review = Review(
        "1", operation, obj["kind"], "here", "web", obj, old, "ann", ("team",), False, "", "7", {"a": ["b"]}
    )
    return check_rights(review, replace(stored.context, access=rbac))


def test_every_object_is_asked_for_once(restored: tuple[Stored, Tree, Tree]) -> None:
    stored, before, after = restored
    rbac = Rbac()
    assert asked(stored, rbac, after, before).allowed
    claims = [("", "persistentvolumeclaims", "here", name) for name in ("root", "tools")]
    networks = [("k8s.cni.cncf.io", "network-attachment-definitions", "here", name) for name in ("back", "front")]
    snapshots = [("kubevirt.io", "vmdefinitionsnapshots", "here", "before")]
    assert sorted(each[1:] for each in rbac.asked) == sorted([*claims, *networks, *snapshots])
    assert {each.verb for each in rbac.asked} == {"get"}
    assert rbac.users[0] == {"user": "ann", "uid": "7", "groups": ["team"], "extra": {"a": ["b"]}}


def test_what_may_not_be_got_is_told_with_the_device_and_what_may_become_of_it(
    restored: tuple[Stored, Tree, Tree],
) -> None:
    stored, before, after = restored
    verdict = asked(stored, Rbac("back", "root"), after, before)
    assert [each.path for each in verdict.findings] == [
        "spec.domain.devices.disks[0].claim",
        "spec.domain.devices.interfaces[1].network",
    ]
    told = str(verdict.findings[1])
    assert "`ann` may not get `back` (network-attachment-definitions of here)" in told
    assert "`spec.restoreFrom.devices.interfaces`: `name: back` with `placeholder: true` (its link is down)" in told
    assert b'"code":403' in answer("1", verdict)


def test_a_network_of_another_namespace_is_asked_for_there(restored: tuple[Stored, Tree, Tree]) -> None:
    stored, before, after = restored
    after["spec"]["domain"]["devices"]["interfaces"][0]["network"] = "there/lan"
    rbac = Rbac()
    asked(stored, rbac, after, before)
    assert ("there", "lan") in [(each.namespace, each.name) for each in rbac.asked]


def test_what_rests_is_connected_to_nothing(restored: tuple[Stored, Tree, Tree]) -> None:
    stored, before, after = restored
    after["spec"]["abi"]["tombstones"] = {"disks": [{"name": "x", "claim": "resting"}]}
    rbac = Rbac()
    asked(stored, rbac, after, before)
    assert "resting" not in [each.name for each in rbac.asked]


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionError("gone")])
def test_where_nobody_can_say_it_is_refused_and_says_so(restored: tuple[Stored, Tree, Tree], error: Exception) -> None:
    stored, before, after = restored
    verdict = asked(stored, Rbac(error=error), after, before)
    assert not verdict.allowed
    (finding,) = verdict.findings
    assert "nobody can say whether `ann` may get" in finding.problem
    assert "--access-reviews=off" in finding.help


def test_more_objects_than_are_asked_for_are_refused_unasked(restored: tuple[Stored, Tree, Tree]) -> None:
    stored, before, after = restored
    disks = [{"name": f"d{index}", "claim": f"c{index}"} for index in range(300)]
    after["spec"]["domain"]["devices"]["disks"] = disks
    rbac = Rbac()
    verdict = asked(stored, rbac, after, before)
    assert "refers to" in verdict.findings[0].problem
    assert rbac.asked == []


def test_no_other_review_is_asked_about(restored: tuple[Stored, Tree, Tree]) -> None:
    stored, before, after = restored
    rbac = Rbac("front")
    assert asked(stored, rbac, before, None).allowed
    assert asked(stored, rbac, {**after, "metadata": {"name": "web", "labels": {"a": "b"}}}, after).allowed
    for body in ({"kind": "VM"}, {"kind": "VM", "spec": []}, {"kind": "VMSnapshot", "spec": None}, {"kind": "Pod"}):
        assert asked(stored, rbac, {"apiVersion": API, **body}, None).allowed
    assert rbac.asked == []
    assert asked(stored, None, after, before).allowed, "policies alone decide"


@pytest.mark.parametrize("source", [{"kind": ["VM"], "name": "web"}, {"kind": {}, "name": "web"}, "web", ["VM"]])
def test_a_snapshot_of_another_shape_asks_for_nothing_and_is_refused_elsewhere(
    restored: tuple[Stored, Tree, Tree], source: Any
) -> None:
    stored, _, _ = restored
    body = {"apiVersion": API, "kind": "VMSnapshot", "metadata": {"name": "x"}, "spec": {"source": source}}
    rbac = Rbac()
    assert asked(stored, rbac, body, None).allowed
    assert rbac.asked == []
    assert "spec.source" in stored.send(body, halves="validate").told


def test_a_snapshot_asks_for_its_source(restored: tuple[Stored, Tree, Tree]) -> None:
    stored, _, _ = restored
    taken = stored.objects["VMSnapshot", "here", "before"]
    rbac = Rbac("web")
    verdict = asked(stored, rbac, taken, None)
    assert [each.path for each in verdict.findings] == ["spec.source.name"]
    assert rbac.asked == [Access("get", "kubevirt.io", "vmdefinitions", "here", "web")]
