"""One installed service for the whole suite, and a namespace of its own for each test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cluster import Cluster
from tests.e2e.service import Service, account, install, serving
from webhook.kinds import KINDS, SNAPSHOT
from webhook.trees import Tree

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def service(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service"), kubeconfig=account(cluster)) as running:
        install(cluster, running)
        yield running


@dataclass
class Tenant:
    """A tenant with a namespace: kubectl as people use it."""

    cluster: Cluster
    namespace: str

    def kubectl(self, *args: str, manifest: Any = None, check: bool = True) -> Any:
        text = manifest if isinstance(manifest, str) or manifest is None else yaml.safe_dump(manifest)
        return self.cluster.kubectl("-n", self.namespace, *args, input=text, check=check)

    def get(self, name: str, kind: str = "VM") -> Tree:
        stored: Tree = json.loads(
            self.kubectl("get", {**KINDS, SNAPSHOT.name: SNAPSHOT}[kind].plural, name, "-o", "json").stdout
        )
        return stored

    def create(self, manifest: Any) -> Tree:
        made: Tree = json.loads(self.kubectl("create", "-o", "json", "-f", "-", manifest=manifest).stdout)
        return made


@pytest.fixture
def tenant(cluster: Cluster, service: Service) -> Tenant:  # noqa: ARG001 - the service has to run
    namespace = f"tenant-{next(_numbers)}"
    cluster.kubectl("create", "namespace", namespace)
    return Tenant(cluster, namespace)


@pytest.fixture
def refused(tenant: Tenant) -> Any:
    """Run kubectl on a manifest and return what it was refused with; fails where it passed."""

    def run(*args: str, manifest: Any = None) -> str:
        answer = tenant.kubectl(*args, manifest=manifest, check=False)
        assert answer.returncode != 0, f"was accepted: {answer.stdout}"
        return str(answer.stderr)

    return run


@pytest.fixture
def example() -> Any:
    """An example by its file's name, as a tree."""

    def load(name: str) -> Tree:
        tree: Tree = yaml.safe_load((Path(__file__).parents[2] / "examples" / f"{name}.yaml").read_text())
        return tree

    return load
