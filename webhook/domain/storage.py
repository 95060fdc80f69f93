"""Where the host finds what is on a disk, in all of libvirt's ways (libvirt: formatdomain, "Hard drives", `source`).

Shared by disks, their backing chains and mirrors, and NVRAM. All of it is the host's: a tenant names a claim.
"""

from typing import Annotated

from webhook.declare import Element, Goal, backend, choice, goal, integer, reference
from webhook.domain.address import Bus
from webhook.domain.seclabel import SourceSeclabel
from webhook.domain.types import Big, Count, Flag, Line, ObjectName, Path, Positive, Switch, Uuid, Word

IMAGES = choice(
    "raw", "qcow2", "qed", "vmdk", "vdi", "vpc", "vhd", "qcow", "cow", "bochs", "cloop", "dmg", "dir", "iso", "luks",
    "ploop", "fat", "aio",
)  # fmt: skip


class HostPciAddress(Element, tag="address"):
    """A PCI device of the host."""

    domain: Annotated[int, integer(0, 0xFFFFFFFF, hex_digits=4)] | None = backend("passthrough")
    bus: Bus | None = backend("passthrough")
    slot: Annotated[int, integer(0, 31, hex_digits=2)] | None = backend("passthrough")
    function: Annotated[int, integer(0, 7, hex_digits=1)] | None = backend("passthrough")
    multifunction: Switch | None = backend("passthrough")


class SecretUse(Element, tag="secret"):
    """A secret that the host's libvirt keeps, by UUID or usage; a tenant names a Secret beside it."""

    type: Annotated[str, choice("ceph", "iscsi", "passphrase", "vnc")] | None = backend("credential")
    uuid: Uuid | None = backend("credential")
    usage: Line | None = backend("credential")


class Auth(Element, tag="auth"):
    """Who the host says it is to a storage server."""

    username: Line | None = backend("credential")
    secret: SecretUse | None = goal()


class Cipher(Element, tag="cipher"):
    """The cipher of an encrypted volume, where it is not the format's own."""

    name: Line | None = backend("credential")
    size: Word | None = backend("credential")
    mode: Line | None = backend("credential")
    hash: Line | None = backend("credential")


class Ivgen(Element, tag="ivgen"):
    """How an encrypted volume makes its initialization vectors."""

    name: Line | None = backend("credential")
    hash: Line | None = backend("credential")


class Encryption(Element, tag="encryption"):
    """A volume's encryption. `secretName` is the Secret with the passphrase; libvirt's own secret is the host's."""

    format: Annotated[str, choice("default", "qcow", "luks", "luks2", "luks-any")] | None = goal()
    engine: Annotated[str, choice("qemu", "librbd")] | None = backend("io-tuning")
    secret_name: ObjectName | None = reference("Secret", "-")
    secrets: list[SecretUse] | None = goal("secret")
    cipher: Cipher | None = goal()
    ivgen: Ivgen | None = goal()


class Host(Element, tag="host"):
    """A server of the network."""

    name: Line | None = backend("host-port")
    port: Count | None = backend("host-port")
    transport: Annotated[str, choice("tcp", "rdma", "unix")] | None = backend("host-port")
    socket: Path | None = backend("host-path")


class Slice(Element, tag="slice"):
    """A part of an image, in bytes."""

    type: Annotated[str, choice("storage")] | None = backend("host-path")
    offset: Big | None = backend("host-path")
    size: Big | None = backend("host-path")


class Reconnect(Element, tag="reconnect"):
    """Whether, and after how many seconds, the host connects anew."""

    enabled: Flag | None = backend("host-port")
    timeout: Word | None = backend("host-port")
    delay: Word | None = backend("host-port")


class ReservationsSource(Element, tag="source"):
    """The socket of the helper that holds reservations."""

    type: Annotated[str, choice("unix")] | None = backend("host-path")
    path: Path | None = backend("host-path")
    mode: Annotated[str, choice("client", "server")] | None = backend("host-path")
    reconnect: Reconnect | None = goal()


class Reservations(Element, tag="reservations"):
    """SCSI persistent reservations, which reach through to the host's device."""

    enabled: Flag | None = backend("passthrough")
    managed: Flag | None = backend("passthrough")
    migration: Flag | None = backend("passthrough")
    source: ReservationsSource | None = goal()


class Cookie(Element, tag="cookie"):
    """A cookie that the host shows an HTTP server."""

    name: Line | None = backend("credential")
    value: Line | None = backend("credential", ".")


class MetadataCache(Element, tag="metadata_cache"):
    """How much of an image's metadata QEMU keeps in memory."""

    max_size: Big | None = backend("io-tuning", "max_size[@unit='bytes']")


class BackingFormat(Element, tag="format"):
    """The image format of a backing file, and what QEMU caches of it."""

    type: Annotated[str, IMAGES] | None = backend("host-path", unless={"raw": Goal()})
    metadata_cache: MetadataCache | None = goal()


class StorageSource(Element, tag="source"):
    """Where the host finds content: a file, a device, a volume, a server."""

    file: Path | None = backend("host-path")
    dev: Path | None = backend("raw-device")
    dir: Path | None = backend("host-path")
    pool: Line | None = backend("host-path")
    volume: Line | None = backend("host-path")
    mode: Annotated[str, choice("host", "direct")] | None = backend("host-path")
    protocol: Line | None = backend("host-port")
    name: Path | None = backend("host-port")
    # A signed URL has its signature there.
    query: Line | None = backend("host-port", secret=True)
    tls: Flag | None = backend("host-port")
    tls_hostname: Line | None = backend("host-port", "@tlsHostname")
    type: Annotated[str, choice("pci", "unix")] | None = backend("passthrough")
    managed: Flag | None = backend("passthrough")
    namespace: Word | None = backend("passthrough")
    address: HostPciAddress | None = goal()
    path: Path | None = backend("host-port")
    fdgroup: Line | None = backend("host-path")
    index: Word | None = backend("host-path")
    startup_policy: Annotated[str, choice("mandatory", "requisite", "optional")] | None = goal("@startupPolicy")
    hosts: list[Host] | None = goal("host")
    snapshot: Line | None = backend("host-port", "snapshot/@name")
    config: Path | None = backend("host-path", "config/@file")
    auth: Auth | None = goal()
    encryption: Encryption | None = goal()
    initiator: Line | None = backend("host-port", "initiator/iqn/@name")
    slices: list[Slice] | None = goal("slices/slice")
    reservations: Reservations | None = goal()
    reconnect: Reconnect | None = goal()
    identity_user: Line | None = backend("host-identity", "identity/@user")
    identity_group: Line | None = backend("host-identity", "identity/@group")
    identity_username: Line | None = backend("credential", "identity/@username")
    identity_keyfile: Path | None = backend("credential", "identity/@keyfile")
    identity_agentsock: Path | None = backend("credential", "identity/@agentsock")
    known_hosts: Path | None = backend("host-path", "knownHosts/@path")
    verify: Flag | None = backend("host-port", "ssl/@verify")
    cookies: list[Cookie] | None = goal("cookies/cookie")
    readahead: Big | None = backend("io-tuning", "readahead/@size")
    timeout: Positive | None = backend("io-tuning", "timeout/@seconds")
    seclabels: list[SourceSeclabel] | None = goal("seclabel")


STORAGE_TYPES = choice("file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa")
