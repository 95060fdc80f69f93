"""Cases of reading XML: the table in cases/parse.yaml, and what is too large, too deep or hidden for a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.findings import Refused
from webhook.libvirt.xml.document import LONGEST
from webhook.libvirt.xml.parse import parse, read

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "parse.yaml").read_text())


def _cases(kind: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if kind in case]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case["title"])


@_cases("domain")
def test_read(case: dict[str, Any]) -> None:
    reading = read(f"<domain><name>web</name>{case['xml']}</domain>")
    assert reading.name == "web"
    assert reading.domain == case["domain"]
    assert [f"{finding.path}: {finding.problem}" for finding in reading.left] == case.get("left", [])


@_cases("domain")
def test_parse_refuses_exactly_what_is_left(case: dict[str, Any]) -> None:
    document = f"<domain>{case['xml']}</domain>"
    if "left" not in case:
        assert parse(document) == case["domain"]
        return
    with pytest.raises(Refused) as refused:
        parse(document)
    assert [f"{finding.path}: {finding.problem}" for finding in refused.value.findings] == case["left"]


@_cases("refused")
def test_read_refuses(case: dict[str, Any]) -> None:
    assert _problem(case["document"]) == case["refused"]


def test_every_case_expects_something() -> None:
    assert all(("domain" in case) != ("refused" in case) for case in CASES)


def test_another_namespace_is_named_an_escape_hatch() -> None:
    assert [finding.rule for finding in read('<domain><a xmlns="urn:x"/><b/></domain>').left] == ["escape-hatch", "xml"]


def test_bytes_and_text_are_read_alike_with_any_declared_encoding() -> None:
    document = '<?xml version="1.0" encoding="{}"?><domain><title>ü</title></domain>'
    for encoding in ("utf-8", "iso-8859-1", "utf-16"):
        text = document.format(encoding)
        assert parse(text) == parse(text.encode()) == parse("\ufeff".encode() + text.encode()) == {"title": "ü"}


def test_a_doctype_does_not_hide_in_another_encoding() -> None:
    document = (
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE d [<!ENTITY a "b">]><domain><title>&a;</title></domain>'
    )
    assert _problem(document.encode("utf-16")) == "is not UTF-8"
    assert _problem(document.encode("utf-16-le")).startswith("is no well-formed XML")


def test_what_is_too_long_is_refused_and_what_is_long_is_not() -> None:
    document = "<domain><title>a</title>{}</domain>"
    room = LONGEST - len(document.format(""))
    assert parse(document.format(" " * room)) == {"title": "a"}
    assert _problem(document.format(" " * (room + 1))) == f"is longer than {LONGEST} bytes"


def test_what_is_too_deep_is_refused() -> None:
    assert _problem("<domain>" + "<a>" * 1000 + "</a>" * 1000 + "</domain>").startswith("is no well-formed XML")


def _problem(document: bytes | str) -> str:
    with pytest.raises(Refused) as refused:
        read(document)
    assert len(refused.value.findings) == 1
    return refused.value.findings[0].problem
