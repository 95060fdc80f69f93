"""How a call ends other than well: gRPC's codes, and the text that the caller shows."""

from __future__ import annotations

from enum import IntEnum

# It becomes a header, of which callers take some 8 KiB at least.
LONGEST_TEXT = 4000


class Code(IntEnum):
    """Those of gRPC's codes that are used here."""

    OK = 0
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13


class Failed(Exception):
    """A call that ends with a code and the reason."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def encoded(text: str) -> str:
    """The text as gRPC has it in a header: printable ASCII as it is, all else percent-encoded; cut where long."""
    cut = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
    plain = range(0x20, 0x7F)
    raw = cut.encode(errors="replace")
    return "".join(chr(byte) if byte in plain and byte != 0x25 else f"%{byte:02X}" for byte in raw)
