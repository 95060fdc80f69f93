"""A host file, read: all that is wrong with it at once, or the facts as values that the rest can trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from webhook.declare import inspect, kib, shape_of, shown
from webhook.domain.convention import POD_NETWORK
from webhook.findings import Finding, Refused
from webhook.libvirt.host.declared import HostFile
from webhook.trees import Tree

_HELP = "docs/boot.md says what a host file has; `vmconfig host` writes one"
# Of these an entry has exactly one, by the list.
_ONE_OF = {
    "claims": ("file", "block", "folder"),
    "networks": ("bridge", "network", "tap", "user"),
    "devices": ("pci", "mdev"),
}
# These an entry has to have, by the list; a list's key is among what the inspection asks for, but for `name`.
_NEEDED = {
    "hypervisors": ("type",),
    "claims": ("name",),
    "seeds": ("name", "file"),
    "networks": ("name",),
    "addresses": ("mac", "ip"),
    "firmware": ("arch", "loader", "template"),
    "devices": ("name",),
}
# The sizes of huge pages in KiB.
PAGES = {"2Mi": 2048, "1Gi": 1048576}
# Linux' own most (arch/x86/Kconfig: NR_CPUS_RANGE_END).
_MOST_CPUS = 8192
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Node:
    """A NUMA node: its free memory in KiB (None: not known), its cores as tuples of CPUs, free pages by size."""

    id: int
    free: int | None
    cores: tuple[tuple[int, ...], ...]
    pages: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Host:
    """The facts of one host. `offers` has by part and name what there is: claims, seeds, networks, devices."""

    types: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    taken: frozenset[int] = frozenset()
    offers: Mapping[str, Mapping[str, list[Tree]]] = field(default_factory=dict)
    addresses: Mapping[str, list[str]] = field(default_factory=dict)
    firmware: tuple[Tree, ...] = ()
    nvram: str = ""

    def type_for(self, arch: str) -> str:
        """How VMs of an architecture run here; `kvm` where none do, which is a finding when one is placed."""
        return self.types.get(arch, "kvm")

    def mediated(self, resource: str) -> Tree | None:
        """What there is of a device resource, where its devices are mediated."""
        return next((offer for offer in self.offers.get("devices", {}).get(resource, ()) if "mdev" in offer), None)


def read_host(tree: object, name: str = "host.yaml") -> Host:
    """The facts that a host file's tree says; raises Refused with every problem. `name` is the file's."""
    found = inspect(tree, shape_of(HostFile), name).findings
    if not found and isinstance(tree, dict):
        found.take(_incomplete(tree, name))
        found.take(_miscounted(tree, name))
    if found or not isinstance(tree, dict):
        raise Refused([_of_file(finding) for finding in found])
    return _facts(tree)


def _of_file(finding: Finding) -> Finding:
    """A finding of the inspection, which speaks to whoever wrote a VM."""
    problem = finding.problem.replace("is not a field of the API", "is no field of a host file")
    way = _HELP if not finding.help or finding.help.startswith("`kubectl") else finding.help
    return replace(finding, problem=problem, help=way, rule="host")


def _incomplete(tree: Tree, name: str) -> Iterator[Finding]:
    """Entries that lack a part, or say two things where one holds."""
    entries = [
        (part, f"{name}.{part}[{index}]", entry)
        for part in dict.fromkeys((*_NEEDED, *_ONE_OF))
        for index, entry in enumerate(tree.get(part, ()))
    ]
    if "podNetwork" in tree:
        entries.append(("networks", f"{name}.podNetwork", {"name": "", **tree["podNetwork"]}))
    for part, place, entry in entries:
        for needed in _NEEDED.get(part, ()):
            if needed not in entry:
                yield Finding(f"{place}.{needed}", "is missing", _HELP, "host")
        forms = _ONE_OF.get(part, ())
        said = [form for form in forms if entry.get(form, False) is not False]
        if forms and len(said) != 1:
            problem = f"says {' and '.join(f'`{form}`' for form in said) or 'nothing of where it is'}"
            yield Finding(place, problem, f"say one of {', '.join(f'`{form}`' for form in forms)}", "host")
        if "mdev" in said and "parent" not in entry:
            way = "name the device that makes them: `virsh nodedev-list`"
            yield Finding(f"{place}.parent", "is missing", way, "host")


def _miscounted(tree: Tree, name: str) -> Iterator[Finding]:
    """Sets of CPUs that cannot be read, and CPUs that are in two cores."""
    sets = [(f"{name}.taken", tree["taken"])] if "taken" in tree else []
    for number, node in enumerate(tree.get("nodes", ())):
        for index, core in enumerate(node.get("cores", ())):
            place = f"{name}.nodes[{number}].cores[{index}].cpus"
            if "cpus" not in core:
                yield Finding(place, "is missing", "say which CPUs are the core's threads", "host")
            else:
                sets.append((place, core["cpus"]))
    seen: dict[int, str] = {}
    for place, said in sets:
        cpus = numbers(said)
        if cpus is None:
            problem = f"`{shown(said)}` is no set of CPUs"
            yield Finding(place, problem, f"write it like `0-3,8`, with numbers below {_MOST_CPUS}", "host")
            continue
        for cpu in cpus if not place.endswith(".taken") else ():
            if cpu in seen:
                yield Finding(place, f"CPU {cpu} is in `{seen[cpu]}` too", "name each CPU once", "host")
            seen[cpu] = place


def numbers(said: str) -> list[int] | None:
    """The numbers of a set like `0-3,8`, in its order; None where it is none, or has numbers that no CPU has."""
    found: list[int] = []
    for part in said.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or "0").isdecimal() or len(first + last) > 2 * _DIGITS:
            return None
        low, high = int(first), int(last or first)
        if not low <= high < _MOST_CPUS or len(found) > _MOST_CPUS:
            return None
        found += range(low, high + 1)
    return found


def cpu_set(cpus: list[int] | tuple[int, ...]) -> str:
    """The reverse: numbers as libvirt writes a set of them."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _facts(tree: Tree) -> Host:
    networks = {entry["name"]: [entry] for entry in tree.get("networks", ())}
    if "podNetwork" in tree:
        networks[POD_NETWORK] = [tree["podNetwork"]]
    devices: dict[str, list[Tree]] = {}
    for entry in tree.get("devices", ()):
        devices.setdefault(entry["name"], []).extend([entry] * entry.get("free", 1))
    addresses: dict[str, list[str]] = {}
    for entry in tree.get("addresses", ()):
        addresses.setdefault(entry["mac"].lower(), []).append(entry["ip"])
    return Host(
        types={entry["arch"]: entry["type"] for entry in tree.get("hypervisors", ())},
        nodes=tuple(map(_node, tree.get("nodes", ()))),
        taken=frozenset(numbers(tree.get("taken", "")) or ()),
        offers={
            "claims": {entry["name"]: [entry] for entry in tree.get("claims", ())},
            "seeds": {entry["name"]: [entry] for entry in tree.get("seeds", ())},
            "networks": networks,
            "devices": devices,
        },
        addresses=addresses,
        firmware=tuple(tree.get("firmware", ())),
        nvram=tree.get("nvram", ""),
    )


def _node(node: Tree) -> Node:
    cores = tuple(tuple(numbers(core["cpus"]) or ()) for core in node.get("cores", ()))
    pages = {entry["size"]: entry.get("free", 0) for entry in node.get("hugepages", ())}
    return Node(node["id"], kib(node.get("free")), cores, pages)
