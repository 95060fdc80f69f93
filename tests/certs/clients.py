"""What a client of the webhook believes, and the values that these tests share."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from certs.authority import parse_names
from certs.bundle import Bundle
from certs.rotation import Lifetimes, advance

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES = parse_names(["vmconfig.vmconfig-system.svc", "localhost"], ["127.0.0.1", "::1"])
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIFETIMES = Lifetimes()


def first(now: datetime = START) -> Bundle:
    """The bundle of a first installation."""
    return advance(None, NAMES, now)


def published(bundle: Bundle, now: datetime) -> Bundle:
    """The bundle once every client trusts its CAs."""
    return replace(bundle, published=now)


def real_now() -> datetime:
    """This machine's time in whole seconds: OpenSSL believes no other clock."""
    return datetime.now(UTC).replace(microsecond=0)


def trusts(authorities: tuple[x509.Certificate, ...], leaf: x509.Certificate, now: datetime) -> bool:
    """Whether a client with these CAs verifies the leaf at that time, for a DNS name and for an address."""
    builder = PolicyBuilder().store(Store(list(authorities))).time(now)
    subjects: list[x509.DNSName | x509.IPAddress] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    try:
        for subject in subjects:
            builder.build_server_verifier(subject).verify(leaf, [])
    except VerificationError:
        return False
    return True


def client_context(ca_pem: bytes) -> ssl.SSLContext:
    """An OpenSSL client that trusts these CAs, as strict as OpenSSL can be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=ca_pem.decode())
    return context
