"""The client side of registry authentication: Basic, or a token from the challenge's realm.

A challenge is written by the other side, so it decides nothing about where a password goes: that is the endpoint's own
host and port, and the token host that was named beside it. A realm elsewhere is asked for a token without credentials
when there are none, and not at all otherwise.

Source: RFC 9110, section 11 (challenges); "Token Authentication Specification" of the distribution registry.
"""

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from moorage.errors import RemoteDenied, RemoteMisbehaved, TargetRefused
from moorage.remotes.address_policy import Target, parse_target
from moorage.remotes.http_client import Answer
from moorage.settings import Secret

MAX_CHALLENGE_CHARACTERS = 8_192
MAX_TOKEN_CHARACTERS = 65_536
MAX_TOKENS = 4_096
"""How many tokens are remembered; a job that touches more repositories asks again."""

_LIFE_SECONDS = 60.0
"""How long a token lives that does not say so. Source: "Token Authentication Specification", `expires_in`."""
_LONGEST_SECONDS = 3_600.0
_MARGIN_SECONDS = 10.0
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"\s*({_WORD})(?:\s+|\s*,|$)")
_PARAMETER = re.compile(rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*(?:,|$)')

Send = Callable[..., Awaitable[Answer]]
"""`Session.send`."""


class Credentials(msgspec.Struct, frozen=True):
    """A name and a secret, as Basic has them."""

    username: str = ""
    secret: Secret = Secret("")

    @property
    def header(self) -> str:
        """The value of `Authorization`."""
        pair = f"{self.username}:{self.secret.reveal()}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")

    def __bool__(self) -> bool:
        return bool(self.username or self.secret)


Login = Callable[[], Awaitable[Credentials]]
"""Gives the credentials to use now; those of some clouds are good for some hours only."""


class Challenge(NamedTuple):
    """What a reply 401 asks for. `scheme` in lower case; `parameters` by name in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges of a `WWW-Authenticate` header, in order; what cannot be read ends the list.

    Source: RFC 9110, section 11.6.1.
    """
    return list(_read_challenges(header[:MAX_CHALLENGE_CHARACTERS]))


def _read_challenges(text: str) -> Iterator[Challenge]:
    at = 0
    while found := _SCHEME.match(text, at):
        scheme, at = found[1].lower(), found.end()
        parameters: dict[str, str] = {}
        while given := _PARAMETER.match(text, at):
            value = given[3] if given[2] is None else re.sub(r"\\(.)", r"\1", given[2])
            parameters.setdefault(given[1].lower(), value)
            at = given.end()
        yield Challenge(scheme, parameters)


class _Token(NamedTuple):
    header: str
    until: float


