"""The policies in force, and the folder that they come from: read anew when it changes, the last good ones kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from watchfiles import awatch

from webhook.declare import Place
from webhook.findings import Finding, Refused
from webhook.policy.engine import Engine, utc_today
from webhook.policy.load import Loaded, load
from webhook.policy.model import LEVELS, Today

# A folder is looked at that often also without an event: some file systems send none.
_LOOK = 10.0

OnLoad = Callable[["Policies"], None]
OnError = Callable[[list[Finding]], None]
logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it reports each change it sees


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

    async def watch(self, on_load: OnLoad, on_error: OnError, look_every: float = _LOOK) -> None:
        """Reload whenever the folder changes, until cancelled; each callback is told of news only.

        Files are read in a thread: the event loop goes on answering meanwhile.
        """
        while True:
            try:
                changes = awatch(
                    self.folder,
                    watch_filter=None,
                    debounce=200,
                    rust_timeout=int(look_every * 1000),
                    yield_on_timeout=True,
                )
                async for _ in changes:
                    await self._look(on_load, on_error)
            except OSError:
                # The folder itself is gone or replaced; what was in force stays so.
                await self._look(on_load, on_error)
                await asyncio.sleep(min(1.0, look_every))

    async def _look(self, on_load: OnLoad, on_error: OnError) -> None:
        before, wrong = self.digest, self.error
        now_wrong = await asyncio.to_thread(self.reload)
        if now_wrong and now_wrong != wrong:
            on_error(now_wrong)
        elif not now_wrong and (wrong or self.digest != before):
            on_load(self)
