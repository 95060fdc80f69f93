"""One service a level for all attacks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.attacks.wire import Wire, wired


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Wire]]:
    """The running service whose namespaces are of a level; each is started by the first case that needs it."""
    with contextlib.ExitStack() as running:
        known: dict[str, Wire] = {}

        def of(level: str) -> Wire:
            if level not in known:
                known[level] = running.enter_context(wired(tmp_path_factory.mktemp(level), level))
            return known[level]

        yield of
