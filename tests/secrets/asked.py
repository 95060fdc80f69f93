"""Everything that the service tells of an object: answers, log, metrics, reports, and what the command prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import orjson
import pytest

from tests.admission.reviews import POLICIES, review
from tests.attacks.manifests import manifest
from webhook.admission.context import AdmissionContext
from webhook.admission.stored import check_stored
from webhook.kinds import VM, declared_fields
from webhook.policy import Policies
from webhook.policy.tools.report import Report, Subject, results
from webhook.server import logs
from webhook.server.hooks import Hook
from webhook.server.metrics import Metrics
from webhook.trees import Tree

_LABELS = {"vmconfig.kubevirt.io/warn": "restricted", "vmconfig.kubevirt.io/audit": "baseline"}


class Told:
    """All that was told since it was made."""

    def __init__(self, patcher: pytest.MonkeyPatch, level: str = "restricted") -> None:
        self.lines: list[str] = []
        self.metrics = Metrics()
        patcher.setattr(logs, "write", lambda line: self.lines.append(str(line)))
        self.context = _world(level)
        self.hooks = {name: Hook(name, self.context, self.metrics) for name in ("mutate", "validate")}

    def of(self, spec: Any, stored: Any = None, status: Tree | None = None) -> str:
        """What both webhooks answer on a review of this spec, and all else that is written meanwhile."""
        obj, old = manifest("VM", spec), None if stored is None else manifest("VM", stored)
        if status is not None:
            obj = {**obj, "status": status}
        self.lines.clear()
        tree = review(obj, old=old)
        if status is not None:
            tree["request"]["subResource"] = "status"
        answers = [self.hooks[name](_bytes(tree)) for name in self.hooks]
        # A patch is the object itself: nothing is told of it.
        shown = [_without_patch(answer) for _, answer in answers]
        return "\n".join([*shown, *self.lines, self.metrics.text().decode()])

    def reported(self, spec: Any) -> str:
        """What an audit says of a stored object, and its PolicyReport."""
        judged = check_stored(manifest("VM", spec), VM, self.context)
        found = results(judged.decision, judged.malformed, judged.classes)
        report = Report("default")
        report.add(Subject("v1", "VM", "default", "web-1", "1"), found)
        return f"{[asdict(each) for each in found]}\n{report.tree()}\n{judged.malformed}"


@cache
def _world(level: str) -> AdmissionContext:
    labels: Mapping[str, str] = _LABELS if level == "privileged" else {}
    return AdmissionContext(Policies(POLICIES, declared_fields(), level), labels=lambda _: labels)


def _bytes(tree: Tree) -> bytes:
    return orjson.dumps(tree)


def _without_patch(answer: bytes) -> str:
    response: Tree = orjson.loads(answer)["response"]
    return orjson.dumps({name: said for name, said in response.items() if name != "patch"}).decode()
