"""The check of a ConfigMap with policies costs the service nothing: neither its time nor its memory, whatever it is."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.admission.reviews import POLICIES, review
from tests.e2e.service import Service, serving
from tests.policy.files import HEAD, ended, policy, whole
from tests.waiting import PATIENCE, until
from webhook.admission import policy_process
from webhook.admission.context import AdmissionContext
from webhook.admission.policy_process import MEMORY, Checks, Outcome
from webhook.admission.review import Verdict
from webhook.kinds import declared_fields
from webhook.policy import Policies, shipped
from webhook.server.hooks import Hook
from webhook.server.metrics import Metrics
from webhook.server.slow_hooks import SlowHooks

TODAY = date(2026, 11, 24)
GOOD = [("a.yaml", whole(policy()).encode())]
EXAMPLE = yaml.safe_load((POLICIES.parent / "examples" / "proposal-features.yaml").read_text())


def patterns(count: int, pattern: str) -> str:
    rules = "".join(
        f"- {{name: r{n}, forbid: {{path: domain.title}}, when: {{matches: 'b{n}{pattern}'}}}}\n" for n in range(count)
    )
    return ended(f"{HEAD % 'patterns'}rules:\n{rules}")


def limits(count: int) -> str:
    rules = "".join(
        f"- {{name: r{n}, forbid: {{path: domain.vcpu.count}}, when: {{above: {n}}}}}\n" for n in range(count)
    )
    return ended(f"{HEAD % 'limits'}rules:\n{rules}")


def values(count: int) -> str:
    listed = ",".join(map(str, range(count)))
    return ended(f"{HEAD % 'values'}rules:\n- {{name: r, forbid: {{class: frontend}}, when: {{in: [{listed}]}}}}\n")


HEAVY = {
    "expressions that RE2 makes megabytes of": patterns(300, r"[\pL\pN]{0,200}"),
    "expressions as large as they may be": patterns(250, "[^/]{1,250}"),
    "many rules": limits(10_000),
    "many values": values(150_000),
    "many findings": ended(f"{HEAD % 'p'}rules:\n" + "- {name: r, deny: {path: domain.titel}}\n" * 20_000),
    "many documents": ended("---\n".join(policy(f"p{number}") for number in range(1_900))),
    "lists in lists": "[" * 150_000,
}


def config_map(text: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "policies"}, "data": {"a.yaml": text}}


def test_good_files_have_no_findings_and_bad_ones_those_of_the_loader() -> None:
    assert checked("p", GOOD, "restricted", TODAY) == Outcome()
    (finding,) = checked("p", [*GOOD, ("b.yaml", policy("b").encode())], "restricted", TODAY).findings
    assert finding.path == "p/b.yaml:4:1"
    assert "does not end with" in finding.problem


def test_bytes_that_are_no_text_arrive_as_they_are() -> None:
    (finding,) = checked("p", [("a.yaml", bytes(range(128, 256)))], "restricted", TODAY).findings
    assert finding.problem == "is not UTF-8"


def test_the_day_is_that_of_the_service() -> None:
    text = policy() + "exceptions: [{rule: site/r, namespaces: [a], until: 2026-11-23, owner: o, ticket: t}]\n"
    (note,) = checked("p", [("a.yaml", whole(text).encode())], "restricted", TODAY).notes
    assert "ended on 2026-11-23" in note.problem


def checked(name: str, files: Sequence[tuple[str, bytes]], default_level: str, today: date) -> Outcome:
    return Checks().checked(name, files, default_level, today)


def _exit(code: int) -> Callable[..., Any]:
    return lambda *_: (code, b"")


@pytest.mark.parametrize("code", [3, -9, -24, -6], ids=["no memory", "killed", "no time", "aborted"])
def test_a_process_that_met_a_limit_is_a_finding_with_a_help(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A stand-in for the process: what the kernel does to one that is too greedy is tried below."""
    monkeypatch.setattr(Checks, "_run", _exit(code))
    (finding,) = checked("p", GOOD, "restricted", TODAY).findings
    assert finding.problem == f"takes more than {MEMORY >> 20} MiB of memory or 8 s to load"
    assert finding.help


def test_a_process_that_fails_otherwise_is_an_error_and_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checks, "_run", _exit(1))
    with pytest.raises(RuntimeError):
        checked("p", GOOD, "restricted", TODAY)


@pytest.mark.parametrize(
    ("greedy", "setting"),
    [
        ("x = [bytearray(1 << 20) for _ in range(4096)]", "MEMORY"),
        ("while True: pass", "CPU"),
        ("import time; time.sleep(3600)", "DEADLINE"),
    ],
    ids=["memory", "CPU", "time"],
)
def test_the_kernel_ends_a_process_that_takes_more_than_it_may(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, greedy: str, setting: str
) -> None:
    """The limits of the process itself, with a loader that is as bad as any can be in place of ours."""
    program = tmp_path / "greedy.py"
    seconds = {"CPU": 1, "DEADLINE": 1}.get(setting, MEMORY)
    program.write_text(
        "import sys\nfrom webhook.admission import policy_process\n"
        f"policy_process.{'CPU' if setting == 'DEADLINE' else setting} = {seconds}\n"
        f"def greedy(asked):\n    {greedy}\n"
        "policy_process._loaded = greedy\nsys.exit(policy_process.main())\n"
    )
    run = Checks._run

    def instead(checks: Checks, command: list[str], asked: bytes) -> Any:
        return run(checks, [*command[:-2], str(program)], asked)

    monkeypatch.setattr(Checks, "_run", instead)
    if setting == "DEADLINE":
        monkeypatch.setattr(policy_process, "DEADLINE", 1.0)
    (finding,) = checked("p", GOOD, "restricted", TODAY).findings
    assert "takes more than" in finding.problem


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("serving")) as service:
        yield service


