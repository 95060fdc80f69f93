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
    forbid: {{path: vmi.domain.memory.guest}}
{condition}...
"""


def loaded(folder: Path, condition: str) -> Policies:
    made = Path(shutil.copytree(shipped(), folder / "policies"))
    (made / "site.yaml").write_text(POLICY.format(condition=condition))
    return Policies(made, apis(with_kubevirt=True))


def test_what_a_requester_writes_is_no_condition_of_an_object_that_nobody_completes(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        loaded(tmp_path, "    when: {stated: true}\n")
    (finding,) = caught.value.findings
    assert finding.problem == "rule `site/own` has `stated`, which is known of our own VMs alone"
    assert finding.help


def test_the_same_rule_without_it_loads(tmp_path: Path) -> None:
    assert "site" in {policy.name for policy in loaded(tmp_path, "").all}
