"""Nothing of libvirt's domain is left undeclared: its schema, and a newer libvirt's structures, say what there is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from tests.oracle import declared
from tests.oracle.schema import Schema

HERE = Path(__file__).parent


def rows(text: str) -> list[str]:
    return [place for places in yaml.safe_load(text).values() for place in places]


ELSEWHERE = rows(files("webhook.domain").joinpath("elsewhere.yaml").read_text())
ODD = rows((HERE / "newer.yaml").read_text())


def below(place: str, tables: list[str]) -> bool:
    return any(place == row or place.startswith(f"{row}/") for row in tables)


def covered(place: str, known: set[str]) -> bool:
    """Whether a place is declared; where any element may stand (`*`), whether one is."""
    above, star, _ = place.partition("/*")
    return place in known or bool(star and any(each.startswith(f"{above}/") for each in known))


def test_every_place_of_libvirts_schema_is_declared_or_in_the_table_of_what_is_not_modelled(schema: Schema) -> None:
    known = declared.places()
    assert [p for p in sorted(schema.places()) if not covered(p, known) and not below(p, ELSEWHERE)] == []


def test_every_place_of_a_newer_libvirt_is_declared_too(newer_places: set[str]) -> None:
    known = declared.places()
    assert [p for p in sorted(newer_places) if not covered(p, known) and not below(p, ELSEWHERE + ODD)] == []


def test_the_table_of_what_is_not_modelled_has_no_place_that_is_declared_or_unknown_to_libvirt(
    schema: Schema, newer_places: set[str]
) -> None:
    known, real = declared.places(), schema.places() | newer_places
    assert [row for row in ELSEWHERE if row in known] == []
    assert [row for row in ELSEWHERE if row not in real] == []
    assert [row for row in ODD if row not in newer_places] == []


@pytest.mark.parametrize("removed", ["/domain/devices/disk/serial", "/domain/cpu/model/@fallback", "/domain/genid"])
def test_the_walk_notices_a_place_that_is_not_declared(schema: Schema, removed: str) -> None:
    known = declared.places() - {removed}
    assert [p for p in sorted(schema.places()) if not covered(p, known) and not below(p, ELSEWHERE)] == [removed]
