"""How the host schedules and limits a VM (libvirt: formatdomain, "CPU Tuning", "NUMA Node Tuning", "Memory Tuning",
"Block I/O Tuning", "Resource partitioning", "Performance monitoring events"). All of it is backend."""

from typing import Annotated

from webhook.declare import Element, backend, choice, goal, integer
from webhook.domain.types import Amount, Big, Flag, Line, Nodeset, Path, Presence, Word


class VcpuPin(Element, tag="vcpupin"):
    """The host CPUs that one vCPU runs on."""

    vcpu: Word | None = backend("scheduling")
    cpuset: Nodeset | None = backend("scheduling")


class IothreadPin(Element, tag="iothreadpin"):
    """The host CPUs that one iothread runs on."""

    iothread: Word | None = backend("scheduling")
    cpuset: Nodeset | None = backend("scheduling")


class Sched(Element):
    """A scheduler of the host's kernel."""

    scheduler: Annotated[str, choice("batch", "idle", "fifo", "rr")] | None = backend("scheduling")
    priority: Annotated[int, integer(0, 99)] | None = backend("scheduling")


class VcpuSched(Sched, tag="vcpusched"):
    """The scheduler of some vCPUs."""

    vcpus: Nodeset | None = backend("scheduling")


class IothreadSched(Sched, tag="iothreadsched"):
    """The scheduler of some iothreads."""

    iothreads: Nodeset | None = backend("scheduling")


class EmulatorSched(Sched, tag="emulatorsched"):
    """The scheduler of QEMU's own threads."""


class CacheShare(Element, tag="cache"):
    """A part of the host's cache, in KiB."""

    id: Word | None = backend("scheduling")
    level: Word | None = backend("scheduling")
    type: Annotated[str, choice("both", "code", "data")] | None = backend("scheduling")
    size: Big | None = backend("scheduling", "@size")
    unit: Annotated[str, choice("B", "KiB", "MiB")] | None = backend("scheduling")


class CacheMonitor(Element, tag="monitor"):
    """What of the host's cache some vCPUs use is counted."""

    level: Word | None = backend("scheduling")
    vcpus: Nodeset | None = backend("scheduling")


class Cachetune(Element, tag="cachetune"):
    """The parts of the host's cache that some vCPUs have."""

    id: Line | None = backend("scheduling")
    vcpus: Nodeset | None = backend("scheduling")
    caches: list[CacheShare] | None = goal("cache")
    monitors: list[CacheMonitor] | None = goal("monitor")


class BandwidthShare(Element, tag="node"):
    """A part, in percent, of the memory bandwidth of a host node."""

    id: Word | None = backend("scheduling")
    bandwidth: Word | None = backend("scheduling")


class BandwidthMonitor(Element, tag="monitor"):
    """What some vCPUs use of the memory bandwidth is counted."""

    level: Word | None = backend("scheduling")

    vcpus: Nodeset | None = backend("scheduling")


class Memorytune(Element, tag="memorytune"):
    """The memory bandwidth that some vCPUs have."""

    vcpus: Nodeset | None = backend("scheduling")
    nodes: list[BandwidthShare] | None = goal("node")
    monitors: list[BandwidthMonitor] | None = goal("monitor")


class EnergyMonitor(Element, tag="monitor"):
    """What energy some vCPUs use is counted."""

    vcpus: Nodeset | None = backend("scheduling")


class Energytune(Element, tag="energytune"):
    """The counting of what energy some vCPUs use."""

    id: Line | None = backend("scheduling")
    vcpus: Nodeset | None = backend("scheduling")
    monitors: list[EnergyMonitor] | None = goal("monitor")


class Cputune(Element, tag="cputune"):
    """Shares, periods and quotas in microseconds, pins and schedulers."""

    shares: Word | None = backend("scheduling", "shares")
    period: Big | None = backend("scheduling", "period")
    quota: Annotated[int, integer(-1, 2**63 - 1)] | None = backend("scheduling", "quota")
    global_period: Big | None = backend("scheduling", "global_period")
    global_quota: Annotated[int, integer(-1, 2**63 - 1)] | None = backend("scheduling", "global_quota")
    emulator_period: Big | None = backend("scheduling", "emulator_period")
    emulator_quota: Annotated[int, integer(-1, 2**63 - 1)] | None = backend("scheduling", "emulator_quota")
    iothread_period: Big | None = backend("scheduling", "iothread_period")
    iothread_quota: Annotated[int, integer(-1, 2**63 - 1)] | None = backend("scheduling", "iothread_quota")
    vcpu_pins: list[VcpuPin] | None = goal("vcpupin")
    emulator_pin: Nodeset | None = backend("scheduling", "emulatorpin/@cpuset")
    iothread_pins: list[IothreadPin] | None = goal("iothreadpin")
    vcpu_scheds: list[VcpuSched] | None = goal("vcpusched")
    iothread_scheds: list[IothreadSched] | None = goal("iothreadsched")
    emulator_sched: EmulatorSched | None = goal()
    cachetunes: list[Cachetune] | None = goal("cachetune")
    memorytunes: list[Memorytune] | None = goal("memorytune")
    energytunes: list[Energytune] | None = goal("energytune")


