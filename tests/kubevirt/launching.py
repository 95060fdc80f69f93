"""KubeVirt's side of hooks, as a process (`judge/launcher`): who calls them, the pod they are in, who judges it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.cluster import build
from webhook.trees import Tree


class Launcher:
    """The launcher's code. With a `root` it runs there, since KubeVirt looks for sockets below /var/run."""

    def __init__(self, root: Path | None = None) -> None:
        command = [str(build.program("launcher"))]
        if root is not None:
            # It is linked to nothing, so that it runs in a folder that has nothing else.
            shutil.copy(command[0], root / "launcher")
            command = ["chroot", str(root), "/launcher"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, verb: str, **question: Any) -> Tree:
        """The answer to a question of `judge/launcher/main.go`; ValueError with what KubeVirt says against it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"verb": verb, **question}).encode() + b"\n")
        self._process.stdin.flush()
        said: Tree = json.loads(self._process.stdout.readline())
        if "error" in said:
            raise ValueError(said["error"])
        return said

    def pod(self, vmi: Tree, *gates: str, **configuration: Any) -> Tree:
        """What virt-controller makes for an instance, as the API server gets it; `configuration` is KubeVirt's."""
        wanted = {"developerConfiguration": {"featureGates": list(gates)}, **configuration}
        made: Tree = self.ask("pod", vmi=vmi, configuration=wanted)["objects"][0]
        return made

    def close(self) -> None:
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()


def can_change_root() -> bool:
    """Whether this user may run a program in a folder as its root."""
    return os.geteuid() == 0


def instance(vm: Tree) -> Tree:
    """The instance that KubeVirt's controller makes of a machine."""
    template = vm["spec"]["template"]
    name, namespace = vm["metadata"]["name"], vm["metadata"].get("namespace", "default")
    metadata = {"name": name, "namespace": namespace, "uid": "11111111-2222-3333-4444-555555555555"}
    metadata["annotations"] = template.get("metadata", {}).get("annotations", {})
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": metadata,
        "spec": template["spec"],
    }
