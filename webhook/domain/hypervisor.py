"""What the hypervisor offers the guest: ACPI, APIC, Hyper-V, SMM (libvirt: formatdomain, "Hypervisor features")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Element, choice, frontend, integer, text
from webhook.domain.types import Switch

_HYPERV = (
    "mode",
    "relaxed",
    "vapic",
    "spinlocks",
    "vpindex",
    "runtime",
    "synic",
    "stimer",
    "reset",
    "vendorId",
    "frequencies",
    "reenlightenment",
    "tlbflush",
    "ipi",
    "evmcs",
    "avic",
)


class Spinlocks(Element, tag="spinlocks"):
    """Retries of a spinlock before the guest tells the hypervisor; Windows takes 4095 and more."""

    state: Switch | None = frontend()
    retries: Annotated[int, integer(4095, 2**32 - 1)] | None = frontend()


class Stimer(Element, tag="stimer"):
    """Synthetic timers, and whether their expiry is delivered directly."""

    state: Switch | None = frontend()
    direct: Switch | None = frontend("direct/@state")


class HypervisorFeature(
    Element,
    tag="{feature}",
    key="feature",
    variants=(
        "feature",
        {
            "acpi": (),
            "pae": (),
            "apic": ("eoi",),
            "hyperv": _HYPERV,
            "kvm": ("hidden",),
            "smm": ("state",),
            "vmport": ("state",),
            "pmu": ("state",),
            "hap": ("state",),
            "vmcoreinfo": ("state",),
        },
    ),
):
    """One hypervisor feature by its libvirt name; which other fields go with it depends on the name."""

    feature: (
        Annotated[str, choice("acpi", "pae", "apic", "hyperv", "kvm", "smm", "vmport", "pmu", "hap", "vmcoreinfo")]
        | None
    ) = frontend("{feature}")
    state: Switch | None = frontend()
    eoi: Switch | None = frontend()
    hidden: Switch | None = frontend("hidden/@state")
    mode: Annotated[str, choice("custom", "passthrough")] | None = frontend()
    relaxed: Switch | None = frontend("relaxed/@state")
    vapic: Switch | None = frontend("vapic/@state")
    spinlocks: Spinlocks | None = frontend()
    vpindex: Switch | None = frontend("vpindex/@state")
    runtime: Switch | None = frontend("runtime/@state")
    synic: Switch | None = frontend("synic/@state")
    stimer: Stimer | None = frontend()
    reset: Switch | None = frontend("reset/@state")
    vendor_id: Annotated[str, text(12, "[A-Za-z0-9 ]+", "up to 12 letters, digits or spaces")] | None = frontend(
        "vendor_id[@state='on']/@value"
    )
    frequencies: Switch | None = frontend("frequencies/@state")
    reenlightenment: Switch | None = frontend("reenlightenment/@state")
    tlbflush: Switch | None = frontend("tlbflush/@state")
    ipi: Switch | None = frontend("ipi/@state")
    evmcs: Switch | None = frontend("evmcs/@state")
    avic: Switch | None = frontend("avic/@state")
