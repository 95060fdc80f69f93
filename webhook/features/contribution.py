"""What one feature adds to a domain, and what features share: partial trees and repeated names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from webhook.findings import Finding
from webhook.trees import Tree

# Devices that a tenant who declines a feature has none of: by list, each what such a device has at least.
Declined = Mapping[str, tuple[Tree, ...]]


class Contribution(NamedTuple):
    """Partial domain trees: what the tenant asked for, and the best practice around it.

    `origin` is the feature's path (`spec.features.storage[1]`), `because` where the default comes from. The trees
    may be shared between calls: a caller copies what it takes. `base` is the word that the name of its device was made
    of, empty where the name is stated or the feature's own. `unconnected` is what is wrong if its device,
    merged with the tenant's domain, refers to nothing.
    """

    origin: str
    asked: Tree
    default: Tree
    because: str
    base: str = ""
    unconnected: Finding | None = None


def one(kind: str, device: Tree) -> Tree:
    """A partial domain with one device in its list."""
    return {"devices": {kind: [device]}}


def repeated(values: Iterable[tuple[int, str, str | None]], origin: str, device: str, rule: str) -> list[Finding]:
    """A finding for each value that an earlier entry has in the same field; `values` are (index, field, value)."""
    findings: list[Finding] = []
    first_with: dict[tuple[str, str], int] = {}
    for index, field, value in values:
        if value is None:
            continue
        first = first_with.setdefault((field, value), index)
        if first != index:
            problem = f"`{value}` is already the {field} of entry {first}"
            findings.append(Finding(f"{origin}[{index}].{field}", problem, f"give each {device} its {field}", rule))
    return findings
