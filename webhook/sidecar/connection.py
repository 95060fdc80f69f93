"""One caller's connection: calls of gRPC over HTTP/2, one after the other, each bounded in size and time.

HTTP/2 itself is h2's; what is here is gRPC's part: a prefix of five bytes, a few headers, and the status at the end.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from webhook.sidecar.status import Code, Failed, encoded

# What gRPC's own servers take: an object of Kubernetes is smaller than half of it.
LARGEST_MESSAGE = 4 * 1024 * 1024
# Seconds without a byte, and in all. KubeVirt makes a connection for each call.
IDLE, LONGEST = 30.0, 120.0
_LIMITS = {SettingCodes.MAX_CONCURRENT_STREAMS: 1, SettingCodes.MAX_HEADER_LIST_SIZE: 16384}
_PREFIX = 5
_CHUNK = 65536
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_HEADERS = ((b":status", b"200"), (b"content-type", b"application/grpc"))

# A message, and the moment (of the monotonic clock) until which its caller waits; the answer's message.
Call: TypeAlias = Callable[[bytes, float], bytes]


@dataclass
class _Stream:
    """A call that comes in: its headers, and what is there of its message."""

    headers: Mapping[bytes, bytes]
    body: bytearray = field(default_factory=bytearray)

    @property
    def announced(self) -> int:
        """The size of the message by its prefix; 0 while that is not there."""
        return int.from_bytes(self.body[1:_PREFIX], "big") if len(self.body) >= _PREFIX else 0


class Connection:
    """A connection from its first byte to its last; `waits` says whether it may be closed for another caller."""

    def __init__(self, peer: socket.socket, calls: Mapping[str, Call]) -> None:
        self.peer = peer
        self.calls = calls
        self.waits = True
        self.began = time.monotonic()
        self.ends = self.began + LONGEST
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        # They hold from the first byte on. An update of them would hold once the caller has acknowledged it.
        self._http.local_settings = Settings(client=False, initial_values=_LIMITS)
        self._http.decoder.max_header_list_size = _LIMITS[SettingCodes.MAX_HEADER_LIST_SIZE]
        self._streams: dict[int, _Stream] = {}
        self._whole: deque[int] = deque()

    def serve(self) -> None:
        """Answer until the caller has gone, is silent for too long or breaks the protocol."""
        self._http.initiate_connection()
        try:
            self._flush()
            while self._receive():
                while self._whole:
                    self._answer(self._whole.popleft())
        except (OSError, ProtocolError):
            pass  # it has gone or speaks something else; h2 has said why where it can
        finally:
            self.peer.close()

    def close(self) -> None:
        """End it from another thread."""
        with contextlib.suppress(OSError):  # it has ended already
            self.peer.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> bool:
        """Take what is there, and answer it as far as HTTP/2 goes; False where the connection is at its end."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.peer.settimeout(min(IDLE, left))
        data = self.peer.recv(_CHUNK)
        try:
            ended = [self._seen(event) for event in (self._http.receive_data(data) if data else ())]
        finally:
            self._flush()
        return bool(data) and not any(ended)

    def _seen(self, event: Event) -> bool:
        """Note what has come; whether it is the connection's end."""
        if isinstance(event, RequestReceived):
            self._streams[event.stream_id] = _Stream(dict(event.headers))
        elif isinstance(event, DataReceived):
            self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self._grown(event.stream_id, event.data)
        elif isinstance(event, StreamEnded):
            if event.stream_id in self._streams:
                self._whole.append(event.stream_id)
        elif isinstance(event, StreamReset):
            self._streams.pop(event.stream_id, None)
        return isinstance(event, ConnectionTerminated)

    def _grown(self, number: int, data: bytes) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.body += data
        if max(stream.announced, len(stream.body) - _PREFIX) > LARGEST_MESSAGE:
            self._fail(number, Failed(Code.RESOURCE_EXHAUSTED, f"the message is larger than {LARGEST_MESSAGE} bytes"))
            self._http.reset_stream(number, ErrorCodes.NO_ERROR)

    def _answer(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        self.waits = False
        try:
            self._reply(number, self._made(stream))
        except Failed as failed:
            self._fail(number, failed)
        finally:
            self.waits = True
        self._flush()

    def _made(self, stream: _Stream) -> bytes:
        """The answer's message; raises Failed."""
        path = stream.headers.get(b":path", b"").decode("ascii", "replace")
        call = self.calls.get(path)
        if call is None or stream.headers.get(b":method") != b"POST":
            raise Failed(Code.UNIMPLEMENTED, f"there is no call `{path[:200]}`")
        if not stream.headers.get(b"content-type", b"").startswith(b"application/grpc"):
            raise Failed(Code.INVALID_ARGUMENT, "the content type is not `application/grpc`")
        if len(stream.body) < _PREFIX or stream.announced != len(stream.body) - _PREFIX:
            raise Failed(Code.INVALID_ARGUMENT, "the body is not one whole message")
        if stream.body[0]:
            raise Failed(Code.UNIMPLEMENTED, "the message is compressed")
        message = bytes(memoryview(stream.body)[_PREFIX:])
        stream.body.clear()
        return call(message, min(self.ends, time.monotonic() + _timeout(stream.headers)))

    def _reply(self, number: int, message: bytes) -> None:
        self._http.send_headers(number, _HEADERS)
        data = memoryview(b"\0" + len(message).to_bytes(4, "big") + message)
        while data:
            room = min(self._http.local_flow_control_window(number), self._http.max_outbound_frame_size)
            if room > 0:
                self._http.send_data(number, bytes(data[:room]))
                data = data[room:]
                self._flush()
            elif not self._receive() or number not in self._streams:
                return
        self._end(number, ((b"grpc-status", b"0"),))

    def _fail(self, number: int, failed: Failed) -> None:
        ending = ((b"grpc-status", str(int(failed.code)).encode()), (b"grpc-message", encoded(failed.text).encode()))
        self._end(number, (*_HEADERS, *ending))

    def _end(self, number: int, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        if self._streams.pop(number, None) is not None:
            self._http.send_headers(number, headers, end_stream=True)

    def _flush(self) -> None:
        data = self._http.data_to_send()
        if data:
            self.peer.sendall(data)


def _timeout(headers: Mapping[bytes, bytes]) -> float:
    """The seconds that a caller waits, by its header; as long as a connection lasts where it does not say."""
    said = _TIMEOUT.fullmatch(headers.get(b"grpc-timeout", b""))
    return int(said[1]) * _UNITS[said[2]] if said else LONGEST
