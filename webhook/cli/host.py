"""The verb that writes down what this machine has for VMs: `host`."""

from __future__ import annotations

import argparse
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from webhook.admission.context import AdmissionContext
from webhook.cli import files, verbs
from webhook.cli.verb import Verb
from webhook.features.platform import Site
from webhook.findings import Finding, Refused

if TYPE_CHECKING:
    from webhook.libvirt.host.facts import Host

_KVM = Path("/dev/kvm")


def with_host(parser: argparse.ArgumentParser, text: str) -> None:
    """The flag that names a host file."""
    parser.add_argument("--host", metavar="FILE", help=text)


def host_of(file: str) -> Host:
    """The facts of a host file; raises Refused with all that is wrong with it."""
    from webhook.libvirt.host.facts import read_host

    documents = files.read(file)
    if len(documents) != 1:
        way = "write one with `vmconfig host`"
        raise Refused([Finding(file, f"holds {len(documents)} documents, a host file is one", way, "host")])
    return read_host(documents[0], Path(file).name)


def this_host() -> dict[str, Any]:
    """The tree of this machine's host file; raises Refused where there is no libvirt."""
    from webhook.libvirt.host.discovered import Answers, discovered, firmware
    from webhook.libvirt.virsh import lines, virsh

    names = [name for kind in ("pci", "mdev_types") for name in lines("nodedev-list", "--cap", kind)]
    answers = Answers(
        capabilities=virsh("capabilities"),
        free_pages=virsh("freepages", "--all"),
        networks=lines("net-list", "--name"),
        volumes=list(_volumes()),
        devices=[virsh("nodedev-dumpxml", name) for name in dict.fromkeys(names)],
        domains=[virsh("dumpxml", uuid) for uuid in lines("list", "--uuid")],
        firmware=firmware(_descriptors(), os.path.exists),
        kvm=partial(kvm_opens, _KVM, os.environ.get("LIBVIRT_DEFAULT_URI", "")),
    )
    return discovered(answers)


def kvm_opens(device: Path, uri: str, user: int) -> bool:
    """Whether QEMU as this user can open KVM's device: libvirt lists KVM wherever the device is there.

    Another machine's libvirt is believed.
    """
    if urlsplit(uri).netloc:
        return True
    try:
        found = device.stat()
        if os.geteuid() in (0, user):
            # What a container is kept from, the file's mode does not tell.
            os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    whose = stat.S_IRUSR | stat.S_IWUSR
    if user != found.st_uid:
        whose = whose >> 3 if found.st_gid in _groups(user) else whose >> 6
    return user == 0 or found.st_mode & whose == whose


def _groups(user: int) -> list[int]:
    try:
        known = pwd.getpwuid(user)
    except KeyError:
        return []
    return os.getgrouplist(known.pw_name, known.pw_gid)


def _volumes() -> Iterator[str]:
    from webhook.libvirt.virsh import lines, virsh

    for pool in lines("pool-list", "--name"):
        for line in lines("vol-list", pool):
            yield virsh("vol-dumpxml", line.split("  ")[0], "--pool", pool)


def _descriptors() -> list[Path]:
    """The folders of QEMU's firmware descriptors, the most important first (QEMU: docs/interop/firmware.json)."""
    own = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return [Path(own, "qemu/firmware"), Path("/etc/qemu/firmware"), Path("/usr/share/qemu/firmware")]


def at_host(context: AdmissionContext, given: argparse.Namespace, host: Host, vm: Any) -> AdmissionContext:
    """The context with the site that a host is: KVM for the VM, or emulation. A site that the flags name stays."""
    return context if given.site else replace(context, site=Site(domain_type=host.type_for(_arch(vm))))


def _arch(vm: Any) -> str:
    """The architecture that a VM asks for, before it is inspected."""
    tree = vm
    for key in ("spec", "features", "system", "arch"):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, str) else "x86_64"


def host(given: argparse.Namespace) -> int:
    """Print this machine's host file."""
    verbs.show([this_host()], given.output)
    return 0


VERBS = (
    Verb("host", "what this machine has for VMs, as a host file for `render --host` and `run`", host, document=True),
)
