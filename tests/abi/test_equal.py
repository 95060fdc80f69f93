"""Frozen means equal: of every declared text, what looks alike is another one, unless libvirt reads a number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from webhook.abi.compare import compare
from webhook.declare import DeclaredField, Frontend, Scalar
from webhook.kinds import declared_fields

# What a guest is shown in either case alike: libvirt reads these digits as bytes (tests/oracle/test_letter_case.py).
CASELESS = {
    "domain.uuid",
    "domain.hwuuid",
    "domain.genid",
    "domain.sysinfo.uuid",
    "domain.devices.interfaces[*].mac.address",
    "domain.devices.memories[*].uuid",
}
# A text of each form that has letters; those which a field does not take are not tried there.
TEXTS = (
    *("Tok-AbC", "abc", "aBcdefGhijkl", "naa.00aA00aA00aA00aA", "0aA0aA0aA0aA0aA0", "/Some/Path", "aB:cD", "aB=cD"),
    *("fe80::aB", "opt/Org.Foo/Bar", "De", "de-ch", "2a:bb:cc:dd:ee:ff", "8b0f1e7a-3c2d-4e5f-8a9b-0c1d2e3f4a5b"),
    *(
        "sda",
        "local:Ab",
        "Acpi",
        "aB",
        "DATE",
        "<a/>",
        "0aff",
        "AB00",
        "1",
        "1.2",
        "0-3",
        "0123456789abcdee",
        "04/01/2014",
    ),
)
CASES = {"the other case", "the other case at the end"}
LOOKALIKES: dict[str, Callable[[str], str]] = {
    "another letter": lambda value: value[:-1] + chr(ord(value[-1]) ^ 1),
    "a letter more": lambda value: value + value[-1],
    "the other case": str.swapcase,
    "the other case at the end": lambda value: value[:-1] + value[-1].swapcase(),
    "a blank behind": lambda value: value + " ",
    "a blank before": lambda value: " " + value,
    "composed letters": lambda value: unicodedata.normalize("NFC", value + "a\u0308"),
    "decomposed letters": lambda value: unicodedata.normalize("NFD", value + "\u00e4"),
    "a zero before": lambda value: "0" + value,
    "a like letter of another script": lambda value: value.replace("a", "\u0430"),
}


def frontend_texts() -> dict[str, DeclaredField]:
    return {
        path: place
        for path, place in declared_fields().items()
        if path.startswith("domain.")
        and isinstance(place.field_class, Frontend)
        and _free(place.field.scalar)
        # What has one spelling alone is no matter of letters.
        and place.field.form is None
    }


def _free(scalar: Scalar | None) -> bool:
    return scalar is not None and scalar.schema.get("type") == "string" and not scalar.values


def at(path: str, value: Any) -> dict[str, Any]:
    """A domain with nothing but this value at a declared path; entries of lists have keys of their own."""
    made: Any = value
    parts = path.removeprefix("domain.").split(".")
    declared = "domain"
    chain = [(part, declared := f"{declared}.{part}") for part in parts]
    for part, above in reversed(chain):
        if part.endswith("[*]"):
            shape = declared_fields()[above].field.shape
            assert shape is not None
            made = [{shape.key: "x", **made} if shape.key else made]
        made = {part.removesuffix("[*]"): made}
    tree: dict[str, Any] = made
    return tree


def pairs(scalar: Scalar) -> Iterator[tuple[str, str, str]]:
    """Values that the field takes and that look alike, and in which way."""
    for text in (text for text in TEXTS if scalar.check(text) is None):
        for way, twin in LOOKALIKES.items():
            like = twin(text)
            if like != text and scalar.check(like) is None:
                yield way, text, like


FIELDS = frontend_texts()


def test_the_fields_are_all_there() -> None:
    assert len(FIELDS) > 100
    assert FIELDS.keys() > CASELESS


@pytest.mark.parametrize("path", FIELDS)
def test_what_looks_alike_is_a_change(path: str) -> None:
    """Of a key's twin, the device is gone."""
    scalar = FIELDS[path].field.scalar
    assert scalar is not None
    same = set()
    for way, text, like in pairs(scalar):
        for before, after in ((text, like), (like, text)):
            if not list(compare(at(path, before), at(path, after))):
                same.add(way)
        assert list(compare(at(path, text), at(path, text))) == []
    assert same == (CASES if path in CASELESS else set())


@pytest.mark.parametrize("path", FIELDS)
def test_a_field_that_takes_both_cases_was_tried_in_both(path: str) -> None:
    scalar = FIELDS[path].field.scalar
    assert scalar is not None
    ways = {way for way, _, _ in pairs(scalar)}
    assert ways
    pattern = re.sub(r"\\.", "", scalar.schema.get("pattern", "A-Za-z"))
    both = re.search("[A-Z]", pattern) and re.search("[a-z]", pattern)
    assert ways & CASES or not (both or "~" in pattern)


def test_a_case_that_libvirt_does_not_see_is_said_by_the_declaration_alone() -> None:
    declared = {
        path for path, place in FIELDS.items() if place.field.scalar and place.field.scalar.meaning is str.lower
    }
    assert declared == CASELESS


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (4096, "4Gi", True),
        ("4194304Ki", "4Gi", True),
        ("1.5Gi", 1536, True),
        (4096, "4096", False),
        (4096, "4G", False),
        ("1Gi", "1025Mi", False),
    ],
)
def test_amounts_of_memory_are_compared_by_what_they_are(one: int | str, other: int | str, alike: bool) -> None:
    assert (list(compare({"memory": {"size": one}}, {"memory": {"size": other}})) == []) is alike


MEANT = {
    path: place.field.scalar
    for path, place in declared_fields().items()
    if place.field.scalar is not None and place.field.scalar.meaning is not None
}


@pytest.mark.parametrize("path", MEANT)
def test_what_is_no_value_of_a_field_is_equal_to_itself_alone(path: str) -> None:
    scalar = MEANT[path]
    nothing: list[Any] = [None, [], {}, [1], {"a": 1}, True, -1, 1.5, "", "no such value\n"]
    refused = [value for value in nothing if scalar.check(value) is not None]
    taken = [
        value
        for value in ("8b0f1e7a-3c2d-4e5f-8a9b-0c1d2e3f4a5b", "2a:bb:cc:dd:ee:ff", "4Gi", 1, "0-3")
        if scalar.check(value) is None
    ]
    assert refused
    for one in refused:
        assert scalar.same(one, one)
        assert [other for other in (*refused, *taken) if other is not one and scalar.same(one, other)] == []
        assert not any(scalar.same(other, one) for other in taken)
