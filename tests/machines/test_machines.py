"""Which machine a name means, and which names hold a version."""

from __future__ import annotations

import pytest

from webhook import machines


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("q35", "q35"),
        ("i440fx", "i440fx"),
        ("pc", "i440fx"),
        ("pc-q35-7.2", "q35"),
        ("pc-q35-rhel9.2.0", "q35"),
        ("pc-i440fx-rhel7.3.0", "i440fx"),
        ("pc-i440fx-2.11", "i440fx"),
        ("pc-i440fx-xenial", "i440fx"),
        ("pc-q35-noble-v2", "q35"),
    ],
)
def test_a_name_means_a_machine(name: str, family: str) -> None:
    found = machines.find("x86_64", name, "2026.1")
    assert found is not None
    assert found.family == family


@pytest.mark.parametrize(
    ("arch", "name", "rule_set"),
    [
        ("x86_64", "isapc", "2026.1"),
        ("x86_64", "pc-q35-", "2026.1"),
        ("x86_64", "pc-q35-jammyx", "2026.1"),
        ("x86_64", "", "2026.1"),
        ("aarch64", "q35", "2026.1"),
        ("x86_64", "q35", "1999.1"),
    ],
)
def test_another_name_means_none(arch: str, name: str, rule_set: str) -> None:
    assert machines.find(arch, name, rule_set) is None


@pytest.mark.parametrize(
    ("name", "is_versioned"),
    [
        ("pc-q35-7.2", True),
        ("pc-i440fx-rhel7.3.0", True),
        ("virt-7.2", True),
        ("s390-ccw-virtio-7.2", True),
        ("pseries-7.2", True),
        ("pc-q35-rhel9.2.0", True),
        ("pc-i440fx-xenial", True),
        ("pc-q35-jammy-hpb", True),
        ("pseries-bionic-sxxm", True),
        ("pc-q35-latest", False),
        ("pc-q35-jammyx", False),
        ("q35", False),
        ("pc", False),
        ("virt", False),
        ("pc-q35-", False),
    ],
)
def test_a_versioned_name_is_told_from_an_alias(name: str, is_versioned: bool) -> None:
    assert machines.versioned(name) is is_versioned


@pytest.mark.parametrize("family", ["q35", "i440fx"])
def test_the_default_of_a_rule_set_is_versioned(family: str) -> None:
    found = machines.find("x86_64", family, "2026.1")
    assert found is not None
    assert machines.versioned(found.version)
    assert machines.find("x86_64", found.version, "2026.1") is found
