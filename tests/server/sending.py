"""Honest creations at a steady rate, sent by Go's own HTTP transport, as an API server's are."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from tests.admission.reviews import review
from tests.attacks.manifests import manifest, spec_of
from tests.cluster.build import program


@dataclass
class Sent:
    """What became of them: `lost` says why of each that was not allowed; a time each, both webhooks together."""

    sent: int = 0
    lost: list[str] = field(default_factory=list)
    connections: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def quantile(self, part: float) -> float:
        """The time in which this part of them was answered, in milliseconds."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def endpoints(folder: Path, ports: Iterable[int]) -> Path:
    """Name the ports to which new connections go from now on, as a Service names its endpoints."""
    file = folder / "endpoints"
    part = file.with_suffix(".part")
    part.write_text("".join(f"127.0.0.1:{port}\n" for port in ports))
    part.rename(file)
    return file


@contextlib.contextmanager
def sending(folder: Path, ca: Path, rate: float) -> Iterator[Sent]:
    """Creations at this rate (a second) while this is entered, to the folder's endpoints; filled in when it is left."""
    command = [str(program("sender")), "-ca", str(ca), "-endpoints", str(folder / "endpoints"), "-rate", str(rate)]
    for hook, complete in (("mutate", False), ("validate", True)):
        body = folder / f"{hook}.json"
        body.write_bytes(orjson.dumps(review(manifest("VM", spec_of("pc", {}, complete=complete)))))
        command.append(f"/{hook}={body}")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    sent = Sent()
    try:
        yield sent
    finally:
        said, _ = process.communicate(timeout=120)
    sent.__dict__.update(json.loads(said))
