"""Whether VMs run under KVM or are emulated is the site's word: nobody below privileged has the other one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonpatch
import orjson
import pytest
import yaml

from tests.admission.reviews import POLICIES, review
from tests.policy.vap.api_server import TARGETS
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.review import Verdict, parse
from webhook.admission.site import classes
from webhook.admission.stored import check_stored
from webhook.admission.validate import validate
from webhook.cli import main
from webhook.features.platform import Site
from webhook.kinds import VM, declared_fields
from webhook.policy import Loading, Policies, load
from webhook.policy.language.model import LABELS
from webhook.policy.vap import export

Tree = dict[str, Any]
OTHER = {"kvm": "qemu", "qemu": "kvm"}
SITES = pytest.mark.parametrize("site", OTHER)
LEVELS = pytest.mark.parametrize("level", ["restricted", "baseline"])


def context(site: str, level: str) -> AdmissionContext:
    return AdmissionContext(
        Policies(POLICIES, declared_fields()), Site(domain_type=site), labels=lambda _: {LABELS["enforce"]: level}
    )


def vm(domain: Tree | None = None, **words: Any) -> Tree:
    features = {"memory": 2048, "system": {"type": "debian", "version": "12"}, "storage": [{"source": "root"}], **words}
    spec = {"features": features, **({} if domain is None else {"domain": domain})}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "web"}, "spec": spec}


def admitted(obj: Tree, where: AdmissionContext, old: Tree | None = None) -> tuple[Tree, Verdict]:
    """The object as the mutating half leaves it, and what the validating one says of it."""
    first = mutate(parse(orjson.dumps(review(obj, old=old))), where)
    assert first.allowed, first.findings
    made: Tree = jsonpatch.apply_patch(obj, list(first.patch))
    return made, validate(parse(orjson.dumps(review(made, old=old))), where)


def refused(verdict: Verdict) -> set[tuple[str, str]]:
    return {(each.path, each.rule.split(" ")[0]) for each in verdict.findings}


@LEVELS
@SITES
def test_a_vm_that_says_nothing_has_the_sites_type_and_passes(site: str, level: str) -> None:
    made, verdict = admitted(vm(), context(site, level))
    assert made["spec"]["domain"]["type"] == site
    assert verdict.allowed, verdict.findings


@LEVELS
@SITES
def test_the_sites_own_type_may_be_stated(site: str, level: str) -> None:
    made, verdict = admitted(vm({"type": site}), context(site, level))
    assert made["spec"]["domain"]["type"] == site
    assert verdict.allowed, verdict.findings


@LEVELS
@SITES
def test_another_type_than_the_sites_is_refused_on_create_and_on_update(site: str, level: str) -> None:
    where, expected = context(site, level), {("spec.domain.type", f"{level}/no-other-hypervisor")}
    assert refused(admitted(vm({"type": OTHER[site]}), where)[1]) == expected
    stored, _ = admitted(vm(), where)
    changed = {**stored, "spec": {**stored["spec"], "domain": {**stored["spec"]["domain"], "type": OTHER[site]}}}
    assert refused(admitted(changed, where, stored)[1]) == expected


@SITES
def test_another_type_than_the_sites_passes_at_privileged(site: str) -> None:
    assert admitted(vm({"type": OTHER[site]}), context(site, "privileged"))[1].allowed


@pytest.mark.parametrize("level", ["restricted", "baseline", "privileged"])
@SITES
def test_a_type_that_was_granted_stays_under_an_update_that_does_not_name_it(site: str, level: str) -> None:
    stored, _ = admitted(vm({"type": OTHER[site]}), context(site, "privileged"))
    made, verdict = admitted(vm(rng=True), context(site, level), stored)
    assert made["spec"]["domain"]["type"] == OTHER[site]
    assert verdict.allowed, verdict.findings


@SITES
def test_an_audit_finds_the_other_type_and_not_the_sites(site: str) -> None:
    where = context(site, "restricted")
    stored, _ = admitted(vm(), where)
    assert check_stored(stored, VM, where).decision.findings == []
    stored["spec"]["domain"]["type"] = OTHER[site]
    judged = check_stored(stored, VM, where)
    assert [each.path for each in judged.decision.findings] == ["spec.domain.type"]
    assert judged.classes == {"spec.domain.type": "host-identity"}


@SITES
def test_an_export_refuses_the_other_type_and_not_the_sites(site: str) -> None:
    made = export(load(POLICIES, Loading(declared_fields())), TARGETS, [], classes(Site(domain_type=site)))
    variables = {each["name"]: each["expression"] for each in made.documents[0]["spec"]["variables"]}
    told = next(said for name, said in variables.items() if name.startswith("values") and "'type'" in said)
    assert f"'type': {{'{OTHER[site]}': 'host-identity'}}" in told
    assert f"'type': {{'{site}'" not in told


@SITES
def test_the_command_line_knows_the_site(site: str, tmp_path: Path, capsys: Any) -> None:
    file, manifest = tmp_path / "site.yaml", tmp_path / "vm.yaml"
    file.write_text(f"domainType: {site}\n")
    manifest.write_text(yaml.safe_dump(vm({"type": "qemu"})))
    refuses = int(site == "kvm")
    assert main(["check", "--site", str(file), str(manifest)]) == refuses
    assert main(["policy", "explain", "--site", str(file), str(manifest)]) == refuses
    assert ("refused  spec.domain.type" in capsys.readouterr().out) is bool(refuses)
    assert main(["policy", "export", "--vap", "--site", str(file)]) == 0
    assert ("'type': {'qemu': 'host-identity'}" in capsys.readouterr().out) is bool(refuses)
