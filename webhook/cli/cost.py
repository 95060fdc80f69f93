"""`vmconfig policy bench`: what a folder of policies costs, beside a loop that always costs the same."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from webhook.admission.context import AdmissionContext
from webhook.admission.offline import review_of
from webhook.admission.policy_check import check_policy
from webhook.admission.reading import Reading
from webhook.admission.stored import as_stored
from webhook.cli import manifests, verbs
from webhook.cli.verb import POLICY, Verb
from webhook.findings import Finding, Refused
from webhook.kinds import KINDS, declared_fields, inspect_spec
from webhook.policy import LEVELS, Policies, shipped
from webhook.trees import Tree

SECONDS = 1.0
_CALIBRATION = 2_000
Decision = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timings:
    """Sorted seconds of CPU of single calls."""

    taken: Sequence[float]

    def at(self, share: float) -> float:
        """The time that this share of calls stayed below."""
        return self.taken[min(len(self.taken) - 1, int(share * len(self.taken)))]

    @property
    def rate(self) -> float:
        """Calls a second, one after another."""
        return len(self.taken) / sum(self.taken)


def calibration() -> int:
    """The loop that times are compared with: additions of plain Python, the same on every machine."""
    total = 0
    for number in range(_CALIBRATION):
        total += number
    return total


def measured(decisions: Sequence[Decision], seconds: float) -> tuple[Timings, Timings]:
    """The times of these calls and of the calibration, taken in turn for so long: both have the same hour.

    Of CPU, not of the clock: what else the machine does is no cost of the policies.
    """
    for each in decisions:
        each()
    ours: list[float] = []
    bare: list[float] = []
    clock = time.thread_time
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for each in (*decisions, calibration):
            began = clock()
            each()
            (bare if each is calibration else ours).append(clock() - began)
    return Timings(sorted(ours)), Timings(sorted(bare))


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="policy files (default: the shipped ones)")
    parser.add_argument(
        "--vms",
        action="append",
        metavar="PATH",
        help="manifests to decide over, or a folder of them; may be repeated (default: the examples)",
    )
    parser.add_argument(
        "--default-level", choices=LEVELS, default=LEVELS[0], help="the policy level of namespaces without a label"
    )


def run(given: argparse.Namespace) -> int:
    """Print how long policies take to load and to decide."""
    began = time.perf_counter()
    policies = Policies(given.folder or shipped(), declared_fields(), given.default_level)
    loading = time.perf_counter() - began
    decisions = decided(manifests.vms(*(given.vms or [examples()])), policies)
    ours, bare = measured(decisions, SECONDS)
    rules = sum(len(policy.rules) for policy in policies.engine.policies)
    tree = {
        "policies": len(policies.engine.policies),
        "rules": rules,
        "loadMilliseconds": _ms(loading),
        "vms": len(decisions),
        "decisionsPerSecond": round(ours.rate),
        "p50Milliseconds": _ms(ours.at(0.5)),
        "p99Milliseconds": _ms(ours.at(0.99)),
        "calibrationP50Milliseconds": _ms(bare.at(0.5)),
        "calibrationP99Milliseconds": _ms(bare.at(0.99)),
    }
    if given.output == "text":
        print("\n".join(_lines(tree)))
    else:
        verbs.show([tree], given.output)
    return 0


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 4)


def _lines(tree: Tree) -> list[str]:
    return [
        f"policies      {tree['policies']}, with {tree['rules']} rules",
        f"loading       {tree['loadMilliseconds']:.1f} ms",
        f"decisions     {tree['decisionsPerSecond']:,} a second, over {tree['vms']} VMs in turn",
        f"  one takes   p50 {tree['p50Milliseconds']:.3f} ms   p99 {tree['p99Milliseconds']:.3f} ms",
        f"calibration   p50 {tree['calibrationP50Milliseconds']:.3f} ms   "
        f"p99 {tree['calibrationP99Milliseconds']:.3f} ms   ({_CALIBRATION:,} additions)",
    ]


def examples() -> Path:
    """The examples of a checkout; an installed service has none. Raises Refused."""
    found = Path(__file__).parents[2] / "examples"
    if not found.is_dir():
        raise Refused([Finding("--vms", "is not given, and there are no examples here", "name some manifests", "kind")])
    return found


def decided(found: manifests.Manifests, policies: Policies) -> list[Decision]:
    """A decision over each VM, ready to be called: complete, read, and asked about as at its creation."""
    context = AdmissionContext(policies=policies, labels=lambda name: found.labels.get(name, {}))
    return [_decision(obj, context) for obj in found.objects]


def _decision(obj: Tree, context: AdmissionContext) -> Decision:
    kind = KINDS[obj["kind"]]
    obj = as_stored(obj, kind, context)
    spec = kind.spec_of(obj)
    review, reading = review_of(obj, kind), Reading(kind, spec, inspect_spec(spec, kind.spec_path))
    return lambda: check_policy(review, reading, context)


VERBS = (Verb("bench", "how long policies take to load and to decide", run, add_flags, group=POLICY),)
