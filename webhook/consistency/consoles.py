"""The operator's consoles of a mainframe, of which QEMU has one of each kind."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import rule
from webhook.findings import Finding
from webhook.trees import Tree

# The device of QEMU's that a console is, by the type of its target, and that a serial port is, by its model.
_CONSOLES = {"sclp": "sclpconsole", "sclplm": "sclplmconsole"}
_SERIALS = frozenset({"sclpconsole", "sclplmconsole"})


@rule
def operator_consoles_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU starts with one VT220 and one line-mode console (hw/char/sclpconsole.c, sclpconsole-lm.c)."""
    devices = domain.get("devices", {})
    seen: dict[str, str] = {}
    for listed, device_of in (("serials", _of_serial), ("consoles", _of_console)):
        for index, device in enumerate(devices.get(listed, ())):
            place, kind = f"{path}.devices.{listed}[{index}]", device_of(device.get("target", {}))
            if kind in seen:
                problem = f"is a second `{kind}` beside `{seen[kind]}`, of which QEMU has one"
                yield Finding(place, problem, "leave one of the two out", "console")
            elif kind:
                seen[kind] = place


def _of_serial(target: Tree) -> str:
    model = target.get("model", "sclpconsole")
    return model if target.get("type") == "sclp-serial" and model in _SERIALS else ""


def _of_console(target: Tree) -> str:
    return _CONSOLES.get(target.get("type", ""), "")
