"""Guest NUMA: `match-host`, which the host resolves, or a list of cells with their vCPUs and memory."""

from __future__ import annotations

from typing import Annotated, Any

from webhook.declare import Goal, Scalar, as_ranges, frontend, inspect, shape_of, shown
from webhook.domain.cpu import Cell
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform
from webhook.trees import Tree

ALSO = ("numaTopology",)
_MATCH_HOST = "match-host"
_SHAPE = shape_of(Cell)
# The maximum of `Cell.cpus`: a larger count is refused later, and is not expanded to a list before.
_MOST_CPUS = 4096


def _check(value: Any) -> str | None:
    """`match-host`, a list of cells, or an object that holds one; a structural schema cannot say so."""
    if value == _MATCH_HOST and type(value) is str:
        return None
    cells = value.get("cells") if type(value) is dict and set(value) == {"cells"} else value
    if type(cells) is not list or not cells:
        return f"`{shown(value)}` is neither `{_MATCH_HOST}` nor a list of cells"
    for index, cell in enumerate(cells):
        found = inspect(cell, _SHAPE, f"cell {index}", most=1).findings
        if found:
            return f"{found[0].path} {found[0].problem}"
        if "cpus" not in cell or "memory" not in cell:
            return f"cell {index} says no {'memory' if 'cpus' in cell else 'cpus'}"
    return None


Wanted = Annotated[str | list[Tree] | Tree, Scalar({"x-kubernetes-preserve-unknown-fields": True}, _check)]
DECLARED = frontend("-", unless={_MATCH_HOST: Goal()})


def expand(wanted: str | list[Tree] | Tree | None, platform: Platform, origin: str) -> list[Contribution]:
    """The goal, or the stated cells, numbered in order where they have no number."""
    if wanted is None:
        return []
    if wanted == _MATCH_HOST:
        return [Contribution(origin, {"goals": {"matchHostNuma": True}}, {}, platform.guest.because)]
    cells = wanted["cells"] if isinstance(wanted, dict) else wanted
    return [Contribution(origin, {"cpu": {"numa": _numbered(cells)}}, {}, platform.guest.because)]


def _numbered(cells: Any) -> list[Tree]:
    return [{**cell, "cell": index if cell.get("cell") is None else cell["cell"]} for index, cell in enumerate(cells)]


def complete(domain: Tree) -> None:
    """Complete the NUMA cells of the merged domain, in place: number them, and add one where memory can grow.

    libvirt plugs memory into NUMA cells and so requires one with `maxmemory`. Cells that match the host's are left open
    until the VM first boots on one.
    """
    cpu = domain.setdefault("cpu", {})
    if cpu.get("numa"):
        for index, cell in enumerate(cpu["numa"]):
            if cell.get("cell") is None:
                cell["cell"] = index
    elif (domain.get("goals") or {}).get("matchHostNuma"):
        return
    elif domain.get("maxmemory") and 0 < domain.get("vcpu", {}).get("count", 0) <= _MOST_CPUS:
        cpus = as_ranges(range(domain["vcpu"]["count"]))
        cpu["numa"] = [{"cell": 0, "cpus": cpus, "memory": domain["memory"]["size"]}]