class MemNode(Element, tag="memnode"):
    """The host nodes that one guest cell's memory comes from."""

    cellid: Word | None = backend("scheduling")
    mode: Annotated[str, choice("strict", "preferred", "interleave", "restrictive")] | None = backend("scheduling")
    nodeset: Nodeset | None = backend("scheduling")


class Numatune(Element, tag="numatune"):
    """The host nodes that memory comes from."""

    mode: Annotated[str, choice("strict", "preferred", "interleave", "restrictive")] | None = backend(
        "scheduling", "memory/@mode"
    )
    nodeset: Nodeset | None = backend("scheduling", "memory/@nodeset")
    placement: Annotated[str, choice("static", "auto")] | None = backend("scheduling", "memory/@placement")
    memnodes: list[MemNode] | None = goal("memnode")


class Memtune(Element, tag="memtune"):
    """Limits of QEMU's memory on the host."""

    hard_limit: Amount | None = backend("scheduling", "hard_limit[@unit='KiB']")
    soft_limit: Amount | None = backend("scheduling", "soft_limit[@unit='KiB']")
    swap_hard_limit: Amount | None = backend("scheduling", "swap_hard_limit[@unit='KiB']")
    min_guarantee: Amount | None = backend("scheduling", "min_guarantee[@unit='KiB']")


class BlkioDevice(Element, tag="device"):
    """Weight and limits on one device of the host."""

    path: Path | None = backend("raw-device", "path")
    weight: Word | None = backend("scheduling", "weight")
    read_bytes_sec: Big | None = backend("scheduling", "read_bytes_sec")
    write_bytes_sec: Big | None = backend("scheduling", "write_bytes_sec")
    read_iops_sec: Big | None = backend("scheduling", "read_iops_sec")
    write_iops_sec: Big | None = backend("scheduling", "write_iops_sec")


class Blkiotune(Element, tag="blkiotune"):
    """The VM's weight among the host's users of disks."""

    weight: Annotated[int, integer(10, 1000)] | None = backend("scheduling", "weight")
    devices: list[BlkioDevice] | None = goal("device")


class Iothread(Element, tag="iothread", key="id"):
    """One iothread by number, and the sizes of its pool."""

    id: Annotated[int, integer(1, 65535)] | None = goal()
    thread_pool_min: Word | None = backend("scheduling", "@thread_pool_min")
    thread_pool_max: Word | None = backend("scheduling", "@thread_pool_max")
    poll_max: Big | None = backend("scheduling", "poll/@max")
    poll_grow: Big | None = backend("scheduling", "poll/@grow")
    poll_shrink: Big | None = backend("scheduling", "poll/@shrink")
    poll_weight: Big | None = backend("scheduling", "poll/@weight")


class DefaultIothread(Element, tag="defaultiothread"):
    """The pool of QEMU's main loop."""

    thread_pool_min: Word | None = backend("scheduling", "@thread_pool_min")
    thread_pool_max: Word | None = backend("scheduling", "@thread_pool_max")


class Resource(Element, tag="resource"):
    """Where the VM stands in the host's cgroups and fabric."""

    partition: Path | None = backend("scheduling", "partition")
    appid: Line | None = backend("host-identity", "fibrechannel/@appid")


class PerfEvent(Element, tag="event"):
    """One of the host's counters."""

    name: (
        Annotated[
            str,
            choice(
                "cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses",
                "branch_instructions", "branch_misses", "bus_cycles", "stalled_cycles_frontend",
                "stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock", "task_clock", "page_faults",
                "context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj", "alignment_faults",
                "emulation_faults",
            ),
        ]
        | None
    ) = backend("scheduling")  # fmt: skip
    enabled: Flag | None = backend("scheduling")


class Perf(Element, tag="perf"):
    """What of the VM the host counts."""

    events: list[PerfEvent] | None = goal("event")


class HugePage(Element, tag="page"):
    """A size of huge pages, and the guest cells that it is for."""

    size: Amount | None = backend("scheduling", "@size")
    nodeset: Nodeset | None = backend("scheduling")


class HugePages(Element, tag="hugepages"):
    """Memory from the host's huge pages; a tenant asks for them in `goals.hugepages`."""

    pages: list[HugePage] | None = goal("page")


class MemoryBacking(Element, tag="memoryBacking"):
    """What the guest's memory is on the host."""

    hugepages: HugePages | None = backend("scheduling")
    nosharepages: Presence | None = backend("scheduling", "nosharepages")
    locked: Presence | None = backend("scheduling", "locked")
    source: Annotated[str, choice("file", "anonymous", "memfd")] | None = backend("scheduling", "source/@type")
    access: Annotated[str, choice("shared", "private")] | None = backend("scheduling", "access/@mode")
    allocation: Annotated[str, choice("immediate", "ondemand")] | None = backend("scheduling", "allocation/@mode")
    allocation_threads: Annotated[int, integer(1, 1024)] | None = backend("scheduling", "allocation/@threads")
    discard: Presence | None = backend("scheduling", "discard")
