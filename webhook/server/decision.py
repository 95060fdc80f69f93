"""One decision with what the log and the metrics record of it."""

from __future__ import annotations

from typing import NamedTuple

from webhook.admission.review import Review, Verdict


class Decision(NamedTuple):
    """A review that a hook answered: after how many seconds, and with how many bytes of patch (0: none)."""

    hook: str
    review: Review
    verdict: Verdict
    seconds: float
    patch_bytes: int
