"""The folder store on a real file system: one moment when read, one moment when written, keys for the owner only."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from certs.bundle import Bundle, Unusable, ca_bundle, parse, render
from certs.ensure import ensure
from certs.store import CURRENT, Conflict, Folder
from tests.certs.clients import DAY, NAMES, START, first


def plain(path: Path, bundle: Bundle) -> Path:
    """A folder of plain files, as people copy them by hand."""
    path.mkdir()
    for name, content in render(bundle).items():
        (path / name).write_bytes(content)
    return path


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert Folder(tmp_path / "none").read().files == {}
    assert Folder(tmp_path / "none").read().version is None


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    files = render(first())
    Folder(tmp_path / "a" / "b").write(files, None)
    assert Folder(tmp_path / "a" / "b").read().files == files


def test_keys_are_for_their_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Folder(tmp_path).write(render(first()), None)
    finally:
        os.umask(before)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("ca.crt", "ca.key", "tls.crt", "tls.key")}
    assert modes == {"ca.crt": 0o644, "ca.key": 0o600, "tls.crt": 0o644, "tls.key": 0o600}


def test_a_second_write_leaves_one_generation(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(render(first()), None)
    (tmp_path / "..left-by-a-crash").mkdir()
    folder.write(render(first()), folder.read().version)
    assert len([path for path in tmp_path.iterdir() if path.is_dir() and not path.is_symlink()]) == 1


def test_files_of_others_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("mine")
    Folder(tmp_path).write(render(first()), None)
    assert (tmp_path / "README").read_text() == "mine"


def test_a_write_on_an_outdated_reading_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(render(first()), None)
    kept = folder.read()
    for version in (None, "older"):
        with pytest.raises(Conflict):
            folder.write(render(first()), version)
    assert folder.read() == kept


def test_plain_files_are_read_and_become_links_when_written(tmp_path: Path) -> None:
    bundle = first()
    folder = Folder(plain(tmp_path / "plain", bundle))
    assert folder.read().files == render(bundle)
    folder.write(render(first()), folder.read().version)
    assert (folder.path / "tls.crt").is_symlink()
    assert folder.read().files != render(bundle)


def test_a_mounted_secret_is_read_through_its_links(tmp_path: Path) -> None:
    plain(tmp_path / "..2026_03_01", first())
    newer = first()
    plain(tmp_path / "..2026_03_02", newer)
    (tmp_path / CURRENT).symlink_to("..2026_03_02")
    assert Folder(tmp_path).read().files == render(newer)


def test_a_reader_never_sees_halves_of_two_generations(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(render(first()), None)
    generations = [render(first()) for _ in range(4)]
    done = threading.Event()

    def swap() -> None:
        for turn in range(150):
            folder.write(generations[turn % 4], folder.read().version)
        done.set()

    writer = threading.Thread(target=swap)
    writer.start()
    reads = 0
    while not done.is_set():
        assert parse(folder.read().files) is not None  # parse refuses a key beside another's certificate
        reads += 1
    writer.join()
    assert reads > 50


def test_a_crash_before_the_swap_leaves_the_old_generation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    folder.write(render(first()), None)
    kept = folder.read()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
    with pytest.raises(OSError, match="power cut"):
        folder.write(render(first()), kept.version)
    assert folder.read() == kept


def test_many_at_once_agree_on_one_bundle(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(ca_bundle(ensure(Folder(tmp_path), NAMES, START))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_ensure_writes_nothing_where_nothing_is_due(tmp_path: Path) -> None:
    ensure(Folder(tmp_path), NAMES, START)
    before = (tmp_path / CURRENT).readlink()
    ensure(Folder(tmp_path), NAMES, START + DAY)
    assert (tmp_path / CURRENT).readlink() == before
    ensure(Folder(tmp_path), NAMES, START + 60 * DAY)
    assert (tmp_path / CURRENT).readlink() != before


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("ca.key", None, "`ca.key` is missing"),
        ("tls.crt", b"nothing", "`tls.crt` holds no certificate"),
        ("tls.key", b"nothing", "`tls.key` holds no private key"),
        ("tls.key", render(first())["tls.key"], "`tls.key` is not the key of `tls.crt`"),
        ("ca.key", render(first())["ca.key"], "`ca.key` is not the key"),
        ("published", b"yesterday", "`published` holds no time"),
        ("published", b"2026-03-01T12:00:00", "without its zone"),
    ],
)
def test_somebody_elses_or_broken_files_are_never_overwritten(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    path = plain(tmp_path / "given", first())
    (path / name).unlink(missing_ok=True)
    if content is not None:
        (path / name).write_bytes(content)
    before = Folder(path).read()
    with pytest.raises(Unusable, match=problem):
        ensure(Folder(path), NAMES, START)
    assert Folder(path).read() == before


def test_a_leaf_of_a_foreign_ca_is_refused() -> None:
    files = render(first())
    stranger = render(first())
    with pytest.raises(Unusable, match="signed by none"):
        parse({**files, "tls.crt": stranger["tls.crt"], "tls.key": stranger["tls.key"]})
