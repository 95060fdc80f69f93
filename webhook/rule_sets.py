"""The rule sets of this release: what a VM is made by, and what a stored one names."""

from __future__ import annotations

from webhook.trees import Tree

# From the oldest to the newest.
RULE_SETS = ("2026.1", "2026.2")
NEWEST = RULE_SETS[-1]


def up_to(rule_set: str) -> tuple[str, ...]:
    """A rule set after all that came before it; empty where this release has none of that name."""
    return RULE_SETS[: RULE_SETS.index(rule_set) + 1] if rule_set in RULE_SETS else ()


def overlaid(before: Tree | None, newer: Tree) -> Tree:
    """A file of the rule set before, with what a newer one says of it: a JSON merge patch (RFC 7386)."""
    if before is None:
        return newer
    made = dict(before)
    for name, value in newer.items():
        if value is None:
            made.pop(name, None)
        else:
            there = made.get(name)
            made[name] = overlaid(there if type(there) is dict else {}, value) if type(value) is dict else value
    return made
