"""One API server without webhooks for these tests: the suite's shared one has the chart's, and would answer first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import running
from tests.policy.vap.api_server import Outage, exported
from webhook.kinds import declared_fields
from webhook.policy import Engine, Loading, load, shipped


@pytest.fixture(scope="session")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    with running(tmp_path_factory.mktemp("outage")) as cluster, cluster.client() as client:
        made = Outage(cluster, client)
        made.prepare()
        yield made


@pytest.fixture(scope="module")
def shipped_only(outage: Outage) -> Engine:
    """The shipped policies, in force on the API server; the engine that is asked beside it."""
    loaded = load(shipped(), Loading(declared_fields()))
    outage.put(exported(loaded))
    return loaded.engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for policy files."""
    made = tmp_path / "policies"
    made.mkdir()
    return made
