"""The Secret store and the webhook configurations, against a stand-in of the kubernetes client (see stand_in.py)."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes.client import ApiException

from certs.authority import issued_by
from certs.bundle import Bundle, Unusable, ca_bundle, parse, render
from certs.cluster import Registrations, Secret
from certs.ensure import ensure
from certs.store import Conflict
from tests.certs.clients import DAY, HOUR, LIFETIMES, NAMES, START, first, trusts
from tests.certs.stand_in import StandInCluster

CA_DUE = LIFETIMES.authority - LIFETIMES.authority_due


@pytest.fixture
def cluster() -> StandInCluster:
    return registered()


def registered() -> StandInCluster:
    cluster = StandInCluster()
    cluster.register("mutating", "vmconfig", 2)
    cluster.register("validating", "vmconfig", 1)
    return cluster


def secret(cluster: StandInCluster) -> Secret:
    return Secret(cluster.apis, "system", "vmconfig-tls")


def renew(cluster: StandInCluster, now: datetime) -> Bundle:
    return ensure(secret(cluster), NAMES, now, Registrations(cluster.apis, ("vmconfig",), ("vmconfig",)))


def everywhere(cluster: StandInCluster) -> set[bytes]:
    return {*cluster.ca_bundles("mutating", "vmconfig"), *cluster.ca_bundles("validating", "vmconfig")}


def stored(cluster: StandInCluster) -> Bundle:
    bundle = parse(secret(cluster).read().files)
    assert bundle is not None
    return bundle


def refuse(status: int, what: str) -> Callable[[str], None]:
    def before_write(write: str) -> None:
        if write == what:
            raise ApiException(status=status, reason="refused")

    return before_write


def test_the_first_call_makes_a_tls_secret_and_has_every_webhook_trust_it(cluster: StandInCluster) -> None:
    bundle = renew(cluster, START)
    stored = cluster.objects["secret", "system/vmconfig-tls"]
    assert stored.type == "kubernetes.io/tls"
    assert set(stored.data) == {"ca.crt", "ca.key", "tls.crt", "tls.key", "published"}
    assert parse(secret(cluster).read().files) == bundle or render(bundle) == secret(cluster).read().files
    assert everywhere(cluster) == {ca_bundle(bundle)}


def test_a_second_call_writes_nothing(cluster: StandInCluster) -> None:
    renew(cluster, START)
    cluster.writes.clear()
    renew(cluster, START + DAY)
    assert cluster.writes == []


def test_only_the_configuration_that_differs_is_patched(cluster: StandInCluster) -> None:
    renew(cluster, START)
    cluster.register("validating", "vmconfig", 3)
    cluster.writes.clear()
    bundle = renew(cluster, START + HOUR)
    assert cluster.writes == ["patch validating", "patch secret"]
    assert everywhere(cluster) == {ca_bundle(bundle)}


def test_a_configuration_that_is_gone_keeps_nothing_from_being_renewed(cluster: StandInCluster) -> None:
    del cluster.objects["mutating", "vmconfig"], cluster.objects["validating", "vmconfig"]
    before = renew(cluster, START)
    assert renew(cluster, START + 61 * DAY).leaf != before.leaf


def test_an_empty_secret_made_by_a_chart_is_filled_and_keeps_its_other_entries(cluster: StandInCluster) -> None:
    metadata = SimpleNamespace(resource_version="made-by-chart")
    data = {"note": "bWluZQ==", "tls.crt": ""}
    cluster.objects["secret", "system/vmconfig-tls"] = SimpleNamespace(metadata=metadata, data=data, type="Opaque")
    bundle = renew(cluster, START)
    assert secret(cluster).read().files == render(bundle)
    assert cluster.objects["secret", "system/vmconfig-tls"].data["note"] == "bWluZQ=="


def test_somebody_elses_secret_is_never_overwritten(cluster: StandInCluster) -> None:
    foreign = {name: content for name, content in render(first()).items() if name != "ca.key"}
    secret(cluster).write(foreign, None)
    with pytest.raises(Unusable, match=r"`ca\.key` is missing"):
        renew(cluster, START)
    assert secret(cluster).read().files == foreign


def test_of_two_that_install_at_once_the_slower_takes_over_what_the_faster_made(cluster: StandInCluster) -> None:
    faster: list[Bundle] = []

    def overtake(write: str) -> None:
        cluster.before_write = lambda _: None
        assert write == "create secret"
        faster.append(renew(cluster, START))

    cluster.before_write = overtake
    assert render(renew(cluster, START)) == render(faster[0])


def test_a_replica_that_read_before_another_published_cannot_bring_old_cas_back(cluster: StandInCluster) -> None:
    renew(cluster, START)
    now = START + CA_DUE
    renew(cluster, now - DAY)
    cluster.register("mutating", "vmconfig", 1)  # something to publish: the slow one is about to write the old CA
    faster: list[Bundle] = []

    def overtake(write: str) -> None:
        cluster.before_write = lambda _: None
        assert write == "patch mutating"
        faster.append(renew(cluster, now))

    cluster.before_write = overtake
    slow = renew(cluster, now - timedelta(minutes=1))
    assert len(faster[0].authorities) == 2
    assert render(slow) == render(faster[0])
    assert everywhere(cluster) == {ca_bundle(faster[0])}


def test_an_outdated_write_of_the_secret_is_a_conflict(cluster: StandInCluster) -> None:
    bundle = renew(cluster, START)
    with pytest.raises(Conflict):
        secret(cluster).write(render(first()), "older")
    assert secret(cluster).read().files == render(bundle)


def test_who_always_loses_the_race_says_so(cluster: StandInCluster) -> None:
    cluster.before_write = refuse(409, "create secret")
    with pytest.raises(Conflict, match="somebody else"):
        renew(cluster, START)


def test_while_webhooks_cannot_be_patched_the_leaf_is_renewed_but_never_by_a_ca_that_nobody_knows(
    cluster: StandInCluster,
) -> None:
    old = renew(cluster, START)
    cluster.before_write = refuse(403, "patch mutating")
    now = START
    while now < START + CA_DUE + 20 * DAY:
        now += DAY
        with contextlib.suppress(ApiException):
            renew(cluster, now)
        bundle = stored(cluster)
        assert trusts(old.authorities, bundle.leaf.certificate, now)
    assert len(bundle.authorities) == 2
    cluster.before_write = lambda _: None
    renew(cluster, now)
    assert issued_by(renew(cluster, now + HOUR).leaf.certificate, bundle.authority)


class Died(Exception):
    """The process was killed at a write."""


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_replicas_that_die_anywhere_and_see_late_never_leave_a_client_without_service(data: st.DataObject) -> None:
    """Three replicas tend at any hour over a year or more; in each round two of them may be killed at a write. Each
    serves what it read last, at most half a day old. At every moment API servers verify the leaf of every replica."""
    cluster, now = registered(), START
    served = [renew(cluster, now)] * 3
    for _ in range(data.draw(st.integers(60, 80))):
        gap = data.draw(st.timedeltas(timedelta(minutes=1), 12 * HOUR) | st.timedeltas(DAY, 12 * DAY))
        now += gap
        if gap > 12 * HOUR:
            served = [stored(cluster)] * 3
        order = data.draw(st.permutations(range(3)))
        for replica in order:
            writes = ["create secret", "patch secret", "patch mutating", "patch validating"]
            cluster.before_write = die_at(data.draw(st.sampled_from(["", "", *writes])) if replica != order[2] else "")
            with contextlib.suppress(Died):
                renew(cluster, now)
            served[replica] = stored(cluster)
            for pem, bundle in itertools.product(everywhere(cluster), served):
                authorities = tuple(x509.load_pem_x509_certificates(pem))
                assert trusts(authorities, bundle.leaf.certificate, now)


def die_at(fatal: str) -> Callable[[str], None]:
    def before_write(write: str) -> None:
        if write == fatal:
            raise Died

    return before_write
