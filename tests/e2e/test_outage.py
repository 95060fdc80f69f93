"""With the webhook gone nothing gets in; with it back everything goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.e2e.conftest import Tenant
from tests.e2e.service import Service, install, serving
from tests.e2e.test_life import features, machine


def test_a_create_is_refused_while_the_webhook_is_down(
    cluster: Cluster, service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    try:
        with serving(tmp_path) as other:
            install(cluster, other)
            assert tenant.create(machine("VM", "before", features()))["spec"]["domain"]
            port = other.port
        down = tenant.kubectl("create", "-f", "-", manifest=machine("VM", "during", features()), check=False)
        assert down.returncode != 0
        assert "failed calling webhook" in down.stderr
        assert tenant.kubectl("get", "vmd", "during", check=False).returncode != 0
        tenant.kubectl("delete", "vmd", "before")
        with serving(tmp_path, port):
            assert tenant.create(machine("VM", "after", features()))["spec"]["domain"]
    finally:
        install(cluster, service)
    if service.process.poll() is not None:
        pytest.fail(f"the suite's own service died:\n{service.log()}")
