"""Whoever reaches the port and stays: connections, heads and bodies that wait, and answers that nobody takes.

Each bound of the protocol stands in tests/server/test_protocol.py; here a real process is held to them.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.attacks.manifests import manifest, spec_of
from tests.attacks.wire import Wire, wired
from tests.e2e.service import ROOT, resident
from tests.waiting import until

LIMIT = 32
HEAD = b"POST /validate HTTP/1.1\r\nHost: x\r\n"
VM = manifest("VM", spec_of("pc", {}, complete=False))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A service with few places, which still admits an honest machine at the end of all tests."""
    with wired(tmp_path_factory.mktemp("small"), "restricted", "--connection-limit", str(LIMIT)) as service:
        yield service
        assert service.pair(VM).allowed


def plain(service: Wire) -> socket.socket:
    """A connection without TLS."""
    return socket.create_connection(("127.0.0.1", service.service.port), 60)


def secure(service: Wire) -> ssl.SSLSocket:
    """A connection of which nothing else is known."""
    return service.service.trusted().wrap_socket(plain(service), server_hostname="127.0.0.1")


def heard(connection: socket.socket, seconds: float = 60) -> bytes | None:
    """What comes before the other side ends, at most a head; None where it neither says anything nor ends."""
    connection.settimeout(seconds)
    answer = b""
    try:
        while b"\r\n\r\n" not in answer and (part := connection.recv(65536)):
            answer += part
    except TimeoutError:
        return answer or None
    except (ConnectionError, ssl.SSLError):
        pass
    return answer


def refused(service: Wire, reason: str) -> float:
    """How many connections were refused for this reason so far."""
    text = service.client.get("/metrics").text
    found = re.search(rf'^vmconfig_connections_refused_total\{{reason="{reason}"\}} (\S+)$', text, re.M)
    assert found, reason
    return float(found[1])


WAITING: dict[str, tuple[Callable[[Wire], socket.socket], bytes, bytes, str]] = {
    "without a handshake": (plain, b"", b"", "handshake"),
    "with half of a handshake": (plain, b"\x16\x03\x01\x02\x00\x01\x00", b"", "handshake"),
    "without a request": (secure, b"", b"", "unused"),
    "with half of a head": (secure, b"POST /validate HT", b"HTTP/1.1 408", "slow-head"),
    "with a head without end": (secure, HEAD + b"X: a\r\n", b"HTTP/1.1 408", "slow-head"),
    "with a header without end": (secure, HEAD + b"X: " + b"a" * 20_000, b"HTTP/1.1 431", "large-head"),
}


@pytest.mark.parametrize("case", WAITING)
def test_nobody_waits_for_ever(small: Wire, case: str) -> None:
    make, said, answer, reason = WAITING[case]
    before = refused(small, reason)
    with make(small) as connection:
        if said:
            connection.sendall(said)
        found = heard(connection)
        assert found is not None
        assert found.startswith(answer)
        assert bool(found) is bool(answer)
    assert refused(small, reason) == before + 1


def test_a_header_without_end_costs_its_sender_more_than_the_service(small: Wire) -> None:
    """Of 100 MiB next to nothing is taken: the sender is stopped, and the head that was kept is bounded."""
    sent = 0
    with secure(small) as connection:
        connection.settimeout(60)
        connection.sendall(HEAD + b"X: ")
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            while sent < 100 * 2**20:
                sent += connection.send(b"a" * 2**16)
                if select.select([connection], [], [], 0)[0]:
                    break
    assert sent < 20 * 2**20


def test_at_the_limit_strangers_give_way_to_each_other_and_not_to_silence(small: Wire) -> None:
    """Far more than may be there at once: everybody's new connection is taken, and the old ones end."""
    with contextlib.ExitStack() as open_:
        idle = [open_.enter_context(secure(small)) for _ in range(3 * LIMIT)]
        with httpx.Client(base_url=small.service.url, verify=small.service.trusted(), timeout=60) as fresh:
            assert fresh.get("/livez").status_code == 200
        ended = [heard(each, 0.01) is not None for each in idle[:LIMIT]]
        assert all(ended), "the oldest are those that went"
        assert small.client.get("/livez").status_code == 200


def test_at_the_limit_connections_of_use_do_not_keep_a_new_one_out(small: Wire) -> None:
    with contextlib.ExitStack() as open_:
        for _ in range(2 * LIMIT):
            used = open_.enter_context(secure(small))
            used.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (heard(used) or b"").startswith(b"HTTP/1.1 200")
        with httpx.Client(base_url=small.service.url, verify=small.service.trusted(), timeout=60) as fresh:
            assert fresh.get("/livez").status_code == 200


def test_large_bodies_that_wait_are_bounded_in_sum_and_small_ones_pass(tmp_path: Path) -> None:
    with wired(tmp_path, "restricted", "--deadline", "30") as service, contextlib.ExitStack() as open_:
        before = resident(service.service)
        waiting = [open_.enter_context(secure(service)) for _ in range(20)]
        for connection in waiting:
            connection.settimeout(60)
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                connection.sendall(HEAD + b"Content-Length: 3000000\r\n\r\n" + b" " * 2_900_000)
        assert service.pair(VM).allowed
        until(lambda: refused(service, "bodies") >= 14)  # 16 MiB have room for five
        assert resident(service.service) - before < 3 * 16 * 2**20


def test_with_few_descriptors_policies_are_still_read_and_reviews_answered(tmp_path: Path) -> None:
    """`ulimit -n` of a site may be small: connections leave enough of it to everything else."""
    policies = tmp_path / "policies"
    policies.mkdir()
    for file in ROOT.glob("policies/*/policy.yaml"):
        (policies / f"{file.parent.name}.yaml").write_bytes(file.read_bytes())
    with (
        wired(tmp_path, "restricted", policies=policies, descriptors=150) as service,
        contextlib.ExitStack() as open_,
    ):
        for _ in range(300):
            open_.enter_context(plain(service))
        changed = policies / "restricted.yaml"
        changed.write_text(changed.read_text() + "# changed\n")
        until(lambda: '"event":"policies loaded"' in service.service.log())
        with httpx.Client(base_url=service.service.url, verify=service.service.trusted(), timeout=60) as fresh:
            assert fresh.get("/readyz").json()["policy"]["errors"] == []
        assert service.pair(VM).allowed
