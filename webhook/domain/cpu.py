"""Processors: count, model, topology and guest NUMA (libvirt: formatdomain, "CPU model and topology")."""

from functools import partial
from typing import Annotated

from webhook.declare import Element, Goal, backend, choice, frontend, integer, nullable, numbers, text
from webhook.domain.cpu_names import FEATURES, MODELS, known
from webhook.domain.types import MODEL, PRINTABLE, Amount, Flag, Model, Positive, Size, Switch, Word


class Vcpu(Element, tag="vcpu"):
    """How many vCPUs the guest can have, and how many are there at boot."""

    count: Positive | None = frontend(".")
    current: Positive | None = frontend()
    placement: Annotated[str, choice("static", "auto")] | None = backend("scheduling")
    cpuset: Annotated[str, text(256)] | None = backend("scheduling")


class VcpuState(Element, tag="vcpu", key="id"):
    """One vCPU: whether it is there at boot, can go while the guest runs, and in which order they come."""

    id: Annotated[int, integer(0, 65534)] | None = frontend()
    enabled: Flag | None = frontend()
    hotpluggable: Flag | None = frontend()
    order: Positive | None = frontend()


class Topology(Element, tag="topology"):
    """Sockets, dies, cores and threads as the guest counts them."""

    sockets: Positive | None = frontend(doc="How many sockets there are, 1 or more.")
    dies: Positive | None = frontend(doc="Dies of each socket, 1 or more.")
    clusters: Positive | None = frontend(doc="Clusters of each die, 1 or more.")
    cores: Positive | None = frontend(
        doc="Cores of each cluster, or of each die where there are no clusters, 1 or more."
    )
    threads: Positive | None = frontend(doc="Threads of each core, 1 or more.")


class CpuFeature(Element, tag="feature"):
    """One CPU feature flag and whether the guest has it."""

    name: (
        Annotated[str, text(64, "[A-Za-z0-9][A-Za-z0-9._-]*", "a CPU feature's name", known=partial(known, FEATURES))]
        | None
    ) = frontend()
    policy: Annotated[str, choice("require", "optional", "disable", "forbid", "force")] | None = frontend()


class Sibling(Element, tag="sibling", key="id"):
    """How far another cell is: 10 is the own memory."""

    id: Annotated[int, integer(0, 127)] | None = frontend()
    value: Annotated[int, integer(10, 255)] | None = frontend()


class CellCache(Element, tag="cache"):
    """A memory-side cache of the cell; its line is in bytes."""

    level: Annotated[int, integer(1, 3)] | None = frontend()
    associativity: Annotated[str, choice("none", "direct", "full")] | None = frontend()
    policy: Annotated[str, choice("none", "writeback", "writethrough")] | None = frontend()
    size: Amount | None = frontend("size[@unit='KiB']/@value")
    line: Positive | None = frontend("line[@unit='B']/@value")


class Latency(Element, tag="latency"):
    """How long, in nanoseconds, an initiator cell takes to reach a target cell's memory."""

    initiator: Annotated[int, integer(0, 127)] | None = frontend()
    target: Annotated[int, integer(0, 127)] | None = frontend()
    cache: Annotated[int, integer(0, 3)] | None = frontend()
    type: Annotated[str, choice("access", "read", "write")] | None = frontend()
    value: Word | None = frontend()


class Bandwidth(Element, tag="bandwidth[@unit='KiB']"):
    """How much a second an initiator cell moves to or from a target cell's memory."""

    initiator: Annotated[int, integer(0, 127)] | None = frontend()
    target: Annotated[int, integer(0, 127)] | None = frontend()
    cache: Annotated[int, integer(0, 3)] | None = frontend()
    type: Annotated[str, choice("access", "read", "write")] | None = frontend()
    value: Amount | None = frontend()


class Interconnects(Element, tag="interconnects"):
    """What the guest is told of the ways between its cells (ACPI's HMAT)."""

    latencies: list[Latency] | None = frontend("latency")
    bandwidths: list[Bandwidth] | None = frontend("bandwidth[@unit='KiB']")


class CpuCache(Element, tag="cache"):
    """What the guest is told of the CPU's cache."""

    level: Annotated[int, integer(1, 3)] | None = frontend()
    mode: Annotated[str, choice("emulate", "passthrough", "disable")] | None = frontend(unless={"passthrough": Goal()})


class MaxPhysAddr(Element, tag="maxphysaddr"):
    """How many bits a physical address of the guest has."""

    mode: Annotated[str, choice("emulate", "passthrough")] | None = frontend(unless={"passthrough": Goal()})
    bits: Annotated[int, integer(32, 64)] | None = frontend()
    limit: Annotated[int, integer(32, 64)] | None = frontend()


class Cell(Element, tag="cell"):
    """One NUMA cell that the guest sees: its vCPUs and its memory."""

    cell: Annotated[int | None, nullable(integer(0, 127))] = frontend("@id")
    cpus: Annotated[list[int] | str, numbers(4095)] | None = frontend(
        "@cpus", doc="The vCPUs of the cell: a text like `0-3,8`, or a list of numbers."
    )
    memory: Size | None = frontend("@memory")
    discard: Flag | None = frontend("@discard")
    mem_access: Annotated[str, choice("shared", "private")] | None = backend("scheduling", "@memAccess")
    distances: list[Sibling] | None = frontend("distances/sibling")
    caches: list[CellCache] | None = frontend("cache")


class Cpu(Element, tag="cpu"):
    """The CPU model; host-model and host-passthrough follow the host and so are goals, not a fixed machine."""

    mode: Annotated[str, choice("custom", "host-model", "host-passthrough", "maximum")] | None = frontend(
        unless={"host-model": Goal(), "host-passthrough": Goal(), "maximum": Goal()}
    )
    # With `minimum` libvirt adds to the model all that the host has beyond it.
    match: Annotated[str, choice("exact", "minimum", "strict")] | None = frontend(unless={"minimum": Goal()})
    deprecated_features: Switch | None = frontend("@deprecated_features")
    check: Annotated[str, choice("none", "partial", "full")] | None = frontend()
    migratable: Annotated[str, choice("on", "off")] | None = frontend()
    model: Annotated[str, text(*MODEL, known=partial(known, MODELS))] | None = frontend("model")
    fallback: Annotated[str, choice("allow", "forbid")] | None = frontend("model/@fallback")
    vendor_id: (
        Annotated[str, text(12, f"{PRINTABLE}{{12}}", "12 printable characters of ASCII, none of them a comma")] | None
    ) = frontend("model/@vendor_id")
    vendor: Model | None = frontend("vendor")
    cache: CpuCache | None = frontend()
    max_phys_addr: MaxPhysAddr | None = frontend()
    topology: Topology | None = frontend()
    features: list[CpuFeature] | None = frontend()
    numa: list[Cell] | None = frontend("numa/cell")
    interconnects: Interconnects | None = frontend("numa/interconnects")
