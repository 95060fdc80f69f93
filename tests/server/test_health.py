"""What keeps the service from being ready: each cause by itself, and nothing where there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from fastapi.testclient import TestClient
from kubernetes.client import ApiClient

from tests.admission.reviews import POLICIES
from webhook.cluster.namespaces import Namespaces
from webhook.server.app import create_app
from webhook.server.health import SILENT, Health
from webhook.server.settings import Settings
from webhook.server.supervision import Supervision


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(policies=POLICIES)), base_url="https://127.0.0.1") as running:
        yield running


def health(client: TestClient) -> Health:
    app: Any = client.app
    found: Health = app.state.health
    return found


def heard(seconds_ago: float | None, problem: str = "") -> Namespaces:
    """Namespaces whose watch has heard of the API server then; None: never."""

    class Core:
        list_namespace = None

    namespaces = Namespaces(Core(), lambda *_, **__: None)
    namespaces.watch.synced = seconds_ago is not None
    namespaces.watch.problem = problem
    namespaces.watch._answered_at = None if seconds_ago is None else time.monotonic() - seconds_ago
    return namespaces


def problems(client: TestClient) -> list[str]:
    answer = client.get("/readyz")
    found: list[str] = answer.json()["problems"]
    assert answer.status_code == (503 if found else 200)
    return found


def test_without_a_cause_it_is_ready(client: TestClient) -> None:
    assert problems(client) == []


def test_namespaces_that_are_not_known_yet_are_a_cause_with_its_reason(client: TestClient) -> None:
    health(client).namespaces = heard(None, "namespaces: the API server answers 403 Forbidden")
    (problem,) = problems(client)
    assert problem.startswith("the namespaces' labels are not known yet: ")
    assert "403" in problem


def test_an_api_server_that_was_heard_of_lately_is_no_cause_though_it_is_lost(client: TestClient) -> None:
    health(client).namespaces = heard(SILENT - 60, "namespaces: nobody answers")
    assert problems(client) == []
    assert client.get("/readyz").json()["namespaces"]["problem"] == "namespaces: nobody answers"


@pytest.mark.parametrize(
    ("problem", "told"),
    [("namespaces: nobody answers", "nobody answers"), ("", "has not answered")],
    ids=["a watch that is lost", "a watch that hangs"],
)
def test_an_api_server_that_was_not_heard_of_for_long_is_a_cause(client: TestClient, problem: str, told: str) -> None:
    health(client).namespaces = heard(SILENT + 60, problem)
    (found,) = problems(client)
    assert found.startswith("nothing was heard of the namespaces' labels for 3")
    assert told in found


def test_a_shutdown_is_a_cause(client: TestClient) -> None:
    health(client).draining = True
    assert problems(client) == ["the service is shutting down"]


def test_a_task_that_is_down_is_a_cause_and_is_counted(client: TestClient) -> None:
    health(client).supervision._failed("policies", RuntimeError("broken"))
    assert problems(client) == ["the background task `policies` is down: RuntimeError: broken"]
    text = client.get("/metrics").text
    assert 'vmconfig_task_restarts_total{task="policies"} 1.0' in text
    assert 'vmconfig_task_restarts_total{task="exceptions"} 0.0' in text
    assert 'vmconfig_task_restarts_total{task="policies"} 1.0' in client.get("/metrics").text  # not counted twice


def test_each_watch_runs_in_one_thread_and_none_without_a_cluster() -> None:
    class Core:
        list_namespace = None
        api_client = ApiClient()

    class Threads(Supervision):
        """Notes the threads instead of starting them."""

        started: ClassVar[list[tuple[str, Callable[[], None]]]] = []

        def thread(self, name: str, run: Callable[[], None], ending: threading.Event) -> threading.Thread:
            self.started.append((name, run))
            return super().thread(name, lambda: None, ending)

    settings = Settings(policies=POLICIES, sources="watch", namespaces="watch", kubevirt_objects="watch")
    apis: Any = SimpleNamespace(core=Core())
    with TestClient(create_app(settings, apis=apis, supervision=Threads(lambda *_, **__: None))):
        assert {"namespaces", "vmdefinitions"} <= {name for name, _ in Threads.started}
        assert len(Threads.started) == len(set(Threads.started))
    Threads.started.clear()
    with TestClient(create_app(Settings(policies=POLICIES), supervision=Threads(lambda *_, **__: None))):
        assert Threads.started == []
