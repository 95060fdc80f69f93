"""A log that cannot be written costs lines, which are counted: never a review, a probe or the end of the process."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.e2e.service import ROOT, Service, serving
from tests.faults.load import alive, loaded, metric, readiness
from tests.waiting import PATIENCE, until

DROPPED = "vmconfig_log_lines_dropped_total"
QUICK = ("--drain-seconds", "0.2")


def ends(service: Service) -> None:
    """SIGTERM ends it in order."""
    service.process.terminate()
    assert service.process.wait(PATIENCE) == 0


@contextlib.contextmanager
def writing(folder: Path, to: str) -> Iterator[Service]:
    """A service whose standard output and standard error a shell has redirected."""
    shell = ("sh", "-c", f'exec "$@" {to}', "sh")
    with serving(folder, flags=QUICK, through=shell) as service:
        yield service


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A named pipe, and the descriptor of its reader."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    yield path, reader
    with contextlib.suppress(OSError):
        os.close(reader)


@pytest.mark.parametrize(
    "to", [">/dev/full 2>&1", ">&- 2>&-", ">&- 2>/dev/full <&-"], ids=["a full disk", "closed", "all closed"]
)
def test_a_log_that_cannot_be_written_costs_lines_and_nothing_else(tmp_path: Path, to: str) -> None:
    with writing(tmp_path, to) as service, loaded(service) as load:
        load.goes_on()
        assert alive(service)
        assert readiness(service)[0] == 200
        right = load.right
        until(lambda: metric(service, DROPPED) >= 2 * right, "lines are not counted")
        load.end()
        ends(service)


def test_where_it_is_started_without_standard_descriptors_no_socket_gets_their_numbers(tmp_path: Path) -> None:
    with writing(tmp_path, ">&- 2>&- <&-") as service, loaded(service):
        held = [os.readlink(f"/proc/{service.process.pid}/fd/{number}") for number in range(3)]
    assert held == ["/dev/null"] * 3


def test_a_log_that_can_be_written_drops_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, flags=QUICK) as service:
        with loaded(service) as load:
            load.goes_on()
        assert metric(service, DROPPED) == 0
        ends(service)
    lines = [orjson.loads(line) for line in service.log().splitlines()]
    assert sum(line["event"] in ("mutate", "validate") for line in lines) == 2 * load.right
    assert lines[-1]["event"] == "stopped"


def test_a_reader_that_goes_away_costs_lines_and_nothing_else(tmp_path: Path, pipe: tuple[Path, int]) -> None:
    path, reader = pipe
    with writing(tmp_path, f">{path} 2>&1") as service, loaded(service) as load:
        assert metric(service, DROPPED) == 0
        os.close(reader)
        before = load.right
        load.goes_on()
        until(lambda: metric(service, DROPPED) >= load.right - before, "lines are not counted")
        assert alive(service)
        assert readiness(service)[0] == 200
        load.end()
        ends(service)


def test_a_reader_that_stops_stops_nothing(tmp_path: Path, pipe: tuple[Path, int]) -> None:
    path, _ = pipe
    with writing(tmp_path, f">{path} 2>&1") as service, loaded(service) as load:
        # A pipe holds 64 KiB (pipe(7)), which are fewer than 400 lines.
        load.goes_on(400)
        assert alive(service)
        assert readiness(service)[0] == 200
        load.end()
        ends(service)


def test_a_reader_that_comes_back_is_given_all_that_waited(tmp_path: Path, pipe: tuple[Path, int]) -> None:
    path, reader = pipe
    read: list[bytes] = []

    def drain() -> None:
        while chunk := os.read(reader, 1 << 16):
            read.append(chunk)

    with writing(tmp_path, f">{path} 2>&1") as service:
        with loaded(service) as load:
            load.goes_on(400)
            thread = threading.Thread(target=drain)
            thread.start()
            load.goes_on()
        assert metric(service, DROPPED) == 0
        ends(service)
    thread.join(PATIENCE)
    lines = [orjson.loads(line) for line in b"".join(read).splitlines()]
    assert sum(line["event"] in ("mutate", "validate") for line in lines) == 2 * load.right
    assert lines[-1]["event"] == "stopped"


def test_a_disk_that_has_room_again_gets_whole_lines_and_how_many_it_lacks(tmp_path: Path) -> None:
    with serving(tmp_path, flags=QUICK) as service:
        log = tmp_path / "log"
        with loaded(service) as load:
            size = log.stat().st_size
            _, most = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size + 1000, most))
            until(lambda: metric(service, DROPPED) > 50, "nothing was dropped")
            load.goes_on()
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (most, most))
            load.goes_on()
        dropped = metric(service, DROPPED)
        ends(service)
    *torn, told = _up_to_the_first_notice(log.read_bytes())
    assert [line for line in torn if not _whole(line)] == torn[-1:]  # what had no room for its end
    assert _whole(torn[-2])
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines() if _whole(line)]
    assert orjson.loads(told)["event"] == "log lines dropped"
    assert sum(line.get("lines", 0) for line in lines) == dropped
    decisions = sum(line["event"] in ("mutate", "validate") for line in lines)
    assert decisions + dropped == 2 * load.right
    assert lines[-1]["event"] == "stopped"


def _up_to_the_first_notice(log: bytes) -> list[bytes]:
    lines = log.splitlines()
    (first, *_) = [number for number, line in enumerate(lines) if b'"log lines dropped"' in line]
    return lines[: first + 1]


def _whole(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def test_what_is_logged_by_libraries_is_a_line_of_the_log_and_not_on_standard_error(tmp_path: Path) -> None:
    with serving(tmp_path, flags=QUICK) as service:
        # `certs` knows nothing of the service and logs as every library does; it warns of a folder that lacks a file.
        for each in (tmp_path / "certs").iterdir():
            if each.is_symlink():
                each.unlink()
        until(lambda: "not refreshed" in service.log(), "the warning is not in the log")
        ends(service)
    lines = [orjson.loads(line) for line in service.log().splitlines()]
    (message,) = [line for line in lines if line["event"] == "message"]
    assert (message["level"], message["logger"]) == ("WARNING", "certs.serve")
    assert message["text"].startswith("certificates not refreshed")


def test_warnings_and_exceptions_that_nobody_catches_are_lines_of_the_log_too() -> None:
    program = """
import threading, warnings
from webhook.server import logs
from webhook.server.supervision import Supervision

class Dying:
    def __del__(self):
        raise KeyError("of a finalizer")

with logs.queued(Supervision(logs.event)):
    warnings.warn("old ways")
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    Dying()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stderr == ""
    warned, divided, finalized = (orjson.loads(line) for line in done.stdout.splitlines())
    assert (warned["level"], warned["logger"]) == ("WARNING", "py.warnings")
    assert "old ways" in warned["text"]
    assert (divided["event"], divided["problem"]) == ("error", "ZeroDivisionError")
    assert "ZeroDivisionError" in divided["traceback"]
    assert finalized["problem"] == "KeyError"


def test_a_second_sigterm_ends_it_at_once_with_the_log_stopped_too(tmp_path: Path, pipe: tuple[Path, int]) -> None:
    path, _ = pipe
    shell = ("sh", "-c", f'exec "$@" >{path} 2>&1', "sh")
    with serving(tmp_path, flags=("--drain-seconds", "600"), through=shell) as service:
        with loaded(service) as load:
            load.goes_on(400)
        service.process.terminate()
        until(lambda: readiness(service)[0] == 503, "it does not drain")
        service.process.terminate()
        assert service.process.wait(PATIENCE) in (0, -signal.SIGTERM)
