"""Files of KubeVirtPolicies as they are loaded: what can never decide there is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from webhook.admission.apis import apis
from webhook.findings import Refused
from webhook.policy import Policies, shipped

POLICY = """apiVersion: policy.vmconfig.kubevirt.io/v1
kind: KubeVirtPolicy
metadata: {{name: site}}
rules:
  - name: own
    forbid: {{{selected}}}
{condition}...
"""


def loaded(folder: Path, condition: str, selected: str = "path: vmi.domain.memory.guest") -> Policies:
    made = Path(shutil.copytree(shipped(), folder / "policies"))
    (made / "site.yaml").write_text(POLICY.format(condition=condition, selected=selected))
    return Policies(made, apis(with_kubevirt=True))


def test_what_a_requester_writes_is_no_condition_of_an_object_that_nobody_completes(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        loaded(tmp_path, "    when: {stated: true}\n")
    (finding,) = caught.value.findings
    assert finding.problem == "rule `site/own` has `stated`, which is known of our own VMs alone"
    assert finding.help


def test_the_same_rule_without_it_loads(tmp_path: Path) -> None:
    assert "site" in {policy.name for policy in loaded(tmp_path, "").all}


@pytest.mark.parametrize("total", ["vcpus", "cpus"])
def test_a_total_is_refused_with_what_can_be_limited_here(tmp_path: Path, total: str) -> None:
    with pytest.raises(Refused) as caught:
        loaded(tmp_path, "    when: {above: 4}\n", f"total: {total}")
    (finding,) = caught.value.findings
    assert finding.problem == "there are no totals of what this policy is about"
    assert finding.help.startswith("limit a field: name its `path`, and write `when: {above: …}`")


@pytest.mark.parametrize(
    ("path", "limit"), [("vmi.domain.cpu.cores", "above: 4"), ('"vmi.domain.devices.disks[*]"', "count-above: 4")]
)
def test_a_limit_of_a_field_as_its_help_says_loads(tmp_path: Path, path: str, limit: str) -> None:
    assert "site" in {policy.name for policy in loaded(tmp_path, f"    when: {{{limit}}}\n", f"path: {path}").all}


@pytest.mark.parametrize(
    ("kind", "path", "help"),
    [
        ("Policy", "vmi.domain.memory.guest", "write the rule in one of `kind: KubeVirtPolicy`"),
        ("Policy", "vmi.domain.nothing.like.it", "write the rule in one of `kind: KubeVirtPolicy`"),
        ("KubeVirtPolicy", "features.tpm", "write the rule in one of `kind: Policy`"),
        ("KubeVirtPolicy", "domain.memory.guest", "did you mean `vmi.domain.memory.guest`?"),
        ("KubeVirtPolicy", "vmi.domain.memroy.guest", "did you mean `vmi.domain.memory.guest`?"),
    ],
)
def test_a_path_of_the_other_kind_leads_to_it(tmp_path: Path, kind: str, path: str, help: str) -> None:
    made = Path(shutil.copytree(shipped(), tmp_path / "policies"))
    text = POLICY.format(condition="", selected=f"path: {path}").replace("KubeVirtPolicy", kind)
    (made / "site.yaml").write_text(text)
    with pytest.raises(Refused) as caught:
        Policies(made, apis(with_kubevirt=True))
    (finding,) = caught.value.findings
    assert finding.problem == f"path `{path}` is not declared"
    assert finding.help.endswith(help)
