"""KubeVirt's types as its published Go modules have them, read by a program of ours (types/main.go) and kept."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.cluster import build

# The newest release, and an older one.
VERSIONS = ("v1.9.0", "v1.8.2")
API, CDI = "kubevirt.io/api", "kubevirt.io/containerized-data-importer-api"
CDI_VERSION = "v1.64.0"
# Kubernetes' own types: those of a claim that is asked for are decided by field, all others as a whole.
KUBERNETES, KUBERNETES_VERSION = "k8s.io/api", "v0.34.4"
CLAIMS = ("PersistentVolumeClaimSpec", "TypedLocalObjectReference", "TypedObjectReference")
_PACKAGES = ("core/v1", "instancetype/v1beta1", "pool/v1beta1", "clone/v1beta1", "snapshot/v1beta1")
_OF_CDI = "pkg/apis/core/v1beta1"
_WORDS = ("string", "bool", "int", "int32", "int64", "uint32", "uint")
# What stands inline in KubeVirt's structs and is Kubernetes' own (k8s.io/api/core/v1).
INLINE = {
    "k8s.io/api/core/v1.PersistentVolumeClaimVolumeSource": {"claimName": "string", "readOnly": "bool"},
    "k8s.io/api/core/v1.LocalObjectReference": {"name": "string"},
    "k8s.io/apimachinery/pkg/apis/meta/v1.TypeMeta": {"apiVersion": "string", "kind": "string"},
}
Named = tuple[str, str]


class NotThere(Exception):
    """A module that cannot be downloaded here, and why."""


@dataclass(frozen=True, slots=True)
class GoField:
    """A field's type: in how many lists, its text where it is no struct, and the struct."""

    lists: int
    text: str
    struct: Named | None


@dataclass(frozen=True, slots=True)
class GoTypes:
    """The packages of one release: of each type its fields, or what it is; constants by `const NAME`."""

    packages: Mapping[str, Mapping[str, Any]]

    def fields(self, named: Named) -> dict[str, GoField]:
        """The fields of a struct by their JSON names, with those of what stands inline."""
        package, name = named
        found: dict[str, GoField] = {}
        for entry in self.packages[package][name]:
            field = self._resolved(package, entry["type"])
            if entry["name"]:
                found[entry["name"]] = field
            elif field.struct:
                found |= self.fields(field.struct)
            else:
                found |= {each: GoField(0, text, None) for each, text in INLINE[field.text].items()}
        return found

    def constants(self) -> Iterator[str]:
        """The texts of all constants."""
        for package in self.packages.values():
            yield from (value for name, value in package.items() if name.startswith("const "))

    def _resolved(self, package: str, text: str) -> GoField:
        lists = 0
        while text.startswith("[]"):
            lists, text = lists + 1, text[2:]
        where, _, name = text.rpartition(".") if not text.startswith("map[") else ("", "", text)
        known = self.packages.get(where or package, {}).get(name)
        if isinstance(known, list):
            return GoField(lists, text, (where or package, name))
        if known is None or known in _WORDS:
            return GoField(lists, known or text, None)
        inner = self._resolved(where or package, known)
        return GoField(lists + inner.lists, inner.text, inner.struct)


@cache
def go_types(version: str) -> GoTypes:
    """The types of one release of KubeVirt; raises NotThere."""
    program = build.program("types")
    kept = program.parent / f"{version}-{CDI_VERSION}-{KUBERNETES_VERSION}.json"
    if not kept.exists():
        folders = {f"{API}/{each}": Path(_module(API, version), each) for each in _PACKAGES}
        folders[f"{CDI}/{_OF_CDI}"] = Path(_module(CDI, CDI_VERSION), _OF_CDI)
        folders[f"{KUBERNETES}/core/v1"] = Path(_module(KUBERNETES, KUBERNETES_VERSION), "core/v1")
        command = [str(program), *(f"{name}={folder}" for name, folder in folders.items())]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_text(text)
        part.rename(kept)
    packages = json.loads(kept.read_text())
    own = packages[f"{KUBERNETES}/core/v1"]
    return GoTypes({**packages, f"{KUBERNETES}/core/v1": {name: own[name] for name in CLAIMS}})


def _module(name: str, version: str) -> str:
    """The folder of a module, which is downloaded where it is not there yet.

    The checksum database does not know them everywhere; what is read here is compared and never run.
    """
    environment = {**os.environ, "GONOSUMDB": "*", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    command = [build.go(), "mod", "download", "-json", f"{name}@{version}"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    try:
        return str(json.loads(done.stdout)["Dir"])
    except (json.JSONDecodeError, KeyError):
        raise NotThere(f"{name}@{version} cannot be downloaded: {(done.stdout + done.stderr)[-300:]}") from None
