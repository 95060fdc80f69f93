"""A copy of the service with one file more, and its command run there, in an interpreter of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Where the one file of each is added.
PLACES = {
    "pedal.py": "webhook/features",
    "fake-os.yaml": "webhook/guests/data/2026.1",
    "titles.py": "webhook/consistency",
    "ends_with.py": "webhook/policy/language/conditions",
    "count.py": "webhook/cli",
}


@dataclass(frozen=True, slots=True)
class Called:
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def tree(self) -> Any:
        """What was printed, as YAML or JSON."""
        return yaml.load(self.out, yaml.CSafeLoader)


def overlay(folder: Path, *added: str, parts: Sequence[str] = ("webhook", "policies")) -> Path:
    """Parts of the checkout, each file a link to the original, with these files added and no other change."""
    for part in parts:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, copy_function=os.symlink)
        else:
            (folder / part).symlink_to(ROOT / part)
    for name in added:
        shutil.copy(HERE / "fakes" / name, folder / PLACES[name])
    return folder


def call(service: Path, *calls: Sequence[str]) -> list[Called]:
    """The command's calls in the service of this folder."""
    done = subprocess.run(
        [sys.executable, HERE / "calls.py"],
        cwd=service,
        env={"PYTHONPATH": str(service)},
        input=json.dumps(calls),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [Called(*each) for each in json.loads(done.stdout)]


def written(path: Path, *documents: Any) -> str:
    """A file of these documents; its name."""
    path.write_text(yaml.safe_dump_all(documents, sort_keys=False) + "...\n")
    return str(path)


def vm(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm"}, "spec": spec}


def policy(*rules: dict[str, Any]) -> dict[str, Any]:
    head = {"apiVersion": "policy.vmconfig.kubevirt.io/v1", "kind": "Policy", "metadata": {"name": "site"}}
    return {**head, "rules": list(rules)}
