"""The page about KubeVirt's VMs is true: its command prints what it shows, its table is what the judge holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.docs.pages import PART_IN_TEXT, ROOT, happened
from tests.kubevirt.fleet import OBJECTS, fleet
from webhook.cli.kubevirt_objects import finder
from webhook.kubevirt.next_start import Upgrade, next_start
from webhook.kubevirt.starting.site import Site

PAGE = ROOT / "docs" / "kubevirt.md"
EDITS = yaml.safe_load((ROOT / "tests" / "kubevirt" / "edits.yaml").read_text())["edits"]


def test_the_command_prints_what_the_page_shows(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    text = PAGE.read_text()
    assert len(PART_IN_TEXT.findall(text)) == 6

    golden(PAGE, happened(text, PART_IN_TEXT, tmp_path))


def test_what_moves_is_what_the_judge_found() -> None:
    """The numbers of the table, in the order of its rows and of what a row names."""
    rows = re.findall(r"^\| ([^|]+) \| ([\d /;]+) \| ([\d /;]+) \| ([\d /;]+)", PAGE.read_text(), re.M)
    told = [tuple(map(int, each)) for _, *columns in rows[:-1] for each in zip(*map(_numbers, columns), strict=True)]
    named = [
        "a disk appended",
        "a disk in front",
        "a disk removed",
        "a SCSI disk in front",
        "the list of disks turned round",
        "a card in front",
        "three cards appended",
        "a watchdog",
        "the balloon turned off",
        "no graphics",
    ]
    found = {row["title"]: (row["plain"], row["copied"], row["chosen"]) for row in EDITS}
    assert told == [found.pop(title) for title in named]
    assert set(found.values()) == {(0, 0, 0)}


def test_the_numbers_of_the_fleet_are_those_that_the_audit_tells() -> None:
    """That they are true is held by the judge: `tests/kubevirt/test_fleet.py`."""
    site, upgrade = Site(find=finder(OBJECTS)), Upgrade("v1.6.1", "v1.9.0")
    told = [next_start(each.manifest, None, upgrade, site) for each in fleet(200)]
    moving, devices = sum(bool(each.moves) for each in told), sum(len(each.moves) for each in told)
    page = PAGE.read_text()
    assert f"Proved with {len(told)} VMs" in page
    assert f"{moving} of them have devices elsewhere, {devices:,} devices" in page


def _numbers(cell: str) -> list[str]:
    return re.findall(r"\d+", cell)
