"""The conventional backend of the isolated form: what libvirt must be told of the host where no host is known.

Works on trees in the API's words, so the renderer stays a plain transcription. `provide` only adds; what the tree
says of a backend itself (because a policy permits it) stands, and an element that says nothing is as none.
`withdraw` takes the conventions out again. Those of devices are in their declarations.
"""

from __future__ import annotations

from collections.abc import Callable

from webhook.domain.convention import Convention, taken
from webhook.domain.devices import KINDS
from webhook.libvirt.firmware import provide_firmware, withdraw_firmware
from webhook.libvirt.memory import provide_memory, withdraw_memory
from webhook.libvirt.place import Tree

_KVM = {"type": "kvm"}


def provide(domain: Tree) -> Tree:
    """The domain with a conventional backend where it says none; the given tree is left as it is."""
    made = {**domain, "type": domain.get("type", _KVM["type"])}
    if "os" in domain:
        made["os"] = provide_firmware(domain["os"])
    return _devices(provide_memory(made), lambda convention: convention.provide)


def withdraw(domain: Tree) -> Tree:
    """The domain without what `provide` gives: frontends, claims and networks come back as they were said.

    What the tree itself said of the backend in the convention's own words comes back unsaid.
    """
    made = taken(domain, _KVM)
    if "os" in domain:
        made["os"] = withdraw_firmware(domain["os"])
    return _devices(withdraw_memory(made), lambda convention: convention.withdraw)


def _devices(domain: Tree, side: Callable[[Convention], Callable[[Tree], Tree]]) -> Tree:
    """The domain with one side of its devices' conventions done."""
    devices = dict(domain.get("devices") or {})
    for listed, entries in devices.items():
        convention = KINDS[listed].convention
        if convention is not None and entries:
            change = side(convention)
            devices[listed] = [change(entry) for entry in entries] if isinstance(entries, list) else change(entries)
    return {**domain, "devices": devices} if devices else domain
