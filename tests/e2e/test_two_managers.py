"""Two managers of one VM under server-side apply: no drift, no conflict, and nothing is reverted in silence."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Tenant
from tests.e2e.test_life import features, inner
from webhook.trees import Tree


def apply(tenant: Tenant, manager: str, spec: Tree, check: bool = True) -> Any:
    manifest = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "web"}, "spec": spec}
    return tenant.kubectl(
        "apply", "--server-side", f"--field-manager={manager}", "-f", "-", manifest=manifest, check=check
    )


def generation(tenant: Tenant) -> int:
    return int(tenant.get("web")["metadata"]["generation"])


def device(tenant: Tenant, listed: str, name: str) -> Tree:
    (found,) = [one for one in inner(tenant.get("web"))["domain"]["devices"][listed] if one["name"] == name]
    return dict(found)


def link(name: str, state: str) -> Tree:
    """What a manager of networks states of one NIC."""
    return {"domain": {"devices": {"interfaces": [{"name": name, "link": state}]}}}


def test_features_and_domain_of_two_managers_live_side_by_side(tenant: Tenant) -> None:
    apply(tenant, "tenant", {"features": features()})
    apply(tenant, "network-team", link("front", "down"))
    assert device(tenant, "interfaces", "front")["link"] == "down"
    before = generation(tenant)
    for _ in range(2):
        apply(tenant, "tenant", {"features": features()})
        apply(tenant, "network-team", link("front", "down"))
    assert generation(tenant) == before
    assert device(tenant, "interfaces", "front")["link"] == "down"


def test_two_managers_of_two_devices_do_not_meet(tenant: Tenant) -> None:
    apply(tenant, "tenant", {"features": features()})
    first, second = link("front", "down"), link("back", "up")
    apply(tenant, "one", first)
    apply(tenant, "two", second)
    before = generation(tenant)
    apply(tenant, "one", first)
    apply(tenant, "two", second)
    apply(tenant, "tenant", {"features": features()})
    assert generation(tenant) == before
    assert device(tenant, "interfaces", "front")["link"] == "down"
    assert device(tenant, "interfaces", "back")["link"] == "up"


def test_a_patch_between_two_applies_stays(tenant: Tenant) -> None:
    apply(tenant, "tenant", {"features": features()})
    tenant.kubectl("patch", "vmd", "web", "--type=merge", "-p", '{"metadata":{"labels":{"tier":"web"}}}')
    apply(tenant, "network-team", link("front", "down"))
    tenant.kubectl("patch", "vmd", "web", "--type=merge", "-p", '{"spec":{"features":{"cpu":{"count":2}}}}')
    before = generation(tenant)
    apply(tenant, "tenant", {"features": features()})
    assert generation(tenant) == before
    assert tenant.get("web")["metadata"]["labels"] == {"tier": "web"}
    assert device(tenant, "interfaces", "front")["link"] == "down"


def test_a_device_of_the_domain_is_its_managers_own(tenant: Tenant) -> None:
    """It comes with its manager, stays while features are applied, and goes with him."""
    apply(tenant, "tenant", {"features": features()})
    own = {"domain": {"devices": {"disks": [{"name": "logs", "claim": "logs"}]}}}
    apply(tenant, "log-team", own)
    added = device(tenant, "disks", "logs")
    apply(tenant, "tenant", {"features": features()})
    apply(tenant, "log-team", own)
    assert device(tenant, "disks", "logs") == added


def test_two_managers_of_one_value_conflict_as_people_expect(tenant: Tenant) -> None:
    apply(tenant, "tenant", {"features": features()})
    apply(tenant, "one", link("front", "down"))
    done = apply(tenant, "two", link("front", "up"), check=False)
    assert done.returncode == 1
    assert 'conflict with "one"' in done.stderr
    assert device(tenant, "interfaces", "front")["link"] == "down"


def test_an_address_as_a_map_is_answered_with_its_text_and_the_text_is_applied(tenant: Tenant) -> None:
    apply(tenant, "tenant", {"features": features()})
    text = device(tenant, "disks", "data")["address"]
    bus = int(text[5:7], 16)

    def stated(address: Any) -> Tree:
        return {"domain": {"devices": {"disks": [{"name": "data", "address": address}]}}}

    for wrong, way in (({"type": "pci", "bus": bus, "slot": 0}, f"write `{text}`"), (bus, "write it in quotes")):
        answer = apply(tenant, "disk-team", stated(wrong), check=False)
        assert answer.returncode != 0
        assert ".address: is " in answer.stderr
        assert f"help: {way}" in answer.stderr
    before = generation(tenant)
    apply(tenant, "disk-team", stated(text))
    assert generation(tenant) == before
