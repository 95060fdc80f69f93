"""The bundle: everything that a rotation knows, as values and as the files that a folder or a Secret keeps.

Files: `ca.crt` (all CAs that clients shall trust, newest first), `ca.key` (of the newest), `tls.crt`, `tls.key`
(the leaf; the names of a kubernetes.io/tls Secret) and `published` (RFC 3339; since when clients trust all CAs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from certs.authority import Pair, issued_by

FILES = ("ca.crt", "ca.key", "tls.crt", "tls.key")
PUBLISHED = "published"
KEYS = frozenset({"ca.key", "tls.key"})
"""The files that are secret: mode 0600 in a folder."""


class Unusable(Exception):
    """What is stored is no certificate bundle of ours; the text says what is wrong with it, and what to do."""


@dataclass(frozen=True)
class Bundle:
    """The certificates of one moment of the rotation.

    authorities: CAs that clients shall trust, newest first, at least one. authority_key: the newest one's key, the
    only one that is kept. published: since when clients are known to trust all of them; None while that is not known.
    """

    authorities: tuple[x509.Certificate, ...]
    authority_key: ec.EllipticCurvePrivateKey
    leaf: Pair
    published: datetime | None = None

    @property
    def authority(self) -> x509.Certificate:
        """The newest CA: the one that signs."""
        return self.authorities[0]


def ca_bundle(bundle: Bundle) -> bytes:
    """What clients shall trust, as PEM: the `caBundle` of a webhook configuration."""
    return b"".join(_certificate_pem(authority) for authority in bundle.authorities)


def days_left(bundle: Bundle, now: datetime) -> float:
    """Days until the leaf expires (negative: since when it has); what a metric shows and an alert watches."""
    return (bundle.leaf.certificate.not_valid_after_utc - now).total_seconds() / 86400


def render(bundle: Bundle) -> dict[str, bytes]:
    """The files of a bundle, by name."""
    files = {
        "ca.crt": ca_bundle(bundle),
        "ca.key": _key_pem(bundle.authority_key),
        "tls.crt": _certificate_pem(bundle.leaf.certificate),
        "tls.key": _key_pem(bundle.leaf.key),
    }
    if bundle.published is not None:
        files[PUBLISHED] = bundle.published.isoformat().encode()
    return files


def pair_pem(pair: Pair) -> bytes:
    """A certificate and its key as one PEM text."""
    return _key_pem(pair.key) + _certificate_pem(pair.certificate)


def parse(files: Mapping[str, bytes]) -> Bundle | None:
    """The bundle in these files; None where there is nothing yet. Raises Unusable where there is something else.

    Something else is never overwritten by a rotation: it may be a certificate that somebody else manages.
    """
    present = [name for name in FILES if files.get(name)]
    if not present:
        return None
    missing = sorted(set(FILES) - set(present))
    if missing:
        raise Unusable(f"{', '.join(f'`{name}`' for name in missing)} is missing: not a bundle that vmconfig made")
    bundle = Bundle(
        authorities=tuple(_certificates(files, "ca.crt")),
        authority_key=_key(files, "ca.key"),
        leaf=Pair(_certificates(files, "tls.crt")[0], _key(files, "tls.key")),
        published=_time(files),
    )
    _check(bundle)
    return bundle


def _check(bundle: Bundle) -> None:
    if bundle.authority.public_key() != bundle.authority_key.public_key():
        raise Unusable("`ca.key` is not the key of the first certificate in `ca.crt`")
    if bundle.leaf.certificate.public_key() != bundle.leaf.key.public_key():
        raise Unusable("`tls.key` is not the key of `tls.crt`")
    if not any(issued_by(bundle.leaf.certificate, authority) for authority in bundle.authorities):
        raise Unusable("`tls.crt` is signed by none of the certificates in `ca.crt`")


def _certificates(files: Mapping[str, bytes], name: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(files[name])
    except ValueError:
        raise Unusable(f"`{name}` holds no certificate in PEM form") from None


def _key(files: Mapping[str, bytes], name: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(files[name], password=None)
    except (ValueError, TypeError):
        raise Unusable(f"`{name}` holds no private key in PEM form") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Unusable(f"`{name}` is not an ECDSA key: not a bundle that vmconfig made")
    return key


def _time(files: Mapping[str, bytes]) -> datetime | None:
    text = files.get(PUBLISHED, b"").decode(errors="replace").strip()
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise Unusable(f"`{PUBLISHED}` holds no time: `{text}`") from None
    if time is not None and time.tzinfo is None:
        raise Unusable(f"`{PUBLISHED}` holds a time without its zone: `{text}`")
    return time


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
