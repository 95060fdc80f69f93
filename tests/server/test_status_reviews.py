"""What is written into a VM's status is judged like a spec, for whoever writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from fastapi.testclient import TestClient

from tests.admission.reviews import ask, review
from tests.chart.rendering import rendered
from webhook.server.app import create_app
from webhook.server.settings import Settings
from webhook.trees import Tree

UUID = "11111111-2222-4333-8444-555555555555"
CASES: list[Tree] = yaml.safe_load((Path(__file__).parent / "cases" / "status.yaml").read_text())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service with the policies that the chart renders for an agent, and one that warns."""
    folder = tmp_path_factory.mktemp("policies")
    data = rendered({"policies": {"agents": ["kube-system/agent"]}})["ConfigMap/vmconfig-policies"]["data"]
    warning = (
        "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {name: sizes}\nmode: warn\nrules:\n"
        "- {name: large, forbid: {path: domain.vcpu.count}, when: {above: 64}}\n"
        "- {name: said, forbid: {path: features.memory}, when: {present: false}}\n...\n"
    )
    for name, text in {**data, "sizes.yaml": warning}.items():
        (folder / name).write_text(text)
    with TestClient(create_app(Settings(policies=folder)), base_url="https://127.0.0.1") as running:
        yield running


def written(status: Any, stored: Any = None, user: str = "tenant") -> Tree:
    """A review of a status."""
    # The spec holds what nobody may write: it is not what this is about.
    spec = {"domain": {"uuid": UUID, "os": {"kernel": "/boot/vmlinuz"}, "devices": {"disks": [{"name": "root"}]}}}
    vm: Tree = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm"}, "spec": spec}
    new, old = ({**vm, "status": part} if part is not None else vm for part in (status, stored))
    tree = review(new, old=old, user=user)
    tree["request"]["subResource"] = "status"
    return tree


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_a_status_that_is_written(client: TestClient, case: Tree, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    answer = ask(client, "/validate", written(case["status"], case.get("stored"), case.get("user", "tenant")))
    (line,) = [orjson.loads(line) for line in capfdbinary.readouterr().out.splitlines() if b'"validate"' in line]
    found = [{**finding, "rule": finding["rule"].split(" ")[0]} for finding in line.get("findings", [])]
    assert found == case.get("refused", [])
    assert answer["allowed"] is not bool(found)
    assert line["subresource"] == "status"


def test_a_refusal_says_where_in_the_status_it_is_and_never_elsewhere(client: TestClient) -> None:
    tree = written(
        {"current": {"devices": {"disks": [{"name": "root", "source": {"file": "/etc/shadow"}}]}, "nope": 1}}
    )
    message = ask(client, "/validate", tree)["status"]["message"]
    assert "status.current.devices.disks[0].source.file: host path `/etc/shadow`" in message
    assert not re.search(r"status\.current\.domain", message)


def test_warnings_are_about_the_status_and_not_about_what_it_does_not_have(client: TestClient) -> None:
    answer = ask(client, "/validate", written({"current": {"vcpu": {"count": 100}}}))
    assert answer["allowed"]
    (warning,) = answer["warnings"]
    assert warning.startswith("status.current.vcpu.count: ")


def test_status_writes_are_counted_beside_those_of_the_spec(client: TestClient) -> None:
    ask(client, "/validate", written({"current": {"devices": {"rng": {"path": "/dev/mem"}}}}))
    text = client.get("/metrics").text
    assert 'vmconfig_reviews_total{hook="validate",kind="VM/status",operation="UPDATE",verdict="denied"}' in text


def test_the_mutating_half_leaves_a_status_alone(client: TestClient) -> None:
    answer = ask(client, "/mutate", written({"current": {"devices": {"rng": {"path": "/dev/mem"}}}}))
    assert answer["allowed"]
    assert "patch" not in answer


@pytest.mark.parametrize("subresource", ["scale", "finalizers"])
def test_other_subresources_are_let_through(client: TestClient, subresource: str) -> None:
    tree = written({"current": {"devices": {"rng": {"path": "/dev/mem"}}}})
    tree["request"]["subResource"] = subresource
    assert ask(client, "/validate", tree)["allowed"]
