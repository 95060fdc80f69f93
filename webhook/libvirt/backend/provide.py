"""The conventional backend of the isolated form: what libvirt needs of the host where no host is known.

Works on trees in the API's fields, so that the renderer is a plain transcription. `provide` only adds: a backend that
the tree states (because a policy permits it) is kept, and an empty element counts as absent. `withdraw` removes the
conventions again. Those of devices are in their declarations.
"""

from __future__ import annotations

from collections.abc import Callable

from webhook.domain.convention import Convention, taken
from webhook.domain.devices import KINDS
from webhook.libvirt.backend.blobs import provide_blobs, withdraw_blobs
from webhook.libvirt.backend.firmware import provide_firmware, withdraw_firmware
from webhook.libvirt.backend.iothreads import provide_iothreads, withdraw_iothreads
from webhook.libvirt.backend.memory import provide_memory, withdraw_memory
from webhook.libvirt.backend.no_place import provide_places, withdraw_places
from webhook.trees import Tree

_KVM = {"type": "kvm"}


def provide(domain: Tree) -> Tree:
    """A new domain with the conventional backend where it states none."""
    made = {**domain, "type": domain.get("type", _KVM["type"])}
    if "os" in domain:
        made["os"] = provide_firmware(domain["os"])
    made = provide_iothreads(provide_memory(provide_blobs(made)))
    return provide_places(_devices(made, lambda convention: convention.provide))


def withdraw(domain: Tree) -> Tree:
    """The domain without what `provide` adds: the frontend, claims and networks as they were stated.

    A stated backend that is equal to the convention's is removed too.
    """
    made = taken(domain, _KVM)
    if "os" in domain:
        made["os"] = withdraw_firmware(domain["os"])
    made = withdraw_iothreads(withdraw_memory(withdraw_places(withdraw_blobs(made))))
    return _devices(made, lambda convention: convention.withdraw)


def _devices(domain: Tree, direction: Callable[[Convention], Callable[[Tree], Tree]]) -> Tree:
    """The domain with one direction of its devices' conventions applied."""
    devices = dict(domain.get("devices") or {})
    for listed, entries in devices.items():
        convention = KINDS[listed].convention
        if convention is not None and entries:
            change = direction(convention)
            devices[listed] = [change(entry) for entry in entries] if isinstance(entries, list) else change(entries)
    return {**domain, "devices": devices} if devices else domain
