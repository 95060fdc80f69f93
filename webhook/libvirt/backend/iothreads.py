"""Which disk is served by which iothread: in turn, where a domain has threads and gives none of them anything to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from webhook.trees import Tree


def provide_iothreads(domain: Tree) -> Tree:
    """The domain with its threads spread over the disks and SCSI controllers that can have one."""
    turns = _turns(domain)
    if not turns or any(_driver(device).get(name) for device in _served(domain) for name in ("iothread", "iothreads")):
        return domain
    return _changed(domain, lambda device, turn: {**device, "driver": {**_driver(device), "iothread": turn}})


def withdraw_iothreads(domain: Tree) -> Tree:
    """The inverse: a domain whose threads are spread just so says nothing of it."""
    turns = _turns(domain)
    if not turns or [_driver(device).get("iothread") for device in _served(domain)] != turns:
        return domain
    return _changed(domain, lambda device, _turn: _without(device))


def _turns(domain: Tree) -> list[int]:
    """The thread of each device that can have one; threads with numbers of their own are left to whoever gave these."""
    threads = domain.get("iothreads") or 0
    if not threads or domain.get("iothreadids"):
        return []
    return [1 + index % threads for index, _ in enumerate(_served(domain))]


def _served(domain: Tree) -> Iterator[Tree]:
    devices = domain.get("devices") or {}
    for listed in ("disks", "controllers"):
        yield from filter(_SERVED[listed], devices.get(listed, ()))


def _is_virtio_disk(disk: Tree) -> bool:
    return bool((disk.get("target") or {}).get("bus") == "virtio")


def _is_scsi_controller(controller: Tree) -> bool:
    return controller.get("type") == "scsi" and str(controller.get("model")).startswith("virtio-scsi")


# libvirt gives iothreads to these alone (src/qemu/qemu_validate.c).
_SERVED: dict[str, Callable[[Tree], bool]] = {"disks": _is_virtio_disk, "controllers": _is_scsi_controller}


def _changed(domain: Tree, change: Callable[[Tree, int], Tree]) -> Tree:
    devices = dict(domain["devices"])
    turns = iter(_turns(domain))
    for listed, is_served in _SERVED.items():
        if devices.get(listed):
            devices[listed] = [change(one, next(turns)) if is_served(one) else one for one in devices[listed]]
    return {**domain, "devices": devices}


def _driver(device: Tree) -> Tree:
    driver: Tree = device.get("driver") or {}
    return driver


def _without(device: Tree) -> Tree:
    driver = {name: value for name, value in _driver(device).items() if name != "iothread"}
    made = {name: value for name, value in device.items() if name != "driver"}
    return {**made, "driver": driver} if driver else made
