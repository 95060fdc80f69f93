"""The service over HTTP: reviews answered, what is no review refused with a reason, bounds held, errors contained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from fastapi.testclient import TestClient

from tests.admission.reviews import ask, review, service

EXAMPLE = yaml.safe_load((Path(__file__).parents[2] / "examples" / "proposal-features.yaml").read_text())
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as running:
        yield running


def test_a_review_is_answered_with_its_uid_and_a_patch(client: TestClient) -> None:
    answer = ask(client, "/mutate", review(EXAMPLE))
    assert answer["uid"] == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert answer["allowed"] is True
    assert answer["patchType"] == "JSONPatch"


def test_a_query_as_the_api_server_sends_it_does_no_harm(client: TestClient) -> None:
    answer = client.post("/mutate?timeout=3s", content=orjson.dumps(review(EXAMPLE)), headers=JSON)
    assert answer.json()["response"]["allowed"] is True


@pytest.mark.parametrize("path", ["/mutate", "/validate", "/policies"])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "no AdmissionReview"),
        (b"null", "no AdmissionReview"),
        (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}', "no AdmissionReview"),
        (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', "no request"),
        (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}', "uid"),
        (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":7}}', "uid"),
        (b"[" * 2000 + b"]" * 2000, "no JSON"),
    ],
)
def test_what_is_no_review_gets_a_400_with_the_reason(client: TestClient, path: str, body: bytes, reason: str) -> None:
    answer = client.post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["kind"] == "Status"
    assert reason in answer.json()["message"]


def test_a_body_that_is_too_large_gets_a_413(client: TestClient) -> None:
    answer = client.post("/mutate", content=b" " * (3 * 1024 * 1024 + 1), headers=JSON)
    assert answer.status_code == 413
    assert "larger than" in answer.json()["message"]


def test_a_large_body_without_a_length_gets_a_413_too(client: TestClient) -> None:
    chunks = (b" " * 65536 for _ in range(60))
    answer = client.post("/mutate", content=chunks, headers=JSON)
    assert answer.status_code == 413


def test_a_body_that_is_just_not_too_large_is_read(client: TestClient) -> None:
    body = orjson.dumps(review(EXAMPLE))
    answer = client.post("/mutate", content=body + b" " * (3 * 1024 * 1024 - len(body)), headers=JSON)
    assert answer.json()["response"]["allowed"] is True


def test_too_many_nodes_get_a_400(client: TestClient) -> None:
    tree = review(EXAMPLE)
    tree["request"]["object"] = {"spec": {"x": [0] * 300_000}}
    answer = client.post("/mutate", content=orjson.dumps(tree), headers=JSON)
    assert answer.status_code == 400
    assert "nodes" in answer.json()["message"]


@pytest.mark.parametrize(("depth", "status"), [(40, 200), (200, 400)])
def test_too_deep_a_nesting_gets_a_400(client: TestClient, depth: int, status: int) -> None:
    deep: Any = 0
    for _ in range(depth):
        deep = [deep]
    tree = review({**EXAMPLE, "spec": {"features": deep}})
    answer = client.post("/mutate", content=orjson.dumps(tree), headers=JSON)
    assert answer.status_code == status


def test_a_webhook_is_called_by_post(client: TestClient) -> None:
    assert client.get("/mutate").status_code == 405


def test_an_unexpected_error_is_a_refusal_with_a_reference_that_the_log_has(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("secret details of the inside")

    monkeypatch.setattr(_hook(client, "/mutate"), "decide", broken)
    answer = ask(client, "/mutate", review(EXAMPLE))
    assert answer["allowed"] is False
    assert answer["status"]["code"] == 500
    assert "secret details" not in answer["status"]["message"]
    reference = answer["status"]["message"].split()[-1]
    lines = [orjson.loads(line) for line in capfdbinary.readouterr().out.splitlines() if b'"error"' in line]
    assert [line["reference"] for line in lines] == [reference]
    assert "secret details" in lines[0]["traceback"]


def test_a_decision_is_one_line_of_the_log_without_values(
    client: TestClient, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    vm = {**EXAMPLE, "spec": {"domain": {"devices": {"graphics": [{"type": "vnc", "passwd": "hunter2hunter2"}]}}}}
    ask(client, "/validate", review(vm))
    (text,) = [line for line in capfdbinary.readouterr().out.splitlines() if b'"validate"' in line]
    line = orjson.loads(text)
    assert line["allowed"] is False
    assert line["name"] == "vm"
    assert line["user"] == "tenant"
    assert len(line["policy"]) == 12
    assert any("passwd" in finding["path"] for finding in line["findings"])
    assert b"hunter2" not in text


def test_a_deny_is_cut_where_it_would_be_too_long_and_says_how_much_is_left_out(client: TestClient) -> None:
    disks = [{"name": f"d{n}", "source": {"file": f"/etc/passwd-{n}"}} for n in range(200)]
    answer = ask(client, "/validate", review({**EXAMPLE, "spec": {"domain": {"devices": {"disks": disks}}}}))
    text = answer["status"]["message"]
    assert len(text.encode()) < 9000
    assert re.search("and at least [0-9]+ more: `vmconfig check` shows more$", text)


def test_other_kinds_operations_and_subresources_are_let_through(client: TestClient) -> None:
    for change in (
        {"operation": "DELETE", "object": None},
        {"subResource": "scale"},
        {"operation": "CONNECT", "object": None},
    ):
        tree = review(EXAMPLE)
        tree["request"].update(change)
        for path in ("/mutate", "/validate", "/policies"):
            answer = ask(client, path, tree)
            assert answer["allowed"] is True
            assert "patch" not in answer


def test_probes_and_version_answer(client: TestClient) -> None:
    assert client.get("/livez").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    version = client.get("/version").json()
    assert version["ruleSets"] == ["2026.1", "2026.2"]
    assert len(version["policy"]) == 64


def test_metrics_count_what_was_answered(client: TestClient) -> None:
    ask(client, "/mutate", review(EXAMPLE))
    ask(client, "/validate", review({**EXAMPLE, "spec": {"domain": {"devices": {"rng": {"path": "/dev/mem"}}}}}))
    text = client.get("/metrics").text
    assert 'vmconfig_reviews_total{hook="mutate",kind="VM",operation="CREATE",verdict="allowed"}' in text
    assert 'rule="restricted/no-host-paths"' in text
    assert "vmconfig_policies_loaded 1.0" in text


def test_every_metric_is_documented(client: TestClient) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "operation.md").read_text()
    names = {line.split()[2] for line in client.get("/metrics").text.splitlines() if line.startswith("# HELP ")}
    assert len(names) > 10
    for name in names:
        if not name.endswith("_created"):
            assert f"`{name}`" in docs, name


def test_a_requesters_words_do_not_become_labels_without_end(client: TestClient) -> None:
    for number in range(5):
        tree = review(EXAMPLE)
        tree["request"]["kind"]["kind"] = f"Made{number}"
        tree["request"]["operation"] = f"OP{number}"
        ask(client, "/mutate", tree)
    text = client.get("/metrics").text
    assert "Made1" not in text
    assert "OP1" not in text
    assert 'kind="other"' in text


def _hook(client: TestClient, path: str) -> Any:
    """The hook behind a path, through the layers of middleware."""
    app: Any = client.app
    layer = app.middleware_stack
    while not hasattr(layer, "hooks"):
        layer = layer.app
    return layer.hooks[path]
