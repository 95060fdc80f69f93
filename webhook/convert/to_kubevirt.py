"""A complete VM of ours as a thin `kubevirt.io/v1` VirtualMachine: what KubeVirt has a field for, with places chosen.

The VM has been completed (`webhook.admission.offline`): what stands in `spec.domain` is the machine.
"""

from __future__ import annotations

import math

from webhook.convert import own_devices
from webhook.convert.converted import Converted, left_over
from webhook.convert.kubevirt_machine import CHASSIS, FLAGS, MODES, TIMERS
from webhook.convert.ledger import Keys, Ledger
from webhook.declare import kib, shown
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.kubevirt.starting.devices import SLOT_COUNT
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

_DOMAIN = "spec.domain"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "s390x": "s390x"}
_MACHINES = (ANNOTATION, SLOT_COUNT)
_OF_THE_OBJECT = ("kubectl.kubernetes.io/", "vmconfig.kubevirt.io/")


def to_kubevirt(vm: Tree, site: Site) -> Converted:
    """The VirtualMachine, which does not run. `vm` is complete and well formed."""
    made = Converted()
    ledger = Ledger(vm["spec"]["domain"], _DOMAIN)
    metadata, annotations = _metadata(vm["metadata"])
    domain: Tree = {}
    instance: Tree = {"domain": domain}
    _machine(ledger, instance, made)
    size = _memory(ledger, domain)
    _cpu(ledger, domain, made, size)
    _identity(ledger, domain)
    _clock(ledger, domain)
    _hypervisor(ledger, domain, made)
    own_devices.carry(ledger, instance, made, keeps_places=ANNOTATION in annotations)
    left_over("own", ledger.left(), made)
    template: Tree = {"spec": instance}
    if annotations:
        template["metadata"] = {"annotations": annotations}
    virtual: Tree = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": metadata,
        "spec": {"runStrategy": "Halted", "template": template},
    }
    frozen = freeze(virtual, None, site)
    for each in (*frozen.findings, *frozen.warnings):
        made.tell(each.path, each.problem)
    made.objects = [frozen.vm]
    return made


def _metadata(stated: Tree) -> tuple[Tree, Tree]:
    """What the object is called, and the annotations that are the machine's."""
    metadata = {key: stated[key] for key in ("name", "namespace", "labels") if stated.get(key)}
    listed = stated.get("annotations")
    annotations = listed if type(listed) is dict else {}
    others = {key: value for key, value in annotations.items() if not key.startswith(_OF_THE_OBJECT)}
    others = {key: value for key, value in others.items() if key not in _MACHINES}
    if others:
        metadata["annotations"] = others
    return metadata, {key: value for key, value in annotations.items() if key in _MACHINES and type(value) is str}


def _machine(ledger: Ledger, instance: Tree, made: Converted) -> None:
    arch, machine = ledger.text("os", "type", "arch") or "", ledger.text("os", "type", "machine") or ""
    ledger.take("os", "type", "os")
    if arch not in _ARCHITECTURES:
        way = "convert a VM of x86_64, aarch64 or s390x"
        made.lose(f"{_DOMAIN}.os.type.arch", f"`{shown(arch)}` is none that KubeVirt runs", way)
        return
    if arch == "x86_64" and "q35" not in machine:
        way = "there is no way: another machine is another hardware to the guest"
        made.lose(f"{_DOMAIN}.os.type.machine", f"`{shown(machine)}` is none that KubeVirt makes: it has q35", way)
    instance["architecture"] = _ARCHITECTURES[arch]
    domain = instance["domain"]
    domain["machine"] = {"type": machine}
    if ledger.says("os", "boot") == [{"dev": "hd"}]:
        ledger.take("os", "boot")
    loader: Tree = {}
    firmware, secure = ledger.text("os", "firmware"), ledger.flag("os", "secureBoot")
    if firmware == "efi":
        loader = {"efi": {"secureBoot": bool(secure)}}
    elif arch == "x86_64":
        serial = ledger.flag("os", "bios", "useserial")
        loader = {"bios": {"useSerial": True} if serial else {}}
    if loader:
        domain["firmware"] = {"bootloader": loader}
    if secure:
        # KubeVirt refuses secure boot without it.
        domain["features"] = {"smm": {"enabled": True}}


