"""Each feature, as cases: what is said on a platform, and the whole contribution or refusal."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from tests.features.feature_cases import FOLDER, RULE_SET, Case, expanded, features_of, load, outcome, platform
from webhook import features, guests, machines
from webhook.admission.site import marks_of
from webhook.declare import Backend, inspect, schema
from webhook.domain import domain_shape
from webhook.features.platform import Site
from webhook.findings import Refused

CASES = load()
IDS = [f"{name}: {case['title']}" for name, case in CASES]
GIVING = [(name, case) for name, case in CASES if case.get("contributions")]


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_a_feature_contributes_what_its_case_says(name: str, case: Case) -> None:
    key = "refused" if "refused" in case else "contributions"
    assert outcome(name, case) == {key: case[key]}


def test_a_module_with_a_type_or_an_expansion_is_a_feature() -> None:
    for file in Path(features.__file__).parent.glob("*.py"):
        named = {line.split()[1].partition("(")[0] for line in file.read_text().splitlines() if line.startswith("def ")}
        assert file.stem == "__init__" or ("expand" in named) == (file.stem in features.FEATURES), file.stem


@pytest.mark.parametrize("name", features.FEATURES)
def test_a_contribution_is_a_part_of_a_domain_that_reaches_no_host(name: str) -> None:
    for contribution in _contributions(name):
        for tree in (contribution.asked, contribution.default):
            found = inspect(tree, domain_shape(), "spec.domain")
            assert found.findings == []
            # An emulated site gives every VM its own type, which is no backend there.
            marks = marks_of(found.marks, Site(domain_type=tree.get("type", "kvm")), "spec")
            assert [mark.path for mark in marks if isinstance(mark.field_class, Backend)] == []


@pytest.mark.parametrize("name", features.FEATURES)
def test_a_contribution_has_no_addresses_no_controllers_and_no_identity_of_its_own(name: str) -> None:
    for contribution in _contributions(name):
        for tree in (contribution.asked, contribution.default):
            assert {"uuid", "genid", "sysinfo"}.isdisjoint(tree)
            assert "controllers" not in tree.get("devices", {})
            assert all("address" not in device for device in _devices(tree))
        assert all({"mac", "serial", "wwn"}.isdisjoint(device) for device in _devices(contribution.default))


@pytest.mark.parametrize(("name", "field"), [("network", "mac"), ("storage", "serial")])
def test_an_identity_is_asked_where_the_tenant_states_it_and_not_elsewhere(name: str, field: str) -> None:
    cases = [case for found, case in GIVING if found == name]
    stated = [entry[field] for case in cases for entry in case.get("wanted", ()) if field in entry]
    asked = [device[field] for c in _contributions(name) for device in _devices(c.asked) if field in device]
    assert stated
    assert asked == [{"address": value} if field == "mac" else value for value in stated]


@pytest.mark.parametrize("name", features.FEATURES)
def test_a_default_says_where_it_comes_from(name: str) -> None:
    for contribution in _contributions(name):
        source = re.fullmatch(rf"rule set {RULE_SET}: (guests|machines)/([a-z0-9-]+\.yaml)( .+)?", contribution.because)
        if source is None:
            assert contribution.because.startswith("site: ")
        else:
            package = guests if source[1] == "guests" else machines
            assert (Path(package.__path__[0]) / "data" / RULE_SET / source[2]).exists()


@pytest.mark.parametrize("name", features.FEATURES)
def test_every_entry_of_a_list_of_devices_has_a_name(name: str) -> None:
    for contribution in _contributions(name):
        for tree in (contribution.asked, contribution.default):
            lists = [entries for entries in tree.get("devices", {}).values() if isinstance(entries, list)]
            assert all(entry["name"] for entries in lists for entry in entries)


def test_each_feature_has_cases_that_give_and_cases_that_do_not() -> None:
    without = {}
    for name in features.FEATURES:
        titles = [case for found, case in CASES if found == name]
        gives = any(case.get("contributions") for case in titles)
        gives_not = any(not case.get("contributions") or " not " in f" {case['title']} " for case in titles)
        if not (gives and gives_not):
            without[name] = len(titles)
    assert without == {}


def test_each_feature_is_described_in_the_schema() -> None:
    properties = schema(features.features_shape())["properties"]
    assert [name for name, made in properties.items() if not made.get("description")] == []


def test_each_case_file_is_of_a_feature() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(features.FEATURES)


def test_no_title_is_there_twice() -> None:
    assert len(set(IDS)) == len(IDS)


def test_all_features_are_asked_in_the_order_of_their_names() -> None:
    origins = [c.origin for c in features.expand({"system": {"type": "linux"}, "memory": 1024}, _linux())]
    assert origins == sorted(origins)
    assert {"spec.features.memory", "spec.features.cpu", "spec.features.rng"} <= set(origins)


def test_origins_begin_at_the_root_of_the_object() -> None:
    made = features.expand({"storage": [{"source": "a"}]}, _linux(), "spec.template.spec.features")
    assert "spec.template.spec.features.storage[0]" in [c.origin for c in made]


def test_every_feature_that_cannot_be_had_is_found_at_once() -> None:
    tree = {"storage": [{"name": "a"}, {"name": "a"}], "network": [{"name": "b"}, {"name": "b"}]}
    with pytest.raises(Refused) as refused:
        features.expand(tree, _linux())
    assert [finding.path for finding in refused.value.findings] == [
        "spec.features.network[1].name",
        "spec.features.storage[1].name",
    ]


@pytest.mark.parametrize("name", features.FEATURES)
def test_what_the_tenant_said_is_not_changed(name: str) -> None:
    for found, case in GIVING:
        if found == name:
            before = copy.deepcopy(case)
            features.expand(features_of(name, case), platform(name, case))
            assert case == before


def _linux() -> features.Platform:
    return features.platform_of({"system": {"type": "linux"}}, {}, features.Site(), RULE_SET)


def _contributions(name: str) -> list[features.Contribution]:
    made = [contribution for found, case in GIVING if found == name for contribution in expanded(name, case)]
    assert made
    return made


def _devices(tree: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = tree.get("devices", {}).values()
    return [device for entries in kinds for device in (entries if isinstance(entries, list) else [entries])]
