"""A STAND-IN for the two parts of the kubernetes client that certs/cluster.py uses. It is not an API server.

In memory: Secrets and webhook configurations with resourceVersion, AlreadyExists, NotFound and Conflict as a real API
server answers them. It cannot show that the real one does; tests/certs/test_secret_store_cluster.py asks that one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from kubernetes.client import ApiException

from certs.cluster import Apis


class StandInCluster:
    """Objects by (kind, name). `before_write` runs before each write: to fail there, or to be faster."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Any] = {}
        self.version = 0
        self.writes: list[str] = []
        self.before_write: Callable[[str], None] = lambda _: None

    @property
    def apis(self) -> Apis:
        return Apis(core=self, admission=self)

    def register(self, kind: str, name: str, webhooks: int) -> None:
        """A webhook configuration (kind: mutating or validating) with so many webhooks, none with a caBundle."""
        hooks = [SimpleNamespace(client_config=SimpleNamespace(ca_bundle=None)) for _ in range(webhooks)]
        self.objects[kind, name] = SimpleNamespace(metadata=self._metadata(), webhooks=hooks)

    def ca_bundles(self, kind: str, name: str) -> list[bytes]:
        hooks = self.objects[kind, name].webhooks
        return [base64.b64decode(hook.client_config.ca_bundle or "") for hook in hooks]

    def create_namespaced_secret(self, namespace: str, body: dict[str, Any], **_: Any) -> None:
        key = ("secret", f"{namespace}/{body['metadata']['name']}")
        self.before_write("create secret")
        if key in self.objects:
            raise ApiException(status=409, reason="AlreadyExists")
        self._write("create secret")
        self.objects[key] = SimpleNamespace(metadata=self._metadata(), data=dict(body["data"]), type=body["type"])

    def read_namespaced_secret(self, name: str, namespace: str, **_: Any) -> Any:
        return self._read("secret", f"{namespace}/{name}")

    def patch_namespaced_secret(self, name: str, namespace: str, body: dict[str, Any], **_: Any) -> None:
        self.before_write("patch secret")
        secret = self._locked("secret", f"{namespace}/{name}", body["metadata"]["resourceVersion"])
        self._write("patch secret")
        data = {**(secret.data or {}), **body["data"]}
        secret.data = {key: text for key, text in data.items() if text is not None}
        secret.metadata = self._metadata()

    def read_mutating_webhook_configuration(self, name: str, **_: Any) -> Any:
        return self._read("mutating", name)

    def read_validating_webhook_configuration(self, name: str, **_: Any) -> Any:
        return self._read("validating", name)

    def patch_mutating_webhook_configuration(self, name: str, body: list[dict[str, str]], **_: Any) -> None:
        self._patch("mutating", name, body)

    def patch_validating_webhook_configuration(self, name: str, body: list[dict[str, str]], **_: Any) -> None:
        self._patch("validating", name, body)

    def _patch(self, kind: str, name: str, body: list[dict[str, str]]) -> None:
        self.before_write(f"patch {kind}")
        configuration = self._locked(kind, name, body[0]["value"])
        self._write(f"patch {kind}")
        for step in body[1:]:
            index = int(step["path"].split("/")[2])
            configuration.webhooks[index].client_config.ca_bundle = step["value"]
        configuration.metadata = self._metadata()

    def _read(self, kind: str, name: str) -> Any:
        found = self.objects.get((kind, name))
        if found is None:
            raise ApiException(status=404, reason="NotFound")
        return SimpleNamespace(**vars(found))

    def _locked(self, kind: str, name: str, version: str) -> Any:
        found = self.objects.get((kind, name))
        if found is None:
            raise ApiException(status=404, reason="NotFound")
        if found.metadata.resource_version != version:
            raise ApiException(status=409, reason="Conflict")
        return found

    def _write(self, what: str) -> None:
        self.writes.append(what)

    def _metadata(self) -> Any:
        self.version += 1
        return SimpleNamespace(resource_version=str(self.version))
