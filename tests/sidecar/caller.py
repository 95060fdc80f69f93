"""A caller of the hook's socket: gRPC as KubeVirt's Go client speaks it, and as a caller does that means no good.

`tests/kubevirt/test_hook_ways.py` has the real one; this one can also do what that one never does.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.settings import SettingCodes

from tests.waiting import PATIENCE

INFO = "/kubevirt.hooks.info.Info/Info"
MUTATE_DOMAIN = "/kubevirt.hooks.plugins.v1alpha1.DomainHookService/MutateDomain"


def callback(name: str, version: str = "v1alpha3") -> str:
    return f"/kubevirt.hooks.{version}.Callbacks/{name}"


@dataclass
class Answered:
    """What came: the status's code, its text, and the bytes of the message."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    @property
    def code(self) -> int:
        return int(self.headers[b"grpc-status"])

    @property
    def text(self) -> str:
        return unquote(self.headers.get(b"grpc-message", b"").decode())

    @property
    def message(self) -> bytes:
        assert self.code == 0, self.text
        assert self.body[0] == 0
        assert int.from_bytes(self.body[1:5], "big") == len(self.body) - 5
        return self.body[5:]


def connect(path: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(PATIENCE)
    peer.connect(str(path))
    return peer


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


def begun(name: str, body: bytes) -> bytes:
    """What a whole call begins with on a new connection, up to its end."""
    http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
    http.initiate_connection()
    head(http, name, {})
    http.send_data(1, body, end_stream=True)
    return bytes(http.data_to_send())


def head(http: H2Connection, name: str, headers: dict[str, str], number: int = 1) -> None:
    """The headers of a call, whose stream has this number."""
    wanted = {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": name}
    wanted |= {"content-type": "application/grpc", "te": "trailers", **headers}
    http.send_headers(number, list(wanted.items()))


def call(
    path: Path, name: str, message: bytes, *, headers: dict[str, str] | None = None, window: int = 65535
) -> Answered:
    """One whole call on a connection of its own."""
    return send(path, name, framed(message), headers=headers, window=window)


def send(path: Path, name: str, body: bytes, *, headers: dict[str, str] | None = None, window: int = 65535) -> Answered:
    """A call with this body as it is."""
    http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
    http.initiate_connection()
    http.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
    head(http, name, headers or {})
    answered, rest, going = Answered(), body, True
    with connect(path) as peer:
        while going:
            while rest is not None and (room := _room(http, rest)) is not None:
                last = room >= len(rest)
                http.send_data(1, rest[:room], end_stream=last)
                rest = None if last else rest[room:]
            peer.sendall(http.data_to_send())
            data = peer.recv(65536)
            assert data, "the connection ended without an answer"
            for event in http.receive_data(data):
                assert not isinstance(event, ConnectionTerminated), event
                if isinstance(event, ResponseReceived | TrailersReceived):
                    answered.headers |= dict(event.headers)
                elif isinstance(event, DataReceived):
                    answered.body += event.data
                    http.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, StreamEnded | StreamReset):
                    going = False
    return answered


def _room(http: H2Connection, rest: bytes) -> int | None:
    """How much of the rest may be sent now; None where it has to wait."""
    room = min(http.local_flow_control_window(1), http.max_outbound_frame_size)
    return room if room or not rest else None
