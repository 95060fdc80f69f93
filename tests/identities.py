"""What is random in an expansion, taken out, so that two expansions can be compared."""

from __future__ import annotations

from typing import Any

RANDOM = ("uuid", "serial")


def without_identities(tree: Any) -> Any:
    """A copy without UUIDs, MAC addresses and serial numbers."""
    if isinstance(tree, dict):
        kept = {name: value for name, value in tree.items() if name not in RANDOM and name != "mac"}
        return {name: without_identities(value) for name, value in kept.items()}
    if isinstance(tree, list):
        return [without_identities(entry) for entry in tree]
    return tree
