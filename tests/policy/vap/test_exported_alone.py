"""What the API server alone says of VMs as people have them: examples, large ones, changes, and its words."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.vap.api_server import NAMESPACES, Outage, exported, loaded
from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.kinds import KINDS, declared_fields
from webhook.policy import Loading, Policies, load, shipped
from webhook.trees import Tree

EXAMPLES = {path.stem: path for path in sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))}
# The proposal's own sample as it stands: what it says of the host is refused.
OF_THE_HOST = "proposal-domain-backend"
WORLD = AdmissionContext(policies=Policies(shipped(), declared_fields(), "restricted"))


def complete(obj: Tree) -> Tree:
    """An object as the service would have stored it."""
    made, findings, _ = offline.expand_object(obj, WORLD)
    assert made is not None
    assert findings == []
    return made


def spec_of(obj: Tree) -> Tree:
    spec: Tree = KINDS[obj["kind"]].spec_of(obj)
    return spec


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != OF_THE_HOST])
@pytest.mark.usefixtures("shipped_only")
def test_an_example_passes_as_the_service_stores_it(outage: Outage, name: str) -> None:
    for obj in yaml.safe_load_all(EXAMPLES[name].read_text()):
        for level in ("restricted", "baseline", "privileged"):
            assert outage.ask(spec_of(complete(obj)), level, KINDS[obj["kind"]]).message == ""


@pytest.mark.usefixtures("shipped_only")
def test_the_proposals_sample_is_refused_for_what_it_says_of_the_host(outage: Outage) -> None:
    obj = yaml.safe_load(EXAMPLES[OF_THE_HOST].read_text())
    _, findings, _ = offline.expand_object(obj, WORLD)
    devices = spec_of(obj)["domain"]["devices"]
    for entries in filter(lambda each: isinstance(each, list), devices.values()):
        entries[:] = [{"name": f"n{number}", **entry} for number, entry in enumerate(entries)]
    assert len(outage.ask(spec_of(obj), "restricted").refused) == len(findings) > 10


def large(disks: int, nics: int) -> Tree:
    storage = [{"type": "disk", "interface": "virtio-scsi", "source": f"claim-{number}"} for number in range(disks)]
    network = [{"source": f"net-{number}"} for number in range(nics)]
    features = {"memory": 4096, "storage": storage, "network": network}
    obj = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "large"}}
    return spec_of(complete({**obj, "spec": {"features": features}}))


@pytest.mark.usefixtures("shipped_only")
def test_a_vm_of_many_devices_passes_when_it_is_created_and_when_all_of_them_change(outage: Outage) -> None:
    spec = large(200, 30)
    changed = copy.deepcopy(spec)
    for disk in changed["domain"]["devices"]["disks"]:
        disk["serial"] = f"s-{disk['name']}"
        disk.setdefault("driver", {})["discard"] = "unmap"
    stored = outage.store(spec, "baseline")
    assert outage.change(stored, changed).message == ""
    assert outage.change(outage.store(spec, "restricted"), changed).cut


@pytest.mark.usefixtures("shipped_only")
def test_one_field_of_the_host_among_many_devices_is_told_by_its_devices_name(outage: Outage) -> None:
    spec = large(100, 30)
    last = spec["domain"]["devices"]["disks"][-1]
    last["source"] = {"file": "/etc/passwd"}
    assert outage.ask(spec, "restricted").refused == {
        f"spec.domain.devices.disks[{last['name']}].source.file (host-path)"
    }


@pytest.mark.usefixtures("shipped_only")
def test_no_message_tells_a_value(outage: Outage) -> None:
    for level in ("restricted", "privileged"):
        said = outage.ask({"domain": {"devices": {"graphics": [{"name": "g", "passwd": "hunter2"}]}}}, level)
        assert said.refused == {"spec.domain.devices.graphics[g].passwd (credential)"}
        assert "hunter2" not in said.message


@pytest.mark.usefixtures("shipped_only")
def test_what_is_too_much_for_a_message_is_refused_all_the_same(outage: Outage) -> None:
    disks = [{"name": f"d{number}", "source": {"file": "/f", "dev": "/d", "dir": "/x"}} for number in range(60)]
    assert outage.ask({"domain": {"devices": {"disks": disks}}}, "restricted").cut


@pytest.mark.usefixtures("shipped_only")
def test_keys_that_are_words_of_cel_are_seen(outage: Outage) -> None:
    address = {"domain": 0, "bus": 0, "slot": 1, "function": 0}
    spec = {"domain": {"devices": {"disks": [{"name": "d", "source": {"namespace": 1, "address": address}}]}}}
    refused = outage.ask(spec, "restricted").paths
    assert {each.removeprefix("spec.domain.devices.disks[d].source.") for each in refused} == {
        "namespace", "address.domain", "address.bus", "address.slot", "address.function"
    }  # fmt: skip


SAFE = {"name": "data", "claim": "data"}
HOSTS = [{"name": "a", "port": 1}, {"name": "b", "port": 2}]
GONE = {"name": "gone", "source": {"file": "/gone"}}
STORED = {
    "domain": {
        "title": "old",
        "seclabels": [{"label": "x"}],
        "lifecycle": {"crash": "coredump-destroy"},
        "devices": {
            "tpm": {"name": "tpm", "path": "/dev/tpm0", "secretName": "one"},
            "disks": [
                {"name": "one", "driver": {"cache": "unsafe", "io": "native"}, "source": {"file": "/one"}},
                {"name": "two", "source": {"protocol": "rbd", "hosts": HOSTS}},
                SAFE,
            ],
        },
    },
    "abi": {"tombstones": {"disks": [GONE]}},
}
DISKS = "spec.domain.devices.disks"


def put(path: tuple[str | int, ...], value: Any, *, rest: Any = None, policy: str = "") -> Tree:
    """The stored spec with one place said otherwise."""
    made: Any = copy.deepcopy(STORED)
    if rest is not None:
        made["abi"]["tombstones"]["disks"] = rest
    if policy:
        made["abi"]["policy"] = policy
    here = made
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    return made


def resting(disk: Tree) -> Tree:
    """The stored spec without its first disk, which rests like this."""
    return put(IN_DISKS, [TWO, SAFE], rest=[GONE, disk])


IN_DISKS = ("domain", "devices", "disks")
ALL_OF_ONE = {
    f"{DISKS}[one].{told}" for told in ("source.file (host-path)", "driver.cache (io-tuning)", "driver.io (io-tuning)")
}
ONE, TWO, _ = STORED["domain"]["devices"]["disks"]  # type: ignore[index]
CHANGES = {
    "another field leaves all that is stored alone": (put(("domain", "title"), "new"), set()),
    "the order of devices means nothing": (put(IN_DISKS, [SAFE, TWO, ONE]), set()),
    "a device to which nothing was granted may go": (put(IN_DISKS, [TWO, ONE]), set()),
    "a device may come to rest with what it was granted": (resting(ONE), set()),
    "a device does not come to rest without what it was granted": (
        resting({**ONE, "driver": {"cache": "unsafe"}}),
        {f"{DISKS}[one].driver.io (io-tuning)"},
    ),
    "a device that rests comes back as it was": (put(IN_DISKS, [ONE, TWO, SAFE, GONE], rest=[]), set()),
    "a device that rests does not come back as another": (
        put(IN_DISKS, [ONE, TWO, SAFE, {**GONE, "claim": "mine"}], rest=[]),
        {"spec.abi.tombstones.disks[gone].source.file (host-path)"},
    ),
    "a device does not go without coming to rest": (put(IN_DISKS, [TWO, SAFE]), ALL_OF_ONE),
    "a field of the host does not go": (put((*IN_DISKS, 0), {"name": "one", "driver": {"io": "native"}}), ALL_OF_ONE),
    "a value of the host does not give way to another": (
        put(("domain", "lifecycle", "crash"), "restart"),
        {"spec.domain.lifecycle.crash (host-path)"},
    ),
    "a device is not turned around what it was granted": (put((*IN_DISKS, 0), {**ONE, "claim": "mine"}), ALL_OF_ONE),
    "a device that there can be but one of is not turned either": (
        put(("domain", "devices", "tpm", "secretName"), "mine"),
        {"spec.domain.devices.tpm.path (raw-device)"},
    ),
    "a device does not move": (put((*IN_DISKS, 0), {**ONE, "address": "usb:0:1"}), ALL_OF_ONE),
    "a device may move where the newest rule set is followed": (
        put((*IN_DISKS, 0), {**ONE, "address": "usb:0:1"}, policy="latest"),
        set(),
    ),
    "a device beside others comes without anything of the host": (
        put(IN_DISKS, [ONE, TWO, SAFE, {"name": "new"}]),
        set(),
    ),
    "a changed value is refused with all that its device was granted": (
        put((*IN_DISKS, 0, "source", "file"), "/other"),
        ALL_OF_ONE,
    ),
    "a field beside stored ones is refused with all that its device was granted": (
        put((*IN_DISKS, 0, "source", "dev"), "/dev/sda"),
        ALL_OF_ONE | {f"{DISKS}[one].source.dev (raw-device)"},
    ),
    "another device has no right to what a stored one has": (
        put((*IN_DISKS, 2), {**SAFE, "source": {"file": "/one"}}),
        {f"{DISKS}[data].source.file (host-path)"},
    ),
    "a renamed device is another one": (
        put((*IN_DISKS, 0), {"name": "uno", "source": {"file": "/one"}}),
        ALL_OF_ONE | {f"{DISKS}[uno].source.file (host-path)"},
    ),
    "a list without keys is one value": (
        put((*IN_DISKS, 1, "source", "hosts"), [HOSTS[0]]),
        {
            f"{DISKS}[two].source.protocol (host-port)",
            f"{DISKS}[two].source.hosts[*].name (host-port)",
            f"{DISKS}[two].source.hosts[*].port (host-port)",
        },
    ),
    "an element that is the host's as a whole is one value": (
        put(("domain", "seclabels"), [{"label": "x"}, {"label": "y"}]),
        {"spec.domain.seclabels (host-identity)"},
    ),
    "what rests is looked at too": (
        put(("abi", "tombstones", "disks", 0, "source", "file"), "/other"),
        {"spec.abi.tombstones.disks[gone].source.file (host-path)"},
    ),
}
GUARDED = [
    {
        "metadata": {"name": "site"},
        "rules": [
            {"name": "caches", "permit": {"path": "domain.devices.disks[*].driver.cache"}},
            {
                "name": "of-drives",
                "forbid": {"path": "domain.devices.disks[*].driver.cache"},
                "where": {"domain.devices.disks[*].device": {"in": ["cdrom"]}},
            },
        ],
    }
]


@pytest.fixture(scope="module")
def stored(outage: Outage) -> Tree:
    """An object with fields of the host, which was stored while no policy was in force; then come the shipped ones."""
    outage.remove()
    metadata = outage.store(STORED, "restricted")
    outage.put(exported(load(shipped(), Loading(declared_fields()))))
    return metadata


@pytest.mark.parametrize("title", CHANGES)
def test_of_a_change_only_what_changed_is_refused(outage: Outage, stored: Tree, title: str) -> None:
    spec, refused = CHANGES[title]
    assert outage.change(stored, spec).refused == refused, title


def test_a_stored_value_is_refused_where_a_rule_is_about_it_only_since_this_change(
    outage: Outage, folder: Path
) -> None:
    disk = {"name": "d", "device": "disk", "driver": {"cache": "none"}}
    outage.put(exported(loaded(GUARDED, folder)))
    metadata = outage.store({"domain": {"devices": {"disks": [disk]}}}, "restricted")
    changed = {"domain": {"devices": {"disks": [{**disk, "serial": "s"}]}}}
    drive = {"domain": {"devices": {"disks": [{**disk, "device": "cdrom"}]}}}
    assert outage.change(metadata, changed).message == ""
    assert outage.change(metadata, drive).paths == {f"{DISKS}[d].driver.cache"}


def test_without_exported_policies_nothing_is_refused(outage: Outage) -> None:
    outage.remove()
    spec = {"domain": {"commandline": {"args": [{"value": "-S"}]}}}
    assert {outage.ask(spec, name).message for name in NAMESPACES} == {""}
