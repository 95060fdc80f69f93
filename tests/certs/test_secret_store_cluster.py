"""The Secret store and `caBundle` on a real API server: that it refuses what the stand-in refuses, and that its webhook
client goes on calling us through a whole rotation, also while it calls an address and so sends no server name."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from kubernetes.client import ApiException

from certs.authority import BACKDATE
from certs.bundle import ca_bundle, render
from certs.cluster import Apis, Registrations, Secret, connect
from certs.ensure import ensure
from certs.serve import Reloader
from certs.store import Conflict
from tests.certs.clients import LIFETIMES, NAMES, first, real_now
from tests.cluster.cluster import Cluster
from tests.waiting import until

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def apis(cluster: Cluster) -> Apis:
    return connect(cluster.kubeconfig())


@pytest.fixture
def secret(apis: Apis) -> Secret:
    return Secret(apis, "default", f"certs-{next(_numbers)}")


@pytest.fixture
def registrations(cluster: Cluster, apis: Apis) -> Iterator[Registrations]:
    """A mutating configuration with two webhooks and a validating one, for ConfigMaps with a label that nobody has."""
    name = f"certs-{next(_numbers)}"
    for kind, count in (("Mutating", 2), ("Validating", 1)):
        hooks = [_webhook(f"{letter}.certs.test", "https://127.0.0.1:1/") for letter in "ab"[:count]]
        _apply(cluster, kind, name, hooks)
    yield Registrations(apis, (name,), (name, "not-there"))
    for kind in ("mutating", "validating"):
        cluster.kubectl("delete", f"{kind}webhookconfiguration", name)


def _apply(cluster: Cluster, kind: str, name: str, hooks: list[dict[str, Any]]) -> None:
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": hooks,
    }
    cluster.kubectl("create", "-f", "-", input=json.dumps(body))


def _webhook(name: str, url: str) -> dict[str, Any]:
    return {
        "name": name,
        "clientConfig": {"url": url},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
        "objectSelector": {"matchLabels": {"certs.test/called": name}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 3,
    }


def _trusted(registrations: Registrations) -> set[bytes]:
    return {pem for one in registrations.read() for pem in one.ca_bundles}


def test_a_secret_that_is_not_there_is_made_and_every_webhook_trusts_it(
    cluster: Cluster, secret: Secret, registrations: Registrations
) -> None:
    assert secret.read().version is None
    bundle = ensure(secret, NAMES, real_now(), registrations)
    assert _trusted(registrations) == {ca_bundle(bundle)}
    stored = json.loads(cluster.kubectl("get", "secret", secret.name, "-o", "json").stdout)
    assert stored["type"] == "kubernetes.io/tls"
    assert base64.b64decode(stored["data"]["tls.crt"]) == render(bundle)["tls.crt"]


def test_nothing_is_written_where_nothing_is_due(secret: Secret, registrations: Registrations) -> None:
    ensure(secret, NAMES, real_now(), registrations)
    before = (secret.read().version, [one.version for one in registrations.read()])
    ensure(secret, NAMES, real_now(), registrations)
    assert (secret.read().version, [one.version for one in registrations.read()]) == before


def test_an_outdated_write_of_the_secret_is_a_conflict(secret: Secret) -> None:
    secret.write(render(first()), None)
    outdated = secret.read().version
    with pytest.raises(Conflict):
        secret.write(render(first()), None)
    newer = render(first())
    secret.write(newer, outdated)
    with pytest.raises(Conflict):
        secret.write(render(first()), outdated)
    assert secret.read().files == newer


def test_an_entry_that_the_bundle_no_longer_has_is_taken_out_and_those_of_others_stay(
    cluster: Cluster, secret: Secret
) -> None:
    secret.write({**render(first()), "published": b"2026-03-01T12:00:00+00:00"}, None)
    cluster.kubectl("patch", "secret", secret.name, "-p", '{"stringData": {"note": "mine"}}')
    files = render(first())
    secret.write(files, secret.read().version)
    assert secret.read().files == files
    stored = json.loads(cluster.kubectl("get", "secret", secret.name, "-o", "json").stdout)
    assert base64.b64decode(stored["data"]["note"]) == b"mine"


def test_an_outdated_patch_of_a_configuration_is_a_conflict(registrations: Registrations) -> None:
    seen = registrations.read()
    registrations.write(seen, ca_bundle(first()))
    newer = ca_bundle(first())
    registrations.write(registrations.read(), newer)
    with pytest.raises(Conflict):
        registrations.write(seen, ca_bundle(first()))
    assert _trusted(registrations) == {newer}


def test_replicas_that_install_at_once_agree_on_one_bundle(secret: Secret, registrations: Registrations) -> None:
    found: list[bytes] = []
    replicas = [
        threading.Thread(target=lambda: found.append(ca_bundle(ensure(secret, NAMES, real_now(), registrations))))
        for _ in range(4)
    ]
    for replica in replicas:
        replica.start()
    for replica in replicas:
        replica.join()
    assert len(found) == 4
    assert set(found) == _trusted(registrations)


def test_the_command_does_it_all_and_a_refusal_exits_1(
    cluster: Cluster, secret: Secret, registrations: Registrations
) -> None:
    def run(user: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "certs", "ensure", "--secret", f"default/{secret.name}", "--dns", "localhost"]
        command += ["--patch-mutating", *registrations.mutating, "--patch-validating", *registrations.validating]
        command += ["--kubeconfig", str(cluster.kubeconfig(user)), "-o", "json"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    refused = run("tenant")
    assert (refused.returncode, refused.stderr) == (1, "certs: the API server refused: 403 Forbidden\n")
    done = run("admin")
    assert json.loads(done.stdout)["dns"] == ["localhost"]
    assert _trusted(registrations) == {secret.read().files["ca.crt"]}


class Allowing:
    """A webhook that allows everything, counts, and closes each connection: every call is a handshake."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.calls += 1
        response = {"uid": json.loads(body)["request"]["uid"], "allowed": True}
        answer = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@contextmanager
