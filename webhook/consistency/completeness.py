"""A stored domain is complete: libvirt and QEMU choose nothing by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from webhook import machines
from webhook.consistency.rule import path_of, rule
from webhook.declare.tree import at
from webhook.domain.bus import bus_of
from webhook.domain.devices import KINDS, Named
from webhook.findings import Finding
from webhook.trees import Tree

# The rule of what the service fills in and a stored machine has to have.
COMPLETE = "complete"


@rule
def domain_is_complete(domain: Tree, path: str) -> Iterator[Finding]:
    """Identity, names and addresses have to be stated, else libvirt or QEMU would choose them."""
    for place, value in (
        (".uuid", domain.get("uuid")),
        (".memory.size", domain.get("memory", {}).get("size")),
        (".vcpu.count", domain.get("vcpu", {}).get("count")),
    ):
        if not value:
            yield incomplete(f"{path}{place}")
    machine = domain.get("os", {}).get("type", {})
    lacking = machines.lacking(machine.get("arch", ""), machine.get("machine", ""))
    for kind, entries in domain.get("devices", {}).items():
        declared = KINDS.get(kind, Named)
        buses, generated = declared.buses, declared.generated
        for index, device in enumerate(entries) if type(entries) is list else ((-1, entries),):
            if not device.get("address") and buses and bus_of(device, buses, lacking) is not None:
                yield incomplete(f"{path}{path_of(kind, index)}.address")
            if generated or not device.get("name"):
                yield from _without_identity(declared, device, index, f"{path}{path_of(kind, index)}")


def _without_identity(declared: type[Named], device: Tree, index: int, path: str) -> Iterator[Finding]:
    """The name of an entry of a list, and what the host would draw at each boot."""
    if index >= 0 and not device.get("name"):
        yield incomplete(f"{path}.name")
    for one in declared.generated:
        if one.volatile and one.fits(device) and not at(device, one.path):
            yield incomplete(f"{path}.{one.path}")


def incomplete(place: str) -> Finding:
    way = "leave it to the service: it fills in what is unsaid when the mutating webhook is called"
    return Finding(
        place, "is missing from the stored machine, so that the host would choose it at each boot", way, COMPLETE
    )
