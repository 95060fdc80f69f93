"""Guests found by a tenant's words, as cases, and what holds for all of the data."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook import guests, machines
from webhook.declare import Backend, inspect
from webhook.domain import domain_shape
from webhook.findings import Refused

CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
RULE_SET = "2026.1"
ALL = guests.guests(RULE_SET)
FAMILIES = ("q35", "i440fx")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_a_guest_is_found_or_refused(case: dict[str, Any]) -> None:
    try:
        found = guests.find(case.get("system"), RULE_SET)
    except Refused as refused:
        (finding,) = refused.findings
        path, problem, way = case["refused"]
        assert (finding.path, finding.problem) == (path, problem)
        assert finding.help.startswith(way)
    else:
        values = {name: getattr(found, name) for name in case["guest"]}
        assert {k: list(astuple(v)) if k == "minimum" else v for k, v in values.items()} == case["guest"]
        assert found.because == f"rule set {RULE_SET}: guests/{found.type}.yaml {found.title}"


def test_each_guest_has_a_case() -> None:
    assert {guest.title for guest in ALL} - {case.get("guest", {}).get("title") for case in CASES} == set()


@pytest.mark.parametrize("guest", ALL, ids=lambda guest: guest.title)
def test_a_guest_is_one_object_so_that_it_can_key_a_cache(guest: guests.Guest) -> None:
    system = {"type": guest.type, **({"version": guest.version} if guest.version else {})}
    assert guests.find(system, RULE_SET) is guest


@pytest.mark.parametrize("guest", ALL, ids=lambda guest: guest.title)
def test_what_a_guest_gets_unasked_is_at_least_its_minimum(guest: guests.Guest) -> None:
    assert guest.memory >= guest.minimum.memory
    assert guest.cpus >= guest.minimum.cpus


@pytest.mark.parametrize("guest", ALL, ids=lambda guest: guest.title)
def test_the_domain_parts_of_a_guest_are_well_formed_and_reach_no_host(guest: guests.Guest) -> None:
    tree = {"features": guest.features, "clock": guest.clock, "clockOffset": guest.clock_offset, "pm": guest.pm}
    found = inspect(tree, domain_shape(), "spec.domain")
    assert found.findings == []
    assert [mark.path for mark in found.marks if isinstance(mark.field_class, Backend)] == []


@pytest.mark.parametrize("guest", ALL, ids=lambda guest: guest.title)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_guest_has_buses_that_its_machines_have(guest: guests.Guest, family: str) -> None:
    machine = machines.find("x86_64", family, RULE_SET)
    assert machine is not None
    assert guest.disk[family] in machine.defaults["disk_buses"]
    assert guest.nic[family]


@pytest.mark.parametrize("guest", ALL, ids=lambda guest: guest.title)
def test_only_windows_has_enlightenments(guest: guests.Guest) -> None:
    names = [entry["feature"] for entry in guest.features]
    assert ("hyperv" in names) == (guest.type == "windows")


def test_the_types_are_the_files_of_all_rule_sets() -> None:
    files = (Path(guests.__path__[0]) / "data").glob("*/*.yaml")
    assert list(guests.types()) == sorted({path.stem for path in files})
