"""Routes requests on a webhook's path to its hook, as plain ASGI; all else goes to FastAPI. Bodies are bounded.

A route of the framework would cost more than the decision itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from webhook.server.hooks import Hook
from webhook.server.slow_hooks import SlowHooks

_JSON = (b"content-type", b"application/json")


class HookRouter:
    """An ASGI application: POST on a hook's path goes to the hook, all else to the FastAPI application."""

    def __init__(
        self, app: Any, hooks: Mapping[str, Hook], body_limit: int, deadline: float, *, certified_only: bool = False
    ) -> None:
        self.app = app
        self.hooks = hooks
        self.body_limit = body_limit
        self.deadline = deadline
        self.certified_only = certified_only
        # Those of one hook wait for each other, and not for those of another.
        self.slow = {name: SlowHooks() for name, hook in hooks.items() if hook.slow}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        hook = self.hooks.get(scope["path"]) if scope["type"] == "http" else None
        if hook is None:
            await self.app(scope, receive, send)
            return
        if self.certified_only and not scope.get("state", {}).get("client_certificate"):
            await _reply(send, *hook.malformed(401, "callers need a certificate of the client CA"), close=True)
            return
        if scope["method"] != "POST":
            await _reply(send, *hook.malformed(405, "webhooks are called by POST"), close=True)
            return
        body = await self._body(scope, receive)
        if isinstance(body, int):
            reason = f"is larger than {self.body_limit} bytes" if body == 413 else f"took longer than {self.deadline} s"
            await _reply(send, *hook.malformed(body, f"the body {reason}"), close=True)
        elif body is None:
            return
        elif hook.slow:
            await _reply(send, *await self.slow[scope["path"]](hook, body))
        else:
            await _reply(send, *hook(body))

    async def _body(self, scope: Any, receive: Any) -> bytes | int | None:
        """The body; 413 where it is too large, 408 where it comes too slowly, None where the client went away."""
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self.body_limit:
                return 413
        ends = asyncio.get_running_loop().time() + self.deadline
        message = await self._next(receive, ends)
        if message is None:
            return 408
        if message["type"] == "http.request" and not message.get("more_body"):
            return message["body"] if len(message["body"]) <= self.body_limit else 413
        return await self._rest(message, receive, ends)

    async def _rest(self, message: Any, receive: Any, ends: float) -> bytes | int | None:
        chunks: list[bytes] = []
        size = 0
        while message["type"] == "http.request":
            chunks.append(message["body"])
            size += len(message["body"])
            if size > self.body_limit:
                return 413
            if not message.get("more_body"):
                return b"".join(chunks)
            message = await self._next(receive, ends)
            if message is None:
                return 408
        return None

    async def _next(self, receive: Any, ends: float) -> Any:
        try:
            async with asyncio.timeout_at(ends):
                return await receive()
        except TimeoutError:
            return None


async def _reply(send: Any, code: int, body: bytes, *, close: bool = False) -> None:
    headers = [_JSON, (b"content-length", str(len(body)).encode())]
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
