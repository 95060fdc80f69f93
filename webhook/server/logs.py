"""A JSON line a decision on standard output, with no value of the object in it.

Nothing here raises, and while `queued` is entered nothing waits: the log stands on the path of every decision.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from webhook.server.decision import Decision
from webhook.server.log_writer import LogWriter
from webhook.server.supervision import Supervision

# Seconds at the end of the process for what has not been written yet.
FLUSH = 2.0


def decision(made: Decision, digest: str) -> None:
    """What was decided on one review, about which object, for whom, by which rules; `digest` names the policies."""
    review, verdict = made.review, made.verdict
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(time.time(), UTC),
        "event": made.hook,
        "uid": review.uid,
        "operation": review.operation,
        "kind": review.kind,
        "namespace": review.namespace,
        "name": review.name,
        "user": review.user,
        "dryRun": review.dry_run,
        "allowed": verdict.allowed,
        "patchBytes": made.patch_bytes,
        "milliseconds": round(made.seconds * 1000, 3),
        "policy": digest,
    }
    if review.subresource:
        line["subresource"] = review.subresource
    if verdict.findings:
        line["findings"] = [{"path": found.path, "rule": found.rule} for found in verdict.findings[:100]]
    if verdict.audits:
        line["audits"] = [{"path": found.path, "rule": found.rule} for found in verdict.audits[:100]]
    write(line)


def event(name: str, **facts: Any) -> None:
    """Any other event for operators."""
    write({"time": datetime.now(UTC), "event": name, **facts})


def write(line: dict[str, Any]) -> None:
    _put(_rendered(line))


def dropped() -> int:
    """Lines that could not be written, since the process began to queue them."""
    return _writer.dropped if _writer is not None else 0


@contextlib.contextmanager
def queued(supervision: Supervision) -> Iterator[None]:
    """While this is entered a thread writes the log, with the messages of libraries, warnings and failed threads.

    At the end what waits is written, for FLUSH seconds at most; nothing is written afterwards.
    """
    global _put, _writer
    _writer = writer = LogWriter(_standard_output(), _lost)
    _put = writer.put
    thread = supervision.thread("log", writer.run, writer.ending)
    _collect()
    try:
        yield
    finally:
        writer.end()
        thread.join(FLUSH)


def _straight(line: bytes) -> None:
    """Without a service a line is written at once."""
    with contextlib.suppress(Exception):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


# Global on purpose: standard output is the process's own, and handlers of signals, threads and finalizers, which are
# given no argument, log too. `queued` alone sets both.
_put: Callable[[bytes], None] = _straight
_writer: LogWriter | None = None


def _rendered(line: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a surrogate pair, or a number beyond 64 bits
        return json.dumps(line, default=str, skipkeys=True).encode() + b"\n"


def _lost(lines: int) -> bytes:
    return _rendered({"time": datetime.now(UTC), "event": "log lines dropped", "lines": lines})


def _standard_output() -> int | None:
    """The descriptor of standard output; None where the process was started without it.

    A closed standard descriptor is opened on the null device: else a socket could get its number and what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    return None if sys.__stdout__ is None else sys.__stdout__.fileno()


class _Messages(logging.Handler):
    """Messages of libraries, as lines of the log: on standard error a write could raise or wait."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            where = "".join(traceback.format_exception(record.exc_info[1])) if record.exc_info else None
            facts = {"traceback": where} if where else {}
            event("message", logger=record.name, level=record.levelname, text=record.getMessage(), **facts)


def _collect() -> None:
    """Have everything that would be printed on standard error be a line of the log."""
    logging.basicConfig(handlers=[_Messages()], force=True)
    logging.captureWarnings(True)
    logging.getLogger("certs").setLevel(logging.INFO)
    # It logs each retry; the caller logs the outcome.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    threading.excepthook = sys.unraisablehook = _unraised


def _unraised(unraised: Any) -> None:
    """Log an exception that nothing catches: of a thread, or of a finalizer."""
    where = "".join(traceback.format_exception(unraised.exc_value)) if unraised.exc_value else None
    event("error", problem=unraised.exc_type.__name__, traceback=where)
