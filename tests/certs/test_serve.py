"""Real TLS handshakes over loopback: a certificate that changes while the server goes on."""

from __future__ import annotations

import asyncio
import itertools
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from certs.authority import issue_leaf
from certs.bundle import Bundle, Unusable, ca_bundle, render
from certs.rotation import LIFETIMES, advance
from certs.serve import Reloader
from certs.store import Folder
from tests.certs.clients import DAY, NAMES, client_context, first, published, real_now


def keep(folder: Path, bundle: Bundle) -> None:
    Folder(folder).write(render(bundle), Folder(folder).read().version)


@contextmanager
def server(context: ssl.SSLContext) -> Iterator[int]:
    """An asyncio TLS server, as uvicorn starts one, that sends back what it gets; its port."""
    ready: queue.Queue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def serve() -> None:
        stop = asyncio.Event()
        async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as listening:
            ready.put((listening.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    port, loop, stop = ready.get(timeout=10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def connected(port: int, context: ssl.SSLContext, name: str | None = "localhost") -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        yield connection


def answers(connection: ssl.SSLSocket) -> bool:
    connection.sendall(b"hello")
    return connection.recv(100) == b"hello"


def serial(connection: ssl.SSLSocket) -> int:
    return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"").serial_number


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1"], ids=["with a server name", "without, as API servers call an IP"]
)
def test_after_a_reload_each_new_handshake_gets_the_new_certificate_and_old_connections_go_on(
    tmp_path: Path, name: str, version: ssl.TLSVersion
) -> None:
    before = first(real_now())
    keep(tmp_path, before)
    reloader = Reloader(tmp_path)
    client = client_context(ca_bundle(before))
    client.minimum_version = client.maximum_version = version
    with server(reloader.context) as port, connected(port, client, name) as old:
        assert serial(old) == before.leaf.certificate.serial_number
        after = first(real_now())
        keep(tmp_path, after)
        assert reloader.reload()
        assert answers(old)
        other = client_context(ca_bundle(after))
        other.minimum_version = other.maximum_version = version
        with connected(port, other, name) as new:
            assert serial(new) == after.leaf.certificate.serial_number
            assert new.version() == old.version()
            assert answers(new)
        with pytest.raises(ssl.SSLCertVerificationError), connected(port, client, name):
            pass
        assert answers(old)


def test_the_name_is_really_absent_where_a_client_calls_by_address(tmp_path: Path) -> None:
    bundle = first(real_now())
    keep(tmp_path, bundle)
    reloader = Reloader(tmp_path)
    names: list[str | None] = []
    choose: Any = reloader.context.sni_callback

    def listen(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        names.append(name)
        choose(connection, name, context)

    reloader.context.sni_callback = listen
    with server(reloader.context) as port:
        for called in ("127.0.0.1", "localhost"):
            with connected(port, client_context(ca_bundle(bundle)), called) as connection:
                assert answers(connection)
    assert names == [None, "localhost"]


def test_through_a_whole_rotation_a_client_that_is_one_step_behind_always_gets_an_answer(tmp_path: Path) -> None:
    dropped = real_now()
    moved = dropped - LIFETIMES.overlap
    made = moved - LIFETIMES.settle
    steps = [first(made - LIFETIMES.authority + LIFETIMES.authority_due)]
    for at in (made, made, moved, dropped):  # leaf renewed, new CA, leaf of the new CA, old CA dropped
        steps.append(published(advance(steps[-1], NAMES, at), at))
    assert [len(step.authorities) for step in steps] == [1, 1, 2, 2, 1]
    keep(tmp_path, steps[1])
    reloader = Reloader(tmp_path)
    with server(reloader.context) as port:
        for before, after in itertools.pairwise(steps[1:]):
            keep(tmp_path, after)
            reloader.reload()
            for known in (before, after):
                client = client_context(ca_bundle(known))
                with connected(port, client) as connection:
                    assert answers(connection)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_tls_1_2_and_newer_is_spoken(tmp_path: Path) -> None:
    bundle = first(real_now())
    keep(tmp_path, bundle)
    client = client_context(ca_bundle(bundle))
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version, client.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(to_client, to_server, server_hostname="localhost").do_handshake()
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        Reloader(tmp_path).context.wrap_bio(to_server, to_client, server_side=True).do_handshake()


def test_a_client_that_offers_http_2_and_1_1_gets_1_1_before_and_after_a_reload(tmp_path: Path) -> None:
    keep(tmp_path, first(real_now()))
    reloader = Reloader(tmp_path)
    with server(reloader.context) as port:
        for _ in range(2):
            bundle = first(real_now())
            keep(tmp_path, bundle)
            reloader.reload()
            client = client_context(ca_bundle(bundle))
            client.set_alpn_protocols(["h2", "http/1.1"])
            with connected(port, client) as connection:
                assert connection.selected_alpn_protocol() == "http/1.1"


def test_the_chain_of_an_intermediate_is_sent_whole(tmp_path: Path) -> None:
    """tls.crt of cert-manager holds leaf and intermediates; there need be no ca.key and no ca.crt."""
    bundle, other = first(real_now()), first(real_now())
    files = render(bundle)
    (tmp_path / "tls.crt").write_bytes(files["tls.crt"] + ca_bundle(other))
    (tmp_path / "tls.key").write_bytes(files["tls.key"])
    client = client_context(files["ca.crt"])
    with server(Reloader(tmp_path).context) as port, connected(port, client) as connection:
        chain = connection._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
        assert len(chain) == 2


def test_reload_says_whether_the_certificate_is_another_and_until_when(tmp_path: Path) -> None:
    now = real_now()
    bundle = first(now - 10 * DAY)
    keep(tmp_path, bundle)
    reloader = Reloader(tmp_path)
    assert reloader.expires_at == bundle.leaf.certificate.not_valid_after_utc
    assert reloader.expires_at == now + 80 * DAY
    assert not reloader.reload()
    leaf = issue_leaf(bundle.authority, bundle.authority_key, NAMES, now, 30 * DAY)
    keep(tmp_path, Bundle(bundle.authorities, bundle.authority_key, leaf))
    assert reloader.reload()
    assert reloader.expires_at == now + 30 * DAY


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("tls.crt", b"", "is missing or empty"),
        ("tls.key", None, "is missing or empty"),
        ("tls.crt", b"nothing", "holds no certificate"),
        ("tls.key", render(first())["tls.key"], "are no pair"),
        ("tls.key", b"nothing", "are no pair"),
    ],
)
def test_a_broken_pair_is_refused_and_the_last_good_one_stays_in_use(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    bundle = first(real_now())
    keep(tmp_path, bundle)
    reloader = Reloader(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    # Links into ..data were cut by hand: the folder is now one of plain files.
    generation = (tmp_path / "..data").resolve()
    for path in generation.iterdir():
        if path.name != name:
            (tmp_path / path.name).unlink()
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "..data").unlink()
    with pytest.raises(Unusable, match=problem):
        reloader.reload()
    with pytest.raises(Unusable, match=problem):
        Reloader(tmp_path)
    with server(reloader.context) as port, connected(port, client_context(ca_bundle(bundle))) as connection:
        assert answers(connection)


def test_handshakes_never_fail_while_certificates_change_under_them(tmp_path: Path) -> None:
    bundle = first(real_now())
    keep(tmp_path, bundle)
    reloader = Reloader(tmp_path)
    done = threading.Event()

    def change() -> None:
        for turn in range(40):
            at = real_now() - timedelta(seconds=turn)
            leaf = issue_leaf(bundle.authority, bundle.authority_key, NAMES, at, 30 * DAY)
            keep(tmp_path, Bundle(bundle.authorities, bundle.authority_key, leaf))
            reloader.reload()
        done.set()

    client = client_context(ca_bundle(bundle))
    seen: set[int] = set()
    with server(reloader.context) as port:
        thread = threading.Thread(target=change)
        thread.start()
        while not done.is_set():
            with connected(port, client) as connection:
                assert answers(connection)
                seen.add(serial(connection))
        thread.join()
    assert len(seen) > 3


def test_a_server_that_waits_serves_a_certificate_that_nobody_trusts_until_its_own_is_there(tmp_path: Path) -> None:
    reloader = Reloader(tmp_path, wait=True)
    assert reloader.certificate is None
    assert reloader.expires_at is None
    assert "there is no certificate yet" in reloader.unusable(real_now())
    bundle = first(real_now())
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    with server(reloader.context) as port:
        with connected(port, careless) as connection:
            assert answers(connection)
        with pytest.raises(ssl.SSLCertVerificationError), connected(port, client_context(ca_bundle(bundle))):
            pass
        with pytest.raises(Unusable, match="is missing"):
            reloader.reload()
        keep(tmp_path, bundle)
        assert reloader.reload()
        assert reloader.unusable(real_now()) == ""
        with connected(port, client_context(ca_bundle(bundle))) as connection:
            assert serial(connection) == bundle.leaf.certificate.serial_number


def test_a_throwaway_certificate_is_another_each_time(tmp_path: Path) -> None:
    def shown() -> bytes:
        careless = ssl.create_default_context()
        careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
        with server(Reloader(tmp_path, wait=True).context) as port, connected(port, careless) as connection:
            return connection.getpeercert(binary_form=True) or b""

    assert shown() != shown()


@pytest.mark.parametrize(
    ("made", "why"), [(100 * DAY, "is valid only from"), (-100 * DAY, "expired at")], ids=["not yet valid", "expired"]
)
def test_a_certificate_out_of_its_time_is_of_no_use_and_displaces_none_that_is(
    tmp_path: Path, made: timedelta, why: str
) -> None:
    now = real_now()
    untimely, good = first(now + made), first(now)
    keep(tmp_path, untimely)
    reloader = Reloader(tmp_path)
    assert why in reloader.unusable(now)
    keep(tmp_path, good)
    assert reloader.reload()
    assert reloader.unusable(now) == ""
    keep(tmp_path, untimely)
    with pytest.raises(Unusable, match=f"the new certificate {why}"):
        reloader.reload()
    assert reloader.certificate == good.leaf.certificate


def test_a_certificate_is_taken_once_its_time_has_come(tmp_path: Path) -> None:
    clock = [real_now()]
    keep(tmp_path, first(clock[0]))
    reloader = Reloader(tmp_path, clock=lambda: clock[0])
    later = first(clock[0] + 10 * DAY)
    keep(tmp_path, later)
    with pytest.raises(Unusable, match="is valid only from"):
        reloader.reload()
    clock[0] += 10 * DAY
    assert reloader.reload()
    assert reloader.certificate == later.leaf.certificate


def test_among_certificates_that_are_all_out_of_their_time_the_newest_is_served(tmp_path: Path) -> None:
    keep(tmp_path, first(real_now() - 200 * DAY))
    reloader = Reloader(tmp_path)
    keep(tmp_path, first(real_now() - 100 * DAY))
    assert reloader.reload()
