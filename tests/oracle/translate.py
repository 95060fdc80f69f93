"""Runs by itself, beside any libvirt: domains' XML in, the command lines of QEMU that libvirt makes of them out.

Reads `{"root": folder, "configuration": text of qemu.conf, "documents": [XML, …]}` as JSON and writes libvirt's
`version` and `lines`: for each document `[command line, ""]`, or `["", why libvirt refuses it]`. Nothing but the
standard library and the binding: it may run under the Python of another system.
"""

import json
import os
import sys
import threading

import libvirt


def main() -> None:
    asked = json.load(sys.stdin)
    os.makedirs(os.path.join(asked["root"], "etc"), exist_ok=True)
    with open(os.path.join(asked["root"], "etc", "qemu.conf"), "w") as file:
        file.write(asked["configuration"])
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_turn, daemon=True).start()
    connection = libvirt.open(f"qemu:///embed?root={asked['root']}")
    answered = {"version": connection.getLibVersion(), "lines": [_line(connection, xml) for xml in asked["documents"]]}
    # The driver's threads outlive the connection.
    sys.stdout.write(json.dumps(answered))
    sys.stdout.flush()
    os._exit(0)


def _line(connection, xml):
    try:
        return [connection.domainXMLToNative("qemu-argv", xml), ""]
    except libvirt.libvirtError as error:
        return ["", str(error)]


def _turn():
    while True:
        libvirt.virEventRunDefaultImpl()


if __name__ == "__main__":
    main()