def _children(service: Service) -> list[int]:
    """The processes that any of the service's threads started."""
    tasks = Path(f"/proc/{service.process.pid}/task").glob("*/children")
    return [int(child) for children in tasks for child in children.read_text().split()]


def _checking(service: Service) -> list[int]:
    """Those that are checks already, and no longer copies of the service that will be: these it waits for."""
    return [child for child in _children(service) if b"policy_process" in _command(child)]


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def _memory(service: Service) -> int:
    return int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]) * 4096


def test_the_service_takes_no_memory_for_what_it_checks_and_leaves_no_process(running: Service) -> None:
    with httpx.Client(base_url=running.url, verify=running.trusted(), timeout=120) as connection:
        for text in ("", whole(policy()), "x" * (1 << 20)):  # the largest body, too
            connection.post("/policies", json=review(config_map(text))).raise_for_status()
        before = _memory(running)
        for title, text in HEAVY.items():
            answer = connection.post("/policies", json=review(config_map(text))).json()["response"]
            assert not answer["allowed"], title
            assert "help:" in answer["status"]["message"], title
            assert "an unexpected error" not in answer["status"]["message"], title
        assert _memory(running) - before < 32 << 20
    assert _children(running) == []


def test_reviews_go_on_while_policies_are_checked(running: Service) -> None:
    """The slowest review meanwhile takes a small part of the check: nothing of it runs in the service."""
    took: dict[str, float] = {}
    with httpx.Client(base_url=running.url, verify=running.trusted(), timeout=120) as connection:

        def check() -> None:
            began = time.monotonic()
            with httpx.Client(base_url=running.url, verify=running.trusted(), timeout=120) as other:
                other.post("/policies", json=review(config_map(limits(15_000)))).raise_for_status()
            took["check"] = time.monotonic() - began

        connection.post("/mutate", json=review(EXAMPLE)).raise_for_status()
        checking = threading.Thread(target=check)
        checking.start()
        answered = 0
        while checking.is_alive():
            connection.post("/mutate", json=review(EXAMPLE)).raise_for_status()
            answered += 1
        checking.join()
    print(f"{answered} reviews within {took['check']:.2f} s")
    assert answered >= 10


class Slow:
    """A hook that decides when it is told to, and counts how many decide at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.at_once = self.most = 0

    def decide(self, *_: object) -> Verdict:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.go.wait(60)
        self.at_once -= 1
        return Verdict(allowed=True)


def test_one_check_runs_at_a_time_so_many_wait_and_the_rest_are_told_to_come_again() -> None:
    slow, metrics = Slow(), Metrics()
    hook = Hook("policies", AdmissionContext(Policies(shipped(), declared_fields())), metrics)
    hook.decide = slow.decide
    body = httpx.Request("POST", "http://a", json=review(config_map(""))).content

    async def story() -> list[int]:
        hooks = SlowHooks(3)
        asked = [asyncio.create_task(hooks(hook, body)) for _ in range(5)]
        await asyncio.sleep(0.1)
        assert [each.done() for each in asked] == [False, False, False, True, True]
        slow.go.set()
        first = [(await each)[0] for each in asked]
        return [*first, (await hooks(hook, body))[0]]

    assert asyncio.run(story()) == [200, 200, 200, 429, 429, 200]
    assert slow.most == 1
    assert b'vmconfig_malformed_total{status="429"} 2.0' in metrics.text()


def test_what_is_turned_away_says_so() -> None:
    hook = Hook("policies", AdmissionContext(Policies(shipped(), declared_fields())), Metrics())
    code, body = asyncio.run(SlowHooks(0)(hook, b"{}"))
    assert code == 429
    assert b'"reason":"TooManyRequests"' in body
    assert b"try again" in body


def test_where_no_thread_is_left_the_answer_says_so_and_the_turn_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node's limit of processes counts threads too; `Thread.start` fails as it does there."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    hook, apart = Hook("policies", AdmissionContext(Policies(shipped(), declared_fields())), Metrics()), SlowHooks(1)

    async def story() -> list[int]:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            first, body = await apart(hook, b"{}")
        assert b'"reason":"ServiceUnavailable"' in body
        return [first, (await apart(hook, b"{}"))[0]]

    assert asyncio.run(story()) == [503, 400]


@pytest.mark.parametrize("double", [False, True], ids=["SIGTERM", "SIGTERM twice"])
def test_a_check_that_hangs_ends_with_the_service_and_is_answered(tmp_path: Path, double: bool) -> None:
    """A check that met its own deadline instead would be answered otherwise."""
    answers: list[Any] = []
    with serving(tmp_path, flags=("--drain-seconds", "0.2")) as service:
        asking = [threading.Thread(target=lambda: answers.append(_sent(service))) for _ in range(3)]
        for each in asking:
            each.start()
        until(lambda: _checking(service), "no check began")
        stopped = _checking(service)
        for child in stopped:
            os.kill(child, signal.SIGSTOP)
        service.process.terminate()
        if double:
            until(lambda: "draining" in service.log(), "it does not drain")
            service.process.terminate()
        assert service.process.wait(PATIENCE) == 0
        for each in asking:
            each.join(PATIENCE)
    assert [answer["allowed"] for answer in answers] == [False] * 3
    for answer in answers:
        assert "was not checked: the service is shutting down\n  help: send it again" in answer["status"]["message"]
    assert not any(Path(f"/proc/{child}").exists() for child in stopped)


def _sent(service: Service) -> Any:
    with httpx.Client(base_url=service.url, verify=service.trusted(), timeout=PATIENCE, trust_env=False) as connection:
        return connection.post("/policies", json=review(config_map(whole(policy())))).json()["response"]
