"""The ways in which KubeVirt calls the hook, each by KubeVirt's own code: hooks of sidecars, and plugins.

The launcher's code looks for sockets below /var/run, so it runs in a folder that is its root, which only root may do.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tests.chart.rendering import rendered
from tests.kubevirt.edits import machine
from tests.kubevirt.kubevirt import KubeVirt
from tests.kubevirt.launching import Launcher, can_change_root, instance
from tests.kubevirt.test_hook_pod import after, review, with_hook
from tests.sidecar.conftest import Hook, start
from webhook.admission.kubevirt_pod import add_hook
from webhook.kubevirt.hook import restate
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.kubevirt.launcher_pod import VOLUME
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

DOMAIN = """<domain type="kvm"><name>shop_web</name><memory unit="b">1073741824</memory>
<os><type arch="x86_64" machine="pc-q35-9.4">hvm</type></os><devices/></domain>"""
CHART = {"kubevirt": {"hook": "plugin"}}


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    running = Launcher()
    yield running
    running.close()


@dataclass
class AtWork:
    """A launcher in a root of its own, with the hook where sidecars are, and where the chart's plugin is."""

    launcher: Launcher
    sidecar: Hook
    plugin: Hook
    manifest: Tree


@pytest.fixture
def at_work(launcher: Launcher) -> Iterator[AtWork]:  # noqa: ARG001 - it is built
    if not can_change_root():
        pytest.skip("the launcher's code runs in a folder that is its root, which needs root")
    manifest = rendered(CHART)["Plugin/vmconfig"]
    socket = manifest["spec"]["domainHooks"][0]["sidecar"]["socketPath"]
    folder = Path(tempfile.mkdtemp(prefix="kv"))
    sidecar = start(folder / "var/run/kubevirt-hooks/hook-sidecar-0/vmconfig-hook-sidecar-0.sock")
    plugin = start(folder / socket.lstrip("/"))
    running = Launcher(folder)
    yield AtWork(running, sidecar, plugin, manifest)
    running.close()
    for hook in (sidecar, plugin):
        hook.process.kill()
        hook.process.wait()
    shutil.rmtree(folder)


def vmi(*, kept: bool = True, volume: Tree | None = None) -> Tree:
    """An instance, of a machine that is kept or of one that is not; its volumes are all of one kind."""
    vm = machine(2, ("virtio", "sata"))
    vm["metadata"] = {"name": "web", "namespace": "shop"}
    made = freeze(vm, None, Site()).vm if kept else vm
    made["spec"]["template"]["spec"]["volumes"] = [
        {"name": each["name"], **(volume or {"emptyDisk": {"capacity": "1Gi"}})}
        for each in made["spec"]["template"]["spec"]["volumes"]
    ]
    return instance(made)


def broken(instance: Tree) -> Tree:
    made = copy.deepcopy(instance)
    made["metadata"]["annotations"][ANNOTATION] = "{}"
    return made


REFUSAL = f"metadata.annotations[{ANNOTATION}]: is no machine that this service wrote"


def test_kubevirt_finds_the_sidecar_and_defines_what_it_answers(at_work: AtWork) -> None:
    made = at_work.launcher.ask("hooks", vmi=vmi(kept=False), xml=DOMAIN)["xml"]
    assert "<name>shop_web</name>" in made


def test_kubevirt_defines_nothing_where_the_sidecar_refuses(at_work: AtWork) -> None:
    with pytest.raises(ValueError, match="FailedPrecondition") as refused:
        at_work.launcher.ask("hooks", vmi=broken(vmi()), xml=DOMAIN)
    assert REFUSAL in str(refused.value)
    assert "<name>shop_web</name>" in at_work.launcher.ask("hooks", vmi=vmi(kept=False), xml=DOMAIN)["xml"]


def test_the_sidecar_ends_when_kubevirts_launcher_says_that_it_ends(at_work: AtWork) -> None:
    at_work.launcher.ask("hooks", vmi=vmi(kept=False), xml=DOMAIN)
    at_work.launcher.ask("shutdown")
    assert at_work.sidecar.process.wait(60) == 0


@pytest.mark.parametrize("version", ["v1alpha1", "v1alpha2", "v1alpha3"])
def test_each_version_of_the_hooks_is_answered(at_work: AtWork, version: str) -> None:
    socket = f"/var/run/kubevirt-hooks/hook-sidecar-0/{at_work.sidecar.path.name}"
    said = at_work.launcher.ask("callback", vmi=vmi(kept=False), xml=DOMAIN, version=version, socket=socket)
    assert said["xml"] == DOMAIN
    assert said.get("seed") == (None if version == "v1alpha1" else '{"userData":"x"}')


