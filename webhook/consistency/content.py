"""What is on disks: one content is written by one disk.

QEMU locks a disk's content, a claim or what an admin states as its `source`: it starts no VM in which one disk writes
what another one has too (block/file-posix.c), and where a server knows no locks the guest destroys what it writes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import chain

from webhook.consistency.rule import rule
from webhook.declare import shown
from webhook.domain.devices.disk import content_of
from webhook.findings import Finding
from webhook.trees import Tree

# What libvirt makes read-only by itself (src/conf/domain_conf.c, virDomainDiskDefPostParse).
_READING = ("cdrom",)

_WAY = "leave one of the two disks out; both can have it where both are `readonly`"


@rule
def contents_have_one_writer(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU locks what a disk writes: others have it too where all of them only read it, or all are `shareable`."""
    contents: dict[Hashable, list[int]] = {}
    disks = domain.get("devices", {}).get("disks", ())
    for index, disk in enumerate(disks):
        content = content_of(disk)
        if content is not None:
            contents.setdefault(content, []).append(index)
    return chain.from_iterable(_clashes(disks, indices, path) for indices in contents.values() if len(indices) > 1)


def _clashes(disks: list[Tree], indices: list[int], path: str) -> Iterator[Finding]:
    """The disks of one content that do not fit an earlier one of them."""
    # The first disk that reads or writes so: there are four ways.
    first: dict[tuple[bool, bool], int] = {}
    for index in indices:
        disk = disks[index]
        reads, shares = _reads(disk), disk.get("shareable") is True
        others = [at for (reading, sharing), at in first.items() if not ((reads and reading) or (shares and sharing))]
        if others:
            yield _clash(disk, index, min(others), path)
        first.setdefault((reads, shares), index)


def _reads(disk: Tree) -> bool:
    return disk.get("readonly") is True or disk.get("device") in _READING


def _clash(disk: Tree, index: int, other: int, path: str) -> Finding:
    where, there = f"{path}.devices.disks[{index}]", f"`{path}.devices.disks[{other}]`"
    if disk.get("source"):
        return Finding(f"{where}.source", f"is what {there} has too", f"name another one, or {_WAY}", "disk")
    if disk.get("seed"):
        return Finding(
            f"{where}.seed", f"is made of what {there} is made of too", f"name another object, or {_WAY}", "disk"
        )
    problem = f"`{shown(disk['claim'])}` is the claim of {there} too"
    return Finding(f"{where}.claim", problem, f"name another claim, or {_WAY}", "disk")
