"""The instance that a VirtualMachine, its instance type and its preference make together.

What a preference fills in beside the CPU is stated already (`webhook.kubevirt.keeping.freeze`).
"""

from __future__ import annotations

from webhook.convert.converted import Converted, left_over
from webhook.convert.ledger import Ledger
from webhook.declare.tree import at, copied
from webhook.kubevirt.starting.preferences import preferred_fields
from webhook.trees import Tree

_SPREAD = {"spread", "preferSpread"}
_CORES, _THREADS = {"cores", "preferCores"}, {"threads", "preferThreads"}
_RATIO = 2


def as_instance(vm: Tree, kinds: dict[str, Tree], made: Converted) -> Tree:
    """The VM with what they say of CPU, memory and devices in its template; what else they say is told."""
    vm = copied(vm)
    template = vm["spec"]["template"]["spec"]
    domain = template["domain"]
    kind, preference = Ledger(kinds["instancetype"], "instancetype"), Ledger(kinds["preference"], "preference")
    _cpu(domain, kind, preference)
    _memory(domain, kind)
    devices = domain.setdefault("devices", {})
    for name in ("gpus", "hostDevices"):
        entries = kind.take(name)
        if type(entries) is list and not devices.get(name):
            devices[name] = entries
    for key in ("launchSecurity", "ioThreads"):
        found = kind.take(key)
        if found is not None and domain.get(key) is None:
            domain[key] = found
    for path in preferred_fields():
        preference.take(*path)
    left_over("kubevirt", [*kind.left(), *preference.left()], made)
    return vm


def _cpu(domain: Tree, kind: Ledger, preference: Ledger) -> None:
    guest = kind.number("cpu", "guest")
    topology = preference.text("cpu", "preferredCPUTopology") or ""
    across = preference.text("cpu", "spreadOptions", "across") or "SocketsCores"
    ratio = preference.number("cpu", "spreadOptions", "ratio") or preference.number("preferSpreadSocketToCoreRatio")
    features = preference.take("cpu", "preferredCPUFeatures")
    stated = domain.get("cpu")
    cpu: Tree = dict(stated) if type(stated) is dict else {}
    if guest is not None and guest > 0:
        cpu |= _levels(guest, topology, across, ratio or _RATIO)
    for key, path in _OF_KIND.items():
        found = kind.take(*path)
        if found is not None and cpu.get(key) is None:
            cpu[key] = found
    if type(features) is list and features and not cpu.get("features"):
        cpu["features"] = features
    if cpu:
        domain["cpu"] = cpu


_OF_KIND = {
    "model": ("cpu", "model"),
    "dedicatedCpuPlacement": ("cpu", "dedicatedCPUPlacement"),
    "numa": ("cpu", "numa"),
    "isolateEmulatorThread": ("cpu", "isolateEmulatorThread"),
    "realtime": ("cpu", "realtime"),
    "maxSockets": ("cpu", "maxSockets"),
}


def _levels(guest: int, topology: str, across: str, ratio: int) -> Tree:
    """Sockets, cores and threads of so many vCPUs (KubeVirt: pkg/instancetype/apply/cpu.go)."""
    if topology in _CORES:
        return {"sockets": 1, "cores": guest, "threads": 1}
    if topology in _THREADS:
        return {"sockets": 1, "cores": 1, "threads": guest}
    if topology not in _SPREAD:
        return {"sockets": guest, "cores": 1, "threads": 1}
    if across == "CoresThreads":
        levels = {"sockets": 1, "cores": guest // 2, "threads": 2}
    elif across == "SocketsCoresThreads":
        levels = {"sockets": guest // ratio // 2, "cores": ratio, "threads": 2}
    else:
        levels = {"sockets": guest // ratio, "cores": ratio, "threads": 1}
    whole = levels["sockets"] * levels["cores"] * levels["threads"] == guest
    # KubeVirt refuses a number that the ratio does not divide.
    return levels if whole else {"sockets": guest, "cores": 1, "threads": 1}


def _memory(domain: Tree, kind: Ledger) -> None:
    stated = domain.get("memory")
    memory: Tree = dict(stated) if type(stated) is dict else {}
    for key in ("guest", "hugepages", "maxGuest"):
        found = kind.take("memory", key)
        if found is not None and at(memory, key) is None:
            memory[key] = found
    if memory:
        domain["memory"] = memory
