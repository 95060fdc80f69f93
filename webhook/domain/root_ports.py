"""Runs of PCIe root ports: an entry among the controllers for ports in a row, each of which is a controller in the XML.

The first port's index and address are the entry's own; the others have the next indices, and the next functions and
slots. Function 0 of a slot says that there are more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from webhook.domain.address import on_pci, parts_of
from webhook.trees import Tree

ROOT_PORT = "pcie-root-port"
FUNCTIONS = 8
LAST_SLOT = 31
# What an entry for several ports says: anything else would be about one port.
OF_A_RUN = frozenset({"name", "type", "index", "model", "count", "address"})
_OF_A_PORT = OF_A_RUN - {"count"}
# libvirt's bound of a controller's index.
LAST_INDEX = 255


def is_run(controller: Tree) -> bool:
    """Whether an entry stands for several root ports and says where they are."""
    return bool(controller.get("count")) and "index" in controller and parts_of(controller).get("type") == "pci"


def ports_of(run: Tree) -> Iterator[Tree]:
    """The controllers that a run stands for, as far as there are indices."""
    there, first = parts_of(run), run["index"]
    place = there["slot"] * FUNCTIONS + there["function"]
    for index in range(first, min(first + run["count"], LAST_INDEX + 1)):
        slot, function = divmod(place + index - first, FUNCTIONS)
        yield {
            "name": f"pci-{index}",
            "type": "pci",
            "index": index,
            "model": run.get("model", ROOT_PORT),
            "address": on_pci(there["bus"], slot, function, multifunction=not function),
        }


def unfolded(controllers: Iterable[Tree]) -> Iterator[Tree]:
    """All controllers of a list, each port of a run for itself; an index that two runs have, once."""
    seen: set[int] = set()
    for entry in controllers:
        if not is_run(entry):
            yield entry
            continue
        for port in ports_of(entry):
            if port["index"] in seen:
                break
            seen.add(port["index"])
            yield port


def folded(controllers: Iterable[Tree]) -> list[Tree]:
    """The same list with runs in place of ports in a row that say nothing more."""
    made: list[Tree] = []
    ports: list[Tree] = []
    for entry in controllers:
        if ports and entry != _following(ports[-1]):
            made += _as_run(ports)
            ports = []
        if ports or _begins(entry):
            ports.append(entry)
        else:
            made.append(entry)
    return made + _as_run(ports)


def _begins(entry: Tree) -> bool:
    """Whether an entry is a port as it stands at the beginning of a run."""
    there = parts_of(entry)
    if entry.get("model") != ROOT_PORT or entry.keys() != _OF_A_PORT or there.get("type") != "pci":
        return False
    return entry == next(ports_of({**entry, "count": 1}))


def _following(port: Tree) -> Tree | None:
    """The port that comes next in a run; None behind the last slot."""
    following = list(ports_of({**port, "count": 2}))[1:]
    return following[0] if following and parts_of(following[0]).get("slot", LAST_SLOT + 1) <= LAST_SLOT else None


def _as_run(ports: list[Tree]) -> list[Tree]:
    if len(ports) < 2:
        return ports
    there, first = parts_of(ports[0]), ports[0]
    address = on_pci(there["bus"], there["slot"], there["function"])
    return [{**first, "count": len(ports), "address": address}]
