"""The guest and its machine: operating system and version, architecture, machine type, firmware, secure boot.

The guest decides on clock, hypervisor features and sleep states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, ClassVar

from webhook import guests, machines
from webhook.declare import Element, Scalar, choice, frontend, shown, text
from webhook.domain.os import ARCHITECTURES
from webhook.domain.types import Flag, Machine
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform
from webhook.guests import Guest
from webhook.trees import Tree

ALSO = ("bios", "efi", "firmware", "guest", "guestOs", "machine", "os", "secureBoot", "uefi")
_VERSION = text(32, "[A-Za-z0-9][A-Za-z0-9. _-]*", "a version like `10` or `22.04`")
_TYPE = text(64, "[A-Za-z][A-Za-z0-9. _:/-]*", "a guest like `windows`")
# Editors offer the types; that other names of them are taken the API server has to know, too.
_TYPE_SCHEMA = {
    "type": "string",
    "maxLength": 64,
    "anyOf": [{"enum": list(guests.types())}, {"pattern": _TYPE.schema["pattern"]}],
}
# Enlightenments that QEMU's emulation does not start with (seen on 7.2: they need KVM's interrupt controller, or KVM
# "doesn't allow setting HyperV VP_INDEX"), and those that need one of them.
_KVM_ONLY = ("synic", "stimer", "vpindex", "tlbflush", "ipi")


def _version(value: Any) -> str | None:
    """A whole number or a string; a fraction has lost its trailing zeros in YAML."""
    if isinstance(value, float):
        return f"is `{shown(value)}`, a number with a fraction: write it in quotes, like `'22.04'`"
    return _VERSION.check(str(value) if type(value) is int else value)


_INT_OR_STRING = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}


class Wanted(Element):
    """The guest and its machine: operating system and version, architecture, machine type, firmware, secure boot."""

    also: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("guest", "guestos", "name", "os"), "type"),
        **dict.fromkeys(("bios", "efi", "uefi"), "firmware"),
    }
    mostly = "type"

    type: Annotated[str, replace(_TYPE, schema=_TYPE_SCHEMA)] | None = frontend(
        "-",
        doc="The operating system, like `windows`; also as people write it: `win11`, `rhel9.4`, an id of osinfo; "
        "`linux` and `other` for one that has no name here.",
    )
    version: Annotated[int | str, Scalar(_INT_OR_STRING, _version)] | None = frontend(
        "-", doc="Its version, like `12`; one with a dot in quotes, like `'24.04'`."
    )
    arch: Annotated[str, choice(*ARCHITECTURES)] | None = frontend("-", doc="The architecture, `x86_64` where unsaid.")
    machine: Machine | None = frontend("-", doc="A family like `q35`, or a versioned machine type like `pc-q35-7.2`.")
    firmware: Annotated[str, choice("bios", "efi")] | None = frontend(
        "-", doc="The firmware: `bios`, or `efi` for UEFI."
    )
    secure_boot: Flag | None = frontend("-", doc="Whether UEFI starts signed loaders alone: `true` or `false`.")


_NOTHING = Wanted()


def expand(wanted: Wanted | None, platform: Platform, origin: str) -> list[Contribution]:
    """The machine with its firmware, and everything that depends on the guest."""
    given = wanted or _NOTHING
    kind: Tree = {"arch": given.arch} if given.arch else {}
    if given.machine and machines.versioned(given.machine):
        kind["machine"] = given.machine
    os: Tree = {"type": kind} if kind else {}
    if given.firmware:
        os["firmware"] = given.firmware
    if given.secure_boot is not None:
        os["secureBoot"] = given.secure_boot
    machine = Contribution(origin, {"os": os} if os else {}, {"os": _os(platform)}, _because(platform))
    return [machine, Contribution(origin, {}, _guest(platform), platform.guest.because)]


def _because(platform: Platform) -> str:
    family = platform.machine.family
    if family in platform.site.machines:
        return f"site: the version of {family} that every node knows"
    return f"rule set {platform.rule_set}: machines/{family}.yaml"


def _os(platform: Platform) -> Tree:
    """Machine and firmware; SMBIOS tables come from `sysinfo` where the domain has one."""
    machine = platform.machine
    version = platform.site.machines.get(machine.family) or machine.version
    os: Tree = {
        "type": {"arch": platform.arch, "machine": version},
    }
    if platform.firmware:
        os["firmware"] = platform.firmware
    if platform.firmware == "efi":
        os["secureBoot"] = os["enrolledKeys"] = platform.secure_boot
    if platform.stated.get("sysinfo"):
        os["smbios"] = {"mode": "sysinfo"}
    return os


def _guest(platform: Platform) -> Tree:
    """The defaults of the guest, and the parts that libvirt would add to the tenant's stated ones."""
    tree = _defaults_of(platform.guest, platform.site.domain_type, platform.machine)
    stated = platform.stated
    offset = (stated.get("clockOffset") or {}).get("offset")
    if offset not in (None, platform.guest.clock_offset["offset"]):
        # The default's parts belong to its own offset: with another offset they would change its meaning.
        tree = {**tree, "clockOffset": {"basis": "utc"} if offset == "variable" else {}}
    if _has_hyperv(stated.get("features") or ()) and not _has_hyperv(tree["features"]):
        tree = {**tree, "features": [*tree["features"], {"feature": "hyperv", "mode": "custom"}]}
    return tree


def _has_hyperv(features: Iterable[Tree]) -> bool:
    return any(entry.get("feature") == "hyperv" for entry in features)


# Guests and machines are hashed by identity, and there is one object each.
@cache
def _defaults_of(guest: Guest, domain_type: str, machine: machines.Machine) -> Tree:
    """The defaults of a guest on a machine, shared by all such VMs; the merge copies what it takes.

    A guest's data has the hypervisor features, timers and sleep states of a PC; other machines have their own, or none.
    """
    if "features" in machine.defaults:
        return {
            "type": domain_type,
            "features": machine.defaults["features"],
            "clockOffset": guest.clock_offset,
            "devices": {"panics": [{"name": "panic", "model": machine.defaults["panic"]}]}
            if machine.defaults["panic"]
            else {},
        }
    features = [_emulated(entry) if domain_type == "qemu" else entry for entry in guest.features]
    # SMM is q35's alone (libvirt: virQEMUCapsSupportsSMM), where QEMU turns it on by default; secure boot needs it.
    if machine.family == "q35":
        features = [*features, {"feature": "smm", "state": True}]
    return {
        "type": domain_type,
        "features": features,
        "clock": guest.clock,
        "clockOffset": guest.clock_offset,
        "pm": guest.pm,
    }


def _emulated(entry: Tree) -> Tree:
    return {name: value for name, value in entry.items() if name not in _KVM_ONLY}
