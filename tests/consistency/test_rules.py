"""Every rule of consistency with what it refuses and what it does not, and what is only unwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.consistency import followed_cases
from tests.consistency.vms import checked, context, vm
from webhook.consistency import RULES, consistent, machine, warned_of
from webhook.consistency.completeness import domain_is_complete
from webhook.consistency.memory_devices import memory_is_in_whole_huge_pages

FOLLOWED = [
    checked(vm(case.get("machine", "q35"), case["domain"]), context())[0] or {} for case in followed_cases.CASES
]
CASES = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text())
# Cases show one part of a domain; what the rest lacks is another rule's business, tested below.
APART = "complete"
# A domain, and where it is warned of.
UNWISE: list[tuple[dict[str, Any], list[str]]] = [
    ({"cpu": {"mode": "host-model"}}, ["spec.domain.cpu.mode"]),
    ({"cpu": {"mode": "custom", "model": "Westmere"}}, []),
    ({"memory": {"size": 4096}, "cpu": {"numa": [{"memory": 4194304}]}}, ["spec.domain.cpu.numa"]),
    ({"memory": {"size": 4096}, "cpu": {"numa": [{"memory": "4194304Ki"}]}}, []),
    ({"memory": {"size": "4Gi"}, "cpu": {"numa": [{"memory": "1Gi"}, {"memory": "1Gi"}]}}, ["spec.domain.cpu.numa"]),
    ({"memory": {"size": "4Gi"}, "cpu": {"numa": [{"memory": "3Gi"}, {"memory": "1Gi"}]}}, []),
    (
        {"devices": {"memories": [{"model": "dimm", "target": {"size": "100Mi"}}]}},
        ["spec.domain.devices.memories[0].target.size"],
    ),
    ({"devices": {"memories": [{"model": "dimm", "target": {"size": "128Mi"}}]}}, []),
    ({"devices": {"memories": [{"model": "virtio-mem", "target": {"size": "100Mi"}}]}}, []),
    ({"memory": {"size": 67108864}}, ["spec.domain.memory.size"]),
    ({"memory": {"size": "67108863Mi"}}, []),
    ({"os": {"type": {"arch": "x86_64", "machine": "pc-q35-7.2"}}, "memory": {"size": "4Pi"}}, []),
    ({"os": {"type": {"arch": "riscv64", "machine": "virt"}}}, ["spec.domain.os.type.machine"]),
    ({"os": {"type": {"arch": "aarch64", "machine": "virt-7.2"}}}, []),
    (
        {"devices": {"interfaces": [{"model": "e1000e", "driver": {"queues": 4}}]}},
        ["spec.domain.devices.interfaces[0].driver.queues"],
    ),
    ({"devices": {"interfaces": [{"model": "virtio", "driver": {"queues": 4}}]}}, []),
    (
        {"goals": {"hugepages": "2Mi"}, "devices": {"memballoon": {"freePageReporting": True}}},
        ["spec.domain.devices.memballoon.freePageReporting"],
    ),
    ({"goals": {"hugepages": "2Mi"}, "devices": {"memballoon": {"freePageReporting": False}}}, []),
    ({"devices": {"memballoon": {"freePageReporting": True}}}, []),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_consistency(case: dict[str, Any]) -> None:
    found: dict[str, list[str]] = {}
    for finding in consistent(case["domain"], "spec.domain"):
        if finding.rule != APART:
            found.setdefault(finding.rule, []).append(finding.path)
            assert finding.help
    assert found == case["findings"]


def test_every_rule_refuses_some_case() -> None:
    for rule in RULES:
        if rule is domain_is_complete or not rule.refuses:
            continue
        domains = (*(case["domain"] for case in CASES), *FOLLOWED)
        assert any(list(rule(domain, "spec.domain")) for domain in domains), rule.name


def test_every_warning_is_given_in_some_case() -> None:
    for rule in RULES:
        assert rule.refuses or any(list(rule(domain, "spec.domain")) for domain, _ in UNWISE), rule.name


def test_what_libvirt_would_choose_by_itself_is_refused_where_it_is_missing() -> None:
    domain = {
        "devices": {
            "disks": [{"target": {"bus": "virtio"}}],
            "interfaces": [
                {"name": "n"},
                {"name": "m", "mac": {"address": "02:00:00:00:00:01"}, "address": "0000:03:00.0"},
            ],
        }
    }
    missing = {finding.path for finding in consistent(domain, "spec.domain")}
    assert missing == {
        "spec.domain.uuid",
        "spec.domain.memory.size",
        "spec.domain.vcpu.count",
        "spec.domain.os.type",
        "spec.domain.devices.disks[0].name",
        "spec.domain.devices.disks[0].address",
        "spec.domain.devices.interfaces[0].address",
        "spec.domain.devices.interfaces[0].mac.address",
    }


@pytest.mark.parametrize(("domain", "places"), UNWISE)
def test_what_is_unwise_is_a_warning(domain: dict[str, Any], places: list[str]) -> None:
    assert [finding.path for finding in warned_of(domain, "spec.domain")] == places


def test_names_of_machines_that_nobody_has_cost_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def wanted(name: str) -> dict[str, Any]:
        kind = {"os": "hvm", "arch": "x86_64", "machine": name}
        return {"os": {"type": kind}, "devices": {"interfaces": [{"model": "spapr-vlan"}]}}

    refused = list(machine.machine_supports_values(wanted("pc-q35-7.2"), "spec.domain"))
    assert [finding.path for finding in refused] == ["spec.domain.devices.interfaces[0].model"]
    monkeypatch.setattr(machine.yaml, "safe_load", lambda _: pytest.fail("read once more"))
    for number in range(100):
        assert list(machine.machine_supports_values(wanted(f"pc-q35-7.2.{number}"), "spec.domain"))
        assert not list(machine.machine_supports_values(wanted(f"made-up-{number}"), "spec.domain"))


@pytest.mark.parametrize(("page", "smaller"), [("1Gi", True), ("2Mi", False)])
def test_smaller_huge_pages_are_a_way_where_there_are_some_and_not_where_there_are_none(
    page: str, smaller: bool
) -> None:
    [found] = memory_is_in_whole_huge_pages({"memory": {"size": "2049Mi"}, "goals": {"hugepages": page}}, "spec.domain")
    assert ("`2Mi` in `spec.features.hugepages`" in found.help) == smaller


CELLS_AND_HELP = [
    # The memory, that of two cells, and what is said of it.
    ("4Gi", "1Gi", "let the cells hold `4096Mi` together, or state `2048Mi` as the memory"),
    ("2Gi", "2Gi", "let the cells hold `2048Mi` together, or state `4096Mi` as the memory"),
    (1024, 524288, "a whole number is MiB: write KiB as `524288Ki`"),
]


@pytest.mark.parametrize(("size", "cell", "way"), CELLS_AND_HELP)
def test_the_help_for_cells_says_what_is_asked_and_what_they_hold(size: int | str, cell: int | str, way: str) -> None:
    domain = {"memory": {"size": size}, "cpu": {"numa": [{"memory": cell}, {"memory": cell}]}}
    assert [finding.help for finding in warned_of(domain, "spec.domain")] == [way]
