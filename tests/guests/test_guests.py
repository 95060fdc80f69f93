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
from webhook.features import features_shape
from webhook.findings import Refused
from webhook.guests import data_files
from webhook.guests.names import plain

CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
NAMES = yaml.safe_load((Path(__file__).parent / "names.yaml").read_text())
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


@pytest.mark.parametrize("name", NAMES)
def test_a_name_as_people_write_it_is_its_guest(name: str) -> None:
    findings = inspect({"system": {"type": name}}, features_shape(), "spec.features").findings
    assert findings == []
    try:
        title = guests.find({"type": name}, RULE_SET).title
    except Refused:
        title = None
    assert title == NAMES[name]


@pytest.mark.parametrize("name", [name for name, title in NAMES.items() if title])
def test_a_name_may_be_parted_between_type_and_version_where_it_has_a_space(name: str) -> None:
    first, _, rest = name.partition(" ")
    system = {"type": first, "version": rest} if rest and first.lower() in guests.types() else {"type": name}
    assert guests.find(system, RULE_SET).title == NAMES[name]


def test_a_name_means_one_type() -> None:
    """The names of one file are none of another's; reading them refuses that."""
    names = data_files.names(RULE_SET)
    assert set(names.values()) == set(guests.types())
    assert all(plain(name) == name for name in names)


@pytest.mark.parametrize("guest", ALL, ids=lambda guest: guest.title)
def test_a_guest_is_found_by_its_own_title(guest: guests.Guest) -> None:
    assert guests.find({"type": guest.title}, RULE_SET) is guest


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
    assert guest.machine in FAMILIES


@pytest.mark.parametrize("guest", ALL, ids=lambda guest: guest.title)
def test_only_windows_has_enlightenments(guest: guests.Guest) -> None:
    names = [entry["feature"] for entry in guest.features]
    assert ("hyperv" in names) == (guest.type == "windows")


def test_the_types_are_the_files_of_all_rule_sets() -> None:
    files = (Path(guests.__path__[0]) / "data").glob("*/*.yaml")
    assert list(guests.types()) == sorted({path.stem for path in files})
