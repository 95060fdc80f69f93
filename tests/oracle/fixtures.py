"""Fixtures of the real libvirt: its schema, and the newer libvirt's places."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle import newer
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
