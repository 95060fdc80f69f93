"""The definitions on a real API server: what the declarations take, its own reading of the schemas takes, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cluster.cluster import Cluster
from tests.libvirt.test_every_place import examples
from tests.policy.vap.api_server import manifest
from tests.policy.vap.trees import smallest
from webhook.cli.yaml_output import written
from webhook.declare import inspect
from webhook.kinds import declared_fields, spec_shape
from webhook.kinds.crd import crds

# Webhooks that other tests of this cluster have installed leave this namespace out.
URL = "/apis/kubevirt.io/v1alpha1/namespaces/kube-system/vmdefinitions?dryRun=All&fieldValidation=Strict"


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[httpx.Client]:
    made = crds()
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=written(made))
    for crd in made:
        cluster.wait_established(crd["metadata"]["name"])
    with cluster.client() as http:
        yield http


def leaves() -> Iterator[tuple[str, Any]]:
    """Every leaf with each of its words, or both ends of its range; tombstones are devices again."""
    for path, place in declared_fields().items():
        if place.field.scalar is not None and not path.startswith("abi.tombstones"):
            words = place.field.scalar.schema.get("enum")
            for value in words or examples(place.field.scalar):
                yield path, value


def test_every_value_that_is_declared_is_taken(api: httpx.Client) -> None:
    refused, count = [], 0
    for path, value in leaves():
        spec = smallest(path, value)
        if inspect(spec, spec_shape(), "spec").findings:
            continue  # beside the field that decides, this one means nothing
        answer = api.post(URL, json=manifest(spec))
        count += 1
        if answer.status_code != 201:
            refused.append(f"{path} = {value!r}: {answer.text[:300]}")
    assert refused == []
    assert count > 3000


def test_a_value_past_the_end_is_not(api: httpx.Client) -> None:
    for path in ("domain.vcpu.count", "domain.devices.interfaces[*].mtu.size"):
        assert declared_fields()[path].field.scalar is not None
        past = declared_fields()[path].field.scalar.bounds[1] + 1  # type: ignore[union-attr]
        assert api.post(URL, json=manifest(smallest(path, past))).status_code == 422
