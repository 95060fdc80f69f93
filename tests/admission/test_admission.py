"""Both halves of admission over every example: complete, idempotent, frozen, and the validator trusts nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.admission.reviews import admitted, ask, patched, review, service
from webhook.declare.tree import copied

EXAMPLES = [
    path
    for path in sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
    if path.stem != "proposal-domain-backend"
]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as running:
        yield running


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def written(request: pytest.FixtureRequest) -> Any:
    return yaml.safe_load(request.param.read_text())


def spec_of(obj: Any) -> Any:
    return obj["spec"] if obj["kind"] == "VM" else obj["spec"]["template"]["spec"]


def test_what_is_stored_holds_every_word_of_the_tenant(client: TestClient, written: Any) -> None:
    stored = admitted(client, written)
    assert stored is not None
    assert _within(written, stored)


def test_the_expansion_of_an_expansion_is_itself(client: TestClient, written: Any) -> None:
    stored = admitted(client, written)
    assert stored is not None
    again = ask(client, "/mutate", review(stored))
    assert again["allowed"]
    assert patched(stored, again) == stored
    assert not again.get("patch")


def test_an_update_with_what_is_stored_needs_no_patch(client: TestClient, written: Any) -> None:
    stored = admitted(client, written)
    assert stored is not None
    relabelled = copied(stored)
    relabelled["metadata"]["labels"] = {"a": "b"}
    for path in ("/mutate", "/validate"):
        answer = ask(client, path, review(relabelled, old=stored))
        assert answer["allowed"]
        assert not answer.get("patch")


def test_an_update_with_the_original_restores_what_is_stored(client: TestClient, written: Any) -> None:
    stored = admitted(client, written)
    assert stored is not None
    assert admitted(client, written, old=stored) == stored


def test_a_frontend_field_that_another_webhook_changed_is_refused(client: TestClient, written: Any) -> None:
    stored = admitted(client, written)
    assert stored is not None
    changed = copied(stored)
    spec_of(changed)["domain"]["uuid"] = "00000000-0000-4000-8000-000000000000"
    answer = ask(client, "/validate", review(changed, old=stored))
    assert not answer["allowed"]
    assert "domain.uuid" in answer["status"]["message"]


def test_a_domain_that_somebody_emptied_is_refused_at_create(client: TestClient, written: Any) -> None:
    stored = admitted(client, written)
    assert stored is not None
    emptied = copied(stored)
    spec_of(emptied)["domain"] = {}
    answer = ask(client, "/validate", review(emptied))
    assert not answer["allowed"]
    assert "domain.memory.size" in answer["status"]["message"]


def test_a_forged_tombstone_cannot_take_a_device_away(client: TestClient) -> None:
    written = yaml.safe_load(next(path for path in EXAMPLES if path.stem == "ubuntu-server").read_text())
    stored = admitted(client, written)
    assert stored is not None
    changed = copied(stored)
    changed["spec"]["abi"].pop("ruleSet")
    changed["spec"]["abi"]["ruleSet"] = "2099.1"
    assert not ask(client, "/validate", review(changed, old=stored))["allowed"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)), take=st.integers(1, 4))
def test_no_sequence_of_added_and_removed_disks_moves_another(client: TestClient, order: list[int], take: int) -> None:
    names = ["a", "b", "c", "d"]

    def vm(disks: list[str]) -> Any:
        entries = [{"type": "disk", "source": disk} for disk in disks]
        features = {"memory": 1024, "system": {"type": "debian", "version": "12"}, "storage": entries}
        return {
            "apiVersion": "kubevirt.io/v1alpha1",
            "kind": "VM",
            "metadata": {"name": "vm"},
            "spec": {"features": features},
        }

    first = admitted(client, vm(names))
    fewer = admitted(client, vm([names[index] for index in order[:take]]), old=first)
    again = admitted(client, vm(["new", *(names[index] for index in order)]), old=fewer)
    assert first is not None
    assert fewer is not None
    assert again is not None
    before = {disk["name"]: disk for disk in first["spec"]["domain"]["devices"]["disks"]}
    for stage in (fewer, again):
        for disk in stage["spec"]["domain"]["devices"]["disks"]:
            assert disk["name"] == "new" or disk == before[disk["name"]]
    assert len(again["spec"]["domain"]["devices"]["disks"]) == 5
    assert "tombstones" not in again["spec"]["abi"]


def _within(part: Any, whole: Any) -> bool:
    """Whether all that `part` says stands in `whole`; entries of a list stand at the same place."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            _within(value, whole.get(name)) for name, value in part.items() if value is not None
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(_within(value, other) for value, other in zip(part, whole, strict=False))
    return bool(part == whole)
