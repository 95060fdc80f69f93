"""Every way from one configuration of a VM to another, on a real API server; the table is `transitions.yaml`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.abi.life import patched
from tests.e2e.conftest import Tenant
from tests.e2e.test_life import machine
from tests.e2e.test_snapshots import snapshot_of
from tests.waiting import until
from webhook.admission.objects import AGAIN
from webhook.declare.tree import copied
from webhook.trees import Tree

ROWS: list[Tree] = yaml.safe_load((Path(__file__).parent / "transitions.yaml").read_text())
STATES = {"minimal", "inactive", "desired", "current", "snapshot"}
WORDS: Tree = {
    "memory": "2Gi",
    "system": {"type": "debian", "version": "12"},
    "storage": [{"name": "root", "source": "root"}, {"name": "data", "source": "data"}],
    "network": [{"source": "front"}],
}
# What an API server writes of each object anew.
_ITS_OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


class Life:
    """The VM `web` of a tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def snapshot(self) -> Tree:
        found = self.tenant.kubectl("get", "vmds", "before", "-o", "json", check=False)
        return json.loads(found.stdout) if found.returncode == 0 else {}

    def stored(self) -> Tree:
        """The object as it is stored; empty where there is none."""
        found = self.tenant.kubectl("get", "vmd", "web", "-o", "json", check=False)
        return json.loads(found.stdout) if found.returncode == 0 else {}

    def step(self, step: Tree) -> str:
        """Do it; what is said where it is refused, else nothing."""
        name, said = next(iter(step.items()))
        done = getattr(self, f"_{name}")(said)
        return str(done.stderr) if done.returncode else ""

    def _create(self, features: Tree) -> Any:
        return self.tenant.kubectl("create", "-f", "-", manifest=machine("VM", "web", features), check=False)

    def _replace(self, features: Tree) -> Any:
        said = {**WORDS, **features}
        return self.tenant.kubectl("replace", "-f", "-", manifest=machine("VM", "web", said), check=False)

    def _features(self, change: Any) -> Any:
        return self._patched({"spec": {"features": change}})

    def _domain(self, change: Any) -> Any:
        return self._patched({"spec": {"domain": change}})

    def _metadata(self, change: Any) -> Any:
        return self._patched({"metadata": change, "status": None})

    def _patched(self, change: Tree) -> Any:
        return self.tenant.kubectl("patch", "vmd", "web", "--type=merge", "-p", json.dumps(change), check=False)

    def _take(self, said: Tree) -> Any:
        made = snapshot_of("before", **said)
        if made["spec"]["source"]["name"] != "web":
            return self._created(made)
        runs = ("does not run",) if self.stored().get("status") else ()
        return self._heard(lambda: self._created(made), *runs)

    def _restore(self, said: Tree) -> Any:
        """An update of the VM where there is one, else a new one of the snapshot."""
        wanted = {"restoreFrom": {"snapshot": "before", **said.get("from", {})}, **said.get("beside", {})}
        if self.stored():
            return self._heard(lambda: self._patched({"spec": wanted}))
        return self._heard(lambda: self._created({**machine("VM", "web", {}), "spec": wanted}), "a second machine")

    def _rewrite(self, change: Tree) -> Any:
        """The snapshot's own fields are written."""
        said = json.dumps({"spec": change})
        return self.tenant.kubectl("patch", "vmds", "before", "--type=merge", "-p", said, check=False)

    def _delete(self, what: str) -> Any:
        return self.tenant.kubectl("delete", *what.split("/"), check=False)

    def _created(self, manifest: Tree) -> Any:
        return self.tenant.kubectl("create", "-f", "-", manifest=manifest, check=False)

    @staticmethod
    def _heard(ask: Callable[[], Any], *not_yet: str) -> Any:
        """The answer of a service that has heard of what is named, which it has some moments later."""
        answers: list[Any] = []

        def known() -> bool:
            answers.append(ask())
            return not any(words in answers[-1].stderr for words in (AGAIN, *not_yet))

        until(known)
        return answers[-1]

    def _again(self, _: Any) -> Any:
        obj = self.stored()
        for field in _ITS_OWN:
            obj["metadata"].pop(field, None)
        self.tenant.kubectl("delete", "vmd", "web")
        return self.tenant.kubectl("create", "-f", "-", manifest=obj, check=False)

    def _status(self, said: Tree) -> Any:
        obj = self.stored()
        status = {
            name: self._configuration(obj, part) if name in ("desired", "current") else part
            for name, part in said.items()
        }
        written = {"apiVersion": obj["apiVersion"], "kind": "VM", "metadata": {"name": "web"}, "status": status}
        flags = ["--server-side", "--subresource=status", "--field-manager=agent"]
        return self.tenant.kubectl("apply", *flags, "-f", "-", manifest=written, check=False)

    @staticmethod
    def _configuration(obj: Tree, part: Tree) -> Tree:
        made: Tree = copied(obj["spec"]["domain"] if part["of"] == "spec" else obj["status"][part["of"]])
        devices = made["devices"]
        for kind, name in (one.split("/") for one in part.get("without", ())):
            devices[kind] = [one for one in devices[kind] if one["name"] != name]
        more = dict(part.get("with", {}))
        devices["disks"] += more.pop("disks", [])
        return patched(made, more)


