"""What comes of a process that does not do what it is for: an error of the call, in time, and nothing else."""

from __future__ import annotations

import sys
import time

import pytest

from webhook.sidecar import worker
from webhook.sidecar.status import Code, Failed

# Stand-ins for the process: what it says and how it ends.
ENDS = {
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Code.INTERNAL, "exit code -9"),
    "an error of its own": ("raise KeyError('x')", Code.INTERNAL, "the log says why"),
    "findings": ("print('a: b\\n  help: c'); raise SystemExit(10)", Code.FAILED_PRECONDITION, "a: b\n  help: c"),
    "malformed": ("print('no'); raise SystemExit(11)", Code.INVALID_ARGUMENT, "no"),
    "it cannot start": ("raise SystemExit(3)", Code.INTERNAL, "the log says why"),
}


def _until() -> float:
    return time.monotonic() + 600


@pytest.mark.parametrize("program", ENDS)
def test_how_a_process_ends_is_the_calls_error(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, code, says = ENDS[program]
    monkeypatch.setattr(worker, "_COMMAND", (sys.executable, "-c", text))
    with pytest.raises(Failed) as failed:
        worker.restate(b"<domain/>", b"{}", _until())
    assert failed.value.code == code
    assert says in failed.value.text


def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_COMMAND", (sys.executable, "-c", "import time; time.sleep(3600)"))
    monkeypatch.setattr(worker, "LONGEST", 0.5)
    with pytest.raises(Failed) as failed:
        worker.restate(b"<domain/>", b"{}", _until())
    assert failed.value.code == Code.DEADLINE_EXCEEDED


def test_one_that_takes_too_much_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28)); bytearray(1 << 29)"
    monkeypatch.setattr(worker, "_COMMAND", (sys.executable, "-c", text))
    with pytest.raises(Failed):
        worker.restate(b"<domain/>", b"{}", _until())


def test_who_waits_for_another_is_told_when_there_is_no_time_left() -> None:
    with worker._alone, pytest.raises(Failed) as failed:
        worker.restate(b"<domain/>", b"{}", time.monotonic() + 0.1)
    assert failed.value.code == Code.DEADLINE_EXCEEDED


def test_a_domain_comes_back() -> None:
    assert worker.restate(b"<domain/>", b"{}", _until()) == b"<domain/>"
