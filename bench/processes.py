"""The servers under load, each in a process of its own on one core."""

from __future__ import annotations

import base64
import contextlib
import functools
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


@functools.cache
def cores() -> tuple[set[int], set[int]]:
    """The core of the server, and those of everything else; the same one where there is only one."""
    # Read once: the bench keeps itself to the second half, and would later see no more than that.
    known = sorted(os.sched_getaffinity(0))
    return {known[0]}, set(known[1:]) or {known[0]}


def certificates(folder: Path) -> None:
    issue = [sys.executable, "-m", "certs", "issue", "--dir", str(folder), "--dns", "localhost", "--ip", "127.0.0.1"]
    subprocess.run(issue, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def calibration(certs: Path, answer: bytes | None) -> Iterator[tuple[int, int]]:
    """A bare server with this answer, or (None) one that allows every review; its port and process."""
    fixed = "allowed" if answer is None else base64.b64encode(answer).decode()
    port = free_port()
    with _process([sys.executable, "-m", "bench.calibration", str(port), str(certs), fixed], port, certs) as pid:
        yield port, pid


@contextlib.contextmanager
def service(certs: Path) -> Iterator[tuple[int, int]]:
    """Our service; its port and process."""
    port = free_port()
    command = [sys.executable, "-m", "webhook.cli", "serve", "--listen", f"127.0.0.1:{port}", "--certs-dir", str(certs)]
    with _process([*command, "--drain-seconds", "0"], port, certs) as pid:
        yield port, pid


@contextlib.contextmanager
def _process(command: list[str], port: int, certs: Path) -> Iterator[int]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, cores()[0])
    try:
        _wait(process, port, certs)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int, certs: Path) -> None:
    context = ssl.create_default_context(cafile=certs / "ca.crt")
    for _ in range(300):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as plain:
            context.wrap_socket(plain, server_hostname="127.0.0.1").close()
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident(pid: int) -> float:
    """MiB of memory that the process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


def cpu_seconds(pid: int) -> float:
    """Seconds of CPU that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
