"""The application in this process, and clients that talk to it without a socket.

`Server.send` is one HTTP request as the ASGI server would hand it over: the body may come in pieces, pause between
them, or break off; the reply may be bytes, a stream or a file, and may break off too. On top of it a `Client` is
somebody with credentials, and a `Repo` is one repository as that somebody sees it.
"""

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote, unquote, urlencode

from moorage.app import Application
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.oci.digest import compute
from moorage.settings import Settings
from moorage.wiring import open_database

P = ParamSpec("P")
T = TypeVar("T")
Pause = Callable[[], Awaitable[object]]
"""Called between two pieces of a body; the next piece comes when it returns."""

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
SERVICE = "harbor-registry"
HOST = "registry.test"
SECONDS = 120


class Gone:
    """In the place of a piece: the client goes away here."""


GONE = Gone()
Piece = bytes | Pause | Gone


@dataclass
class Answer:
    """A reply.

    Attributes:
        headers: names in lower case, in the order they were sent.
        broken: it ended before what it had announced, or not in order: a client sees the connection cut.
        read: how many bytes of the request's body the application took.
    """

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    broken: bool = False
    read: int = 0

    def header(self, name: str) -> str | None:
        """A header's value; None when it was not sent.

        Raises:
            AssertionError: it was sent more than once.
        """
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the error envelope; checks that the whole envelope is well-formed."""
        assert self.header("content-type") == "application/json", self
        (error,) = self.json()["errors"]
        assert error["message"], self
        assert set(error) <= {"code", "message", "detail"}, self
        for secret in ("Traceback", "sqlite", "psycopg", "SELECT ", ".py"):
            assert secret not in self.body.decode(), f"an internal leaked: {secret}"
        return str(error["code"])

    @property
    def location(self) -> str:
        """The Location, which has to be there."""
        found = self.header("location")
        assert found is not None, self
        return found

    @property
    def challenge(self) -> dict[str, str]:
        """The parameters of a Bearer challenge; empty when it is none."""
        scheme, _, rest = (self.header("www-authenticate") or "").partition(" ")
        return dict(re.findall(r'(\w+)="([^"]*)"', rest)) if scheme == "Bearer" else {}


class StartFailed(Exception):
    """The application said that it cannot start, or cannot stop."""


class Server:
    """One application with its lifespan: what one worker process is."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._app = Application(settings)
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._life: asyncio.Task[None] | None = None
        self.database: Database

    async def start(self) -> None:
        """Go through the start of the lifespan.

        Raises:
            StartFailed: it said that it cannot.
        """
        self._life = asyncio.create_task(self._app({"type": "lifespan"}, self._to_app.get, self._from_app.put))
        await self._to_app.put({"type": "lifespan.startup"})
        await self._next("lifespan.startup.complete", self._life)
        self.database = open_database(self.settings)

    async def stop(self) -> None:
        """Go through the end of the lifespan. Safe to repeat."""
        if self._life is None:
            return
        life, self._life = self._life, None
        await self._to_app.put({"type": "lifespan.shutdown"})
        await self._next("lifespan.shutdown.complete", life)
        await life
        await self.database.close()

    async def _next(self, kind: str, life: "asyncio.Task[None]") -> None:
        message = asyncio.create_task(self._from_app.get())
        await asyncio.wait({message, life}, return_when=asyncio.FIRST_COMPLETED, timeout=SECONDS)
        if not message.done():
            message.cancel()
            await life
            raise AssertionError(f"the lifespan ended without {kind}")
        if message.result()["type"] != kind:
            await life
            raise StartFailed(str(message.result()))

    async def run(self, story: Callable[..., T], *args: object, **kwargs: object) -> T:
        """Run a service function in a transaction, as the system itself."""
        return await self.database.run(SYSTEM, lambda work: story(work, *args, **kwargs))

    async def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Run one SQL statement with `:name` parameters; its rows, if it has any."""
        from sqlalchemy import text  # noqa: PLC0415 - only here

        def read(work: Work) -> list[tuple[Any, ...]]:
            result = work.db.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

        return await self.run(read)

    async def send(
        self,
        method: str,
        target: str | bytes,
        body: bytes | Iterable[Piece] = b"",
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        length: int | None = -1,
        host: str | None = HOST,
        address: str = "203.0.113.7",
        scheme: str = "http",
    ) -> Answer:
        """One request.

        Args:
            target: path and query as they stand in the request line.
            body: bytes, or pieces; a callable among them is a pause, `GONE` the client's going away.
            length: the value of Content-Length; -1: that of the body, and none for a GET; None: chunked.
            host: the Host header; None: without.
        """
        raw = target.encode("latin-1") if isinstance(target, str) else target
        path, _, query = raw.partition(b"?")
        pieces: list[Piece] = [body] if isinstance(body, bytes) else list(body)
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if length == -1:
            total = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
            if total or method in {"POST", "PUT", "PATCH"}:
                pairs.append(("content-length", str(total)))
        elif length is None:
            pairs.append(("transfer-encoding", "chunked"))
        else:
            pairs.append(("content-length", str(length)))
        if host is not None:
            pairs.insert(0, ("host", host))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": scheme,
            "path": unquote(path.decode("latin-1")), "raw_path": path, "query_string": query, "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
            "client": (address, 40000), "server": ("127.0.0.1", 8080), "extensions": {"http.response.pathsend": {}},
        }  # fmt: skip
        exchange = _Exchange(pieces)
        async with asyncio.timeout(SECONDS):
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except Exception:
                # A real server cuts the connection; before the reply began that would be our fault.
                if not exchange.answer.status:
                    raise
                exchange.answer.broken = True
        answer = exchange.settle(method)
        if raw.startswith(b"/api/"):
            from tests.api.document import check  # noqa: PLC0415 - the document is made once, and only where it is asked for

            check(method, raw.decode("latin-1"), (answer.status, answer.header("content-type") or "", answer.body))
        return answer


class _Exchange:
    """What goes in and out of one request."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self._ended = False
        self._complete = False
        self.answer = Answer()

    async def receive(self) -> dict[str, Any]:
        """The next message of the request."""
        while self._pieces:
            piece = self._pieces.pop(0)
            if isinstance(piece, Gone):
                self._pieces, self._ended = [], True
                return {"type": "http.disconnect"}
            if callable(piece):
                await piece()
                continue
            self.answer.read += len(piece)
            self._ended = not self._pieces
            return {"type": "http.request", "body": piece, "more_body": not self._ended}
        if not self._ended:
            self._ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """The next message of the reply."""
        answer = self.answer
        if message["type"] == "http.response.start":
            assert not answer.status, "a second reply"
            answer.status = message["status"]
            answer.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            assert all(name == name.lower() for name, _ in answer.headers)
            assert not any(sign in value for _, value in answer.headers for sign in "\r\n\0")
        elif message["type"] == "http.response.pathsend":
            answer.body = await asyncio.to_thread(Path(message["path"]).read_bytes)
            self._complete = True
        else:
            answer.body += message.get("body", b"")
            self._complete = not message.get("more_body", False)
        await asyncio.sleep(0)

    def settle(self, method: str) -> Answer:
        """The answer, with what a client would see of its end."""
        answer = self.answer
        assert answer.status, "no reply"
        announced = answer.header("content-length")
        answer.broken = answer.broken or not self._complete
        if method == "HEAD" or answer.status in {204, 304}:
            assert answer.body == b"", "a body where none may be"
        elif announced is not None and int(announced) != len(answer.body):
            assert answer.broken, f"{announced} bytes were announced, {len(answer.body)} sent"
        assert answer.header("x-request-id"), "every reply has a request id"
        return answer


