"""Paths of fields: read, written, followed through one tree and through two."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.declare import FieldPath, around, declared_form
from webhook.declare.field_path import ABSENT, Pair
from webhook.kinds import declared_fields

TREE: dict[str, Any] = {"disks": [{"name": "a"}, {"name": "1", "driver": {"cache": "none"}}], "title": "x", "off": None}


def path(text: str) -> FieldPath:
    return FieldPath.parse(text)


@pytest.mark.parametrize(
    "text", ["", "title", "domain.disks[1].name", "disks[my.disk].driver", "disks[*].driver.cache"]
)
def test_a_path_is_written_as_it_was_read(text: str) -> None:
    assert str(path(text)) == text


def test_every_declared_path_is_written_as_it_was_read_and_is_its_own_declared_form() -> None:
    declared = list(declared_fields())
    assert [str(path(each)) for each in declared] == declared
    assert [declared_form(each) for each in declared] == declared


def test_an_entry_has_its_own_dots_and_no_part_of_the_path() -> None:
    assert path("disks[my.disk].name") == (("disks", "my.disk"), ("name", ""))


def test_the_declared_form_is_about_any_entry() -> None:
    assert declared_form("disks[1].ports[a.b].name") == "disks[*].ports[*].name"
    assert path("disks[1].ports[a.b].name").declared(2) == "disks[*].ports[*]"
    assert [declared for _, _, declared in path("disks[1].name").steps] == ["disks[*]", "disks[*].name"]


def test_a_declared_path_is_below_those_around_it() -> None:
    assert [*around("domain.disks[*].name")] == ["domain.disks[*].name", "domain.disks[*]", "domain"]
    assert [*around("")] == []


def test_the_lists_that_a_path_leads_into_are_known_with_its_entries() -> None:
    assert path("disks[1].ports[0].name").indices == {"disks[*]": 1, "disks[*].ports[*]": 0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("title", "x"),
        ("disks[1].driver.cache", "none"),
        ("disks[a]", {"name": "a"}),
        # An index before a key.
        ("disks[1].name", "1"),
        ("disks[2]", None),
        ("disks[²]", None),
        ("disks[b].name", None),
        ("title[0]", None),
        ("title.below", None),
        ("off", None),
        ("", TREE),
    ],
)
def test_a_path_leads_to_what_stands_there_and_to_nothing_else(text: str, value: object) -> None:
    assert path(text).value(TREE, ("name",)) == value


def test_an_entry_is_found_by_its_key_only_where_keys_are_named() -> None:
    assert path("disks[a]").value(TREE) is None


def test_a_declared_path_leads_to_all_that_stand_there() -> None:
    assert path("disks[*].name").values(TREE) == ["a", "1"]
    assert path("disks[*].driver.cache").values(TREE) == ["none"]
    assert path("title[*].name").values(TREE) == path("title.name").values(TREE) == []


def test_two_trees_are_followed_together_with_the_place_in_the_other_one() -> None:
    other = {"disks": [{"name": "1", "driver": {}}]}
    at = Pair(TREE, other, FieldPath()).field("disks").entry(1, 0).field("driver")
    assert (at.one, at.other, str(at.path)) == ({"cache": "none"}, {}, "disks[0].driver")
    at = at.field("cache")
    assert (at.one, at.other, str(at.path)) == ("none", ABSENT, "disks[0].driver.cache")
    assert Pair("none", {"below": 1}, FieldPath()).field("below")[:2] == (ABSENT, 1)
