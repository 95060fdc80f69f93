"""The chart's values: each does what it is for, is documented, and nothing else is taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python.errors import HelmError

from tests.chart.rendering import CHART, leaves, look, rendered
from webhook.cli import _parser
from webhook.cli.serve import read
from webhook.kinds import declared_fields
from webhook.policy.loading.load import Loading, load
from webhook.server.settings import read_site
from webhook.trees import Tree

CASES = Path(__file__).parent / "cases"
VALUES: list[Tree] = yaml.safe_load((CASES / "values.yaml").read_text())
REFUSED: list[Tree] = yaml.safe_load((CASES / "refused.yaml").read_text())
DEFAULTS: Tree = yaml.safe_load((CHART / "values.yaml").read_text())
# Objects of which the API server checks the inside: there is no sense in saying its schema again.
OPEN = {"global", "nodeAffinity", "podAffinity", "podAntiAffinity", "namespaceSelector", "podSelector"}


@pytest.mark.parametrize("case", VALUES, ids=[case["title"] for case in VALUES])
def test_a_value_changes_what_it_is_for(case: Tree) -> None:
    assert look(rendered(case["values"]), case["place"]) == case["becomes"]
    assert look(rendered(), case["place"]) != case["becomes"]


@pytest.mark.parametrize("case", REFUSED, ids=[case["title"] for case in REFUSED])
def test_what_cannot_be_meant_is_refused(case: Tree) -> None:
    with pytest.raises(HelmError) as refusal:
        rendered(case["refused"])
    for words in case["says"]:
        assert words in str(refusal.value)
    assert rendered(case["accepted"])


def test_every_value_is_exercised() -> None:
    changed = {path for case in VALUES for path in leaves(case["values"])}
    assert [
        path for path in leaves(DEFAULTS) if not any(one == path or one.startswith(f"{path}.") for one in changed)
    ] == []


def test_every_value_is_documented_with_its_default_and_nothing_else_is() -> None:
    lines = [line for line in (CHART / "README.md").read_text().splitlines() if line.startswith("| `")]
    table = {name.strip(" `"): default.strip(" `") for _, name, default, _, _ in (line.split("|") for line in lines)}
    assert table == {
        path: _shown(look({"values": DEFAULTS}, f"values: {path.replace('.', ' . ')}")) for path in leaves(DEFAULTS)
    }


def test_every_value_has_a_place_in_the_schema_and_every_place_a_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(schema["properties"]) == {*DEFAULTS, "global"}
    for name, default in DEFAULTS.items():
        inner = schema["properties"][name].get("properties")
        if inner and default:
            assert set(inner) == set(default), name


def test_the_schema_is_closed_all_the_way_down() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    objects = dict(_objects(schema, ""))
    assert len(objects) > 20
    assert {path for path, closed in objects.items() if not closed} == OPEN


def test_the_site_file_is_one_that_the_service_reads(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    nodes = {"x86_64": ["pc-q35-8.2", "pc-i440fx-8.2"]}
    default = {"q35": "pc-q35-8.2"}
    words = {"graphics": "vnc", "domainType": "qemu", "ruleSet": "2026.1"}
    values = {"site": {"machines": default, "nodeMachines": nodes, **words}}
    file.write_text(rendered(values)["ConfigMap/vmconfig-site"]["data"]["site.yaml"])
    site = read_site(file)
    assert (dict(site.machines), site.graphics, site.domain_type, site.rule_set) == (default, "vnc", "qemu", "2026.1")
    assert site.node_machines == {arch: frozenset(names) for arch, names in nodes.items()}


@pytest.mark.parametrize("case", VALUES, ids=[case["title"] for case in VALUES])
def test_every_flag_of_the_deployment_is_one_that_the_service_takes(case: Tree) -> None:
    arguments = rendered(case["values"])["Deployment/vmconfig"]["spec"]["template"]["spec"]["containers"][0]["args"]
    settings = read(_parser().parse_args(arguments))
    assert settings.listen == "0.0.0.0:8443"
    assert bool(settings.certs_dir) != bool(settings.certs_secret)


@pytest.mark.parametrize(
    ("sources", "duplicates", "reads"), [(True, {}, True), (False, {"mac": "warn@cluster"}, True), (False, {}, False)]
)
def test_the_service_reads_vms_where_a_value_needs_it_and_not_else(
    sources: bool, duplicates: Tree, reads: bool
) -> None:
    made = rendered({"stored": {"sources": sources, "duplicates": duplicates}})
    assert ("ClusterRole/vmconfig-sources" in made) is ("ClusterRoleBinding/vmconfig-sources" in made) is reads


def test_names_hold_the_chart_and_fit_into_a_label() -> None:
    assert "Service/prod-vmconfig" in rendered(release="prod")
    longest = next(name for name in rendered(release="r" * 53) if name.startswith("Secret/"))
    assert len(longest.removeprefix("Secret/")) <= 63


def test_a_policy_of_ones_own_is_loaded_beside_the_shipped_ones(tmp_path: Path) -> None:
    own = (
        (CHART.parents[1] / "policies" / "baseline" / "policy.yaml").read_text().replace("name: baseline", "name: own")
    )
    mounted = _mount(rendered({"policies": {"extra": {"own.yaml": own}}})["ConfigMap/vmconfig-policies"], tmp_path)
    loaded = load(mounted, Loading(declared_fields(), "restricted"))
    assert [note.problem for note in loaded.notes] == []
    assert (
        loaded.digest
        != load(
            _mount(rendered()["ConfigMap/vmconfig-policies"], tmp_path / "shipped"), Loading(declared_fields())
        ).digest
    )


def _mount(config_map: Tree, folder: Path) -> Path:
    """A ConfigMap as the kubelet lays it out: links into one generation."""
    generation = folder / "..generation"
    generation.mkdir(parents=True)
    (folder / "..data").symlink_to(generation.name)
    for name, text in config_map["data"].items():
        (generation / name).write_text(text)
        (folder / name).symlink_to(f"..data/{name}")
    return folder


def _shown(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | list | dict) or value == "" else str(value)


def _objects(schema: Any, name: str) -> Iterator[tuple[str, bool]]:
    """Every object of a schema, and whether it takes only what it names."""
    if isinstance(schema, list):
        for one in schema:
            yield from _objects(one, name)
    elif isinstance(schema, dict):
        if schema.get("type") == "object":
            yield name, schema.get("additionalProperties", True) is not True
        for key, inner in schema.items():
            yield from _objects(inner, name if key in ("properties", "items", "definitions") else key)
