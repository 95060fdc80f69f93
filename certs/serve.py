"""Serving a certificate that changes while connections go on, and the coroutine that notices the change.

Each handshake takes the newest certificate: OpenSSL asks at every ClientHello, with or without a server name, and
gets the context of the last good reload. Established connections keep the one that they began with.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509
from watchfiles import awatch

from certs.bundle import Unusable
from certs.store import Folder, Stored

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has nothing else."""
PERIOD = 60.0
"""Seconds between looks at a source that nobody told us has changed."""
SOONEST = 1.0
"""Seconds until the first retry after a failure; doubled by each further one, up to the period."""

log = logging.getLogger(__name__)


class Source(Protocol):
    """Where certificates come from: certs.store.Folder, certs.cluster.Secret."""

    def read(self) -> Stored:
        """All files, of one moment."""


class Reloader:
    """The TLS context of a server, with the newest certificate of its source.

    Needs only `tls.crt` (with its chain) and `tls.key` there, so a Secret of cert-manager does as well as our own
    bundle. Constructing it raises as reload() does.
    """

    def __init__(self, source: Path | Source, client_ca: Path | None = None) -> None:
        self.source: Source = Folder(source) if isinstance(source, Path) else source
        self.client_ca = client_ca
        """PEM file of the CA that clients may show a certificate of; None where they are not asked."""
        self.problem: str | None = None
        """Why the last look at the source failed, for health pages; None while all is well."""
        self._pem, certificate = _served(self.source.read().files)
        self.expires_at: datetime = certificate.not_valid_after_utc
        """When the served certificate expires (UTC)."""
        self._client_ca = self._read_client_ca()
        self.context: ssl.SSLContext = _context(self._pem, self._client_ca)
        """The context for the server's socket; stays the same object for ever."""
        self._newest = self.context
        self.context.sni_callback = self._choose

    def reload(self) -> bool:
        """Takes what the source holds now; whether that is another certificate. For any thread; waits for the source.

        Raises certs.bundle.Unusable for a missing or broken pair, and what the source raises (OSError, ApiException);
        then the last good certificate stays in use.
        """
        pem, certificate = _served(self.source.read().files)
        client_ca = self._read_client_ca()
        if (pem, client_ca) == (self._pem, self._client_ca):
            return False
        self._newest = _context(pem, client_ca)
        self._pem, self._client_ca, self.expires_at = pem, client_ca, certificate.not_valid_after_utc
        return True

    def _read_client_ca(self) -> str | None:
        return None if self.client_ca is None else self.client_ca.read_text(errors="replace")

    def days_left(self, now: datetime) -> float:
        """Days until the served certificate expires; negative: since when it has."""
        return (self.expires_at - now).total_seconds() / 86400

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        connection.context = self._newest


async def watch(
    reloader: Reloader,
    tend: Callable[[], object] | None = None,
    period: float = PERIOD,
    soonest: float = SOONEST,
) -> None:
    """Keeps the reloader up to date until cancelled: at each change of its folder, and every `period` seconds.

    `tend` is called first each time, in a thread: the rotation of certificates that we manage ourselves, such as
    `lambda: ensure(...)`. A failure is logged, kept as `reloader.problem` and tried again after `soonest` seconds, then
    more and more rarely up to the period; it never ends the watch, nor does it keep a reload from happening.
    """
    failures = 0
    while True:
        try:
            async with aclosing(_occasions(reloader.source, period)) as occasions:
                async for _ in occasions:
                    await asyncio.to_thread(_look, reloader, tend)
                    reloader.problem, failures = None, 0
        except Exception as error:
            reloader.problem = f"{type(error).__name__}: {error}".splitlines()[0]
            log.warning(
                "certificates not refreshed, still serving those until %s: %s",
                reloader.expires_at,
                reloader.problem,
            )
        failures += 1
        await asyncio.sleep(_pause(failures, soonest, period))


def _look(reloader: Reloader, tend: Callable[[], object] | None) -> None:
    """Reloads even where tending fails: another replica may have renewed what we could not."""
    try:
        if tend is not None:
            tend()
    finally:
        if reloader.reload():
            log.info("serving a new certificate until %s", reloader.expires_at)


async def _occasions(source: Source, period: float) -> AsyncGenerator[None, None]:
    """Yields at once, then when the folder changes and at least every `period` seconds."""
    yield
    if not isinstance(source, Folder):
        while True:
            await asyncio.sleep(period)
            yield
    # The folder, not its files: a swap replaces the links. All events: a filter could hide names that begin with dots.
    async for _ in awatch(
        source.path,
        watch_filter=None,
        debounce=200,
        rust_timeout=int(period * 1000),
        yield_on_timeout=True,
        recursive=False,
    ):
        yield


def _pause(failures: int, soonest: float, period: float) -> float:
    """Seconds until the next try: doubling up to the period, spread so that replicas do not come together."""
    longest = min(soonest * 2.0 ** min(failures - 1, 16), period)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (spreads replicas, guards nothing)


def _served(files: Mapping[str, bytes]) -> tuple[bytes, x509.Certificate]:
    """The key and the chain as one PEM text, and the leaf."""
    for name in ("tls.crt", "tls.key"):
        if not files.get(name):
            raise Unusable(f"`{name}` is missing or empty")
    try:
        leaf = x509.load_pem_x509_certificates(files["tls.crt"])[0]
    except ValueError:
        raise Unusable("`tls.crt` holds no certificate in PEM form") from None
    return files["tls.key"].rstrip() + b"\n" + files["tls.crt"], leaf


def _context(pem: bytes, client_ca: str | None = None) -> ssl.SSLContext:
    """A server context; TLS 1.2 or newer, HTTP/1.1 (all that we speak, and what API servers ask of webhooks).

    With a client CA a client may show a certificate, which then has to be of that CA.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    if client_ca is not None:
        _ask_clients(context, client_ca)
    try:
        _load(context, pem)
    except ssl.SSLError as error:
        raise Unusable(f"`tls.crt` and `tls.key` are no pair that TLS can use ({error.reason})") from None
    return context


def _ask_clients(context: ssl.SSLContext, client_ca: str) -> None:
    context.verify_mode = ssl.CERT_OPTIONAL
    # A resumed session would bring back a certificate that was verified by the CA of before.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    try:
        context.load_verify_locations(cadata=client_ca)
    except (ssl.SSLError, ValueError):
        raise Unusable("the client CA is no certificate in PEM form") from None


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    """Python's ssl loads from a path only: an anonymous file in memory has one, and leaves the key on no disk."""
    descriptor = os.memfd_create("vmconfig-certs", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
    finally:
        os.close(descriptor)
