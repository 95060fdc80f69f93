"""How QEMU splits what libvirt hands it, as `util/qemu-option.c` does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.arguments import options


@pytest.mark.parametrize(
    ("argument", "pairs"),
    [
        ("a=b,c=d", [("a", "b"), ("c", "d")]),
        ("pc,usb=off", [("", "pc"), ("usb", "off")]),
        ("socket,id=x,server", [("", "socket"), ("id", "x"), ("server", True)]),
        ("a=b,,c=d", [("a", "b,c=d")]),
        ("a=b,,,c=d", [("a", "b,"), ("c", "d")]),
        ("a=,file=/x", [("a", ""), ("file", "/x")]),
        ("pc,,x=y,usb=off", [("", "pc,x=y"), ("usb", "off")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=b,c", [("a", "b"), ("c", True)]),
        ("a=b,,", [("a", "b,")]),
    ],
)
def test_keys_and_values_are_split_at_single_commas(argument: str, pairs: list[tuple[str, Any]]) -> None:
    assert options(f"qemu -chardev '{argument}'")[2:] == [("-chardev", pairs)]


def test_a_cpus_commas_are_never_doubled() -> None:
    assert options("qemu -cpu Westmere,vendor=a,,b")[2:] == [
        ("-cpu", [("", "Westmere"), ("vendor", "a"), ("", True), ("b", True)])
    ]


def test_json_is_read_as_json() -> None:
    line = """qemu -device '{"driver":"scsi-hd","at":[1,{"x":"a,b=c"}]}'"""
    assert options(line)[2:] == [("-device", [("driver", "scsi-hd"), ("at.0", 1), ("at.1.x", "a,b=c")])]


def test_a_key_that_stands_twice_in_json_is_no_option() -> None:
    with pytest.raises(ValueError, match="twice"):
        options("""qemu -device '{"a":1,"a":2}'""")


def test_the_environment_and_the_program_come_first() -> None:
    assert options("TZ=Etc/UTC LC_ALL=C /usr/bin/qemu -S -k de") == [
        ("environment", [("TZ", "Etc/UTC"), ("LC_ALL", "C")]),
        ("program", [("", "/usr/bin/qemu")]),
        ("-S", []),
        ("-k", [("", "de")]),
    ]


def test_a_quoted_argument_stays_one() -> None:
    assert options("qemu -smbios 'type=11,value=a -S b'")[2:] == [("-smbios", [("type", "11"), ("value", "a -S b")])]


@pytest.mark.parametrize("line", ["qemu -S text", "qemu -chardev a=b c"])
def test_an_argument_that_belongs_to_no_option_is_noticed(line: str) -> None:
    with pytest.raises(ValueError, match="stands where an option should be"):
        options(line)
