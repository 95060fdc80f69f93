"""One guest operating system of a rule set, as the values of `webhook/guests/data`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.trees import Tree


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """The least that the guest's maker lets it be installed on: `memory` in MiB, `disk` in GiB."""

    memory: int
    cpus: int
    disk: int


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """One guest of a rule set; there is one object a guest, so that it can key a cache.

    `version` is empty for any; a `strict` guest is refused a machine that its installer would refuse. `machine` is its
    default family on x86_64: i440fx where virtio works in its legacy form alone, which q35's root ports lack, or where
    there is no driver for q35's USB controller. `memory` (MiB) and `cpus` are the defaults, headrooms how many times as
    much can be plugged in while it runs. `cpus_as` is what a bare count of vCPUs counts: sockets or cores. `disk` and
    `nic` are by machine family, `video` by the display's type (else the machine's). `features`, `clock`,
    `clock_offset`, `pm` and `balloon` (further fields of a memory balloon) are parts of a domain, which callers copy.
    `rotation_rate` is what hard disks on SATA, SCSI and IDE say of themselves, 0 where they say nothing.
    """

    type: str
    version: str
    because: str
    minimum: Minimum
    strict: bool
    machine: str
    memory: int
    cpus: int
    memory_headroom: int
    cpu_headroom: int
    cpu_model: str
    cpus_as: str
    firmware: str
    secure_boot: bool
    disk: Mapping[str, str]
    nic: Mapping[str, str]
    video: Mapping[str, str]
    input: str
    rng: bool
    guest_agent: bool
    console: bool
    tpm: bool
    features: list[Tree]
    clock: list[Tree]
    clock_offset: Tree
    pm: Tree
    balloon: Tree = field(default_factory=dict)
    rotation_rate: int = 0

    @property
    def title(self) -> str:
        """The guest in a tenant's words: `windows 10`."""
        return f"{self.type} {self.version}".strip()
