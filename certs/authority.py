"""Issues certificates: a CA of our own and the leaf that the server shows.

Pure but for the randomness of keys and serial numbers: the clock comes in as `now` (timezone-aware). When to
issue is decided in `rotation`; nothing here reads or writes a file.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BACKDATE = timedelta(minutes=5)
"""How far `not_before` is in the past, so that a client whose clock is slow accepts the certificate."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Names:
    """Under what names and addresses clients call the server."""

    dns: frozenset[str]
    ips: frozenset[Address]

    def __le__(self, other: Names) -> bool:
        """Whether `other` covers every one of these names."""
        return self.dns <= other.dns and self.ips <= other.ips


@dataclass(frozen=True)
class Pair:
    """A certificate and the private key that belongs to it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def parse_names(dns: Iterable[str], ips: Iterable[str]) -> Names:
    """Names from their text; ValueError with a line for people if one is no name or there is none."""
    names = Names(frozenset(_dns_name(name) for name in dns), frozenset(_address(ip) for ip in ips))
    if not names.dns and not names.ips:
        raise ValueError("a certificate needs at least one DNS name or IP address")
    return names


def issue_authority(now: datetime, lifetime: timedelta) -> Pair:
    """A self-signed CA, valid from `now` for `lifetime`, that may sign leaves only (path length 0).

    Its subject carries the time, so that no two CAs of a rotation share a name and a client never tries the wrong one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"vmconfig CA {now:%Y-%m-%dT%H:%M:%SZ}")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        builder(name, name, key, now, now + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def issue_leaf(
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    names: Names,
    now: datetime,
    lifetime: timedelta,
) -> Pair:
    """A server certificate for `names`, signed with the authority's `key`; it never outlives its authority."""
    own = ec.generate_private_key(ec.SECP256R1())
    end = min(now + lifetime, authority.not_valid_after_utc)
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        builder(_name("vmconfig webhook"), authority.subject, own, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, own)


def names_of(certificate: x509.Certificate) -> Names:
    """The DNS names and addresses that a certificate is for; empty if it has no subjectAltName."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names(frozenset(), frozenset())
    ips = (ip for ip in names.get_values_for_type(x509.IPAddress) if isinstance(ip, Address))
    return Names(frozenset(names.get_values_for_type(x509.DNSName)), frozenset(ips))


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority's key signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def is_current(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether `now` lies within the certificate's validity."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def issued_at(certificate: x509.Certificate) -> datetime:
    """When one of our certificates was issued (its `not_before` is earlier by BACKDATE)."""
    return certificate.not_valid_before_utc + BACKDATE


def builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    """A certificate for a key, from a little before `now` until `end`; extensions and the signature are to be added."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _general_names(names: Names) -> list[x509.GeneralName]:
    return [
        *map(x509.DNSName, sorted(names.dns)),
        *map(x509.IPAddress, sorted(names.ips, key=lambda ip: ip.packed)),
    ]


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _dns_name(text: str) -> str:
    name = text.lower().rstrip(".")
    labels = name.removeprefix("*.").split(".")
    if not name.isascii() or len(name) > 253 or not all(_is_label(label) for label in labels):  # RFC 1035, 2.3.4
        raise ValueError(f"`{text}` is not a DNS name")
    return name


def _is_label(label: str) -> bool:
    inner = label.replace("-", "").replace("_", "")
    return 0 < len(label) <= 63 and inner.isalnum() and label[0] != "-" and label[-1] != "-"


def _address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"`{text}` is not an IP address") from None