class Keyring:
    """The credentials of one endpoint, and the tokens that were got with them. Used from one event loop.

    A token is asked for once per set of scopes, however many requests wait for it.
    """

    def __init__(
        self, send: Send, endpoint: Target, login: Login, token_hosts: Collection[tuple[str, int]] = ()
    ) -> None:
        """Make an empty one.

        Args:
            send: sends a request for a token.
            endpoint: where the credentials are for.
            login: gives them.
            token_hosts: other hosts and ports that may see them, because they issue this registry's tokens.
        """
        self._send = send
        self._endpoint = endpoint
        self._login = login
        self._hosts = {(endpoint.host, endpoint.port), *token_hosts}
        self._basic = False
        self._realm: Challenge | None = None
        self._tokens: dict[str, _Token] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def has_credentials(self) -> bool:
        """Whether there are any."""
        return bool(await self._login())

    async def find_header(self, scopes: Collection[str]) -> dict[str, str]:
        """What to send before anybody has asked: a token that is still good, Basic where that was asked for, nothing.

        Args:
            scopes: as `repository:team/app:pull`; in the same order each time.

        Raises:
            RemoteDenied, RemoteMisbehaved, RemoteUnavailable: a token that ran out is not given again.
        """
        if self._basic:
            return {"authorization": (await self._login()).header}
        if self._realm is None:
            return {}
        return {"authorization": await self._get_token(self._realm, " ".join(scopes), scopes)}

    async def answer(self, challenge: str, scopes: Collection[str], refused: Mapping[str, str]) -> dict[str, str]:
        """What to send after a reply 401.

        Args:
            challenge: its `WWW-Authenticate`.
            scopes: what was tried.
            refused: what `find_header` or `answer` gave for the request that was refused.

        Raises:
            RemoteDenied: there is nothing else to try.
            RemoteMisbehaved: the challenge or the realm's answer cannot be used.
            RemoteUnavailable: the realm cannot be reached.
        """
        offered = {one.scheme: one for one in parse_challenges(challenge)}
        before = refused.get("authorization", "")
        if "bearer" in offered:
            asked = offered["bearer"]
            key = " ".join(scopes)
            known = self._tokens.get(key)
            if known is not None and known.header == before:
                del self._tokens[key]
            wanted = list(dict.fromkeys([*asked.parameters.get("scope", "").split(), *scopes]))
            header = await self._get_token(asked, key, wanted)
            self._realm = asked  # one that gives tokens: it will be asked before a challenge comes
            return {"authorization": header}
        credentials = await self._login()
        if "basic" in offered and credentials and before != credentials.header:
            self._basic = True
            return {"authorization": credentials.header}
        self._basic = False
        raise RemoteDenied(
            "The other registry refuses the credentials." if credentials else "The other registry asks for credentials."
        )

    async def _get_token(self, realm: Challenge, key: str, scopes: Collection[str]) -> str:
        known = self._tokens.get(key)
        if known is not None and known.until > time.monotonic():
            return known.header
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._tokens.get(key)
            if known is None or known.until <= time.monotonic():
                if len(self._tokens) >= MAX_TOKENS:
                    self._tokens.clear()
                    self._locks = {key: self._locks[key]}
                known = self._tokens[key] = await self._fetch(realm, scopes)
            return known.header

    async def _fetch(self, realm: Challenge, scopes: Collection[str]) -> _Token:
        target = self._read_realm(realm)
        credentials = await self._login()
        secret: dict[str, str] = {}
        if credentials:
            if (target.host, target.port) not in self._hosts:
                raise RemoteDenied(
                    f"The registry wants tokens to be fetched at {target.netloc}, which is not its own address: "
                    "nothing was sent there. If that host does issue its tokens, name it as the endpoint's token host.",
                    token_host=target.netloc,
                )
            secret = {"authorization": credentials.header}
        asked = [(name, value) for name in ("service",) if (value := realm.parameters.get(name))]
        asked += [("scope", scope) for scope in scopes]
        url = f"{target}{'&' if '?' in target.path else '?'}{urlencode(asked)}"
        began = time.monotonic()
        answer = await self._send("GET", url, credentials=secret, redirects=0)
        if answer.status in {400, 401, 403, 404}:
            raise RemoteDenied("The other registry refuses to give a token.", status=answer.status)
        if answer.status != 200:
            raise RemoteMisbehaved("The other registry gives no token.", status=answer.status)
        return _read_token(answer, began)

    def _read_realm(self, realm: Challenge) -> Target:
        try:
            target = parse_target(realm.parameters.get("realm", ""))
        except TargetRefused:
            raise RemoteMisbehaved("The other registry names no usable realm for its tokens.") from None
        if self._endpoint.scheme == "https" and target.scheme != "https":
            raise RemoteMisbehaved("The other registry, which is asked over https, names a realm without it.")
        return target


def _read_token(answer: Answer, began: float) -> _Token:
    body: Any = answer.json()
    said = body if isinstance(body, dict) else {}
    token = said.get("token") or said.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_CHARACTERS or not _is_token(token):
        raise RemoteMisbehaved("The other registry's answer holds no token.")
    life = said.get("expires_in")
    seconds = float(life) if isinstance(life, int) and life > 0 else _LIFE_SECONDS
    seconds = min(max(seconds, _LIFE_SECONDS), _LONGEST_SECONDS)
    return _Token(f"Bearer {token}", began + seconds - _MARGIN_SECONDS)


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