def _serving(app: Allowing, reloader: Reloader) -> Iterator[int]:
    """uvicorn with the reloader's context, as our server runs it; its port."""
    config = uvicorn.Config(
        app, port=0, log_level="warning", lifespan="off", ssl_context_factory=lambda *_: reloader.context
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def test_the_api_server_calls_us_by_address_at_every_step_of_a_rotation(
    cluster: Cluster, apis: Apis, secret: Secret
) -> None:
    """The rotation ends now and began in the past. After each step the API server is asked twice: while the server
    still shows what it read before (a replica that is late), and after it has read anew."""
    dropped = real_now()
    moved = dropped - LIFETIMES.overlap
    made = moved - LIFETIMES.settle
    before = ensure(secret, NAMES, made - LIFETIMES.authority + LIFETIMES.authority_due)
    old = ensure(secret, NAMES, made - 2 * BACKDATE)
    name, app, reloader = f"certs-{next(_numbers)}", Allowing(), Reloader(secret)

    def called() -> bool:
        calls = app.calls
        labels = {"certs.test/called": "a.certs.test"}
        metadata = {"generateName": "certs-", "namespace": "default", "labels": labels}
        try:
            apis.core.create_namespaced_config_map("default", {"metadata": metadata})
        except ApiException as error:
            if "x509: certificate signed by unknown authority" not in str(error.body):
                raise
            return False
        return app.calls == calls + 1

    with _serving(app, reloader) as port:
        _apply(cluster, "Mutating", name, [_webhook("a.certs.test", f"https://127.0.0.1:{port}/")])
        registrations = Registrations(apis, (name,))
        try:
            registrations.write(registrations.read(), ca_bundle(old))
            until(called)
            for at, authorities in ((made, 2), (moved, 2), (dropped, 1)):
                bundle = ensure(secret, NAMES, at, registrations)
                assert len(bundle.authorities) == authorities
                assert called()
                reloader.reload()
                assert called()
            assert bundle.authority not in before.authorities
            registrations.write(registrations.read(), ca_bundle(first(real_now())))
            until(lambda: not called())  # it really was the caBundle that let us be called
        finally:
            cluster.kubectl("delete", "mutatingwebhookconfiguration", name)
