"""A background task that dies is started again, and shows meanwhile: in real processes, with reviews going on."""

from __future__ import annotations

import re
import resource
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

from tests.e2e.service import ROOT, Service, serving
from tests.faults.breaking import TASKS
from tests.faults.load import Load, alive, answers, connected, loaded, metric, readiness, wrong
from tests.faults.test_log import QUICK, ends
from tests.waiting import until

DOWN = "the background task `{}` is down: RuntimeError: broken by a test"
RESTARTS = 'vmconfig_task_restarts_total{{task="{}"}}'
# Threads are broken at their start, before anything is listening.
WATCHES = frozenset(task for task, place in TASKS.items() if place == ("webhook.cluster.watch", "Watch.run"))
THREADS = WATCHES | {"log"}


def test_a_task_that_dies_shows_until_it_goes_on_and_reviews_go_on_meanwhile(
    tmp_path: Path, silent_cluster: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    through = (sys.executable, "-m", "tests.faults.breaking", str(broken))
    for task in THREADS:
        (broken / task).touch()
    with serving(tmp_path, flags=QUICK, through=through, kubeconfig=silent_cluster, ready=False) as service:
        until(lambda: answers(service), "it does not answer")
        with loaded(service) as load:
            down_and_up(service, load, broken, THREADS)
            assert not any(restarts(service, task) for task in TASKS if task not in THREADS)
            down_and_up(service, load, broken, TASKS.keys() - THREADS)
        ends(service)
    for task in TASKS:
        assert f'"task":"{task}"' in service.log()


def down_and_up(service: Service, load: Load, broken: Path, tasks: Collection[str]) -> None:
    """These tasks are broken, which shows, and mended, which shows too."""
    for task in tasks:
        (broken / task).touch()
    until(lambda: down(service) == set(tasks), "nobody says that they are down")
    assert readiness(service)[0] == 503
    assert alive(service)
    load.goes_on()
    for task in tasks:
        (broken / task).unlink()
    until(lambda: not down(service), "they do not go on")
    assert all(restarts(service, task) >= 1 for task in tasks)


def down(service: Service) -> set[str]:
    """The tasks that are said to be down."""
    return {task for task in TASKS if DOWN.format(task) in readiness(service)[1]["problems"]}


def restarts(service: Service, task: str) -> float:
    return metric(service, RESTARTS.format(task))


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
    with serving(tmp_path, flags=QUICK, policies=policies) as service:
        process = service.process.pid
        limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
        with loaded(service) as load:
            # Fewer than are open: from now on no file and no connection can be opened.
            resource.prlimit(process, resource.RLIMIT_NOFILE, (3, limits[1]))
            (policies / "more.yaml").write_text((policies / "baseline" / "policy.yaml").read_text())
            (tmp_path / "certs" / "other").touch()
            until(lambda: service.log().count("Too many open files") > 1, "nothing is said of what cannot be opened")
            load.goes_on()
            (policies / "more.yaml").unlink()
            resource.prlimit(process, resource.RLIMIT_NOFILE, limits)
            until(lambda: answers(service), "it takes no connection any more")
            until(lambda: readiness(service)[0] == 200, "it is not ready again")
            until(lambda: not readiness(service)[1]["policy"]["errors"], "the policies are not read again")
            until(lambda: metric(service, "vmconfig_certificate_problem") == 0, "the certificates are not read again")
        with connected(service) as client:
            assert wrong(client, "after") == ""
        ends(service)
