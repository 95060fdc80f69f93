"""When certificates change: one pure step from the stored bundle to the next.

    one CA ──CA due──▶ CAs new+old, leaf by old ──published, settled──▶ CAs new+old, leaf by new ──overlap──▶ one CA

Every state is safe to stop in and to be seen by several replicas: what comes next depends on the stored bundle and
the clock alone, and a client that trusts this step's CAs or the last step's verifies the leaf of both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509

from certs.authority import Names, is_current, issue_authority, issue_leaf, issued_at, issued_by, names_of
from certs.bundle import Bundle


@dataclass(frozen=True)
class Lifetimes:
    """How long certificates live and steps wait; ValueError where a step could not end before the next is due."""

    authority: timedelta = timedelta(days=365)
    authority_due: timedelta = timedelta(days=120)
    """A new CA is made when the newest has less than this left: more than a leaf's life, so no leaf is cut short."""
    leaf: timedelta = timedelta(days=90)
    leaf_due: timedelta = timedelta(days=30)
    """A new leaf is made when it has less than this left: time enough for a person to act on an alert."""
    settle: timedelta = timedelta(hours=1)
    """From `caBundle` patched to the first leaf of the new CA: every API server has seen the patch by then."""
    overlap: timedelta = timedelta(days=1)
    """From the new leaf to the end of the old CA: every replica serves the new leaf by then."""

    def __post_init__(self) -> None:
        if not timedelta(0) < self.leaf_due < self.leaf <= self.authority_due < self.authority:
            raise ValueError("lifetimes must grow: leaf_due < leaf <= authority_due < authority")
        if not timedelta(0) <= self.settle + self.overlap < self.leaf_due:
            raise ValueError("settle and overlap together must be shorter than leaf_due")


LIFETIMES = Lifetimes()


def advance(bundle: Bundle | None, names: Names, now: datetime, lifetimes: Lifetimes = LIFETIMES) -> Bundle:
    """The next step of the rotation, or the very same bundle where nothing is due.

    Changes one thing: CAs, or the leaf. A leaf of a new CA waits until clients have trusted that CA for `settle`,
    unless the present leaf is of no use to anybody (expired). A leaf that lacks one of `names` is replaced
    too. The leaf comes before the CA, so that a rotation of CAs begins with a leaf that outlasts it.
    """
    if bundle is None or not is_current(bundle.authority, now):
        return _with_new_authority(bundle, names, now, lifetimes)
    leaf = bundle.leaf.certificate
    moved = issued_by(leaf, bundle.authority)
    settled = bundle.published is not None and now >= bundle.published + lifetimes.settle
    ends_early = leaf.not_valid_after_utc < bundle.authority.not_valid_after_utc
    due = ends_early and _is_due(leaf, now, lifetimes.leaf_due)
    if not is_current(leaf, now) or ((due or not moved or not names <= names_of(leaf)) and (moved or settled)):
        return _with_new_leaf(bundle, names, now, lifetimes)
    if moved and _is_due(bundle.authority, now, lifetimes.authority_due):
        return _with_new_authority(bundle, names, now, lifetimes)
    if moved and len(bundle.authorities) > 1 and now >= issued_at(leaf) + lifetimes.overlap:
        return replace(bundle, authorities=bundle.authorities[:1])
    return bundle


def _with_new_authority(bundle: Bundle | None, names: Names, now: datetime, lifetimes: Lifetimes) -> Bundle:
    """A new CA before those that are still good; the leaf stays while one of those vouches for it."""
    new = issue_authority(now, lifetimes.authority)
    good = tuple(one for one in bundle.authorities if is_current(one, now)) if bundle else ()
    leaf = bundle.leaf if bundle and _is_good(bundle.leaf.certificate, good, now) else None
    if leaf is None:
        leaf = issue_leaf(new.certificate, new.key, names, now, lifetimes.leaf)
    return Bundle((new.certificate, *good), new.key, leaf)


def _with_new_leaf(bundle: Bundle, names: Names, now: datetime, lifetimes: Lifetimes) -> Bundle:
    leaf = issue_leaf(bundle.authority, bundle.authority_key, names, now, lifetimes.leaf)
    return replace(bundle, leaf=leaf)


def _is_good(leaf: x509.Certificate, authorities: tuple[x509.Certificate, ...], now: datetime) -> bool:
    return is_current(leaf, now) and any(issued_by(leaf, authority) for authority in authorities)


def _is_due(certificate: x509.Certificate, now: datetime, before: timedelta) -> bool:
    return now >= certificate.not_valid_after_utc - before
