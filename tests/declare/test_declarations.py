"""Every declaration says all that a declaration must, and its two readings agree."""

from __future__ import annotations

import pathlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from pydantic import ValidationError

from tests import strategies
from webhook.declare import (
    BACKEND_KINDS,
    Backend,
    Element,
    Frontend,
    Goal,
    Reference,
    Shape,
    backend,
    element,
    frontend,
    inspect,
    schema,
    shape_of,
    walk,
)
from webhook.declare.model import model_of
from webhook.domain import Domain, domain_shape
from webhook.domain.bus import LAST, PCI, USB, VIO, VIRTIO_SERIAL
from webhook.domain.devices import KINDS, Named
from webhook.domain.devices.device import Device
from webhook.domain.types import Path, Positive
from webhook.libvirt.xml.place import NAMED_BY_VALUE

CASES = yaml.safe_load((pathlib.Path(__file__).parent / "cases.yaml").read_text())
PLACES = list(walk(domain_shape(), "domain"))
SAYS = {Goal: "Goal.", Reference: "Names a ", Backend: "Backend ("}


def shapes(shape: Shape) -> Iterator[Shape]:
    """Every element below and with this one, each once."""
    seen: dict[int, Shape] = {id(shape): shape}
    for place in walk(shape, ""):
        if place.field.shape is not None:
            seen[id(place.field.shape)] = place.field.shape
    yield from seen.values()


SHAPES = list(shapes(domain_shape()))


def test_every_field_has_a_class_that_policy_knows() -> None:
    for place in PLACES:
        classes = [place.field_class, place.field.field_class, *place.field.unless.values()]
        assert all(isinstance(field_class, (Frontend, Backend, Reference, Goal)) for field_class in classes), place.path
        assert all(field_class.kind in BACKEND_KINDS for field_class in classes if isinstance(field_class, Backend)), (
            place.path
        )


def test_a_value_with_a_class_of_its_own_is_one_that_its_field_takes() -> None:
    for place in PLACES:
        entry = place.field
        assert all(entry.scalar is not None and entry.scalar.check(value) is None for value in entry.unless), place.path


def test_every_field_has_a_camel_case_name() -> None:
    assert [place.path for place in PLACES if not re.fullmatch("[a-z][a-zA-Z0-9]*", place.field.name)] == []


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_schema_describes_an_element_and_the_class_of_each_field(shape: Shape) -> None:
    made = schema(shape)
    assert made["description"]
    assert set(made["properties"]) == set(shape.fields)
    for name, entry in shape.fields.items():
        said = made["properties"][name].get("description", "")
        if not isinstance(entry.field_class, Frontend):
            assert SAYS[type(entry.field_class)] in said, name
        elif entry.scalar is not None:
            assert not any(words in said for words in SAYS.values()), name


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_what_an_element_is_told_by_is_declared(shape: Shape) -> None:
    assert not shape.key or shape.key in shape.fields
    for path in shape.alike:
        inner: Shape | None = shape
        for name in path.split("."):
            assert inner is not None
            inner = inner.fields[name].shape
        assert inner is None, f"{path} is no leaf"
    assert all(names <= set(shape.fields) for names in shape.variants.values())


def said_of(kind: type[Named]) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """The paths that a device's class keywords name, and the values that they have there."""
    yield from (
        (path, ()) for path in (*kind.identities, *kind.matched_by, *(bus.role for bus in kind.buses if bus.role))
    )
    for entry in (*kind.buses, *kind.generated):
        yield from entry.when.items()
        yield from entry.unless.items()
    yield from ((made.path, ()) for made in kind.generated)


@pytest.mark.parametrize("name", KINDS)
def test_what_a_device_says_of_its_fields_is_declared(name: str) -> None:
    for path, values in said_of(KINDS[name]):
        *above, last = path.split(".")
        shape = shape_of(KINDS[name])
        for step in above:
            inner = shape.fields[step].shape
            assert inner is not None
            shape = inner
        entry = shape.fields[last]
        assert entry.scalar is not None, f"{path} is no leaf"
        assert all(value is None or entry.scalar.check(value) is None for value in values), path


@pytest.mark.parametrize("name", KINDS)
def test_a_device_has_buses_where_it_has_an_address_and_its_turn_on_them(name: str) -> None:
    kind = KINDS[name]
    assert bool(kind.buses) == ("address" in shape_of(kind).fields)
    assert all(bus.order < LAST for bus in kind.buses if bus.name in (PCI, USB, VIO, VIRTIO_SERIAL))


def test_a_device_with_an_address_and_no_bus_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="Nowhere has an address and declares no `buses`"):

        class Nowhere(Device, tag="nowhere", plural="nowheres"):
            pass


def xml_places(shape: Shape, above: str) -> Iterator[str]:
    """The place in XML of every leaf; lists and their entries stand at the same place."""
    for entry in shape.fields.values():
        if entry.place in ("-", NAMED_BY_VALUE):
            continue
        here = above if entry.place == "." and entry.shape else f"{above}/{entry.place}"
        if entry.shape is None:
            yield here
        else:
            yield from xml_places(entry.shape, here)


