"""What the hook makes of a domain's XML, case by case."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.attacks.steps import steps
from tests.kubevirt.guest_places import places
from webhook.findings import Refused
from webhook.kubevirt.hook import restate
from webhook.kubevirt.hook.devices import named
from webhook.kubevirt.hook.document import parsed
from webhook.kubevirt.keeping.machine import ANNOTATION, read
from webhook.trees import Tree

RNG = "<rng model='virtio-non-transitional'><backend model='random'>/dev/urandom</backend></rng>"
DOG = "<watchdog model='i6300esb' action='reset'><alias name='ua-dog'/></watchdog>"
SERIAL = "<controller type='virtio-serial' index='0' model='virtio-non-transitional'/>"
AGENT = "<channel type='unix'><target name='org.qemu.guest_agent.0' type='virtio'/></channel>"
VIDEO = "<video><model type='vga' heads='1' vram='16384'/></video>"


def domain(*devices: str, machine: str = "pc-q35-7.2", arch: str = "x86_64") -> str:
    return (
        f"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>tenant_vm</name>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>"
        f"<devices>{''.join(devices)}</devices>"
        f"<metadata><kubevirt xmlns='http://kubevirt.io'><uid/></kubevirt></metadata>"
        f"<qemu:commandline><qemu:env name='a' value='b &amp; c'/></qemu:commandline></domain>"
    )


def disk(name: str, bus: str = "virtio", more: str = "") -> str:
    source = f"<source dev='/dev/{name}' name='{name}'/><target bus='{bus}' dev='x{name}'/>"
    return f"<disk type='block' device='disk'>{source}<alias name='ua-{name}'/>{more}</disk>"


def card(alias: str) -> str:
    return f"<interface type='ethernet'><target dev='tap0'/><model type='virtio'/><alias name='{alias}'/></interface>"


def frozen(addresses: dict[str, str] | None = None, **more: Any) -> str:
    controllers = ["pcie-root-port 1-31 00:02.0"]
    hardware = {"machine": "pc-q35-7.2", "arch": "x86_64", "controllers": controllers, "addresses": addresses or {}}
    tree = {"version": 1, "of": "tenant/vm", "uuid": "", "ports": {}, "identities": {}, "hardware": hardware | more}
    return json.dumps(tree)


def instance(annotation: str | None, **devices: Any) -> Tree:
    spec = {"domain": {"devices": devices}, "volumes": [{"name": each["name"]} for each in devices.get("disks", ())]}
    return {"metadata": {"annotations": {} if annotation is None else {ANNOTATION: annotation}}, "spec": spec}


def restated(xml: str, annotation: str, **devices: Any) -> dict[str, str]:
    """Where each device is: the same after one pass as after two."""
    vmi = instance(annotation, **devices)
    once = restate(vmi, xml)
    assert restate(vmi, once) == once
    return places(once)


def refusal(xml: str, annotation: str, **devices: Any) -> str:
    with pytest.raises(Refused) as caught:
        restate(instance(annotation, **devices), xml)
    return str(caught.value)


PENDING = json.dumps({"version": 1, "of": "", "uuid": "", "ports": {"disk root": 3}, "identities": {}})


@pytest.mark.parametrize("annotation", [None, PENDING], ids=["none", "without hardware"])
def test_a_vm_without_frozen_hardware_passes_byte_for_byte(annotation: str | None) -> None:
    xml = "<!-- as it is --><domain  type='kvm'><devices/></domain>\n"
    assert restate(instance(annotation), xml) == xml


TWICE = frozen({"rng": "pci 0d:00.0", "vsock": "pci 0d:00.0"})


@pytest.mark.parametrize(
    "annotation", ["", "no machine", "[]", "{}", frozen({"rng": "nowhere"}), frozen(arch=1), TWICE]
)
def test_an_annotation_that_is_no_machine_is_refused(annotation: str) -> None:
    assert "is no machine that this service wrote" in refusal(domain(), annotation)


NUMBERED = (
    "pci 10:00.0",
    "sata 1:0:0:1",
    "scsi 0:0:0:1",
    "ide 0:0:0:1",
    "usb 0:1.1",
    "virtio-serial 0:0:1",
    "ccw fe.0.0001",
)


@pytest.mark.parametrize("address", NUMBERED)
def test_a_digit_of_another_script_is_none(address: str) -> None:
    for text in {address.replace(digit, "\u0661") for digit in "01"}:
        assert "is no machine" in refusal(domain(), frozen({"rng": text}))
    assert restate(instance(frozen({"gone": address})), domain())


# Behind itself, behind each other, behind such a pair, and behind none that is there.
RINGS = [["1 01:00.0"], ["1 02:00.0", "2 01:00.0"], ["1 02:00.0", "2 01:00.0", "3 02:01.0"], ["1 00:02.0", "2 07:00.0"]]


@pytest.mark.parametrize("ring", RINGS)
def test_controllers_that_do_not_lead_to_the_root_complex_are_no_machine(ring: list[str]) -> None:
    assert "is no machine" in refusal(domain(), frozen(controllers=[f"pcie-root-port {each}" for each in ring]))


def test_controllers_behind_each_other_are_one() -> None:
    chain = ["pcie-root-port 3 02:00.0", "pcie-root-port 2 01:00.0", "pcie-root-port 1 00:02.0"]
    assert restate(instance(frozen(controllers=chain)), domain())


@pytest.mark.parametrize("run", ["pcie-root-port 1 00:02.0", "pcie-root-port 1-2 00:02.0"])
def test_a_run_of_controllers_is_counted_in_digits_of_libvirts(run: str) -> None:
    assert "is no machine" in refusal(domain(), frozen(controllers=[run.replace("1", "\u0661")]))
    assert restate(instance(frozen(controllers=[run])), domain())


def test_a_frozen_device_has_its_place_again_and_what_else_it_says_stays() -> None:
    given_ = domain(disk("root", more="<serial>abc</serial>"), RNG, SERIAL, AGENT, VIDEO)
    addresses = {"disk root": "pci 1f:00.0", "rng": "pci 0d:00.0", "virtio-serial0": "pci 0b:00.0"}
    addresses |= {"channel org.qemu.guest_agent.0": "virtio-serial 0:0:3", "video": "pci 00:01.0"}
    made = restate(instance(frozen(addresses)), given_)
    found = places(made)
    assert found["disk root"] == "pci 05.6/00.0"
    assert found["rng"] == "pci 03.4/00.0"
    assert found["channel org.qemu.guest_agent.0"] == "virtio-serial 0:0:3"
    assert found["video"] == "pci 01.0"
    tree = etree.fromstring(made)
    for controller in tree.findall("devices/controller[@type='pci']"):
        controller.getparent().remove(controller)
    for address in tree.findall("devices/*/address"):
        address.getparent().remove(address)
    assert etree.tostring(tree, method="c14n") == etree.tostring(etree.fromstring(given_), method="c14n")


def test_kubevirts_root_ports_are_replaced_whole_and_its_root_is_not() -> None:
    root = "<controller type='pci' index='0' model='pcie-root'><pcihole64 unit='KiB'>0</pcihole64></controller>"
    ports = [f"<controller type='pci' index='{at}' model='pcie-root-port'/>" for at in range(1, 40)]
    tree = etree.fromstring(restate(instance(frozen()), domain(root, *ports)))
    found = tree.findall("devices/controller[@type='pci']")
    assert [each.get("index") for each in found] == [str(at) for at in range(32)]
    assert found[0].findtext("pcihole64") == "0"
    port = found[9]
    assert port.find("target").attrib == {"chassis": "9", "port": "0x18"}
    assert port.find("address").get("multifunction") == "on"
    assert found[10].find("address").get("multifunction") is None


def test_a_bus_of_a_numa_cells_own_is_refused() -> None:
    assert "`pcie-expander-bus`" in refusal(
        domain("<controller type='pci' index='9' model='pcie-expander-bus'/>"), frozen()
    )


def test_a_machine_without_controllers_of_its_own_keeps_those_that_there_are() -> None:
    port = "<controller type='pci' index='1' model='pcie-root-port'/>"
    assert port in restate(instance(frozen(controllers=[])), domain(port)).replace('"', "'").replace(" />", "/>")


def test_a_card_that_holds_a_port_goes_and_a_users_card_of_that_name_does_not() -> None:
    found = restated(domain(card("placeholder-0"), card("ua-placeholder-0")), frozen())
    assert [name for name in found if name.startswith("interface")] == ["interface placeholder-0"]


def test_devices_that_are_alike_are_told_apart_in_steps_that_grow_as_they_do() -> None:
    def taken(count: int) -> int:
        devices = parsed(f"<devices>{'<panic/>' * count}</devices>")
        return steps(lambda: [*named(devices)])

    assert taken(400) <= 4.5 * taken(100)
    found = [name for name, _ in named(parsed("<devices><rng/><panic/><rng/><panic/><rng/></devices>"))]
    assert found == ["rng", "panic", "rng'", "panic'", "rng''"]


def test_a_new_device_gets_a_free_place_and_no_other_moves() -> None:
    addresses = {"disk a": "pci 1e:00.0", "disk gone": "pci 10:00.0"}
    found = restated(domain(disk("a"), disk("b"), disk("c")), frozen(addresses))
    assert found["disk a"] == "pci 05.5/00.0"
    assert len(set(found.values())) == 3
    assert "pci 03.7/00.0" not in found.values()


def test_the_place_of_a_device_that_is_gone_is_given_away_last() -> None:
    addresses = {f"disk gone{unit}": f"scsi 0:0:0:{unit}" for unit in range(256)}
    assert restated(domain(disk("new", "scsi")), frozen(addresses))["disk new"] == "drive 0:0:0:0"
    del addresses["disk gone200"]
    assert restated(domain(disk("new", "scsi")), frozen(addresses))["disk new"] == "drive 0:0:0:200"


def test_the_unit_that_kubevirt_counts_for_a_new_disk_is_another_where_it_is_taken() -> None:
    unit = "<address type='drive' controller='0' bus='0' unit='1'/>"
    found = restated(domain(disk("new", "scsi", unit), disk("old", "scsi")), frozen({"disk old": "scsi 0:0:0:1"}))
    assert (found["disk old"], found["disk new"]) == ("drive 0:0:0:1", "drive 0:0:0:0")


def test_a_disk_on_another_bus_than_its_frozen_place_is_a_new_one() -> None:
    assert restated(domain(disk("a", "sata")), frozen({"disk a": "scsi 0:0:0:4"}))["disk a"] == "drive 0:0:0:0"
    assert restated(domain(disk("a", "scsi")), frozen({"disk a": "scsi 0:0:0:4"}))["disk a"] == "drive 0:0:0:4"


def test_a_bridge_that_comes_stands_behind_every_root_port_and_one_that_is_there_is_used() -> None:
    assert restated(domain(DOG), frozen())["watchdog dog"] == "pci 05.7/00.0/01.0"
    there = ["pcie-root-port 1-31 00:02.0", "pcie-to-pci-bridge 32 03:00.0"]
    assert restated(domain(DOG), frozen(controllers=there))["watchdog dog"] == "pci 02.2/00.0/01.0"


def test_more_usb_devices_than_ports_move_none() -> None:
    usb = "<controller type='usb' index='0' model='qemu-xhci'/>"
    addresses = {f"disk d{at}": f"usb 0:{at}" for at in range(1, 5)}
    disks = [disk(f"d{at}", "usb") for at in range(1, 6)]
    xml = restate(instance(frozen(addresses)), domain(usb, *disks))
    assert places(xml)["disk d5"] == "usb 0:5"
    assert etree.fromstring(xml).find("devices/controller[@type='usb']").get("ports") == "15"
    few = restate(instance(frozen(addresses)), domain(usb, *disks[:4]))
    assert etree.fromstring(few).find("devices/controller[@type='usb']").get("ports") is None


def test_a_hub_and_a_second_sata_controller_come_with_the_devices_that_are_behind_them() -> None:
    addresses = {"hub": "usb 0:1", "disk u": "usb 0:1.2", "disk s": "sata 1:0:0:3"}
    usb = "<controller type='usb' index='0' model='qemu-xhci'/>"
    found = restated(domain(usb, disk("u", "usb"), disk("s", "sata")), frozen(addresses))
    assert (found["hub"], found["disk u"], found["disk s"]) == ("usb 0:1", "usb 0:1.2", "drive 0:1:0:3")
    assert found["sata1"].count("/") == 2
    found = restated(domain(usb, disk("v", "usb")), frozen(addresses))
    assert "hub" not in found
    assert "sata1" not in found


def test_a_model_that_the_vm_does_not_state_is_the_frozen_one_and_a_stated_one_stays() -> None:
    bochs = domain("<video><model type='bochs'/></video>")
    vga = frozen({"video": "pci 00:01.0"}, models={"video": "vga"})
    assert '<model type="vga"' in restate(instance(vga), bochs)
    assert '<model type="bochs"' in restate(instance(vga, video={"type": "bochs"}), bochs)


@pytest.mark.parametrize("model", ["cirrus", "qxl", "vfio", "none", "", "a'/><b"])
def test_a_model_that_kubevirt_does_not_choose_by_itself_is_not_taken_from_an_annotation(model: str) -> None:
    given = domain("<video><model type='vga'/></video>", "<controller type='usb' index='0' model='qemu-xhci'/>")
    made = restate(instance(frozen(models={"video": model, "usb0": model})), given)
    assert '<model type="vga"' in made
    assert 'model="qemu-xhci"' in made


def test_the_model_of_a_device_that_is_turned_off_is_not_restated() -> None:
    off = domain("<controller type='usb' index='0' model='none'/>", "<video><model type='none'/></video>")
    made = restate(instance(frozen(models={"usb0": "qemu-xhci", "video": "vga"})), off)
    assert made.count('"none"') == 2


@pytest.mark.parametrize("machine", ["pc-q35-8.0", "pc-i440fx-7.2", "pc", "virt"])
def test_another_machine_is_refused(machine: str) -> None:
    assert f"the machine is `{machine}`" in refusal(domain(machine=machine), frozen())


def test_another_architecture_is_refused() -> None:
    assert "the architecture is `aarch64`" in refusal(domain(arch="aarch64"), frozen())


@pytest.mark.parametrize("machine", ["q35", "pc-q35-7.2"])
def test_a_machine_without_a_version_is_the_frozen_one(machine: str) -> None:
    assert 'machine="pc-q35-7.2"' in restate(instance(frozen()), domain(machine=machine))


def test_a_frozen_machine_without_a_version_takes_any() -> None:
    assert 'machine="pc-q35-9.0"' in restate(instance(frozen(machine="q35")), domain(machine="pc-q35-9.0"))


LOST = {"disks": [{"name": "data", "disk": {"bus": "virtio"}}]}


def test_a_device_of_the_vm_that_the_domain_lacks_is_refused_and_one_that_its_owner_removed_is_not() -> None:
    known = frozen({"disk data": "pci 10:00.0", "interface blue": "pci 02:00.0", "rng": "pci 0d:00.0"})
    said = refusal(domain(), known, **LOST, interfaces=[{"name": "blue", "bridge": {}}], rng={})
    assert [line.partition(":")[0] for line in said.splitlines() if "in its frozen machine" in line] == [
        "spec.domain.devices.disks[0]",
        "spec.domain.devices.interfaces[0]",
        "spec.domain.devices.rng",
    ]
    assert restated(domain(), known) == {}
    assert restated(domain(), frozen(), **LOST) == {}


@pytest.mark.parametrize(
    ("devices", "volumes"),
    [
        (LOST, [{"name": "data", "persistentVolumeClaim": {"claimName": "a", "hotpluggable": True}}]),
        ({"disks": [{"name": "data", "cdrom": {"bus": "sata"}}]}, []),
        ({"interfaces": [{"name": "data", "bridge": {}, "state": "absent"}]}, []),
        ({"interfaces": [{"name": "data", "binding": {"name": "own"}}]}, []),
    ],
    ids=["a hot-plugged volume", "an empty drive", "a card that is unplugged", "a binding that brings its own card"],
)
def test_a_device_that_kubevirt_brings_later_is_not_missed(devices: Tree, volumes: list[Tree]) -> None:
    vmi = instance(frozen({"disk data": "pci 10:00.0", "interface data": "pci 02:00.0"}), **devices)
    vmi["spec"]["volumes"] = volumes
    assert "devices" in restate(vmi, domain())


def test_an_address_of_the_vms_own_is_taken_where_it_is_free_and_refused_where_another_device_is() -> None:
    moving = {"disks": [{"name": "a", "disk": {"bus": "virtio", "pciAddress": "0000:07:00.0"}}]}
    known = {"disk a": "pci 10:00.0", "rng": "pci 0d:00.0"}
    assert restated(domain(disk("a"), RNG), frozen(known), **moving)["disk a"] == "pci 02.6/00.0"
    known["rng"] = "pci 07:00.0"
    assert "states the place of `rng`, 07:00.0" in refusal(domain(disk("a"), RNG), frozen(known), **moving)
    assert restated(domain(disk("a")), frozen(known), **moving)["disk a"] == "pci 02.6/00.0"


def test_root_ports_are_left_for_what_is_plugged_and_no_more_than_that_are_added() -> None:
    def ports(controllers: str) -> int:
        made = restate(instance(frozen({"rng": "pci 01:00.0"}, controllers=[controllers])), domain(RNG))
        return len(etree.fromstring(made).findall("devices/controller[@model='pcie-root-port']"))

    assert ports("pcie-root-port 1-2 00:02.0") == 7
    assert ports("pcie-root-port 1-31 00:02.0") == 31


@pytest.mark.parametrize(
    "xml", ["", "no XML", "<domain>", "<domain/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><domain>&b;</domain>", "<a>" * 60]
)
def test_what_is_no_domain_is_refused(xml: str) -> None:
    assert "domain: " in refusal(xml, frozen())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = [(), ("metadata",), ("metadata", "annotations"), ("spec",), ("spec", "volumes"), ("spec", "domain")]
PLACES += [
    ("spec", "domain", "devices"),
    *(("spec", "domain", "devices", each) for each in ("disks", "interfaces", "rng")),
]


@given(st.sampled_from(PLACES), json_values)
def test_any_json_anywhere_in_the_instance_is_answered_or_refused(place: tuple[str, ...], value: Any) -> None:
    vmi: Any = instance(frozen({"disk a": "pci 10:00.0"}), disks=[{"name": "a", "disk": {}}], interfaces=[])
    _put(vmi, place, value)
    with suppress(Refused):
        restate(value if not place else vmi, domain(disk("a")))


@given(st.sampled_from(["machine", "arch", "controllers", "addresses", "models"]), json_values)
def test_any_json_in_the_annotation_is_answered_or_refused(key: str, value: Any) -> None:
    text = frozen(**{key: value})
    try:
        made = restate(instance(text), domain(disk("a")))
    except Refused:
        return
    assert "<script" not in made
    again = read(text)
    assert again is not None
    assert read(again.text()) == again


def _put(tree: Any, place: tuple[str, ...], value: Any) -> None:
    for key in place[:-1]:
        tree = tree[key]
    if place:
        tree[place[-1]] = copy.deepcopy(value)
