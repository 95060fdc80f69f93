"""Policies of a ConfigMap are loaded in a process of their own, which may cost so much and no more.

Whoever reaches the port may send policies, and Python runs one thread at a time: in the service itself even a bounded
loading would delay reviews, and what it takes of memory would stay. The process is started for one check, is limited by
the kernel before it reads anything, and is gone afterwards.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from webhook.findings import Finding, Refused

# Bytes that the process may write to, beside what is mapped from files; seconds of CPU; seconds in all.
MEMORY, CPU, DEADLINE = 96 << 20, 8, 20.0
# It gives way to reviews, and is what the kernel ends first where a pod has no memory left.
_NICE, _FIRST_TO_GO = 5, "1000"
# How the process says that it wanted more memory.
_NO_MEMORY = 3
# Stands for the exit code of a process that was not started.
_NOT_BEGUN = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is wrong with the files, or what is worth saying of them."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


class Checks:
    """The checks of one service; for any thread."""

    def __init__(self) -> None:
        self.ended = False
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def end(self) -> None:
        """End those that run, and begin none any more: a process that hangs holds up no shutdown."""
        with self._lock:
            self.ended = True
            for process in self._running:
                process.kill()

    def checked(self, name: str, files: Sequence[tuple[str, bytes]], default_level: str, today: date) -> Outcome:
        """Load files as the service would from the folder `name`; waits until that is done or is too much."""
        asked = {
            "name": name,
            "files": [[file, content.decode("latin-1")] for file, content in files],
            "level": default_level,
            "today": today.isoformat(),
        }
        try:
            code, told = self._run([sys.executable, "-P", "-m", __name__], orjson.dumps(asked))
        except subprocess.TimeoutExpired:
            return _too_much(name)
        if self.ended and code:
            return _not_checked(name)
        if code == _NO_MEMORY or code < 0:
            return _too_much(name)
        if code:
            raise RuntimeError(f"the check of policies ended with {code}")
        outcome = orjson.loads(told)
        return Outcome(*(tuple(Finding(**each) for each in outcome[part]) for part in ("findings", "notes")))

    def _run(self, command: list[str], asked: bytes) -> tuple[int, bytes]:
        """The exit code and the output of one process; raises TimeoutExpired. It has ended in any case."""
        if self.ended:
            return _NOT_BEGUN, b""
        # Not under the lock: a process may be slow to start, and `end` waits for nothing.
        process = subprocess.Popen(  # noqa: S603 - the same Python, on a module of ours
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        with self._lock:
            self._running.add(process)
            if self.ended:
                process.kill()
        with process:
            try:
                told, _ = process.communicate(asked, timeout=DEADLINE)
            finally:
                process.kill()
                with self._lock:
                    self._running.discard(process)
        return process.returncode, told


def _not_checked(name: str) -> Outcome:
    return Outcome((Finding(name, "was not checked: the service is shutting down", "send it again", "policy"),))


def _too_much(name: str) -> Outcome:
    problem = f"takes more than {MEMORY >> 20} MiB of memory or {CPU} s to load"
    return Outcome((Finding(name, problem, "write fewer rules, conditions and regular expressions", "policy"),))


def _loaded(asked: dict[str, Any]) -> Outcome:
    # The process that asks needs none of it.
    from webhook.admission.apis import kubevirt_api
    from webhook.kinds import declared_fields
    from webhook.policy.loading.exceptions import expiring
    from webhook.policy.loading.load import Loading, load_contents

    today = date.fromisoformat(asked["today"])
    files = [(file, content.encode("latin-1")) for file, content in asked["files"]]
    try:
        loading = Loading(declared_fields(), asked["level"], lambda: today, kubevirt=kubevirt_api())
        loaded = load_contents(asked["name"], files, loading)
    except Refused as refused:
        return Outcome(tuple(refused.findings))
    return Outcome(notes=(*loaded.notes, *expiring(loaded.policies, today)))


def _limit() -> None:
    """Bounds of the kernel's own, before anything is read."""
    os.nice(_NICE)
    for what, most in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_CPU, CPU),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    try:
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    except OSError:  # another system, or one that does not let us: the limits hold
        return


def main() -> int:
    """One check: the files on standard input, the outcome on standard output."""
    try:
        _limit()
        outcome = _loaded(orjson.loads(sys.stdin.buffer.read()))
        outcome_json = {part: [each.as_dict() for each in getattr(outcome, part)] for part in ("findings", "notes")}
        sys.stdout.buffer.write(orjson.dumps(outcome_json))
    except MemoryError:
        return _NO_MEMORY
    return 0


if __name__ == "__main__":
    sys.exit(main())
