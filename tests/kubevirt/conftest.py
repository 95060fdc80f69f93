"""The judge, once a session, and what a VM becomes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kubevirt.guest_places import Places, places
from tests.kubevirt.kubevirt import KubeVirt, Tree
from tests.kubevirt.launcher import boot
from tests.oracle.hypervisor import Hypervisor

Boots = Callable[[Tree], Places]


@pytest.fixture(scope="session")
def kubevirt(schemas: object) -> Iterator[KubeVirt]:  # noqa: ARG001
    """The newest KubeVirt's own code."""
    judge = KubeVirt()
    yield judge
    judge.close()


@pytest.fixture(scope="session")
def booted(kubevirt: KubeVirt, hypervisor: Hypervisor) -> Boots:
    """Where the guest of a stored VM finds its devices when it starts."""
    return lambda vm: places(boot(kubevirt, hypervisor, vm))
