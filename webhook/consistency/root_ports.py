"""Runs of root ports stand for controllers that fit beside all others."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import devices, path_of, rule
from webhook.declare import shown
from webhook.declare.scalars import listed
from webhook.domain.address import parts_of, place
from webhook.domain.root_ports import FUNCTIONS, LAST_INDEX, LAST_SLOT, OF_A_RUN, ROOT_PORT, is_run, ports_of
from webhook.findings import Finding
from webhook.trees import Tree


@rule
def root_ports_in_a_row_have_places(domain: Tree, path: str) -> Iterator[Finding]:
    """One entry for several root ports says where the first one is, and none of them is where another device is."""
    for index, entry in enumerate(domain.get("devices", {}).get("controllers", ())):
        if "count" not in entry:
            continue
        where = f"{path}{path_of('controllers', index)}"
        found = list(_ill_formed(entry, where))
        yield from found or _collisions(domain, entry, index, path)


def _ill_formed(entry: Tree, where: str) -> Iterator[Finding]:
    if entry.get("type") != "pci" or entry.get("model") != ROOT_PORT:
        way = f"leave it out, or state `type: pci` and `model: {ROOT_PORT}`"
        yield _finding(f"{where}.count", "is about root ports, which this is none of", way)
    elif not is_run(entry):
        way = "state the index and the address of the first port, like `index: 1` and `address: 0000:00:02.0`"
        yield _finding(f"{where}.count", "does not say where the ports are", way)
    elif entry.keys() - OF_A_RUN:
        way = f"leave {listed(tuple(sorted(entry.keys() - OF_A_RUN)))} out, or state each port for itself"
        yield _finding(f"{where}.count", "stands beside what is about one port", way)
    elif "," in entry["address"] or parts_of(entry)["domain"]:
        yield _finding(f"{where}.address", "is no place alone", f"write `{place(entry['address'])}` of domain 0000")
    elif entry["index"] + entry["count"] - 1 > LAST_INDEX:
        way = f"state at most {LAST_INDEX + 1 - entry['index']}"
        yield _finding(f"{where}.count", f"leads beyond index {LAST_INDEX}, the last one", way)
    elif _last(entry) > LAST_SLOT:
        most = (LAST_SLOT + 1 - parts_of(entry)["slot"]) * FUNCTIONS - parts_of(entry)["function"]
        yield _finding(f"{where}.count", f"leads beyond slot {LAST_SLOT}, the last one", f"state at most {most}")


def _last(run: Tree) -> int:
    """The slot of the last port."""
    there = parts_of(run)
    slot: int = there["slot"] + (there["function"] + run["count"] - 1) // FUNCTIONS
    return slot


def _collisions(domain: Tree, run: Tree, own: int, path: str) -> Iterator[Finding]:
    """What has the index or the place of a port of the run; of two runs the later one."""
    ports = {port["index"]: place(port["address"]) for port in ports_of(run)}
    places = set(ports.values())
    for kind, index, device in devices(domain):
        if kind == "controllers" and index == own:
            continue
        run_too = kind == "controllers" and is_run(device)
        if run_too and index < own:
            continue
        others = list(ports_of(device)) if run_too else [device]
        where, name = f"{path}{path_of(kind, index)}", shown(run.get("name"))
        if kind == "controllers" and device.get("type") == "pci" and any(each.get("index") in ports for each in others):
            yield _finding(f"{where}.index", f"is a root port's of `{name}`", "state another index")
        elif any(each.get("address") and place(each["address"]) in places for each in others):
            yield _finding(f"{where}.address", f"is a root port's of `{name}`", "leave it out: it is filled in")


def _finding(where: str, problem: str, way: str) -> Finding:
    return Finding(where, problem, way, "root-ports")
