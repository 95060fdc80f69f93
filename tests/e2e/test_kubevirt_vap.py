"""The exported policies about KubeVirt's machines on a real API server, without the service: it says what we say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster.cluster import Cluster, running
from tests.e2e.test_kubevirt_policy import LEVEL, definition
from tests.kubevirt import quantities
from tests.kubevirt.attack_cases import MACHINE, cases
from tests.kubevirt.objects import around
from tests.kubevirt.test_attacks import expected
from tests.waiting import until
from webhook.kubevirt.api import KINDS
from webhook.kubevirt.api.projection import acting_annotations
from webhook.policy import shipped

# What is left to the webhook: places, families of annotations, those of DataVolumes, fields that nobody knows, and
# bridges by their network.
LEFT = re.compile(
    r"pciAddress|labels\[|new|topology|hostPID|resources\.limits|domain\.features$|\.bridge|metadata\.annotations$"
)
KIND = "VirtualMachine"
# A namespace in which amounts are limited.
LIMITED = "limited"


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    policies = Path(shutil.copytree(shipped(), tmp_path_factory.mktemp("limited") / "policies"))
    (policies / "amounts.yaml").write_text(quantities.POLICY.replace("NAMESPACE", LIMITED))
    command = [sys.executable, "-m", "webhook.cli", "policy", "export", str(policies), "--vap"]
    made = subprocess.run([*command, "--kubevirt", "kubevirt"], capture_output=True, text=True, check=True).stdout
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        definitions = [definition(kind.group, name) for name, kind in KINDS.items() if kind.metadata]
        cluster.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(definitions))
        for each in definitions:
            cluster.wait_established(each["metadata"]["name"])
        for level in ("restricted", "baseline", "privileged"):
            cluster.kubectl("create", "namespace", level)
            cluster.kubectl("label", "namespace", level, f"{LEVEL}={level}")
        cluster.kubectl("create", "namespace", LIMITED)
        cluster.kubectl("apply", "--server-side", "-f", "-", input=made)
        bad = around(KIND, {**MACHINE, "schedulerName": "mine"}, {}, {})
        until(lambda: refused(cluster, [(bad, "restricted")])[0] != "")
        yield cluster


def refused(cluster: Cluster, objects: list[tuple[dict[str, object], str]]) -> list[str]:
    """What the API server says of creations, one a namespace; empty where it takes them."""
    found = []
    with cluster.client() as client:
        for obj, namespace in objects:
            path = f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines?dryRun=All"
            metadata = {"name": "web", "namespace": namespace}
            answer = client.post(path, json={**obj, "metadata": metadata})
            found.append("" if answer.status_code == 201 else answer.json()["message"])
    return found


def is_told(path: str) -> bool:
    """Whether the API server can know of a refused path: of annotations those that have a name of their own."""
    key = re.search(r"annotations\[(.*)\]$", path)
    return key[1] in acting_annotations() if key else not LEFT.search(path)


def test_the_api_server_refuses_what_the_engine_refuses_and_takes_what_it_takes(outage: Cluster) -> None:
    asked = cases()
    answers = refused(outage, [(around(KIND, each.vmi, each.vm, each.metadata), each.level) for each in asked])
    wrong = [
        f"{case.id}: {answer or 'is taken'}"
        for case, answer in zip(asked, answers, strict=True)
        if bool(answer) is not any(is_told(path) for path, _ in expected(KIND, case))
    ]
    assert wrong == []
    assert sum(bool(each) for each in answers) > 100


def test_the_api_server_compares_quantities_as_the_engine_does(outage: Cluster) -> None:
    beyond = [(quantities.machine(part), LIMITED) for part, _ in quantities.REFUSED]
    rules = [f"amounts/{rule}" for _, rule in quantities.REFUSED]
    assert [rule for rule, answer in zip(rules, refused(outage, beyond), strict=True) if rule not in answer] == []
    within = [(quantities.machine(part), LIMITED) for part in quantities.TAKEN]
    assert [answer for answer in refused(outage, within) if answer] == []
    elsewhere = [(obj, "restricted") for obj, _ in beyond]
    assert [answer for answer in refused(outage, elsewhere) if answer] == []


def test_kubevirts_controllers_pass_here_too(outage: Cluster) -> None:
    outage.kubectl(
        "create", "clusterrolebinding", "all", "--clusterrole=cluster-admin", "--group=system:serviceaccounts"
    )
    bad = yaml.safe_dump({**around(KIND, {**MACHINE, "schedulerName": "mine"}, {}, {}), "metadata": {"name": "web"}})
    flags = ["-n", "restricted", "create", "--dry-run=server", "-f", "-", "--as-group=system:serviceaccounts"]
    users = [f"--as=system:serviceaccount:kubevirt:{name}" for name in ("kubevirt-controller", "kubevirt-apiserver")]
    assert [outage.kubectl(*flags, user, input=bad, check=False).returncode == 0 for user in users] == [True, False]


def test_what_is_stored_stays_as_it_is_and_may_go(outage: Cluster) -> None:
    disk = {"name": "node", "hostDisk": {"path": "/data/disk.img", "type": "Disk"}}
    spec = {**MACHINE, "schedulerName": "mine", "volumes": [*MACHINE["volumes"], disk]}
    controller = ["--as=system:serviceaccount:kubevirt:kubevirt-controller", "--as-group=system:serviceaccounts"]
    stored = {**around(KIND, spec, {}, {}), "metadata": {"name": "stored"}}
    outage.kubectl("-n", "restricted", "create", "-f", "-", *controller, input=yaml.safe_dump(stored))
    for changed in ({**spec, "architecture": "amd64"}, {**spec, "schedulerName": ""}, MACHINE):
        obj = {**around(KIND, changed, {}, {}), "metadata": {"name": "stored"}}
        text = yaml.safe_dump(obj)
        done = outage.kubectl("-n", "restricted", "replace", "--dry-run=server", "-f", "-", input=text, check=False)
        assert done.returncode == 0, done.stderr
    moved = {**around(KIND, {**spec, "schedulerName": "other"}, {}, {}), "metadata": {"name": "stored"}}
    done = outage.kubectl("-n", "restricted", "replace", "-f", "-", input=yaml.safe_dump(moved), check=False)
    assert "kubevirt.vmi.schedulerName (placement)" in done.stderr
