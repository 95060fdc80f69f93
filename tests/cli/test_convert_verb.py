"""`vmconfig convert` as people use it: manifests of one API go in, those of the other come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.cli import main

# As a console writes it: instance type, preference, cloud-init in clear.
CONSOLE = """
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: first, namespace: shop, labels: {app: web}}
spec:
  runStrategy: Always
  instancetype: {name: small}
  preference: {name: linux}
  template:
    spec:
      domain:
        devices:
          disks:
            - {name: root, bootOrder: 1, disk: {}}
            - {name: init, disk: {bus: virtio}}
          interfaces: [{name: default, masquerade: {}, macAddress: "02:00:00:00:00:07"}]
      networks: [{name: default, pod: {}}]
      volumes:
        - {name: root, persistentVolumeClaim: {claimName: first-root}}
        - {name: init, cloudInitNoCloud: {userData: "password: hunter2"}}
"""
KINDS = """
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineClusterInstancetype
metadata: {name: small}
spec: {cpu: {guest: 4, model: Westmere}, memory: {guest: 4Gi}}
---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineClusterPreference
metadata: {name: linux}
spec:
  cpu: {preferredCPUTopology: cores}
  machine: {preferredMachineType: pc-q35-rhel9.4.0}
  devices: {preferredDiskBus: virtio, preferredInterfaceModel: virtio, preferredRng: {}}
"""
OURS = """
apiVersion: kubevirt.io/v1alpha1
kind: VM
metadata: {name: web, namespace: shop}
spec:
  features:
    memory: 2Gi
    cpu: {count: 2, model: Westmere}
    system: {type: debian, version: 12}
    storage: [{source: root}, {source: data, interface: sata}]
    network: [{type: pod}, {source: lan}]
    seed: [{type: cloud-init, datasource: ConfigDrive, secret: web-init}]
"""


@pytest.fixture
def convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the verb on documents; returns the exit code, what it printed and what it said beside it."""

    def run(*documents: str, flags: tuple[str, ...] = ("--seed", "a")) -> tuple[int, str, str]:
        file = tmp_path / "vm.yaml"
        file.write_text("---\n".join(documents))
        code = main(["convert", str(file), *flags])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_virtual_machine_becomes_one_of_ours_with_the_secret_of_what_stood_in_clear(convert: Any) -> None:
    code, out, err = convert(CONSOLE, KINDS)
    vm, secret = yaml.safe_load_all(out)
    assert code == 0
    assert (vm["kind"], vm["metadata"]["name"], vm["metadata"]["labels"]) == ("VM", "first", {"app": "web"})
    features = vm["spec"]["features"]
    assert features["cpu"] == {"topology": {"sockets": 1, "cores": 4, "threads": 1}, "model": "Westmere"}
    assert (features["memory"], features["rng"]) == ("4Gi", True)
    assert features["system"] == {"type": "other", "arch": "x86_64", "machine": "pc-q35-rhel9.4.0", "firmware": "bios"}
    assert features["seed"] == [{"name": "init", "type": "cloud-init", "secret": "first-init"}]
    assert features["network"][0]["mac"] == "02:00:00:00:00:07"
    assert secret["metadata"] == {"name": "first-init", "namespace": "shop"}
    assert secret["stringData"] == {"userdata": "password: hunter2"}
    assert "it is in the Secret `first-init` now" in err
    assert "hunter2" not in err


# KubeVirt's own account of a VM of this name (`CalculateLegacyUUID`), as a stored instance of Harvester's shows it.
VM1 = "133bf63e-9459-5126-9b21-b56e9b3d17b3"
STORED = (
    CONSOLE.replace("  instancetype: {name: small}\n  preference: {name: linux}\n", "")
    .replace("metadata: {name: first,", "metadata: {name: vm1, uid: 0fea47ca-d9c6-4b0f-94cc-8bc03350d09a,")
    .replace("        devices:", "        memory: {guest: 4Gi}\n        devices:")
)


def test_a_stored_machine_without_a_uuid_has_the_one_that_kubevirt_makes_of_its_name(convert: Any) -> None:
    code, out, err = convert(STORED)
    assert (code, yaml.safe_load(out.split("---")[0])["spec"]["domain"]["uuid"]) == (0, VM1)
    assert f"firmware.uuid: is not said: it is `{VM1}`" in err


def test_one_that_is_stated_stays_and_a_new_machine_has_none_yet(convert: Any) -> None:
    stated = STORED.replace(
        "        memory:", "        firmware: {uuid: 94d288ab-a8e6-4534-a84c-4cd12622fc6d}\n        memory:"
    )
    code, out, err = convert(stated)
    domain = yaml.safe_load(out.split("---")[0])["spec"]["domain"]
    assert (code, domain["uuid"], "firmware.uuid" in err) == (0, "94d288ab-a8e6-4534-a84c-4cd12622fc6d", False)
    code, out, err = convert(STORED.replace("uid: 0fea47ca-d9c6-4b0f-94cc-8bc03350d09a, ", ""))
    assert (code, "uuid" in yaml.safe_load(out.split("---")[0])["spec"]["domain"]) == (0, False)
    assert "firmware.uuid: is not said, and gets drawn" in err


def test_the_name_that_a_guest_has_by_cloud_init_is_told_for_what_it_is(convert: Any) -> None:
    named = STORED.replace("      networks:", "      hostname: web\n      networks:")
    said = "spec.template.spec.hostname: is not carried over: the guest has this name by cloud-init"
    assert said in convert(named)[2]


