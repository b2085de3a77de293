"""The client of registries against one that means harm (threats.md: client credentials, W3, S1 to S3)."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from moorage.errors import RemoteDenied, RemoteMisbehaved, RemoteUnavailable, TargetRefused
from moorage.oci.digest import compute
from moorage.oci.media_types import OCI_INDEX, OCI_MANIFEST
from moorage.remotes.bearer_auth import Challenge, parse_challenges
from moorage.remotes.blob_upload import send_blob
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_client import Client, open_client
from moorage.remotes.registry_connection import Endpoint
from moorage.remotes.retry_policy import IMPATIENT, Patience
from moorage.settings import Secret
from tests.commands import make_certificate
from tests.fakes.scripted import Heard, Say, Script, Scripted, scripted

SECRET = "Upstr3am-secret"
BLOB = b"some bytes"
WHERE = f"/v2/team/app/blobs/{compute(BLOB)}"


def endpoint(server: Scripted, **more: object) -> Endpoint:
    return Endpoint(url=server.url, **{"username": "robot", "password": Secret(SECRET), **more})  # type: ignore[arg-type]


def client_of(
    server: Scripted, allowed: tuple[str, ...] = ("127.0.0.0/8",), **more: object
) -> AbstractAsyncContextManager[Client]:
    return open_client(Outgoing(allowed_networks=allowed), endpoint(server, **more), patience=IMPATIENT)


def leaked(server: Scripted) -> bool:
    """Whether anything that came there holds credentials."""
    return any(one.credentials or "cookie" in one.headers for one in server.heard)


async def read(client: Client, data: bytes = BLOB) -> bytes:
    return b"".join([piece async for piece in client.read_blob("team/app", compute(data), len(data))])


async def pieces(_start: int) -> AsyncIterator[bytes]:
    yield BLOB


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('Basic realm="x"', [Challenge("basic", {"realm": "x"})]),
        (
            'Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"',
            [Challenge("bearer", {"realm": "https://a/t", "service": "s", "scope": "repository:a/b:pull,push"})],
        ),
        (
            'Basic realm="a \\"q\\"", Bearer realm="b" , service=plain',
            [Challenge("basic", {"realm": 'a "q"'}), Challenge("bearer", {"realm": "b", "service": "plain"})],
        ),
        ("Negotiate, Basic realm=x", [Challenge("negotiate", {}), Challenge("basic", {"realm": "x"})]),
        ("", []),
        ('Bearer realm="unclosed', [Challenge("bearer", {})]),
    ],
)
def test_challenges_are_read(header: str, found: list[Challenge]) -> None:
    assert parse_challenges(header) == found


async def test_a_realm_elsewhere_is_not_told_the_credentials() -> None:
    async with (
        scripted(lambda _heard: Say(200, {"token": "t"}), "127.0.0.2") as thief,
        scripted(lambda _heard: Say(401, headers={"www-authenticate": f'Bearer realm="{thief.url}/steal"'})) as server,
        client_of(server) as client,
    ):
        with pytest.raises(RemoteDenied, match="not its own address"):
            await client.ping()

    assert thief.heard == []


async def test_a_realm_elsewhere_is_told_them_when_an_administrator_named_it() -> None:
    def registry(heard: Heard) -> Say:
        if heard.credentials == "Bearer t0ken":
            return Say()
        return Say(401, headers={"www-authenticate": f'Bearer realm="{realm.url}/token",service="s"'})

    async with (
        scripted(lambda _heard: Say(200, {"access_token": "t0ken", "expires_in": 300}), "127.0.0.2") as realm,
        scripted(registry) as server,
        client_of(server, (), token_hosts=(realm.host,)) as client,
    ):
        await client.ping()
        await client.ping()

    assert [one.credentials.partition(" ")[0] for one in realm.heard] == ["Basic"]
    assert realm.heard[0].query == {"service": "s"}


async def test_whoever_has_no_credentials_may_ask_any_public_realm_but_no_private_one() -> None:
    def registry(heard: Heard) -> Say:
        if heard.credentials:
            return Say(404)
        return Say(401, headers={"www-authenticate": f'Bearer realm="{realm.url}/token"'})

    async with (
        scripted(lambda _heard: Say(200, {"token": "t"}), "127.0.0.2") as realm,
        scripted(registry) as server,
    ):
        async with client_of(server, username="", password=Secret("")) as client:
            await client.find_manifest("team/app", "v1")
        async with client_of(server, (), username="", password=Secret("")) as client:
            with pytest.raises(TargetRefused):
                await client.find_manifest("team/app", "v1")

    assert len(realm.heard) == 1
    assert not leaked(realm)


async def test_a_redirect_gets_no_credentials_and_leads_to_no_private_address() -> None:
    def registry(heard: Heard) -> Say:
        if not heard.credentials:
            return Say(401, headers={"www-authenticate": "Basic realm=x"})
        return Say(307, headers={"location": f"{store.url}/bucket/x?signature=1"})

    async with scripted(lambda _heard: Say(200, BLOB), "127.0.0.2") as store, scripted(registry) as server:
        async with client_of(server) as client:
            assert await read(client) == BLOB
        assert not leaked(store)
        before = len(store.heard)
        async with client_of(server, ()) as client:  # the operator's list does not have it
            with pytest.raises(TargetRefused):
                await read(client)

    assert len(store.heard) == before


async def test_an_upload_that_is_sent_elsewhere_goes_without_credentials() -> None:
    def registry(heard: Heard) -> Say:
        if not heard.credentials:
            return Say(401, headers={"www-authenticate": "Basic realm=x"})
        return Say(202, headers={"location": f"{store.url}/upload/1"})

    def elsewhere(heard: Heard) -> Say:
        return Say(201 if heard.method == "PUT" else 202, headers={"location": f"{store.url}/upload/1"})

    async with (
        scripted(elsewhere, "127.0.0.2") as store,
        scripted(registry) as server,
        client_of(server) as client,
    ):
        await send_blob(client, "team/app", compute(BLOB), len(BLOB), pieces)

    assert [one.method for one in store.heard] == ["PATCH", "PUT"]
    assert not leaked(store)


async def test_a_location_of_the_same_host_means_the_endpoint() -> None:
    def registry(heard: Heard) -> Say:
        if heard.method == "POST":
            return Say(202, headers={"location": "http://127.0.0.1:9/v2/team/app/blobs/uploads/1?_state=a"})
        return Say(201 if heard.method == "PUT" else 202, headers={"location": "/v2/team/app/blobs/uploads/1?_state=b"})

    async with scripted(registry) as server, client_of(server, ()) as client:
        await send_blob(client, "team/app", compute(BLOB), len(BLOB), pieces)

    assert [one.query.get("_state") for one in server.heard] == [None, "a", "b"]


@pytest.mark.parametrize(
    ("link", "error"),
    [
        ('</v2/team/app/tags/list?n=1000>; rel="next"', "no end"),
        ('<http://127.0.0.2:1/v2/x>; rel="next"', "another host"),
    ],
)
async def test_a_list_that_has_no_end_or_leads_away_is_given_up(link: str, error: str) -> None:
    tags = {"name": "team/app", "tags": ["v1", "../x", "-no", 7, "v2"]}
    async with scripted(lambda _heard: Say(200, tags, {"link": link})) as server, client_of(server) as client:
        found = []

        async def walk() -> None:
            async for tag in client.list_tags("team/app"):
                found.append(tag)  # noqa: PERF401 - what came before the error counts

        with pytest.raises(RemoteMisbehaved, match=error):
            await walk()

    assert found == ["v1", "v2"]
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    "say",
    [
        Say(200, b"other bytes"), Say(200, BLOB + b"!"), Say(206, BLOB, {"content-range": "bytes 5-14/15"}),
        Say(200, BLOB, {"content-encoding": "gzip"}), Say(416),
    ],
    ids=["wrong", "longer", "another part", "compressed", "out of range"],
)  # fmt: skip
async def test_a_blob_is_what_was_asked_for(say: Say) -> None:
    async with scripted(lambda _heard: say) as server, client_of(server) as client:
        with pytest.raises(RemoteMisbehaved):
            await read(client)


async def test_a_shorter_blob_is_no_blob() -> None:
    async with scripted(lambda _heard: Say(200, BLOB[:5])) as server, client_of(server) as client:
        with pytest.raises(RemoteUnavailable, match="early"):
            await read(client)


async def test_a_manifest_is_what_its_digest_says() -> None:
    other = str(compute(b"other"))
    said = {"docker-content-digest": other, "content-type": OCI_MANIFEST}
    async with scripted(lambda _heard: Say(200, {"a": 1}, said)) as server, client_of(server) as client:
        with pytest.raises(RemoteMisbehaved):
            await client.get_manifest("team/app", "v1")
        with pytest.raises(RemoteMisbehaved):
            await client.get_manifest("team/app", str(compute(b"something")))
    async with (
        scripted(lambda _heard: Say(200, b"x" * (4 << 20) + b"x")) as server,
        client_of(server) as client,
    ):
        with pytest.raises(RemoteMisbehaved):
            await client.get_manifest("team/app", "v1")


async def test_what_cannot_be_a_referrer_is_left_out() -> None:
    good = {"mediaType": OCI_MANIFEST, "digest": str(compute(b"x")), "size": 1}
    entries = [good, {**good, "digest": "sha256:../../x"}, {"digest": 1}, "x", good]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    async with (
        scripted(lambda _heard: Say(200, index, {"content-type": OCI_INDEX})) as server,
        client_of(server) as client,
    ):
        found = await client.list_referrers("team/app", compute(b"subject"))

    assert [one.digest for one in found] == [compute(b"x")]


async def test_a_refusal_is_told_in_words_that_cannot_harm() -> None:
    body = {"errors": [{"code": "DENIED\r\nx", "message": "no\x1b[2J " + "y" * 5000}]}
    async with scripted(lambda _heard: Say(403, body)) as server, client_of(server) as client:
        with pytest.raises(RemoteDenied) as refused:
            await client.get_manifest("team/app", "v1")

    assert len(str(refused.value)) < 500
    assert str(refused.value).isprintable()
    assert SECRET not in str(refused.value)


def make_context(folder: Path) -> tuple[ssl.SSLContext, str]:
    """TLS with a certificate for 127.0.0.1 that nobody trusts, and that certificate."""
    certificate = make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context, certificate.chain.read_text()


async def test_a_certificate_is_believed_as_the_endpoint_says(tmp_path: Path) -> None:
    context, pem = make_context(tmp_path)
    async with scripted(registry_of(), context=context) as server:
        async with client_of(server) as client:
            with pytest.raises(RemoteUnavailable, match="not trusted"):
                await client.ping()
        assert server.heard == []
        for trust in ({"ca_pem": pem}, {"insecure": True}):
            async with client_of(server, **trust) as client:
                await client.ping()


async def test_what_an_endpoint_redirects_to_is_checked_although_it_is_insecure_itself(tmp_path: Path) -> None:
    context, pem = make_context(tmp_path)

    def registry(heard: Heard) -> Say:
        if not heard.credentials:
            return Say(401, headers={"www-authenticate": "Basic realm=x"})
        return Say(307, headers={"location": f"{store.url}/x"})

    async with (
        scripted(lambda _heard: Say(200, BLOB), context=context) as store,
        scripted(registry, context=context) as server,
    ):
        async with client_of(server, insecure=True) as client:
            with pytest.raises(RemoteUnavailable):
                await read(client)
        assert store.heard == []
        async with client_of(server, insecure=True, ca_pem=pem) as client:
            assert await read(client) == BLOB


async def test_https_is_not_left(tmp_path: Path) -> None:
    context, pem = make_context(tmp_path)
    async with scripted(lambda _heard: Say(200, {"token": "t"}), "127.0.0.2") as plain:

        def registry(heard: Heard) -> Say:
            if heard.path.endswith("/uploads/"):
                return Say(202, headers={"location": f"{plain.url}/upload"})
            if heard.path.endswith(WHERE.rpartition("/")[2]):
                return Say(307, headers={"location": f"{plain.url}/x"})
            return Say(401, headers={"www-authenticate": f'Bearer realm="{plain.url}/token"'})

        async with (
            scripted(registry, context=context) as server,
            client_of(server, ca_pem=pem, token_hosts=(plain.host,)) as client,
        ):
            with pytest.raises(RemoteMisbehaved, match="without it"):
                await client.find_manifest("team/app", "v1")
            with pytest.raises(TargetRefused, match="https to http"):
                await read(client)
            with pytest.raises(RemoteMisbehaved, match="without it"):
                await send_blob(client, "team/app", compute(BLOB), len(BLOB), pieces)
        assert plain.heard == []


def registry_of() -> Script:
    """A registry that takes the credentials of these tests."""

    def registry(heard: Heard) -> Say:
        return Say() if heard.credentials else Say(401, headers={"www-authenticate": "Basic realm=x"})

    return registry


async def test_a_blob_that_comes_by_drops_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage.remotes.registry_reader.SLOW_SECONDS", 0.3)
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.sleep(0)
        ended.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        async with open_client(Outgoing(), Endpoint(url=url), patience=IMPATIENT) as client:
            with pytest.raises(RemoteMisbehaved, match="too slowly"):
                [piece async for piece in client.read_blob("team/app", compute(b"x"), 100_000)]
        await asyncio.wait_for(ended.wait(), 60)


async def test_a_registry_that_gives_one_byte_at_a_time_has_an_end() -> None:
    def registry(heard: Heard) -> Say:
        if heard.method == "POST":
            return Say(202, headers={"location": "/v2/team/app/blobs/uploads/1"})
        if heard.method in {"PATCH", "GET"} and "/uploads/" in heard.path:
            patched = sum(1 for one in server.heard if one.method == "PATCH")
            return Say(202, headers={"location": "/v2/team/app/blobs/uploads/1", "range": f"0-{patched}"})
        start = int(heard.headers.get("range", "bytes=0-")[6:-1])
        more = {"content-range": f"bytes {start}-99999/100000"}
        return Say(206 if start else 200, b"x", more if start else {})

    patient = Patience(tries=5, first_seconds=0.001)
    async with scripted(registry) as server, open_client(Outgoing(), endpoint(server), patience=patient) as client:
        with pytest.raises(RemoteUnavailable):
            [piece async for piece in client.read_blob("team/app", compute(b"x"), 100_000)]
        assert len(server.heard) == 5

        async def noughts(start: int) -> AsyncIterator[bytes]:
            yield bytes(100_000 - start)

        with pytest.raises(RemoteUnavailable, match="a part"):
            await send_blob(client, "team/app", compute(bytes(100_000)), 100_000, noughts)
        assert sum(1 for one in server.heard if one.method == "PATCH") == 5