def _memory(ledger: Ledger, domain: Tree) -> int | None:
    """The guest's memory; returns its KiB."""
    size, current = ledger.take("memory", "size"), ledger.says("memory", "current")
    memory: Tree = {"guest": f"{size}Mi" if type(size) is int else size}
    if current == size:
        ledger.take("memory", "current")
    pages = ledger.text("goals", "hugepages")
    if pages:
        memory["hugepages"] = {"pageSize": pages}
    domain["memory"] = memory
    return kib(size)


def _cpu(ledger: Ledger, domain: Tree, made: Converted, size: int | None) -> None:
    cpu = _levels(ledger, made)
    if ledger.says("cpu", "mode") in MODES:
        cpu["model"] = ledger.take("cpu", "mode")
    elif ledger.has("cpu", "model"):
        cpu["model"] = ledger.take("cpu", "model")
        if ledger.says("cpu", "mode") == "custom":
            ledger.take("cpu", "mode")
    listed = [_cpu_feature(ledger, ("cpu", "features", index)) for index in range(ledger.count("cpu", "features"))]
    if listed:
        cpu["features"] = listed
    if ledger.flag("goals", "exclusiveCpus"):
        cpu["dedicatedCpuPlacement"] = True
    # KubeVirt refuses it without both.
    if "dedicatedCpuPlacement" in cpu and "hugepages" in domain["memory"] and ledger.flag("goals", "matchHostNuma"):
        cpu["numa"] = {"guestMappingPassthrough": {}}
    domain["cpu"] = cpu
    if ledger.count("cpu", "numa") == 1:
        # One cell with all of the memory is what a guest without cells has.
        for name in ("cell", "cpus", *(("memory",) if kib(ledger.says("cpu", "numa", 0, "memory")) == size else ())):
            ledger.take("cpu", "numa", 0, name)
        problem = "is one cell with all that there is, which memory that grows needs: there are no cells there"
        made.tell(f"{_DOMAIN}.cpu.numa", problem)


def _cpu_feature(ledger: Ledger, at: Keys) -> Tree:
    return {"name": ledger.text(*at, "name"), "policy": ledger.text(*at, "policy") or "require"}


