"""Whether the guest's memory is shared with the host's processes that serve its devices: as it is from a start on."""

from __future__ import annotations

from webhook.domain.devices import KINDS
from webhook.trees import Tree


def needs_shared(listed: str) -> bool:
    """Whether the conventional backend of a list's devices reads the guest's memory."""
    convention = KINDS[listed].convention
    return convention is not None and convention.shared_memory


def is_shared(domain: Tree) -> bool:
    """Whether the conventional backend of a device reads the guest's memory."""
    return any(needs_shared(listed) for listed, entries in domain.get("devices", {}).items() if entries)


def starts_shared(domain: Tree) -> bool:
    """Whether a machine's memory is shared when it starts: for one of its devices, or as its host provides it."""
    cells = (domain.get("cpu") or {}).get("numa") or ()
    stated = (domain.get("memoryBacking") or {}).get("access") == "shared"
    return stated or is_shared(domain) or any(cell.get("memAccess") == "shared" for cell in cells)
