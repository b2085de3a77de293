"""Requests to one saved registry, with its credentials and a retry policy.

What a registry gives as the next address (a Location, a Link) is followed; credentials go along only to its own.
"""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from urllib.parse import urljoin

import msgspec

from moorage.errors import Problem, RemoteDenied, RemoteMisbehaved, RemoteRefused, RemoteUnavailable
from moorage.remotes.address_policy import Target, parse_target
from moorage.remotes.bearer_auth import Keyring, Login
from moorage.remotes.http_client import Answer, Incoming, Session
from moorage.remotes.retry_policy import AGAIN, Attempts, Patience, busy
from moorage.settings import Secret

SECONDS = 60.0
MAX_API_BYTES = 16 << 20
_MAX_REASON_BYTES = 16_384


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Another registry, as a system administrator saved it.

    Attributes:
        url: `http://` or `https://`, host, port; a path, if any, stands before `/v2/`.
        username, password: empty: nobody in particular.
        insecure: believe any certificate of this host.
        ca_pem: an authority that is believed beside the system's.
        token_hosts: `HOST` or `HOST:PORT` of others that issue its tokens and may see the credentials.
        trusted: a system administrator gave the address, which may be in a private network then.
    """

    url: str
    username: str = ""
    password: Secret = Secret("")
    insecure: bool = False
    ca_pem: str = ""
    token_hosts: tuple[str, ...] = ()
    trusted: bool = True


class Connection:
    """One registry. Used from one event loop; requests may run side by side.

    Every request may raise:

        RemoteUnavailable: no answer, or one of 5xx, as often as `patience` says.
        RemoteBusy: 429 as often, or for longer than it says.
        RemoteDenied: the credentials are refused, or may not do this.
        RemoteRefused: any other refusal; `detail["status"]` and `detail["refused"]` are the other side's.
        RemoteMisbehaved: the answer cannot be used: too long, not what its digest says, not what was asked.
        TargetRefused: it leads to an address that may not be reached.
    """

    takes_whole_blobs = True
    """Whether a blob may be sent with the POST that opens its upload; False once the registry ignored one."""

    def __init__(
        self,
        session: Session,
        endpoint: Target,
        login: Login,
        *,
        token_hosts: Collection[tuple[str, int]] = (),
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        """See `open_client`."""
        self.session = session
        self.endpoint = endpoint
        self.patience = patience
        self._base = str(endpoint).partition("?")[0].rstrip("/")
        self._hosts = {(endpoint.host, endpoint.port), *token_hosts}
        self._keys = Keyring(self.send_plainly, endpoint, login, token_hosts)

    # -- requests -------------------------------------------------------------------------------------------

    async def send_plainly(self, method: str, url: str, **given: Any) -> Answer:  # noqa: ANN401 - as `Session.send`
        """A request without credentials of its own, as often as patience says; the reply may be any but `AGAIN`."""
        attempts = Attempts(self.patience)
        given.setdefault("seconds", SECONDS)
        while True:
            try:
                answer = await self.session.send(method, url, **given)
            except RemoteUnavailable as problem:
                await attempts.wait(problem)
                continue
            if answer.status not in AGAIN:
                return answer
            await attempts.wait(busy(answer.status, answer.headers))

    async def send(
        self,
        method: str,
        path: str,
        scopes: Collection[str],
        *,
        also: Collection[int] = (),
        **given: Any,  # noqa: ANN401 - as `Session.send`
    ) -> Answer:
        """A request with credentials, where they belong to its address; the reply is a success, or in `also`.

        Args:
            method: GET, PUT, …
            path: a path below the endpoint's URL, or a whole URL that the registry gave.
            scopes: what a token has to allow.
            also: other statuses that are answers, too.
        """
        url = self.url(path)
        secret = await self._keys.find_header(scopes) if self.is_own(url) else {}
        answer = await self.send_plainly(method, url, credentials=secret, **given)
        if answer.status == 401 and self.is_own(url):
            secret = await self._keys.answer(answer.headers.get("www-authenticate", ""), scopes, secret)
            answer = await self.send_plainly(method, url, credentials=secret, **given)
        if not 200 <= answer.status < 300 and answer.status not in also:
            raise refusal(answer.status, answer.body)
        return answer

    async def has_credentials(self) -> bool:
        """Whether there are any for this registry."""
        return await self._keys.has_credentials()

    @contextlib.asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        scopes: Collection[str],
        *,
        also: Collection[int] = (),
        **given: Any,  # noqa: ANN401 - as `Session.stream`
    ) -> AsyncIterator[Incoming]:
        """As `send`, tried once, and the reply's body is read as it comes. A body that is an iterator is sent once."""
        url = self.url(path)
        own = self.is_own(url)
        secret = await self._keys.find_header(scopes) if own else {}
        for last in (False, True):
            async with self.session.stream(method, url, credentials=secret, **given) as incoming:
                if incoming.status == 401 and own and not last:
                    challenge = incoming.headers.get("www-authenticate", "")
                    secret = await self._keys.answer(challenge, scopes, secret)
                    if isinstance(given.get("body", b""), bytes):
                        continue
                    raise RemoteUnavailable("The other registry wanted another token in the middle of an upload.")
                if incoming.status in AGAIN:
                    raise busy(incoming.status, incoming.headers)
                if not 200 <= incoming.status < 300 and incoming.status not in also:
                    raise refusal(incoming.status, await _read_some(incoming))
                yield incoming
                return

    async def send_json(
        self,
        method: str,
        path: str,
        *,
        authorization: str = "",
        headers: Mapping[str, str] | None = None,
        body: object = None,
        max_bytes: int = MAX_API_BYTES,
    ) -> Answer:
        """A request to an API that the registry has beside `/v2/`, as often as patience says; the reply may be any.

        Args:
            method: GET, POST, …
            path: below the endpoint's URL, or a whole URL of one of its token hosts.
            authorization: the value of that header; it goes nowhere else.
            headers: what else is sent.
            body: what is sent as JSON.
            max_bytes: how long the reply may be.
        """
        url = self.url(path)
        target = parse_target(url)
        if (target.host, target.port) not in self._hosts:
            raise RemoteDenied("Credentials do not go to that host.", host=target.netloc)
        sent = {"accept": "application/json", **(headers or {})}
        content = b""
        if body is not None:
            content = msgspec.json.encode(body)
            sent.setdefault("content-type", "application/json")
        credentials = {"authorization": authorization} if authorization else {}
        return await self.send_plainly(
            method, url, headers=sent, credentials=credentials, body=content, max_bytes=max_bytes
        )

    def url(self, path: str) -> str:
        """The whole URL of a path of ours, which begins with `/v2`; a whole URL is itself."""
        return self._base + path if path.startswith("/") else path

    def resolve(self, answer: Answer | Incoming, location: str) -> str:
        """The URL that a reply gives as the next one.

        One that names the endpoint's host with another scheme or port is what a registry gives that does not know the
        proxy in front of it; it means the endpoint.

        Raises:
            RemoteMisbehaved: it leads from https to http.
            TargetRefused: it is no address.
        """
        target = parse_target(urljoin(answer.url, location))
        if target.host == self.endpoint.host and target.origin != self.endpoint.origin:
            return f"{self.endpoint.scheme}://{self.endpoint.netloc}{target.path}"
        if self.endpoint.scheme == "https" and target.scheme != "https":
            raise RemoteMisbehaved("The other registry, which is asked over https, leads to an address without it.")
        return str(target)

    def is_own(self, url: str) -> bool:
        """Whether an address is the endpoint's own, so that credentials go along."""
        return parse_target(url).origin == self.endpoint.origin


