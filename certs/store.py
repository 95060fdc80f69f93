"""Where a bundle's files are kept, and the folder that keeps them: read as one moment, replaced as one moment.

The folder is laid out as the kubelet lays out a mounted Secret (`tls.crt` -> `..data/tls.crt`, `..data` -> one
generation), so that one rename swaps all files together. Mounted Secrets and folders of plain files read alike.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from certs.bundle import FILES, KEYS, PUBLISHED, Unusable

CURRENT = "..data"
NAMES = (*FILES, PUBLISHED)
LARGEST = 1 << 20
"""Bytes of one file that are read at most; a Secret as a whole may hold no more (Kubernetes' MaxSecretSize)."""


class Conflict(Exception):
    """Somebody else wrote in between: read again and decide again."""


@dataclass(frozen=True)
class Stored:
    """What a store holds now. version: opaque, for `write`; None where nothing is stored yet."""

    files: Mapping[str, bytes]
    version: str | None


class Store(Protocol):
    """A place for a bundle's files."""

    def read(self) -> Stored:
        """All files, of one moment; none where nothing is stored yet."""

    def write(self, files: Mapping[str, bytes], version: str | None) -> None:
        """Replaces all files at once; raises Conflict where the store no longer holds `version`."""


@dataclass(frozen=True)
class Folder:
    """A folder on disk, made when first written to. Raises OSError for what the disk refuses."""

    path: Path

    def read(self) -> Stored:
        """The files that are there, of one generation, even while somebody swaps it."""
        for _ in range(10):
            try:
                files = self._read_generation()
            except _Swapped:
                continue
            return Stored(files, _digest(files))
        raise Unusable(f"`{self.path}` changes faster than it can be read")

    def write(self, files: Mapping[str, bytes], version: str | None) -> None:
        """Writes a new generation, swaps it in with one rename, and clears away all older ones."""
        self.path.mkdir(parents=True, exist_ok=True)
        with _locked(self.path):
            if self.read().version != version:
                raise Conflict(f"`{self.path}` was written by somebody else")
            generation = self.path / f"..{secrets.token_hex(8)}"
            generation.mkdir(mode=0o755)
            for name, content in files.items():
                _write_file(generation / name, content, 0o600 if name in KEYS else 0o644)
            _sync(generation)
            _point(self.path / CURRENT, generation.name)
            self._show(files)
            self._clear(generation.name)
            _sync(self.path)

    def _read_generation(self) -> dict[str, bytes]:
        current = self.path / CURRENT
        swapped = current.is_symlink()
        generation = current.resolve() if swapped else self.path
        files = {name: _read_file(generation / name) for name in NAMES}
        if swapped and current.resolve() != generation:
            raise _Swapped
        return {name: content for name, content in files.items() if content is not None}

    def _show(self, files: Mapping[str, bytes]) -> None:
        """The names that people and other programs look for, as links into the current generation."""
        for name in files:
            _point(self.path / name, f"{CURRENT}/{name}")
        for name in set(NAMES) - set(files):
            (self.path / name).unlink(missing_ok=True)

    def _clear(self, current: str) -> None:
        for old in self.path.glob("..?*"):
            if old.name not in (CURRENT, current) and old.is_dir() and not old.is_symlink():
                shutil.rmtree(old, ignore_errors=True)


class _Swapped(Exception):
    """The generation was replaced while it was read."""


def _read_file(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    if len(content) > LARGEST:
        raise Unusable(f"`{path.name}` is larger than {LARGEST} bytes")
    return content


def _write_file(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _point(link: Path, target: str) -> None:
    """Makes `link` lead to `target` with one rename, whatever stood there."""
    fresh = link.with_name(f"..{secrets.token_hex(8)}.link")
    fresh.symlink_to(target)
    fresh.replace(link)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(files: Mapping[str, bytes]) -> str | None:
    if not files:
        return None
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name} {len(files[name])}\n".encode() + files[name])
    return total.hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time, across processes; the lock goes with the process that held it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
