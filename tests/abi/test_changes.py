"""What an update may change of a stored machine: the class of each change, as cases, and the acceptance of others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.abi.life import GUEST, admitted, context, digest_in, patched, vm
from webhook.abi.acceptance import ANNOTATION
from webhook.abi.compare import differences
from webhook.abi.consequences import ChangeClass, consequence_of, rows, rows_of
from webhook.abi.plugging import table
from webhook.admission.mutate import mutate
from webhook.admission.offline import review_of
from webhook.declare import Frontend
from webhook.domain.devices import KINDS
from webhook.findings import Refused
from webhook.kinds import KINDS as KINDS_OF_OBJECTS
from webhook.kinds import declared_fields
from webhook.trees import Tree

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "changes.yaml").read_text())
_TOLD = re.compile(r"spec\.domain\.(\S+): .* \((none|hotplug|reboot|guest-breaking): .*\)$")


def created(case: Tree) -> Tree:
    spec = {"features": patched(GUEST, case.get("features", {})), **{n: case[n] for n in ("domain",) if n in case}}
    stored, _ = admitted(spec)
    return stored


def refusal(stored: Tree, change: Tree, accept: str = "") -> Refused:
    with pytest.raises(Refused) as refused:
        admitted(patched(stored, change), stored, accept)
    return refused.value


def classes(warnings: list[str]) -> dict[str, str]:
    found = (_TOLD.match(warning) for warning in warnings)
    return {each[1]: each[2] for each in found if each} or {"": ""}


def holds(part: Any, whole: Any) -> bool:
    return all(holds(value, whole.get(name)) for name, value in part.items()) if type(part) is dict else part == whole


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_a_change_has_the_class_that_its_case_says(case: Tree) -> None:
    first = stored = created(case)
    for step in case["changes"]:
        if "refused" not in step:
            stored, warnings = admitted(patched(stored, step["change"]), stored)
            assert classes(warnings) == step["is"]
            assert [told for told in step.get("tells", []) if told not in str(warnings)] == []
        else:
            refused = refusal(stored, step["change"])
            assert [part for part in step["refused"] if part not in str(refused)] == []
            assert bool(digest_in(refused)) == ("accepted" in step or "memories" in str(step))
            if "once" in step:
                admitted(patched(stored, step["once"]), stored)
            if "accepted" in step:
                stored, _ = admitted(patched(stored, step["change"]), stored, digest_in(refused))
                assert holds(step["accepted"], stored["domain"])
        assert holds(step.get("domain", {}), stored["domain"])
        if step.get("as_before"):
            assert stored["domain"] == first["domain"]
            assert "tombstones" not in stored["abi"]
        again, _ = admitted(stored)
        assert again == stored, "created again from what is stored"
        again, _ = admitted(stored, stored)
        assert again == stored, "updated with what is stored"


def test_a_device_for_which_no_hot_plug_port_is_left_is_there_at_the_next_cold_boot() -> None:
    stored = created({"features": {"network": [{"source": "first"}]}})
    _, warnings = admitted(
        patched(stored, {"features": {"network": _cards(12)}}),
        stored,
    )
    new = [warning for warning in warnings if " is new " in warning]
    hot = [warning for warning in new if "(hotplug: the guest finds a new network card)" in warning]
    cold = [
        warning
        for warning in new
        if "no hot-plug port is left for it: the new one is there at the next cold boot" in warning
    ]
    assert len(hot) + len(cold) == 12
    assert new == hot + cold
    assert hot
    assert cold


def _cards(count: int) -> list[Tree]:
    return [{"source": f"n-{index}", "name": f"n-{index}"} for index in range(count)]


def test_a_device_that_is_plugged_gets_the_last_port_before_a_controller_that_waits() -> None:
    stored = created({})
    wanted = [{"features": {"network": _cards(count)}} for count in range(12)]
    told = [classes(admitted(patched(stored, each), stored)[1]) for each in wanted]
    fits = max(count for count, each in enumerate(told) if "reboot" not in each.values())
    stored, _ = admitted(patched(stored, wanted[fits - 1]), stored)
    added = [{"source": "slow", "interface": "virtio-scsi"}, {"source": "fast"}]
    _, warnings = admitted(patched(stored, {"features": {"storage": added}}), stored)
    assert classes(warnings) == {"devices.disks[0]": "reboot", "devices.disks[1]": "hotplug"}


@pytest.mark.parametrize(("arch", "expected"), [("x86_64", "hotplug"), ("s390x", "hotplug"), ("aarch64", "reboot")])
def test_a_vcpu_comes_while_the_guest_runs_where_the_architecture_can(arch: str, expected: str) -> None:
    old = {"os": {"type": {"arch": arch}}, "vcpu": {"count": 4, "current": 1}}
    new = {**old, "vcpu": {"count": 4, "current": 2}}
    assert [consequence_of(change, old, new).change_class for change in differences(old, new)] == [expected]


def test_every_declared_frontend_field_has_a_class_and_a_sentence() -> None:
    """Most have the last resort, which is that the guest may not survive the change."""
    fields = [
        path
        for path, place in declared_fields().items()
        if path.startswith("domain.") and isinstance(place.field_class, Frontend)
    ]
    assert len(fields) > 300
    assert [path for path in fields if not rows_of(path, True)] == []
    assert rows_of("domain.something.new", True)[0].consequence.change_class is ChangeClass.GUEST_BREAKING


def test_every_row_is_about_a_declared_field() -> None:
    declared = [path for path in declared_fields() if path.startswith("domain.")]
    assert [row.place for row in rows() if not any(row.place in path for path in declared)] == []


def test_every_sentence_says_when_and_every_refusal_has_a_way_out() -> None:
    for row in rows():
        assert len(row.consequence.text) > 20, row.place
        assert bool(row.consequence.help) == (row.consequence.change_class is ChangeClass.GUEST_BREAKING), row.place


def test_every_list_whose_devices_are_plugged_is_declared() -> None:
    assert table()["plugged"]
    assert {*table()["plugged"], *table()["unseen"], *table()["consequences"]} <= KINDS.keys()
    assert [kind for kind in table()["plugged"] if KINDS[kind].permanent] == []


def test_the_mutating_webhook_tells_which_words_are_left_out_and_kept() -> None:
    stored = created({"features": {"memory": "4Gi"}})
    spec = patched(stored, {"features": {"memory": None, "rng": False}})
    review = replace(review_of(vm(spec), KINDS_OF_OBJECTS["VM"]), operation="UPDATE", old_object=vm(stored))
    told = mutate(review, context()).warnings
    assert told == ("spec.domain.memory.size: stays `4096`, which `spec.features.memory` no longer says",)
    unchanged = replace(review, object=vm(patched(stored, {"features": {"rng": False}})))
    assert mutate(unchanged, context()).warnings == ()


MODEL = {"domain": {"cpu": {"model": "Nehalem"}}}
BACK = {"domain": {"cpu": {"model": "Westmere"}}}


def test_an_acceptance_is_recorded_with_what_was_and_what_is() -> None:
    stored = created({})
    digest = digest_in(refusal(stored, MODEL))
    made, warnings = admitted(patched(stored, MODEL), stored, digest)
    changes = [{"path": "domain.cpu.model", "before": "`Westmere`", "after": "`Nehalem`"}]
    assert made["abi"]["history"] == [{"digest": digest, "changes": changes}]
    assert classes(warnings) == {"cpu.model": "guest-breaking"}


def test_an_acceptance_is_of_no_use_for_another_change() -> None:
    stored = created({})
    digest = digest_in(refusal(stored, MODEL))
    other = {"domain": {"cpu": {"model": "Penryn"}}}
    assert digest_in(refusal(stored, other, digest)) != digest
    assert digest_in(refusal(stored, patched(MODEL, {"domain": {"os": {"secureBoot": True}}}), digest)) != digest


def test_an_acceptance_is_of_no_use_for_the_same_change_again() -> None:
    stored = created({})
    there = digest_in(refusal(stored, MODEL))
    made, _ = admitted(patched(stored, MODEL), stored, there)
    back = digest_in(refusal(made, BACK, there))
    made, _ = admitted(patched(made, BACK), made, back)
    assert made["domain"] == stored["domain"]
    assert digest_in(refusal(made, MODEL, there)) not in ("", there, back)


def test_an_annotation_that_stays_changes_nothing() -> None:
    stored = created({})
    digest = digest_in(refusal(stored, MODEL))
    made, _ = admitted(patched(stored, MODEL), stored, digest)
    again, _ = admitted(made, made, digest)
    assert again == made


def test_the_record_of_acceptances_is_bounded_and_is_the_services() -> None:
    stored = created({})
    for index in range(12):
        change = MODEL if index % 2 == 0 else BACK
        stored, _ = admitted(patched(stored, change), stored, digest_in(refusal(stored, change)))
    assert len(stored["abi"]["history"]) == 8
    for history in ([], stored["abi"]["history"][1:], [{"digest": "0" * 32}]):
        forged = refusal(stored, {"abi": {"history": history}})
        assert "spec.abi.history: is not what was accepted" in str(forged)


def test_a_value_that_is_long_or_odd_is_recorded_in_a_form_that_is_taken_back() -> None:
    stored = created({"domain": {"sysinfo": {"manufacturer": "x" * 200}}})
    change = {"domain": {"sysinfo": {"manufacturer": "y\u00e9" * 100}}}
    made, _ = admitted(patched(stored, change), stored, digest_in(refusal(stored, change)))
    again, _ = admitted(made)
    assert again == made


@pytest.mark.parametrize("annotations", [[], "x", {ANNOTATION: 5}, {ANNOTATION: None}, {ANNOTATION: ["x"]}])
def test_annotations_of_another_shape_accept_nothing(annotations: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.abi import life

    stored = created({})
    metadata = {"name": "vm", "annotations": annotations}
    monkeypatch.setattr(life, "_metadata", lambda _accept: metadata)
    refusal(stored, MODEL)