# -- who asks ---------------------------------------------------------------------------------------------


@dataclass
class Client:
    """Somebody with credentials. Tokens are fetched once per repository, as clients do."""

    server: Server
    username: str = ""
    password: str = ""
    id: int = 0
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def basic(self) -> dict[str, str]:
        """The Authorization header with name and password; none for anonymous."""
        if not self.username:
            return {}
        words = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return {"authorization": f"Basic {words}"}

    def on(self, server: Server) -> "Client":
        """The same somebody, with the same tokens, at another worker."""
        return Client(server, self.username, self.password, self.id, self.tokens)

    async def ask_token(self, *scopes: str, **fields: str) -> Answer:
        """GET /service/token."""
        query = urlencode([("service", SERVICE), *fields.items(), *(("scope", scope) for scope in scopes)])
        return await self.server.send("GET", f"/service/token?{query}", headers=self.basic)

    async def token(self, *scopes: str) -> str:
        """A token for these scopes, anew."""
        answer = await self.ask_token(*scopes)
        assert answer.status == 200, answer
        return str(answer.json()["token"])

    async def bearer(self, name: str, *, actions: str = "pull,push,delete") -> dict[str, str]:
        """The Authorization header with a token for one repository; the same token each time."""
        key = f"repository:{name}:{actions}"
        if key not in self.tokens:
            self.tokens[key] = await self.token(key)
        return {"authorization": f"Bearer {self.tokens[key]}"}

    async def ping(self) -> Answer:
        """GET /v2/ with a token that is as old as the client's first ping."""
        if "" not in self.tokens:
            self.tokens[""] = await self.token()
        return await self.server.send("GET", "/v2/", headers={"authorization": f"Bearer {self.tokens['']}"})

    def repo(self, name: str) -> "Repo":
        """A repository as this client sees it."""
        return Repo(self, name)


