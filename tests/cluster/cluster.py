"""A real Kubernetes API server for tests: its own folder, loopback ports, users and kubeconfig."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.build import program
from tests.waiting import PATIENCE

# Users by name, and their groups: an admin, a tenant, and the service account-like user of a GitOps tool.
USERS = MappingProxyType({"admin": "system:masters", "tenant": "tenants", "gitops": "system:masters"})


@dataclass
class Cluster:
    """A running API server."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    binary: Path
    command: list[str]
    tokens: dict[str, str] = field(default_factory=lambda: {user: f"token-of-{user}" for user in USERS})

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "certs" / "apiserver.crt"

    def token(self, user: str) -> str:
        return self.tokens[user]

    def kubeconfig(self, user: str = "admin") -> Path:
        """The path of a kubeconfig of this user."""
        path = self.folder / f"kubeconfig-{user}"
        if not path.exists():
            self.write_kubeconfig(path, self.token(user))
        return path

    def account_kubeconfig(self, namespace: str, name: str) -> Path:
        """The path of a kubeconfig of a ServiceAccount, with a token that outlives the suite."""
        path = self.folder / f"kubeconfig-{namespace}-{name}"
        self.write_kubeconfig(
            path, self.kubectl("-n", namespace, "create", "token", name, "--duration=24h").stdout.strip()
        )
        return path

    def write_kubeconfig(self, path: Path, token: str, url: str = "") -> None:
        """A kubeconfig for whoever has this token; `url` leads to the server by another way."""
        server = {"server": url or self.url, "certificate-authority": str(self.ca_file)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": server}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
            "current-context": "test",
        }
        path.write_text(yaml.safe_dump(config))

    def kubectl(
        self,
        *args: str,
        input: str | None = None,
        user: str = "admin",
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl (of the server's own version); with `check` an AssertionError says what it said."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig(user)), "HOME": str(self.folder)}
        command = [str(self.binary), "kubectl", f"--cache-dir={self.folder}/cache", *args]
        done = subprocess.run(
            command, input=input, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(args)} failed:\n{done.stdout}{done.stderr}")
        return done

    def client(self, user: str = "admin") -> httpx.Client:
        """An HTTP client for raw calls of the API."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        trusted = ssl.create_default_context(cafile=self.ca_file)
        # Without trust_env=False a proxy named in the environment would be asked for our loopback address.
        return httpx.Client(base_url=self.url, verify=trusted, headers=headers, timeout=300, trust_env=False)

    def wait_established(self, crd: str) -> None:
        """Until the API server serves a CustomResourceDefinition."""
        deadline = time.monotonic() + PATIENCE
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd}"
        # Not `kubectl wait`: it fails at once on a definition so new that its conditions are null.
        with self.client() as client:
            while not _established(client.get(path).json()):
                assert time.monotonic() < deadline, f"{crd} is not established"
                time.sleep(0.05)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """No server while this is entered, and no farewell; then it is back on its port with all that it had stored."""
        self.process.kill()
        self.process.wait(10)
        try:
            yield
        finally:
            self.process = _run(self.command, self.folder)
            _wait_ready(self)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


def _established(crd: dict[str, Any]) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


@contextlib.contextmanager
def running(folder: Path, flags: Mapping[str, object] | None = None) -> Iterator[Cluster]:
    """An API server, with further flags of its own, that is ready when this is entered and gone when it is left."""
    binary = program()
    cluster = _start(folder, binary, flags or {})
    try:
        _wait_ready(cluster)
        yield cluster
    finally:
        cluster.stop()


def _start(folder: Path, binary: Path, further: Mapping[str, object]) -> Cluster:
    _keys(folder)
    users = [f"token-of-{user},{user},{user},{group}\n" for user, group in USERS.items()]
    (folder / "tokens.csv").write_text("".join(users))
    port, etcd, peer = (reserved_port() for _ in range(3))
    flags = {
        "cert-dir": folder / "certs",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": folder / "account.pub",
        "service-account-signing-key-file": folder / "account.key",
        "token-auth-file": folder / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-cluster-ip-range": "10.96.0.0/16",
        "endpoint-reconciler-type": "none",
    }
    command = [str(binary), "serve", str(folder), *map(str, (port, etcd, peer))]
    command += [f"--{name}={value}" for name, value in {**flags, **further}.items()]
    return Cluster(folder, port, _run(command, folder), binary, command)


def _run(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def _keys(folder: Path) -> None:
    """The key pair of service account tokens, which the API server insists on."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "account.key").write_bytes(private)
    (folder / "account.key").chmod(0o600)
    (folder / "account.pub").write_bytes(public)


def _wait_ready(cluster: Cluster) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and cluster.process.poll() is None:
        # The server writes its certificate a moment after its start.
        with contextlib.suppress(httpx.TransportError, OSError), cluster.client() as client:
            if client.get("/readyz").status_code == 200 and client.get("/api/v1/namespaces/default").is_success:
                return
        time.sleep(0.2)
    cluster.stop()
    raise RuntimeError(f"the test cluster did not become ready:\n{cluster.log()[-6000:]}")


def reserved_port() -> int:
    """A free loopback port that the kernel gives to nobody else for a minute.

    A connection closed by its server leaves the port in TIME_WAIT: only who asks for it by number and with
    SO_REUSEADDR, as Go's servers do, may listen on it. So two test runs that start at once never meet on a port.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address):
            server.accept()[0].close()
    return int(address[1])
