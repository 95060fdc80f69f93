"""Brings a store up to date: reads it, takes the steps of the rotation that are due, publishes the CA to clients.

Safe to be killed at any line and to be run by any number of replicas at once: each step decides again from what is
stored, writes one thing, and the write is refused where somebody else was faster.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from certs.authority import Names
from certs.bundle import Bundle, ca_bundle, parse, render
from certs.cluster import Registrations
from certs.rotation import LIFETIMES, Lifetimes, advance
from certs.store import Conflict, Store

STEPS = 16
"""Steps and lost races in one call at most; a whole rotation takes four steps."""
PAUSE = 0.2
"""Seconds to wait at most after a lost race, so that replicas do not meet again."""


def ensure(
    store: Store,
    names: Names,
    now: datetime,
    registrations: Registrations | None = None,
    lifetimes: Lifetimes = LIFETIMES,
) -> Bundle:
    """The bundle that the store holds when nothing more is due at `now`.

    Without `registrations`, whoever trusts us reads `ca.crt` from the store itself. Raises certs.bundle.Unusable for
    a store with somebody else's files, Conflict after too many lost races, and what the store raises (OSError,
    ApiException).
    """
    for _ in range(STEPS):
        try:
            bundle = _step(store, names, now, registrations, lifetimes)
        except Conflict:
            time.sleep(random.uniform(0, PAUSE))  # noqa: S311 (spreads replicas, guards nothing)
            continue
        if bundle is not None:
            return bundle
    raise Conflict("somebody else keeps changing the certificates or the webhook configurations")


def _step(
    store: Store, names: Names, now: datetime, registrations: Registrations | None, lifetimes: Lifetimes
) -> Bundle | None:
    """Takes one step; the bundle where none was due.

    Configurations are read before the store: whoever published a newer bundle in between has then changed the version
    that our write of an older one names, so it is refused. Certificates are renewed first, even while publishing fails.
    """
    configurations = registrations.read() if registrations else ()
    stored = store.read()
    bundle = parse(stored.files)
    if bundle is not None and not _trusted(bundle, (pem for one in configurations for pem in one.ca_bundles)):
        bundle = replace(bundle, published=None)
    step = advance(bundle, names, now, lifetimes)
    if step is bundle and step.published is not None:
        return step
    if step is bundle:
        if registrations:
            registrations.write(configurations, ca_bundle(step))
        step = replace(step, published=now)
    store.write(render(step), stored.version)
    return None


def _trusted(bundle: Bundle, ca_bundles: Iterable[bytes]) -> bool:
    expected = ca_bundle(bundle)
    return all(pem == expected for pem in ca_bundles)
