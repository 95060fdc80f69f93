"""Cases of rendering: the table in cases/render.yaml."""

from __future__ import annotations

import textwrap
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.findings import Refused
from webhook.libvirt.xml.render import render

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "render.yaml").read_text())


def _cases(kind: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if kind in case]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case["title"])


@_cases("xml")
def test_render(case: dict[str, Any]) -> None:
    given = deepcopy(case["domain"])
    backend = case.get("backend", False)
    inside = textwrap.indent(f"<name>vm</name>\n{case['xml']}", "  ")
    start = '<domain type="kvm">' if backend else "<domain>"
    assert render(given, "vm", backend=backend) == f"{start}\n{inside}</domain>\n"
    assert given == case["domain"], "the given tree was changed"


@_cases("refused")
def test_render_refuses(case: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        render(case["domain"], case.get("name", "vm"))
    assert [f"{finding.path}: {finding.problem}" for finding in refused.value.findings] == case["refused"]


def test_every_case_expects_something() -> None:
    assert all(sum(kind in case for kind in ("xml", "refused", "unsaid")) == 1 for case in CASES)


def test_findings_have_the_path_that_the_domain_has_in_its_object() -> None:
    with pytest.raises(Refused) as refused:
        render({"memory": 4}, "vm", path="spec.template.spec.domain")
    assert refused.value.findings[0].path == "spec.template.spec.domain.memory"


@_cases("unsaid")
def test_an_element_that_says_nothing_is_as_none(case: dict[str, Any]) -> None:
    assert render(case["unsaid"], "vm", backend=True) == render(case["same"], "vm", backend=True)


def test_an_attribute_does_not_bring_the_element_that_is_said_not_to_be_there() -> None:
    disks = [{"name": "a", "shareBacking": False}, {"name": "b", "transient": False, "shareBacking": True}]
    assert "transient" not in render({"devices": {"disks": disks}}, "vm", backend=False)
    shared = {"name": "c", "transient": True, "shareBacking": True}
    assert '<transient shareBacking="yes"/>' in render({"devices": {"disks": [shared]}}, "vm", backend=False)
