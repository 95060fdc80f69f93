"""A policy about what requesters write: the service's own work is never taken for theirs, by whichever way it comes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonpatch
import pytest

from tests.abi.life import GUEST, patched, vm
from tests.admission.reviews import POLICIES
from webhook.admission.context import AdmissionContext
from webhook.admission.drawn import Drawn
from webhook.admission.mutate import mutate
from webhook.admission.offline import expand_object, review_of
from webhook.admission.review import Review, Verdict
from webhook.admission.stored import check_stored
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.kinds import KINDS, declared_fields
from webhook.policy import Policies
from webhook.trees import Tree

HEAD = "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {name: own}\n"
WHOLE = "rules: [{name: features-only, forbid: {path: domain}}]\n...\n"
TITLE = "rules: [{name: no-titles, forbid: {path: domain.title}, when: {stated: true}}]\n...\n"
SPEC = {"features": {**GUEST, "storage": [{"source": "root"}], "network": [{"source": "front"}]}}
NIC = {"name": "own", "network": "back"}


def service(folder: Path, rules: str) -> AdmissionContext:
    shutil.copytree(POLICIES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("suite.yaml", "cases"))
    (folder / "own.yaml").write_text(HEAD + rules)
    return AdmissionContext(Policies(folder, declared_fields()))


@pytest.fixture(scope="module")
def features_only(tmp_path_factory: pytest.TempPathFactory) -> AdmissionContext:
    return service(tmp_path_factory.mktemp("whole"), WHOLE)


@pytest.fixture(scope="module")
def stored(features_only: AdmissionContext) -> Tree:
    verdict, made = admitted(asked(SPEC), features_only)
    assert verdict.allowed
    return made


def asked(spec: Tree, stored: Tree | None = None) -> Review:
    review = review_of(vm(copied(spec)), KINDS["VM"])
    return review if stored is None else replace(review, operation="UPDATE", old_object=vm(copied(stored)))


def admitted(review: Review, where: AdmissionContext, calls: int = 1) -> tuple[Verdict, Tree]:
    """The verdict over a review whose mutating webhook an API server calls so many times, and the spec."""
    for _ in range(calls):
        verdict = mutate(review, where)
        if not verdict.allowed:
            return verdict, {}
        review = replace(review, object=jsonpatch.apply_patch(review.object, list(verdict.patch or ())))
    return validate(review, where), review.object["spec"]


def refused(verdict: Verdict) -> set[tuple[str, str]]:
    return {(each.path, each.rule.split(" ")[0]) for each in verdict.findings}


STATED = {("spec.domain", "own/features-only")}
CALLS = pytest.mark.parametrize("calls", [1, 2])


@CALLS
def test_a_vm_of_features_alone_passes(features_only: AdmissionContext, calls: int) -> None:
    assert admitted(asked(SPEC), features_only, calls)[0].allowed


@pytest.mark.parametrize(
    "domain", [{"title": "t"}, {"memory": {"size": 2048}}, {"devices": {"interfaces": [NIC]}}], ids=str
)
def test_one_that_says_anything_of_its_domain_is_refused(features_only: AdmissionContext, domain: Tree) -> None:
    verdict, _ = admitted(asked({**SPEC, "domain": domain}), features_only)
    assert refused(verdict) == STATED


def test_the_help_followed_leads_to_one_that_passes(features_only: AdmissionContext) -> None:
    verdict, _ = admitted(asked({**SPEC, "domain": {"title": "t"}}), features_only)
    assert verdict.findings[0].help.startswith("leave it out, and say in `spec.features`")
    assert admitted(asked(SPEC), features_only)[0].allowed


FEATURES: list[Tree] = [
    {"memory": "4Gi"},
    {"network": [{"source": "front"}, {"source": "back"}]},
    {"network": []},
    {"network": [{"source": "other"}]},
    {"storage": [{"source": "root"}, {"source": "data"}, {"type": "cdrom"}]},
    {"sound": True, "watchdog": True, "rng": False},
]


@CALLS
@pytest.mark.parametrize("change", FEATURES, ids=str)
@pytest.mark.parametrize("sent", ["patch", "replace"])
def test_an_update_by_features_passes_however_it_is_sent(
    features_only: AdmissionContext, stored: Tree, change: Tree, sent: str, calls: int
) -> None:
    spec = patched(stored, {"features": change}) if sent == "patch" else {"features": {**SPEC["features"], **change}}
    verdict, made = admitted(asked(spec, stored), features_only, calls)
    assert verdict.allowed, verdict.findings
    assert made["domain"] != stored["domain"]


def test_an_update_of_labels_and_one_that_sends_what_is_stored_pass(
    features_only: AdmissionContext, stored: Tree
) -> None:
    assert admitted(asked(stored, stored), features_only)[0].allowed
    other = {**stored, "features": {**stored["features"], "rng": True}}
    assert admitted(asked(other, stored), features_only)[0].allowed


def _title(domain: Tree) -> None:
    domain["title"] = "t"


def _more(domain: Tree) -> None:
    domain["devices"]["interfaces"].append(dict(NIC))


def _fewer(domain: Tree) -> None:
    domain["devices"]["channels"] = []


def _model(domain: Tree) -> None:
    domain["devices"]["rng"]["model"] = "virtio-transitional"


def _link(domain: Tree) -> None:
    domain["devices"]["interfaces"][0]["link"] = "down"


@pytest.mark.parametrize("change", [_title, _more, _fewer, _model, _link])
@pytest.mark.parametrize("with_features", [False, True])
def test_an_update_of_one_field_of_the_domain_is_refused(
    features_only: AdmissionContext, stored: Tree, change: Callable[[Tree], None], with_features: bool
) -> None:
    spec = copied(stored)
    change(spec["domain"])
    if with_features:
        spec["features"]["memory"] = "4Gi"
    verdict, _ = admitted(asked(spec, stored), features_only)
    assert refused(verdict) >= STATED


def test_an_identity_of_a_new_device_is_the_requesters_where_the_device_is_not_the_services(
    features_only: AdmissionContext, stored: Tree
) -> None:
    spec = patched(stored, {"features": {"network": [{"source": "front"}, {"source": "back"}]}})
    spec["domain"] = copied(stored["domain"])
    spec["domain"]["devices"]["interfaces"].append({"name": "back", "mac": {"address": "02:00:00:00:00:0b"}})
    verdict, _ = admitted(asked(spec, stored), features_only)
    assert refused(verdict) >= STATED


def test_what_another_webhook_adds_to_the_domain_is_stated_and_nothing_else(
    tmp_path: Path, features_only: AdmissionContext
) -> None:
    titles = service(tmp_path, TITLE)
    for where, field, wrong in (
        (features_only, "title", True),
        (titles, "title", True),
        (titles, "description", False),
    ):
        first = mutate(asked(SPEC), where)
        made = jsonpatch.apply_patch(vm(copied(SPEC)), list(first.patch or ()))
        made["spec"]["domain"][field] = "theirs"
        again = mutate(replace(asked(SPEC), object=made), where)
        assert again.allowed is not wrong, again.findings


def test_what_was_just_made_is_the_services_and_what_differs_from_it_is_stated(
    features_only: AdmissionContext,
) -> None:
    _, made = admitted(asked(SPEC), features_only)
    assert admitted(asked(made), features_only)[0].allowed
    made["domain"]["devices"]["interfaces"][0]["address"] = "0000:02:00.0"
    assert refused(admitted(asked(made), features_only)[0]) >= STATED


MACS = """rules:
  - name: no-own-macs
    forbid: {path: "domain.devices.interfaces[*].mac.address"}
    when: {stated: true}
