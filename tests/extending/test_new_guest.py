"""A guest is one file of the rule set: one that nobody has written, and no other change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli import vmconfig
from tests.extending.overlay import Called, call, overlay, vm, written

LINUX = {"system": {"type": "linux"}, "memory": 1024}


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Called]:
    folder = overlay(tmp_path_factory.mktemp("guest"), "fake-os.yaml")

    def of(kind: str, version: str | None = None) -> str:
        system = {"type": kind, **({"version": version} if version else {})}
        return written(
            folder / f"{kind}-{version}.yaml", vm(features={"system": system, "network": [{"source": "lan"}]})
        )

    fourth = of("fake-os", "fourth")
    calls = {
        "any": ["expand", of("fake-os")],
        "alias": ["expand", fourth],
        "near": ["check", "-o", "json", of("fake-oz")],
        "version": ["check", "-o", "json", of("fake-os", "44")],
        "explain": ["explain", fourth, "spec.domain.devices.interfaces[lan].model"],
        "crd": ["crd", "-o", "json"],
    }
    return dict(zip(calls, call(folder, *calls.values()), strict=True))


def test_its_best_practice_is_what_the_machine_is_made_by(called: dict[str, Called]) -> None:
    assert hardware(called["any"]) == (3000, "virtio")


def test_a_version_by_another_word_has_its_own(called: dict[str, Called]) -> None:
    assert hardware(called["alias"]) == (5000, "e1000e")
    assert "guests/fake-os.yaml fake-os 4" in called["explain"].out


def test_a_word_that_is_near_to_it_is_refused_and_leads_to_it(called: dict[str, Called]) -> None:
    (finding,) = called["near"].tree
    assert finding["path"] == "spec.features.system.type"
    assert "did you mean `fake-os`?" in finding["help"]


def test_a_version_that_it_does_not_have_is_refused_and_leads_to_one(called: dict[str, Called]) -> None:
    (finding,) = called["version"].tree
    assert finding["path"] == "spec.features.system.version"
    assert "did you mean `4`?" in finding["help"]


def test_it_is_among_the_types_of_the_schema(called: dict[str, Called]) -> None:
    assert '"fake-os"' in called["crd"].out


def test_there_is_none_without_its_file(tmp_path: Path) -> None:
    asked = written(tmp_path / "vm.yaml", vm(features={"system": {"type": "fake-os"}}))
    assert "`fake-os` is no guest" in vmconfig("check", asked).stdout


def hardware(expanded: Called) -> tuple[int, str]:
    """MiB of memory, and the network card."""
    domain = expanded.tree["spec"]["domain"]
    return domain["memory"]["size"], domain["devices"]["interfaces"][0]["model"]
