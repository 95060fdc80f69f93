"""What becomes of the policies is told: to the metrics, the log, `/readyz` and the cluster; each change once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from tests.policy.files import policy, whole
from webhook.cluster.events import Events, first
from webhook.findings import Finding
from webhook.kinds import declared_fields
from webhook.policy import Policies
from webhook.policy.loading.exceptions import expired, expiring
from webhook.server.app import create_app
from webhook.server.background import PolicyReporter
from webhook.server.metrics import Metrics
from webhook.server.settings import Settings

EXCEPTION = "- {{rule: site/r, namespaces: [lab], until: {}, owner: boot-team, ticket: {}}}\n"
TODAY = date(2026, 11, 24)
DAYS = {
    "OPS-1": "2026-11-01",
    "OPS-2": "2026-11-23",
    "OPS-3": "2026-11-24",
    "OPS-4": "2026-12-08",
    "OPS-5": "2026-12-09",
}


class Calendar:
    """The day it is, which a test can turn."""

    def __init__(self) -> None:
        self.day = TODAY

    def __call__(self) -> date:
        return self.day


class Written:
    """Takes the place of Events and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def record(self, event_type: str, reason: str, message: str) -> None:
        self.told.append((event_type, reason, message))

    def reasons(self) -> list[str]:
        return [reason for _, reason, _ in self.told]


def with_exceptions(**days: str) -> str:
    exceptions = "".join(EXCEPTION.format(day, ticket) for ticket, day in days.items())
    return whole(policy() + "exceptions:\n" + exceptions)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(with_exceptions(**DAYS))
    return tmp_path


def tickets(findings: list[Finding]) -> list[str]:
    return [finding.help.rpartition("(")[2].rstrip(")") for finding in findings]


def test_an_exception_is_spoken_of_from_two_weeks_before_its_end(folder: Path) -> None:
    policies = Policies(folder, declared_fields(), today=lambda: TODAY).engine.policies
    assert tickets(expired(policies, TODAY)) == ["OPS-1", "OPS-2"]
    assert tickets(expiring(policies, TODAY)) == ["OPS-3", "OPS-4"]
    assert tickets(expiring(policies, TODAY, days=15)) == ["OPS-3", "OPS-4", "OPS-5"]


def test_days_left_and_days_since_are_metrics_of_the_moment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(create_app(Settings(policies=folder))) as client:
        calendar = Calendar()
        monkeypatch.setattr(_engine(client), "today", calendar)

        def samples() -> dict[str, float]:
            lines = [line for line in client.get("/metrics").text.splitlines() if "_exceptions_" in line]
            return {
                f"{line.split('{')[0].rpartition('_')[2]} {line.partition('ticket=')[2][1:6]}": float(line.split()[-1])
                for line in lines
                if not line.startswith("#")
            }

        expected = {"expired OPS-1": 23, "expired OPS-2": 1, "expiring OPS-3": 0, "expiring OPS-4": 14}
        assert samples() == expected
        calendar.day = date(2026, 11, 25)
        assert samples() == {
            "expired OPS-1": 24,
            "expired OPS-2": 2,
            "expired OPS-3": 1,
            "expiring OPS-4": 13,
            "expiring OPS-5": 14,
        }
        lines = client.get("/metrics").text
        assert 'vmconfig_policy_exceptions_expiring{owner="boot-team",rule="site/r",ticket="OPS-4"' in lines
        assert 'until="2026-12-08"' in lines


def test_a_thousand_exceptions_are_a_hundred_series_the_nearest_first(tmp_path: Path) -> None:
    many = {f"OPS-{number}": date.fromordinal(TODAY.toordinal() - 1 - number).isoformat() for number in range(1000)}
    (tmp_path / "a.yaml").write_text(with_exceptions(**many))
    metrics = Metrics()
    engine = Policies(tmp_path, declared_fields(), today=lambda: TODAY).engine
    from webhook.policy.loading.exceptions import ending

    metrics.exceptions(ending(engine.policies, TODAY))
    lines = [line for line in metrics.text().decode().splitlines() if line.startswith("vmconfig_policy_exceptions")]
    assert len(lines) == 100
    assert any('ticket="OPS-0"' in line for line in lines)
    assert not any('ticket="OPS-999"' in line for line in lines)


def test_readyz_tells_of_exceptions_and_is_ready_all_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(create_app(Settings(policies=folder))) as client:
        monkeypatch.setattr(_engine(client), "today", lambda: TODAY)
        answer = client.get("/readyz")
        assert answer.status_code == 200
        rules = [finding["rule"] for finding in answer.json()["policy"]["exceptions"]]
        assert rules == ["expired", "expired", "expiring", "expiring"]


