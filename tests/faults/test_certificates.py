"""Certificates that are not there, not yet, no more, or cannot be read: the service lives, and says what it lacks."""

from __future__ import annotations

import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from certs.bundle import render
from certs.rotation import advance
from certs.store import Folder
from tests.certs.clients import NAMES
from tests.e2e.service import serving
from tests.faults.load import alive, answers, connected, loaded, metric, readiness, with_secret, wrong
from tests.faults.test_log import QUICK, ends
from tests.waiting import PATIENCE, until

PROBLEM, EXPIRY = "vmconfig_certificate_problem", "vmconfig_certificate_expiry_seconds"


@pytest.fixture(params=["silent_cluster", "absent_cluster"])
def lost_cluster(request: pytest.FixtureRequest) -> Path:
    kubeconfig: Path = request.getfixturevalue(request.param)
    return kubeconfig


def test_without_its_cluster_it_waits_for_a_certificate_and_says_so(lost_cluster: Path, tmp_path: Path) -> None:
    with with_secret(tmp_path, lost_cluster) as service:
        until(lambda: "Error" in readiness(service)[1]["problems"][0], "the cause is not told")
        code, details = readiness(service)
        assert code == 503
        assert details["problems"][0].startswith("there is no certificate yet: ")
        assert details["certificate"]["expires"] is None
        assert alive(service)
        assert (metric(service, PROBLEM), metric(service, EXPIRY)) == (1, 0)
        until(lambda: "no certificate yet" in service.log(), "the cause is not in the log")
        ends(service)
    assert "Traceback" not in service.log()


def test_the_end_does_not_wait_for_a_cluster_that_does_not_answer(silent_cluster: Path, tmp_path: Path) -> None:
    """A try takes up to 40 s: the client waits 10 s for an answer, and does so four times."""
    with with_secret(tmp_path, silent_cluster) as service:
        assert "has not answered yet" in readiness(service)[1]["problems"][0]
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(PATIENCE) == 0
        assert "not answered" not in service.log()  # the first try was still under way


def test_what_has_no_certificate_yet_convinces_nobody_who_verifies(absent_cluster: Path, tmp_path: Path) -> None:
    with with_secret(tmp_path, absent_cluster) as service, pytest.raises(httpx.ConnectError, match="self-signed"):
        httpx.get(f"https://localhost:{service.port}/livez", trust_env=False, timeout=PATIENCE)


def keep(folder: Path, made: timedelta) -> None:
    """Certificates made then, valid for 90 days."""
    certs = Folder(folder / "certs")
    certs.write(render(advance(None, NAMES, datetime.now(UTC) + made)), certs.read().version)


@pytest.mark.parametrize(
    ("made", "why"),
    [(timedelta(days=10), "is valid only from"), (timedelta(days=-100), "expired at")],
    ids=["not yet valid", "expired"],
)
def test_with_a_certificate_out_of_its_time_it_is_not_ready(made: timedelta, why: str, tmp_path: Path) -> None:
    keep(tmp_path, made)
    with serving(tmp_path, flags=QUICK, ready=False) as service:
        until(lambda: answers(service), "it does not answer")
        code, details = readiness(service)
        assert code == 503
        assert why in details["problems"][0]
        assert alive(service)
        assert metric(service, PROBLEM) == 1
        keep(tmp_path, timedelta())
        until(lambda: readiness(service)[0] == 200, "it does not become ready")
        until(lambda: metric(service, PROBLEM) == 0, "the problem does not end")
        with connected(service) as client:
            assert wrong(client, "after") == ""
        ends(service)


def test_a_folder_of_certificates_that_is_emptied_shows_and_is_served_on(tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    with serving(tmp_path, flags=QUICK) as service:
        trusted = service.trusted()
        with loaded(service) as load:
            shutil.copytree(tmp_path / "certs", aside, symlinks=True)
            for each in (tmp_path / "certs").iterdir():
                shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
            until(lambda: metric(service, PROBLEM) == 1, "nobody says that the certificates are gone")
            assert "is missing" in readiness(service)[1]["certificate"]["problem"]
            assert readiness(service)[0] == 200
            load.goes_on()
            # New connections, too, get the certificate that was good.
            assert httpx.get(f"{service.url}/livez", verify=trusted, trust_env=False).text == "ok"
            shutil.copytree(aside, tmp_path / "certs", symlinks=True, dirs_exist_ok=True)
            until(lambda: metric(service, PROBLEM) == 0, "the problem does not end")
        ends(service)
    assert "certificates not refreshed" in service.log()
    assert "certificates are refreshed again" in service.log()
