"""The test cluster as a fixture: started by the first test that asks for it, one for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real API server with an empty etcd."""
    with running(tmp_path_factory.mktemp("cluster")) as started:
        yield started