def test_kubevirts_plugin_defines_what_it_answers(at_work: AtWork) -> None:
    made = at_work.launcher.ask("plugin", plugin=at_work.manifest, vmi=vmi(kept=False), xml=DOMAIN)["xml"]
    assert "<name>shop_web</name>" in made


def test_kubevirts_plugin_defines_nothing_where_it_refuses(at_work: AtWork) -> None:
    with pytest.raises(ValueError, match="failed with FailedPrecondition") as refused:
        at_work.launcher.ask("plugin", plugin=at_work.manifest, vmi=broken(vmi()), xml=DOMAIN)
    assert REFUSAL in str(refused.value)


def test_kubevirt_asks_about_kept_machines_alone(at_work: AtWork) -> None:
    at_work.plugin.process.kill()
    at_work.plugin.process.wait()
    at_work.plugin.path.unlink()
    at_work.plugin.path.write_text("no socket")
    for other in (vmi(kept=False), {**vmi(), "metadata": {"name": "web", "namespace": "shop"}}):
        assert at_work.launcher.ask("plugin", plugin=at_work.manifest, vmi=other, xml=DOMAIN)["xml"]
    with pytest.raises(ValueError, match="dialing sidecar socket"):
        at_work.launcher.ask("plugin", plugin=at_work.manifest, vmi=vmi(), xml=DOMAIN)


@pytest.mark.parametrize("way", ["hooks", "plugin"])
def test_the_places_of_a_kept_machine_arrive_where_kubevirt_defines_it(
    at_work: AtWork, kubevirt: KubeVirt, way: str
) -> None:
    vm = machine(2, ("virtio", "virtio", "sata"))
    vm["metadata"] = {"name": "web", "namespace": "shop"}
    admitted = kubevirt.admit(freeze(vm, None, Site(hook=True)).vm)
    assert admitted.vm
    given, _ = kubevirt.domain(admitted.vm)
    wanted = addresses(restate(instance(admitted.vm), given))
    assert len(wanted) > len(addresses(given))
    made = at_work.launcher.ask(way, vmi=instance(admitted.vm), xml=given, plugin=at_work.manifest)["xml"]
    assert addresses(made) == wanted


def addresses(xml: str) -> list[tuple[str, ...]]:
    """Each device with an address: what it is, and where."""
    found = []
    for device in fromstring(xml).iterfind("devices/*"):
        address = device.find("address")
        if address is not None:
            alias = device.find("alias")
            of = device.get("index", "") if alias is None else alias.get("name", "")
            found.append((device.tag, of, *(address.get(name, "0x0") for name in ("type", "bus", "slot", "function"))))
    return sorted(found)


OWN_CPUS: Tree = {"cpu": {"cores": 2, "dedicatedCpuPlacement": True}, "memory": {"guest": "1Gi"}}


def pods(launcher: Launcher) -> Iterator[tuple[str, Tree]]:
    """Pods as KubeVirt's controller makes them, of machines of several kinds."""
    plain = vmi()
    yield "as root", launcher.pod(plain, "Plugins", "Root")
    plain["status"] = {"runtimeUser": 107}
    yield "as its own user", launcher.pod(plain, "Plugins")
    images = vmi(volume={"containerDisk": {"image": "guest"}})
    images["status"] = {"runtimeUser": 107}
    yield "with images", launcher.pod(images, "Plugins")
    own = copy.deepcopy(plain)
    own["spec"]["domain"] |= OWN_CPUS
    yield "with CPUs of its own", launcher.pod(own, "Plugins")


def test_pods_as_kubevirt_makes_them_get_the_hook_and_nothing_else_of_them_changes(launcher: Launcher) -> None:
    for title, pod in pods(launcher):
        made = after(pod, add_hook(review(pod), with_hook()))
        *before, hook = made["spec"].pop("initContainers")
        assert before == pod["spec"].pop("initContainers", []), title
        assert made == pod, title
        assert hook["securityContext"]["runAsUser"] == 107, title
        own_cpus = title == "with CPUs of its own"
        assert (hook["resources"]["limits"] == hook["resources"]["requests"]) is own_cpus, title
        socket = rendered(CHART)["Plugin/vmconfig"]["spec"]["domainHooks"][0]["sidecar"]["socketPath"]
        assert hook["args"] == ["serve-hook", socket]


def test_pods_of_a_kubevirt_without_the_gate_stay_as_they_are(launcher: Launcher) -> None:
    pod = launcher.pod(vmi())
    verdict = add_hook(review(pod), with_hook())
    assert after(pod, verdict) == pod
    assert VOLUME in "".join(verdict.warnings)
