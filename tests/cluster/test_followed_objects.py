"""Stored objects from a real API server's watch: what is kept of them, for how long, and how much of it there is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from certs.cluster import connect
from tests.cluster.cluster import Cluster
from tests.waiting import PATIENCE, until
from webhook.cluster.machines import Machines
from webhook.kinds import SNAPSHOT, VM
from webhook.kinds.crd import crds
from webhook.trees import Tree


def _unlogged(event: str, **_: Any) -> None:
    """Nobody reads what the watch says here."""


class Nothing:
    """Stands for an API that nobody asks."""

    def list_cluster_custom_object(self, *_: Any, **__: Any) -> None:
        raise AssertionError


def alone() -> Machines:
    """Objects that are told of by the test itself."""
    return Machines(VM, Nothing(), _unlogged)


def obj(name: str, namespace: str = "here", **parts: Any) -> Tree:
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "generation": 3,
        "managedFields": ["x" * 99],
    }
    return {"metadata": metadata, "spec": {"features": {"memory": 512}}, **parts}


def test_an_object_is_kept_with_what_snapshots_need() -> None:
    machines = alone()
    machines._change(obj("web", status={"current": {"uuid": "a"}, "phase": "Running"}), gone=False)
    kept = machines.find("here", "web")
    assert kept is not None
    assert kept == ("uid-web", {"features": {"memory": 512}}, {"uuid": "a"}, 3, None)
    assert machines.find("there", "web") is None
    assert list(machines.names("here")) == ["web"]
    assert len(machines) == 1


def test_what_is_gone_leaves_nothing() -> None:
    machines = alone()
    machines._change(obj("web"), gone=False)
    machines._change(obj("web"), gone=True)
    machines._change(obj("never"), gone=True)
    assert (len(machines), machines.bytes, list(machines.names("here"))) == (0, 0, [])


def test_a_list_takes_away_what_is_not_in_it() -> None:
    machines = alone()
    for name in ("old", "kept"):
        machines._change(obj(name), gone=False)
    machines._replace(iter([obj("kept"), obj("new")]))
    assert sorted(machines.names("here")) == ["kept", "new"]


def test_an_object_that_is_too_large_is_known_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    machines = alone()
    bomb = {"features": {"memory": "0" * (2 << 20)}}
    machines._change({**obj("bomb"), "spec": bomb}, gone=False)
    found = machines.find("here", "bomb")
    assert found is not None
    assert found.spec is None
    monkeypatch.setattr("webhook.cluster.machines._MOST_OF_ONE", 10)
    machines._change(obj("large"), gone=False)
    found = machines.find("here", "large")
    assert found is not None
    assert found.spec is None
    assert machines.bytes == 0


def test_a_namespace_takes_no_room_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.cluster.machines._MOST_IN_NAMESPACE", 300)
    machines = alone()
    for number in range(20):
        machines._change(obj(f"vm-{number}", "greedy"), gone=False)
    machines._change(obj("web"), gone=False)
    kept = [name for name in machines.names("greedy") if (found := machines.find("greedy", name)) and found.spec]
    assert 0 < len(kept) < 20
    found = machines.find("here", "web")
    assert found is not None
    assert found.spec is not None


@contextmanager
def watching(cluster: Cluster) -> Iterator[Machines]:
    from kubernetes.client import CustomObjectsApi

    machines = Machines(SNAPSHOT, CustomObjectsApi(connect(cluster.kubeconfig()).core.api_client), _unlogged)
    thread = threading.Thread(target=machines.watch.run, daemon=True)
    thread.start()
    try:
        yield machines
    finally:
        machines.watch.stop()
        thread.join(PATIENCE)


def test_they_follow_the_cluster(cluster: Cluster) -> None:
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(crds()))
    cluster.wait_established("vmdefinitionsnapshots.kubevirt.io")
    spec = {"source": {"kind": "VM", "name": "web"}, "configuration": {"domain": {"uuid": "a"}}}
    made = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VMSnapshot", "metadata": {"name": "watched"}, "spec": spec}
    with watching(cluster) as machines:
        until(lambda: machines.synced)
        cluster.kubectl("-n", "kube-system", "create", "-f", "-", input=yaml.safe_dump(made))
        until(lambda: machines.find("kube-system", "watched"))
        found = machines.find("kube-system", "watched")
        assert found is not None
        assert found.spec == spec["configuration"]
        assert found.asked == {"source": spec["source"]}
        cluster.kubectl("-n", "kube-system", "delete", "vmds", "watched")
        until(lambda: machines.find("kube-system", "watched") is None)
