"""Which names and values a message shows, and what it says in the place of the others."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from webhook.declare import inspect
from webhook.declare.field_path import FieldPath
from webhook.declare.scalars import Ambiguous, kind_of, shown, told_as
from webhook.declare.withheld import WITHHELD, field_at, problem_of, redacted, told, told_name
from webhook.domain import domain_shape

DOMAIN = domain_shape()


def _shape(path: str) -> Any:
    entry = field_at(DOMAIN, FieldPath.parse(path))
    assert entry is not None
    return entry.shape


NAMES = ["emulater", "EMULATOR", "qemu:commandline", "#text", "__proto__", "a.b[0]", "usb2", " ", "password", "token"]


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_name_is_shown(name: str) -> None:
    assert told_name(name, DOMAIN) == name


@pytest.mark.parametrize("name", ["hunter2-Secret", "Tr0ub4dor", "passwd:hunter", "api_key=x", "Cookie: a", "secret x"])
def test_an_unknown_name_that_looks_like_a_secret_or_has_one_in_it_is_not_shown(name: str) -> None:
    assert told_name(name, DOMAIN) == ""


@pytest.mark.parametrize("path", ["devices.graphics", "devices.disks.auth", "commandline.env", "launchSecurity"])
def test_beside_a_secret_an_unknown_name_is_shown_where_it_looks_like_a_field_and_not_otherwise(path: str) -> None:
    assert told_name("passWord", _shape(path)) == "passWord"
    assert told_name("HUNTER", _shape(path)) == ""
    assert told_name("my-words", _shape(path)) == ""


@pytest.mark.parametrize("key", [True, None, 1])
def test_a_key_that_is_no_text_is_shown_as_json_has_it(key: object) -> None:
    assert told_name(key, DOMAIN) in ("true", "null", "1")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        (float("inf"), ".inf"),
        (float("-inf"), "-.inf"),
        (float("nan"), ".nan"),
        (2**5000, "…"),
        ({}, "{}"),
        ({"passwd": "x"}, "{…}"),
        ([], "[]"),
        ([0, 1], "[0, 1]"),
        (["passwd"], "[…]"),
        (list(range(40)), f"[{', '.join(map(str, range(32)))}, …]"),
        (Ambiguous("12:34", "a number"), "12:34"),
        (b"passwd", "…"),
        ("a`b\n", "a\ufffdb\ufffd"),
    ],
)
def test_a_value_is_shown_as_it_was_written(value: object, text: str) -> None:
    assert shown(value, 200) == text


def test_what_json_does_not_have_is_named_as_yaml_names_it() -> None:
    assert [kind_of(value) for value in (b"", set(), date(2026, 1, 1), ())] == [
        "bytes (`!!binary` in YAML)",
        "a set (`!!set` in YAML)",
        "a date (`!!timestamp` in YAML)",
        "a pair (`!!pairs` or `!!omap` in YAML)",
    ]
    assert kind_of(float("nan")) == "no finite number"
    assert "`yes`" in told_as(True)
    assert told_as("yes") == "a string"


def test_a_secret_is_told_by_what_its_field_takes() -> None:
    passwd = field_at(DOMAIN, FieldPath.parse("devices.graphics[0].passwd"))
    assert passwd is not None
    assert problem_of(passwd, "hunter2") is None
    assert told(passwd, "hunter2") == WITHHELD
    for value, begins in (("hunter2\n", "is not what the field takes"), (["hunter2"], "is a list"), (None, "is null")):
        problem = problem_of(passwd, value)
        assert problem is not None
        assert problem.startswith(f"{begins}, expected a string of 1 to 512 characters")
        assert "hunter2" not in problem


def test_what_is_no_secret_is_told_with_its_value() -> None:
    title = field_at(DOMAIN, FieldPath.parse("title"))
    assert title is not None
    assert told(title, "web") == "`web`"
    assert "`web\ufffd`" in str(problem_of(title, "web\n"))


def test_a_tree_is_shown_without_its_secrets_and_with_all_else() -> None:
    tree = {"graphics": [{"name": "g", "passwd": "hunter2", "port": 1}], "tpm": {"secret": "x", "model": "tpm-crb"}}
    entry = field_at(DOMAIN, FieldPath.parse("devices"))
    assert entry is not None
    assert redacted(tree, entry) == {
        "graphics": [{"name": "g", "passwd": "…", "port": 1}],
        "tpm": {"secret": "…", "model": "tpm-crb"},
    }


@pytest.mark.parametrize("path", ["nothing", "devices.nothing", "title.below"])
def test_an_undeclared_path_has_no_field_and_what_stands_below_a_scalar_has_the_scalars(path: str) -> None:
    assert field_at(DOMAIN, FieldPath.parse(path)) is (DOMAIN.fields["title"] if path.startswith("title") else None)


def test_a_secret_that_passed_is_not_kept_in_memory_and_another_word_is() -> None:
    devices = {"graphics": [{"name": "g", "passwd": "hunter2", "keymap": "en-us"}]}
    assert inspect({"devices": devices}, DOMAIN, "spec.domain").findings == []
    fields = _shape("devices.graphics").fields
    assert "hunter2" not in fields["passwd"].seen
    assert "en-us" in fields["keymap"].seen
