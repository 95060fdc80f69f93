"""What a VirtualMachine's status asks KubeVirt's controller to write into it is judged as the machine itself is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.kubevirt.attack_cases import MACHINE
from tests.kubevirt.conftest import Of
from tests.kubevirt.objects import around, review
from webhook.admission.kubevirt import validate_kubevirt
from webhook.admission.review import Review, Verdict
from webhook.declare.tree import copied
from webhook.findings import MOST
from webhook.trees import Tree

CLAIM = {"persistentVolumeClaim": {"claimName": "data", "hotpluggable": True}}
DISK = {"name": "data", "disk": {"bus": "scsi"}}
DUMP = {"claimName": "dump", "phase": "Associating"}
AT = "status.volumeRequests[0].addVolumeOptions"
DEVICE = f"{AT}: `spec.template.spec.domain.devices.disks[0]."
REFUSED: dict[str, tuple[Tree, Tree, str]] = {
    "a cache that loses data": ({**DISK, "cache": "unsafe"}, CLAIM, "cache`"),
    "commands to the storage": ({"name": "data", "lun": {"bus": "scsi"}}, CLAIM, "lun`"),
    "a hold on shared storage": ({"name": "data", "lun": {"bus": "scsi", "reservation": True}}, CLAIM, "lun`"),
    "a disk that others write": ({**DISK, "shareable": True}, CLAIM, "shareable`"),
    "a field that nobody knows": ({**DISK, "new": 1}, CLAIM, "new`"),
}


def asked(status: Any, stored: Any = None, user: str = "system:serviceaccount:kubevirt:kubevirt-apiserver") -> Review:
    obj, old = around("VirtualMachine", MACHINE, {}, {}), around("VirtualMachine", MACHINE, {}, {})
    made = review({**obj, "status": status}, {**old, "status": {} if stored is None else stored}, user=user)
    return replace(made, subresource="status")


def plugged(disk: Any, source: Any = CLAIM) -> Tree:
    return {"volumeRequests": [{"addVolumeOptions": {"name": "data", "disk": disk, "volumeSource": source}}]}


def told(verdict: Verdict) -> list[str]:
    return [str(each) for each in verdict.findings]


@pytest.mark.parametrize(("disk", "source", "says"), REFUSED.values(), ids=REFUSED)
def test_a_disk_that_is_plugged_in_may_not_be_what_the_machines_own_may_not(
    context: Of, disk: Tree, source: Tree, says: str
) -> None:
    verdict = validate_kubevirt(asked(plugged(disk, source)), context())
    assert not verdict.allowed
    assert any(each.startswith(DEVICE) and says in each for each in told(verdict)), told(verdict)
    assert validate_kubevirt(asked(plugged(disk, source)), context(mode="audit")).allowed


def test_a_source_that_is_no_claim_is_refused(context: Of) -> None:
    for source in ({"hostDisk": {"path": "/etc"}}, "x", {"new": {}}):
        assert not validate_kubevirt(asked(plugged(DISK, source)), context()).allowed


def test_a_disk_on_a_claim_is_plugged_in_and_out(context: Of) -> None:
    for source in (CLAIM, {"dataVolume": {"name": "data", "hotpluggable": True}}):
        assert validate_kubevirt(asked(plugged(DISK, source)), context()).allowed
    out = {"volumeRequests": [{"removeVolumeOptions": {"name": "data"}}]}
    assert validate_kubevirt(asked(out), context()).allowed


def test_the_level_decides(context: Of) -> None:
    assert validate_kubevirt(asked(plugged({**DISK, "cache": "none"})), context("baseline")).allowed
    assert not validate_kubevirt(asked(plugged({**DISK, "cache": "none"})), context()).allowed


def test_what_was_asked_for_before_is_nobodys_doing_and_what_is_added_is(context: Of) -> None:
    bad = plugged({**DISK, "cache": "unsafe"})
    assert validate_kubevirt(asked({**bad, "ready": True}, bad), context()).allowed
    both = {"volumeRequests": [*bad["volumeRequests"], *plugged({**DISK, "io": "native"})["volumeRequests"]]}
    assert {each.path for each in validate_kubevirt(asked(both, bad), context()).findings} == {AT.replace("0", "1")}


def test_the_guests_memory_is_not_dumped_where_a_dump_is_no_volume(context: Of) -> None:
    [finding] = validate_kubevirt(asked({"memoryDumpRequest": DUMP}), context()).findings
    assert (finding.path, finding.rule.partition(" ")[0]) == (
        "status.memoryDumpRequest",
        "kubevirt-restricted/no-memory-dumps",
    )
    assert validate_kubevirt(asked({"memoryDumpRequest": DUMP}), context("privileged")).allowed
    assert validate_kubevirt(asked({"memoryDumpRequest": {**DUMP, "remove": True}}), context()).allowed
    done = {"memoryDumpRequest": {**DUMP, "phase": "Completed"}}
    assert validate_kubevirt(asked(done, {"memoryDumpRequest": DUMP}), context()).allowed


def test_kubevirts_controller_and_other_statuses_pass(context: Of) -> None:
    bad = plugged({**DISK, "cache": "unsafe"})
    controller = "system:serviceaccount:kubevirt:kubevirt-controller"
    assert validate_kubevirt(asked(bad, user=controller), context()).allowed
    assert validate_kubevirt(asked({"ready": True}), context()).allowed


@pytest.mark.parametrize("value", [None, 7, "x", [], [[]], [None], {}, [{}], {"a": {}}, [{"addVolumeOptions": 7}]])
def test_any_json_in_a_status_has_an_answer(context: Of, value: Any) -> None:
    dumps = [{"memoryDumpRequest": each} for each in (value, {"claimName": value})]
    statuses = [value, {"volumeRequests": value}, *dumps]
    for name in ("name", "disk", "volumeSource"):
        wrong = copied(plugged(DISK))
        wrong["volumeRequests"][0]["addVolumeOptions"][name] = value
        statuses.append(wrong)
    for status in statuses:
        for stored in statuses:
            validate_kubevirt(asked(status, stored), context())


def test_a_flood_of_requests_is_cut(context: Of) -> None:
    many = {"volumeRequests": plugged({**DISK, "cache": "unsafe"})["volumeRequests"] * 1000}
    assert len(validate_kubevirt(asked(many), context()).findings) <= 4 * MOST
