"""The outgoing client against servers that mean harm (threats.md B3, S1 to S5). Names are made up by a resolver."""

import asyncio
import gzip
import logging
import resource
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from moorage.errors import Problem, RemoteMisbehaved, RemoteUnavailable, TargetRefused
from moorage.remotes import http_client as remote_http
from moorage.remotes.address_policy import Address
from moorage.remotes.connection_pool import Line, Lines
from moorage.remotes.http_client import Outgoing, resolve_name
from tests.commands import make_certificate
from tests.parts.base import free_port

OUTSIDE = "127.0.0.1"  # stands for the internet: the operator's list has it
INSIDE = "127.0.0.2"  # stands for a private network
Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Names:
    """A resolver. A name has one answer after another, and then the last again."""

    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, _port: int) -> list[Address]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError(-2, "Name or service not known")
        left = self.answers[host]
        return [ip_address(one) for one in (left.pop(0) if len(left) > 1 else left[0])]


@dataclass
class Peer:
    """A server that says what it is told to, and remembers what it was sent."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0

    def url(self, name: str, path: str = "/") -> str:
        return f"http://{name}:{self.port}{path}"


class Site:
    """Servers of one test, and a client for each trust."""

    def __init__(self, exits: AsyncExitStack) -> None:
        self._exits = exits
        self.names = Names({"public.example": [[OUTSIDE]], "other.example": [[OUTSIDE]], "private.example": [[INSIDE]]})
        self.outgoing = Outgoing(allowed_networks=[f"{OUTSIDE}/32"], resolve=self.names)

    async def serve(self, talk: Talk | bytes, *, host: str = OUTSIDE, context: ssl.SSLContext | None = None) -> Peer:
        """Start a server that answers every request on a connection with `talk`."""
        peer = Peer(0)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer.connections += 1
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    for line in head.lower().split(b"\r\n"):
                        if line.startswith(b"content-length:"):
                            head += await reader.readexactly(int(line.partition(b":")[2]))
                    peer.heads.append(head)
                    if isinstance(talk, bytes):
                        writer.write(talk)
                    else:
                        await talk(head, writer)
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError, ssl.SSLError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, host, 0, ssl=context)
        self._exits.callback(server.close)
        peer.port = server.sockets[0].getsockname()[1]
        return peer

    async def get(self, url: str, by: Any = "project", **given: Any) -> Any:
        return await self.outgoing.send(by, "GET", url, **given)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with AsyncExitStack() as exits:
        yield Site(exits)


def reply(body: bytes = b"ok", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return reply(b"", f"location: {location}", status=f"{status} Moved")


# -- what works ----


async def test_a_request_is_sent_and_its_answer_read(site: Site) -> None:
    peer = await site.serve(reply(b'{"a":1}', "x-one: 1", "X-One: 2"))

    answer = await site.outgoing.send(
        "project",
        "POST",
        peer.url("public.example", "/hook?x=1"),
        headers={"Content-Type": "text/plain"},
        body=b"hello",
    )

    assert (answer.status, answer.json(), answer.headers["x-one"]) == (200, {"a": 1}, "1, 2")
    head, _, body = peer.heads[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
    assert f"host: public.example:{peer.port}".encode() in head.lower()
    assert b"accept-encoding: identity" in head.lower()
    assert body == b"hello"


async def test_a_session_keeps_its_connection_and_sessions_share_none(site: Site) -> None:
    peer = await site.serve(reply())

    async with site.outgoing.session("project") as session:
        for _ in range(3):
            await session.send("GET", peer.url("public.example"))
    kept = peer.connections
    async with site.outgoing.session("system") as session:
        await session.send("GET", peer.url("public.example"))

    assert (kept, peer.connections, site.names.asked) == (1, 2, ["public.example"] * 2)


async def test_a_connection_serves_on_after_a_head_and_not_after_more_than_was_asked_for(site: Site) -> None:
    heads = await site.serve(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
    more = await site.serve(reply() + reply(b"smuggled"))

    async with site.outgoing.session("project") as session:
        for _ in range(3):
            assert (await session.send("HEAD", heads.url("public.example"))).headers["content-length"] == "5"
            assert (await session.send("GET", more.url("public.example"))).body == b"ok"

    assert (heads.connections, more.connections) == (1, 3)


async def test_a_connection_that_was_closed_meanwhile_is_not_used(site: Site) -> None:
    gone = asyncio.Event()

    async def leave(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        gone.set()

    peer = await site.serve(leave)

    async with site.outgoing.session("project") as session:
        for _ in range(3):
            assert (await session.send("GET", peer.url("public.example"))).body == b"ok"
            await asyncio.wait_for(gone.wait(), 30)
            gone.clear()
            async with asyncio.timeout(30):
                while not all(line.wire.is_spent for line in kept_lines(session)):  # noqa: ASYNC110 - its own loop tells
                    await asyncio.sleep(0.01)

    assert peer.connections == 3


def kept_lines(session: remote_http.Session) -> list[Line]:
    """The connections that wait for another request."""
    pools = [pool for pool in session._pools.values() if isinstance(pool, Lines)]
    return [line for pool in pools for kept in pool._idle.values() for line, _ in kept]


async def test_a_body_is_streamed_both_ways(site: Site) -> None:
    async def count(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(50):
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"def"

    peer = await site.serve(count)
    async with (
        site.outgoing.session("project") as session,
        session.stream("PUT", peer.url("public.example"), headers={"content-length": "6"}, body=pieces()) as incoming,
    ):
        total = sum([len(piece) async for piece in incoming.pieces])

    assert total == 50 * 0x10000
    assert peer.heads[0].endswith(b"abcdef")


async def test_a_large_body_is_read_to_its_length_and_no_further(site: Site) -> None:
    body = bytes(range(256)) * (remote_http.LARGE_BYTES // 256 + 100)
    longer = await site.serve(reply(body) + reply(b"smuggled"))

    async def read(session: remote_http.Session, peer: Peer) -> bytes:
        async with session.stream("GET", peer.url("public.example")) as incoming:
            return b"".join([piece async for piece in incoming.pieces])

    async def shorter(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body)[:-1])
        await writer.drain()
        writer.close()

    async with site.outgoing.session("project") as session:
        assert await read(session, longer) == body
        assert await read(session, longer) == body
        assert longer.connections == 2, "what came behind a body answers nobody"
        with pytest.raises(RemoteUnavailable):
            await read(session, await site.serve(shorter))
        async with session.stream("GET", longer.url("public.example")) as incoming:
            assert body.startswith(await anext(aiter(incoming.pieces)))  # and the rest is not wanted


async def test_what_a_reader_of_a_stream_does_wrong_is_not_blamed_on_the_other_side(site: Site) -> None:
    peer = await site.serve(reply())

    with pytest.raises(OSError, match="disk"):
        async with site.outgoing.session("project") as session, session.stream("GET", peer.url("public.example")):
            raise OSError("the disk is full")


# -- where it may go ----


@pytest.mark.parametrize(
    "url",
    [
        "http://private.example:{}/", "http://127.0.0.2:{}/", "http://127.0.2:{}/", "http://[::1]:{}/",
        "http://2130706434:{}/", "http://0:{}/", "http://169.254.169.254/latest/meta-data/", "http://mixed.example:{}/",
        "http://metadata.google.internal/", "http://[::ffff:127.0.0.2]:{}/", "http://user@public.example:{}/",
        "file:///etc/passwd", "gopher://public.example:{}/", "http://public.example:{}/\r\nX: y",
    ],
)  # fmt: skip
async def test_s1_s2_a_project_does_not_reach_what_is_inside(site: Site, url: str) -> None:
    inside = await site.serve(reply(), host=INSIDE)
    site.names.answers["mixed.example"] = [[OUTSIDE, INSIDE]]
    site.names.answers["metadata.google.internal"] = [["169.254.169.254"]]

    with pytest.raises(TargetRefused) as refused:
        await site.get(url.replace("{}", str(inside.port)))

    assert refused.value.status == 400
    assert inside.connections == 0


async def test_an_administrator_reaches_what_is_inside_and_not_the_clouds_credentials(site: Site) -> None:
    inside = await site.serve(reply(), host=INSIDE)
    site.names.answers["metadata.google.internal"] = [["169.254.169.254"]]

    assert (await site.get(inside.url("private.example"), "system")).status == 200
    with pytest.raises(TargetRefused):
        await site.get("http://metadata.google.internal/", "system")


async def test_s3_a_name_that_changes_its_mind_is_asked_once_per_connection_and_pinned(site: Site) -> None:
    outside = await site.serve(reply(b"outside", "connection: close"))
    site.names.answers["changing.example"] = [[OUTSIDE], [INSIDE]]

    assert (await site.get(outside.url("changing.example"))).body == b"outside"
    with pytest.raises(TargetRefused):
        await site.get(outside.url("changing.example"))
    assert site.names.asked == ["changing.example"] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_s3_a_redirect_to_what_is_inside_is_refused(site: Site, status: int) -> None:
    inside = await site.serve(reply(), host=INSIDE)
    for location in (inside.url("private.example"), f"//{INSIDE}:{inside.port}/", "file:///etc/passwd", "http://a@b/"):
        outside = await site.serve(redirect(location, status))
        with pytest.raises(TargetRefused):
            await site.get(outside.url("public.example"))

    assert inside.connections == 0


async def test_s3_credentials_go_to_no_other_host_and_come_back_with_none(site: Site) -> None:
    other = await site.serve(reply())
    first = await site.serve(redirect(other.url("other.example", "/next")))
    secrets = {"authorization": "Bearer t", "x-secret": "s"}

    await site.get(first.url("public.example"), credentials=secrets, headers={"Cookie": "c=1", "x-plain": "p"})

    sent = [peer.heads[0].lower() for peer in (first, other)]
    assert [b"authorization: bearer t" in head for head in sent] == [True, False]
    assert [b"x-secret" in head for head in sent] == [True, False]
    assert [b"cookie" in head for head in sent] == [True, False]
    assert [b"x-plain: p" in head for head in sent] == [True, True]


async def test_credentials_stay_with_the_host_that_redirects_within_itself(site: Site) -> None:
    async def talk(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(redirect("/next") if head.startswith(b"GET / ") else reply())

    peer = await site.serve(talk)

    answer = await site.get(peer.url("public.example"), credentials={"authorization": "Bearer t"})

    assert answer.url == peer.url("public.example", "/next")
    assert all(b"authorization: Bearer t" in head for head in peer.heads)
    assert len(peer.heads) == 2


@pytest.mark.parametrize(
    ("status", "method"), [(301, b"GET"), (302, b"GET"), (303, b"GET"), (307, b"POST"), (308, b"POST")]
)
async def test_a_redirected_post_keeps_its_body_where_the_standard_says_so(
    site: Site, status: int, method: bytes
) -> None:
    async def talk(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(redirect("/next", status) if b" / " in head else reply())

    peer = await site.serve(talk)

    await site.outgoing.send(
        "project", "POST", peer.url("public.example"), headers={"content-type": "a/b"}, body=b"body"
    )

    assert peer.heads[1].startswith(method)
    assert peer.heads[1].endswith(b"body") is (method == b"POST")
    assert (b"content-type" in peer.heads[1]) is (method == b"POST")


async def test_s3_circles_end_after_five_redirects_and_none_is_followed_where_none_is_wanted(site: Site) -> None:
    peer = await site.serve(redirect("/again"))

    with pytest.raises(RemoteMisbehaved, match="redirects too often"):
        await site.get(peer.url("public.example"), redirects=50)
    assert len(peer.heads) == 6
    assert (await site.get(peer.url("public.example"), redirects=0)).status == 302


async def test_s3_https_does_not_lead_to_http(site: Site, tmp_path: Path) -> None:
    plain = await site.serve(reply())
    chain, context = _certificate(tmp_path)
    secure = await site.serve(redirect(plain.url("public.example")), context=context)

    with pytest.raises(TargetRefused, match="https to http"):
        await site.get(f"https://{OUTSIDE}:{secure.port}/", ca_pem=chain)
    assert plain.connections == 0


# -- what cannot be told apart ----


async def test_s4_open_closed_and_filtered_ports_look_alike_to_a_project(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def greet(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    async def drop(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def be_silent(_head: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    peers = [await site.serve(talk) for talk in (greet, drop, be_silent)]
    urls = [peer.url("public.example") for peer in peers]
    urls += [
        f"https://public.example:{peers[0].port}/",
        f"http://public.example:{free_port()}/",
        "http://unknown.example/",
    ]
    monkeypatch.setattr(remote_http, "CONNECT_SECONDS", 0.5)
    problems: list[Problem] = []
    took: list[float] = []

    async def ask(url: str) -> None:
        began = time.monotonic()
        with pytest.raises(RemoteUnavailable) as refused:
            await site.get(url, seconds=1.0)
        took.append(time.monotonic() - began)
        problems.append(refused.value)

    with caplog.at_level(logging.WARNING):
        await asyncio.gather(*map(ask, urls))

    assert {(str(problem), problem.status, str(problem.detail)) for problem in problems} == {
        ("The other system cannot be reached.", 503, "{}")
    }
    assert min(took) > 0.99
    logged = caplog.text
    assert "Connection refused" in logged or "All connection attempts failed" in logged
    assert "unknown.example" in logged


async def test_an_administrator_is_told_the_reason(site: Site) -> None:
    with pytest.raises(RemoteUnavailable, match="Name or service not known"):
        await site.get("http://unknown.example/", "system")
    with pytest.raises(RemoteUnavailable, match=r"refused|failed"):
        await site.get(f"http://public.example:{free_port()}/", "system")


# -- answers that do harm ----


async def test_s5_an_endless_body_ends(site: Site) -> None:
    async def talk(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()

    peer = await site.serve(talk)

    with pytest.raises(RemoteMisbehaved, match="too long"):
        await site.get(peer.url("public.example"), max_bytes=300_000)


async def test_s5_an_announced_length_over_the_limit_is_not_read(site: Site) -> None:
    peer = await site.serve(b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\nx")

    with pytest.raises(RemoteMisbehaved, match="too long"):
        await site.get(peer.url("public.example"))


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1])
async def test_a_body_may_be_as_long_as_the_limit(site: Site, size: int) -> None:
    peer = await site.serve(reply(b"x" * size))

    if size > 1 << 20:
        with pytest.raises(RemoteMisbehaved):
            await site.get(peer.url("public.example"))
    else:
        assert len((await site.get(peer.url("public.example"))).body) == size


async def test_s5_a_gzip_bomb_takes_no_memory(site: Site) -> None:
    bomb = gzip.compress(bytes(200 << 20), compresslevel=9)
    peer = await site.serve(reply(bomb, "content-encoding: gzip"))
    before = _peak_bytes()

    with pytest.raises(RemoteMisbehaved, match="too long"):
        await site.get(peer.url("public.example"))

    assert _peak_bytes() - before < 32 << 20


async def test_an_answer_that_is_compressed_without_being_asked_is_read(site: Site) -> None:
    peer = await site.serve(reply(gzip.compress(b"hello"), "content-encoding: gzip"))
    assert (await site.get(peer.url("public.example"))).body == b"hello"

    for encoding, body in (("br", b"hello"), ("gzip", b"hello"), ("gzip, gzip", b"")):
        odd = await site.serve(reply(body, f"content-encoding: {encoding}"))
        with pytest.raises(RemoteMisbehaved):
            await site.get(odd.url("public.example"))


async def _drip(writer: asyncio.StreamWriter, forever: bytes) -> None:
    while True:
        writer.write(forever)
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"])
async def test_s5_slow_headers_and_slow_bodies_end_in_time(site: Site, head: bytes) -> None:
    async def talk(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await _drip(writer, b"x")

    peer = await site.serve(talk)

    async with asyncio.timeout(30):  # the peer would go on for ever
        with pytest.raises(RemoteUnavailable):
            await site.get(peer.url("public.example"), seconds=0.7)


async def test_s5_a_megabyte_of_headers_is_refused(site: Site) -> None:
    peer = await site.serve(b"HTTP/1.1 200 OK\r\nx: " + b"y" * (1 << 20) + b"\r\n\r\n")

    with pytest.raises(RemoteUnavailable):
        await site.get(peer.url("public.example"), seconds=1.0)


async def test_a_header_cannot_break_out_of_its_line(site: Site) -> None:
    peer = await site.serve(reply())

    for headers in ({"x": "a\r\nY: b"}, {"x\r\ny": "a"}, {"": "a"}, {"x": "a\0"}, {"host": "b.example"}, {"x": "ü☺"}):
        with pytest.raises(TargetRefused):
            await site.get(peer.url("public.example"), headers=headers)
    assert peer.connections == 0


# -- TLS ----


def _certificate(folder: Path) -> tuple[str, ssl.SSLContext]:
    made = make_certificate(folder / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    return made.chain.read_text(), context


async def test_s5_a_certificate_is_checked_unless_that_is_switched_off(site: Site, tmp_path: Path) -> None:
    chain, context = _certificate(tmp_path)
    peer = await site.serve(reply(), context=context)
    site.names.answers["registry.test"] = [[OUTSIDE]]
    address, named = f"https://{OUTSIDE}:{peer.port}/", f"https://registry.test:{peer.port}/"

    with pytest.raises(RemoteUnavailable, match="certificate is not trusted"):
        await site.get(address, "system")
    with pytest.raises(RemoteUnavailable, match="certificate is not trusted"):
        await site.get(f"https://public.example:{peer.port}/", "system", ca_pem=chain)
    with pytest.raises(TargetRefused, match="not PEM"):
        await site.get(address, ca_pem="nonsense")

    assert (await site.get(address, ca_pem=chain)).status == 200
    assert (await site.get(named, ca_pem=chain)).status == 200
    assert (await site.get(address, verify=False)).status == 200


# -- proxies ----


async def test_the_environments_proxies_are_ignored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    peer = await site.serve(reply())

    assert (await site.get(peer.url("public.example"))).status == 200


async def test_a_proxy_that_is_set_serves_what_is_far_and_nothing_that_is_forbidden(site: Site) -> None:
    proxy = await site.serve(reply(b"by proxy", "connection: close"))
    near = await site.serve(reply(b"direct", "connection: close"))
    site.names.answers |= {"far.example": [["1.1.1.1"]], "cloud.example": [["169.254.169.254"]]}
    site.outgoing.proxy = f"http://127.0.0.1:{proxy.port}"

    assert (await site.get("http://far.example/x")).body == b"by proxy"
    assert (await site.get("http://unknown.example/x")).body == b"by proxy"
    assert (await site.get(near.url("public.example"))).body == b"direct"
    for url in ("http://cloud.example/", "http://169.254.169.254/", "http://private.example/"):
        with pytest.raises(TargetRefused):
            await site.get(url)
    assert [head.split(b" ")[1] for head in proxy.heads] == [b"http://far.example/x", b"http://unknown.example/x"]


# -- the system's resolver ----


async def test_the_systems_resolver_gives_addresses() -> None:
    assert ip_address("127.0.0.1") in await resolve_name("localhost", 80)
    with pytest.raises(OSError, match=r".*"):
        await resolve_name("does-not-exist.invalid", 80)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
