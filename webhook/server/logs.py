"""A JSON line a decision on standard output, with no value of the object in it."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

import orjson

from webhook.admission.review import Review, Verdict


def decision(hook: str, review: Review, verdict: Verdict, seconds: float, patch_bytes: int, digest: str) -> None:
    """What was decided on one review, about which object, for whom, by which rules."""
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(time.time(), UTC),
        "event": hook,
        "uid": review.uid,
        "operation": review.operation,
        "kind": review.kind,
        "namespace": review.namespace,
        "name": review.name,
        "user": review.user,
        "dryRun": review.dry_run,
        "allowed": verdict.allowed,
        "patchBytes": patch_bytes,
        "milliseconds": round(seconds * 1000, 3),
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
    """Anything else that an operator should know of."""
    write({"time": datetime.now(UTC), "event": name, **facts})


def write(line: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