@dataclass
class Repo:
    """One repository, in the eyes of one client."""

    client: Client
    name: str

    def on(self, server: Server) -> "Repo":
        """The same, at another worker."""
        return Repo(self.client.on(server), self.name)

    def seen_by(self, client: Client) -> "Repo":
        """The same repository in the eyes of somebody else."""
        return Repo(client, self.name)

    async def send(
        self,
        method: str,
        rest: str,
        body: bytes | Iterable[Piece] = b"",
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        **options: Any,
    ) -> Answer:
        """A request below `/v2/NAME/`, or at a Location, with this client's token."""
        target = rest if rest.startswith("/") else f"/v2/{self.name}/{rest}"
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        given = {} if any(name.lower() == "authorization" for name, _ in pairs) else await self.client.bearer(self.name)
        return await self.client.server.send(method, target, body, headers=[*given.items(), *pairs], **options)

    async def get(self, rest: str, **headers: str) -> Answer:
        """GET; keyword arguments are headers (`if_none_match`)."""
        return await self.send("GET", rest, headers=_named(headers))

    async def head(self, rest: str, **headers: str) -> Answer:
        """HEAD."""
        return await self.send("HEAD", rest, headers=_named(headers))

    async def delete(self, rest: str) -> Answer:
        """DELETE."""
        return await self.send("DELETE", rest)

    async def open(self, query: str = "") -> Answer:
        """POST an upload; 202."""
        answer = await self.send("POST", f"blobs/uploads/{query}")
        assert answer.status == 202, answer
        return answer

    async def close(self, location: str, digest: str, body: bytes = b"", **options: Any) -> Answer:
        """PUT at a Location, with the digest added to its query."""
        return await self.send("PUT", closing(location, digest), body, **options)

    async def blob(self, data: bytes, algorithm: str = "sha256") -> str:
        """Push a blob and return its digest."""
        digest = str(compute(data, algorithm))
        answer = await self.close((await self.open()).location, digest, data)
        assert answer.status == 201, answer
        return digest

    async def put(
        self, reference: str, manifest: bytes | Mapping[str, object], media_type: str = "", **headers: str
    ) -> Answer:
        """PUT a manifest; the type is the one in it unless it is given."""
        raw = manifest if isinstance(manifest, bytes) else encode(manifest)
        if not media_type and not isinstance(manifest, bytes):
            media_type = str(manifest.get("mediaType", OCI_MANIFEST))
        return await self.send(
            "PUT",
            f"manifests/{reference}",
            raw,
            headers={"content-type": media_type or OCI_MANIFEST, **_named(headers)},
        )

    async def image(
        self, *tags: str, layers: Iterable[bytes] = (b"layer",), config: bytes = b"{}", **more: object
    ) -> str:
        """Push an image with its blobs, tag it, and return its digest; further arguments are keys of the manifest."""
        for data in (config, *layers):
            await self.blob(data)
        manifest = image(config, layers, **more)
        digest = digest_of(manifest)
        for reference in tags or (digest,):
            answer = await self.put(reference, manifest)
            assert answer.status == 201, answer
        return digest

    async def noted(self, pulls: int) -> None:
        """Wait until so many pulls of this repository are written: that happens in the background, after the answer."""
        statement = "SELECT 1 FROM repository WHERE path = :path AND trash_id IS NULL AND pull_count >= :pulls"
        async with asyncio.timeout(SECONDS):
            while not await self.client.server.rows(statement, path=self.name, pulls=pulls):  # noqa: ASYNC110 - a row
                await asyncio.sleep(0.05)

    async def listed(self) -> list[str]:
        """All tags; none when the repository is not known."""
        answer = await self.get("tags/list")
        return list(answer.json()["tags"]) if answer.status == 200 else []


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def closing(location: str, digest: str) -> str:
    """A Location with the digest added, as clients do."""
    return f"{location}{'&' if '?' in location else '?'}digest={quote(digest, safe=':')}"


# -- content ----------------------------------------------------------------------------------------------


def encode(manifest: Mapping[str, object]) -> bytes:
    """A manifest's bytes."""
    return json.dumps(manifest, separators=(",", ":")).encode()


def digest_of(content: bytes | Mapping[str, object], algorithm: str = "sha256") -> str:
    """The digest of bytes or of a manifest."""
    return str(compute(content if isinstance(content, bytes) else encode(content), algorithm))


def descriptor(
    data: bytes, media_type: str = OCI_LAYER, algorithm: str = "sha256", **more: object
) -> dict[str, object]:
    """What a manifest says of a blob."""
    return {"mediaType": media_type, "digest": digest_of(data, algorithm), "size": len(data), **more}


def image(config: bytes = b"{}", layers: Iterable[bytes] = (b"layer",), **more: object) -> dict[str, object]:
    """An OCI image manifest; further arguments are keys of it."""
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, OCI_CONFIG),
        "layers": [descriptor(layer) for layer in layers],
        **more,
    }


def index(*manifests: Mapping[str, object], **more: object) -> dict[str, object]:
    """An OCI index of these manifests."""
    children = [descriptor(encode(manifest), str(manifest["mediaType"])) for manifest in manifests]
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children, **more}


def subject(manifest: Mapping[str, object]) -> dict[str, object]:
    """The descriptor of a manifest that another one refers to."""
    return descriptor(encode(manifest), str(manifest["mediaType"]))


@contextlib.contextmanager
def changed(path: Path, change: Callable[[bytes], bytes]) -> Any:
    """Change a file in place, as somebody at the machine would, and put it right again at the end."""
    before = path.read_bytes()
    path.write_bytes(change(before))
    try:
        yield
    finally:
        path.write_bytes(before)
