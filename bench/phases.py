"""Where the time of a pair goes, measured in this process: the same functions, called one after another."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from bench.bodies import context, pairs
from webhook.admission.mutate import mutate
from webhook.admission.patch import diff
from webhook.admission.policy_check import check_policy
from webhook.admission.reading import Reading
from webhook.admission.review import answer, parse
from webhook.admission.validate import validate
from webhook.consistency import consistent, warned_of
from webhook.declare.tree import copied
from webhook.expand.addresses import allocate
from webhook.expand.boot_order import order_boot
from webhook.expand.identity import identify
from webhook.expand.merge import merge
from webhook.expand.naming import name_devices
from webhook.expand.pipeline import expand
from webhook.features import expand as expand_features
from webhook.features import numa
from webhook.features.platform import platform_of
from webhook.kinds import KINDS, inspect_spec
from webhook.server.hooks import bounded, shallow
from webhook.trees import Tree


def split(rounds: int) -> dict[str, float]:
    """Microseconds of CPU by phase of one mutate and one validate, the least of some runs."""
    used, kind = context(), KINDS["VM"]
    before, after = pairs(count=1)[0]
    review, final = parse(before), parse(after)
    spec, whole = kind.spec_of(review.object), kind.spec_of(final.object)
    platform = platform_of(spec["features"], {}, used.site, "2026.1")
    contributions = expand_features(spec["features"], platform)
    reading = Reading(kind, whole, inspect_spec(whole, "spec"))
    made = expand(spec, used, "spec")
    verdict = mutate(review, used)
    allowed = validate(final, used)
    merged: Tree = {}
    order = merge(merged, contributions, "spec.domain").order

    def placed() -> None:
        domain = copied(merged)
        numa.complete(domain)
        name_devices(domain["devices"])
        order_boot(domain, order)
        allocate(domain, platform.machine, [], "spec.domain", order)
        identify(domain, os.urandom)

    def bounds() -> None:
        shallow((review.object,))
        shallow((final.object,))

    phases: dict[str, Callable[[], object]] = {
        "parse": lambda: [step(body) for body in (before, after) for step in (bounded, parse)],
        "bounds": bounds,
        "inspect": lambda: (inspect_spec(spec, "spec"), inspect_spec(whole, "spec")),
        "expand features": lambda: expand_features(
            spec["features"], platform_of(spec["features"], {}, used.site, "2026.1")
        ),
        "merge": lambda: merge({}, contributions, "spec.domain"),
        "(copy)": lambda: copied(merged),
        "addresses, names, identities (and copy)": placed,
        "consistency": lambda: [
            *consistent(whole["domain"], "spec.domain"),
            *warned_of(whole["domain"], "spec.domain"),
        ],
        "policy": lambda: check_policy(final, reading, used),
        "patch": lambda: diff(spec, made.spec, "/spec"),
        "encode": lambda: (answer("uid", verdict), answer("uid", allowed)),
        "all of mutate": lambda: answer("uid", mutate(parse(before), used)),
        "all of validate": lambda: answer("uid", validate(parse(after), used)),
    }
    return {name: least(phase, rounds) for name, phase in phases.items()}


def growth(rounds: int) -> dict[int, float]:
    """Microseconds of a mutate and a validate together, by number of disks."""
    used = context()
    found = {}
    for disks in (1, 10, 100):
        before, after = pairs(disks, 1)[0]

        def pair(before: bytes = before, after: bytes = after) -> None:
            answer("uid", mutate(parse(before), used))
            answer("uid", validate(parse(after), used))

        found[disks] = least(pair, max(rounds // disks, 5))
    return found


def least(work: Callable[[], object], rounds: int) -> float:
    """Microseconds of one call: the least mean of five runs, since a machine can only be slower than it is."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time() - began) / rounds)
    return best * 1e6
