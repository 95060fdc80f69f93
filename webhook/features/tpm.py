"""An emulated TPM 2.0 whose state stays with the VM."""

from __future__ import annotations

from webhook.domain.types import Flag
from webhook.features.contribution import Contribution, Declined
from webhook.features.platform import Platform, absent
from webhook.findings import Refused
from webhook.trees import Tree

Wanted = Flag
DECLINED: Declined = {"tpm": ({},)}

_ASKED: Tree = {"devices": {"tpm": {}}}


def expand(wanted: bool | None, platform: Platform, origin: str) -> list[Contribution]:
    """The device where it is asked for, or where the guest demands one and the tenant does not decline it.

    One that the tenant's domain states gets the model that libvirt would choose.
    """
    stated = platform.devices("tpm")
    if not (wanted or (wanted is None and (platform.guest.tpm or stated is not None))):
        return []
    model = platform.machine.defaults["tpm"].get(platform.firmware)
    if model is None:
        raise Refused([absent(origin, "TPM", platform)])
    tpm: Tree = {"model": model, "backend": "emulator"}
    # A TPM of the host has its own version and state (a policy permitted it).
    if (stated or {}).get("backend", "emulator") == "emulator":
        tpm |= {"version": "2.0", "persistentState": True}
    return [Contribution(origin, _ASKED if wanted else {}, {"devices": {"tpm": tpm}}, platform.guest.because)]
