"""A CA for callers, and a certificate of it as an API server would show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.authority import Pair, builder
from certs.bundle import pair_pem


@dataclass(frozen=True)
class Caller:
    """The CA in PEM; the file of the certificate and its key."""

    ca: bytes
    file: Path


def caller(folder: Path, name: str) -> Caller:
    """Make both; the names in them do not matter."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"callers {name}")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    end = now + timedelta(days=1)
    ca = builder(issuer, issuer, authority, now, end).add_extension(x509.BasicConstraints(True, None), critical=True)
    leaf = builder(subject, issuer, key, now, end).add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
    )
    file = folder / f"{name}.pem"
    file.write_bytes(pair_pem(Pair(leaf.sign(authority, hashes.SHA256()), key)))
    return Caller(ca.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM), file)
