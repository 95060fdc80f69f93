"""The audit's job as the chart renders it: off by default, as confined as the service, and called as the command is."""

from __future__ import annotations

from typing import Any

from tests.chart.rendering import pod, rendered
from webhook.cli import _parser

ON = {"audit": {"enabled": True}}


def job(**values: Any) -> dict[str, Any]:
    """The pod template of the CronJob."""
    template: dict[str, Any] = rendered({**ON, **values})["CronJob/vmconfig-audit"]["spec"]["jobTemplate"]["spec"][
        "template"
    ]
    return template


def test_nothing_of_the_audit_is_there_unless_it_is_asked_for() -> None:
    assert set(rendered(ON)) - set(rendered()) == {
        f"{kind}/vmconfig-audit" for kind in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "CronJob")
    }


def test_the_jobs_call_is_one_that_the_command_takes() -> None:
    (container,) = job()["spec"]["containers"]
    given = _parser().parse_args(container["args"])
    assert (str(given.policies), given.write_reports, given.exit_zero) == ("/etc/vmconfig/policies", True, True)


def test_the_job_is_as_confined_as_the_service() -> None:
    ours, service = job()["spec"], pod()["spec"]
    assert ours["securityContext"] == service["securityContext"]
    assert ours["containers"][0]["securityContext"] == service["containers"][0]["securityContext"]
    assert ours["containers"][0]["image"] == service["containers"][0]["image"]


def test_the_job_reads_the_policies_of_the_service() -> None:
    mounted = [volume for volume in pod()["spec"]["volumes"] if volume["name"] in ("policies", "site")]
    assert job()["spec"]["volumes"] == mounted


def test_the_service_does_not_lead_to_the_job() -> None:
    selector = rendered(ON)["Service/vmconfig"]["spec"]["selector"].items()
    assert not selector <= job()["metadata"]["labels"].items()


def test_the_job_is_placed_and_pulled_as_the_admin_says() -> None:
    spec = job(nodeSelector={"disk": "ssd"}, imagePullSecrets=[{"name": "s"}], tolerations=[{"operator": "Exists"}])[
        "spec"
    ]
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["imagePullSecrets"] == [{"name": "s"}]
    assert spec["tolerations"] == [{"operator": "Exists"}]


def test_the_longest_name_is_one_that_a_cronjob_may_have() -> None:
    names = [name for name in rendered(ON, release="r" * 53) if name.startswith("CronJob/")]
    # Kubernetes appends eleven characters for each job of it (the API server refuses more than 52).
    assert [len(name.removeprefix("CronJob/")) <= 52 for name in names] == [True]
