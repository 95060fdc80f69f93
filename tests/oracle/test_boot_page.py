"""The page about booting is true: its files are written, its commands run, and their output is what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PART, happened
from tests.oracle.daemon import libvirtd, uri

PAGE = Path(__file__).parents[2] / "docs" / "boot.md"


@pytest.fixture
def libvirt_here(
    schemas: Path,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("libvirtd")
    with libvirtd(folder):
        monkeypatch.setenv("LIBVIRT_DEFAULT_URI", uri(folder))
        # What the commands print is the page's; what libvirt logs of connections that the daemon closes is not.
        monkeypatch.setenv("LIBVIRT_LOG_OUTPUTS", f"4:file:{folder / 'client.log'}")
        yield


def test_the_page_is_what_happens(libvirt_here: None, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:  # noqa: ARG001
    text = PAGE.read_text()
    assert len(PART.findall(text)) == 7

    golden(PAGE, happened(text, PART, tmp_path))
