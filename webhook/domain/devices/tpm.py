"""Trusted Platform Modules (libvirt: formatdomain, "TPM device")."""

from typing import Annotated

from webhook.declare import Backend, Element, choice, frontend, goal, integer, reference, text
from webhook.declare import backend as reaching
from webhook.domain.bus import VIO, Bus
from webhook.domain.convention import fixed
from webhook.domain.devices.device import Device
from webhook.domain.types import Flag, ObjectName, Path, Presence, Uuid


class PcrBanks(Element, tag="active_pcr_banks"):
    """The hashes that the TPM keeps of what booted."""

    sha1: Presence | None = frontend("sha1")
    sha256: Presence | None = frontend("sha256")
    sha384: Presence | None = frontend("sha384")
    sha512: Presence | None = frontend("sha512")


class Profile(Element, tag="profile"):
    """Which of the TPM's algorithms the guest gets (swtpm 0.10 and newer)."""

    source: Annotated[str, text(64, "(local:)?[A-Za-z0-9_][A-Za-z0-9._-]*", "a profile's name")] | None = frontend()
    remove_disabled: Annotated[str, choice("check", "fips-host")] | None = goal("@removeDisabled")
    name: Annotated[str, text(64, "[A-Za-z0-9_][A-Za-z0-9._:-]*", "a profile's name")] | None = frontend()


class TpmSource(Element, tag="source"):
    """The socket of a TPM that runs outside, or the folder or file of an emulated one's state."""

    type: Annotated[str, choice("unix", "dir", "file")] | None = reaching("host-port")
    mode: Annotated[str, choice("connect")] | None = reaching("host-port")
    path: Path | None = reaching("host-port")


class Tpm(
    Device,
    tag="tpm",
    single="tpm",
    buses=(Bus(VIO, 4, when={"model": ("tpm-spapr",)}),),
    convention=fixed(backend="emulator"),
    optional_backend=True,
):
    """A TPM. An emulated one has its state with the VM; any other belongs to the host."""

    model: Annotated[str, choice("tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy")] | None = frontend()
    backend: Annotated[str, choice("emulator", "passthrough", "external")] | None = goal(
        "backend/@type", unless={"passthrough": Backend("passthrough"), "external": Backend("host-port")}
    )
    version: Annotated[str, choice("1.2", "2.0")] | None = frontend("backend/@version")
    persistent_state: Flag | None = goal("backend/@persistent_state")
    debug: Annotated[int, integer(0, 20)] | None = reaching("host-path", "backend/@debug")
    path: Path | None = reaching("raw-device", "backend/device/@path")
    source: TpmSource | None = reaching("host-port", "backend/source")
    secret_name: ObjectName | None = reference("Secret", "-")
    secret: Uuid | None = reaching("credential", "backend/encryption/@secret")
    active_pcr_banks: PcrBanks | None = frontend("backend/active_pcr_banks")
    profile: Profile | None = frontend("backend/profile")
