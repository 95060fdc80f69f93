"""Whether a VM runs on after an update, or starts again by it; whether a new VM is one that was there before."""

from __future__ import annotations

from webhook.trees import Tree

# What KubeVirt changes in a running guest: fields of the instance's spec, and of its domain.
_LIVE = frozenset(
    {
        "affinity",
        "networks",
        "nodeSelector",
        "readinessProbe",
        "livenessProbe",
        "terminationGracePeriodSeconds",
        "tolerations",
        "volumes",
    }
)
_RESTORED = ("restore.kubevirt.io/", "velero.io/")


def goes_on(vm: Tree, stored: Tree) -> bool:
    """Whether a stored VM runs, and this update neither stops it nor needs a restart by itself."""
    status = stored.get("status")
    if type(status) is not dict or status.get("created") is not True:
        return False
    if vm["spec"].get("runStrategy") == "Halted" or vm["spec"].get("running") is False:
        return False
    return not _needs_restart(vm["spec"]["template"]["spec"], stored["spec"]["template"]["spec"])


def restored(vm: Tree) -> bool:
    """Whether a new VM is restored from a snapshot or a backup: a guest knows its places already."""
    metadata = vm["metadata"]
    keys = [key for part in ("annotations", "labels") if type(metadata.get(part)) is dict for key in metadata[part]]
    return any(key.startswith(_RESTORED) for key in keys)


def _needs_restart(new: Tree, old: Tree) -> bool:
    """Whether KubeVirt can take a change over only by starting the guest again."""
    for key in {*new, *old} - _LIVE - {"domain"}:
        if new.get(key) != old.get(key):
            return True
    return _at_rest(new) != _at_rest(old)


def _at_rest(template: Tree) -> Tree:
    """A domain without what KubeVirt changes while it runs: vCPUs, memory, cards, and disks of hot-plugged volumes."""
    domain = dict(template["domain"])
    volumes = template.get("volumes") or ()
    plugged = {volume["name"] for volume in volumes if _is_plugged(volume)}
    devices = {key: value for key, value in (domain.get("devices") or {}).items() if key != "interfaces"}
    if devices.get("disks"):
        devices["disks"] = [entry for entry in devices["disks"] if entry["name"] not in plugged]
    for part, key in (("cpu", "sockets"), ("memory", "guest")):
        if type(domain.get(part)) is dict:
            domain[part] = {name: value for name, value in domain[part].items() if name != key}
    return {**domain, "devices": devices, "resources": None}


def _is_plugged(volume: Tree) -> bool:
    return any(type(source) is dict and source.get("hotpluggable") is True for source in volume.values())
