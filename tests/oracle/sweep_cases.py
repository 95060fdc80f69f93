"""The sweep: whatever check passes, the real libvirt defines, and QEMU starts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.consistency.vms import checked, context
from tests.oracle import boot, sweep
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.schema import Schema
from webhook.libvirt.xml.render import render
from webhook.trees import Tree

VMS, STARTED = 2000, 60
EXCUSED = yaml.safe_load(Path(__file__).with_name("sweep_excused.yaml").read_text())
SITE = context()


@pytest.fixture(scope="module")
def candidates(schema: Schema) -> list[sweep.Candidate]:
    return list(sweep.candidates(VMS, sweep.spots(schema.places())))


def passed(candidate: sweep.Candidate) -> Tree | None:
    """The domain as it would be stored, where check passes it and nothing in it is excused."""
    if any(_excused(change) for change in candidate.changes):
        return None
    domain, findings = checked(candidate.vm(), SITE)
    return None if findings else domain


def _excused(change: sweep.Change) -> bool:
    return any(row["path"] == change.spot.path and change.value in row.get("values", [change.value]) for row in EXCUSED)


def refusal(candidate: sweep.Candidate, hypervisor: Hypervisor) -> str:
    """What libvirt says of a VM that check passes; nothing where it defines it, or where check refuses it."""
    domain = passed(candidate)
    if domain is None:
        return ""
    try:
        hypervisor.completed(render(domain, "vm"))
    except hypervisor.libvirt.libvirtError as error:
        return str(error).strip()
    return ""


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_libvirt_defines_whatever_check_passes(candidates: list[sweep.Candidate], hypervisor: Hypervisor) -> None:
    found = {}
    for candidate in candidates:
        if refusal(candidate, hypervisor):
            least = sweep.shrunk(candidate, lambda smaller: bool(refusal(smaller, hypervisor)))
            found[str(least)] = refusal(least, hypervisor)
    assert found == {}


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_qemu_starts_what_libvirt_defines(candidates: list[sweep.Candidate], hypervisor: Hypervisor) -> None:
    def fails(candidate: sweep.Candidate) -> bool:
        return bool(start(candidate, hypervisor))

    found = {}
    for candidate in startable(candidates):
        if fails(candidate):
            least = sweep.shrunk(candidate, fails)
            found[str(least)] = start(least, hypervisor)
    assert found == {}


def startable(candidates: list[sweep.Candidate]) -> Iterator[sweep.Candidate]:
    """The first of those that this host has everything for."""
    count = 0
    for candidate in candidates:
        domain = passed(candidate)
        if domain is not None and can_start(domain):
            yield candidate
            count += 1
        if count == STARTED:
            return


def can_start(domain: Tree) -> bool:
    """Whether a domain needs nothing that the tests' host has not: KVM and its TSC, vhost, devices and folders."""
    devices = domain["devices"]
    needs_kvm = any(feature["feature"] == "hyperv" for feature in domain.get("features", ()))
    needs_tsc = any("frequency" in timer for timer in domain.get("clock", ()))
    iommu = devices.get("iommu", {}).get("driver", {}).get("eim")
    nics = any("mtu" in nic for nic in devices.get("interfaces", ()))
    return not (needs_kvm or needs_tsc or iommu or nics or "emulator" in domain or _OF_THE_HOST & devices.keys())


_OF_THE_HOST = frozenset({"hostdevs", "filesystems", "shmems", "vsock"})


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """For the images of all machines; gone with the process."""
    return tempfile.TemporaryDirectory(prefix="sweep")


def start(candidate: sweep.Candidate, hypervisor: Hypervisor) -> str:
    """What a paused start of a VM says; nothing where it starts, or may not."""
    domain = passed(candidate)
    if domain is None or not can_start(domain):
        return ""
    try:
        with boot.running(domain, hypervisor, Path(_folder().name)):
            return ""
    except hypervisor.libvirt.libvirtError as error:
        return str(error).strip()[-400:]


def test_a_candidate_is_shrunk_to_what_fails() -> None:
    spots = sweep.spots({"/domain/devices/disk/wwn", "/domain/devices/rng/@model"})
    changes = tuple(sweep.Change(spot, "x", 0) for spot in spots)
    whole = sweep.Candidate("q35", ({"devices": {}},), changes)
    least = sweep.shrunk(whole, lambda some: any(change.spot.path.endswith("wwn") for change in some.changes))
    assert ([change.spot.path for change in least.changes], least.pieces) == (["domain.devices.disks[*].wwn"], ())


def test_every_frontend_field_has_its_turn(candidates: list[sweep.Candidate], schema: Schema) -> None:
    said = {change.spot.path for candidate in candidates for change in candidate.changes}
    assert {spot.path for spot in sweep.spots(schema.places())} - said == set()


def test_the_same_vms_are_made_each_time(candidates: list[sweep.Candidate], schema: Schema) -> None:
    again = sweep.candidates(20, sweep.spots(schema.places()))
    assert list(map(str, again)) == list(map(str, candidates[:20]))
