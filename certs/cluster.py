"""A cluster's side: the Secret that keeps the bundle, and the webhook configurations that carry its `caBundle`.

The only users of the kubernetes client, which is imported when first needed (it costs half a second). Every write
names the version that it was decided on; the API server refuses it as a Conflict where somebody else was faster.
What else the API server refuses comes as kubernetes.client.ApiException, a lost connection as urllib3's HTTPError.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certs.store import NAMES, Conflict, Stored

TIMEOUT = (3, 10)
"""Seconds to connect, and to wait for an answer."""
WRITER = "vmconfig-certs"
"""The field manager that the API server notes for our writes."""


@dataclass(frozen=True)
class Apis:
    """The two parts of the kubernetes client that are used: CoreV1Api and AdmissionregistrationV1Api."""

    core: Any
    admission: Any


def connect(kubeconfig: Path | None = None) -> Apis:
    """The cluster of a kubeconfig file; without one that of this pod, or else the user's current configuration.

    Raises kubernetes.config.ConfigException where none of them is there.
    """
    from kubernetes import client, config

    load: Any = config
    configuration = client.Configuration()
    try:
        if kubeconfig is not None:
            raise config.ConfigException
        load.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        load.load_kube_config(kubeconfig and str(kubeconfig), client_configuration=configuration)
    api = client.ApiClient(configuration)
    return Apis(client.CoreV1Api(api), client.AdmissionregistrationV1Api(api))


def described(error: Exception) -> str:
    """An error in one line. An ApiException prints as a page of headers: its status and reason say it."""
    status, reason = getattr(error, "status", None), getattr(error, "reason", None)
    if status and reason:
        return f"the API server refused: {status} {reason}"
    return f"{type(error).__name__}: {error}".splitlines()[0]


@dataclass(frozen=True)
class Secret:
    """A Secret as a store. One that exists without our files (made empty by a chart) counts as empty."""

    apis: Apis
    namespace: str
    name: str

    def read(self) -> Stored:
        """The bundle's files in the Secret; its other entries are not looked at."""
        secret = _found(self.apis.core.read_namespaced_secret, self.name, self.namespace)
        if secret is None:
            return Stored({}, None)
        data = {name: base64.b64decode(text) for name, text in (secret.data or {}).items() if name in NAMES and text}
        return Stored(data, secret.metadata.resource_version)

    def write(self, files: Mapping[str, bytes], version: str | None) -> None:
        """Creates the Secret, or replaces the bundle's files in it and leaves its labels and other entries alone."""
        data = {name: base64.b64encode(content).decode() for name, content in files.items()}
        core = self.apis.core
        if version is None:
            metadata = {"name": self.name, "namespace": self.namespace}
            body = {"metadata": metadata, "type": "kubernetes.io/tls", "data": data}
            with _conflicts(409):
                core.create_namespaced_secret(self.namespace, body, field_manager=WRITER, _request_timeout=TIMEOUT)
        else:
            gone: dict[str, str | None] = dict.fromkeys(set(NAMES) - set(files))
            patch = {"metadata": {"resourceVersion": version}, "data": {**gone, **data}}
            with _conflicts(404, 409):
                core.patch_namespaced_secret(
                    self.name, self.namespace, patch, field_manager=WRITER, _request_timeout=TIMEOUT
                )


@dataclass(frozen=True)
class WebhookConfiguration:
    """A webhook configuration as it was read. ca_bundles: PEM, one a webhook in its order, empty where unset."""

    mutating: bool
    name: str
    version: str
    ca_bundles: tuple[bytes, ...]


@dataclass(frozen=True)
class Registrations:
    """The webhook configurations that trust our CAs, by name. One that does not exist needs nothing."""

    apis: Apis
    mutating: tuple[str, ...] = ()
    validating: tuple[str, ...] = ()

    def read(self) -> tuple[WebhookConfiguration, ...]:
        """The configurations that exist now."""
        admission = self.apis.admission
        return (
            *_configurations(True, admission.read_mutating_webhook_configuration, self.mutating),
            *_configurations(False, admission.read_validating_webhook_configuration, self.validating),
        )

    def write(self, configurations: Iterable[WebhookConfiguration], ca_bundle: bytes) -> None:
        """Sets `caBundle` in each webhook where it differs; writes nothing where it does not."""
        encoded = base64.b64encode(ca_bundle).decode()
        for configuration in configurations:
            paths = [
                f"/webhooks/{index}/clientConfig/caBundle"
                for index, present in enumerate(configuration.ca_bundles)
                if present != ca_bundle
            ]
            if not paths:
                continue
            patch = [{"op": "replace", "path": "/metadata/resourceVersion", "value": configuration.version}]
            patch += [{"op": "add", "path": path, "value": encoded} for path in paths]
            with _conflicts(404, 409):
                self._patch(configuration.mutating)(
                    configuration.name, patch, field_manager=WRITER, _request_timeout=TIMEOUT
                )

    def _patch(self, mutating: bool) -> Any:
        admission = self.apis.admission
        if mutating:
            return admission.patch_mutating_webhook_configuration
        return admission.patch_validating_webhook_configuration


def _configurations(mutating: bool, read: Any, names: Iterable[str]) -> Iterator[WebhookConfiguration]:
    for name in names:
        found = _found(read, name)
        if found is not None:
            texts = (webhook.client_config.ca_bundle or "" for webhook in found.webhooks or ())
            ca_bundles = tuple(base64.b64decode(text) for text in texts)
            yield WebhookConfiguration(mutating, name, found.metadata.resource_version, ca_bundles)


def _found(read: Any, *where: str) -> Any:
    """What `read` answers, or None where the API server has no such object."""
    from kubernetes.client import ApiException

    try:
        return read(*where, _request_timeout=TIMEOUT)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


@contextmanager
def _conflicts(*statuses: int) -> Iterator[None]:
    """Turns these refusals into Conflict: 409 is `AlreadyExists` and `Conflict`, 404 an object gone meanwhile."""
    from kubernetes.client import ApiException

    try:
        yield
    except ApiException as error:
        if error.status in statuses:
            raise Conflict(error.reason) from error
        raise
