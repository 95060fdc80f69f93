"""The conventional place of a claim: given to each disk that does not state where its content is."""

from __future__ import annotations

import pytest

from webhook.declare import shape_of
from webhook.domain.storage import StorageSource
from webhook.libvirt.backend.provide import provide, withdraw
from webhook.trees import Tree

WHERE = {"file", "dev", "dir", "pool", "volume", "protocol", "name", "path", "address", "hosts", "fdgroup"}
HOW = sorted(shape_of(StorageSource).fields.keys() - WHERE)


def disk(field: str) -> Tree:
    return {"devices": {"disks": [{"claim": "a", "driver": {"cache": "none"}, "source": {field: "x"}}]}}


@pytest.mark.parametrize("field", HOW)
def test_what_says_how_content_is_read_leaves_the_claim_where_it_is(field: str) -> None:
    made = provide(disk(field))
    assert made["devices"]["disks"][0]["source"] == {field: "x", "file": "/var/lib/vmconfig/claims/a/disk.img"}
    assert withdraw(made) == disk(field)


@pytest.mark.parametrize("field", sorted(WHERE))
def test_what_says_where_content_is_stays_alone(field: str) -> None:
    assert provide(disk(field))["devices"]["disks"][0]["source"] == {field: "x"}
