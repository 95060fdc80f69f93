"""What every test may use: golden files, and the fixtures of the real parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.cluster.fixtures", "tests.oracle.fixtures"]

ROOT = Path(__file__).parent
# Examples count; how long one takes on a busy machine does not.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
# The fast lane is made of these folders, but for tests that use a real part or are marked `thorough`.
FAST = frozenset(
    {
        "abi",
        "admission",
        "consistency",
        "convert",
        "declare",
        "expand",
        "extending",
        "features",
        "guests",
        "kinds",
        "libvirt",
        "kubevirt",
        "machines",
        "policy",
    }
)
# Rooms of theirs that an API server or a built program judges.
JUDGED = frozenset({("policy", "vap")})
# A test that asks for one of these fixtures starts a server, libvirt or a cluster.
REAL = frozenset({"cluster", "launcher", "schemas"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing")
    parser.addoption("--survivors", action="store_true", help="run the mutants that are listed as survivors, too")
    parser.addoption("--histories", type=int, default=200, help="of how many VMs through KubeVirt's hook (default 200)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what the fast lane has nothing of: to read it takes as long as to run half of the lane."""
    if config.getoption("markexpr") != "fast" or not collection_path.is_relative_to(ROOT):
        return None
    parts = collection_path.relative_to(ROOT).parts
    return True if collection_path.is_dir() and parts and not _fast_folder(parts) else None


def _fast_folder(parts: tuple[str, ...]) -> bool:
    """Whether tests of this folder may be fast."""
    return parts[0] in FAST and parts[:2] not in JUDGED


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark what stands in the fast lane: `make test-fast` runs it."""
    for item in items:
        parts = item.path.relative_to(ROOT).parts
        slow = item.get_closest_marker("thorough") or not REAL.isdisjoint(getattr(item, "fixturenames", ()))
        if _fast_folder(parts) and not slow:
            item.add_marker(pytest.mark.fast)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compares a whole document with its golden file, or writes it under --update-golden."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"{path} is missing: run pytest --update-golden and review the diff"
        assert text == path.read_text()

    return compare
