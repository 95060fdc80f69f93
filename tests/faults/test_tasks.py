"""A background task that dies is started again, and shows meanwhile: in real processes, with reviews going on."""

from __future__ import annotations

import re
import shutil
import socket
import sys
from pathlib import Path

import pytest

from tests.e2e.service import ROOT, serving
from tests.faults.breaking import TASKS
from tests.faults.load import alive, answers, connected, loaded, metric, readiness, wrong
from tests.faults.test_log import QUICK, ends
from tests.waiting import until

DOWN = "the background task `{}` is down: RuntimeError: broken by a test"
RESTARTS = 'vmconfig_task_restarts_total{{task="{}"}}'
# Threads are broken at their start, before anything is listening.
THREADS = frozenset({"namespaces", "log"})


@pytest.mark.parametrize("task", TASKS)
def test_a_task_that_dies_shows_until_it_goes_on_and_reviews_go_on_meanwhile(
    task: str, tmp_path: Path, silent_cluster: Path
) -> None:
    broken, down = tmp_path / "broken", DOWN.format(task)
    through = (sys.executable, "-m", "tests.faults.breaking", str(broken), task)
    if task in THREADS:
        broken.touch()
    with serving(tmp_path, flags=QUICK, through=through, kubeconfig=silent_cluster, ready=False) as service:
        until(lambda: answers(service), "it does not answer")
        with loaded(service) as load:
            broken.touch()
            until(lambda: down in readiness(service)[1]["problems"], "nobody says that it is down")
            assert readiness(service)[0] == 503
            assert alive(service)
            load.goes_on()
            broken.unlink()
            until(lambda: down not in readiness(service)[1]["problems"], "it does not go on")
            assert metric(service, RESTARTS.format(task)) >= 1
            others = {name for name in TASKS if name != task}
            assert [metric(service, RESTARTS.format(name)) for name in others] == [0] * len(others)
        ends(service)
    assert f'"task":"{task}"' in service.log()


def test_every_task_that_there_is_is_broken_here(tmp_path: Path, silent_cluster: Path) -> None:
    with serving(tmp_path, flags=QUICK, kubeconfig=silent_cluster, ready=False) as service:
        until(lambda: answers(service), "it does not answer")
        with connected(service) as client:
            tasks = re.findall(r'^vmconfig_task_restarts_total\{task="(\w+)"\} 0.0$', client.get("/metrics").text, re.M)
    assert sorted(tasks) == sorted(TASKS)


def test_a_folder_of_policies_that_is_gone_changes_no_decision(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    with serving(tmp_path, flags=QUICK, policies=policies) as service:
        with loaded(service) as load:
            shutil.rmtree(policies)
            until(lambda: readiness(service)[1]["policy"]["errors"], "nobody says that the policies are gone")
            assert readiness(service)[0] == 200
            load.goes_on()
            shutil.copytree(ROOT / "policies", policies)
            until(lambda: not readiness(service)[1]["policy"]["errors"], "the policies do not come back")
        ends(service)


def test_where_descriptors_run_out_connections_that_there_are_go_on_and_all_is_well_after(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    most = 64
    through = ("prlimit", f"--nofile={most}:{most}")
    with serving(tmp_path, flags=QUICK, policies=policies, through=through) as service:
        with loaded(service) as load:
            crowd = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(2 * most)]
            load.goes_on()
            # While no file can be opened, the policies are read anew and the certificates looked at.
            (policies / "more.yaml").write_text((policies / "baseline" / "policy.yaml").read_text())
            (tmp_path / "certs" / "other").touch()
            load.goes_on(400)
            assert "Too many open files" in service.log()
            (policies / "more.yaml").unlink()
            for each in crowd:
                each.close()
            until(lambda: answers(service), "it takes no connection any more")
            until(lambda: readiness(service)[0] == 200, "it is not ready again")
            until(lambda: not readiness(service)[1]["policy"]["errors"], "the policies are not read again")
        with connected(service) as client:
            assert wrong(client, "after") == ""
        ends(service)