def test_the_name_of_a_template_that_has_no_values_yet_is_told_beside_the_rest(convert: Any) -> None:
    code, _, err = convert(
        STORED.replace("name: vm1", 'name: "${NAME}"').replace("networks:", "accessCredentials: [{}]\n      networks:")
    )
    assert code == 1
    assert "VirtualMachine shop/${NAME}: metadata.name: `${NAME}` is not the name of a Kubernetes object" in err
    assert "spec.template.spec.accessCredentials" in err
    code, _, err = convert(STORED.replace("name: vm1", "generateName: vm-"))
    assert (code, "metadata.name: is not said" in err) == (1, True)


@pytest.mark.parametrize("written", ["DE-AD-00-00-BE-AF", "DE:AD:00:00:BE:AF"])
def test_a_mac_address_is_the_same_in_each_form_that_kubevirt_takes(convert: Any, written: str) -> None:
    code, out, _ = convert(STORED.replace("02:00:00:00:00:07", written))
    made = yaml.safe_load(out.split("---")[0])["spec"]["features"]["network"][0]["mac"]
    assert (code, made) == (0, "DE:AD:00:00:BE:AF")


def test_what_is_refused_of_the_vm_that_was_made_is_told_with_its_kind(convert: Any) -> None:
    code, out, err = convert(STORED.replace("claimName: first-root", 'claimName: "${ROOT}"'))
    assert (code, out) == (1, "")
    assert "vm.yaml: VM shop/vm1: spec.features.storage[0].source: `${ROOT}` is not the name" in err


def test_without_its_instance_type_it_does_not(convert: Any) -> None:
    code, out, err = convert(CONSOLE)
    assert (code, out) == (1, "")
    assert "spec.instancetype: `small` is not known" in err
    assert "spec.preference: `linux` is not known" in err
    assert "kubectl get virtualmachineclusterinstancetype small -o yaml" in err


def test_what_cannot_be_carried_is_said_all_at_once_and_nothing_is_printed(convert: Any) -> None:
    odd = CONSOLE.replace('{userData: "password: hunter2"}', "{secretRef: {name: s}}").replace(
        "networks: [", "accessCredentials: [{sshPublicKey: {source: {secret: {secretName: x}}}}]\n      networks: ["
    )
    odd = odd.replace("persistentVolumeClaim: {claimName: first-root}", "containerDisk: {image: quay.io/fedora}")
    code, out, err = convert(odd, KINDS)
    assert (code, out) == (1, "")
    assert "spec.template.spec.volumes[0].containerDisk: cannot be carried" in err
    assert "spec.template.spec.accessCredentials: cannot be carried" in err
    assert "rule: convert" in err


def test_our_vm_becomes_a_virtual_machine_with_places_chosen(convert: Any) -> None:
    code, out, err = convert(OURS)
    vm = yaml.safe_load(out)
    assert code == 0
    instance = vm["spec"]["template"]["spec"]
    assert vm["spec"]["runStrategy"] == "Halted"
    assert "vmconfig.kubevirt.io/machine" in vm["spec"]["template"]["metadata"]["annotations"]
    root, data, seed = instance["domain"]["devices"]["disks"]
    assert (root["name"], root["disk"]["bus"], root["disk"]["pciAddress"]) == ("root", "virtio", "0000:1f:00.0")
    assert (data["disk"], seed["cdrom"]) == ({"bus": "sata"}, {"bus": "sata"})
    assert {"name": "cloud-init", "cloudInitConfigDrive": {"secretRef": {"name": "web-init"}}} in instance["volumes"]
    assert instance["networks"] == [
        {"name": "interface", "pod": {}},
        {"name": "lan", "multus": {"networkName": "lan"}},
    ]
    assert "the guest finds" in err
    assert "elsewhere, once" in err


def test_ours_that_comes_back_is_what_it_was_but_for_what_was_said(convert: Any) -> None:
    _, there, _ = convert(OURS)
    _, back, _ = convert(there)
    _, again, _ = convert(back)
    first, second = yaml.safe_load(there), yaml.safe_load(again)
    assert second["spec"]["template"]["spec"] == first["spec"]["template"]["spec"]
    assert second == first


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("system: {type: debian, version: 12, machine: pc}", "`pc-i440fx-7.2` is none that KubeVirt makes"),
        ("system: {type: debian, version: 12, arch: ppc64le}", "`ppc64le` is none that KubeVirt runs"),
        ("input: keyboard\n    system: {type: debian, version: 12}", "KubeVirt has a tablet on usb or virtio alone"),
    ],
)
def test_a_machine_that_kubevirt_does_not_have_is_refused(convert: Any, part: str, told: str) -> None:
    plain = OURS.replace(", model: Westmere", "").replace(", interface: sata", "")
    code, out, err = convert(plain.replace("system: {type: debian, version: 12}", part))
    assert (code, out) == (1, "")
    assert told in err


def test_several_in_json_are_a_list_and_one_is_itself(convert: Any) -> None:
    _, several, _ = convert(CONSOLE, KINDS, flags=("-o", "json"))
    _, one, _ = convert(OURS, flags=("-o", "json"))
    assert [each["kind"] for each in json.loads(several)["items"]] == ["VM", "Secret"]
    assert json.loads(one)["kind"] == "VirtualMachine"


def test_a_vm_that_a_policy_refuses_is_not_converted(convert: Any) -> None:
    code, out, err = convert(OURS.replace("Westmere", "qemu64"))
    assert (code, out) == (1, "")
    assert "restricted/no-nested-model" in err


def test_a_file_without_a_vm_is_refused(convert: Any) -> None:
    code, _, err = convert(KINDS)
    assert code != 0
    assert "holds no VirtualMachine" in err
