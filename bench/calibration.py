"""What this machine can do at this hour: a bare asyncio TLS server with a fixed answer, in a process of its own.

Also the two webhooks that answer "allowed" at once, beside which ours are compared on the real API server.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import sys
from pathlib import Path

import uvloop

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.I)
_UID = re.compile(rb'"uid": ?"([0-9a-f-]{36})"')


class Fixed(asyncio.Protocol):
    """Reads whole requests, answers each with the same bytes (an answer to a review gets the review's uid)."""

    def __init__(self, body: bytes, echo_uid: bool) -> None:
        self.body = body
        self.echo_uid = echo_uid
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self.buffer, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < whole:
                return
            request, self.buffer = self.buffer[:whole], self.buffer[whole:]
            body = self.body
            if self.echo_uid:
                uid = _UID.search(request, end)
                body = body.replace(b"UID", uid[1] if uid else b"")
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            self.transport.write(head + body)  # type: ignore[attr-defined]


async def serve(port: int, certs: Path, body: bytes, echo_uid: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / "tls.crt", certs / "tls.key")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Fixed(body, echo_uid), "127.0.0.1", port, ssl=context)
    await server.serve_forever()


ALLOWED = b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"UID","allowed":true}}'

if __name__ == "__main__":
    port, folder, answer = sys.argv[1:4]
    fixed = ALLOWED if answer == "allowed" else base64.b64decode(answer)
    uvloop.run(serve(int(port), Path(folder), fixed, answer == "allowed"))
