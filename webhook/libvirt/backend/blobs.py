"""What fw_cfg holds of a Secret or a ConfigMap: a file of the host, at its conventional path or at the host's own."""

from __future__ import annotations

from collections.abc import Callable

from webhook.domain.convention import Hosted
from webhook.domain.seeds import BLOB, conventional, object_of, read_back
from webhook.trees import Tree

_STATED = ("value", "file")


def provide_blobs(domain: Tree) -> Tree:
    """The domain with the files of the entries that refer to an object and state no content."""
    return _changed(domain, lambda entry: {**entry, **conventional(BLOB, entry)} if _wanted(entry) else entry)


def withdraw_blobs(domain: Tree) -> Tree:
    """The inverse: the entries whose files are the conventional ones refer to their objects."""
    return _changed(domain, _withdrawn)


def _withdrawn(entry: Tree) -> Tree:
    found = read_back(BLOB, entry)
    return {**{name: value for name, value in entry.items() if name != "file"}, **found} if found else entry


def _wanted(entry: Tree) -> str:
    return "" if any(entry.get(name) for name in _STATED) else object_of(entry)


def _changed(domain: Tree, change: Callable[[Tree], Tree]) -> Tree:
    blobs = domain.get("fwCfg") or {}
    if not blobs.get("entries"):
        return domain
    return {**domain, "fwCfg": {**blobs, "entries": [change(entry) for entry in blobs["entries"]]}}


# How a host provides it, as it provides what devices need.
HOSTED_BLOB = Hosted("seeds", "file", _wanted, lambda entry, seed: {**entry, "file": seed["file"]}, lambda _: ("file",))
