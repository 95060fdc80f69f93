"""Identities: kept where there is one, else random, local and the guest's own."""

from __future__ import annotations

import os
from typing import Any

from webhook.expand.identity import identify


def domain() -> dict[str, Any]:
    return {
        "devices": {"interfaces": [{"name": "a"}, {"name": "b"}], "disks": [{"name": "d", "target": {"bus": "sata"}}]}
    }


def test_a_mac_is_unicast_locally_administered_and_has_46_random_bits() -> None:
    seen = set()
    for _ in range(2000):
        tree = domain()
        identify(tree, os.urandom)
        address = bytes.fromhex(tree["devices"]["interfaces"][0]["mac"]["address"].replace(":", ""))
        assert address[0] & 0x03 == 0x02
        seen.add(address)
    assert len(seen) == 2000
    for bit in set(range(48)) - {40, 41}:
        values = {int.from_bytes(address, "big") >> bit & 1 for address in seen}
        assert values == {0, 1}, f"bit {bit} never changes"


def test_an_identity_that_is_there_is_kept() -> None:
    tree = domain()
    identify(tree, os.urandom)
    before = repr(tree)
    identify(tree, os.urandom)
    assert repr(tree) == before


def test_a_drawn_mac_that_is_taken_is_drawn_again() -> None:
    draws = iter([bytes(16), b"\x02aaaaa", b"\x02aaaaa", b"\x02bbbbb", bytes(10)])
    tree = domain()
    identify(tree, lambda _: next(draws))
    first, second = (nic["mac"]["address"] for nic in tree["devices"]["interfaces"])
    assert first != second


def test_the_uuid_is_the_one_that_smbios_states() -> None:
    tree = {"sysinfo": {"uuid": "11111111-FEED-DEAD-BEEF-111111111111"}}
    identify(tree, os.urandom)
    assert tree["uuid"] == "11111111-feed-dead-beef-111111111111"


def test_an_earlier_machine_of_the_same_vm_lends_its_identities_by_name() -> None:
    known = domain()
    identify(known, os.urandom)
    tree = domain()
    tree["devices"]["interfaces"].reverse()
    identify(tree, os.urandom, known)
    macs = {nic["name"]: nic["mac"] for nic in tree["devices"]["interfaces"]}
    assert macs == {nic["name"]: nic["mac"] for nic in known["devices"]["interfaces"]}
    assert tree["uuid"] == known["uuid"]


def test_a_passed_through_lun_shows_its_own_serial() -> None:
    tree: dict[str, Any] = {"devices": {"disks": [{"name": "d", "device": "lun", "target": {"bus": "scsi"}}]}}
    identify(tree, os.urandom)
    assert "serial" not in tree["devices"]["disks"][0]
