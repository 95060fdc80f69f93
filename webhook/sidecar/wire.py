"""Protocol Buffers as KubeVirt's hooks need them: messages of texts and small numbers, each field by its number.

The messages are those of KubeVirt's `pkg/hooks`, where they have not changed since they were made; `calls.py` names the
fields.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
# A varint has 64 bits in groups of seven.
_LONGEST_VARINT = 10


class Malformed(Exception):
    """Bytes that are no message, and why."""


def read(message: bytes) -> dict[int, bytes]:
    """The texts of a message by their fields' numbers, the last one where a field is there twice; raises Malformed."""
    return {number: value for number, value in _fields(message) if value is not None}


def text(number: int, value: bytes) -> bytes:
    """A field with a text or a message; nothing where it is empty, which means the same."""
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value if value else b""


def _fields(message: bytes) -> Iterator[tuple[int, bytes | None]]:
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, kind = key >> 3, key & 7
        if not number:
            raise Malformed("a field has number 0")
        if kind == _VARINT:
            _, at = _read_varint(message, at)
            yield number, None
            continue
        if kind == _BYTES:
            size, at = _read_varint(message, at)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise Malformed(f"a field has type {kind}")
        if size > len(message) - at:
            raise Malformed("a field is longer than the message")
        yield number, message[at : at + size] if kind == _BYTES else None
        at += size


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    raise Malformed("a number does not end")


def _varint(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
