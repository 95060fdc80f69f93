"""Numbers for operators, in Prometheus' form. Every metric is in docs/operation.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import generate_latest

from webhook.policy.language.model import Exemption
from webhook.server.decision import Decision

_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
# Series of each of the two metrics about exceptions; those nearest to their end are shown.
_EXCEPTIONS = 100
# Why a connection was refused or closed before its time; docs/operation.md tells each.
REFUSALS = (
    *("bodies", "chunks", "handshake", "large-head", "limit"),
    *("no-http", "slow-head", "system", "unread", "unused"),
)
_OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})


class Metrics:
    """All metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry}
        self.reviews = Counter("vmconfig_reviews", "Reviews answered", ["hook", "operation", "kind", "verdict"], **made)
        self.seconds = Histogram("vmconfig_review_seconds", "Time for a review", ["hook"], buckets=_BUCKETS, **made)
        self.findings = Counter("vmconfig_findings", "Findings of refused reviews, by rule", ["hook", "rule"], **made)
        self.audits = Counter("vmconfig_audits", "Findings of policies in audit mode, by rule", ["rule"], **made)
        self.patch = Histogram(
            "vmconfig_patch_bytes", "Size of patches", buckets=[0, 256, 1024, 4096, 16384, 65536, 262144], **made
        )
        self.malformed = Counter("vmconfig_malformed", "Requests that were no review", ["status"], **made)
        self.connections = Gauge("vmconfig_connections", "Open connections", **made)
        self.refused = Counter(
            "vmconfig_connections_refused", "Connections that were refused or closed early", ["reason"], **made
        )
        for reason in REFUSALS:
            self.refused.labels(reason)
        self.errors = Counter("vmconfig_errors", "Reviews refused for an error of the service", **made)
        self.policies = Gauge("vmconfig_policies_loaded", "1 while the policy files are good and in force", **made)
        self.loaded_at = Gauge(
            "vmconfig_policies_loaded_at_seconds", "When policies were last loaded, as Unix time", **made
        )
        self.policy = Info("vmconfig_policy", "The policies in force", **made)
        about = ["rule", "owner", "until", "ticket"]
        self.expiring = Gauge(
            "vmconfig_policy_exceptions_expiring", "Days left of exceptions that end within 14 days", about, **made
        )
        self.expired = Gauge(
            "vmconfig_policy_exceptions_expired",
            "Days since exceptions ended that are still in the files",
            about,
            **made,
        )
        self.namespaces = Gauge("vmconfig_namespaces", "Namespaces whose labels are known", **made)
        self.namespaces_age = Gauge(
            "vmconfig_namespaces_age_seconds", "Time since the API server was last heard of about namespaces", **made
        )
        self.machines = Gauge("vmconfig_stored_objects", "Stored objects that are known", ["kind"], **made)
        self.specs = Gauge("vmconfig_stored_spec_bytes", "Compressed specs that are kept", ["kind"], **made)
        self.identities = Gauge("vmconfig_stored_identities", "Identities that are looked up", ["kind"], **made)
        self.expiry = Gauge(
            "vmconfig_certificate_expiry_seconds", "When the served certificate expires, as Unix time", **made
        )
        self.certificate_problem = Gauge(
            "vmconfig_certificate_problem",
            "1 while certificates cannot be refreshed or the served one is not valid",
            **made,
        )
        self.dropped = Counter("vmconfig_log_lines_dropped", "Lines of the log that could not be written", **made)
        self.restarts = Counter(
            "vmconfig_task_restarts", "Failures after which a background task was started again", ["task"], **made
        )
        self._kept: dict[str, int] = {}
        self.build = Info("vmconfig_build", "This service", **made)
        self._reviews: dict[tuple[str, str, str, bool], Counter] = {}
        hooks = ("mutate", "validate", "policies", "kubevirt", "kubevirt-machine", "kubevirt-pod", "rights")
        self._seconds = {hook: self.seconds.labels(hook) for hook in hooks}

    def decided(self, decision: Decision, known: bool) -> None:
        """Count one decision; `known`: whether the kind is one of ours. Any other word of the requester is `other`."""
        hook, review, verdict = decision.hook, decision.review, decision.verdict
        operation = review.operation if review.operation in _OPERATIONS else "other"
        kind = f"{review.kind}/status" if review.subresource == "status" else review.kind
        key = (hook, operation, kind if known else "other", verdict.allowed)
        counter = self._reviews.get(key)
        if counter is None:
            words = (*key[:3], "allowed" if verdict.allowed else "denied")
            counter = self._reviews[key] = self.reviews.labels(*words)
        counter.inc()
        self._seconds[hook].observe(decision.seconds)
        if decision.patch_bytes:
            self.patch.observe(decision.patch_bytes)
        for finding in verdict.findings:
            self.findings.labels(hook, finding.rule.split(" ")[0]).inc()
        for finding in verdict.audits:
            self.audits.labels(finding.rule.split(" ")[0]).inc()

    def stored(self, kind: str, objects: int, identities: int, specs: int) -> None:
        """Set what is known of the stored objects of a kind; called at each scrape."""
        self.machines.labels(kind).set(objects)
        self.identities.labels(kind).set(identities)
        self.specs.labels(kind).set(specs)

    def refused_connection(self, reason: str) -> None:
        """Count one connection that was refused or closed before its time."""
        self.refused.labels(reason).inc()

    def kept(self, dropped: int, restarts: Mapping[str, int]) -> None:
        """Update the counters of events that are counted elsewhere; called at each scrape."""
        for task, times in restarts.items():
            self.restarts.labels(task).inc(times - self._kept.get(task, 0))
        self.dropped.inc(dropped - self._kept.get("", 0))
        self._kept = {**restarts, "": dropped}

    def exceptions(self, ending: Iterable[tuple[int, Exemption]]) -> None:
        """Set the metrics of exceptions, each with the days that are left (negative: since its end)."""
        shown: dict[Gauge, list[tuple[int, Exemption]]] = {self.expiring: [], self.expired: []}
        for days, each in ending:
            shown[self.expired if days < 0 else self.expiring].append((days, each))
        for gauge, rows in shown.items():
            gauge.clear()
            for days, each in sorted(rows, key=lambda row: abs(row[0]))[:_EXCEPTIONS]:
                gauge.labels(each.rule, each.owner, each.until.isoformat(), each.ticket).set(abs(days))

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self.registry)