def test_an_end_of_an_exception_is_told_once_on_its_day(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    calendar, written = Calendar(), Written()
    news = PolicyReporter(Policies(folder, declared_fields(), today=calendar), Metrics(), written)  # type: ignore[arg-type]
    news.report_expired()
    assert written.reasons() == ["PolicyExceptionEnded"]  # those that had ended before the start
    news.report_expired()
    calendar.day = date(2026, 11, 25)
    news.report_expired()
    news.report_expired()
    assert written.reasons() == ["PolicyExceptionEnded"] * 2
    sort, _, message = written.told[-1]
    assert sort == "Warning"
    assert message.count("ended on") == 1
    assert "ended on 2026-11-24" in message
    lines = [orjson.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [len(line["findings"]) for line in lines] == [2, 1]


def test_a_bad_change_and_a_good_one_are_told_with_findings_and_digest(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    policies, written, metrics = Policies(tmp_path, declared_fields()), Written(), Metrics()
    news = PolicyReporter(policies, metrics, written)  # type: ignore[arg-type]
    (tmp_path / "a.yaml").write_text(whole(policy("site", "forbid: {class: host-paths}")))
    news.on_refused(policies.reload())
    assert b"vmconfig_policies_loaded 0.0" in metrics.text()
    (tmp_path / "a.yaml").write_text(whole(policy("other")))
    policies.reload()
    news.on_loaded(policies)
    assert b"vmconfig_policies_loaded 1.0" in metrics.text()
    (bad_sort, bad, refusal), (good_sort, good, loading) = written.told
    assert (bad_sort, bad, good_sort, good) == ("Warning", "PolicyRefused", "Normal", "PolicyLoaded")
    assert "a.yaml:4:35: class `host-paths` is not known" in refusal
    assert policies.digest in loading


def test_a_message_holds_the_first_findings_and_says_how_many_there_are_more() -> None:
    findings = [Finding(f"policies/{n}.yaml:1:1", "is wrong " * 8) for n in range(40)]
    text = first(findings)
    assert len(text.encode()) <= 1000
    shown = text.count("is wrong is")
    assert shown > 5
    assert text.endswith(f"and {40 - text.count('policies/')} more")
    assert first([Finding("a", "b" * 5000)]) == "a: " + "b" * 897


class Slow:
    """A stand-in for the API server that keeps what it is told, or refuses it when a test wants it to."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse = refuse
        self.events: list[dict[str, Any]] = []

    def read_namespaced_config_map(self, *_: str, **__: Any) -> Any:
        from kubernetes.client import ApiException, V1ConfigMap, V1ObjectMeta

        if self.refuse:
            raise ApiException(403, "Forbidden")
        return V1ConfigMap(metadata=V1ObjectMeta(uid="the-uid"))

    def create_namespaced_event(self, _: str, body: dict[str, Any], **__: Any) -> None:
        self.events.append(body)


def told(core: Slow, tell: Callable[..., None], story: Callable[[Events], Any], seconds: float) -> None:
    async def run() -> None:
        events = Events(core, "vmconfig-system", "vmconfig-policies", tell)
        task = asyncio.create_task(events.run())
        await asyncio.sleep(0.05)
        story(events)
        await asyncio.sleep(seconds)
        task.cancel()

    asyncio.run(run())


def test_news_that_come_faster_than_they_are_written_give_way_to_the_newest_of_their_kind() -> None:
    core = Slow()

    def story(events: Events) -> None:
        events.record("Normal", "PolicyLoaded", "good")
        for number in range(1000):
            events.record("Warning", "PolicyRefused", f"change {number}")

    told(core, lambda *_, **__: None, story, 1.5)
    assert [event["message"] for event in core.events] == ["good", "change 999"]


def test_an_event_that_cannot_be_written_is_said_in_the_log_and_is_no_error() -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    core = Slow(refuse=True)
    told(
        core, lambda event, **facts: said.append((event, facts)), lambda e: e.record("Normal", "PolicyLoaded", "x"), 0.3
    )
    ((event, facts),) = said
    assert event == "event not written"
    assert facts["reason"] == "PolicyLoaded"
    assert "403" in facts["problem"]
    assert core.events == []


def _engine(client: TestClient) -> Any:
    app: Any = client.app
    return app.state.context.policies.engine
