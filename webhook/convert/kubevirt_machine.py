"""The machine of a KubeVirt instance beside its devices: firmware, identities, memory, CPUs, clock, hypervisor."""

from __future__ import annotations

import math
import re
from typing import Any

from webhook.convert.converted import Converted
from webhook.convert.ledger import Keys, Ledger
from webhook.trees import Tree

_DOMAIN = "spec.template.spec.domain"
# Where KubeVirt has neither model nor mode, the guest gets the node's CPU as a model (`defaults.DefaultCPUModel`).
MODES = ("host-model", "host-passthrough")
_PAGES = ("2Mi", "1Gi")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m?)")


def firmware(ledger: Ledger, spec: Tree, arch: str) -> None:
    """Firmware, and who the machine is."""
    system, domain = spec["features"]["system"], spec["domain"]
    loader = ("domain", "firmware", "bootloader")
    if ledger.has(*loader, "efi") or arch == "arm64":
        system["firmware"] = "efi"
        secure = ledger.flag(*loader, "efi", "secureBoot")
        if arch == "amd64":
            # KubeVirt: true where it is unsaid.
            system["secureBoot"] = secure is not False
        ledger.empty(*loader, "efi")
    elif arch == "amd64":
        system["firmware"] = "bios"
        if ledger.flag(*loader, "bios", "useSerial"):
            domain.setdefault("os", {})["bios"] = {"useserial": True}
        ledger.empty(*loader, "bios")
    uuid = ledger.text("domain", "firmware", "uuid")
    if uuid:
        domain["uuid"] = uuid
    sysinfo: Tree = {}
    serial = ledger.text("domain", "firmware", "serial")
    if serial:
        sysinfo["serial"] = serial
    if chassis := ledger.texts("domain", "chassis", names=CHASSIS):
        sysinfo["chassis"] = chassis
    if sysinfo:
        domain["sysinfo"] = sysinfo


def memory(ledger: Ledger, spec: Tree, made: Converted) -> None:
    """The guest's memory, and huge pages for it."""
    ways = (("memory", "guest"), ("resources", "requests", "memory"), ("resources", "limits", "memory"))
    said = next((way for way in ways if ledger.has("domain", *way)), ways[0])
    amount = ledger.take("domain", *said)
    if amount is None:
        way = "say `memory: {guest: 2Gi}` in the domain, or give the instance type's document beside the VM"
        made.lose(f"{_DOMAIN}.memory.guest", "is not said: nobody knows how much the guest has", way)
    else:
        spec["features"]["memory"] = amount
    pages = ledger.text("domain", "memory", "hugepages", "pageSize")
    if pages in _PAGES:
        spec["features"]["hugepages"] = pages
    elif pages:
        made.lose(f"{_DOMAIN}.memory.hugepages.pageSize", "is a size that is not known here", "write `2Mi` or `1Gi`")


def cpu(ledger: Ledger, spec: Tree, made: Converted) -> None:
    """vCPUs and what the guest sees of them."""
    features, domain = spec["features"], spec["domain"]
    at: Keys = ("domain", "cpu")
    levels = _levels(ledger, at)
    most = ledger.number(*at, "maxSockets")
    if most and most > levels["sockets"]:
        domain["vcpu"] = {"current": math.prod(levels.values())}
        levels["sockets"] = most
    features["cpu"] = {"topology": levels}
    model = ledger.text(*at, "model")
    if model in MODES:
        domain["cpu"] = {"mode": model}
    elif model:
        features["cpu"]["model"] = model
    else:
        made.tell(f"{_DOMAIN}.cpu.model", "is not said: KubeVirt gives the node's, and here best practice names one")
    if ledger.flag(*at, "dedicatedCpuPlacement"):
        features["cpu"]["exclusive"] = True
    if ledger.empty(*at, "numa", "guestMappingPassthrough"):
        features["numa"] = "match-host"
    listed = _features(ledger, (*at, "features"))
    if listed:
        domain.setdefault("cpu", {})["features"] = listed


def _levels(ledger: Ledger, at: Keys) -> dict[str, int]:
    """Sockets, cores and threads; of a VM that says none of them what its pod asks for, as whole sockets."""
    levels = {level: ledger.number(*at, level) or 1 for level in ("sockets", "cores", "threads")}
    for part in ("limits", "requests") if levels == {"sockets": 1, "cores": 1, "threads": 1} else ():
        count = _whole(ledger.says("domain", "resources", part, "cpu"))
        if count:
            ledger.take("domain", "resources", part, "cpu")
            return {**levels, "sockets": count}
    return levels


def _features(ledger: Ledger, at: Keys) -> list[Tree]:
    found = []
    for index in range(ledger.count(*at)):
        name = ledger.text(*at, index, "name")
        if name:
            found.append({"name": name, "policy": ledger.text(*at, index, "policy") or "require"})
    return found


def _whole(quantity: Any) -> int:
    """How many CPUs a quantity is, as whole ones."""
    found = _QUANTITY.fullmatch(str(quantity)[:16]) if type(quantity) in (str, int, float) else None
    return math.ceil(float(found[1]) / (1000 if found[2] else 1)) if found else 0


