"""Policies in a ConfigMap: checked when they are written, beside the path on which VMs wait."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml
from fastapi.testclient import TestClient

from tests.admission.reviews import POLICIES, ask, review, service
from tests.chart.rendering import rendered
from tests.e2e.service import serving
from tests.policy.files import HEAD, ended, policy, whole
from webhook.kinds import declared_fields
from webhook.policy import Loading, load
from webhook.policy.loading.load import load_contents
from webhook.trees import Tree

CASES: list[Tree] = yaml.safe_load((Path(__file__).parent / "cases" / "policies.yaml").read_text())
EXCEPTION = HEAD % "extra" + (
    "exceptions:\n- {rule: site/r, namespaces: [lab], until: %s, owner: boot-team, ticket: OPS-9}\n"
)
TEXTS = {
    "good": whole(policy("site")),
    "better": whole(policy("site", "forbid: {class: host-port}")),
    "bad": ended(policy("other", "forbid: {class: host-paths}")),
    "broken": "{",
    "words": "words",
    "excepting": ended(EXCEPTION % "2099-01-01"),
    "ended": ended(EXCEPTION % "2020-01-01"),
    "soon": ended(EXCEPTION % (datetime.now(UTC).date() + timedelta(7))),
}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as running:
        yield running


def config_map(data: Tree | None, binary: Tree | None = None, kind: str = "ConfigMap", labels: Any = None) -> Tree:
    made: Tree = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "policies"}}
    if labels is not None:
        made["metadata"]["labels"] = labels
    if data is not None:
        made["data"] = {name: TEXTS[text] for name, text in data.items()}
    if binary is not None:
        made["binaryData"] = {name: base64.b64encode(TEXTS[text].encode()).decode() for name, text in binary.items()}
    return made


def asked(case: Tree) -> Tree:
    """The review of a case."""
    labels = {name: version("vmconfig") if v == "this" else v for name, v in case.get("labels", {}).items()} or None
    new = config_map(case.get("data"), case.get("binary"), case.get("kind", "ConfigMap"), labels)
    old = config_map(case["old"], labels=labels) if "old" in case else None
    tree = review(new, old=old, namespace="vmconfig-system")
    if case.get("operation"):
        tree["request"].update(operation=case["operation"], object=None)
    return tree


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_policies_that_are_written(client: TestClient, case: Tree) -> None:
    answer = ask(client, "/policies", asked(case))
    assert answer["allowed"] is not bool(case.get("refused"))
    message = answer.get("status", {}).get("message", "")
    for words in case.get("refused", ()):
        assert words in message
    warnings = answer.get("warnings", [])
    assert len(warnings) == len(case.get("warned", ()))
    for words, warning in zip(case.get("warned", ()), warnings, strict=True):
        assert words in warning
        assert warning.isprintable()  # the API server drops one with a line break


def test_binary_data_that_is_none_is_refused(client: TestClient) -> None:
    tree = config_map({"a.yaml": "good"})
    tree["binaryData"] = {"b.yaml": "?"}
    answer = ask(client, "/policies", review(tree))
    assert "policies/b.yaml: is no base64" in answer["status"]["message"]


@pytest.mark.parametrize("obj", [None, [], "text", {"data": []}, {"data": 7, "binaryData": "x"}, {"metadata": 7}])
def test_what_is_no_config_map_at_all_ends_in_a_refusal(client: TestClient, obj: Any) -> None:
    tree = review(config_map({"a.yaml": "good"}))
    tree["request"]["object"] = obj
    answer = ask(client, "/policies", tree)
    assert "policies: holds no policy" in answer["status"]["message"]


def test_a_config_map_is_read_as_its_mount_would_be(tmp_path: Path) -> None:
    files = {name: TEXTS[text].encode() for name, text in {"b.yaml": "excepting", "a.yaml": "good"}.items()}
    folder = tmp_path / "policies"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    loading = Loading(declared_fields())
    assert load_contents("policies", files.items(), loading).digest == load(folder, loading).digest


@pytest.mark.parametrize("values", [{}, {"policies": {"agents": ["kube-system/agent"]}}], ids=["defaults", "agents"])
def test_what_the_chart_renders_passes_without_a_warning(client: TestClient, values: Tree) -> None:
    tree = rendered(values)["ConfigMap/vmconfig-policies"]
    answer = ask(client, "/policies", review(tree, namespace="vmconfig-system"))
    assert answer["allowed"], answer["status"]["message"]
    assert "warnings" not in answer


def test_it_is_counted_and_logged(client: TestClient, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    ask(client, "/policies", review(config_map({"a.yaml": "bad"})))
    text = client.get("/metrics").text
    assert 'vmconfig_reviews_total{hook="policies",kind="ConfigMap",operation="CREATE",verdict="denied"}' in text
    assert 'vmconfig_findings_total{hook="policies",rule="policy"}' in text
    (line,) = [orjson.loads(line) for line in capfdbinary.readouterr().out.splitlines() if b'"policies"' in line]
    assert line["findings"] == [{"path": "policies/a.yaml:4:35", "rule": "policy"}]


def test_vms_do_not_wait_while_large_policies_are_read(tmp_path: Path) -> None:
    example = yaml.safe_load((POLICIES.parent / "examples" / "proposal-features.yaml").read_text())
    rules = "".join(
        f"- {{name: r{n}, forbid: {{path: domain.vcpu.count}}, when: {{above: {n}}}}}\n" for n in range(700)
    )
    large = f"apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {{name: large}}\nrules:\n{rules}"
    tree = config_map({})
    tree["data"] = {"large.yaml": large}
    answered = 0
    with serving(tmp_path) as running:

        def write() -> None:
            with httpx.Client(base_url=running.url, verify=running.trusted(), timeout=60) as connection:
                connection.post("/policies", json=review(tree)).raise_for_status()

        with httpx.Client(base_url=running.url, verify=running.trusted(), timeout=60) as connection:
            connection.post("/mutate", json=review(example)).raise_for_status()
            writing = threading.Thread(target=write)
            writing.start()
            while writing.is_alive():
                connection.post("/mutate", json=review(example)).raise_for_status()
                answered += 1
            writing.join()
    assert answered > 5, "a VM that waited for the policies would be the only one answered meanwhile"
