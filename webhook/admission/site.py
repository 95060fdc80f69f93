"""The field classes that depend on the site: whether VMs run under KVM or are emulated is for the admin to say.

The declaration is that of a site with KVM. On one without, every VM has `qemu`, and `kvm` is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webhook.declare import Backend, FieldClass, Goal, Mark
from webhook.features.platform import Site

KVM = "kvm"
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