def clock(ledger: Ledger, domain: Tree) -> None:
    """What the clock begins with, and the timers."""
    zone, at = ledger.text("domain", "clock", "timezone"), ("domain", "clock", "utc")
    offset = ledger.number(*at, "offsetSeconds")
    if zone:
        domain["clockOffset"] = {"offset": "timezone", "timezone": zone}
    elif offset is not None:
        adjusted = {"adjustment": offset} if offset else {}
        domain["clockOffset"] = {"offset": "variable", "basis": "utc", **adjusted}
        ledger.empty(*at)
    elif ledger.empty(*at):
        domain["clockOffset"] = {"offset": "utc"}
    timers = []
    for name, own in TIMERS.items():
        timer: Tree = {"timer": own}
        where = ("domain", "clock", "timer", name)
        if ledger.has(*where):
            timer["present"] = ledger.flag(*where, "present") is not False
            for key in ("tickPolicy", "track"):
                value = ledger.text(*where, key)
                if value:
                    timer[key] = value
            ledger.empty(*where)
            timers.append(timer)
    if timers:
        domain["clock"] = timers


# KubeVirt's timers, and libvirt's.
TIMERS = {"hpet": "hpet", "kvm": "kvmclock", "pit": "pit", "rtc": "rtc", "hyperv": "hypervclock"}
# What both say of a chassis, by the same names.
CHASSIS = ("manufacturer", "version", "serial", "asset", "sku")
# Enlightenments that are on or off.
FLAGS = ("relaxed", "vapic", "vpindex", "runtime", "synic", "reset", "frequencies", "reenlightenment", "ipi", "evmcs")
_RETRIES = 4096


def hypervisor(ledger: Ledger, domain: Tree) -> None:
    """What the hypervisor offers the guest."""
    found: list[Tree] = []
    at = ("domain", "features")
    # KubeVirt gives every guest ACPI; one that has none is left over.
    if ledger.has(*at, "acpi") and _is_on(ledger, (*at, "acpi"), keep_off=True):
        found.append({"feature": "acpi"})
    if ledger.has(*at, "apic"):
        interrupts = ledger.flag(*at, "apic", "endOfInterrupt")
        if _is_on(ledger, (*at, "apic"), keep_off=True):
            found.append({"feature": "apic", **({} if interrupts is None else {"eoi": interrupts})})
    for name in ("smm", "pvspinlock"):
        if ledger.has(*at, name):
            found.append({"feature": name, "state": _is_on(ledger, (*at, name))})
    hidden = ledger.flag(*at, "kvm", "hidden")
    if hidden is not None:
        found.append({"feature": "kvm", "hidden": hidden})
    hyperv = _hyperv(ledger, (*at, "hyperv"))
    if hyperv:
        found.append({"feature": "hyperv", **hyperv})
    if found:
        domain["features"] = found


def _is_on(ledger: Ledger, where: Keys, *, keep_off: bool = False) -> bool:
    """A feature that is there is on unless it says otherwise."""
    if keep_off and ledger.says(*where, "enabled") is False:
        return False
    on = ledger.flag(*where, "enabled") is not False
    ledger.empty(*where)
    return on


def _hyperv(ledger: Ledger, where: Keys) -> Tree:
    found: Tree = {}
    for name in FLAGS:
        if ledger.has(*where, name):
            found[name] = _is_on(ledger, (*where, name))
    if ledger.has(*where, "spinlocks"):
        retries = ledger.number(*where, "spinlocks", "spinlocks") or _RETRIES
        on = _is_on(ledger, (*where, "spinlocks"))
        found["spinlocks"] = {"state": on, **({"retries": retries} if on else {})}
    if ledger.has(*where, "synictimer"):
        direct = ledger.has(*where, "synictimer", "direct") and _is_on(ledger, (*where, "synictimer", "direct"))
        found["stimer"] = {"state": _is_on(ledger, (*where, "synictimer")), **({"direct": True} if direct else {})}
    on = ledger.flag(*where, "vendorid", "enabled") is not False
    vendor = ledger.text(*where, "vendorid", "vendorid")
    if vendor and on:
        found["vendorId"] = vendor
    ledger.empty(*where, "vendorid")
    if ledger.has(*where, "tlbflush"):
        for part in ("direct", "extended"):
            if ledger.has(*where, "tlbflush", part):
                found[f"tlbflush{part.title()}"] = _is_on(ledger, (*where, "tlbflush", part))
        found["tlbflush"] = _is_on(ledger, (*where, "tlbflush"))
    return _with_needed(found)


def _with_needed(found: Tree) -> Tree:
    """The enlightenments with those that they need, which KubeVirt adds by itself."""
    synic = {"synic": True} if (found.get("stimer") or {}).get("state") else {}
    made = {**synic, **found}
    index = {"vpindex": True} if any(made.get(name) for name in ("synic", "tlbflush", "ipi")) else {}
    return {**index, **made}
