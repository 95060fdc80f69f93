"""The table of CPU models and features is the installed libvirt's, and nothing in it follows the host."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import yaml

from scripts.cpu_names import FILE, INSTALLED, gathered, of_map, of_qemu
from tests.packages import need
from tests.policy.context import PLACES, decide
from webhook.policy import Engine, Loading, Request, compile_policies, load, shipped
from webhook.policy.language.model import LABELS

TABLE = yaml.safe_load(FILE.read_text())
PC = TABLE["names"]["x86_64"]
# Hypervisors in the guest, by CPU feature.
NESTED = {"vmx", "svm", "sief2"}
LEVELS = pytest.mark.parametrize("level", ["restricted", "baseline"])


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    need("libvirt")


@pytest.fixture(scope="module")
def judge() -> Engine:
    return compile_policies(load(shipped(), Loading(PLACES)).engine.policies, PLACES)


def rules(judge: Engine, level: str, cpu: dict[str, object]) -> set[str]:
    decision = decide(judge, {"domain": {"cpu": cpu}}, Request(labels={LABELS["enforce"]: level}))
    return {each.rule.split(" ")[0].partition("/")[2] for each in decision.findings}


def with_svm() -> set[str]:
    """The models of the installed map that have svm, by themselves or from the model that they grow from."""
    found: dict[str, set[str]] = {}
    above: dict[str, str] = {}
    for file in INSTALLED.glob("x86_*.xml"):
        for model in ElementTree.parse(file).getroot().findall("model"):
            name = str(model.get("name"))
            found[name] = {str(each.get("name")) for each in model.findall("feature")}
            above[name] = "".join(str(each.get("name")) for each in model.findall("model"))

    def has(name: str) -> bool:
        return "svm" in found.get(name, ()) or bool(above.get(name) and has(above[name]))

    return {name for name in found if has(name)}


def test_the_table_is_what_the_script_writes_of_this_libvirt_and_qemu() -> None:
    names, others = gathered([INSTALLED])
    written = {arch: {what: sorted(some) for what, some in said.items()} for arch, said in names.items()}
    assert written == TABLE["names"]
    assert others == TABLE["others"]


def test_every_name_of_the_installed_map_is_in_the_table() -> None:
    names, others = of_map(INSTALLED)
    missing = [some - set(TABLE["names"][arch][what]) for arch, said in names.items() for what, some in said.items()]
    assert set().union(*missing) == set()
    assert len(names["x86_64"]["features"]) > 200
    assert others.items() <= TABLE["others"].items()


def test_no_model_of_the_table_is_the_hosts_or_all_that_qemu_has() -> None:
    for said in TABLE["names"].values():
        assert {"host", "max", "base", "any"}.isdisjoint(name.lower() for name in said["models"])


def test_no_property_of_qemus_is_a_feature_of_the_table() -> None:
    flags = {"host-phys-bits", "host-cache-info", "hv-passthrough", "hv-evmcs", "migratable", "kvm", "pmu", "enforce"}
    for said in TABLE["names"].values():
        assert flags.isdisjoint(said["features"])
        assert [
            name for name in said["features"] if name.startswith(("hv-", "hv_", "kvm-", "host-", "vmx-", "x-"))
        ] == []


@LEVELS
def test_every_model_that_brings_a_hypervisor_is_refused_by_that_name(judge: Engine, level: str) -> None:
    nested = with_svm()
    assert len(nested) > 8
    for name in PC["models"]:
        if name in nested or name.rpartition("-v")[0] in nested:
            assert rules(judge, level, {"model": name}) == {"no-nested-model"}, name


@LEVELS
def test_every_feature_that_is_a_hypervisor_is_refused_and_every_other_of_the_table_passes(
    judge: Engine, level: str
) -> None:
    for said in TABLE["names"].values():
        for name in said["features"]:
            expected = {"no-nested-feature"} if name in NESTED else set()
            assert rules(judge, level, {"features": [{"name": name, "policy": "require"}]}) == expected, name


@LEVELS
def test_every_model_that_qemu_lists_and_libvirt_has_not_is_refused(judge: Engine, level: str) -> None:
    left = of_qemu("x86_64")["models"].difference(*(said["models"] for said in TABLE["names"].values()))
    assert left
    for name in (*left, "host", "max", "base", "Max", "HOST"):
        assert rules(judge, level, {"model": name}) & {"no-unknown-model", "no-host-model"}, name
