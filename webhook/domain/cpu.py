"""Processors: count, model, topology and guest NUMA (libvirt: formatdomain, "CPU model and topology")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Element, Goal, backend, choice, frontend, integer, nullable, numbers, text
from webhook.domain.types import Flag, Model, Positive, Size


class Vcpu(Element, tag="vcpu"):
    """How many vCPUs the guest can have, and how many are there at boot."""

    count: Positive | None = frontend(".")
    current: Positive | None = frontend()
    placement: Annotated[str, choice("static", "auto")] | None = backend("scheduling")
    cpuset: Annotated[str, text(256)] | None = backend("scheduling")


class Topology(Element, tag="topology"):
    """Sockets, dies, cores and threads as the guest counts them."""

    sockets: Positive | None = frontend()
    dies: Positive | None = frontend()
    cores: Positive | None = frontend()
    threads: Positive | None = frontend()


class CpuFeature(Element, tag="feature"):
    """One CPU feature flag and whether the guest has it."""

    name: Annotated[str, text(64, "[A-Za-z0-9._-]+", "a CPU feature's name")] | None = frontend()
    policy: Annotated[str, choice("require", "optional", "disable", "forbid", "force")] | None = frontend()


class Cell(Element, tag="cell"):
    """One NUMA cell that the guest sees: its vCPUs and its memory."""

    cell: Annotated[int | None, nullable(integer(0, 127))] = frontend("@id")
    cpus: Annotated[list[int], numbers(4095)] | None = frontend("@cpus")
    memory: Size | None = frontend("@memory")
    discard: Flag | None = frontend("@discard")


class Cpu(Element, tag="cpu"):
    """The CPU model; host-model and host-passthrough follow the host and so are goals, not a fixed machine."""

    mode: Annotated[str, choice("custom", "host-model", "host-passthrough", "maximum")] | None = frontend(
        unless={"host-model": Goal(), "host-passthrough": Goal(), "maximum": Goal()}
    )
    match: Annotated[str, choice("exact", "minimum", "strict")] | None = frontend()
    check: Annotated[str, choice("none", "partial", "full")] | None = frontend()
    migratable: Annotated[str, choice("on", "off")] | None = frontend()
    model: Model | None = frontend("model")
    fallback: Annotated[str, choice("allow", "forbid")] | None = frontend("model/@fallback")
    vendor: Model | None = frontend("vendor")
    topology: Topology | None = frontend()
    features: list[CpuFeature] | None = frontend()
    numa: list[Cell] | None = frontend("numa/cell")