def test_no_two_fields_stand_at_the_same_place() -> None:
    twice = [place for place, count in Counter(xml_places(domain_shape(), "domain")).items() if count > 1]
    assert twice == []


def test_a_device_is_a_list_or_single_and_not_both() -> None:
    assert all(bool(kind.plural) != bool(kind.single) for kind in KINDS.values())
    fields = domain_shape().fields["devices"].shape
    assert fields is not None
    assert {name: entry.many for name, entry in fields.fields.items() if entry.shape} == {
        name: bool(kind.plural) for name, kind in KINDS.items()
    }


def test_a_field_without_a_class_cannot_be_declared() -> None:
    class Unclassed(Element):
        size: int | None = None

    with pytest.raises(TypeError, match=r"Unclassed\.size has no class"):
        shape_of(Unclassed)


def test_a_field_without_a_lexical_type_cannot_be_declared() -> None:
    class Untyped(Element):
        size: int | None = frontend()

    with pytest.raises(TypeError, match=r"Untyped\.size"):
        shape_of(Untyped)


def test_a_field_with_a_class_and_no_type_cannot_be_declared() -> None:
    class Typeless(Element):
        size = frontend()

    with pytest.raises(TypeError, match=r"Typeless\.size has no type"):
        shape_of(Typeless)


def test_an_element_of_found_fields_is_what_the_same_fields_written_are() -> None:
    class Written(Element, tag="found"):
        """Found."""

        boot_order: Positive | None = frontend("boot/@order")
        path: Path | None = backend("host-path")

    fields = {"boot_order": (Positive | None, frontend("boot/@order")), "path": (Path | None, backend("host-path"))}
    found, written = shape_of(element("Found", "Found.", fields, tag="found")), shape_of(Written)
    assert (found.tag, found.doc, found.fields) == (written.tag, written.doc, written.fields)
    assert list(found.fields) == ["bootOrder", "path"]


def test_a_field_of_a_base_comes_first_and_can_be_declared_anew() -> None:
    class Base(Element):
        path: Path | None = backend("host-path")
        size: Positive | None = frontend()

    class Derived(Base):
        name: Path | None = frontend()
        path: Path | None = frontend("somewhere")

    assert {name: entry.place for name, entry in shape_of(Derived).fields.items()} == {
        "path": "somewhere",
        "size": "@size",
        "name": "@name",
    }
    assert isinstance(shape_of(Derived).fields["path"].field_class, Frontend)
    assert isinstance(shape_of(Base).fields["path"].field_class, Backend)


def test_a_backend_of_an_unknown_kind_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="no kind of backend"):
        backend("host-things")


def _taken_by_the_model(tree: Any) -> bool:
    try:
        model_of(Domain).model_validate(tree)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_both_readings(case: dict[str, Any]) -> None:
    tree = case["takes"] if "takes" in case else case["refuses"]
    assert (inspect(tree, domain_shape(), "d").findings == []) == ("takes" in case)
    assert _taken_by_the_model(tree) == ("takes" in case)


@given(strategies.trees(domain_shape()))
@settings(max_examples=100, deadline=None)
def test_a_tree_made_of_the_declarations_is_accepted_by_both_readings(tree: Any) -> None:
    assert inspect(tree, domain_shape(), "d").findings == []
    assert _taken_by_the_model(tree)


@pytest.mark.thorough
@given(strategies.mutated(strategies.trees(domain_shape())))
@settings(max_examples=300, deadline=None)
def test_the_walk_accepts_exactly_what_the_model_accepts(tree: Any) -> None:
    assert (inspect(tree, domain_shape(), "d").findings == []) == _taken_by_the_model(tree)


@given(strategies.JSON)
@settings(max_examples=100, deadline=None)
def test_no_json_makes_the_walk_fail(tree: Any) -> None:
    found = inspect(tree, domain_shape(), "d")
    assert (found.findings == []) == _taken_by_the_model(tree)


@given(strategies.trees(domain_shape(), strategies.FRONTEND))
@settings(max_examples=100, deadline=None)
def test_a_tree_of_frontends_has_no_marks(tree: Any) -> None:
    assert inspect(tree, domain_shape(), "d").marks == []


@pytest.mark.parametrize(("place", "more"), [("", True), ("vcpu", False)])
def test_fields_that_are_not_named_are_counted_and_where_all_are_named_none_is(place: str, more: bool) -> None:
    shape = domain_shape().fields[place].shape if place else domain_shape()
    assert shape is not None
    [found] = inspect({"zzzz": 1}, shape, "spec").findings
    counted = re.search(r", and (\d+) more$", found.help)
    assert (counted is not None) == more
    assert found.help.count("`") // 2 + (int(counted[1]) if counted else 0) == len(shape.fields)
