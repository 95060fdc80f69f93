"""The chart as a real Helm renders it: clean, closed, safe, and in step with the rest of the project."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python.errors import HelmError

from charts.generate import FILES, wanted
from tests import tools

CHART = Path(__file__).parents[2] / "charts" / "vmconfig"
NAMESPACE = "vmconfig-system"

Tree = dict[str, Any]


def rendered(values: Tree | None = None) -> dict[str, Tree]:
    """All manifests by `Kind/name`; each set of values is rendered once."""
    return _rendered(json.dumps(values or {}))


@cache
def _rendered(values: str) -> dict[str, Tree]:
    text = tools.template(CHART, json.loads(values), namespace=NAMESPACE, release="vmconfig")
    documents = [document for document in yaml.safe_load_all(text) if document]
    return {f"{document['kind']}/{document['metadata']['name']}": document for document in documents}


def pod(values: Tree | None = None) -> Tree:
    template: Tree = rendered(values)["Deployment/vmconfig"]["spec"]["template"]
    return template


def test_helm_lint_has_nothing_to_complain_of() -> None:
    assert tools.lint(CHART) == []


def test_two_renderings_are_the_same() -> None:
    first, second = (tools.template(CHART, {}, namespace=NAMESPACE, release="vmconfig") for _ in range(2))
    assert first == second


def test_the_generated_files_are_what_the_generator_writes() -> None:
    there = {str(path.relative_to(FILES)): path.read_text() for path in FILES.rglob("*") if path.is_file()}
    assert there == wanted(), "run `make generate`"


@pytest.mark.parametrize("kind", ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
def test_both_webhooks_fail_closed_for_creates_and_updates_of_all_tenants(kind: str) -> None:
    (hook,) = rendered()[f"{kind}/vmconfig"]["webhooks"]
    assert hook["failurePolicy"] == "Fail"
    assert hook["sideEffects"] == "None"
    assert hook["matchPolicy"] == "Equivalent"
    assert hook["timeoutSeconds"] <= 3
    assert hook["rules"][0]["operations"] == ["CREATE", "UPDATE"]
    assert hook["rules"][0]["resources"] == ["vms", "virtualmachineconfigs"]
    assert "objectSelector" not in hook
    (expression,) = hook["namespaceSelector"]["matchExpressions"]
    assert expression == {
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": ["kube-system", NAMESPACE],
    }
    assert hook["clientConfig"]["service"]["namespace"] == NAMESPACE
    # An upgrade must not take away what the service wrote.
    assert "caBundle" not in hook["clientConfig"]


def test_pods_meet_the_restricted_pod_security_standard() -> None:
    spec = pod()["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "cpu" not in container["resources"]["limits"]
    assert not any("hostPath" in volume for volume in spec["volumes"])
    assert spec["terminationGracePeriodSeconds"] > 10


def test_the_service_may_touch_its_own_secret_and_webhooks_alone() -> None:
    manifests = rendered()
    (cluster_rule,) = manifests["ClusterRole/vmconfig"]["rules"]
    assert cluster_rule["resourceNames"] == ["vmconfig"]
    assert set(cluster_rule["verbs"]) == {"get", "patch"}
    named = [rule for rule in manifests["Role/vmconfig"]["rules"] if "resourceNames" in rule]
    assert named == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": ["vmconfig-certificates"],
            "verbs": ["get", "patch"],
        }
    ]


def test_every_flag_of_the_deployment_is_a_setting_of_the_service() -> None:
    from webhook.server.settings import Settings

    for values in ({}, {"certificates": {"mode": "existingSecret", "secretName": "mine"}}):
        flags = [
            argument.removeprefix("--").partition("=")[0]
            for argument in pod(values)["spec"]["containers"][0]["args"][1:]
        ]
        known = {name.replace("_", "-") for name in Settings.model_fields} | {"dns-name"}
        assert set(flags) <= known


def test_crds_are_kept_when_the_release_goes() -> None:
    crds = [document for name, document in rendered().items() if name.startswith("CustomResourceDefinition/")]
    assert len(crds) == 2
    for crd in crds:
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_the_policies_of_the_config_map_are_those_of_the_project() -> None:
    data = rendered()["ConfigMap/vmconfig-policies"]["data"]
    assert set(data) == {"restricted.yaml", "baseline.yaml", "privileged.yaml"}
    for name, text in data.items():
        source = (CHART.parents[1] / "policies" / name.removesuffix(".yaml") / "policy.yaml").read_text()
        assert yaml.safe_load(text) == yaml.safe_load(source)


CHANGES: list[tuple[Tree, str, Any]] = [
    ({"replicas": 5}, "Deployment/vmconfig:spec.replicas", 5),
    ({"image": {"tag": "9"}}, "Deployment/vmconfig:spec.template.spec.containers.0.image", "vmconfig:9"),
    ({"image": {"repository": "mine"}}, "Deployment/vmconfig:spec.template.spec.containers.0.image", "mine:0.1.0"),
    (
        {"image": {"pullPolicy": "Always"}},
        "Deployment/vmconfig:spec.template.spec.containers.0.imagePullPolicy",
        "Always",
    ),
    ({"imagePullSecrets": [{"name": "s"}]}, "Deployment/vmconfig:spec.template.spec.imagePullSecrets.0.name", "s"),
    (
        {"webhook": {"url": "https://127.0.0.1:1"}},
        "MutatingWebhookConfiguration/vmconfig:webhooks.0.clientConfig.url",
        "https://127.0.0.1:1/mutate",
    ),
    (
        {"webhook": {"caBundle": "QUJD"}},
        "ValidatingWebhookConfiguration/vmconfig:webhooks.0.clientConfig.caBundle",
        "QUJD",
    ),
    ({"webhook": {"timeoutSeconds": 2}}, "MutatingWebhookConfiguration/vmconfig:webhooks.0.timeoutSeconds", 2),
    (
        {"webhook": {"excludedNamespaces": ["x"]}},
        "MutatingWebhookConfiguration/vmconfig:webhooks.0.namespaceSelector.matchExpressions.0.values.2",
        "x",
    ),
    (
        {"certificates": {"mode": "existingSecret", "secretName": "mine"}},
        "Deployment/vmconfig:spec.template.spec.volumes.2.secret.secretName",
        "mine",
    ),
    (
        {"certificates": {"mode": "certManager", "issuerRef": {"name": "ca"}}},
        "Certificate/vmconfig:spec.issuerRef.name",
        "ca",
    ),
    (
        {"policies": {"defaultLevel": "baseline"}},
        "Deployment/vmconfig:spec.template.spec.containers.0.args.3",
        "--default-level=baseline",
    ),
    ({"policies": {"extra": {"x.yaml": "a: 1"}}}, "ConfigMap/vmconfig-policies:data.x%2eyaml", "a: 1\n"),
    (
        {"server": {"bodyLimit": 4096}},
        "Deployment/vmconfig:spec.template.spec.containers.0.args.5",
        "--body-limit=4096",
    ),
    ({"server": {"drainSeconds": 20}}, "Deployment/vmconfig:spec.template.spec.terminationGracePeriodSeconds", 35),
    ({"server": {"deadline": 1}}, "Deployment/vmconfig:spec.template.spec.containers.0.args.7", "--deadline=1"),
    (
        {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}},
        "Deployment/vmconfig:spec.template.spec.containers.0.resources.requests.cpu",
        "1",
    ),
    ({"priorityClassName": "p"}, "Deployment/vmconfig:spec.template.spec.priorityClassName", "p"),
    ({"nodeSelector": {"a": "b"}}, "Deployment/vmconfig:spec.template.spec.nodeSelector.a", "b"),
    ({"tolerations": [{"key": "k"}]}, "Deployment/vmconfig:spec.template.spec.tolerations.0.key", "k"),
    ({"affinity": {"podAffinity": {}}}, "Deployment/vmconfig:spec.template.spec.affinity.podAffinity", {}),
    ({"podAnnotations": {"a": "b"}}, "Deployment/vmconfig:spec.template.metadata.annotations.a", "b"),
    ({"podLabels": {"a": "b"}}, "Deployment/vmconfig:spec.template.metadata.labels.a", "b"),
    ({"podDisruptionBudget": {"maxUnavailable": 2}}, "PodDisruptionBudget/vmconfig:spec.maxUnavailable", 2),
    ({"podDisruptionBudget": {"enabled": False}}, "PodDisruptionBudget/vmconfig", None),
    ({"serviceAccount": {"annotations": {"a": "b"}}}, "ServiceAccount/vmconfig:metadata.annotations.a", "b"),
    ({"networkPolicy": {"enabled": False}}, "NetworkPolicy/vmconfig", None),
    ({"crds": {"install": False}}, "CustomResourceDefinition/vms.kubevirt.io", None),
    ({"monitoring": {"serviceMonitor": True}}, "ServiceMonitor/vmconfig:spec.endpoints.0.path", "/metrics"),
    ({"monitoring": {"prometheusRule": True}}, "PrometheusRule/vmconfig:spec.groups.0.name", "vmconfig"),
    ({"monitoring": {"dashboard": True}}, "ConfigMap/vmconfig-dashboard:metadata.labels.grafana_dashboard", "1"),
]
SITE = {"site": {"machines": {"q35": "pc-q35-8.2"}, "graphics": "vnc", "domainType": "qemu"}}


@pytest.mark.parametrize(("values", "place", "expected"), CHANGES, ids=[json.dumps(values) for values, _, _ in CHANGES])
def test_a_value_changes_what_it_is_for(values: Tree, place: str, expected: Any) -> None:
    # The CRDs are most of the work of a rendering and no value changes them.
    without = values if "crds" in values else {**values, "crds": {"install": False}}
    assert _look(rendered(without), place) == expected
    assert _look(rendered(), place) != expected


def test_the_site_file_is_one_that_the_service_reads(tmp_path: Path) -> None:
    from webhook.server.settings import read_site

    file = tmp_path / "site.yaml"
    file.write_text(rendered(SITE)["ConfigMap/vmconfig-site"]["data"]["site.yaml"])
    site = read_site(file)
    assert (dict(site.machines), site.graphics, site.domain_type) == ({"q35": "pc-q35-8.2"}, "vnc", "qemu")


def test_every_value_is_documented_and_exercised() -> None:
    readme = (CHART / "README.md").read_text()
    exercised = {path for values, _, _ in CHANGES for path in _leaves(values)} | set(_leaves(SITE))
    for path in _leaves(yaml.safe_load((CHART / "values.yaml").read_text())):
        parts = path.split(".")
        assert any(f"`{'.'.join(parts[:n])}`" in readme for n in range(1, len(parts) + 1)), (
            f"{path} is not in the README"
        )
        assert any(one == path or one.startswith(f"{path}.") or path.startswith(f"{one}.") for one in exercised), path


@pytest.mark.parametrize(
    "values",
    [{"replica": 3}, {"webhook": {"failurePolicy": "Ignore"}}, {"site": {"machines": {"q35": 1}}}, {"replicas": 0}],
    ids=json.dumps,
)
def test_a_value_that_is_not_in_the_schema_is_refused(values: Tree) -> None:
    with pytest.raises(HelmError):
        rendered(values)


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    from webhook.server.metrics import Metrics

    exposed = Metrics().text().decode()
    monitoring = (CHART / "dashboard.json").read_text() + (CHART / "templates" / "monitoring.yaml").read_text()
    asked = set(re.findall(r"vmconfig_[a-z_]+", monitoring))
    assert len(asked) >= 4
    for name in asked:
        assert f"# HELP {name.removesuffix('_bucket')} " in exposed, name


def _leaves(tree: Tree, path: str = "") -> list[str]:
    found = []
    for name, value in tree.items():
        here = f"{path}.{name}" if path else name
        found += _leaves(value, here) if isinstance(value, dict) and value else [here]
    return found


def _look(manifests: dict[str, Tree], place: str) -> Any:
    name, _, path = place.partition(":")
    found: Any = manifests.get(name)
    for part in path.split(".") if path else []:
        if isinstance(found, list):
            found = found[int(part)] if int(part) < len(found) else None
        else:
            found = (found or {}).get(part.replace("%2e", "."))
    return found
