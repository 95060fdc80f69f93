"""What the chart installs by default: clean, safe, and in step with the rest of the project."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import re
from importlib.metadata import version

import promql_parser
import pytest
import yaml
from helm_python.chart import Chart
from yamllint import linter  # type: ignore[import-untyped]
from yamllint.config import YamlLintConfig  # type: ignore[import-untyped]

from charts.generate import FILES, wanted
from tests import tools
from tests.chart.rendering import CHART, NAMESPACE, ROOT, leaves, pod, rendered
from webhook.admission.policies import RELEASE
from webhook.kinds.crd import crds
from webhook.server.metrics import Metrics
from webhook.trees import Tree

EVERYTHING: Tree = {
    "crds": {"install": True},
    "certificates": {"mode": "certManager", "issuerRef": {"name": "ca"}},
    "monitoring": {"serviceMonitor": True, "prometheusRule": True, "dashboard": True},
}
HOOKS = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_helm_lint_has_nothing_to_complain_of(values: Tree) -> None:
    assert tools.lint(CHART, values) == []


def test_helm_lint_does_complain_of_a_value_that_is_not_in_the_schema() -> None:
    assert "additional properties 'replica' not allowed" in str(tools.lint(CHART, {"replica": 3}))


def test_yamllint_has_nothing_to_complain_of_in_what_is_no_template() -> None:
    config = YamlLintConfig(file=str(ROOT / ".yamllint"))
    files = [CHART / "Chart.yaml", CHART / "values.yaml", *sorted(FILES.rglob("policies/*.yaml"))]
    assert [str(problem) for file in files for problem in linter.run(file.read_text(), config)] == []


def test_two_renderings_are_the_same_text() -> None:
    first, second = (tools.template(CHART, EVERYTHING, namespace="n", release="r") for _ in range(2))
    assert first == second


def test_the_generated_files_are_what_the_generator_writes() -> None:
    there = {str(path.relative_to(FILES)): path.read_text() for path in FILES.rglob("*") if path.is_file()}
    assert there == wanted(), "run `make generate`"


def test_the_crds_come_through_helm_unchanged() -> None:
    manifests = copy.deepcopy(rendered({"crds": {"install": True}}))
    there = [document for name, document in manifests.items() if name.startswith("CustomResourceDefinition/")]
    for crd in there:
        assert crd["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert crd["metadata"].pop("labels")["app.kubernetes.io/managed-by"] == "Helm"
    by_name = {crd["metadata"]["name"]: crd for crd in crds()}
    assert {crd["metadata"]["name"]: crd for crd in there} == by_name


def test_the_policies_of_the_config_map_are_those_of_the_project() -> None:
    data = rendered()["ConfigMap/vmconfig-policies"]["data"]
    assert set(data) == {f"{path.parent.name}.yaml" for path in ROOT.glob("policies/*/policy.yaml")}
    for name, text in data.items():
        assert text == (ROOT / "policies" / name.removesuffix(".yaml") / "policy.yaml").read_text()


@pytest.mark.parametrize("kind", HOOKS)
def test_both_webhooks_fail_closed_for_creates_and_updates_of_all_tenants(kind: str) -> None:
    hook = rendered()[f"{kind}/vmconfig"]["webhooks"][0]
    path = "mutate" if kind == HOOKS[0] else "validate"
    expected = {
        "name": f"{path}.vmconfig.kubevirt.io",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "matchPolicy": "Equivalent",
        "timeoutSeconds": 3,
        "rules": [
            {
                "apiGroups": ["kubevirt.io"],
                "apiVersions": ["v1alpha1"],
                "operations": ["CREATE", "UPDATE"],
                # A status is trusted like a spec, and is complete as it is written.
                "resources": [
                    "vmdefinitions",
                    "virtualmachineconfigs",
                    "vmdefinitionsnapshots",
                    *(["vmdefinitions/status"] if path == "validate" else []),
                ],
                "scope": "Namespaced",
            }
        ],
        # An upgrade must not take away the caBundle that the service wrote, so none is said.
        "clientConfig": {"service": {"name": "vmconfig", "namespace": NAMESPACE, "path": f"/{path}", "port": 443}},
        # And no objectSelector, which a tenant's label could pass by.
        "namespaceSelector": {
            "matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", NAMESPACE]}
            ]
        },
    }
    assert hook == expected | ({"reinvocationPolicy": "IfNeeded"} if path == "mutate" else {})


def test_rights_are_asked_for_where_both_webhooks_look_and_it_fails_closed() -> None:
    hook, validate = (rendered()[f"{HOOKS[1]}/vmconfig"]["webhooks"][index] for index in (2, 0))
    assert (hook["failurePolicy"], hook["timeoutSeconds"]) == ("Fail", 10)
    assert hook["namespaceSelector"] == validate["namespaceSelector"]
    resources = {resource for rule in hook["rules"] for resource in rule["resources"]}
    assert resources == set(validate["rules"][0]["resources"]) - {"vmdefinitions/status"}
    (condition,) = hook["matchConditions"]
    assert "restoreFrom" in condition["expression"]


def test_the_policies_are_checked_in_their_namespace_alone_and_can_be_repaired_without_the_service() -> None:
    names = {kind: [hook["name"] for hook in rendered()[f"{kind}/vmconfig"]["webhooks"]] for kind in HOOKS}
    assert names == {
        HOOKS[0]: ["mutate.vmconfig.kubevirt.io"],
        HOOKS[1]: [f"{path}.vmconfig.kubevirt.io" for path in ("validate", "policies", "rights")],
    }
    hook = rendered()[f"{HOOKS[1]}/vmconfig"]["webhooks"][1]
    assert (hook["failurePolicy"], hook["timeoutSeconds"]) == ("Ignore", 10)
    assert hook["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
    assert hook["clientConfig"]["service"]["path"] == "/policies"
    (rule,) = hook["rules"]
    assert (rule["resources"], rule["operations"]) == (["configmaps"], ["CREATE", "UPDATE"])
    # Just the one that the pods mount.
    (volume,) = [volume for volume in pod()["spec"]["volumes"] if volume["name"] == "policies"]
    (condition,) = hook["matchConditions"]
    assert condition["expression"] == f'request.name == "{volume["configMap"]["name"]}"'


def test_the_release_is_the_one_that_the_service_says_it_is() -> None:
    labels = rendered()["ConfigMap/vmconfig-policies"]["metadata"]["labels"]
    assert labels[RELEASE] == version("vmconfig")


def test_the_service_leads_to_the_pods_and_not_to_the_test_pod() -> None:
    selector = rendered()["Service/vmconfig"]["spec"]["selector"].items()
    assert selector <= pod()["metadata"]["labels"].items()
    assert not selector <= rendered()["Pod/vmconfig-test"]["metadata"]["labels"].items()
    assert rendered()["Deployment/vmconfig"]["spec"]["selector"]["matchLabels"].items() == selector


def test_a_pod_may_be_slow_but_not_held_back_and_ends_after_its_drain() -> None:
    spec = pod()["spec"]
    (container,) = spec["containers"]
    assert container["resources"]["limits"].keys() == {"memory"}
    drain = next(argument for argument in container["args"] if argument.startswith("--drain-seconds="))
    assert spec["terminationGracePeriodSeconds"] >= float(drain.partition("=")[2]) + 10
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["scheme"] == "HTTPS"
    assert container["livenessProbe"]["httpGet"]["path"] != container["readinessProbe"]["httpGet"]["path"]


def test_new_pods_come_where_the_policies_or_the_site_changed_and_only_then() -> None:
    assert pod() == pod({"replicas": 5})
    assert pod() != pod({"policies": {"extra": {"x.yaml": "a: 1"}}})
    assert pod() != pod({"site": {"graphics": "vnc"}})


def test_the_test_pod_is_shown_the_ca_and_never_a_key() -> None:
    (volume,) = rendered()["Pod/vmconfig-test"]["spec"]["volumes"]
    assert [item["key"] for item in volume["secret"]["items"]] == ["ca.crt"]


def test_dashboard_and_alerts_ask_for_metrics_that_there_are() -> None:
    exposed = Metrics().text().decode()
    asked = {name for expression in _expressions() for name in re.findall(r"vmconfig_[a-z_]+", expression)}
    assert len(asked) >= 6
    for name in asked:
        assert f"# HELP {name.removesuffix('_bucket')} " in exposed, name


def test_every_alert_is_documented_and_each_that_is_documented_is_there() -> None:
    groups = rendered({"monitoring": {"prometheusRule": True}})["PrometheusRule/vmconfig"]["spec"]["groups"]
    docs = (ROOT / "docs" / "operation.md").read_text()
    assert {rule["alert"] for group in groups for rule in group["rules"]} == set(re.findall(r"`(Vmconfig\w+)`", docs))


def test_dashboard_and_alerts_are_expressions_that_prometheus_reads() -> None:
    for expression in _expressions():
        assert promql_parser.parse(expression), expression
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum by (hook rate(x[5m])")


def test_a_release_fits_into_the_secret_that_helm_keeps_it_in() -> None:
    """A Secret holds 1 MiB (Kubernetes' MaxSecretSize); Helm puts chart and manifests there, as gzip in base64."""
    with Chart.load(CHART) as chart:
        parts = [*chart.templates, *chart.files, {"data": tools.template(CHART, {}, namespace="n", release="r")}]
    packed = base64.b64encode(gzip.compress(json.dumps(parts).encode()))
    assert len(packed) < 2**20 / 2


def test_the_notes_say_how_to_go_on_in_an_emergency() -> None:
    with Chart.load(CHART) as chart:
        notes = chart.render({}, name="prod", namespace="vms")["vmconfig/templates/NOTES.txt"]
    assert "kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration prod-vmconfig\n" in notes
    assert "{{" not in notes


def test_no_value_is_read_that_is_not_there() -> None:
    known = set(leaves(yaml.safe_load((CHART / "values.yaml").read_text())))
    text = "".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    read = set(re.findall(r"\.Values\.([A-Za-z.]+)", text)) - {"webhook", "certificates.issuerRef.name"}
    assert read
    assert [path for path in read if not any(one == path or one.startswith(f"{path}.") for one in known)] == []


def _expressions() -> list[str]:
    """Everything that is asked of Prometheus."""
    manifests = rendered({"monitoring": {"prometheusRule": True, "dashboard": True}})
    groups = manifests["PrometheusRule/vmconfig"]["spec"]["groups"]
    dashboard = json.loads(manifests["ConfigMap/vmconfig-dashboard"]["data"]["vmconfig.json"])
    alerts = [rule["expr"] for group in groups for rule in group["rules"]]
    return alerts + [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_nobody_is_asked_about_kubevirts_machines_unless_somebody_wants_it() -> None:
    name = "ValidatingWebhookConfiguration/vmconfig"
    plain, wanted_too = rendered(), rendered({"kubevirt": {"mode": "enforce"}})
    assert not [hook for hook in plain[name]["webhooks"] if "kubevirt" in hook["name"].partition(".")[0]]
    assert len(wanted_too[name]["webhooks"]) == len(plain[name]["webhooks"]) + 3
    data = "ConfigMap/vmconfig-policies"
    assert not [file for file in plain[data]["data"] if file.startswith("kubevirt-")]
    assert {file for file in wanted_too[data]["data"] if file.startswith("kubevirt-")} == {
        f"kubevirt-{policy}.yaml" for policy in ("restricted", "baseline", "privileged", "cis")
    }
