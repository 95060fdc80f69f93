"""What of a VM of KubeVirt's has another form than KubeVirt's is named, part by part, by every verb that reads it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubevirt.edits import machine
from webhook.cli import main
from webhook.kubevirt.starting.forms import malformed, well_formed
from webhook.trees import Tree

DOMAIN = "spec.template.spec.domain"

# Where something else is put, what, the path that is told and the problem.
WRONG: list[tuple[tuple[str | int, ...], Any, str, str]] = [
    (("metadata",), [], "metadata", "is a list, expected an object"),
    (("spec",), {}, "spec.template", "is missing, expected an object"),
    (("spec", "template"), 7, "spec.template", "is a number, expected an object"),
    (("spec", "template", "metadata"), "a", "spec.template.metadata", "is a string, expected an object"),
    (
        ("spec", "template", "metadata"),
        {"annotations": {"a.b/c": 1}},
        "spec.template.metadata.annotations[a.b/c]",
        "is a number, expected a text",
    ),
    (("domain", "machine"), 7, f"{DOMAIN}.machine", "is a number, expected an object"),
    (("domain", "machine", "type"), 7, f"{DOMAIN}.machine.type", "is a number, expected a text"),
    (("domain", "devices"), [], f"{DOMAIN}.devices", "is a list, expected an object"),
    (("domain", "devices", "disks"), 3, f"{DOMAIN}.devices.disks", "is a number, expected a list"),
    (("domain", "devices", "disks", 1), "b", f"{DOMAIN}.devices.disks[1]", "is a string, expected an object"),
    (("domain", "devices", "disks", 1, "name"), 3, f"{DOMAIN}.devices.disks[1].name", "is a number, expected a text"),
    (("domain", "devices", "disks", 1, "name"), "disk0", f"{DOMAIN}.devices.disks[1].name", "is already the name of"),
    (("domain", "devices", "disks", 1, "disk", "bus"), 7, f"{DOMAIN}.devices.disks[1].disk.bus", "expected a text"),
    (("domain", "devices", "interfaces", 0, "model"), {}, f"{DOMAIN}.devices.interfaces[0].model", "is an object"),
    (("domain", "devices", "rng"), True, f"{DOMAIN}.devices.rng", "expected an object"),
    (("volumes",), {}, "spec.template.spec.volumes", "is an object, expected a list"),
]


def put(keys: tuple[str | int, ...], value: Any) -> Tree:
    vm: Any = copy.deepcopy(machine(1, ("virtio", "virtio")))
    holder = vm if keys[0] in ("metadata", "spec") else vm["spec"]["template"]["spec"]
    for key in keys[:-1]:
        holder = holder[key]
    holder[keys[-1]] = value
    return dict(vm)


@pytest.mark.parametrize(("keys", "value", "path", "problem"), WRONG, ids=[path for _, _, path, _ in WRONG])
def test_the_part_of_another_form_is_named(keys: tuple[str | int, ...], value: Any, path: str, problem: str) -> None:
    [found] = malformed(put(keys, value))
    assert (found.path, problem in found.problem) == (path, True)
    assert found.help


def test_all_parts_are_named_at_once_and_a_vm_as_kubevirt_has_it_has_none() -> None:
    vm = put(("domain", "devices", "disks", 0, "disk", "bus"), 7)
    vm["spec"]["template"]["spec"]["networks"] = 1
    assert [one.path for one in malformed(vm)] == [
        "spec.template.spec.networks",
        f"{DOMAIN}.devices.disks[0].disk.bus",
    ]
    assert well_formed(machine(2))


@pytest.mark.parametrize("verb", [("freeze",), ("convert",), ("audit", "--kubevirt")], ids=" ".join)
def test_every_verb_names_the_part(verb: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vm.yaml"
    file.write_text(yaml.safe_dump(put(("domain", "devices", "disks"), 3)))
    assert main([*verb, str(file)]) == 1
    said = capsys.readouterr()
    told = said.out + said.err
    assert f"{DOMAIN}.devices.disks" in told
    assert "is a number, expected a list" in told
