"""Memory as libvirt counts it: `<memory>` includes the DIMMs, and virtiofs needs memory shared with its daemon.

A VM whose cells match the host's has none before it boots on one; libvirt wants one where memory can grow.
"""

from __future__ import annotations

from collections.abc import Iterable

from webhook.declare import kib, written
from webhook.domain.shared_memory import is_shared
from webhook.trees import Tree

# Anonymous memory that is shared by its descriptor and uses no file of the host.
_SHARED = {"source": "memfd", "access": "shared"}


def provide_memory(domain: Tree) -> Tree:
    """The domain with memory devices added to its size, and shared memory where a backend reads it."""
    made = _counted(_with_cell(domain), 1)
    if is_shared(domain) and not domain.get("memoryBacking"):
        made = {**made, "memoryBacking": _SHARED}
    return made


def withdraw_memory(domain: Tree) -> Tree:
    """The inverse: memory at boot without memory devices."""
    made = _counted(domain, -1)
    if is_shared(made) and made.get("memoryBacking") == _SHARED:
        made = {name: value for name, value in made.items() if name != "memoryBacking"}
    return made


def _with_cell(domain: Tree) -> Tree:
    """The domain with one cell of all vCPUs and the memory at boot, where it needs one and leaves it to a host."""
    cpu, count = domain.get("cpu") or {}, (domain.get("vcpu") or {}).get("count")
    is_open = (domain.get("goals") or {}).get("matchHostNuma") and not cpu.get("numa") and domain.get("maxmemory")
    if not is_open or not count or not (domain.get("memory") or {}).get("size"):
        return domain
    cell = {"cell": 0, "cpus": list(range(count)), "memory": domain["memory"]["size"]}
    return {**domain, "cpu": {**cpu, "numa": [cell]}}


def _counted(domain: Tree, sign: int) -> Tree:
    extra = sum(_sizes(domain.get("devices", {}).get("memories", ())))
    size = kib(domain.get("memory", {}).get("size"))
    if not extra or size is None or size + sign * extra <= 0:
        return domain
    return {**domain, "memory": {**domain["memory"], "size": written(size + sign * extra)}}


def _sizes(devices: Iterable[Tree]) -> Iterable[int]:
    return (kib(device.get("target", {}).get("size")) or 0 for device in devices)
