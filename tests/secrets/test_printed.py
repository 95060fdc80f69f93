"""The command prints no secret: of manifests, of XML, of files that are no YAML, of policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.attacks.manifests import manifest
from tests.cli.test_cli import Done, vmconfig
from tests.secrets.fields import CANARY, at, fitting, leaves, resting, told, wrong
from webhook.findings import Refused
from webhook.kinds import declared_fields
from webhook.libvirt.importing.imported import Map, import_domain
from webhook.libvirt.xml.parse import read
from webhook.libvirt.xml.render import render
from webhook.policy.loading.load import Loading, load

HERE = Path(__file__).parent
SECRET = {path: place for path, place in leaves(secret=True).items() if not resting(path)}
FILES: list[dict[str, str]] = yaml.safe_load((HERE / "files.yaml").read_text())
_HEAD = """apiVersion: kubevirt.io/v1alpha1
kind: VM
metadata: {name: web-1}
spec:
  domain:
    devices:
      graphics:
      - name: g
        type: vnc
"""


def _printed(done: Done) -> str:
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All fields with right and with wrong values, a document each."""
    folder = tmp_path_factory.mktemp("manifests")
    files = {}
    for sort in ("right", "wrong"):
        specs = [at(path, fitting(place) if sort == "right" else wrong(place)[0]) for path, place in SECRET.items()]
        files[sort] = folder / f"{sort}.yaml"
        files[sort].write_text(yaml.safe_dump_all([manifest("VM", spec) for spec in specs], allow_unicode=True))
    return files


@pytest.mark.parametrize("output", ["text", "json", "yaml"])
@pytest.mark.parametrize("sort", ["right", "wrong"])
@pytest.mark.parametrize("verb", [["check"], ["expand"], ["render"]], ids=" ".join)
def test_findings_about_secrets_have_none(verb: list[str], sort: str, output: str, manifests: dict[str, Path]) -> None:
    done = vmconfig(*verb, str(manifests[sort]), "-o", output)
    assert done.returncode == 1
    assert not told(_printed(done))


def test_policy_explain_and_diff_tell_no_secret(manifests: dict[str, Path]) -> None:
    for sort in manifests:
        explained = vmconfig("policy", "explain", str(manifests[sort]), "--all")
        assert explained.returncode == 1
        shipped = str(HERE.parents[1] / "policies")
        differing = vmconfig("policy", "diff", shipped, shipped, "--vms", str(manifests[sort]))
        assert not told(_printed(explained) + _printed(differing))


def test_explain_shows_what_stands_around_a_secret_and_not_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "vm.yaml"
    seen = []
    for path, place in SECRET.items():
        if place.field.scalar is not None and isinstance(fitting(place), str) and told(fitting(place)):
            file.write_text(yaml.safe_dump(manifest("VM", at(path, fitting(place)))))
            parts = path.replace("[*]", "[0]").split(".")
            for length in range(2, len(parts) + 1):
                done = vmconfig("explain", str(file), f"spec.{'.'.join(parts[:length])}")
                assert not told(_printed(done)), path
                seen.append(done.stdout)
    assert any('"…"' in text for text in seen)


@pytest.mark.parametrize("case", FILES, ids=lambda case: case["title"])
def test_a_file_that_is_refused_is_not_quoted(case: dict[str, str]) -> None:
    entry = "".join(f"        {line}\n" for line in case["entry"].splitlines())
    done = vmconfig("check", "-", text=_HEAD + entry)
    assert done.returncode == 1
    assert case["says"] in done.stdout
    assert not told(_printed(done))


def test_a_secret_of_xml_that_is_no_value_of_its_field_is_not_told() -> None:
    leaks, tried = [], 0
    for path, place in SECRET.items():
        scalar = place.field.scalar
        value = fitting(place)
        if not path.startswith("domain.") or not isinstance(value, str) or scalar is None:
            continue
        try:
            document = render(at(path, value)["domain"], "web-1")
        except Refused:
            continue
        for bad in (CANARY, CANARY * 2000, f"{CANARY}\u202e"):
            text = document.replace(f'"{value}"', f'"{bad}"').replace(f">{value}<", f">{bad}<")
            tried += text != document
            if told(_of_xml(text)):
                leaks.append(path)
    assert leaks == []
    assert tried > 100


def _of_xml(text: str) -> str:
    """What is told of a document that is read and imported."""
    said: list[Any] = []
    try:
        said += read(text).left
        said += import_domain(text, Map()).left
    except Refused as refused:
        said += refused.findings
    return "\n".join(str(each) for each in said)


@pytest.mark.parametrize(
    "attribute", ["a&hunter2;b", "a<hunter2>", 'a" hunter2="1" hunter2="2', "hunter2\x01", "'\" hunter2", "&#xhunter2;"]
)
def test_xml_that_is_not_well_formed_is_not_quoted(attribute: str) -> None:
    text = f'<domain><devices><graphics type="vnc" passwd="{attribute}"/></devices></domain>'
    with pytest.raises(Refused) as refused:
        read(text)
    assert "line 1" in str(refused.value)
    assert not told(refused.value)


def test_policies_with_a_secret_among_their_values_are_refused_without_it(tmp_path: Path) -> None:
    rules = [
        {"permit": {"path": path}, "when": {"in": [value, value]}}
        for path, place in SECRET.items()
        for value in (wrong(place)[0], fitting(place))
        if not place.path.count("[*]") > 3 and isinstance(value, str)
    ]
    head = {"apiVersion": "policy.vmconfig.kubevirt.io/v1", "kind": "Policy", "metadata": {"name": "site"}}
    text = yaml.dump({**head, "rules": [{"name": f"r-{number}", **rule} for number, rule in enumerate(rules)]})
    (tmp_path / "site.yaml").write_text(text)
    with pytest.raises(Refused) as refused:
        load(tmp_path, Loading(declared_fields()))
    assert len(refused.value.findings) > 50
    assert not told(refused.value)
