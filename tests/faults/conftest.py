"""Clusters that are not as they should be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.service import free_port


@pytest.fixture
def silent_cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of an API server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        yield _kubeconfig(tmp_path / "silent", silent.getsockname()[1])


@pytest.fixture
def absent_cluster(tmp_path: Path) -> Path:
    """The kubeconfig of an API server that is not there."""
    return _kubeconfig(tmp_path / "absent", free_port())


def _kubeconfig(path: Path, port: int) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
        "users": [{"name": "user", "user": {"token": "a-token"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
        "current-context": "test",
    }
    path.write_text(yaml.safe_dump(config))
    return path
