"""What depends on the site: the class of the hypervisor type, and the machine types that its nodes have.

The declaration is that of a site with KVM. On one without, every VM has `qemu`, and `kvm` is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from webhook import machines
from webhook.declare import Backend, FieldClass, Goal, Mark, shown
from webhook.declare.scalars import listed
from webhook.features.platform import Site
from webhook.findings import Finding
from webhook.trees import Tree

KVM = "kvm"
_PARTS = re.compile("[0-9]+|[^0-9]+")
# How many machine types a help names.
_NAMED = 6
ClassesByValue = Mapping[str, Mapping[str, FieldClass]]
_EMULATED: ClassesByValue = {"domain.type": {"qemu": Goal(), "kvm": Backend("host-identity")}}


def classes(site: Site) -> ClassesByValue:
    """The field classes of single values that differ on this site from the declaration, by declared path."""
    return {} if site.domain_type == KVM else _EMULATED


def marks_of(marks: list[Mark], site: Site, path: str) -> list[Mark]:
    """The marks of a spec that stands at `path`, each with the class that its value has on this site."""
    if site.domain_type == KVM:
        return marks
    here = {f"{path}.{declared}": values for declared, values in _EMULATED.items()}
    return [_reclassified(mark, here.get(mark.path)) for mark in marks]


def _reclassified(mark: Mark, values: Mapping[str, FieldClass] | None) -> Mark:
    return replace(mark, field_class=values[mark.value]) if values and mark.value in values else mark


def machine_of_no_node(spec: Tree, site: Site, path: str, stored: Tree | None = None) -> Iterator[Finding]:
    """The machine of a complete spec, where no node has it and it is not the stored one."""
    kind = _machine(spec)
    arch, name = kind.get("arch", ""), kind.get("machine", "")
    known = site.node_machines.get(arch)
    if known is None or not name or name in known or _machine(stored or {}).get("machine") == name:
        return
    named = ((spec.get("features") or {}).get("system") or {}).get("machine")
    place = "features.system.machine" if named else "domain.os.type.machine"
    problem = f"`{shown(name)}` is on no node of this cluster"
    yield Finding(f"{path}.{place}", problem, _way_out(arch, name, known), "site")


def _machine(spec: Tree) -> Tree:
    found: Tree = ((spec.get("domain") or {}).get("os") or {}).get("type") or {}
    return found


def _way_out(arch: str, name: str, known: frozenset[str]) -> str:
    """Machines of the same family that the nodes have, newest first, else any of theirs."""
    family = machines.family(arch, name)
    alike = [one for one in known if machines.family(arch, one) == family and machines.versioned(one)]
    others = [one for one in known if machines.family(arch, one) and machines.versioned(one)]
    found = sorted(alike or others or known, key=_by_number, reverse=True)[:_NAMED]
    if not found:
        return "name another architecture: no node is for this one"
    return f"name one that they have in `spec.features.system.machine`: {listed(tuple(found))}"


def _by_number(name: str) -> list[tuple[int, str]]:
    """A sort key by which version 10 comes after version 9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _PARTS.findall(name)]
