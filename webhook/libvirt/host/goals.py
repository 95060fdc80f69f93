"""A VM's goals on one host: exclusive CPUs, the host's NUMA, huge pages.

Exclusive CPUs are whole cores that nobody else has: a CPU for each vCPU, and one beside them for QEMU's own threads and
iothreads. A cell of the guest is on one node, with its CPUs and its memory; a VM without cells is on one node where it
fits.
"""

from __future__ import annotations

from dataclasses import dataclass

from webhook.declare import kib, written
from webhook.domain.shared_memory import is_shared
from webhook.findings import Finding
from webhook.libvirt.host.cells import Cell, cells_of, matched
from webhook.libvirt.host.facts import PAGES, Host, cpu_set
from webhook.libvirt.host.room import Room, Share
from webhook.trees import Tree

_AGAIN = "then write the host file anew (`vmconfig host`)"


def reach_goals(domain: Tree, host: Host, path: str) -> tuple[Tree, list[Finding]]:
    """The domain with what the host has for its goals, and what it lacks of them."""
    goals = domain.get("goals") or {}
    if not any(goals.values()):
        return domain, []
    if not host.nodes:
        way = "write the host file with `vmconfig host`, or leave the goals out"
        return domain, [Finding(f"{path}.goals", "the host file says nothing of the host's `nodes`", way, "host")]
    return _Reaching(domain, goals, host, path).reach()


@dataclass(slots=True)
class _Reaching:
    """The goals of one VM on one host."""

    domain: Tree
    goals: Tree
    host: Host
    path: str

    def reach(self) -> tuple[Tree, list[Finding]]:
        exclusive, match = bool(self.goals.get("exclusiveCpus")), bool(self.goals.get("matchHostNuma"))
        size = self.goals.get("hugepages", "")
        made, room = self.domain, Room(self.host, exclusive=exclusive, page=size)
        findings: list[Finding] = []
        if (exclusive or match) and not _is_placed(self.domain):
            cells, shares = self._shares(room, match)
            if shares is None:
                findings.append(self._no_room(room, cells, exclusive, match))
            else:
                made = _bound(made, cells, shares, exclusive)
                made = _with_cells(made, cells) if match else made
        if size and not (self.domain.get("memoryBacking") or {}).get("hugepages"):
            made, lacking = self._pages(made, size)
            findings += lacking
        return made, findings

    def _shares(self, room: Room, match: bool) -> tuple[list[Cell], list[Share] | None]:
        """The guest's cells and the share of the host that each has; None where there is no room for them."""
        stated = cells_of(self.domain)
        if stated:
            shares = room.place(stated)
            return stated, shares if shares or match else room.spread(stated)
        ways = matched(self.domain, len(self.host.nodes) if match else 1)
        for cells in ways:
            shares = room.place(cells)
            if shares:
                return cells, shares
        return ways[0], None if match else room.spread(ways[0])

    def _no_room(self, room: Room, cells: list[Cell], exclusive: bool, match: bool) -> Finding:
        place = f"{self.path}.goals.{'exclusiveCpus' if exclusive else 'matchHostNuma'}"
        count = sum(len(cell.at_boot) for cell in cells)
        memory = sum(cell.memory for cell in cells) // 1024
        wanted = f"{count} CPUs of whole cores and one for QEMU's own threads" if exclusive else f"{count} CPUs"
        there = ", ".join(f"node {node.id} has {room.count(node)}" for node in self.host.nodes)
        on = f", {memory} MiB, and each cell on one node" if match else ""
        problem = f"wants {wanted}{on}; free are: {there}"
        way = f"give the VM fewer vCPUs or less memory, or stop what has them, {_AGAIN}"
        return Finding(place, problem, way, "host")

    def _pages(self, made: Tree, size: str) -> tuple[Tree, list[Finding]]:
        """The domain in huge pages, as many as its memory is; `Room` counts those of its nodes."""
        wanted = -(-(kib((self.domain.get("memory") or {}).get("size")) or 0) // PAGES[size])
        there = sum(node.pages.get(size, 0) for node in self.host.nodes)
        if wanted > there:
            problem = f"wants {wanted} free huge pages of {size}, the host has {there}"
            way = f"reserve them (`virsh allocpages {size}B {wanted}`), {_AGAIN}"
            return made, [Finding(f"{self.path}.goals.hugepages", problem, way, "host")]
        backing = {**(made.get("memoryBacking") or {}), "hugepages": {"pages": [{"size": written(PAGES[size])}]}}
        if is_shared(made):
            backing = {"access": "shared", **backing}
        return {**made, "memoryBacking": backing}, []


def _is_placed(domain: Tree) -> bool:
    """Whether the domain itself says where it runs."""
    pins, cpus = (domain.get("cputune") or {}).get("vcpuPins"), (domain.get("vcpu") or {}).get("cpuset")
    return bool(pins or cpus or domain.get("numatune"))


def _bound(domain: Tree, cells: list[Cell], shares: list[Share], exclusive: bool) -> Tree:
    """The domain with a pin for each vCPU, for QEMU's own threads and iothreads, and its memory on its nodes.

    vCPUs that are plugged later run on any CPU of the VM.
    """
    everything = [cpu for share in shares for cpu in share.cpus]
    pins = []
    for cell, share in zip(cells, shares, strict=True):
        for index, vcpu in enumerate(cell.at_boot):
            pins.append({"vcpu": vcpu, "cpuset": str(share.cpus[index]) if exclusive else cpu_set(share.cpus)})
    tune = {**(domain.get("cputune") or {}), "vcpuPins": sorted(pins, key=lambda pin: int(pin["vcpu"]))}
    if exclusive:
        beside = str(shares[0].cpus[len(cells[0].at_boot)])
        tune["emulatorPin"] = beside
        threads = _iothreads(domain)
        if threads:
            tune["iothreadPins"] = [{"iothread": thread, "cpuset": beside} for thread in threads]
    made = {**domain, "vcpu": {**domain.get("vcpu", {}), "cpuset": cpu_set(everything)}, "cputune": tune}
    nodes = [share.node for share in shares if share.node is not None]
    if len(nodes) < len(shares):
        return made
    numatune: Tree = {"mode": "strict", "nodeset": cpu_set(sorted(set(nodes)))}
    if len(shares) > 1:
        memnodes = zip(cells, nodes, strict=True)
        numatune["memnodes"] = [{"cellid": cell.id, "mode": "strict", "nodeset": str(node)} for cell, node in memnodes]
    return {**made, "numatune": numatune}


def _iothreads(domain: Tree) -> list[int]:
    stated = [entry["id"] for entry in domain.get("iothreadids", ()) if "id" in entry]
    return stated or list(range(1, domain.get("iothreads", 0) + 1))


def _with_cells(domain: Tree, cells: list[Cell]) -> Tree:
    """The domain with the cells that the host gave it; those that it states stay."""
    cpu = domain.get("cpu") or {}
    return domain if cpu.get("numa") else {**domain, "cpu": {**cpu, "numa": [cell.as_tree() for cell in cells]}}
