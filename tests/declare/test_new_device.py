"""A device is one file: three that no hypervisor has, each a file among the declarations, and no other change."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from webhook.domain.address import parts

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FAKES = sorted(path for path in (HERE / "fakes").glob("*.py") if path.stem != "__init__")
MISSING = "is missing from the stored machine, so that the host would choose it at each boot"


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What becomes of them in a copy of the service that has their files, in an interpreter of its own."""
    copy = tmp_path_factory.mktemp("service")
    for folder in ("webhook", "policies"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for fake in FAKES:
        shutil.copy(fake, copy / "webhook" / "domain" / "devices")
    program = HERE / "life_of_fakes.py"
    done = subprocess.run(
        [sys.executable, program], cwd=copy, env={"PYTHONPATH": str(copy)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_each_gets_a_name_and_a_place_on_its_bus(life: dict[str, Any]) -> None:
    assert life["created_findings"] == []
    first, second = life["created"]["clockcards"]
    assert (first["name"], second["name"]) == ("clockcard", "second")
    assert parts(first["address"])["type"] == parts(second["address"])["type"] == "pci"
    assert first["address"] != second["address"]
    assert [parts(lamp["address"])["type"] for lamp in life["created"]["lamps"]] == ["usb"]
    assert parts(life["created"]["bells"][0]["address"])["type"] == "virtio-serial"
    assert "virtio-serial-0" in life["controllers"]


def test_one_that_is_on_no_bus_gets_no_place(life: dict[str, Any]) -> None:
    assert "address" not in life["created"]["bells"][1]


def test_a_pci_device_is_placed_on_conventional_pci_too(life: dict[str, Any]) -> None:
    assert [parts(card["address"])["bus"] for card in life["conventional"]["clockcards"]] == [0, 0]


def test_a_pci_device_is_refused_where_there_is_no_pci(life: dict[str, Any]) -> None:
    assert life["ccw"] == ["spec.domain.devices.clockcards[0]: is on a bus that the machine does not have"]


def test_a_declared_identity_is_made(life: dict[str, Any]) -> None:
    assert len({bell["serial"] for bell in life["created"]["bells"]}) == 2


def test_what_lacks_its_place_or_its_identity_is_incomplete(life: dict[str, Any]) -> None:
    wanted = {
        "clockcards[0].address",
        "clockcards[1].address",
        "lamps[0].address",
        "bells[0].address",
        "bells[0].serial",
    }
    assert set(life["open"]) == {f"spec.domain.devices.{place}: {MISSING}" for place in wanted}


def test_each_is_rendered_with_its_convention(life: dict[str, Any]) -> None:
    assert life["xml"].count("<clockcard") == 2
    assert life["xml"].count('<backend type="system"/>') == 2
    assert '<alias name="ua-clockcard"/>' in life["xml"]
    assert "<lamp " in life["xml"]
    assert "<bell " in life["xml"]


def test_an_import_takes_the_convention_out_and_makes_references(life: dict[str, Any]) -> None:
    assert life["imported"]["clockcards"] == life["created"]["clockcards"]
    assert [lamp["claim"] for lamp in life["imported"]["lamps"]] == ["picture"]
    assert "source" not in life["imported"]["lamps"][0]


def test_an_import_leaves_a_device_that_is_nothing_without_the_host(life: dict[str, Any]) -> None:
    assert "devices.lamps[0]: is a device of the host (`real`)" in life["left"]


def test_a_capture_finds_a_device_by_what_tells_it(life: dict[str, Any]) -> None:
    created = {card["serial"]: card["address"] for card in life["created"]["clockcards"]}
    first = life["captured"]["clockcards"][0]
    assert (first["name"], first["address"]) == ("clockcard", created["C1"])


def test_what_reaches_the_host_is_denied(life: dict[str, Any]) -> None:
    places = {text.partition(": ")[0] for text in life["denied"]}
    assert places == {"spec.domain.devices.clockcards[0].path", "spec.domain.devices.lamps[0].type"}


def test_an_update_that_says_little_keeps_each_as_it_was(life: dict[str, Any]) -> None:
    assert life["kept_findings"] == []
    assert life["kept"]["clockcards"] == life["created"]["clockcards"][:1]
    assert life["kept"]["lamps"][0]["address"] == life["created"]["lamps"][0]["address"]
    assert life["kept"]["bells"] == life["created"]["bells"]


def test_one_that_is_removed_rests_with_its_place(life: dict[str, Any]) -> None:
    assert life["tombstones"] == {"clockcards": life["created"]["clockcards"][1:]}


def test_no_other_takes_the_identity_of_one_that_rests(life: dict[str, Any]) -> None:
    assert [text.partition(": ")[0] for text in life["stolen"]] == ["spec.domain.devices.clockcards[1].serial"]


def test_none_moves(life: dict[str, Any]) -> None:
    assert [text.partition(": ")[0] for text in life["moved"]] == ["spec.domain.devices.lamps[0].address"]


def test_each_is_in_the_schema_and_among_the_paths_of_policies(life: dict[str, Any]) -> None:
    assert {"clockcards", "lamps", "bells"} <= set(life["schema"])
    assert "host-path" in life["fields"]["domain.devices.clockcards[*].path"]
