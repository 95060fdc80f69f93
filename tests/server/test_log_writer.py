"""The queue of the log: bounded in lines and bytes, counted where it overflows, and never in anybody's way."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import orjson
import pytest

from webhook.server import logs
from webhook.server.log_writer import LogWriter

PATIENCE = 60.0


def notice(lines: int) -> bytes:
    return f"lost {lines}\n".encode()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(end)


def written(writer: LogWriter, descriptor: int, reader: int) -> list[bytes]:
    """All that it writes until its end, and then the descriptor's."""
    writer.end()
    writer.run()
    os.close(descriptor)
    with open(reader, "rb", closefd=False) as file:
        return file.read().splitlines()


def test_lines_are_written_whole_and_in_order(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1], notice)
    for number in range(100):
        writer.put(b"%d\n" % number)
    assert written(writer, pipe[1], pipe[0]) == [b"%d" % number for number in range(100)]
    assert writer.dropped == 0


@pytest.mark.parametrize(("bounds", "kept"), [((3, 1000), 3), ((1000, 6), 2), ((0, 1000), 0), ((1000, 2), 0)])
def test_what_is_more_than_the_queue_holds_is_dropped_and_told(
    pipe: tuple[int, int], bounds: tuple[int, int], kept: int
) -> None:
    writer = LogWriter(pipe[1], notice, *bounds)
    for number in range(10):
        writer.put(b"%d:\n" % number)
    assert writer.dropped == 10 - kept
    told = [b"lost %d" % (10 - kept)] if kept else []  # beside the next line that is written
    assert written(writer, pipe[1], pipe[0]) == told + [b"%d:" % number for number in range(kept)]


def test_what_was_written_makes_room(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1], notice, 2, 1000)
    thread = threading.Thread(target=writer.run, daemon=True)
    thread.start()
    with open(pipe[0], "rb", closefd=False) as file:
        for _ in range(50):
            writer.put(b"a\n")
            assert file.readline() == b"a\n"
    writer.end()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert writer.dropped == 0


def test_nobody_waits_for_a_reader_that_does_not_read(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1], notice, 10, 1 << 20)
    thread = threading.Thread(target=writer.run, daemon=True)
    thread.start()
    for _ in range(100):
        writer.put(b"x" * 99_999 + b"\n")  # more than a pipe holds
    assert writer.dropped >= 80
    os.close(pipe[0])  # the reader goes away: what was being written is lost too
    writer.end()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert writer.dropped == 100


def test_a_line_is_put_while_its_own_thread_is_putting_one(pipe: tuple[int, int]) -> None:
    """As a signal's handler does, which runs between any two steps of the thread that it interrupts."""
    writer = LogWriter(pipe[1], notice)

    def interrupted() -> None:
        with writer._changed:
            writer.put(b"from the handler\n")

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert written(writer, pipe[1], pipe[0]) == [b"from the handler"]


def test_what_comes_after_the_end_is_dropped(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1], notice)
    writer.put(b"before\n")
    writer.end()
    writer.put(b"after\n")
    assert writer.dropped == 1
    assert b"after" not in written(writer, pipe[1], pipe[0])


def test_a_descriptor_that_somebody_made_non_blocking_is_waited_for(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    writer = LogWriter(pipe[1], notice)
    for _ in range(30):
        writer.put(b"x" * 9_999 + b"\n")
    writer.end()
    thread = threading.Thread(target=writer.run, daemon=True)
    thread.start()
    read = b""
    with open(pipe[0], "rb", closefd=False) as file:
        while len(read) < 300_000:
            read += file.read(1000)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert read == (b"x" * 9_999 + b"\n") * 30
    assert writer.dropped == 0


def test_where_there_is_nothing_to_write_to_all_is_counted() -> None:
    writer = LogWriter(None, notice)
    for _ in range(3):
        writer.put(b"line\n")
    writer.end()
    writer.run()
    assert writer.dropped == 3


@pytest.mark.parametrize("value", ["\ud800", 2**70, object(), {1, 2}, {object(): 1}])
def test_a_fact_of_any_type_makes_a_line(value: object, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    logs.event("strange", fact=value)
    (line,) = capfdbinary.readouterr().out.splitlines()
    assert orjson.loads(line.replace(rb"\ud800", b"?"))["event"] == "strange"
