"""What the site says: KVM or emulation, of which nobody below privileged has the other, and the nodes' machines."""

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
from webhook.policy.tools.report import outcome_of, results
from webhook.policy.vap import export
from webhook.trees import Tree

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


NODES = {"x86_64": frozenset({"pc-q35-8.2", "pc-q35-9.0", "pc-q35-10.0", "pc-i440fx-9.0", "microvm"})}
MACHINE = "spec.domain.os.type.machine"


def on_nodes(machines: Tree | None = None, nodes: Tree | None = None) -> AdmissionContext:
    site = Site(machines=machines or {}, node_machines=NODES if nodes is None else nodes)
    return AdmissionContext(Policies(POLICIES, declared_fields()), site)


def system(machine: str, **words: str) -> Tree:
    return {"type": "debian", "version": "12", "machine": machine, **words}


@pytest.mark.parametrize("machine", ["pc-q35-7.1", "pc-i440fx-2.4"])
def test_a_machine_that_no_node_has_is_refused_with_those_of_its_family(machine: str) -> None:
    _, verdict = admitted(vm(system=system(machine)), on_nodes())
    assert refused(verdict) == {("spec.features.system.machine", "site")}
    family = machine.rpartition("-")[0]
    assert f"`{family}-9.0`" in verdict.findings[0].help
    assert ("`pc-q35-10.0`, `pc-q35-9.0`, `pc-q35-8.2`" in verdict.findings[0].help) is (family == "pc-q35")
    followed = verdict.findings[0].help.split("`")[3]
    assert admitted(vm(system=system(followed)), on_nodes())[1].allowed


def test_a_machine_that_a_node_has_or_of_an_architecture_without_a_list_is_not() -> None:
    for machine in ("pc-q35-8.2", "pc-i440fx-9.0"):
        assert admitted(vm(system=system(machine)), on_nodes())[1].allowed
    other = on_nodes(nodes={"s390x": frozenset({"s390-ccw-virtio-9.0"})})
    assert admitted(vm(system=system("pc-q35-7.1")), other)[1].allowed


def test_the_rule_sets_own_machine_is_refused_where_no_node_has_it_but_not_the_sites() -> None:
    _, verdict = admitted(vm(), on_nodes())
    assert refused(verdict) == {(MACHINE, "site")}
    made, verdict = admitted(vm(), on_nodes({"q35": "pc-q35-9.0"}))
    assert verdict.allowed
    assert made["spec"]["domain"]["os"]["type"]["machine"] == "pc-q35-9.0"


def test_a_stored_machine_whose_nodes_are_gone_is_updated_but_not_changed_to_another_such() -> None:
    old, _ = admitted(vm(system=system("pc-q35-7.1")), on_nodes(nodes={}))
    changed = {**old, "spec": {**old["spec"], "features": {**old["spec"]["features"], "memory": 4096}}}
    assert admitted(changed, on_nodes(), old)[1].allowed
    domain = old["spec"]["domain"]
    other = {**domain["os"], "type": {**domain["os"]["type"], "machine": "pc-q35-7.0"}}
    moved = {**old, "spec": {"abi": old["spec"]["abi"], "domain": {**domain, "os": other}}}
    verdict = validate(parse(orjson.dumps(review(moved, old=old))), on_nodes())
    assert (MACHINE, "site") in refused(verdict)


def test_an_audit_names_a_stored_vm_whose_machine_no_node_has_and_no_other() -> None:
    for machine, gone in (("pc-q35-7.1", True), ("pc-q35-9.0", False)):
        stored, _ = admitted(vm(system=system(machine)), on_nodes(nodes={}))
        judged = check_stored(stored, VM, on_nodes())
        found = results(judged.decision, judged.malformed, judged.classes, judged.unrunnable)
        assert outcome_of(found) == ("fail" if gone else "pass")
        assert [each.policy + "/" + each.rule for each in found if each.path] == (["vmconfig/site"] if gone else [])
