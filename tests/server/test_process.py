"""The real process: TLS, certificates that change under it, policies too, and an end that loses no request."""

from __future__ import annotations

import datetime
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
import yaml

from tests.admission.reviews import review
from tests.e2e.service import ROOT, Service, serving
from tests.waiting import until

EXAMPLE = yaml.safe_load((ROOT / "examples" / "proposal-features.yaml").read_text())


def client(service: Service) -> httpx.Client:
    return httpx.Client(base_url=service.url, verify=service.trusted(), timeout=10)


def serial(port: int) -> str:
    """The serial number of the certificate that the port serves."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as secure:
        from cryptography import x509

        der = secure.getpeercert(binary_form=True)
        assert der is not None
        return str(x509.load_der_x509_certificate(der).serial_number)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_drains_without_a_lost_request(tmp_path: Path, ending: signal.Signals) -> None:
    results: list[int | str] = []
    stopping = threading.Event()

    def load(service: Service) -> None:
        with client(service) as connection:
            ends = time.monotonic() + 20
            while time.monotonic() < ends:
                # Whoever is told not to be ready sends no more: that is what endpoints do.
                if stopping.is_set() and connection.get("/readyz").status_code == 503:
                    return
                try:
                    results.append(connection.post("/mutate", json=review(EXAMPLE)).status_code)
                except httpx.TransportError as error:
                    results.append(repr(error))
                    return

    with serving(tmp_path) as service:
        workers = [threading.Thread(target=load, args=(service,)) for _ in range(4)]
        for worker in workers:
            worker.start()
        time.sleep(1)
        service.process.send_signal(ending)
        stopping.set()
        for worker in workers:
            worker.join(30)
        assert service.process.wait(30) == 0
    assert len(results) > 50
    assert set(results) == {200}
    assert '"event":"draining"' in service.log()
    assert '"event":"stopped"' in service.log()


def test_a_new_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        before = serial(service.port)
        fresh = tmp_path / "fresh"
        issue = [sys.executable, "-m", "certs", "issue", "--dir", str(fresh), "--dns", "localhost", "--ip", "127.0.0.1"]
        subprocess.run(issue, check=True, cwd=ROOT, capture_output=True)
        shutil.rmtree(service.folder / "certs")
        shutil.copytree(fresh, service.folder / "certs", symlinks=True)
        deadline = time.monotonic() + 90
        while serial(service.port) == before and time.monotonic() < deadline:
            time.sleep(0.5)
        assert serial(service.port) != before
        with client(service) as connection:
            assert connection.get("/readyz").status_code == 200


def test_keep_alive_outlasts_the_api_servers(tmp_path: Path) -> None:
    from webhook.server.run import KEEP_ALIVE

    assert KEEP_ALIVE >= 120
    with serving(tmp_path) as service, client(service) as connection:
        first = connection.post("/mutate", json=review(EXAMPLE))
        assert first.headers.get("connection", "keep-alive") != "close"


def test_an_old_tls_version_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            socket.create_connection(("127.0.0.1", service.port)) as plain,
            pytest.raises((ssl.SSLError, ConnectionError)),
        ):
            context.wrap_socket(plain)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--listen", "nowhere"], "--listen"),
        (["--policies", "/does/not/exist", "--certs-dir", "CERTS"], "exist"),
        (["--default-level", "none"], "--default-level"),
        ([], "--certs-dir"),
    ],
)
def test_settings_that_cannot_be_are_a_matter_of_usage(tmp_path: Path, flags: list[str], said: str) -> None:
    certs = tmp_path / "certs"
    issue = [sys.executable, "-m", "certs", "issue", "--dir", str(certs), "--dns", "localhost"]
    subprocess.run(issue, check=True, cwd=ROOT, capture_output=True)
    command = [
        sys.executable,
        "-m",
        "webhook.cli",
        "serve",
        *(str(certs) if flag == "CERTS" else flag for flag in flags),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_ends_the_process_with_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, port, ready=False) as service:
            assert service.process.wait(60) == 2
    assert service.log() == f"vmconfig: --listen: cannot listen on `127.0.0.1:{port}`: address already in use\n"


def test_a_name_that_has_no_address_ends_the_process_with_an_error(tmp_path: Path) -> None:
    with serving(tmp_path, flags=("--listen", "nowhere.invalid:8443"), ready=False) as service:
        assert service.process.wait(60) == 2
    assert service.log().startswith("vmconfig: --listen: cannot listen on `nowhere.invalid:8443`: ")
    assert service.log().count("\n") == 1


@pytest.mark.parametrize("moment", range(6))
def test_sigterm_while_it_starts_ends_it_at_once_and_without_a_word_of_errors(tmp_path: Path, moment: int) -> None:
    """From the first moment at which the process takes the signal on, in equal parts of the time that a start takes."""
    began = time.monotonic()
    with serving(tmp_path) as service:
        starting = time.monotonic() - began
        service.process.kill()
        service.process.wait(60)
    (tmp_path / "log").unlink()
    with serving(tmp_path, flags=("--drain-seconds", "0"), ready=False) as service:
        until(lambda: _catches(service, signal.SIGTERM), "the process does not take the signal")
        time.sleep(starting * moment / 10)
        service.process.terminate()
        assert service.process.wait(60) == 0
    assert "Traceback" not in service.log()
    assert "rror" not in service.log()


def _catches(service: Service, number: signal.Signals) -> bool:
    """Whether the process has a handler for a signal; without one the kernel would end it."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.M)
    assert caught is not None
    return bool(int(caught[1], 16) >> (number - 1) & 1)


def test_the_expiry_of_the_certificate_is_a_metric(tmp_path: Path) -> None:
    with serving(tmp_path) as service, client(service) as connection:
        lines = connection.get("/metrics").text.splitlines()
    (value,) = [line.split()[1] for line in lines if line.startswith("vmconfig_certificate_expiry_seconds ")]
    left = float(value) - datetime.datetime.now(datetime.UTC).timestamp()
    assert 60 * 86400 < left < 120 * 86400
