"""Who may call the webhooks where a CA of callers is named: a real process, and an API server set up by the docs."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.admission.reviews import review
from tests.certs.callers import Caller, caller
from tests.cluster.cluster import reserved_port, running
from tests.e2e.service import ROOT, Service, install, serving
from tests.waiting import until

VM = yaml.safe_load((ROOT / "examples" / "proposal-features.yaml").read_text())
PAGE = (ROOT / "docs" / "client-certificates.md").read_text()
HOOKS = ("mutate", "validate", "policies")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("callers")


@pytest.fixture(scope="module")
def known(folder: Path) -> Caller:
    return caller(folder, "known")


@pytest.fixture(scope="module")
def service(folder: Path, known: Caller) -> Iterator[Service]:
    ca = folder / "ca.crt"
    ca.write_bytes(known.ca)
    with serving(folder, flags=("--client-ca", str(ca), "--drain-seconds", "0")) as started:
        yield started


def client(service: Service, shown: Caller | None) -> httpx.Client:
    trusted = service.trusted()
    if shown is not None:
        trusted.load_cert_chain(shown.file)
    return httpx.Client(base_url=service.url, verify=trusted, timeout=60, trust_env=False)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_webhook_refuses_whoever_shows_no_certificate(service: Service, hook: str) -> None:
    with client(service, None) as connection:
        answer = connection.post(f"/{hook}", json=review(VM))
    assert answer.status_code == 401
    assert answer.json()["reason"] == "Unauthorized"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("hook", HOOKS)
def test_a_webhook_answers_whoever_shows_a_certificate_of_the_ca(service: Service, known: Caller, hook: str) -> None:
    with client(service, known) as connection:
        answer = connection.post(f"/{hook}", json=review(VM))
    assert answer.status_code == 200
    assert answer.json()["response"]["uid"] == review(VM)["request"]["uid"]


def test_a_certificate_of_another_ca_ends_the_connection(service: Service, folder: Path) -> None:
    with client(service, caller(folder, "stranger")) as connection, pytest.raises(httpx.TransportError):
        connection.post("/mutate", json=review(VM))


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/version", "/metrics"])
def test_probes_and_metrics_need_no_certificate(service: Service, path: str) -> None:
    with client(service, None) as connection:
        assert connection.get(path).status_code == 200


def test_a_header_is_no_certificate(service: Service) -> None:
    forged = {"x-client-certificate": "1", "x-forwarded-client-cert": "By=x;Hash=y", "client_certificate": "true"}
    with client(service, None) as connection:
        assert connection.post("/validate", json=review(VM), headers=forged).status_code == 401


def test_an_old_protocol_shows_a_certificate_too(service: Service, known: Caller) -> None:
    trusted = service.trusted()
    trusted.load_cert_chain(known.file)
    trusted.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", service.port), 60) as plain,
        trusted.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert tls.recv(1000).startswith(b"HTTP/1.1 400")


def test_a_file_that_is_no_certificate_is_a_matter_of_usage(tmp_path: Path) -> None:
    broken = tmp_path / "ca.crt"
    broken.write_text("hello")
    with serving(tmp_path, flags=("--client-ca", str(broken)), ready=False) as service:
        assert service.process.wait(60) == 2
    assert service.log() == "vmconfig: the client CA is no certificate in PEM form\n"


def test_an_api_server_that_is_set_up_as_documented_creates_vms_and_no_longer_once_the_ca_is_another(
    tmp_path: Path,
) -> None:
    known, port = caller(tmp_path, "apiserver"), reserved_port()
    ca = tmp_path / "client-ca.crt"
    ca.write_bytes(known.ca)
    cluster_folder = tmp_path / "cluster"
    cluster_folder.mkdir()
    served = ("--client-ca", str(ca), "--drain-seconds", "0")
    flags = {"admission-control-config-file": _documented(tmp_path, known, port)}
    with running(cluster_folder, flags) as cluster:
        with serving(tmp_path, port, served) as service:
            install(cluster, service)
            made = cluster.kubectl("create", "-o", "yaml", "-f", "-", input=yaml.safe_dump(VM))
            assert yaml.safe_load(made.stdout)["spec"]["domain"]["devices"]["disks"]
        ca.write_bytes(caller(tmp_path, "another").ca)
        with serving(tmp_path, port, served):
            second = yaml.safe_dump({**VM, "metadata": {"name": "second"}})
            refused = cluster.kubectl("create", "-f", "-", input=second, check=False)
            assert "failed calling webhook" in refused.stderr


def test_a_changed_file_is_taken_while_the_service_runs(tmp_path: Path) -> None:
    known, next_ = caller(tmp_path, "known"), caller(tmp_path, "next")
    ca = tmp_path / "client-ca.crt"
    ca.write_bytes(known.ca)
    with serving(tmp_path, flags=("--client-ca", str(ca), "--drain-seconds", "0")) as service:
        assert _answers(service, known)
        ca.write_bytes(next_.ca)
        until(lambda: not _answers(service, known), "the changed CA is not taken")
        assert _answers(service, next_)


def _answers(service: Service, shown: Caller) -> bool:
    """Whether a new connection of this caller is answered."""
    try:
        with client(service, shown) as connection:
            return connection.post("/mutate", json=review(VM)).status_code == 200
    except httpx.TransportError:
        return False


def _documented(folder: Path, known: Caller, port: int) -> Path:
    """Both files of the page, with the names of this machine in place of its examples."""
    configuration, kubeconfig = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    written = folder / "webhooks.yaml"
    written.write_text(kubeconfig.replace("vmconfig.vmconfig-system.svc", f"127.0.0.1:{port}"))
    for name in ("client.crt", "client.key"):
        written.write_text(written.read_text().replace(f"/etc/kubernetes/webhooks/{name}", str(known.file)))
    file = folder / "admission.yaml"
    file.write_text(configuration.replace("/etc/kubernetes/webhooks/kubeconfig", str(written)))
    return file
