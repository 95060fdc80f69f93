"""VMs as they were once stored: every release reads them, leaves them unmoved and renders them to the same XML.

The objects stand in stored/, byte for byte as a release stored them. None is ever changed or taken away.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import jsonpatch
import orjson
import pytest
import yaml

from tests.admission.reviews import POLICIES, review
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.offline import domain_of
from webhook.admission.review import answer, parse
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.kinds import KINDS, declared_fields
from webhook.libvirt.xml.render import render
from webhook.policy import Policies
from webhook.trees import Tree

HERE = Path(__file__).parent / "stored"
STORED = sorted(HERE.glob("*.yaml"))
CONTEXT = AdmissionContext(
    policies=Policies(POLICIES, declared_fields()),
    entropy=lambda size: b"\xff" * size,
    labels=lambda _: {"vmconfig.kubevirt.io/enforce": "privileged"},
)


each = pytest.mark.parametrize("file", STORED, ids=lambda file: file.stem)


def read(file: Path) -> Tree:
    stored: Tree = yaml.safe_load(file.read_text())
    return stored


def spec_of(obj: Tree) -> Tree:
    spec: Tree = KINDS[obj["kind"]].spec_of(obj)
    return spec


def mutated(obj: Tree, old: Tree | None = None) -> Tree:
    """The object as it would be stored."""
    verdict = mutate(parse(orjson.dumps(review(obj, old=old))), CONTEXT)
    assert [str(finding) for finding in verdict.findings] == []
    patch = orjson.loads(answer("x", verdict))["response"].get("patch")
    return jsonpatch.apply_patch(obj, orjson.loads(base64.b64decode(patch))) if patch else obj  # type: ignore[no-any-return]


def refusals(obj: Tree, old: Tree | None = None, subresource: str = "") -> list[str]:
    body = review(obj, old=old)
    body["request"]["subResource"] = subresource
    return [str(finding) for finding in validate(parse(orjson.dumps(body)), CONTEXT).findings]


@each
def test_its_manifest_makes_the_same_vm_again(file: Path) -> None:
    stored = read(file)
    assert mutated(copied(stored)) == stored
    assert refusals(stored) == []


@each
def test_an_update_without_its_domain_leaves_it_unmoved(file: Path) -> None:
    stored, update = read(file), read(file)
    del spec_of(update)["domain"]
    assert mutated(update, stored) == stored


@each
def test_an_update_of_a_word_that_the_guest_does_not_see_moves_nothing_else(file: Path) -> None:
    stored, update = read(file), read(file)
    spec_of(update)["domain"]["title"] = "another"
    assert mutated(copied(update), stored) == update
    assert refusals(update, stored) == []


@each
def test_it_is_the_same_domain_to_libvirt(file: Path, golden: Callable[[Path, str], None]) -> None:
    domain, name, _ = domain_of(read(file))
    golden(file.with_suffix(".xml"), render(domain, name, backend=False))


def test_what_runs_stays_in_a_status() -> None:
    running = read(HERE / "running.yaml")
    for part in ("desired", "current"):
        assert running["status"][part] == running["spec"]["domain"]
    assert refusals(running, read(HERE / "server-on-q35.yaml") | {"metadata": running["metadata"]}, "status") == []


def test_there_are_vms_of_every_machine_that_were_removed_from_imported_and_run() -> None:
    machines = {spec_of(read(file))["domain"]["os"]["type"]["arch"] for file in STORED}
    assert machines == {"x86_64", "aarch64", "s390x", "ppc64le", "riscv64"}
    assert any(spec_of(read(file))["abi"].get("tombstones") for file in STORED)
    assert len(STORED) >= 12
