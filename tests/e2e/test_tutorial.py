"""The tutorial of a VM's life is true: its commands run against a real API server and say what it shows."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import PART, ROOT, happened
from tests.e2e.conftest import Tenant
from tests.waiting import until

PAGE = ROOT / "docs" / "tutorial-life.md"


def run(command: str, tenant: Tenant, folder: Path) -> str:
    """What a command says to somebody whose context has the namespace; asked again while the service wants it so."""
    cluster = tenant.cluster
    script = f'kubectl() {{ "{cluster.binary}" kubectl --cache-dir=cache -n {tenant.namespace} "$@"; }}; {command}'
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig("admin")), "HOME": str(folder)}
    said: list[str] = []

    def answered() -> bool:
        done = subprocess.run(
            ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        said[:] = [done.stderr + done.stdout]
        return "try again" not in said[0]

    until(answered, lambda: said[0])
    return said[0]


def test_the_tutorial_of_a_life_is_what_happens(
    tenant: Tenant, tmp_path: Path, golden: Callable[[Path, str], None]
) -> None:
    text = PAGE.read_text()
    assert len(PART.findall(text)) > 10

    golden(PAGE, happened(text, PART, tmp_path, runs=lambda command: run(command, tenant, tmp_path)))