def refusal(status: int, body: bytes) -> Problem:
    """What to tell of a reply that is no success. What the registry says of it is for administrators only.

    Source: OCI distribution-spec v1.1, "Error Codes".
    """
    code, said = _read_error(body)
    told = f": {said}" if said else ""
    if status == 401:
        return RemoteDenied(f"The other registry refuses the credentials{told}.", status=status, refused=code)
    if status == 403:
        return RemoteDenied(
            f"The other registry does not allow this ({code or status}){told}.", status=status, refused=code
        )
    return RemoteRefused(f"The other registry refused it ({code or status}){told}.", status=status, refused=code)


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


def _read_error(body: bytes) -> tuple[str, str]:
    try:
        found = msgspec.json.decode(body, type=_Errors).errors
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", ""
    one = found[0] if found else _Error()
    said = "".join(sign if sign.isprintable() else " " for sign in one.message[:300]).strip().rstrip(".")
    return "".join(sign for sign in one.code[:64] if sign.isalnum() or sign == "_"), said


async def _read_some(incoming: Incoming) -> bytes:
    """The beginning of an error's body."""
    body = b""
    with contextlib.suppress(RemoteUnavailable):
        async for piece in incoming.pieces:
            body += piece
            if len(body) > _MAX_REASON_BYTES:
                break
    return body[:_MAX_REASON_BYTES]
