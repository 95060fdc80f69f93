"""A node's clock that jumps: what has a date shows it at once, and nothing else waits or breaks."""

from __future__ import annotations

from pathlib import Path

from tests.clock import DAY, Clock
from tests.e2e.service import serving
from tests.faults.load import loaded, metric, readiness
from tests.faults.test_log import QUICK, ends
from tests.waiting import until


def test_a_clock_that_jumps_shows_in_the_certificate_and_changes_no_decision(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    through = ("env", *(f"{name}={value}" for name, value in clock.environment().items()))
    with serving(tmp_path, flags=QUICK, through=through) as service:
        with loaded(service) as load:
            for days, why in ((100, "the certificate expired at"), (-10, "the certificate is valid only from")):
                clock.set(days * DAY)
                until(lambda why=why: why in str(readiness(service)[1]["problems"]), "the jump does not show")  # type: ignore[misc]
                assert readiness(service)[0] == 503
                assert metric(service, "vmconfig_certificate_problem") == 1
                load.goes_on()
                clock.set(0)
                until(lambda: readiness(service)[0] == 200, "it does not become ready again")
            assert metric(service, "vmconfig_errors_total") == 0
        ends(service)
