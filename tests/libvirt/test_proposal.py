"""The proposal's own sample: its YAML is taken field for field, and renders to the proposal's XML."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.libvirt.comparison import differences
from webhook.admission.context import AdmissionContext
from webhook.declare import Backend, Shape, inspect
from webhook.domain import domain_shape
from webhook.expand.pipeline import expand
from webhook.kinds import declared_fields
from webhook.policy import Policies

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
# What the proposal's YAML says otherwise than its XML: KiB written as if they were MiB, and vCPUs counted from one.
CORRECTED = {
    "maxmemory": {"size": "16777216Ki", "slots": 16},
    "numa": [{"cell": None, "cpus": [0, 1, 2, 3], "memory": "4194304Ki"}],
}


def sample(name: str) -> dict[str, Any]:
    domain: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())["spec"]["domain"]
    return domain


def without_backend(tree: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """The tree without its backend fields, and without the elements that then say nothing."""
    made: dict[str, Any] = {}
    for name, value in tree.items():
        entry = shape.fields[name]
        if isinstance(entry.class_of_value(value), Backend):
            continue
        if entry.shape is None:
            made[name] = value
        elif entry.many:
            made[name] = [without_backend(item, entry.shape) for item in value]
        elif rest := without_backend(value, entry.shape):
            made[name] = rest
    return made


def test_the_proposals_yaml_is_well_formed_as_it_stands() -> None:
    assert inspect(sample("proposal-domain-backend.yaml"), domain_shape(), "spec.domain").findings == []


def test_the_proposals_yaml_reaches_into_the_host_where_the_proposal_says_so() -> None:
    marks = inspect(sample("proposal-domain-backend.yaml"), domain_shape(), "").marks
    assert [mark.path.removeprefix(".devices.") for mark in marks if isinstance(mark.field_class, Backend)] == [
        "channels[0].source.mode",
        "channels[0].source.path",
        "rng.path",
        "disks[1].source.file",
        "disks[1].driver.cache",
        "disks[1].driver.io",
        "interfaces[0].source.bridge",
        "interfaces[0].filterRef.filter",
        "graphics[0].listen.network",
        "graphics[0].listen.type",
        "graphics[0].port",
        "graphics[0].tlsPort",
        "graphics[0].passwd",
        "graphics[0].passwdValidTo",
    ]


def test_the_example_without_backend_is_the_proposals_yaml_with_its_units_corrected() -> None:
    expected = without_backend(sample("proposal-domain-backend.yaml"), domain_shape())
    expected["maxmemory"] = CORRECTED["maxmemory"]
    expected["cpu"]["numa"] = CORRECTED["numa"]
    # What the proposal's features name in place of the backend.
    expected["devices"]["disks"][1]["claim"] = "my-disk"
    expected["devices"]["interfaces"][0]["network"] = "mgmtnet"
    assert sample("proposal-domain.yaml") == expected


def test_the_example_without_backend_reaches_nothing_of_the_host() -> None:
    found = inspect(sample("proposal-domain.yaml"), domain_shape(), "spec.domain")
    assert found.findings == []
    assert [mark.path for mark in found.marks if isinstance(mark.field_class, Backend)] == []


def expanded(domain: dict[str, Any]) -> dict[str, Any]:
    """The domain as it is stored, with identities that are the same in each run."""
    numbers = itertools.count(1)
    policies = Policies(HERE.parents[1] / "policies", declared_fields())
    context = AdmissionContext(policies=policies, entropy=lambda size: next(numbers).to_bytes(size, "big"))
    whole: dict[str, Any] = expand({"domain": domain}, context, "spec").spec["domain"]
    return whole


def test_the_stored_example_renders_to_the_proposals_xml(golden: Callable[[Path, str], None]) -> None:
    stated = sample("proposal-domain.yaml")
    found = differences(expanded(stated), (HERE / "proposal.xml").read_bytes(), stated)
    assert [str(difference) for difference in found if difference.reason == "wrong"] == []
    golden(HERE / "proposal-differences.txt", "".join(f"{difference}\n" for difference in found))


def test_all_addresses_of_the_proposals_xml_are_those_of_the_stored_example() -> None:
    stated = sample("proposal-domain.yaml")
    found = differences(expanded(stated), (HERE / "proposal.xml").read_bytes(), stated)
    moved = [str(each) for each in found if "/address/" in each.path and each.reason != "addition"]
    assert moved == []


def test_a_frontend_that_both_say_differently_is_wrong() -> None:
    domain = sample("proposal-domain.yaml")
    domain["devices"]["memballoon"]["model"] = "none"
    domain["vcpu"]["count"] = 8
    wrong = [d.path for d in differences(domain, (HERE / "proposal.xml").read_bytes()) if d.reason == "wrong"]
    assert wrong == ["domain/devices/memballoon/@model", "domain/vcpu"]


def test_an_element_that_is_not_declared_is_wrong() -> None:
    xml = (HERE / "proposal.xml").read_bytes().replace(b"<acpi/>", b"<acpi/><flux version='2'/>")
    wrong = [d.path for d in differences(sample("proposal-domain.yaml"), xml) if d.reason == "wrong"]
    assert wrong == ["domain/features/flux/@version"]