...
"""
CHOSEN = {"address": "52:54:00:66:66:66"}
OF_THE_MAC = {("spec.domain.devices.interfaces[0].mac.address", "own/no-own-macs")}
OWN_IDENTITIES: list[Tree] = [
    {"uuid": "5d3c2b1a-0000-4000-8000-00000000c0de"},
    {"devices": {"interfaces": [{"name": "front", "mac": CHOSEN}]}},
    {"devices": {"disks": [{"name": "root", "serial": "OTHER"}]}},
]


@pytest.mark.parametrize("domain", OWN_IDENTITIES, ids=str)
def test_an_identity_that_a_new_vm_brings_is_stated_whatever_its_rule_set(
    features_only: AdmissionContext, stored: Tree, domain: Tree
) -> None:
    spec = {**SPEC, "abi": stored["abi"], "domain": domain}
    assert refused(admitted(asked(spec), features_only)[0]) == STATED
    assert admitted(asked({**SPEC, "abi": stored["abi"]}), features_only)[0].allowed


def test_a_rule_about_macs_is_not_evaded_by_a_rule_set_and_takes_one_of_the_features(tmp_path: Path) -> None:
    where = service(tmp_path, MACS)
    abi = {"ruleSet": admitted(asked(SPEC), where)[1]["abi"]["ruleSet"]}
    own = {"devices": {"interfaces": [{"name": "front", "mac": CHOSEN}]}}
    assert refused(admitted(asked({**SPEC, "abi": abi, "domain": own}), where)[0]) == OF_THE_MAC
    asked_for = {"features": {**SPEC["features"], "network": [{"source": "front", "mac": CHOSEN["address"]}]}}
    assert admitted(asked(asked_for), where, calls=2)[0].allowed


def test_a_new_device_of_an_update_that_is_the_services_but_for_its_mac_is_stated(
    features_only: AdmissionContext, stored: Tree
) -> None:
    spec = patched(stored, {"features": {"network": [{"source": "front"}, {"source": "back"}]}})
    verdict, made = admitted(asked(spec, stored), features_only)
    assert verdict.allowed
    assert admitted(asked(made, stored), features_only)[0].allowed
    made["domain"]["devices"]["interfaces"][1]["mac"] = CHOSEN
    assert refused(admitted(asked(made, stored), features_only)[0]) == STATED


def test_a_device_among_the_tombstones_is_stated_where_the_service_did_not_rest_it(
    tmp_path: Path, features_only: AdmissionContext, stored: Tree
) -> None:
    forged = {"tombstones": {"interfaces": [{"name": "q", "mac": CHOSEN, "model": "virtio"}]}}
    both = ((SPEC, None), (stored, stored))
    macs = service(tmp_path, MACS)
    place = "spec.abi.tombstones"
    for spec, before in both:
        own = {**spec, "abi": {**spec.get("abi", {}), **forged}}
        assert refused(admitted(asked(own, before), features_only)[0]) == {(place, "own/features-only")}
        wanted = {(f"{place}.interfaces[0].mac.address", "own/no-own-macs")}
        assert refused(admitted(asked(own, before), macs)[0]) == wanted


@CALLS
def test_a_device_that_an_update_removes_and_another_brings_back_is_not_stated(
    features_only: AdmissionContext, stored: Tree, calls: int
) -> None:
    fewer = patched(stored, {"features": {"network": []}})
    verdict, rests = admitted(asked(fewer, stored), features_only, calls)
    assert verdict.allowed, verdict.findings
    assert rests["abi"]["tombstones"]["interfaces"]
    back = patched(rests, {"features": SPEC["features"]})
    verdict, made = admitted(asked(back, rests), features_only, calls)
    assert verdict.allowed, verdict.findings
    assert made["domain"]["devices"]["interfaces"][0]["mac"] == stored["domain"]["devices"]["interfaces"][0]["mac"]


def test_what_was_drawn_is_known_to_the_process_that_drew_it_for_the_same_users_same_vm_for_a_minute(
    features_only: AdmissionContext,
) -> None:
    now = [0.0]
    where = replace(features_only, drawn=Drawn(lambda: now[0]))
    made = admitted(asked(SPEC), where)[1]
    again = asked(made)
    assert mutate(again, where).allowed
    for other in ({"user": "other"}, {"namespace": "other"}, {"name": "other"}):
        assert refused(mutate(replace(again, **other), where)) == STATED, other
    assert refused(mutate(again, replace(where, drawn=Drawn()))) == STATED
    now[0] = 61.0
    assert refused(mutate(again, where)) == STATED


def test_identities_that_were_not_drawn_are_not_kept_where_no_rule_refuses_them(tmp_path: Path) -> None:
    where = service(tmp_path, MACS)
    own = {"uuid": OWN_IDENTITIES[0]["uuid"]}
    review = asked({**SPEC, "domain": own})
    assert mutate(review, where).allowed
    owner = (review.user, review.namespace, review.kind, review.name)
    assert not where.drawn.has(owner, ("", "", "uuid", own["uuid"]))


def test_no_more_is_kept_than_there_is_room_for_and_the_oldest_goes_first() -> None:
    drawn, owner = Drawn(most=2), ("u", "n", "VM", "v")
    for value in "abc":
        drawn.keep(owner, [("", "", "uuid", value)])
    assert [drawn.has(owner, ("", "", "uuid", value)) for value in "abc"] == [False, True, True]


def test_a_rule_about_one_field_lets_the_rest_of_the_domain_be_stated(tmp_path: Path) -> None:
    where = service(tmp_path, TITLE)
    assert admitted(asked({**SPEC, "domain": {"description": "d"}}), where)[0].allowed
    verdict, _ = admitted(asked({**SPEC, "domain": {"description": "d", "title": "t"}}), where)
    assert refused(verdict) == {("spec.domain.title", "own/no-titles")}


def test_all_that_is_wrong_is_told_beside_it(features_only: AdmissionContext) -> None:
    verdict, _ = admitted(asked({**SPEC, "domain": {"os": {"kernel": "/k"}}}), features_only)
    assert refused(verdict) == {*STATED, ("spec.domain.os.kernel", "restricted/no-host-paths")}
    broken = {"features": {**SPEC["features"], "storage": [{"type": "disk"}]}, "domain": {"title": "t"}}
    verdict, _ = admitted(asked(broken), features_only)
    assert {path for path, _ in refused(verdict)} == {"spec.domain", "spec.features.storage[0].source"}


def test_a_policy_that_warns_lets_it_pass_with_a_warning(tmp_path: Path) -> None:
    where = service(tmp_path, f"mode: warn\n{WHOLE}")
    made, findings, warnings = expand_object(vm({**copied(SPEC), "domain": {"title": "t"}}), where)
    assert made is not None
    assert not findings
    assert [each.partition(": ")[0] for each in warnings] == ["spec.domain"]
    assert expand_object(vm(copied(SPEC)), where)[2] == []


def test_a_policy_that_audits_tells_the_log_alone(tmp_path: Path) -> None:
    where = service(tmp_path, f"mode: audit\n{WHOLE}")
    said = mutate(asked({**SPEC, "domain": {"title": "t"}}), where)
    assert (said.allowed, [each.path for each in said.audits], said.warnings) == (True, ["spec.domain"], ())
    assert mutate(asked(SPEC), where).audits == ()


def test_an_audit_of_what_is_stored_leaves_such_rules_out(features_only: AdmissionContext, stored: Tree) -> None:
    assert not check_stored(vm(stored), KINDS["VM"], features_only).decision.findings
