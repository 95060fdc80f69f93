"""The type check that a cluster's controller manager does of policies: its code, as the test cluster has no manager."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.cluster.build import program


def warnings(policy: dict[str, Any], definitions: list[dict[str, Any]], folder: Path) -> list[str]:
    """What the type check says of a policy over the kinds of these CustomResourceDefinitions."""
    schemas = folder / "schemas.json"
    schemas.write_text(json.dumps([_kind(each["spec"]) for each in definitions]))
    done = subprocess.run(
        [program("typecheck"), schemas],
        input=json.dumps(policy),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
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
