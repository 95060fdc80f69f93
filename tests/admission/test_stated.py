"""A policy about what requesters write: the service's own work is never taken for theirs, by whichever way it comes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from tests.abi.life import GUEST, patched, vm
from tests.admission.reviews import POLICIES
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.offline import expand_object, review_of
from webhook.admission.review import Review, Verdict
from webhook.admission.stored import check_stored
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.kinds import KINDS, declared_fields
from webhook.policy import Policies

Tree = dict[str, Any]
HEAD = "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {name: own}\n"
WHOLE = "rules: [{name: features-only, forbid: {path: domain}}]\n...\n"
TITLE = "rules: [{name: no-titles, forbid: {path: domain.title}, when: {stated: true}}]\n...\n"
SPEC = {"features": {**GUEST, "storage": [{"source": "root"}], "network": [{"source": "front"}]}}
NIC = {"name": "own", "network": "back"}


def service(folder: Path, rules: str) -> AdmissionContext:
    shutil.copytree(POLICIES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("suite.yaml"))
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


def test_a_vm_made_again_from_its_manifest_states_what_differs_from_what_its_features_make(
    features_only: AdmissionContext, stored: Tree
) -> None:
    assert admitted(asked(stored), features_only)[0].allowed
    other = copied(stored)
    other["domain"]["devices"]["interfaces"][0]["address"] = "0000:02:00.0"
    assert refused(admitted(asked(other), features_only)[0]) >= STATED


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
