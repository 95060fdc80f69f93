"""The conventional backend of the isolated form: what libvirt must be told of the host where no host is known.

Works on trees in the API's words, so the renderer stays a plain transcription. `provide` only adds; what the tree
says of a backend itself (because a policy permits it) stands, and an element that says nothing is as none.
`withdraw` takes the conventions out again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from webhook.domain.types import ObjectName
from webhook.libvirt.emptiness import has_content, with_content
from webhook.libvirt.firmware import provide_firmware, withdraw_firmware
from webhook.libvirt.memory import provide_memory, withdraw_memory
from webhook.libvirt.place import Tree

# Where a PersistentVolumeClaim's content is by convention, by the disk's type: field of the source, before, after.
_CLAIMS = {
    "file": ("file", "/var/lib/vmconfig/claims/", "/disk.img"),
    "block": ("dev", "/dev/vmconfig/claims/", ""),
}
# A disk without a claim is blank; no claim has an underscore in its name, so nothing is mistaken for it.
_BLANK = "_blank_"
# A NIC without a network is on the pod's; again no network's name has an underscore.
_POD_NETWORK = "pod_network"
_NETWORKS = {"bridge": "bridge", "network": "network"}
_FOLDERS = _CLAIMS["file"][1]
_VIRTIOFS = {"type": "virtiofs"}
_DRIVER = {"name": "qemu", "type": "raw"}
_LISTEN = {"type": "address", "address": "127.0.0.1"}
# libvirt gives the socket its path.
_SOCKET = {"mode": "bind"}
_SPICE = "com.redhat.spice."

_is_name: Callable[[Any], str | None] = get_args(ObjectName)[1].check


def provide(domain: Tree) -> Tree:
    """The domain with a conventional backend where it says none; the given tree is left as it is."""
    made = {**domain, "type": domain.get("type", "kvm")}
    if "os" in domain:
        made["os"] = provide_firmware(domain["os"])
    return _devices(provide_memory(made), _PROVIDE)


def withdraw(domain: Tree) -> Tree:
    """The domain without what `provide` gives: frontends, claims and networks come back as they were said.

    What the tree itself said of the backend in the convention's own words comes back unsaid.
    """
    made = _taken(type="kvm")(domain)
    if "os" in domain:
        made["os"] = withdraw_firmware(domain["os"])
    return _devices(withdraw_memory(made), _WITHDRAW)


def _devices(domain: Tree, change: dict[str, Callable[[Tree], Tree]]) -> Tree:
    devices = domain.get("devices")
    if not devices:
        return domain
    made = {
        kind: entries
        if kind not in change or not entries
        else [change[kind](entry) for entry in entries]
        if isinstance(entries, list)
        else change[kind](entries)
        for kind, entries in devices.items()
    }
    return {**domain, "devices": made}


def _given(**convention: Any) -> Callable[[Tree], Tree]:
    """Adds these fields where the device does not say them."""
    return lambda device: {**convention, **device}


def _taken(**convention: Any) -> Callable[[Tree], Tree]:
    """Removes these fields where they say what the convention says."""

    def take(device: Tree) -> Tree:
        return {name: value for name, value in device.items() if name not in convention or convention[name] != value}

    return take


def _provide_disk(disk: Tree) -> Tree:
    kind = disk.get("type", "file")
    made = {**disk, "type": kind, "driver": {**_DRIVER, **disk.get("driver", {})}}
    if kind not in _CLAIMS:
        return made
    field, before, after = _CLAIMS[kind]
    source = with_content(disk.get("source", {}))
    volume = disk.get("claim") or _blank(disk)
    if not volume or set(source) - {"startupPolicy"}:
        return made
    return {**made, "source": {**source, field: f"{before}{volume}{after}"}}


def _provide_filesystem(folder: Tree) -> Tree:
    """A claim's folder by virtiofs, which shares the guest's memory."""
    source = with_content(folder.get("source", {})) or {"dir": f"{_FOLDERS}{folder.get('claim') or _BLANK + 'folder'}"}
    return {**folder, "driver": {**_VIRTIOFS, **folder.get("driver", {})}, "source": source}


def _withdraw_filesystem(folder: Tree) -> Tree:
    made = _without(folder, "driver", _taken(**_VIRTIOFS)(folder.get("driver", {})))
    claim = _between(folder.get("source", {}).get("dir", ""), _FOLDERS, "")
    if _is_name(claim) is None:
        made["claim"] = claim
    if _is_name(claim) is None or claim.startswith(_BLANK):
        made.pop("source", None)
    return made


def _blank(disk: Tree) -> str:
    """A drive with a medium to take out may be empty (libvirt: floppy and cdrom only); a disk is never without."""
    if disk.get("device", "disk") in ("cdrom", "floppy"):
        return ""
    return _BLANK + str(disk.get("name") or disk.get("target", {}).get("dev") or "disk")


def _withdraw_disk(disk: Tree) -> Tree:
    made = _without(disk, "driver", _taken(**_DRIVER)(disk.get("driver", {})))
    kind, source = disk.get("type", ""), dict(disk.get("source", {}))
    if kind not in _CLAIMS:
        return made
    field, before, after = _CLAIMS[kind]
    volume = _between(source.get(field, ""), before, after)
    if _is_name(volume) is None:
        made["claim"] = volume
    if "claim" in made or volume.startswith(_BLANK):
        del source[field]
    if kind == "file" and not set(source) - {"startupPolicy"}:
        del made["type"]
    return _without(made, "source", source)


def _between(path: str, before: str, after: str) -> str:
    """What stands between two parts of a path; nothing where the path is of another form."""
    form = path.startswith(before) and path.endswith(after)
    return path.removeprefix(before).removesuffix(after) if form else ""


def _provide_interface(interface: Tree) -> Tree:
    kind = interface.get("type", "bridge")
    made = {**interface, "type": kind}
    if kind not in _NETWORKS or has_content(interface.get("source")):
        return made
    return {**made, "source": {_NETWORKS[kind]: interface.get("network", _POD_NETWORK)}}


def _withdraw_interface(interface: Tree) -> Tree:
    kind, source = interface.get("type"), interface.get("source", {})
    network = source.get(_NETWORKS.get(str(kind), ""))
    if len(source) != 1 or not (network == _POD_NETWORK or _is_name(network) is None):
        return interface
    made = {name: value for name, value in interface.items() if name != "source"}
    if network != _POD_NETWORK:
        made["network"] = network
    if kind == "bridge":
        del made["type"]
    return made


def _provide_channel(channel: Tree) -> Tree:
    made = {"type": _channel_type(channel), **channel}
    if made["type"] != "unix" or has_content(channel.get("source")):
        return made
    return {**made, "source": _SOCKET}


def _withdraw_channel(channel: Tree) -> Tree:
    return _taken(type=_channel_type(channel), source=_SOCKET)(channel)


def _channel_type(channel: Tree) -> str:
    return "spicevmc" if str(channel.get("target", {}).get("name", "")).startswith(_SPICE) else "unix"


def _provide_rng(rng: Tree) -> Tree:
    made = {"backend": "random", **rng}
    return {"path": "/dev/urandom", **made} if made["backend"] == "random" else made


def _provide_graphics(graphics: Tree) -> Tree:
    if graphics.get("type") not in ("vnc", "spice") or "socket" in graphics:
        return graphics
    ports = {} if {"port", "tlsPort"} & set(graphics) else {"autoport": True}
    return {**ports, **graphics, **({} if has_content(graphics.get("listen")) else {"listen": _LISTEN})}


def _without(tree: Tree, field: str, rest: Tree) -> Tree:
    """The tree with only `rest` left of an element, and without it where nothing is left."""
    made = {name: value for name, value in tree.items() if name != field}
    return {**made, field: rest} if rest else made


_PROVIDE: dict[str, Callable[[Tree], Tree]] = {
    "disks": _provide_disk,
    "interfaces": _provide_interface,
    "channels": _provide_channel,
    "serials": _given(type="pty"),
    "consoles": _given(type="pty"),
    "rng": _provide_rng,
    "tpm": _given(backend="emulator"),
    "graphics": _provide_graphics,
    "audios": _given(type="none"),
    "filesystems": _provide_filesystem,
}
_WITHDRAW: dict[str, Callable[[Tree], Tree]] = {
    "disks": _withdraw_disk,
    "interfaces": _withdraw_interface,
    "channels": _withdraw_channel,
    "serials": _taken(type="pty"),
    "consoles": _taken(type="pty"),
    "rng": _taken(backend="random", path="/dev/urandom"),
    "tpm": _taken(backend="emulator"),
    "graphics": _taken(listen=_LISTEN, autoport=True),
    "audios": _taken(type="none"),
    "filesystems": _withdraw_filesystem,
}
