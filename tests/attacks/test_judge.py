"""The judge can fail: it sees every field that is the host's, each row of its table, and holes that are made for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.attacks.admitting import CREATED, PAST_MUTATION, admitted
from tests.attacks.judge import judged, objections
from tests.attacks.manifests import BASES, HERE, POLICIES, context, spec_of
from tests.attacks.planting import ALL, possible, put
from webhook.admission.context import AdmissionContext
from webhook.declare import Backend, DeclaredField, Frontend, text
from webhook.kinds import declared_fields
from webhook.policy import Policies

TABLE = yaml.safe_load((HERE / "host_places.yaml").read_text())
FILE = "domain.devices.disks[*].source.file"
# A thread of the VM's own, by its number: the service gives devices theirs, and policies alone say who else may.
OWN_THREADS = frozenset({"domain.devices.disks[*].driver.iothread", "domain.devices.controllers[*].driver.iothread"})
# A field that makes sense beside one value of another alone.
BESIDE = {"domain.features[*].tbCache": ("domain.features[*].feature", "tcg")}


def backends() -> Iterator[tuple[DeclaredField, list[Any]]]:
    """Every place of a domain that can hold something of the host, and such values."""
    for place in ALL:
        scalar = place.field.scalar
        if scalar is None or not place.path.startswith("domain."):
            continue
        own = isinstance(place.field.field_class, Backend) or not isinstance(place.field_class, Backend)
        values = [
            value
            for value in possible(scalar.schema)
            if isinstance(place.field.class_of_value(value) if own else place.field_class, Backend)
            and scalar.check(value) is None
            and not (scalar.presence and value is False)
        ]
        if values or isinstance(place.field_class, Backend):
            yield place, values


def test_the_judge_objects_to_every_field_that_is_the_hosts() -> None:
    unseen = []
    for place, values in backends():
        if place.path in OWN_THREADS:
            continue
        for value in values:
            spec = spec_of("pc", {}, complete=True)
            if place.path in BESIDE:
                put(spec, *BESIDE[place.path], 0)
            put(spec, place.path, value, 0)
            if objections(spec["domain"], "web-1"):
                break
        else:
            unseen.append(place.path)
    assert unseen == []


@pytest.mark.parametrize("base", BASES)
def test_the_judge_has_nothing_against_an_honest_machine(base: str) -> None:
    assert objections(spec_of(base, {}, complete=True)["domain"], "web-1") == []


@pytest.mark.parametrize("kind", ["never", "empty", "closed"])
def test_every_row_of_the_table_can_object(kind: str) -> None:
    """No row is shadowed by another, and none is about an element that it cannot find."""
    silent = []
    for row in TABLE[kind]:
        root = node = ElementTree.Element("domain")
        arch, _, own = row.rpartition("domain/")
        if arch:
            ElementTree.SubElement(ElementTree.SubElement(root, "os"), "type", arch=arch.strip("/"))
        for tag in (own or row).split("/") if row != "domain" else ():
            node = ElementTree.SubElement(node, "anything" if tag == "*" else tag)
        if kind != "never":
            node.set("unheard-of", "x")
        if not any(row.rpartition("/")[2].replace("*", "anything") in line for line in judged(root)):
            silent.append(row)
    assert silent == []


def test_the_judge_sees_what_a_policy_lets_through(tmp_path: Path) -> None:
    shutil.copytree(POLICIES, tmp_path / "policies")
    hole = {
        "apiVersion": "policy.vmconfig.kubevirt.io/v1",
        "kind": "Policy",
        "metadata": {"name": "hole"},
        "rules": [{"name": "open", "permit": {"class": "host-path"}}],
    }
    (tmp_path / "policies" / "hole.yaml").write_text(f"{yaml.safe_dump(hole)}...\n")
    spec = spec_of("pc", {}, complete=False)
    put(spec, FILE, "/etc/shadow", 0)
    final = admitted(spec, CREATED, AdmissionContext(Policies(tmp_path / "policies", declared_fields())))
    assert final is not None
    assert objections(final["domain"], "web-1") == ["domain/devices/disk/source/@file is `/etc/shadow`"]


def test_the_judge_sees_what_a_wrong_declaration_lets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    field = declared_fields()[FILE].field
    monkeypatch.setattr(field, "field_class", Frontend())
    monkeypatch.setattr(field, "plain", True)
    spec = spec_of("pc", {}, complete=True)
    put(spec, FILE, "/etc/shadow", 0)
    final = admitted(spec, PAST_MUTATION, context())
    assert final is not None
    assert objections(final["domain"], "web-1") == ["domain/devices/disk/source/@file is `/etc/shadow`"]


def test_the_judge_sees_what_a_loose_pattern_lets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "domain.devices.disks[*].claim"
    monkeypatch.setattr(declared_fields()[path].field, "scalar", text())
    spec = spec_of("pc", {}, complete=True)
    put(spec, path, "../../../../etc", 0)
    final = admitted(spec, PAST_MUTATION, context())
    assert final is not None
    assert "/../../../../etc/" in "".join(objections(final["domain"], "web-1"))


@pytest.mark.parametrize(
    ("path", "value", "seen"),
    [
        ("domain.fwCfg.entries[*].value", ",file=/etc/shadow", "domain/sysinfo/entry holds `,file=/etc/shadow`"),
        ("domain.cpu.vendorId", "x,model=y", "domain/cpu/model/@vendor_id is `x,model=y`"),
        ("domain.devices.channels[*].target.name", "..", "domain/devices/channel/target/@name is `..`"),
        ("domain.devices.tpm.profile.source", "local:..", "domain/devices/tpm/backend/profile/@source is `local:..`"),
        ("domain.clockOffset.timezone", "../x", "domain/clock/@timezone is `../x`"),
    ],
)
def test_the_judge_sees_a_text_that_becomes_an_option_or_a_path(
    path: str, value: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared_fields()[path].field, "scalar", text())
    spec = spec_of("pc", {}, complete=True)
    put(spec, path, value, 0)
    assert seen in objections(spec["domain"], "web-1")


def test_the_judge_sees_a_text_where_only_the_guest_should_read_it() -> None:
    spec = spec_of("pc", {}, complete=True)
    put(spec, "domain.cpu.vendor", "planted", 0)
    assert objections(spec["domain"], "web-1") == []
    assert objections(spec["domain"], "web-1", ["planted"]) == ["domain/cpu/vendor has `planted`"]
