"""A VM's companions are taken by a real libvirtd, and the domain knows them by the UUIDs and names that they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.oracle.daemon import libvirtd
from tests.oracle.hypervisor import Hypervisor
from webhook.libvirt.bundle import Bundle, bundle
from webhook.libvirt.host.facts import read_host
from webhook.libvirt.xml.render import render
from webhook.trees import Tree

MAC = "02:1d:5a:00:00:07"
SPEC: Tree = {
    "features": {"system": {"type": "linux"}, "tpm": True},
    "domain": {
        "devices": {
            "disks": [{"name": "safe", "claim": "safe", "encryption": {"format": "luks", "secretName": "disk-key"}}],
            "tpm": {"secretName": "tpm-key"},
            "interfaces": [
                {"name": "lan", "network": "net", "mac": {"address": MAC}},
                {"name": "open", "network": "net", "filterRef": {"filter": "clean-traffic"}},
            ],
            "hostdevs": [
                {
                    "name": "gpu",
                    "type": "mdev",
                    "model": "vfio-pci",
                    "device": "example.com-gpu",
                    "source": {"address": {"uuid": "c2177883-f1bb-47f0-914d-32a22e3a8804"}},
                },
                {
                    "name": "san",
                    "type": "scsi",
                    "source": {
                        "adapter": {
                            "type": "fc_host",
                            "name": "scsi_host5",
                            "parent": "scsi_host3",
                            "wwnn": "0x20000000c9831b4b",
                            "wwpn": "0x10000000c9831b4b",
                        },
                        "address": {"bus": 0, "target": 0, "unit": 0},
                    },
                },
            ],
        }
    },
}
HOST = read_host(
    {
        "hypervisors": [{"arch": "x86_64", "type": "qemu"}],
        "claims": [{"name": "safe", "file": "/srv/safe.img"}],
        "networks": [{"name": "net", "bridge": "br0"}],
        "addresses": [{"mac": MAC, "ip": ip} for ip in ("192.0.2.7", "2001:db8::7")],
        "devices": [{"name": "example.com-gpu", "mdev": "nvidia-11", "parent": "pci_0000_06_00_0"}],
    }
)


@pytest.fixture(scope="module")
def daemon(schemas: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:  # noqa: ARG001
    with libvirtd(tmp_path_factory.mktemp("libvirtd")) as connection:
        yield connection


@pytest.fixture(scope="module")
def made(complete: Callable[[Tree], Tree]) -> Bundle:
    return bundle(complete(SPEC), "vm", HOST)


def test_secrets_are_taken_and_the_domain_has_their_uuids(made: Bundle, daemon: Any) -> None:
    uuids = {daemon.secretDefineXML(xml).UUIDString() for xml in made.secrets}
    assert len(uuids) == 2
    domain = etree.fromstring(made.domain)
    assert {str(found) for found in domain.xpath("//encryption/secret/@uuid | //encryption/@secret")} == uuids


def test_filters_are_taken_and_the_domain_has_their_names(made: Bundle, daemon: Any) -> None:
    names = [daemon.nwfilterDefineXML(xml).name() for xml in made.filters]
    assert len(names) == 1
    references = etree.fromstring(made.domain).xpath("//filterref/@filter")
    assert [str(found) for found in references] == [*names, "clean-traffic"]


def test_a_filter_lets_out_the_nics_own_addresses_alone(made: Bundle) -> None:
    rules = [(str(rule.get("action")), dict(rule[0].attrib)) for rule in etree.fromstring(made.filters[0]).iter("rule")]
    mac = str(etree.fromstring(made.domain).xpath("//interface[1]/mac/@address")[0])
    assert rules[0] == ("drop", {"match": "no", "srcmacaddr": mac})
    assert ("return", {"srcipaddr": "192.0.2.7"}) in rules
    assert ("return", {"srcipaddr": "2001:db8::7"}) in rules
    assert rules[-1] == ("drop", {})


@pytest.mark.parametrize("index", [0, 1], ids=["a mediated device", "a virtual Fibre Channel adapter"])
def test_node_devices_are_understood_though_no_such_hardware_is_here(index: int, made: Bundle, daemon: Any) -> None:
    import libvirt

    assert len(made.node_devices) == 2
    with pytest.raises(libvirt.libvirtError) as refused:
        daemon.nodeDeviceCreateXML(made.node_devices[index], 0)
    assert "XML" not in str(refused.value)
    assert re.search("parent|Node device|node device|scsi_host", str(refused.value))


def test_all_documents_are_valid_by_libvirts_schemas(made: Bundle, schemas: Path) -> None:
    """But node devices: their schema is that of devices which exist, and so have a name."""
    for xml in (*made.secrets, *made.filters, made.domain):
        root = etree.fromstring(xml)
        kind = {"secret": "secret", "filter": "nwfilter", "domain": "domain"}[str(root.tag)]
        schema = etree.RelaxNG(etree.parse(str(schemas / f"{kind}.rng")))
        assert schema.validate(root), (kind, str(schema.error_log.last_error))


def test_the_domain_of_a_bundle_is_taken(made: Bundle, hypervisor: Hypervisor) -> None:
    kept = hypervisor.completed(made.domain)
    assert all(str(uuid) in kept for uuid in re.findall(r'secret type="passphrase" uuid="([^"]+)"', made.domain))


def test_no_document_has_a_value_of_a_secret_and_each_is_the_same_every_time(
    made: Bundle, complete: Callable[[Tree], Tree]
) -> None:
    domain = complete(SPEC)
    assert bundle(domain, "vm", HOST) == bundle(domain, "vm", HOST)
    assert all(etree.fromstring(xml).find("value") is None for xml in made.secrets)


def test_a_vm_with_anothers_uuid_does_not_get_its_secrets(complete: Callable[[Tree], Tree]) -> None:
    """On a host that several namespaces share, the UUID of a secret tells whose it is."""
    domain = complete(SPEC)
    mine, namesake, other = (bundle(domain, *whose) for whose in (("vm", HOST), ("vm", HOST, "b"), ("other", HOST)))
    assert mine.secrets
    assert not {*mine.secrets} & {*namesake.secrets}
    assert not {*mine.secrets} & {*other.secrets}


def test_the_domain_of_a_bundle_is_the_one_that_is_rendered_alone(complete: Callable[[Tree], Tree]) -> None:
    dimm = {"model": "dimm", "target": {"size": 512}}
    domain = complete({"features": {"system": {"type": "linux"}}, "domain": {"devices": {"memories": [dimm]}}})
    assert bundle(domain, "vm").domain == render(domain, "vm")
