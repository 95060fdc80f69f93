"""KubeVirt's own code, as a process of its own (`judge/`): what it admits, stores and makes a domain of."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

from tests.cluster import build
from webhook.trees import Tree

NEWEST = "v1.9.0"


@dataclass(frozen=True)
class Admitted:
    """What virt-api makes of a VM: the object that is stored, or why it is refused."""

    vm: Tree | None
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ports:
    """What virt-launcher has beside a domain: what root ports are reserved by (`launcher.py`), and the VMI."""

    hotplug: bool
    interfaces: int
    annotations: dict[str, str]
    in_use: int
    bytes: int
    vmi: Tree = field(default_factory=dict)


class KubeVirt:
    """A running judge of one version; questions are answered in turn."""

    def __init__(self, version: str = NEWEST) -> None:
        binary = build.program("kubevirt" if version == NEWEST else f"kubevirt-{version}")
        self._process = subprocess.Popen([binary, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @property
    def pid(self) -> int:
        return self._process.pid

    def admit(self, vm: Tree, stored: Tree | None = None, **more: Any) -> Admitted:
        """A create, or an update of `stored`. `objects` are instance types and preferences, `gates` feature gates."""
        said = self._ask(verb="admit", vm=vm, stored=stored, **more)
        return Admitted(said.get("vm"), said.get("refused", []))

    def domain(self, vm: Tree, **more: Any) -> tuple[str, Ports]:
        """The XML that virt-launcher makes of a stored VM, before libvirt has seen it."""
        said = self._ask(verb="domain", vm=vm, **more)
        found = said["ports"]
        numbers = (found["inUse"], found["bytes"])
        ports = Ports(found["hotplug"], found["interfaces"], found["annotations"] or {}, *numbers, said["vmi"])
        return said["xml"], ports

    def restate(self, xml: str) -> str:
        """What KubeVirt's own structures keep of a domain."""
        kept: str = self._ask(verb="restate", xml=xml)["xml"]
        return kept

    def close(self) -> None:
        """End the process."""
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()

    def _ask(self, **question: Any) -> Tree:
        assert self._process.stdin
        assert self._process.stdout
        asked = {key: value for key, value in question.items() if value is not None}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        said: Tree = json.loads(self._process.stdout.readline())
        if "error" in said:
            raise ValueError(said["error"])
        return said
