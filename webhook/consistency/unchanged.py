"""Breaches that an update finds in the stored machine: a rule may be newer than a machine that breaks it.

The part of the domain that a rule complains of is a device, or one of the domain's own elements. Where that part is as
it is stored, and the rule complained of it in the same words, the update did not make the breach.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from webhook.declare import FieldPath
from webhook.findings import Finding, Findings
from webhook.trees import Tree

# Breaches of a stored machine that are compared with: a further one refuses, as on create.
_MOST_COMPARED = 1024
_ENTRY = re.compile(r"\bdevices\.([A-Za-z]+)\[([0-9]+)\]")
Find = Callable[[Tree], Iterable[Finding]]


class Breaches(NamedTuple):
    """What rules find in a domain: what refuses it, and what stands so in the stored machine."""

    refused: Findings
    stored: Findings


# A finding's path and problem, with the names of devices instead of their indices.
_Words = tuple[str, str]


def breaches(find: Find, domain: Tree, stored: Tree | None, path: str) -> Breaches:
    """The breaches that `find` finds in a domain whose place in the object is `path`, beside what is stored of it."""
    made = Breaches(Findings(), Findings())
    known: dict[_Words, Any] | None = None
    for finding in find(domain):
        if stored is not None and known is None:
            known = dict(_breach(each, stored, path) for each in islice(find(stored), _MOST_COMPARED))
        words, part = _breach(finding, domain, path)
        if known and words in known and known[words] == part:
            made.stored.take([finding])
        elif made.refused.full():
            break
        else:
            made.refused.append(finding)
    return made


def _breach(finding: Finding, domain: Tree, path: str) -> tuple[_Words, Any]:
    """What a finding says, and the part of the domain that it is about."""
    parts = FieldPath.parse(finding.path[len(path) :])
    part = FieldPath(parts[: 2 if parts and parts[0][0] == "devices" else 1]).value(domain) if parts else None
    by_name = partial(_by_name, domain)
    return (_ENTRY.sub(by_name, finding.path), _ENTRY.sub(by_name, finding.problem)), part


def _by_name(domain: Tree, found: re.Match[str]) -> str:
    """A device's place by its name, so that it is the same wherever the device stands in its list."""
    listed, index = domain.get("devices", {}).get(found[1]), int(found[2])
    device = listed[index] if type(listed) is list and index < len(listed) else {}
    return f"devices.{found[1]}[{device.get('name') or index}]"
