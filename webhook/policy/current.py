"""The policies in force, and the folder that they come from; the last good ones stay. Nothing here waits or watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from webhook.declare import Place
from webhook.findings import Finding, Refused
from webhook.policy.engine import Engine, utc_today
from webhook.policy.load import Loaded, load
from webhook.policy.model import LEVELS, Today


class Policies:
    """What decides now. `error` says what is wrong with the folder where it is not what is in force."""

    def __init__(
        self, folder: Path, places: Mapping[str, Place], default_level: str = LEVELS[0], today: Today = utc_today
    ) -> None:
        """Load the folder; raises Refused with all findings."""
        self.folder = folder
        self.error: list[Finding] = []
        self._load: Callable[[], Loaded] = lambda: load(folder, places, default_level, today)
        self._loaded = self._load()

    @property
    def engine(self) -> Engine:
        return self._loaded.engine

    @property
    def digest(self) -> str:
        """The SHA-256 of the files in force."""
        return self._loaded.digest

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Exceptions that had ended when the files were read."""
        return self._loaded.notes

    def reload(self) -> list[Finding]:
        """Read the folder again. With findings, what was in force stays so."""
        try:
            self._loaded = self._load()
            self.error = []
        except Refused as refused:
            self.error = refused.findings
        return self.error
