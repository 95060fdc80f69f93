"""`vmconfig policy bench`: bounded in time, plain to read, and beside a loop that always costs the same."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_cli import ROOT, vmconfig
from webhook.cli import cost

WHOLE = {
    "policies",
    "rules",
    "loadMilliseconds",
    "vms",
    "decisionsPerSecond",
    "p50Milliseconds",
    "p99Milliseconds",
    "calibrationP50Milliseconds",
    "calibrationP99Milliseconds",
}


def test_the_cost_of_a_folder_is_told() -> None:
    done = vmconfig("policy", "bench", str(ROOT / "policies"), "-o", "json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert set(said) == WHOLE
    assert said["policies"] == 3
    assert said["vms"] == len(list((ROOT / "examples").glob("*.yaml")))
    assert 0 < said["p50Milliseconds"] <= said["p99Milliseconds"]
    assert said["decisionsPerSecond"] > 0


def test_text_has_a_line_a_figure() -> None:
    lines = vmconfig("policy", "bench", "--vms", str(ROOT / "examples" / "windows-11.yaml")).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["policies", "loading", "decisions", "one", "calibration"]
    assert "over 1 VMs" in lines[2]


def test_policies_that_do_not_load_are_findings(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    done = vmconfig("policy", "bench", str(tmp_path))
    assert done.returncode == 1
    assert "a.yaml:1:1" in done.stdout


def test_times_are_taken_of_what_is_called_and_of_the_calibration_in_turn() -> None:
    called: list[int] = []
    ours, bare = cost.measured([lambda: called.append(1), lambda: called.append(2)], 0.05)
    assert len(called) - 2 == len(ours.taken) == 2 * len(bare.taken)
    assert ours.at(0.5) <= ours.at(0.99) <= ours.taken[-1]
    assert bare.at(0.5) > ours.at(0.5)
