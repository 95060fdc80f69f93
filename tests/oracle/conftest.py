"""The real libvirt, once a session; and VMs made complete as the webhook makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.hypervisor import Hypervisor
from webhook.admission.offline import expand_object
from webhook.admission.world import World
from webhook.features.platform import Site
from webhook.kinds.spec import places
from webhook.policy import Policies

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def hypervisor(schemas: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hypervisor]:  # noqa: ARG001
    """libvirt's QEMU driver in this process, under emulation."""
    started = Hypervisor(tmp_path_factory.mktemp("libvirt"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def complete() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Makes a spec's domain complete; an assertion fails where the webhook would refuse the VM."""
    world = World(policies=Policies(ROOT / "policies", places()), site=Site(domain_type="qemu"))

    def completed(spec: dict[str, Any]) -> dict[str, Any]:
        vm = {
            "apiVersion": "kubevirt.io/v1alpha1",
            "kind": "VM",
            "metadata": {"name": "vm", "namespace": "tenant"},
            "spec": spec,
        }
        made, findings, _ = expand_object(vm, world)
        assert [str(finding) for finding in findings] == []
        assert made is not None
        domain: dict[str, Any] = made["spec"]["domain"]
        return domain

    return completed
