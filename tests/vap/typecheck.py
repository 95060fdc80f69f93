"""The type check that a cluster's controller manager does of policies. The test cluster has none: its code is called.

Built once like the cluster's own program, of the same modules, into the same cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.cluster import build

SOURCE = build.SOURCE / "typecheck" / "main.go"


def program() -> Path:
    """The built program; RuntimeError where it does not build."""
    made_of = b"".join((build.SOURCE / name).read_bytes() for name in ("go.mod", "go.sum")) + SOURCE.read_bytes()
    binary = build.program().parents[1] / f"typecheck-{hashlib.sha256(made_of).hexdigest()[:16]}"
    if not binary.exists():
        _build(binary)
    return binary


def _build(binary: Path) -> None:
    part = binary.with_suffix(f".{os.getpid()}")
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
    }
    command = [build.go(), "build", "-trimpath", "-ldflags=-s -w", "-o", str(part), "./typecheck"]
    built = subprocess.run(command, cwd=build.SOURCE, env=environment, capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"the type check does not build:\n{built.stderr[-4000:]}")
    part.rename(binary)


def warnings(policy: dict[str, Any], definitions: list[dict[str, Any]], folder: Path) -> list[str]:
    """What the type check says of a policy over the kinds of these CustomResourceDefinitions."""
    schemas = folder / "schemas.json"
    schemas.write_text(json.dumps([_kind(each["spec"]) for each in definitions]))
    done = subprocess.run(
        [program(), schemas], input=json.dumps(policy), capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout.splitlines()


def _kind(spec: dict[str, Any]) -> dict[str, Any]:
    version = spec["versions"][0]
    return {
        "group": spec["group"],
        "version": version["name"],
        "kind": spec["names"]["kind"],
        "plural": spec["names"]["plural"],
        "schema": version["schema"]["openAPIV3Schema"],
    }
