"""A real libvirt with its QEMU driver, inside the test's own process, in a folder of its own (`qemu:///embed`)."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

# libvirt's driver as it is, but that nothing of it needs the host's own accounts, cgroups or security modules.
CONF = """\
user = "+0"
group = "+0"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
seccomp_sandbox = 0
swtpm_user = "root"
swtpm_group = "root"
"""

_running: list[threading.Thread] = []


class Hypervisor:
    """A connection; domains are defined and undefined, started paused and destroyed."""

    def __init__(self, root: Path) -> None:
        self.libvirt = _library()
        (root / "etc").mkdir(parents=True, exist_ok=True)
        (root / "etc" / "qemu.conf").write_text(CONF)
        self.root = root
        self.connection = self.libvirt.open(f"qemu:///embed?root={root}")

    def completed(self, xml: str) -> str:
        """The inactive XML that libvirt makes of a document: defined with validation, dumped, undefined."""
        domain = self.define(xml)
        try:
            return str(domain.XMLDesc(self.libvirt.VIR_DOMAIN_XML_INACTIVE))
        finally:
            self.undefine(domain)

    def command_line(self, xml: str) -> str:
        """QEMU's command line of a document; raises libvirtError where libvirt cannot start it."""
        return str(self.connection.domainXMLToNative("qemu-argv", xml))

    def define(self, xml: str) -> Any:
        """A persistent domain; raises libvirtError where libvirt refuses the document."""
        return self.connection.defineXMLFlags(xml, self.libvirt.VIR_DOMAIN_DEFINE_VALIDATE)

    def undefine(self, domain: Any) -> None:
        """Forget a domain with its firmware's variables and its TPM's state."""
        domain.undefineFlags(
            self.libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | getattr(self.libvirt, "VIR_DOMAIN_UNDEFINE_TPM", 0)
        )

    def monitor(self, domain: Any, command: str, *, human: bool = False) -> str:
        """What QEMU's monitor answers."""
        import libvirt_qemu

        flags = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP if human else 0
        return str(libvirt_qemu.qemuMonitorCommand(domain, command, flags))

    def close(self) -> None:
        self.connection.close()


def _library() -> ModuleType:
    """The binding, quiet, with its event loop running in a thread that ends with the process."""
    import libvirt

    if not _running:
        os.environ.setdefault("LIBVIRT_LOG_OUTPUTS", "4:stderr")
        libvirt.registerErrorHandler(lambda *_: None, None)
        libvirt.virEventRegisterDefaultImpl()
        thread = threading.Thread(target=_turn, args=(libvirt,), name="libvirt-events", daemon=True)
        thread.start()
        _running.append(thread)
    found: ModuleType = libvirt
    return found


def _turn(libvirt: ModuleType) -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
