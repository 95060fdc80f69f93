"""A clone: every identity of the declarations is another, and every other field is as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count

import pytest

from tests.libvirt.test_every_place import examples
from tests.policy.vap.trees import smallest
from webhook.declare import FieldPath, Frontend
from webhook.declare.identities import FORMS, identities
from webhook.domain.devices import KINDS
from webhook.expand.renewal import renewed
from webhook.kinds import declared_fields, spec_shape
from webhook.trees import Tree

# What an identity is called, in libvirt and here.
_NAMES = re.compile(r"(uuid|hwuuid|genid|serial|wwn|mac)(\.address)?")


def entropy() -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def identity_of(path: str) -> str:
    place = declared_fields()[path]
    scalar = place.field.scalar
    return scalar.identity if scalar is not None and isinstance(place.field_class, Frontend) else ""


# Of each declared leaf a value, and the smallest spec that says it.
FIELDS = [
    (path, value, smallest(path, value))
    for path, place in declared_fields().items()
    if place.field.scalar is not None and not path.startswith("abi.")
    for value in examples(place.field.scalar)[:1]
]


def test_every_identity_differs_and_every_other_field_is_equal() -> None:
    for path, value, spec in FIELDS:
        made = renewed(spec, entropy())
        (there,) = FieldPath.parse(path).values(made)
        if identity_of(path):
            assert there != value, path
            assert declared_fields()[path].field.scalar.check(there) is None, path  # type: ignore[union-attr]
        else:
            assert made == spec, path


def test_next_to_all_leaves_of_the_declarations_are_tried() -> None:
    leaves = {path for path, place in declared_fields().items() if place.field.scalar is not None}
    without = {path for path in leaves if not path.startswith("abi.")} - {path for path, _, _ in FIELDS}
    assert {path for path in without if identity_of(path)} == set()
    assert len(without) * 50 < len(leaves)


def test_what_is_called_like_an_identity_is_one() -> None:
    named = {
        path
        for path, place in declared_fields().items()
        if place.field.scalar is not None
        and isinstance(place.field_class, Frontend)
        and _NAMES.fullmatch(path.rpartition("[*].")[2].rpartition("domain.")[2].removeprefix("sysinfo."))
    }
    assert {path for path in named if not identity_of(path)} == set()
    assert len(named) > 12


def test_what_the_service_makes_and_what_tells_devices_apart_in_the_world_are_identities() -> None:
    made = {
        f"domain.devices.{listed}{'[*]' if kind.plural else ''}.{generated.path}": generated.form
        for listed, kind in KINDS.items()
        for generated in kind.generated
    }
    assert {path: identity_of(path) for path in made} == made


def test_each_form_has_a_field() -> None:
    assert {identity_of(path) for path, _, _ in FIELDS} - {""} == set(FORMS)


TWICE: Tree = {
    "features": {"network": [{"source": "lan", "mac": "52:54:00:AA:00:01"}]},
    "domain": {
        "uuid": "5d3c2b1a-0000-4000-8000-000000000001",
        "sysinfo": {"uuid": "5D3C2B1A-0000-4000-8000-000000000001"},
        "devices": {"interfaces": [{"name": "a", "mac": {"address": "52:54:00:aa:00:01"}}]},
    },
}


def test_what_was_equal_is_equal_again_in_either_case() -> None:
    made = renewed(TWICE, entropy())
    assert made["domain"]["uuid"] == made["domain"]["sysinfo"]["uuid"] != TWICE["domain"]["uuid"]
    assert made["features"]["network"][0]["mac"] == made["domain"]["devices"]["interfaces"][0]["mac"]["address"]


def test_what_differed_differs() -> None:
    disks = [{"name": name, "serial": serial} for name, serial in (("a", "S1"), ("b", "S2"))]
    made = renewed(
        {"domain": {"devices": {"disks": disks}}}, lambda size: bytes(size) if next(drawn) < 2 else b"x" * size
    )
    one, other = (disk["serial"] for disk in made["domain"]["devices"]["disks"])
    assert one != other


drawn = count()


def test_the_source_stays_as_it_is_and_shares_nothing() -> None:
    before = repr(TWICE)
    made = renewed(TWICE, entropy())
    made["features"]["network"].clear()
    assert repr(TWICE) == before


def test_devices_that_the_source_removed_and_changes_that_were_accepted_stay_with_it() -> None:
    abi = {"policy": "frozen", "ruleSet": "2026.1", "origin": "imported"}
    of_the_source = {"tombstones": {"disks": [{"name": "a", "serial": "S1"}]}, "removed": [{"device": "disks/a"}]}
    of_the_source["history"] = [{"digest": "0" * 32}]
    assert renewed({"abi": {**abi, **of_the_source}}, entropy())["abi"] == abi


@pytest.mark.parametrize(
    "tree", [{}, {"domain": None}, {"domain": 5}, {"domain": {"devices": {"disks": [5, None, []]}}}]
)
def test_what_is_malformed_has_no_identities(tree: Tree) -> None:
    assert list(identities(tree, spec_shape(), "spec")) == []
