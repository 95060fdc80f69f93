"""Fixtures of the real libvirt: its schema, the driver itself, and the newer libvirt's places."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracle import newer
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.schema import Schema
from tests.packages import need

SCHEMAS = Path("/usr/share/libvirt/schemas")


@pytest.fixture(scope="session")
def schemas() -> Path:
    """A machine that has libvirt and QEMU, as its folder of schemas; skipped where they are not installed."""
    need("libvirt")
    return SCHEMAS


@pytest.fixture(scope="session")
def schema(schemas: Path) -> Schema:
    """The schema of the libvirt that is installed here."""
    return Schema(schemas)


@pytest.fixture(scope="session")
def newer_places(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The places of a much newer libvirt."""
    return newer.places(tmp_path_factory.mktemp("newer"))


@pytest.fixture(scope="session")
def hypervisor(schemas: Path) -> Iterator[Hypervisor]:  # noqa: ARG001
    """libvirt's QEMU driver in this process, under emulation; its sockets' paths have to be short."""
    with tempfile.TemporaryDirectory(prefix="lv") as folder:
        started = Hypervisor(Path(folder))
        yield started
        started.close()
