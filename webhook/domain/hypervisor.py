"""What the hypervisor offers the guest: ACPI, APIC, Hyper-V, SMM (libvirt: formatdomain, "Hypervisor features")."""

from typing import Annotated

from webhook.declare import Element, Goal, backend, choice, frontend, goal, integer, text
from webhook.domain.types import Amount, Flag, Switch

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
    "tlbflushDirect",
    "tlbflushExtended",
    "ipi",
    "evmcs",
    "avic",
    "emsrBitmap",
    "xmmInput",
)
# Features that are present or absent, and those with a state.
_PRESENT = ("acpi", "pae")
_STATED = (
    "vmport", "pmu", "hap", "vmcoreinfo", "pvspinlock", "htm", "nested-hv", "ccf-assist", "ras", "ps2",
    "virtualization",
)  # fmt: skip
_VALUED = ("cfpc", "sbbc", "ibs")


class Spinlocks(Element, tag="spinlocks"):
    """Retries of a spinlock before the guest tells the hypervisor; Windows takes 4095 and more."""

    state: Switch | None = frontend()
    retries: Annotated[int, integer(4095, 2**32 - 1)] | None = frontend()


class Stimer(Element, tag="stimer"):
    """Synthetic timers, and whether their expiry is delivered directly."""

    state: Switch | None = frontend()
    direct: Switch | None = frontend("direct/@state")


class DirtyRing(Element, tag="dirty-ring"):
    """How the host's KVM keeps track of written pages; the guest does not see it."""

    state: Switch | None = goal()
    size: Annotated[int, integer(1024, 65536)] | None = goal()


class HypervisorFeature(
    Element,
    tag="{feature}",
    key="feature",
    variants=(
        "feature",
        {
            **dict.fromkeys(_PRESENT, ()),
            **dict.fromkeys(_STATED, ("state",)),
            **dict.fromkeys(_VALUED, ("value",)),
            "apic": ("eoi",),
            "hyperv": _HYPERV,
            "kvm": ("hidden", "hintDedicated", "pollControl", "pvIpi", "dirtyRing"),
            "smm": ("state", "tseg"),
            "gic": ("version",),
            "aia": ("value",),
            "async-teardown": ("enabled",),
            "ioapic": ("driver",),
            "hpt": ("resizing", "maxPageSize"),
            "msrs": ("unknown",),
            "tcg": ("tbCache",),
        },
    ),
):
    """One hypervisor feature by its libvirt name; which other fields go with it depends on the name."""

    feature: (
        Annotated[
            str,
            choice(
                *_PRESENT, *_STATED, *_VALUED, "apic", "hyperv", "kvm", "smm", "gic", "aia", "async-teardown",
                "ioapic", "hpt", "msrs", "tcg",
            ),
        ]
        | None
    ) = frontend("{feature}")  # fmt: skip
    state: Switch | None = frontend()
    eoi: Switch | None = frontend()
    hidden: Switch | None = frontend("hidden/@state")
    hint_dedicated: Switch | None = frontend("hint-dedicated/@state")
    poll_control: Switch | None = frontend("poll-control/@state")
    pv_ipi: Switch | None = frontend("pv-ipi/@state")
    dirty_ring: DirtyRing | None = goal()
    tseg: Amount | None = frontend("tseg[@unit='KiB']")
    version: Annotated[str, choice("2", "3", "host")] | None = frontend(unless={"host": Goal()})
    driver: Annotated[str, choice("kvm", "qemu")] | None = frontend()
    resizing: Annotated[str, choice("enabled", "disabled", "required")] | None = frontend()
    max_page_size: Amount | None = frontend("maxpagesize[@unit='KiB']")
    unknown: Annotated[str, choice("ignore", "fault")] | None = frontend()
    value: (
        Annotated[
            str,
            choice(
                "broken", "workaround", "fixed", "fixed-ibs", "fixed-ccd", "fixed-na", "none", "aplic", "aplic-imsic",
            ),
        ]
        | None
    ) = frontend()  # fmt: skip
    enabled: Flag | None = goal()
    tb_cache: Amount | None = backend("scheduling", "tb-cache[@unit='KiB']")
    mode: Annotated[str, choice("custom", "passthrough")] | None = frontend(unless={"passthrough": Goal()})
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
    tlbflush_direct: Switch | None = frontend("tlbflush/direct/@state")
    tlbflush_extended: Switch | None = frontend("tlbflush/extended/@state")
    ipi: Switch | None = frontend("ipi/@state")
    evmcs: Switch | None = frontend("evmcs/@state")
    avic: Switch | None = frontend("avic/@state")
    emsr_bitmap: Switch | None = frontend("emsr_bitmap/@state")
    xmm_input: Switch | None = frontend("xmm_input/@state")
