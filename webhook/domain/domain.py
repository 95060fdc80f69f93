"""The whole virtual hardware of one VM: libvirt's domain as `spec.domain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from webhook.declare import Element, Shape, choice, frontend, goal, shape_of
from webhook.domain.clock import ClockOffset, Timer
from webhook.domain.cpu import Cpu, Vcpu
from webhook.domain.goals import Goals
from webhook.domain.hypervisor import HypervisorFeature
from webhook.domain.memory import MaxMemory, Memory
from webhook.domain.os import Os
from webhook.domain.power import Lifecycle, PowerManagement
from webhook.domain.sysinfo import Sysinfo
from webhook.domain.types import Count, Line, Uuid

if TYPE_CHECKING:
    Devices = Any
else:
    from webhook.domain.devices import Devices


class Domain(Element, tag="domain"):
    """The complete virtual hardware; libvirt's domain, without what only the host can know."""

    type: Annotated[str, choice("kvm", "qemu")] | None = goal()
    uuid: Uuid | None = frontend("uuid")
    genid: Uuid | None = frontend("genid")
    title: Line | None = goal("title")
    memory: Memory | None = frontend()
    maxmemory: MaxMemory | None = frontend()
    iothreads: Count | None = goal("iothreads")
    vcpu: Vcpu | None = frontend()
    sysinfo: Sysinfo | None = frontend()
    clock: list[Timer] | None = frontend("clock/timer")
    clock_offset: ClockOffset | None = frontend()
    features: list[HypervisorFeature] | None = frontend("features/{feature}")
    cpu: Cpu | None = frontend()
    pm: PowerManagement | None = frontend()
    lifecycle: Lifecycle | None = frontend()
    devices: Devices | None = frontend()
    os: Os | None = frontend()
    goals: Goals | None = goal("-")


def domain_shape() -> Shape:
    """The compiled declaration of the whole domain."""
    return shape_of(Domain)
