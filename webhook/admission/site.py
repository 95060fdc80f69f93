"""What is the site's own word and so no tenant's: whether VMs run under KVM or are emulated.

The declaration speaks for a site with KVM. On one without, every VM has `qemu`, and `kvm` is what none may ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webhook.declare import Backend, FieldClass, Goal, Mark
from webhook.features.platform import Site

KVM = "kvm"
Halves = Mapping[str, Mapping[str, FieldClass]]
_EMULATED: Halves = {"domain.type": {"qemu": Goal(), "kvm": Backend("host-identity")}}


def classes(site: Site) -> Halves:
    """The halves of single values that are others on this site than they are declared, by declared path."""
    return {} if site.domain_type == KVM else _EMULATED


def marks_of(marks: list[Mark], site: Site, path: str) -> list[Mark]:
    """The marks of a spec that stands at `path`, each of the half that its value has on this site."""
    if site.domain_type == KVM:
        return marks
    here = {f"{path}.{declared}": values for declared, values in _EMULATED.items()}
    return [_turned(mark, here.get(mark.path)) for mark in marks]


def _turned(mark: Mark, values: Mapping[str, FieldClass] | None) -> Mark:
    return replace(mark, field_class=values[mark.value]) if values and mark.value in values else mark
