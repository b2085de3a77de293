"""The few HTTP requests that OpenID Connect needs: small answers, bounded in time, never redirected."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Protocol

import httpx
import msgspec

from moorage.errors import OidcUnavailable

TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 1_048_576


class Trust(msgspec.Struct, frozen=True):
    """Which certificates of the provider are believed. `ca`: PEM; empty: those of the system."""

    verify: bool = True
    ca: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes


class Http(Protocol):
    """Sends one request."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        trust: Trust,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, whatever its status.

        Raises:
            OidcUnavailable: there is none within 10 s, or it is over 1 MiB, or it is a redirect: what we send must
                not reach another host.
        """
        ...


class PlainHttp:
    """`Http` over connections that are kept open, one pool for each way to trust."""

    def __init__(self) -> None:
        self._trust: Trust | None = None
        self._client: httpx.AsyncClient | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        trust: Trust,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """See `Http.send`."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                client = await self._open(trust)
                async with client.stream(method, url, headers=headers, data=form) as response:
                    if response.is_redirect:
                        raise OidcUnavailable("The OpenID provider redirects where it may not.")
                    body = bytearray()
                    async for piece in response.aiter_bytes(65_536):
                        body += piece
                        if len(body) > MAX_ANSWER_BYTES:
                            raise OidcUnavailable("The OpenID provider's answer is too long.")
                    return Answer(response.status_code, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
            raise OidcUnavailable from error

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _open(self, trust: Trust) -> httpx.AsyncClient:
        if self._client is None or trust != self._trust:
            await self.close()
            self._client = httpx.AsyncClient(
                verify=_context(trust), timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False,
                headers={"User-Agent": "moorage", "Accept": "application/json"},
            )  # fmt: skip
            self._trust = trust
        return self._client


def _context(trust: Trust) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=trust.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
