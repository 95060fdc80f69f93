"""VMs made complete as the webhook makes them, and what the real libvirt keeps of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.hypervisor import Hypervisor
from tests.oracle.matrix import vms
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.expand.pipeline import expand, extend
from webhook.features.platform import Site
from webhook.kinds.spec import declared_fields
from webhook.libvirt.xml.render import render
from webhook.policy import Policies

ROOT = Path(__file__).parents[2]
PRIVILEGED = {"vmconfig.kubevirt.io/enforce": "privileged"}


@pytest.fixture(scope="session")
def context() -> AdmissionContext:
    """An emulated site whose admin permits all that can be permitted: here it is libvirt that judges."""
    policies = Policies(ROOT / "policies", declared_fields())
    return AdmissionContext(policies=policies, site=Site(domain_type="qemu"), labels=lambda _: PRIVILEGED)


@pytest.fixture(scope="session")
def complete(context: AdmissionContext) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Makes a spec's domain complete; an assertion fails where the webhook would refuse the VM."""

    def completed(spec: dict[str, Any]) -> dict[str, Any]:
        vm = {
            "apiVersion": "kubevirt.io/v1alpha1",
            "kind": "VM",
            "metadata": {"name": "vm", "namespace": "tenant"},
            "spec": spec,
        }
        made, findings, _ = expand_object(vm, context)
        assert [str(finding) for finding in findings] == []
        assert made is not None
        domain: dict[str, Any] = made["spec"]["domain"]
        return domain

    return completed


@pytest.fixture(scope="session")
def kept(
    hypervisor: Hypervisor, complete: Callable[[dict[str, Any]], dict[str, Any]]
) -> Callable[[str], list[tuple[dict[str, Any], str, str]]]:
    """The VMs of a machine: the tenant's words, the XML that is rendered, and the one that libvirt keeps."""

    @cache
    def of(machine: str) -> list[tuple[dict[str, Any], str, str]]:
        rendered = [(features, render(complete({"features": features}), "vm")) for features in vms(machine)]
        return [(features, xml, hypervisor.completed(xml)) for features, xml in rendered]

    return of


@pytest.fixture(scope="session")
def store(context: AdmissionContext) -> Callable[..., dict[str, Any]]:
    """A spec as it is stored: on create, or, with the stored one, on update."""

    def stored(spec: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
        made = expand(spec, context, "spec") if before is None else extend(spec, before, context, "spec")
        return made.spec

    return stored
