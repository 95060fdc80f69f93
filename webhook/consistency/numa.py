"""NUMA cells, and what refers to them by number."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import rule
from webhook.findings import Finding
from webhook.trees import Tree

_OWN = 10


@rule
def cells_are_counted_from_zero(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt takes cells without gaps, each number once (src/conf/numa_conf.c)."""
    cells = domain.get("cpu", {}).get("numa", ())
    seen: set[int] = set()
    for index, cell in enumerate(cells):
        number = cell.get("cell")
        if number is None:
            continue
        if number >= len(cells) or number in seen:
            problem = f"is cell {number} of {len(cells)}; cells are numbered from 0, without gaps and each once"
            yield Finding(f"{path}.cpu.numa[{index}].cell", problem, f"write `{index}`", "numa")
        seen.add(number)


@rule
def own_memory_is_the_nearest(domain: Tree, path: str) -> Iterator[Finding]:
    """A cell's distance to itself is 10, and to no other cell (ACPI's SLIT; libvirt: src/conf/numa_conf.c)."""
    for index, cell in enumerate(domain.get("cpu", {}).get("numa", ())):
        for number, sibling in enumerate(cell.get("distances", ())):
            value, own = sibling.get("value"), sibling.get("id") == cell.get("cell", index)
            if value is not None and (value == _OWN) is not own:
                problem = f"is {value}: {_OWN} is the distance of a cell's own memory, and of no other"
                where = f"{path}.cpu.numa[{index}].distances[{number}].value"
                yield Finding(where, problem, f"state {_OWN}" if own else "state more than 10", "numa")


@rule
def ways_between_cells_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a way between two cells in both directions, and QEMU one that is told twice (numa_conf.c)."""
    interconnects = domain.get("cpu", {}).get("interconnects", {})
    seen: dict[tuple[object, ...], str] = {}
    directions: dict[tuple[object, object], str] = {}
    for kind in ("latencies", "bandwidths"):
        for index, way in enumerate(interconnects.get(kind, ())):
            place, (start, end) = f"{kind}[{index}]", (way.get("initiator"), way.get("target"))
            told = (kind, start, end, way.get("cache"), way.get("type"))
            first = seen.get(told) or (directions.get((end, start)) if start != end else None)
            if first:
                problem = f"is told by `{first}` already, for both directions"
                yield Finding(f"{path}.cpu.interconnects.{place}", problem, "remove one of the two", "numa")
            seen.setdefault(told, place)
            directions.setdefault((start, end), place)


@rule
def caches_that_are_named_exist(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a way to a cache that the target cell does not have (src/conf/numa_conf.c)."""
    cpu = domain.get("cpu", {})
    caches = {
        cell.get("cell", index): {cache.get("level") for cache in cell.get("caches", ())}
        for index, cell in enumerate(cpu.get("numa", ()))
    }
    interconnects = cpu.get("interconnects", {})
    for kind in ("latencies", "bandwidths"):
        for index, way in enumerate(interconnects.get(kind, ())):
            level = way.get("cache")
            if level and level not in caches.get(way.get("target"), ()):
                problem = f"cell {way.get('target')} has no cache of level {level}"
                where = f"{path}.cpu.interconnects.{kind}[{index}].cache"
                yield Finding(where, problem, "remove it, or state the cache in the cell", "numa")


@rule
def cells_with_caches_have_ways(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU does not start a cell with a cache and no latency and bandwidth to the cell (hw/core/numa.c, hmat-cache)."""
    cpu = domain.get("cpu", {})
    interconnects = cpu.get("interconnects", {})
    told = [{way.get("target") for way in interconnects.get(kind, ())} for kind in ("latencies", "bandwidths")]
    for index, cell in enumerate(cpu.get("numa", ())):
        number = cell.get("cell", index)
        if cell.get("caches") and not all(number in targets for targets in told):
            problem = "needs a latency and a bandwidth of the cell: QEMU does not start without"
            way = f"add one of each with `target: {number}` to `cpu.interconnects`, or remove the caches"
            yield Finding(f"{path}.cpu.numa[{index}].caches", problem, way, "numa")


@rule
def cells_that_are_named_exist(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses distances, ways and memory of a cell that there is not (src/conf/numa_conf.c)."""
    cpu = domain.get("cpu", {})
    cells = cpu.get("numa", ())
    interconnects = cpu.get("interconnects", {})
    named = [
        *(
            (f"cpu.numa[{index}].distances[{number}].id", sibling.get("id"))
            for index, cell in enumerate(cells)
            for number, sibling in enumerate(cell.get("distances", ()))
        ),
        *(
            (f"cpu.interconnects.{kind}[{number}].{end}", way.get(end))
            for kind in ("latencies", "bandwidths")
            for number, way in enumerate(interconnects.get(kind, ()))
            for end in ("initiator", "target")
        ),
        *(
            (f"devices.memories[{index}].target.node", memory.get("target", {}).get("node"))
            for index, memory in enumerate(domain.get("devices", {}).get("memories", ()))
        ),
    ]
    # Where no cells are stated and memory can grow, there is one.
    count = len(cells) or (1 if domain.get("maxmemory") else 0)
    for place, number in named:
        if number is not None and number >= count:
            way = f"name one of the cells 0 to {count - 1}" if count else "state the cells in `cpu.numa`"
            yield Finding(f"{path}.{place}", f"cell {number} does not exist, there are {count}", way, "numa")
