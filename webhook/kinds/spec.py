"""The declaration of a VM's spec: features, ABI record and domain."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from webhook.abi.restore_from import RestoreFrom
from webhook.abi.state import Abi
from webhook.declare import DeclaredField, Element, Inspection, Shape, frontend, goal, inspect, shape_of, walk
from webhook.domain import Domain

if TYPE_CHECKING:
    from typing import Any as Features
else:
    from webhook.features import Features


class Spec(Element):
    """What the machine shall be: a few words in `features`, every field of it in `domain`."""

    features: Features | None = goal("-")
    abi: Abi | None = frontend("-")
    domain: Domain | None = frontend("-")
    restore_from: RestoreFrom | None = goal("-")


# Declarations do not change: one value each.
@cache
def spec_shape() -> Shape:
    """The compiled declaration of a VM's spec."""
    return shape_of(Spec)


def inspect_spec(spec: object, path: str) -> Inspection:
    """The inspection of an incoming spec: findings, and every field that is not frontend."""
    return inspect(spec, spec_shape(), path)


@cache
def declared_fields() -> dict[str, DeclaredField]:
    """Every declared place of a spec by its path, as policies name it (`domain.devices.disks[*].driver.cache`)."""
    named = ((place.path.removeprefix("spec."), place) for place in walk(spec_shape(), "spec"))
    return {path: replace(place, path=path) for path, place in named}
