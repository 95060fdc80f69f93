"""The whole virtual hardware of one VM: libvirt's domain as `spec.domain`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from webhook.declare import Backend, Element, Shape, backend, choice, frontend, goal, shape_of, text
from webhook.domain.clock import ClockOffset, Timer
from webhook.domain.cpu import Cpu, Vcpu, VcpuState
from webhook.domain.escape import Capabilities, Commandline, Deprecation, MetadataEntry, Override
from webhook.domain.goals import Goals
from webhook.domain.hypervisor import HypervisorFeature
from webhook.domain.iotune import ThrottleGroup
from webhook.domain.memory import MaxMemory, Memory
from webhook.domain.os import Os
from webhook.domain.power import Lifecycle, PowerManagement
from webhook.domain.seclabel import Seclabel
from webhook.domain.security import Keywrap, LaunchSecurity
from webhook.domain.sysinfo import FwCfg, Sysinfo
from webhook.domain.tuning import (
    Blkiotune,
    Cputune,
    DefaultIothread,
    Iothread,
    MemoryBacking,
    Memtune,
    Numatune,
    Perf,
    Resource,
)
from webhook.domain.types import Count, Flag, Line, Path, Uuid

if TYPE_CHECKING:
    Devices = Any
else:
    from webhook.domain.devices import Devices


class Domain(Element, tag="domain"):
    """The complete virtual hardware; libvirt's domain, without what only the host can know."""

    also: ClassVar[Mapping[str, str]] = {
        "cores": "cpu",
        "cpus": "vcpu",
        "disks": "devices",
        "hostdevices": "devices",
        "interfaces": "devices",
        "machine": "os",
        "ram": "memory",
    }

    # Emulation is no boundary between guest and host (QEMU's manual, "Security"), and only the site knows whether its
    # nodes have KVM: where it states `qemu`, webhook.admission.site swaps the classes of the two values.
    type: Annotated[str, choice("kvm", "qemu")] | None = goal(unless={"qemu": Backend("host-identity")})
    uuid: Uuid | None = frontend("uuid")
    hwuuid: Uuid | None = frontend("hwuuid")
    genid: Uuid | None = frontend("genid")
    title: Line | None = goal("title")
    description: Annotated[str, text(4096)] | None = goal("description")
    metadata: list[MetadataEntry] | None = backend("escape-hatch", "metadata/vmconfig:entry")
    memory: Memory | None = frontend()
    maxmemory: MaxMemory | None = frontend()
    iothreads: Count | None = goal("iothreads")
    iothreadids: list[Iothread] | None = goal("iothreadids/iothread")
    default_iothread: DefaultIothread | None = goal()
    vcpu: Vcpu | None = frontend()
    vcpus: list[VcpuState] | None = frontend("vcpus/vcpu")
    memory_backing: MemoryBacking | None = goal()
    cputune: Cputune | None = goal()
    numatune: Numatune | None = goal()
    memtune: Memtune | None = goal()
    blkiotune: Blkiotune | None = goal()
    throttle_groups: list[ThrottleGroup] | None = goal("throttlegroups/throttlegroup")
    iommufd: Flag | None = backend("passthrough", "iommufd/@enabled")
    iommufd_group: Line | None = backend("passthrough", "iommufd/@fdgroup")
    resource: Resource | None = goal()
    perf: Perf | None = goal()
    sysinfo: Sysinfo | None = frontend()
    fw_cfg: FwCfg | None = frontend()
    clock: list[Timer] | None = frontend("clock/timer")
    clock_offset: ClockOffset | None = frontend()
    features: list[HypervisorFeature] | None = frontend("features/{feature}")
    cpu: Cpu | None = frontend()
    pm: PowerManagement | None = frontend()
    lifecycle: Lifecycle | None = frontend()
    # Not among the devices, all of which are objects.
    emulator: Path | None = backend("host-identity", "devices/emulator")
    devices: Devices | None = frontend()
    os: Os | None = frontend()
    launch_security: LaunchSecurity | None = frontend()
    keywrap: Keywrap | None = goal()
    seclabels: list[Seclabel] | None = backend("host-identity", "seclabel")
    bootloader: Path | None = backend("escape-hatch", "bootloader")
    bootloader_args: Line | None = backend("escape-hatch", "bootloader_args")
    commandline: Commandline | None = backend("escape-hatch")
    capabilities: Capabilities | None = backend("escape-hatch")
    override: Override | None = backend("escape-hatch")
    deprecation: Deprecation | None = backend("escape-hatch")
    goals: Goals | None = goal("-")


def domain_shape() -> Shape:
    """The compiled declaration of the whole domain."""
    return shape_of(Domain)
