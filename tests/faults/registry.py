"""A registry client for the fault tests: over HTTP to a server, or straight into an application of this process."""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from moorage.web.request import App
from tests.api.document import check
from tests.serving import Account

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Cut(Exception):
    """The connection broke before the answer was whole."""


@dataclass(frozen=True)
class Answer:
    """What came back. `headers`: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"{self.status} {self.body[:300]!r}"

    @property
    def location(self) -> str:
        """Where to go on."""
        return self.headers["location"]


@dataclass(frozen=True)
class Body:
    """A body in pieces.

    Attributes:
        length: announced; None: chunked.
        whole: False: the client goes away after the last piece.
        stream: where the pieces come from instead, over HTTP.
    """

    pieces: Sequence[bytes]
    length: int | None = None
    whole: bool = True
    stream: Callable[[], AsyncIterator[bytes]] | None = None


Send = Callable[[str, str, dict[str, str], Body], Awaitable[Answer]]


def digest_of(data: bytes) -> str:
    """`sha256:…` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def whole(data: bytes) -> Body:
    """A body in one piece, with its length."""
    return Body([data], len(data))


def over_http(url: str, client: httpx.AsyncClient) -> Send:
    """Speak to a server; `Cut` when it dies meanwhile."""

    async def send(method: str, path: str, headers: dict[str, str], body: Body) -> Answer:
        content: bytes | Any = b"".join(body.pieces)
        if body.stream is not None or not body.whole or body.length is None:

            async def stream() -> AsyncIterator[bytes]:
                for piece in body.pieces:
                    yield piece
                if not body.whole:
                    raise Cut("the client goes away")

            content = (body.stream or stream)()
            headers = headers if body.length is None else {**headers, "content-length": str(body.length)}
        try:
            reply = await client.request(method, url + path, headers=headers, content=content)
        except httpx.TransportError as error:
            raise Cut(str(error)) from error
        return Answer(reply.status_code, reply.headers, reply.content)

    return send


