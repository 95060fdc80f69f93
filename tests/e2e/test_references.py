"""Claims, networks and images of a VM are exchanged by apply, patch and replace: no device that stays moves."""

from __future__ import annotations

import json

import pytest

from tests.abi.renaming import ORDERS, connected, steps
from tests.e2e.conftest import Tenant
from tests.e2e.test_life import by_name, features, inner, machine
from webhook.trees import Tree

# What the guest knows a device by.
SEEN = ("address", "mac", "serial", "target", "bootOrder", "model")


def seen(obj: Tree) -> dict[str, Tree]:
    devices = {**by_name(obj, "disks"), **by_name(obj, "interfaces")}
    return {name: {field: device[field] for field in SEEN if field in device} for name, device in devices.items()}


def with_drive() -> Tree:
    wanted = features()
    wanted["storage"].append({"type": "cdrom", "interface": "sata", "source": "installer"})
    return wanted


def named(wanted: Tree) -> Tree:
    """The same with names of the tenant's own."""
    for feature in ("storage", "network"):
        for number, entry in enumerate(wanted[feature]):
            entry["name"] = f"{feature}-{number}"
    return wanted


def exchange(wanted: Tree, feature: str, index: int, source: str) -> None:
    wanted[feature][index]["source"] = source


@pytest.fixture(params=["unnamed", "named"])
def wanted(request: pytest.FixtureRequest) -> Tree:
    return named(with_drive()) if request.param == "named" else with_drive()


@pytest.mark.parametrize(
    ("feature", "index", "source"),
    [
        ("storage", 0, "root-on-ssd"),
        ("storage", 1, "data-restored"),
        ("storage", 2, "drivers"),
        ("network", 0, "front-new"),
        ("network", 1, "back-vlan-20"),
    ],
    ids=["boot disk", "data disk", "image", "first network", "second network"],
)
@pytest.mark.parametrize("way", ["apply", "server-side apply", "replace"])
def test_a_device_stays_what_it_is_on_another_object(
    tenant: Tenant, wanted: Tree, feature: str, index: int, source: str, way: str
) -> None:
    verb = {"server-side apply": ("apply", "--server-side")}.get(way, (way,))
    first_verb = ("create",) if way == "replace" else verb
    tenant.kubectl(*first_verb, "-f", "-", manifest=machine("VM", "web", wanted))
    before = tenant.get("web")
    exchange(wanted, feature, index, source)
    done = tenant.kubectl(*verb, "-f", "-", manifest=machine("VM", "web", wanted))
    after = tenant.get("web")
    assert seen(after) == seen(before)
    assert "tombstones" not in inner(after)["abi"]
    assert f"`{source}`" in done.stderr  # the warning says what the device is connected to now


def test_all_that_a_vm_is_connected_to_may_be_exchanged_one_after_the_other(tenant: Tenant, wanted: Tree) -> None:
    tenant.kubectl("apply", "-f", "-", manifest=machine("VM", "web", wanted))
    before = seen(tenant.get("web"))
    for feature in ("network", "storage"):
        for index in reversed(range(len(wanted[feature]))):
            exchange(wanted, feature, index, f"new-{feature}-{index}")
            tenant.kubectl("apply", "-f", "-", manifest=machine("VM", "web", wanted))
    assert seen(tenant.get("web")) == before


VERBS = (("apply",), ("apply", "--server-side"), ("replace",))


@pytest.mark.parametrize("named", [False, True], ids=["unnamed", "named"])
def test_in_no_order_do_renamed_claims_images_and_networks_move_a_device(tenant: Tenant, named: bool) -> None:
    """Some of all orders, a VM each; `tests/abi/test_renaming.py` has them all."""
    first, wrong = {**features(), **connected(named=named)}, []
    for story, order in list(enumerate(ORDERS))[::21]:
        verb, name = VERBS[story // 21 % len(VERBS)], f"web-{story}"
        whole = machine("VM", name, first)
        begun = ("create",) if verb == ("replace",) else verb
        before = seen(json.loads(tenant.kubectl(*begun, "-o", "json", "-f", "-", manifest=whole).stdout))
        for entries in steps(order, "fresh", story, named=named):
            whole = machine("VM", name, {**features(), **entries})
            after = json.loads(tenant.kubectl(*verb, "-o", "json", "-f", "-", manifest=whole).stdout)
            if seen(after) != before or "tombstones" in inner(after)["abi"]:
                wrong.append((story, order, entries))
    assert wrong == []


def test_the_order_of_entries_and_a_new_one_before_them_move_nothing(tenant: Tenant, wanted: Tree) -> None:
    tenant.kubectl("apply", "-f", "-", manifest=machine("VM", "web", wanted))
    before = seen(tenant.get("web"))
    wanted["network"] = [{"source": "storage-net"}, *reversed(wanted["network"])]
    wanted["storage"] = [*reversed(wanted["storage"]), {"type": "disk", "source": "logs"}]
    tenant.kubectl("apply", "-f", "-", manifest=machine("VM", "web", wanted))
    after = seen(tenant.get("web"))
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 2


def test_a_network_that_only_a_second_manager_changes_is_refused_and_said_where(tenant: Tenant) -> None:
    """It had no effect before, and exited 0."""
    tenant.kubectl("apply", "--server-side", "-f", "-", manifest=machine("VM", "web", with_drive()))
    name = next(iter(by_name(tenant.get("web"), "interfaces")))
    other = machine("VM", "web", {})
    other["spec"] = {"domain": {"devices": {"interfaces": [{"name": name, "network": "elsewhere"}]}}}
    done = tenant.kubectl(
        "apply", "--server-side", "--field-manager=network-team", "--force-conflicts", "-f", "-",
        manifest=other, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "spec.features.network[0]" in done.stderr
