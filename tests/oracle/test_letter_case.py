"""What is declared equal in either case is what libvirt reads as a number, and so writes in lower case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from tests.abi.test_equal import CASELESS
from tests.oracle.hypervisor import Hypervisor
from webhook.libvirt.xml.render import render

UUID = "ABCDEFAB-CDEF-4BCD-8BCD-ABCDEFABCDEF"
MAC = "52:54:00:AB:CD:EF"
SERIAL = "Wd-AbC"
# libvirt has the UUID of an NVDIMM on pSeries alone.
NVDIMM = {
    "model": "nvdimm",
    "source": {"path": "/srv/nvdimm"},
    "target": {"size": 512, "node": 0, "labelSize": "128Ki"},
    "uuid": UUID,
}
# Not in the libvirt that judges here; a newer one reads it with the same function as `uuid` (src/conf/domain_conf.c).
NEWER = {"domain.hwuuid"}
# Each declared field that is read without case, as a part of a domain, and where libvirt writes it.
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "domain.uuid": ({"uuid": UUID}, "/domain/uuid/text()"),
    "domain.genid": ({"genid": UUID}, "/domain/genid/text()"),
    "domain.sysinfo.uuid": (
        {"uuid": UUID, "sysinfo": {"uuid": UUID}},
        "/domain/sysinfo/system/entry[@name='uuid']/text()",
    ),
    "domain.devices.interfaces[*].mac.address": (
        {"devices": {"interfaces": [{"network": "net", "mac": {"address": MAC}}]}},
        "/domain/devices/interface/mac/@address",
    ),
    "domain.devices.memories[*].uuid": (
        {"os": {"type": {"arch": "ppc64le"}}, "devices": {"memories": [NVDIMM]}},
        "/domain/devices/memory/uuid/text()",
    ),
}
Complete = Callable[[dict[str, Any]], dict[str, Any]]


def kept(hypervisor: Hypervisor, complete: Complete, part: dict[str, Any], path: str) -> Any:
    domain = complete({"features": {"memory": 2048, "system": {"type": "linux"}}, "domain": part})
    return etree.fromstring(hypervisor.completed(render(domain, "vm"))).xpath(path)


@pytest.mark.parametrize("path", CASES)
def test_libvirt_writes_in_lower_case_what_is_equal_in_either(
    path: str, hypervisor: Hypervisor, complete: Complete
) -> None:
    part, place = CASES[path]
    assert kept(hypervisor, complete, part, place) == [(MAC if path.endswith("mac.address") else UUID).lower()]


def test_libvirt_keeps_the_case_of_a_text(hypervisor: Hypervisor, complete: Complete) -> None:
    disk = {"devices": {"disks": [{"claim": "root", "serial": SERIAL}]}}
    assert kept(hypervisor, complete, disk, "/domain/devices/disk/serial/text()") == [SERIAL]


def test_every_field_that_is_equal_in_either_case_is_shown_to_libvirt() -> None:
    assert CASES.keys() | NEWER == CASELESS