def into(app: App) -> Send:
    """Call an application of this process as its server would."""

    async def send(method: str, path: str, headers: dict[str, str], body: Body) -> Answer:
        route, _, query = path.partition("?")
        pairs = [(b"host", b"localhost"), *((name.lower().encode(), value.encode()) for name, value in headers.items())]
        if body.length is None:
            pairs.append((b"transfer-encoding", b"chunked"))
        elif body.length or method in {"PUT", "POST", "PATCH"}:
            pairs.append((b"content-length", str(body.length).encode()))
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": route,
            "raw_path": path.encode(), "query_string": query.encode(), "headers": pairs, "client": ("127.0.0.1", 1),
        }  # fmt: skip
        waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in body.pieces]
        end = {"type": "http.request", "body": b""} if body.whole else {"type": "http.disconnect"}
        messages = iter([*waiting, end])
        status = 0
        found: dict[str, str] = {}
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return next(messages, {"type": "http.disconnect"})

        async def answer(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                found.update({name.decode(): value.decode() for name, value in message["headers"]})
            elif message["type"] == "http.response.pathsend":
                parts.append(await asyncio.to_thread(Path(message["path"]).read_bytes))
            else:
                parts.append(message.get("body", b""))

        await app(scope, receive, answer)
        return Answer(status, found, b"".join(parts))

    return send


@dataclass
class Client:
    """Somebody who pushes and pulls. Methods return the answer and judge nothing."""

    send: Send
    account: Account
    tokens: dict[tuple[str, ...], str] = field(default_factory=dict)

    async def token(self, *repositories: str) -> str:
        """A token for all that may be done with these repositories; fetched once."""
        if repositories not in self.tokens:
            scopes = "".join(f"&scope={quote(f'repository:{name}:pull,push,delete')}" for name in repositories)
            login = base64.b64encode(f"{self.account.username}:{self.account.password}".encode()).decode()
            path = f"/service/token?service=harbor-registry{scopes}"
            reply = await self.send("GET", path, {"authorization": f"Basic {login}"}, whole(b""))
            assert reply.status == 200, f"no token: {reply}"
            self.tokens[repositories] = json.loads(reply.body)["token"]
        return self.tokens[repositories]

    async def ask(
        self, method: str, path: str, body: Body | bytes = b"", *, headers: Mapping[str, str] | None = None,
        also: str = "",
    ) -> Answer:  # fmt: skip
        """Send a request with a token for the repository of `path`, and for the repository `also`."""
        name = path.removeprefix("/v2/")
        for mark in ("/blobs/", "/manifests/", "/tags/", "/referrers/"):
            name = name.rpartition(mark)[0] or name
        name = name.removesuffix("/blobs")
        token = await self.token(name, *([also] if also else []))
        sent = {"authorization": f"Bearer {token}", **(headers or {})}
        return await self.send(method, path, sent, whole(body) if isinstance(body, bytes) else body)

    async def api(self, method: str, path: str, body: object = None) -> Answer:
        """A request to the REST API, below `/api/v2.0`, with name and password."""
        login = base64.b64encode(f"{self.account.username}:{self.account.password}".encode()).decode()
        headers = {"authorization": f"Basic {login}", "content-type": "application/json"}
        raw = b"" if body is None else json.dumps(body).encode()
        target = f"/api/v2.0{path}"
        answer = await self.send(method, target, headers, whole(raw))
        check(method, target, (answer.status, answer.headers.get("content-type", ""), answer.body))
        return answer

    # -- blobs

    async def start(self, repository: str) -> Answer:
        """POST: open an upload."""
        return await self.ask("POST", f"/v2/{repository}/blobs/uploads/")

    async def patch(self, location: str, body: Body | bytes, *, at: int | None = None) -> Answer:
        """PATCH: a chunk, with Content-Range when `at` is given (and a body of bytes)."""
        headers = {"content-type": "application/octet-stream"}
        if at is not None and isinstance(body, bytes):
            headers["content-range"] = f"{at}-{at + len(body) - 1}"
        return await self.ask("PATCH", location, body, headers=headers)

    async def close(self, location: str, digest: str, body: Body | bytes = b"") -> Answer:
        """PUT: the end of an upload."""
        mark = "&" if "?" in location else "?"
        return await self.ask("PUT", f"{location}{mark}digest={digest}", body)

    async def push_blob(self, repository: str, data: bytes, *, pieces: int = 1) -> Answer:
        """POST, `pieces` PATCHes and PUT; or POST and PUT when `pieces` is 0; the first answer that is no success."""
        reply = await self.start(repository)
        if reply.status != 202:
            return reply
        size = -(-len(data) // pieces) if pieces else 0
        for number in range(pieces):
            reply = await self.patch(reply.location, data[number * size : (number + 1) * size])
            if reply.status != 202:
                return reply
        return await self.close(reply.location, digest_of(data), b"" if pieces else data)

    async def push_whole(self, repository: str, data: bytes) -> Answer:
        """POST with the digest: an upload in one request."""
        return await self.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={digest_of(data)}", data)

    async def mount(self, repository: str, data: bytes, *, source: str) -> Answer:
        """POST with mount."""
        path = f"/v2/{repository}/blobs/uploads/?mount={digest_of(data)}&from={source}"
        return await self.ask("POST", path, also=source)

    async def get_blob(self, repository: str, digest: str) -> Answer:
        """GET."""
        return await self.ask("GET", f"/v2/{repository}/blobs/{digest}")

    async def head_blob(self, repository: str, digest: str) -> Answer:
        """HEAD."""
        return await self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")

    async def delete_blob(self, repository: str, digest: str) -> Answer:
        """DELETE."""
        return await self.ask("DELETE", f"/v2/{repository}/blobs/{digest}")

    # -- manifests

    async def put_manifest(self, repository: str, reference: str, raw: bytes, media_type: str = MANIFEST) -> Answer:
        """PUT."""
        return await self.ask(
            "PUT", f"/v2/{repository}/manifests/{reference}", raw, headers={"content-type": media_type}
        )

    async def get_manifest(self, repository: str, reference: str) -> Answer:
        """GET."""
        return await self.ask("GET", f"/v2/{repository}/manifests/{reference}")

    async def delete_manifest(self, repository: str, reference: str) -> Answer:
        """DELETE, of a tag or by digest."""
        return await self.ask("DELETE", f"/v2/{repository}/manifests/{reference}")

    async def list_tags(self, repository: str) -> list[str]:
        """The names of all tags; none where there is no repository."""
        reply = await self.ask("GET", f"/v2/{repository}/tags/list?n=1000")
        assert reply.status in {200, 404}, reply
        return json.loads(reply.body)["tags"] or [] if reply.status == 200 else []

    async def pull(self, repository: str, reference: str, damaged: Collection[str] = ()) -> bytes | None:
        """Pull whatever a reference names, completely, children included; the manifest, or None when it is 404.

        A part that is missing or wrong fails the test; so does one of the `damaged` digests that is not 503.
        """
        reply = await self.get_manifest(repository, reference)
        if reply.status == 404:
            return None
        assert reply.status == 200, f"{repository}:{reference}: {reply}"
        assert reply.headers["docker-content-digest"] == digest_of(reply.body)
        manifest = json.loads(reply.body)
        for entry in manifest.get("manifests", ()):
            assert await self.pull(repository, entry["digest"], damaged), (
                f"{repository}:{reference} misses {entry['digest']}"
            )
        for entry in [*([manifest["config"]] if "config" in manifest else []), *manifest.get("layers", ())]:
            blob = await self.get_blob(repository, entry["digest"])
            if entry["digest"] in damaged:
                assert blob.status == 503, f"{repository}:{reference}: {entry['digest']}: {blob}"
                continue
            assert blob.status == 200, f"{repository}:{reference} misses {entry['digest']}: {blob}"
            assert digest_of(blob.body) == entry["digest"], f"{entry['digest']} is served with other bytes"
        return reply.body


def image(*layers: bytes, config: bytes = b"{}", note: str = "", subject: bytes = b"") -> bytes:
    """The manifest of an image, or of a referrer to the manifest `subject`."""
    described = [{"mediaType": LAYER, "digest": digest_of(data), "size": len(data)} for data in layers]
    fields: dict[str, object] = {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)}, "layers": described,
    }  # fmt: skip
    if note:
        fields["annotations"] = {"note": note}
    if subject:
        fields["subject"] = {"mediaType": MANIFEST, "digest": digest_of(subject), "size": len(subject)}
    return json.dumps(fields).encode()


def index(children: Iterable[bytes], note: str = "") -> bytes:
    """The index of some manifests."""
    described = [{"mediaType": MANIFEST, "digest": digest_of(raw), "size": len(raw)} for raw in children]
    fields: dict[str, object] = {"schemaVersion": 2, "mediaType": INDEX, "manifests": described}
    if note:
        fields["annotations"] = {"note": note}
    return json.dumps(fields).encode()


async def push_image(client: Client, repository: str, tag: str, *layers: bytes, config: bytes = b"{}") -> bytes:
    """Push an image with all its blobs, without a tag when that is empty; the manifest."""
    for data in (*layers, config):
        reply = await client.push_blob(repository, data)
        assert reply.status == 201, reply
    raw = image(*layers, config=config)
    reply = await client.put_manifest(repository, tag or digest_of(raw), raw)
    assert reply.status == 201, reply
    return raw


def some_bytes(size: int = 3000) -> bytes:
    """Bytes that no other test has."""
    return secrets.token_bytes(size)
