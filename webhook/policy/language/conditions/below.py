"""`below: 4`: the value is less than a limit."""

from __future__ import annotations

from webhook.policy.language.limits import limit_kind

KIND = limit_kind("below", "the value is less than this", above=False)
