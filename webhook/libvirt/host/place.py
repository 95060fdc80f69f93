"""A domain on one host: its references and goals become the host's own claims, networks, devices, CPUs and memory.

What a domain states itself, because a policy permits it, is kept. What the host lacks is a finding, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from webhook.declare import kib, shown
from webhook.domain.convention import BLANK, POD_NETWORK, Hosted
from webhook.domain.devices import KINDS
from webhook.findings import Finding, Refused
from webhook.libvirt.backend.blobs import HOSTED_BLOB
from webhook.libvirt.backend.firmware import host_firmware
from webhook.libvirt.host.facts import Host
from webhook.libvirt.host.goals import reach_goals
from webhook.trees import Tree


def on_host(domain: Tree, name: str, host: Host, path: str = "spec.domain") -> Tree:
    """A new domain with the host's backend; the conventional one then has nothing left to add of these.

    `name` is the VM's, `path` the domain's place in its object. Raises Refused with all that the host lacks.
    """
    placing = _Placing(host, path)
    made = placing.devices(placing.hypervisor(domain))
    if "os" in made:
        made["os"] = placing.firmware(made["os"], name)
    if made.get("fwCfg", {}).get("entries"):
        made["fwCfg"] = {**made["fwCfg"], "entries": placing.blobs(made["fwCfg"]["entries"], f"{path}.fwCfg.entries")}
    made, lacking = reach_goals(made, host, path)
    lacking = lacking or [*_without_room(made, host, path)]
    if placing.findings or lacking:
        raise Refused([*placing.findings, *lacking])
    return made


def _without_room(domain: Tree, host: Host, path: str) -> Iterator[Finding]:
    """A VM with more memory than the host's nodes have free together; huge pages are counted by themselves."""
    free = [node.free for node in host.nodes if node.free is not None]
    if not free or len(free) < len(host.nodes) or (domain.get("memoryBacking") or {}).get("hugepages"):
        return
    wanted, there = kib((domain.get("memory") or {}).get("size")) or 0, sum(free)
    if wanted > there:
        problem = f"is {wanted // 1024} MiB, and the host has {there // 1024} MiB free"
        way = "give the VM less memory, or stop what has it and write the host file anew (`vmconfig host`)"
        yield Finding(f"{path}.memory.size", problem, way, "host")


@dataclass(slots=True)
class _Placing:
    """One VM being placed: the host, the domain's place, what is lacking, how many of each device resource are used."""

    host: Host
    path: str
    findings: list[Finding] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)

    def hypervisor(self, domain: Tree) -> Tree:
        """The domain with what runs VMs here. Emulation is slower, and the guest sees the same."""
        arch = str(domain.get("os", {}).get("type", {}).get("arch", ""))
        kind = self.host.types.get(arch)
        if kind is None:
            problem = f"nothing here runs VMs of `{shown(arch)}`"
            way = "install QEMU for it and write the host file anew (`vmconfig host`), or take another host"
            self.findings.append(Finding(f"{self.path}.os.type.arch", problem, way, "host"))
            return dict(domain)
        mode = domain.get("cpu", {}).get("mode")
        if kind == "qemu" and mode == "host-passthrough":
            problem = "follows the host's CPU, which emulation does not have"
            way = "take a host with KVM, or name a model in `spec.features.cpu.model`"
            self.findings.append(Finding(f"{self.path}.cpu.mode", problem, way, "host"))
        return {**domain, "type": "qemu" if domain.get("type") == "qemu" else kind}

    def devices(self, domain: Tree) -> Tree:
        """The domain with the host's end of every device, as their declarations say."""
        devices = dict(domain.get("devices") or {})
        for listed, kind in KINDS.items():
            entries, hosted = devices.get(listed), kind.hosted
            if not hosted or not entries:
                continue
            single = isinstance(entries, dict)
            place = f"{self.path}.devices.{listed}"
            placed = [
                self._device(device, hosted, place if single else f"{place}[{index}]")
                for index, device in enumerate([entries] if single else entries)
            ]
            devices[listed] = placed[0] if single else placed
        return {**domain, "devices": devices} if devices else domain

    def _device(self, device: Tree, ways: tuple[Hosted, ...], place: str) -> Tree:
        """A device with the host's end of it, by the one of its ways by which it needs anything of the host."""
        hosted, wanted = next(((way, name) for way in ways if (name := way.wanted(device))), (None, ""))
        if hosted is None:
            return device
        offers = self.host.offers.get(hosted.facts, {}).get(wanted, ())
        turn = 0 if hosted.shared else self.used.get(wanted, 0)
        offer = offers[turn] if turn < len(offers) else None
        if offer is None:
            self.findings.append(_lacking(hosted, device, len(offers), place))
            return device
        self.used[wanted] = turn + 1
        placed = hosted.provide(device, offer)
        if placed is None:
            forms = " or ".join(f"`{form}`" for form in hosted.forms(device))
            problem = f"`{shown(wanted)}` is nothing on this host that this device can use"
            way = f"give it {forms} in `{hosted.facts}` of the host file"
            self.findings.append(Finding(f"{place}.{hosted.field}", problem, way, "host"))
        return placed or device

    def blobs(self, entries: list[Tree], place: str) -> list[Tree]:
        """What fw_cfg holds, with the files that a host has made of what is referred to."""
        return [self._device(entry, (HOSTED_BLOB,), f"{place}[{index}]") for index, entry in enumerate(entries)]

    def firmware(self, os: Tree, name: str) -> Tree:
        """The `os` element with the host's image of its firmware, and the file of its variables."""
        made = host_firmware(os, self.host.firmware)
        if made is None:
            wanted = "with" if os.get("secureBoot") else "without"
            problem = f"no UEFI {wanted} secure boot is on this host for `{shown(os['type'].get('arch', ''))}`"
            way = "install it (Debian: ovmf, qemu-efi-aarch64) and write the host file anew (`vmconfig host`)"
            self.findings.append(Finding(f"{self.path}.os.firmware", problem, way, "host"))
            return os
        if "nvram" in made and self.host.nvram and "path" not in made["nvram"]:
            path = f"{self.host.nvram.rstrip('/')}/{name}_VARS.fd"
            return {**made, "nvram": {**made["nvram"], "path": path}}
        return made


def _lacking(hosted: Hosted, device: Tree, count: int, place: str) -> Finding:
    """The host has not what a device refers to, or the device refers to nothing."""
    place, part, wanted = f"{place}.{hosted.field}", hosted.facts, hosted.wanted(device)
    if wanted == POD_NETWORK:
        way = "say `podNetwork` in the host file, or name a network: `source` in `spec.features.network`"
        return Finding(place, "names no network, and this host says nothing of the pod's", way, "host")
    if wanted.startswith(BLANK):
        way = "name a claim: `source` in place of `blank` in `spec.features.storage`, or `claim` of the device"
        return Finding(place, "names no claim, and a host has no blank volumes", way, "host")
    forms = " or ".join(f"{form}: …" for form in hosted.forms(device))
    if count:
        problem = f"`{shown(wanted)}` is there {count} times on this host, and the VM wants more"
    else:
        problem = f"`{shown(wanted)}` is not on this host"
    way = f"add it to `{part}` of the host file: `{{name: {shown(wanted)}, {forms}}}`"
    return Finding(place, problem, way, "host")
