"""The command as people run it: what it prints, in three forms, and how it exits."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.cli import found, main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "proposal-features.yaml"
REFUSED = ROOT / "examples" / "proposal-domain-backend.yaml"


# Where a finding's object was read.
PLACE = ("file", "document", "item", "kind", "namespace", "name")


@dataclass
class Done:
    """How a call ended."""

    returncode: int
    stdout: str
    stderr: str


def vmconfig(*arguments: str, text: str | None = None) -> Done:
    """The command in this process: what it prints, and how it would exit."""
    out, err, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO((text or "").encode()))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code: Any = main(list(arguments))
    except SystemExit as left:
        code = left.code
    finally:
        sys.stdin = before
    return Done(code, out.getvalue(), err.getvalue())


def test_the_installed_command_is_this_one() -> None:
    command = [str(Path(sys.executable).with_name("vmconfig")), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("vmconfig 0.")


def test_expand_prints_the_vm_as_it_would_be_stored() -> None:
    done = vmconfig("expand", str(EXAMPLE))
    assert done.returncode == 0
    made = yaml.safe_load(done.stdout)
    assert made["spec"]["features"] == yaml.safe_load(EXAMPLE.read_text())["spec"]["features"]
    assert made["spec"]["domain"]["os"]["type"]["machine"] == "pc-q35-7.2"


def test_expand_of_an_expansion_is_the_same() -> None:
    once = vmconfig("expand", str(EXAMPLE)).stdout
    assert vmconfig("expand", "-", text=once).stdout == once


def test_expand_prints_json_too() -> None:
    done = vmconfig("expand", "-o", "json", str(EXAMPLE))
    assert json.loads(done.stdout)["spec"]["abi"] == {"policy": "frozen", "ruleSet": "2026.2"}


def test_several_documents_are_all_expanded() -> None:
    both = EXAMPLE.read_text() + "---\n" + (ROOT / "examples" / "ubuntu-server.yaml").read_text()
    done = vmconfig("expand", "-", text=both)
    assert [made["metadata"]["name"] for made in yaml.safe_load_all(done.stdout)] == ["vm", "web-1"]


def test_render_prints_xml_that_parses() -> None:
    from webhook.libvirt.xml.parse import parse

    done = vmconfig("render", str(EXAMPLE))
    assert done.returncode == 0
    assert parse(done.stdout)["os"]["type"]["machine"] == "pc-q35-7.2"


def test_check_says_nothing_of_a_good_vm() -> None:
    done = vmconfig("check", str(EXAMPLE))
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(vmconfig("check", "-o", "json", str(EXAMPLE)).stdout) == []


def test_check_prints_every_finding_and_exits_with_one() -> None:
    done = vmconfig("check", "-o", "json", str(REFUSED))
    findings = json.loads(done.stdout)
    assert done.returncode == 1
    assert len(findings) == 14
    assert all(set(finding) == {*PLACE, "path", "problem", "help", "rule"} for finding in findings)
    assert all(finding["help"] for finding in findings)
    assert yaml.safe_load(vmconfig("check", "-o", "yaml", str(REFUSED)).stdout) == findings
    text = vmconfig("check", str(REFUSED)).stdout
    assert text.count("help: ") == 14


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("spec.domain.memory.size", "asked by spec.features.memory"),
        ("spec.domain.devices.disks[1].bootOrder", "asked by spec.features.storage[1]"),
        ("spec.domain.clockOffset.offset", "rule set 2026.2"),
        ("spec.domain.devices.interfaces[0].address", "allocated"),
        ("spec.domain.uuid", "identity"),
        ("spec.features.memory", "stated by the tenant"),
        ("devices.interfaces[mgmtnet].mac.address", "asked by spec.features.network[0]"),
    ],
)
def test_explain_says_where_a_value_came_from(path: str, said: str) -> None:
    done = vmconfig("explain", str(EXAMPLE), path)
    assert done.returncode == 0
    assert said in done.stdout


def test_explain_of_a_path_that_is_not_there_is_a_finding() -> None:
    done = vmconfig("explain", "-o", "json", str(EXAMPLE), "spec.domain.nothing")
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["path"] == "spec.domain.nothing"


def test_words_that_are_booleans_to_kubectl_are_written_in_quotes_and_read_in_quotes_alone(tmp_path: Path) -> None:
    manifest = tmp_path / "vm.yaml"
    head = "apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {name: a}\nspec: {domain: {devices: {video: "
    manifest.write_text(head + "[{name: v, type: virtio, resolution: {x: 800, 'y': 600}}]}}}\n")
    made = vmconfig("expand", str(manifest))
    assert made.returncode == 0, made.stdout
    assert "'y': 600" in made.stdout
    assert "name: v" in made.stdout
    assert "'name'" not in made.stdout
    manifest.write_text(head + "[{name: v, type: virtio, resolution: {x: 800, y: 600}}]}}}\n")
    refused = vmconfig("expand", str(manifest))
    assert refused.returncode == 1
    assert "`y` is a boolean to kubectl" in refused.stderr


def test_crd_prints_all_definitions() -> None:
    for output, load in (("text", yaml.safe_load_all), ("json", json.loads), ("yaml", yaml.safe_load_all)):
        made: Any = load(vmconfig("crd", "-o", output).stdout)  # type: ignore[operator]
        names = [crd["metadata"]["name"] for crd in made]
        assert names == [
            "vmdefinitions.kubevirt.io",
            "virtualmachineconfigs.kubevirt.io",
            "vmdefinitionsnapshots.kubevirt.io",
        ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", ":2:1"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("a: [\n", "YAML"),
        ("", "holds no VM"),
        ("kind: Pod\n", "kind"),
        ("- 1\n", "no object"),
        ("\x01", "YAML"),
    ],
)
def test_what_is_no_manifest_is_a_finding(text: str, said: str) -> None:
    done = vmconfig("check", "-o", "json", "-", text=text)
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)
    assert findings
    assert said in json.dumps(findings)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [[], ["expand"], ["expand", "/does/not/exist"], ["fly", "x"], ["check", "-o", "xml", "x"], ["explain", "x"]],
)
def test_a_wrong_call_exits_with_two(arguments: list[str]) -> None:
    done = vmconfig(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_site_and_a_level_are_taken(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("machines: {q35: pc-q35-8.2}\n")
    done = vmconfig("expand", "--site", str(site), "-o", "json", str(EXAMPLE))
    assert json.loads(done.stdout)["spec"]["domain"]["os"]["type"]["machine"] == "pc-q35-8.2"
    restricted = json.loads(vmconfig("check", "-o", "json", str(REFUSED)).stdout)
    privileged = json.loads(vmconfig("check", "--level", "privileged", "-o", "json", str(REFUSED)).stdout)
    assert 0 < len(privileged) < len(restricted)


def test_what_is_wrong_with_a_site_file_is_told_by_its_keys(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("graphics: vncc\nmachine: {q35: pc-q35-8.2}\n")
    done = vmconfig("check", "--site", str(site), str(EXAMPLE))
    assert done.returncode == 2
    assert "vmconfig: site.yaml.graphics: input should be '', 'vnc' or 'spice'\n" in done.stderr
    assert "\nsite.yaml.machine: " in done.stderr
    assert "a site file has `machines`, `nodeMachines`, `graphics`, `domainType`, `ruleSet`" in done.stderr
    assert "pydantic" not in done.stderr


def test_every_verb_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(found()) > 12
    assert [verb.words for verb in found() if f"    vmconfig {verb.words} " not in readme] == []


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m webhook.cli crd | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
