"""The folder of the policies in force under watch: read anew when it changes.

Imported by the service alone: the command needs no event loop and no watcher, whose import takes long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from watchfiles import awatch

from webhook.findings import Finding
from webhook.policy.loading.budget import Pace
from webhook.policy.loading.current import Policies

# Seconds between two reloads without an event: some file systems send none.
_INTERVAL = 10.0

OnLoad = Callable[[Policies], None]
OnError = Callable[[list[Finding]], None]
logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it reports each change it sees


async def watch(policies: Policies, on_load: OnLoad, on_error: OnError, look_every: float = _INTERVAL) -> None:
    """Reload whenever the folder changes, until cancelled; each callback is called only where the result has changed.

    Files are read in a thread that rests often: the event loop goes on answering meanwhile.
    """
    while True:
        try:
            changes = awatch(
                policies.folder,
                watch_filter=None,
                debounce=200,
                rust_timeout=int(look_every * 1000),
                yield_on_timeout=True,
            )
            async for _ in changes:
                await _reload(policies, on_load, on_error)
        except (OSError, ExceptionGroup):
            # The folder itself is gone or replaced, or a name in it is no text; what is in force stays.
            await _reload(policies, on_load, on_error)
            await asyncio.sleep(min(1.0, look_every))
        except RuntimeError:
            # The node has no inotify watches left: the folder is reloaded at intervals.
            await _reload(policies, on_load, on_error)
            await asyncio.sleep(look_every)


async def _reload(policies: Policies, on_load: OnLoad, on_error: OnError) -> None:
    before, wrong = policies.digest, policies.error
    now_wrong = await asyncio.to_thread(policies.reload, Pace())
    if now_wrong and now_wrong != wrong:
        on_error(now_wrong)
    elif not now_wrong and (wrong or policies.digest != before):
        on_load(policies)
