"""The page about the hook is true: its commands print what it shows, and KubeVirt's own code makes of its manifests
machines with the hook beside them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import PART_IN_TEXT, ROOT, happened
from tests.kubevirt.launching import Launcher, instance
from webhook.sidecar import connection, listener, worker
from webhook.trees import Tree

PAGE = ROOT / "docs" / "kubevirt-hook.md"


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    running = Launcher()
    yield running
    running.close()


def test_the_page_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = PAGE.read_text()
    assert len(PART_IN_TEXT.findall(text)) == 4

    golden(PAGE, happened(text, PART_IN_TEXT, tmp_path))


def manifests() -> list[Tree]:
    return [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.M | re.S)]


def configurations() -> list[Tree]:
    """What the page has in the KubeVirt object."""
    return [each["spec"]["configuration"] for each in manifests() if "apiVersion" not in each]


def machine(*, sidecar: bool) -> Tree:
    """A machine of the page, as its instance; on an empty disk, since there is no claim."""
    vms = [each for each in manifests() if each.get("kind") == "VirtualMachine"]
    (vm,) = [each for each in vms if ("metadata" in each["spec"]["template"]) is sidecar]
    vm["spec"]["template"]["spec"]["volumes"] = [{"name": "root", "emptyDisk": {"capacity": "1Gi"}}]
    return instance(vm)


def hooks(pod: Tree) -> list[Tree]:
    return [each for each in pod["spec"]["containers"] if each["name"].startswith("hook-sidecar")]


def test_with_the_binding_kubevirt_starts_the_image_beside_the_machine(launcher: Launcher) -> None:
    _, binding = configurations()
    (hook,) = hooks(launcher.pod(machine(sidecar=False), **binding))
    assert hook["image"] == binding["network"]["binding"]["vmconfig"]["sidecarImage"]
    assert hook["resources"] == binding["supportContainerResources"][0]["resources"]
    # No command: the image's own has to be the listener, and its socket where KubeVirt looks.
    assert "command" not in hook
    assert "args" not in hook
    assert {"name": "CONTAINER_NAME", "value": hook["name"]} in hook["env"]
    assert hook["volumeMounts"][0]["mountPath"] == "/var/run/kubevirt-hooks"


def test_with_the_annotation_kubevirt_starts_the_image_beside_the_machine(launcher: Launcher) -> None:
    (hook,) = hooks(launcher.pod(machine(sidecar=True), "Sidecar"))
    assert hook["image"] == "registry.example/vmconfig-hook:0.1.0"
    assert "args" not in hook


def test_without_either_there_is_no_hook(launcher: Launcher) -> None:
    bare = machine(sidecar=True)
    bare["metadata"]["annotations"] = {}
    assert hooks(launcher.pod(bare, "Sidecar")) == []


def test_with_the_gate_of_the_page_pods_have_the_volume_for_the_plugin(launcher: Launcher) -> None:
    gates, _ = configurations()
    bare = machine(sidecar=True)
    bare["metadata"]["annotations"] = {}
    pod = launcher.pod(bare, *gates["developerConfiguration"]["featureGates"])
    assert "kubevirt-plugin-sockets" in [each["name"] for each in pod["spec"]["volumes"]]


def test_the_bounds_are_those_of_the_code() -> None:
    text = " ".join(PAGE.read_text().split())
    assert f"A message has at most {connection.LARGEST_MESSAGE >> 20} MiB" in text
    assert f"a connection {connection.IDLE:.0f} s without a byte and {connection.LONGEST:.0f} s in all" in text
    assert listener.MOST_CALLERS == 8
    assert "of more than eight callers" in text
    assert f"at most {worker.LONGEST:.0f} s, and {worker.MOST_MEMORY >> 20} MiB" in text
