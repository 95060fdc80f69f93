"""VMs as the cluster has them: their specs, within bounds that nobody can take from others, and their identities."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import orjson
import pytest
import yaml
from kubernetes.client import CustomObjectsApi

from certs.cluster import connect
from tests.cluster.cluster import Cluster
from tests.cluster.test_namespaces import Stand, Told
from tests.waiting import PATIENCE, until
from webhook.cluster import machines as module
from webhook.cluster.machines import Machines
from webhook.kinds import VM, VM_CONFIG
from webhook.kinds.crd import crds
from webhook.trees import Tree


class Listed(Stand):
    """An API server of VMs that says what it is told to, one answer a request."""

    def list_cluster_custom_object(self, *_: str, **asked: Any) -> Any:
        return self.list_namespace(**asked)


def obj(name: str, spec: Any, namespace: str = "a", version: str = "1") -> Tree:
    return {
        "metadata": {"namespace": namespace, "name": name, "uid": f"uid-{name}", "resourceVersion": version},
        "spec": spec,
    }


def page(*items: Tree, version: str = "5") -> list[bytes]:
    return [orjson.dumps({"metadata": {"resourceVersion": version}, "items": items})]


def mac(value: str) -> Tree:
    return {"domain": {"devices": {"interfaces": [{"name": "n", "network": "front", "mac": {"address": value}}]}}}


def listed(*items: Tree, **kept: bool) -> Machines:
    made = Machines(VM, Listed(page(*items)), Told(), **kept)
    made.watch._list()
    return made


@contextmanager
def following(machines: Machines) -> Iterator[None]:
    thread = threading.Thread(target=machines.watch.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        machines.watch.stop()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def test_what_is_listed_is_found_by_its_namespace_and_name() -> None:
    machines = listed(obj("web", {"features": {"memory": 1}}), obj("web", {"features": {"memory": 2}}, "b"))
    found = machines.find("b", "web")
    assert found is not None
    assert (found.uid, found.spec) == ("uid-web", {"features": {"memory": 2}})
    assert machines.find("c", "web") is None
    assert machines.find("a", "db") is None
    assert (list(machines.names("a")), list(machines.names("c")), len(machines)) == (["web"], [], 2)


def test_a_configurations_spec_is_that_of_its_template() -> None:
    inner = {"features": {"memory": 1}}
    machines = Machines(VM_CONFIG, Listed(page(obj("web", {"template": {"spec": inner}}))), Told())
    machines.watch._list()
    found = machines.find("a", "web")
    assert found is not None
    assert found.spec == inner


def test_objects_that_come_change_and_go_are_followed_in_spec_and_identities() -> None:
    machines = listed(obj("web", mac("02:00:00:00:00:01")))
    one, other = (("mac", f"02:00:00:00:00:0{n}") for n in (1, 2))
    machines._change(obj("web", mac("02:00:00:00:00:02")), False)
    assert (list(machines.index.others(one, "")), list(machines.index.others(other, ""))) == ([], ["a/web"])
    machines._change(obj("db", mac("02:00:00:00:00:02")), False)
    assert sorted(machines.index.others(other, "a/x")) == ["a/db", "a/web"]
    machines._change(obj("web", {}), True)
    machines._change(obj("web", {}), True)
    assert list(machines.index.others(other, "")) == ["a/db"]
    assert (machines.find("a", "web"), len(machines)) == (None, 1)
    machines._change(obj("db", {}), True)
    assert (len(machines), machines.bytes, len(machines.index), list(machines.names("a"))) == (0, 0, 0, [])


def test_a_list_after_a_gap_drops_what_went_meanwhile() -> None:
    stand = Listed(
        page(obj("web", mac("02:00:00:00:00:01")), obj("db", {})),
        [orjson.dumps({"type": "ERROR", "object": {"code": 410, "message": "too old"}}) + b"\n"],
        page(obj("db", {}), version="9"),
        [],
    )
    machines = Machines(VM, stand, Told())
    with following(machines):
        until(lambda: machines.find("a", "web") is None and machines.synced and len(stand.asked) > 3)
    assert (len(machines), len(machines.index)) == (1, 0)


def test_without_a_list_or_after_long_silence_nobody_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    machines = Machines(VM, Listed(page()), Told())
    assert not machines.synced
    machines.watch._list()
    assert machines.synced
    monkeypatch.setattr(module, "_SILENT", -1.0)
    assert not machines.synced


@pytest.mark.parametrize(("kept", "spec", "identities"), [("specs", True, 0), ("identities", False, 1)])
def test_what_nobody_asks_for_is_not_kept(kept: str, spec: bool, identities: int) -> None:
    only = {"specs": False, "identities": False, kept: True}
    machines = listed(obj("web", mac("02:00:00:00:00:01")), **only)
    found = machines.find("a", "web")
    assert found is not None
    assert (found.spec is not None, len(machines.index)) == (spec, identities)


def large(size: int, seed: int = 1) -> Tree:
    return {"domain": {"description": Random(seed).randbytes(size).hex()}}


def test_one_large_object_is_known_without_its_spec() -> None:
    machines = listed(obj("web", large(module._MOST_OF_ONE)), obj("db", large(100)))
    found, other = machines.find("a", "web"), machines.find("a", "db")
    assert found is not None
    assert other is not None
    assert (found.spec, other.spec) == (None, large(100))


def full(take: Callable[[int], Tree], count: int) -> Machines:
    return listed(*(take(number) for number in range(count)))


def test_a_namespace_takes_no_room_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_IN_NAMESPACE", 5_000)
    machines = full(lambda number: obj(f"v{number}", large(1_000, number)), 20)
    kept = [name for name in machines.names("a") if (found := machines.find("a", name)) and found.spec]
    assert 2 < len(kept) < 6
    machines._change(obj("web", large(1_000), "b"), False)
    found = machines.find("b", "web")
    assert found is not None
    assert found.spec is not None


def test_all_specs_together_stay_within_their_bound_and_room_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 5_000)
    machines = full(lambda number: obj("v", large(1_000, number), f"n{number}"), 20)
    assert 2_000 < machines.bytes <= 5_000
    for number in range(20):
        machines._change(obj("v", {}, f"n{number}"), True)
    machines._change(obj("v", large(1_000)), False)
    assert 0 < machines.bytes < 5_000
    machines._change(obj("v", large(1_000, 2)), False)
    found = machines.find("a", "v")
    assert found is not None
    assert found.spec == large(1_000, 2)


@pytest.mark.parametrize("spec", [None, 5, [], {"domain": 5}, {"domain": {"devices": {"disks": {"a": [1]}}}}])
def test_a_spec_of_any_shape_is_followed(spec: Any) -> None:
    machines = listed({"metadata": {"namespace": "a", "name": "web"}, **({} if spec is None else {"spec": spec})})
    found = machines.find("a", "web")
    assert found is not None
    assert (found.uid, found.spec) == ("", spec)


def test_a_real_api_server_is_followed(cluster: Cluster) -> None:
    for crd in crds():
        cluster.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump(crd))
        cluster.wait_established(crd["metadata"]["name"])
    if cluster.kubectl("get", "namespace", "followed", check=False).returncode:
        cluster.kubectl("create", "namespace", "followed")
    machines = Machines(VM, CustomObjectsApi(connect(cluster.kubeconfig()).core.api_client), Told())
    with following(machines):
        until(lambda: machines.synced)
        made = {**obj("web", mac("02:00:00:00:00:09")), "apiVersion": "kubevirt.io/v1alpha1", "kind": "VM"}
        made["metadata"] = {"name": "web"}
        cluster.kubectl("-n", "followed", "create", "-f", "-", input=json.dumps(made))
        until(lambda: machines.find("followed", "web") is not None)
        assert list(machines.index.others(("mac", "02:00:00:00:00:09"), "")) == ["followed/web"]
        cluster.kubectl("-n", "followed", "delete", VM.plural, "web")
        until(lambda: machines.find("followed", "web") is None)
