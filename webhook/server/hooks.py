"""One review from bytes to bytes: bounds, decision, log line, metrics; and what happens where something breaks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import orjson

from webhook.admission.context import AdmissionContext
from webhook.admission.kubevirt import validate_kubevirt
from webhook.admission.kubevirt_machine import keep_machine
from webhook.admission.kubevirt_pod import add_hook
from webhook.admission.mutate import mutate
from webhook.admission.policies import KIND as CONFIG_MAP
from webhook.admission.policies import check_policies
from webhook.admission.review import NoReview, Review, Verdict, answer, envelope, parse, status
from webhook.admission.rights import check_rights
from webhook.admission.validate import validate
from webhook.kinds import KINDS, SNAPSHOT
from webhook.kubevirt.api import KINDS as KUBEVIRT_KINDS
from webhook.server import logs
from webhook.server.decision import Decision
from webhook.server.metrics import Metrics
from webhook.server.trace import trace

# A VM's object is some 20 levels deep; beyond this a body is no manifest but an attack on whoever reads it.
DEEPEST = 64
# A VM with 200 devices has some 8,000 nodes.
MOST_NODES = 200_000

Decide = Callable[[Review, AdmissionContext], Verdict]
HOOKS: dict[str, Decide] = {
    "mutate": mutate,
    "validate": validate,
    "policies": check_policies,
    "kubevirt": validate_kubevirt,
    "kubevirt-machine": keep_machine,
    "kubevirt-pod": add_hook,
    "rights": check_rights,
}
# They read whole policy files, or ask the API server, which would hold up the event loop and the reviews of VMs on it.
SLOW = frozenset({"policies", "rights"})
_KNOWN = frozenset({*KINDS, *KUBEVIRT_KINDS, SNAPSHOT.name, CONFIG_MAP, "Pod"})
# Kubernetes' reasons of a Status.
_REASONS = {
    401: "Unauthorized",
    405: "MethodNotAllowed",
    408: "Timeout",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}


class Hook:
    """One webhook: called with a body, it returns the HTTP status and the answer's body."""

    def __init__(self, name: str, context: AdmissionContext, metrics: Metrics) -> None:
        self.name = name
        self.decide = HOOKS[name]
        self.slow = name in SLOW
        self.context = context
        self.metrics = metrics

    def __call__(self, body: bytes) -> tuple[int, bytes]:
        began = time.perf_counter()
        try:
            bounded(body)
            review = parse(body)
            shallow((review.object, review.old_object))
        except NoReview as no_review:
            return self.malformed(400, str(no_review))
        try:
            verdict = self.decide(review, self.context)
            made = answer(review.uid, verdict)
        except Exception as error:  # an unexpected error ends as a structured refusal, never as a pass
            return 200, self._broken(review, error)
        seconds = time.perf_counter() - began
        size = len(made) if verdict.patch else 0
        decision = Decision(self.name, review, verdict, seconds, size)
        self.metrics.decided(decision, review.kind in _KNOWN)
        logs.decision(decision, self.context.policies.digest[:12])
        return 200, made

    def malformed(self, code: int, reason: str) -> tuple[int, bytes]:
        """The answer to what is no review: a Kubernetes Status with the reason."""
        self.metrics.malformed.labels(code).inc()
        logs.event("malformed", hook=self.name, status=code, reason=reason[:200])
        word = _REASONS.get(code, "BadRequest")
        return code, orjson.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, **status(code, word, reason)})

    def _broken(self, review: Review, error: Exception) -> bytes:
        reference = uuid.uuid4().hex[:12]
        self.metrics.errors.inc()
        text_of_error = trace(error, (review.object, review.old_object))
        logs.event("error", hook=self.name, reference=reference, uid=review.uid, traceback=text_of_error)
        text = f"an unexpected error of the service; its log has it under reference {reference}"
        response = {"uid": review.uid, "allowed": False, "status": status(500, "InternalError", text)}
        return envelope(response)


def bounded(body: bytes) -> None:
    """Refuse a body with too many nodes before it is parsed; raises NoReview."""
    # Every node but the first of a list or object stands behind a comma.
    if body.count(b",") + body.count(b"{") + body.count(b"[") > MOST_NODES:
        raise NoReview(f"the body has more than {MOST_NODES} nodes")


def shallow(trees: tuple[Any, ...]) -> None:
    """Refuse trees that are nested too deeply, level by level; raises NoReview."""
    level: list[Any] = [tree for tree in trees if type(tree) in (dict, list)]
    for _ in range(DEEPEST):
        if not level:
            return
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
    raise NoReview(f"the object is nested more than {DEEPEST} levels deep")
