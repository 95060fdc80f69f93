"""An admin's day on a real API server: install, choose a level, edit a rule, see an exception end, diff, audit."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.audit.conftest import REPORTS_CRD
from tests.clock import DAY, Clock
from tests.cluster.cluster import Cluster, running
from tests.e2e.service import POLICIES, RELEASE, ROOT, Service, account, install, manifests, serving
from tests.waiting import until

VMS = "/apis/kubevirt.io/v1alpha1/namespaces/{}/vmdefinitions"
SITE = """\
apiVersion: policy.vmconfig.kubevirt.io/v1
kind: Policy
metadata: {name: site}
match: {namespaces: {names: [team-a]}}
rules:
  - name: few-vcpus
    forbid: {total: vcpus}
    when: {above: %s}
exceptions:
  - {rule: baseline/cache-kept, namespaces: [team-a], values: [unsafe], until: %s, owner: storage, ticket: OPS-1}
...
"""


def vm(name: str, *, cache: str = "", vcpus: int = 1) -> dict[str, Any]:
    disk = {"name": "root", "claim": "root", **({"driver": {"cache": cache}} if cache else {})}
    features = {"system": {"type": "debian", "version": "12"}, "cpu": {"count": vcpus, "max": vcpus}}
    spec = {"features": features, "domain": {"devices": {"disks": [disk]}}}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": name}, "spec": spec}


@dataclass
class Day:
    """A cluster with the service installed, and the folder that a kubelet would mount the policies at."""

    cluster: Cluster
    service: Service
    mounted: Path
    until: str
    next_day: Callable[[], None]
    versions: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    def kubectl(self, *args: str, manifest: Any = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        text = manifest if isinstance(manifest, str) or manifest is None else yaml.safe_dump(manifest)
        return self.cluster.kubectl(*args, input=text, check=check)

    def tries(self, namespace: str, obj: dict[str, Any]) -> str:
        """What a dry run of a creation is answered: nothing where it is allowed."""
        done = self.kubectl("-n", namespace, "create", "--dry-run=server", "-f", "-", manifest=obj, check=False)
        return done.stderr if done.returncode else ""

    def edit(self, name: str, text: str) -> str:
        """Edit one file of the policies' ConfigMap as an admin does; what the cluster says where it refuses that."""
        patch = json.dumps({"data": {name: text}})
        done = self.kubectl("-n", RELEASE, "patch", "configmap", POLICIES, "--type=merge", "-p", patch, check=False)
        if done.returncode:
            return done.stderr
        self.mount()
        return ""

    def mount(self) -> None:
        """What a kubelet does with a changed ConfigMap: a new folder, then one swap of the link to it."""
        data = json.loads(self.kubectl("-n", RELEASE, "get", "configmap", POLICIES, "-o", "json").stdout)["data"]
        self.versions += 1
        folder = self.mounted / f"..version-{self.versions}"
        folder.mkdir()
        for name, text in data.items():
            (folder / name).write_text(text)
        os.symlink(folder.name, self.mounted / "..data_tmp")
        os.rename(self.mounted / "..data_tmp", self.mounted / "..data")

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        """Creations, one after another, by two clients while this is entered; each answer is counted."""
        ends = threading.Event()
        threads = [threading.Thread(target=self._create, args=(ends, number)) for number in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ends.set()
            for thread in threads:
                thread.join(30)

    def _create(self, ends: threading.Event, number: int) -> None:
        body = json.dumps(vm(f"load-{number}", vcpus=6))
        deadline = time.monotonic() + 60
        with self.cluster.client() as http:
            while not ends.is_set() and time.monotonic() < deadline:
                answer = http.post(
                    f"{VMS.format('team-a')}?dryRun=All", content=body, headers={"Content-Type": "application/json"}
                )
                refused = answer.status_code == 403 and "site/few-vcpus" in answer.text
                self.answers["created" if answer.status_code == 201 else "refused" if refused else answer.text] += 1

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command, as the admin."""
        command = [sys.executable, "-m", "webhook.cli", *arguments, "--kubeconfig", str(self.cluster.kubeconfig())]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    def read(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.service.url}{path}", verify=self.service.trusted())


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    """The chart installed on a cluster of its own; the service's clock says noon."""
    issue = [sys.executable, "-m", "certs", "issue", "--dir", str(tmp_path / "certs"), "--dns", "localhost"]
    subprocess.run([*issue, "--ip", "127.0.0.1"], check=True, cwd=ROOT, capture_output=True)
    now = datetime.now(UTC)
    noon = (now + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    until_noon = round((noon - now).total_seconds())
    clock = Clock(tmp_path / "clock", until_noon)
    mounted = tmp_path / "mounted"
    shutil.copytree(ROOT / "charts" / "vmconfig" / "files" / "policies", mounted / "..version-0")
    os.symlink("..version-0", mounted / "..data")
    (tmp_path / "cluster").mkdir()
    with running(tmp_path / "cluster") as cluster:
        kubeconfig = account(cluster)
        with monkeypatch.context() as changed:
            for name, value in clock.environment().items():
                changed.setenv(name, value)
            serve = serving(tmp_path, policies=mounted, kubeconfig=kubeconfig)
            service = serve.__enter__()
        try:
            maps = [each for each in manifests(service) if each["kind"] == "ConfigMap"]
            cluster.kubectl("-n", RELEASE, "apply", "-f", "-", input=yaml.safe_dump_all(maps))
            install(cluster, service)
            yield Day(cluster, service, mounted, noon.date().isoformat(), lambda: clock.set(until_noon + DAY))
        finally:
            serve.__exit__(None, None, None)


def test_an_admins_day(day: Day, tmp_path: Path) -> None:
    a_level_is_chosen_by_a_label(day)
    a_rule_is_edited_under_load(day)
    a_bad_edit_is_refused_with_its_line(day)
    a_diff_says_whom_a_policy_would_touch(day, tmp_path)
    an_exception_ends(day)
    an_audit_reports_what_is_stored(day)


def a_level_is_chosen_by_a_label(day: Day) -> None:
    day.kubectl("create", "namespace", "team-a")
    assert "restricted/no-io-tuning" in day.tries("team-a", vm("tuned", cache="none"))
    day.kubectl("label", "namespace", "team-a", "vmconfig.kubevirt.io/enforce=baseline")
    until(lambda: day.tries("team-a", vm("tuned", cache="none")) == "")
    assert "baseline/cache-kept" in day.tries("team-a", vm("tuned", cache="unsafe"))


def a_rule_is_edited_under_load(day: Day) -> None:
    """From eight vCPUs to four while VMs with six are created: each is allowed or refused, none is lost."""
    assert day.edit("site.yaml", SITE % (8, day.until)) == ""
    until(lambda: "site/few-vcpus" in day.tries("team-a", vm("large", vcpus=9)))
    with day.load():
        until(lambda: day.answers["created"] > 20)
        assert day.edit("site.yaml", SITE % (4, day.until)) == ""
        until(lambda: day.answers["refused"] > 0)
        before = day.answers["refused"]
        until(lambda: day.answers["refused"] > before + 20)
    assert set(day.answers) == {"created", "refused"}
    assert day.edit("site.yaml", SITE % (8, day.until)) == ""
    until(lambda: day.tries("team-a", vm("larger", vcpus=6)) == "")


def a_bad_edit_is_refused_with_its_line(day: Day) -> None:
    digest = day.read("/version").json()["policy"]
    refused = day.edit("site.yaml", (SITE % (8, day.until)).replace("total: vcpus", "total: vcpu"))
    assert "site.yaml:7:21: total `vcpu` is not known" in refused
    assert "did you mean `vcpus`?" in refused
    assert day.read("/version").json()["policy"] == digest


def a_diff_says_whom_a_policy_would_touch(day: Day, tmp_path: Path) -> None:
    day.kubectl("-n", "team-a", "create", "-f", "-", manifest=vm("web", vcpus=6))
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, limit in ((old, 8), (new, 4)):
        shutil.copytree(day.mounted / "..data", folder)
        (folder / "site.yaml").write_text(SITE % (limit, day.until))
    done = day.run("policy", "diff", str(old), str(new), "--cluster")
    assert done.returncode == 1, done.stderr
    assert "team-a/web" in done.stdout
    assert "site/few-vcpus" in done.stdout
    assert day.run("policy", "diff", str(old), str(old), "--cluster").returncode == 0


def an_exception_ends(day: Day) -> None:
    """Today it holds, and the metric says that it ends; the next day, in the service's own clock, it does not."""
    day.kubectl("-n", "team-a", "create", "-f", "-", manifest=vm("fast", cache="unsafe"))
    assert "vmconfig_policy_exceptions_expiring" in day.read("/metrics").text
    day.next_day()
    until(lambda: "baseline/cache-kept" in day.tries("team-a", vm("faster", cache="unsafe")))


def an_audit_reports_what_is_stored(day: Day) -> None:
    day.kubectl("apply", "--server-side", "-f", str(REPORTS_CRD))
    day.cluster.wait_established("policyreports.wgpolicyk8s.io")
    done = day.run("audit", "--policies", str(ROOT / "policies"), "--write-reports")
    assert done.returncode == 1, done.stderr
    report = json.loads(day.kubectl("-n", "team-a", "get", "policyreport", "vmconfig", "-o", "json").stdout)
    results = {each["resources"][0]["name"]: (each["result"], each.get("rule")) for each in report["results"]}
    assert results["web"] == ("pass", None)
    assert results["fast"] == ("fail", "cache-kept")
