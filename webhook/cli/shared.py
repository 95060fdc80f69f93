"""What imported machines must not have in common: each is one VM, with disks, MAC addresses and a UUID of its own."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from webhook.declare import shown
from webhook.findings import Finding
from webhook.trees import Tree

_WAYS = {
    "name": "give one another `<name>` in its XML, or import it alone with `--name`",
    "uuid": "give one another `<uuid>` in its XML: a guest is known by it",
    "mac": "give one NIC another MAC address in its XML, or import one of the two machines",
    "claim": "name another claim in the map, by a name that this disk alone has, such as its image; an admin may state "
    "`shareable` for disks of a cluster: import these machines one at a time",
}


@dataclass(frozen=True, slots=True)
class _Holding:
    """What a VM has at a place; `common` where others may have it, too."""

    what: str
    value: str
    place: str
    common: bool = False


def shared(machines: list[tuple[str, Tree]]) -> dict[str, list[Finding]]:
    """The findings about what several of these VMs have, or one of them twice, by the document that each is of."""
    holders: dict[Hashable, list[tuple[str, _Holding]]] = {}
    for source, vm in machines:
        for holding in _held(vm):
            holders.setdefault((holding.what, holding.value), []).append((source, holding))
    found: dict[str, list[Finding]] = {}
    for held in holders.values():
        if len(held) > 1 and not all(holding.common for _, holding in held):
            for index, (source, holding) in enumerate(held):
                other, there = held[0 if index else 1]
                found.setdefault(source, []).append(_finding(holding, other if other != source else "", there.place))
    return found


def _held(vm: Tree) -> Iterator[_Holding]:
    domain = vm["spec"]["domain"]
    devices = domain.get("devices", {})
    yield _Holding("name", vm["metadata"]["name"], "name")
    yield _Holding("uuid", domain["uuid"].lower(), "uuid")
    for index, nic in enumerate(devices.get("interfaces", ())):
        address = (nic.get("mac") or {}).get("address")
        if address:
            yield _Holding("mac", address.lower(), f"devices.interfaces[{index}].mac.address")
    for index, disk in enumerate(devices.get("disks", ())):
        if disk.get("claim"):
            common = bool(disk.get("readonly") or disk.get("device") == "cdrom")
            yield _Holding("claim", disk["claim"], f"devices.disks[{index}].claim", common)
    for index, folder in enumerate(devices.get("filesystems", ())):
        if folder.get("claim"):
            yield _Holding("claim", folder["claim"], f"devices.filesystems[{index}].claim", common=True)


def _finding(holding: _Holding, other: str, place: str) -> Finding:
    of = f"`{place}` of {other}" if other else f"`{place}`"
    return Finding(holding.place, f"is `{shown(holding.value)}`, as {of} is", _WAYS[holding.what], "import")
