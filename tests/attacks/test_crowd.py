"""A crowd at the port of one replica, and honest creations that go on as if it were not there.

The environment variable FLOOD_SECONDS says how long the crowd stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.attacks.crowd import KINDS
from tests.e2e.service import CHART, ROOT, Service, resident, serving
from tests.server.sending import Sent, endpoints, sending

SECONDS = float(os.environ.get("FLOOD_SECONDS", "20"))
RATE = 20
# Milliseconds below which a time is no matter of the service on a machine that does other things too.
FLOOR = 20
# How much later than without the crowd an answer may come.
TIMES = 10


def test_honest_creations_go_on_in_a_crowd(tmp_path: Path) -> None:
    with serving(tmp_path, flags=("--drain-seconds", "0")) as service:
        endpoints(tmp_path, [service.port])
        quiet, _ = _measured(tmp_path, service, min(SECONDS, 20))
        with _crowd(service) as met:
            crowded, memory = _measured(tmp_path, service, SECONDS)
    print(f"\nquiet:   {_shown(quiet)}\ncrowded: {_shown(crowded)}; {memory / 2**20:.0f} MiB; met {met}")
    for name, (number, _) in KINDS.items():
        assert met[name] > number, f"{name}: nobody was refused and came again"
    assert quiet.lost == crowded.lost == []
    assert crowded.sent > SECONDS * RATE / 2
    for part in (0.5, 0.95, 0.99, 1):
        assert crowded.quantile(part) < TIMES * max(quiet.quantile(part), FLOOR)
    assert memory < _limit()


def _measured(folder: Path, service: Service, seconds: float) -> tuple[Sent, int]:
    """Honest creations for so long, and the most memory that the service had meanwhile, in bytes."""
    most = 0
    with sending(folder, folder / "certs" / "ca.crt", RATE) as sent:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            most = max(most, resident(service))
            time.sleep(0.2)
    return sent, most


def _shown(sent: Sent) -> str:
    parts = {"median": 0.5, "95 %": 0.95, "99 %": 0.99, "longest": 1}
    times = ", ".join(f"{name} {sent.quantile(part):.1f} ms" for name, part in parts.items())
    return f"{sent.sent} creations, {len(sent.lost)} lost, {times}"


def _limit() -> int:
    """The chart's limit of memory, in bytes."""
    text = yaml.safe_load((CHART / "values.yaml").read_text())["resources"]["limits"]["memory"]
    assert text.endswith("Mi")
    return int(text.removesuffix("Mi")) * 2**20


@contextlib.contextmanager
def _crowd(service: Service) -> Iterator[dict[str, int]]:
    """The crowd while this is entered; filled in when it is left: how many connections of each kind it made."""
    command = [sys.executable, "-m", "tests.attacks.crowd", str(service.port), str(service.folder / "certs" / "ca.crt")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    met: dict[str, int] = {}
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "{}\n", "the crowd did not come"
        yield met
        assert process.stdout.readline() == "{}\n", "nobody was refused and came again"
    finally:
        said, _ = process.communicate(timeout=120)
    met.update(json.loads(said))
