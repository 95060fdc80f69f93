"""Serving a certificate that changes while connections go on, and the coroutine that notices the change.

Each handshake takes the newest certificate: OpenSSL asks at every ClientHello, with or without a server name, and
gets the context of the last good reload. Established connections keep the one that they began with. Where a server
may start before its certificate is there, a throwaway one that nobody trusts lets probes ask how it stands.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from watchfiles import awatch

from certs.authority import is_current, issue_authority
from certs.backoff import backoff
from certs.bundle import Unusable, pair_pem
from certs.cluster import described
from certs.store import Folder, Stored
from certs.threads import in_daemon_thread

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has nothing else."""
PERIOD = 60.0
"""Seconds between looks at a source that nobody told us has changed."""
SOONEST = 1.0
"""Seconds until the first retry after a failure; doubled by each further one, up to the period."""
WAITING = 5.0
"""Seconds between tries at most while there is no certificate yet."""

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Source(Protocol):
    """Where certificates come from: certs.store.Folder, certs.cluster.Secret."""

    def read(self) -> Stored:
        """All files, of one moment."""


class Reloader:
    """The TLS context of a server, with the newest certificate of its source.

    Needs only `tls.crt` (with its chain) and `tls.key` there, so a Secret of cert-manager does as well as our own
    bundle. Constructing it raises as reload() does; with `wait` it does not look at the source, which may hold nothing
    yet: until the first reload a throwaway certificate is served.
    """

    def __init__(
        self, source: Path | Source, client_ca: Path | None = None, *, wait: bool = False, clock: Clock = _now
    ) -> None:
        self.source: Source = Folder(source) if isinstance(source, Path) else source
        self.client_ca = client_ca
        """PEM file of the CA that clients may show a certificate of; None where they are not asked."""
        self.problem: str | None = None
        """Why the last look at the source failed, for health pages; None while all is well."""
        self.certificate: x509.Certificate | None = None
        """The served certificate; None while it is the throwaway."""
        self._clock = clock
        if wait:
            self._pem = _throwaway(clock())
        else:
            self._pem, self.certificate = _served(self.source.read().files)
        self._client_ca = self._read_client_ca()
        self.context: ssl.SSLContext = _context(self._pem, self._client_ca)
        """The context for the server's socket; stays the same object for ever."""
        self._newest = self.context
        self.context.sni_callback = self._choose

    @property
    def expires_at(self) -> datetime | None:
        """When the served certificate expires (UTC)."""
        return self.certificate.not_valid_after_utc if self.certificate is not None else None

    def reload(self) -> bool:
        """Takes what the source holds now; whether that is another certificate. For any thread; waits for the source.

        Raises certs.bundle.Unusable for a missing or broken pair and for one that is not valid now where the served one
        is, and what the source raises (OSError, ApiException); then the last good certificate stays in use.
        """
        pem, certificate = _served(self.source.read().files)
        client_ca = self._read_client_ca()
        if (pem, client_ca) == (self._pem, self._client_ca):
            return False
        now = self._clock()
        if not self.unusable(now) and not is_current(certificate, now):
            raise Unusable(f"the new certificate {_validity(certificate, now)}")
        self._newest = _context(pem, client_ca)
        self._pem, self._client_ca, self.certificate = pem, client_ca, certificate
        return True

    def _read_client_ca(self) -> str | None:
        return None if self.client_ca is None else self.client_ca.read_text(errors="replace")

    def unusable(self, now: datetime) -> str:
        """Why no client can believe what is served; empty where it can."""
        if self.certificate is None:
            return f"there is no certificate yet: {self.problem or 'its source has not answered yet'}"
        if is_current(self.certificate, now):
            return ""
        return f"the certificate {_validity(self.certificate, now)}"

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        connection.context = self._newest


async def watch(
    reloader: Reloader,
    renew: Callable[[], object] | None = None,
    period: float = PERIOD,
    soonest: float = SOONEST,
) -> None:
    """Keeps the reloader up to date until cancelled: at each change of its folders, and every `period` seconds.

    `renew` is called first each time, in a thread: the rotation of certificates that we manage ourselves, such as
    `lambda: ensure(...)`. A failure is logged, kept as `reloader.problem` and tried again after `soonest` seconds, then
    more and more rarely up to the period; it never ends the watch, nor does it keep a reload from happening.
    """
    failures = 0
    while True:
        try:
            async with aclosing(_occasions(_folders(reloader), period)) as occasions:
                async for _ in occasions:
                    await in_daemon_thread(_look, reloader, renew)
                    failures = 0
                    _tell(reloader, None)
        except Exception as error:
            _tell(reloader, described(error))
        failures += 1
        longest = period if reloader.certificate is not None else min(period, WAITING)
        await asyncio.sleep(backoff(failures, soonest, longest))


def _tell(reloader: Reloader, problem: str | None) -> None:
    """Keep what became of a look, and log it where it is another than before."""
    before, reloader.problem = reloader.problem, problem
    if problem == before:
        return
    if problem is None:
        log.info("certificates are refreshed again")
    elif reloader.certificate is None:
        log.warning("no certificate yet: %s", problem)
    else:
        log.warning("certificates not refreshed, still serving those until %s: %s", reloader.expires_at, problem)


def _look(reloader: Reloader, renew: Callable[[], object] | None) -> None:
    """Reloads even where the renewal fails: another replica may have renewed what we could not."""
    try:
        if renew is not None:
            renew()
    finally:
        if reloader.reload():
            log.info("serving a new certificate until %s", reloader.expires_at)


def _folders(reloader: Reloader) -> list[Path]:
    """Where a change shows in a folder: the certificate's own, and that of the clients' CA."""
    own = [reloader.source.path] if isinstance(reloader.source, Folder) else []
    return own if reloader.client_ca is None else [*own, reloader.client_ca.parent]


async def _occasions(folders: list[Path], period: float) -> AsyncGenerator[None, None]:
    """Yields at once, then when a folder changes and at least every `period` seconds."""
    yield
    while True:
        if folders:
            with suppress(RuntimeError):  # the node has no watches left to give: by the clock alone, then
                async for _ in _changes(folders, period):
                    yield
        await asyncio.sleep(period)
        yield


def _changes(folders: list[Path], period: float) -> AsyncGenerator[object, None]:
    """Of folders, not their files: a swap replaces the links. All events: a filter could hide names like `..data`."""
    return awatch(
        *folders,
        watch_filter=None,
        debounce=200,
        rust_timeout=int(period * 1000),
        yield_on_timeout=True,
        recursive=False,
    )


def _throwaway(now: datetime) -> bytes:
    """A certificate that nobody trusts, as PEM: who does not verify, as a kubelet's probes, gets an answer by it."""
    return pair_pem(issue_authority(now, timedelta(days=1)))


def _validity(certificate: x509.Certificate, now: datetime) -> str:
    """What is wrong with the time of a certificate that is not valid now."""
    if now < certificate.not_valid_before_utc:
        return f"is valid only from {certificate.not_valid_before_utc.isoformat()}, and it is {now.isoformat()}"
    return f"expired at {certificate.not_valid_after_utc.isoformat()}"


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
    except (ssl.SSLError, ValueError, TypeError):  # the last where a character is not ASCII
        raise Unusable("the client CA is no certificate in PEM form") from None


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    """Python's ssl loads from a path only: an anonymous file in memory has one, and leaves the key on no disk."""
    descriptor = os.memfd_create("vmconfig-certs", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
    finally:
        os.close(descriptor)
