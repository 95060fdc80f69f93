"""What the rules of consistency refuse, libvirt refuses too; what their help leads to, it takes."""

from __future__ import annotations

import pytest

from tests.consistency.followed_cases import CASES
from tests.consistency.vms import checked, context, vm
from tests.oracle.hypervisor import Hypervisor
from webhook.libvirt.xml.render import render
from webhook.trees import Tree

SITE = context()


def rendered(case: Tree, which: str) -> str:
    domain, _ = checked(vm(case.get("machine", "q35"), case[which]), SITE)
    assert domain is not None
    return render(domain, "vm")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_libvirt_refuses_what_does_not_fit(case: Tree, hypervisor: Hypervisor) -> None:
    _, findings = checked(vm(case.get("machine", "q35"), case["domain"]), SITE)
    if any(finding.rule == "numa" for finding in findings):
        pytest.skip("libvirt 9.0 frees what it never had where it refuses NUMA cells, and ends the process later")
    xml = rendered(case, "domain")
    if "beyond" in case:
        return
    with pytest.raises(hypervisor.libvirt.libvirtError):
        hypervisor.completed(xml)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["twin"])
def test_libvirt_takes_what_the_help_leads_to(case: Tree, hypervisor: Hypervisor) -> None:
    assert hypervisor.completed(rendered(case, "followed"))
