"""Confidential guests and wrapped keys (libvirt: formatdomain, "Launch Security", "Key Wrap")."""

from typing import Annotated

from webhook.declare import Element, backend, choice, frontend, goal, integer, text
from webhook.domain.types import Flag, Line, Path, Switch, Word

_BASE64 = text(16384, "[A-Za-z0-9+/=]+", "Base64")


class KeyCipher(Element, tag="cipher", key="name"):
    """One way by which s390x wraps the guest's keys with the host's."""

    name: Annotated[str, choice("aes", "dea")] | None = backend("credential")
    state: Switch | None = backend("credential")


class Keywrap(Element, tag="keywrap"):
    """Which of the guest's keys the host's machine wraps."""

    ciphers: list[KeyCipher] | None = backend("credential", "cipher")


class LaunchSecurity(Element, tag="launchSecurity"):
    """Encrypted guests: what the guest sees is frontend, what proves its owner is a credential."""

    type: Annotated[str, choice("sev", "sev-snp", "s390-pv", "tdx")] | None = frontend()
    kernel_hashes: Flag | None = frontend("@kernelHashes")
    author_key: Flag | None = frontend("@authorKey")
    vcek: Flag | None = frontend()
    cbitpos: Annotated[int, integer(0, 63)] | None = frontend("cbitpos")
    reduced_phys_bits: Annotated[int, integer(0, 63)] | None = frontend("reducedPhysBits")
    policy: Annotated[int, integer(0, 2**63 - 1, hex_digits=4)] | None = frontend("policy")
    handle: Word | None = goal("handle")
    dh_cert: Annotated[str, _BASE64] | None = backend("credential", "dhCert")
    session: Annotated[str, _BASE64] | None = backend("credential", "session")
    guest_visible_workarounds: Annotated[str, _BASE64] | None = backend("credential", "guestVisibleWorkarounds")
    id_block: Annotated[str, _BASE64] | None = backend("credential", "idBlock")
    id_auth: Annotated[str, _BASE64] | None = backend("credential", "idAuth")
    host_data: Annotated[str, _BASE64] | None = backend("credential", "hostData")
    mr_config_id: Line | None = backend("credential", "mrConfigId")
    mr_owner: Line | None = backend("credential", "mrOwner")
    mr_owner_config: Line | None = backend("credential", "mrOwnerConfig")
    quote_generation_service: Path | None = backend("host-port", "quoteGenerationService/@path")
