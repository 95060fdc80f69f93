"""Limits on what disks may do (libvirt: formatdomain, "Hard drives", `iotune`, and "Throttle groups")."""

from webhook.declare import Element, backend
from webhook.domain.types import Big, FileName


class Iotune(Element, tag="iotune"):
    """Limits of the host on what a disk may do: bytes and operations a second, and how long it may burst."""

    total_bytes_sec: Big | None = backend("io-tuning", "total_bytes_sec")
    read_bytes_sec: Big | None = backend("io-tuning", "read_bytes_sec")
    write_bytes_sec: Big | None = backend("io-tuning", "write_bytes_sec")
    total_iops_sec: Big | None = backend("io-tuning", "total_iops_sec")
    read_iops_sec: Big | None = backend("io-tuning", "read_iops_sec")
    write_iops_sec: Big | None = backend("io-tuning", "write_iops_sec")
    total_bytes_sec_max: Big | None = backend("io-tuning", "total_bytes_sec_max")
    read_bytes_sec_max: Big | None = backend("io-tuning", "read_bytes_sec_max")
    write_bytes_sec_max: Big | None = backend("io-tuning", "write_bytes_sec_max")
    total_iops_sec_max: Big | None = backend("io-tuning", "total_iops_sec_max")
    read_iops_sec_max: Big | None = backend("io-tuning", "read_iops_sec_max")
    write_iops_sec_max: Big | None = backend("io-tuning", "write_iops_sec_max")
    total_bytes_sec_max_length: Big | None = backend("io-tuning", "total_bytes_sec_max_length")
    read_bytes_sec_max_length: Big | None = backend("io-tuning", "read_bytes_sec_max_length")
    write_bytes_sec_max_length: Big | None = backend("io-tuning", "write_bytes_sec_max_length")
    total_iops_sec_max_length: Big | None = backend("io-tuning", "total_iops_sec_max_length")
    read_iops_sec_max_length: Big | None = backend("io-tuning", "read_iops_sec_max_length")
    write_iops_sec_max_length: Big | None = backend("io-tuning", "write_iops_sec_max_length")
    size_iops_sec: Big | None = backend("io-tuning", "size_iops_sec")
    group_name: FileName | None = backend("io-tuning", "group_name")


class ThrottleGroup(Iotune, tag="throttlegroup"):
    """Limits that several disks share; they name the group by `groupName`."""
