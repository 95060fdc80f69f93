"""Files of KubeVirtPolicies as they are loaded: what can never decide there is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.kubevirt import quantities
from webhook.admission.apis import apis
from webhook.admission.kubevirt import judged_object
from webhook.findings import Refused
from webhook.policy import Engine, Policies, Request, shipped
from webhook.trees import Tree

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


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The shipped policies and limits on quantities."""
    made = Path(shutil.copytree(shipped(), tmp_path_factory.mktemp("limited") / "policies"))
    (made / "site.yaml").write_text(quantities.POLICY.replace("NAMESPACE", "team"))
    engine = Policies(made, apis(with_kubevirt=True)).kubevirt
    assert engine is not None
    return engine


def rules(engine: Engine, part: Tree) -> set[str]:
    """The rules that refuse a machine."""
    found = judged_object(engine, Request(namespace="team"), quantities.machine(part)).findings
    return {finding.rule.partition(" ")[0] for finding in found}


@pytest.mark.parametrize(("part", "rule"), quantities.REFUSED, ids=str)
def test_a_quantity_beyond_a_limit_is_refused_however_it_is_written(limited: Engine, part: Tree, rule: str) -> None:
    assert rules(limited, part) == {f"amounts/{rule}"}


@pytest.mark.parametrize("part", quantities.TAKEN, ids=str)
def test_a_quantity_within_a_limit_is_not_refused(limited: Engine, part: Tree) -> None:
    assert rules(limited, part) == set()


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("above: lots", "above is `lots`, expected a quantity like `4Gi` or `500m`, or a whole number of bytes "
         "or cores"),
        ("in: [8Gi, lots]", "in names what the field never has: `lots` is no quantity like `4Gi` or `500m`"),
        ("in: [8Gi, 8192Mi]", "in names `8192Mi` twice"),
        ("in: [true]", "in names what the field never has: `true` is true or false (as are `yes`, `no`, `on` and `off` "
         "in YAML), expected a quantity like `4Gi` or `500m`"),
    ],
)  # fmt: skip
def test_a_limit_that_is_no_quantity_is_refused(tmp_path: Path, when: str, problem: str) -> None:
    with pytest.raises(Refused) as caught:
        loaded(tmp_path, f"    when: {{{when}}}\n")
    assert [finding.problem for finding in caught.value.findings] == [problem]
