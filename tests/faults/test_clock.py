"""A node's clock that jumps: what has a date shows it at once, and nothing else waits or breaks."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.service import serving
from tests.faults.load import loaded, metric, readiness
from tests.faults.test_log import QUICK, ends
from tests.packages import need
from tests.waiting import until

CLOCK = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def test_a_clock_that_jumps_shows_in_the_certificate_and_changes_no_decision(tmp_path: Path) -> None:
    need("clock")
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    through = (
        "env",
        f"LD_PRELOAD={CLOCK}",
        f"FAKETIME_TIMESTAMP_FILE={offset}",
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
    )
    with serving(tmp_path, flags=QUICK, through=through) as service:
        with loaded(service) as load:
            for jump, why in (("+100d", "the certificate expired at"), ("-10d", "the certificate is valid only from")):
                offset.write_text(f"{jump}\n")
                until(lambda why=why: why in str(readiness(service)[1]["problems"]), "the jump does not show")  # type: ignore[misc]
                assert readiness(service)[0] == 503
                assert metric(service, "vmconfig_certificate_problem") == 1
                load.goes_on()
                offset.write_text("+0\n")
                until(lambda: readiness(service)[0] == 200, "it does not become ready again")
            assert metric(service, "vmconfig_errors_total") == 0
        ends(service)
