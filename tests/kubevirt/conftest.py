"""The judge, once a session, and what a VM becomes with it; the shipped policies on KubeVirt's machines, by level."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kubevirt.guest_places import Places, places
from tests.kubevirt.kubevirt import KubeVirt
from tests.kubevirt.launcher import boot
from tests.oracle.hypervisor import Hypervisor
from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext, KubeVirtSettings
from webhook.policy import Policies, shipped
from webhook.policy.language.model import LABELS
from webhook.trees import Tree

Boots = Callable[[Tree], Places]
Of = Callable[..., AdmissionContext]


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


@pytest.fixture(scope="session")
def policies() -> Policies:
    return Policies(shipped(), apis(with_kubevirt=True))


@pytest.fixture(scope="session")
def context(policies: Policies) -> Of:
    """The context of namespaces of a level, with further labels."""

    def of(level: str = "restricted", mode: str = "enforce", **labels: str) -> AdmissionContext:
        known = {LABELS["enforce"]: level, **{f"vmconfig.kubevirt.io/{name}": value for name, value in labels.items()}}
        return AdmissionContext(policies, labels=lambda _: known, kubevirt=KubeVirtSettings(mode))

    return of
