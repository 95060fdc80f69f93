"""`above: 64`: the value is more than a limit."""

from __future__ import annotations

from webhook.policy.language.limits import limit_kind

KIND = limit_kind("above", "the value is more than this", above=True)