def _levels(ledger: Ledger, made: Converted) -> Tree:
    """Sockets, cores and threads; what comes later is sockets there."""
    count, current = ledger.number("vcpu", "count") or 1, ledger.number("vcpu", "current")
    levels = {level: ledger.says("cpu", "topology", level) or 1 for level in ("sockets", "cores", "threads")}
    for level in ("dies", "clusters"):
        if ledger.says("cpu", "topology", level) == 1:
            ledger.take("cpu", "topology", level)
    if math.prod(levels.values()) == count:
        for level in levels:
            ledger.take("cpu", "topology", level)
    else:
        # Any that is stated otherwise is left, and said.
        levels = {"sockets": count, "cores": 1, "threads": 1}
    if not current or current >= count:
        return {**levels}
    a_socket = levels["cores"] * levels["threads"]
    if current % a_socket == 0:
        return {**levels, "sockets": current // a_socket, "maxSockets": levels["sockets"]}
    problem = (
        f"is {current} of {count}, and what comes later is whole sockets there: the guest has {current} and no more"
    )
    made.tell(f"{_DOMAIN}.vcpu.current", problem)
    return {"sockets": 1, "cores": current, "threads": 1}


def _identity(ledger: Ledger, domain: Tree) -> None:
    firmware = domain.setdefault("firmware", {})
    uuid, serial = ledger.text("uuid"), ledger.text("sysinfo", "serial")
    if uuid:
        firmware["uuid"] = uuid
    if serial:
        firmware["serial"] = serial
    if str(ledger.says("sysinfo", "uuid") or "").lower() == (uuid or "").lower():
        ledger.take("sysinfo", "uuid")
    if ledger.says("os", "smbios", "mode") == "sysinfo":
        ledger.take("os", "smbios")
    if chassis := ledger.texts("sysinfo", "chassis", names=CHASSIS):
        domain["chassis"] = chassis


def _clock(ledger: Ledger, domain: Tree) -> None:
    clock: Tree = {}
    at = ("clockOffset",)
    offset, basis = ledger.says(*at, "offset"), ledger.says(*at, "basis")
    if offset == "timezone" and ledger.says(*at, "timezone"):
        clock["timezone"] = ledger.take(*at, "timezone")
        ledger.take(*at, "offset")
    elif offset == "variable" and basis in (None, "utc"):
        clock["utc"] = {"offsetSeconds": ledger.number(*at, "adjustment") or 0}
        ledger.take(*at)
    elif offset == "utc":
        clock["utc"] = {}
        ledger.take(*at, "offset")
    timers = {own: name for name, own in TIMERS.items()}
    found: Tree = {}
    for index in range(ledger.count("clock")):
        name = timers.get(ledger.says("clock", index, "timer"))
        if name:
            ledger.take("clock", index, "timer")
            present = ledger.flag("clock", index, "present")
            timer: Tree = {"present": present is not False}
            keys = {"hpet": ("tickPolicy",), "pit": ("tickPolicy",), "rtc": ("tickPolicy", "track")}.get(name, ())
            for key in keys:
                value = ledger.text("clock", index, key)
                if value:
                    timer[key] = value
            found[name] = timer
    if found:
        clock["timer"] = found
    if clock:
        domain["clock"] = clock


def _hypervisor(ledger: Ledger, domain: Tree, made: Converted) -> None:
    features: Tree = domain.get("features", {})
    for index in range(ledger.count("features")):
        at = ("features", index)
        name = ledger.says(*at, "feature")
        if name == "acpi":
            ledger.take(*at, "feature")
        elif name == "apic":
            ledger.take(*at, "feature")
            eoi = ledger.flag(*at, "eoi")
            features["apic"] = {} if eoi is None else {"endOfInterrupt": eoi}
        elif name in ("smm", "pvspinlock"):
            ledger.take(*at, "feature")
            features[name] = {"enabled": ledger.flag(*at, "state") is not False}
        elif name == "kvm":
            hidden = ledger.flag(*at, "hidden")
            if hidden is not None:
                features["kvm"] = {"hidden": hidden}
            ledger.take(*at, "feature")
        elif name == "hyperv":
            ledger.take(*at, "feature")
            features["hyperv"] = _hyperv(ledger, at)
        _tell_rest(ledger, at, str(name), made)
    if features:
        domain["features"] = features


def _tell_rest(ledger: Ledger, at: Keys, name: str, made: Converted) -> None:
    """Say by its name what of a feature nobody carried."""
    rest = ledger.take(*at) or {}
    words = [f"`{name}`"] if "feature" in rest else [f"`{key}` of `{name}`" for key in rest]
    if words:
        problem = f"is not carried over: KubeVirt has no word for {', '.join(words)}"
        made.tell(f"{_DOMAIN}.features[{at[-1]}]", problem)


def _hyperv(ledger: Ledger, at: Keys) -> Tree:
    if ledger.says(*at, "mode") == "custom":
        ledger.take(*at, "mode")
    flags = ((name, ledger.flag(*at, name)) for name in FLAGS)
    found: Tree = {name: {"enabled": state} for name, state in flags if state is not None}
    if ledger.has(*at, "spinlocks"):
        retries = ledger.number(*at, "spinlocks", "retries")
        state = {"enabled": ledger.flag(*at, "spinlocks", "state") is not False}
        found["spinlocks"] = {**state, **({"spinlocks": retries} if retries else {})}
    if ledger.has(*at, "stimer"):
        direct = ledger.flag(*at, "stimer", "direct")
        state = {"enabled": ledger.flag(*at, "stimer", "state") is not False}
        found["synictimer"] = {**state, **({} if direct is None else {"direct": {"enabled": direct}})}
    vendor = ledger.text(*at, "vendorId")
    if vendor:
        found["vendorid"] = {"enabled": True, "vendorid": vendor}
    return {**found, **_flush(ledger, at)}


def _flush(ledger: Ledger, at: Keys) -> Tree:
    flush = ledger.flag(*at, "tlbflush")
    if flush is None:
        return {}
    parts = ((part, ledger.flag(*at, f"tlbflush{part.title()}")) for part in ("direct", "extended"))
    return {"tlbflush": {"enabled": flush, **{part: {"enabled": on} for part, on in parts if on is not None}}}
