"""`vmconfig plan`: what of VMs waits for the node's agent, the guest or the next boot, and what was removed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from webhook.admission import offline
from webhook.admission.plan import Plan, Resting, State, Waiting, plan_of
from webhook.cli import objects, verbs
from webhook.cli.manifests import Manifest
from webhook.cli.verb import Verb
from webhook.declare import shown
from webhook.findings import Findings, Refused
from webhook.kinds import KINDS
from webhook.trees import Tree

_UNKNOWN = "since when is not known"


def run(given: argparse.Namespace) -> int:
    """Print what waits; exit code 1 where something does, a status is malformed, or a file cannot be read."""
    planned: list[tuple[Manifest, Plan]] = []
    read = objects.read(given, partial=True)
    wrong = Findings(read.unread, most=sys.maxsize)
    for one in read.found:
        kind, findings = offline.kind_of(one.obj)
        try:
            if kind is None:
                raise Refused(findings)
            offline.inspected(one.obj, kind)
            planned.append((one, plan_of(one.obj, kind)))
        except Refused as refused:
            wrong.take(one.about(refused.findings))
    if wrong and not planned:
        return verbs.show_findings(wrong, given.output)
    if given.output == "text":
        print("\n".join(line for one, plan in planned for line in _lines(one, plan)))
    else:
        verbs.show([[_tree(one, plan) for one, plan in planned]], given.output)
    return verbs.refuse(wrong, given.output) if wrong else int(any(plan.waiting for _, plan in planned))


def _lines(one: Manifest, plan: Plan) -> Iterator[str]:
    where = f" on {shown(plan.node)}" if plan.running and plan.node else ""
    head = f"{one.kind} {'/'.join(part for part in (one.namespace, one.name) if part)}"
    if plan.running:
        yield f"{head} runs{where}" + (":" if plan.waiting else ", and nothing waits")
    else:
        yield f"{head} does not run: all of it holds at its next start"
    for state in State:
        waiting = [each for each in plan.waiting if each.state is state]
        if waiting:
            yield f"  {state}:"
        for each in waiting:
            yield f"    {_path(one, each)}: {each.change.text}"
            yield f"      {each.change.consequence.text}; {_since(each)}{_in_desired(each)}"
    if plan.resting:
        yield "  removed devices, whose places are kept:"
    for rests in plan.resting:
        yield f"    {rests.listed} `{shown(rests.name)}`: {_place(rests)}, {_of(rests)}"


def _path(one: Manifest, each: Waiting) -> str:
    return f"{KINDS[one.kind].spec_path}.domain{each.change.change.path}"


def _since(each: Waiting) -> str:
    if not each.since:
        return _UNKNOWN
    return f"since {shown(each.since)}" + ("" if each.exact else " or before")


def _in_desired(each: Waiting) -> str:
    if each.desired is None:
        return ""
    return "; `status.desired` says so" if each.desired else "; `status.desired` does not say so yet"


def _place(rests: Resting) -> str:
    return rests.place or "no place of its own"


def _of(rests: Resting) -> str:
    return f"since {shown(rests.since)}" if rests.since else _UNKNOWN


def _tree(one: Manifest, plan: Plan) -> Tree:
    return {
        **one.as_dict(),
        "running": plan.running,
        "waiting": [
            {
                "state": each.state.value,
                "path": _path(one, each),
                "change": each.change.text,
                "class": each.change.consequence.change_class.value,
                "consequence": each.change.consequence.text,
                "since": each.since or None,
                "exact": each.exact and bool(each.since),
                "desired": each.desired,
            }
            for each in plan.waiting
        ],
        "removed": [
            {"list": rests.listed, "name": rests.name, "address": rests.place or None, "since": rests.since or None}
            for rests in plan.resting
        ],
    }


VERBS = (Verb("plan", "what of running VMs waits for the agent, the guest or a reboot", run, objects.with_objects),)