def differing(before: Tree, after: Tree) -> list[str]:
    """What is new, gone and another, each device as one, each part of the status and of the ABI record whole."""
    if not before:
        return ["+ object"]
    one, two = dict(_leaves(before)), dict(_leaves(after))
    found = {
        path: ("+" if path not in one else "-" if path not in two else "~")
        for path in one.keys() | two.keys()
        if one.get(path) != two.get(path)
    }
    whole = {}
    for path, sign in found.items():
        above = next((each for each in _above(path) if _absent(before, each) != _absent(after, each)), path)
        whole[above] = sign
    return sorted(f"{sign} {path}" for path, sign in whole.items())


def _above(path: str) -> Iterator[str]:
    """The parts of an object that come and go whole, from the largest."""
    parts = path.split(".")
    yield from (".".join(parts[:length]) for length in range(2, 4) if length < len(parts))


def _absent(tree: Tree, path: str) -> bool:
    found: Any = tree
    for name in path.split("."):
        found = found.get(name) if type(found) is dict else None
    return found is None


def _leaves(tree: Tree) -> Iterator[tuple[str, Any]]:
    for part in ("metadata", "spec", "status"):
        yield from _below(tree.get(part, {}), part)


def _below(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if type(tree) is dict:
        for name, value in tree.items():
            if path != "metadata" or name not in _ITS_OWN:
                yield from _below(value, f"{path}.{name}")
    elif ".devices." in path and type(tree) is list:
        yield from ((f"{path}[{each['name']}]", each) for each in tree)
    else:
        yield path, tree


@pytest.mark.parametrize("row", ROWS, ids=[row["title"] for row in ROWS])
def test_a_transition(tenant: Tenant, row: Tree) -> None:
    life = Life(tenant)
    if "create" not in row["do"]:
        assert life.step({"create": WORDS}) == ""
    for step in row.get("before", ()):
        assert life.step(step) == ""
    before, taken = life.stored(), life.snapshot()
    said = life.step(row["do"])
    after = life.stored()
    if "refused" in row:
        assert row["refused"] in said
        assert (after, life.snapshot()) == (before, taken)
        return
    assert said == ""
    assert differing(before, after) == sorted(row["changes"])
    if row["to"] == "snapshot":
        assert life.snapshot()["spec"]["configuration"]["domain"] == before[row.get("holds", "spec")]["domain"]
    places = {
        path: device["address"] for path, device in _leaves(after) if type(device) is dict and "address" in device
    }
    if "apart" in row:
        assert len({places[path] for path in row["apart"]}) == 2
    if "same" in row:
        assert len({places[path] for path in row["same"]}) == 1


def test_every_configuration_is_left_and_reached_and_refused() -> None:
    assert {row["from"] for row in ROWS} >= STATES
    assert {row["to"] for row in ROWS} >= STATES
    ways = {(row["from"], row["to"]) for row in ROWS}
    refused = {(row["from"], row["to"]) for row in ROWS if "refused" in row}
    assert {
        ("minimal", "inactive"),
        ("inactive", "desired"),
        ("desired", "current"),
        ("current", "inactive"),
        ("inactive", "snapshot"),
        ("snapshot", "inactive"),
        ("snapshot", "snapshot"),
    } <= refused
    assert {("inactive", "minimal"), ("current", "inactive"), ("current", "desired")} <= ways
    assert {
        ("inactive", "snapshot"),
        ("current", "snapshot"),
        ("snapshot", "inactive"),
        ("snapshot", "minimal"),
    } <= ways
    assert len({row["title"] for row in ROWS}) == len(ROWS)
