"""HTTP requests to an OpenID provider: small, bounded in time, never redirected."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

import msgspec

from moorage.errors import OidcUnavailable, RemoteMisbehaved, RemoteUnavailable, TargetRefused
from moorage.remotes.http_client import Outgoing

TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 1_048_576
_FORM = {"content-type": "application/x-www-form-urlencoded"}


class Trust(msgspec.Struct, frozen=True):
    """Which certificates of the provider are believed. `ca`: PEM, believed beside those of the system."""

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


class GuardedHttp:
    """`Http` over the server's outgoing client. The provider is a system administrator's choice: it may be private."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

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
        sent = {"accept": "application/json", **({} if form is None else _FORM)}
        try:
            found = await self._outgoing.send(
                "system", method, url, verify=trust.verify, ca_pem=trust.ca, headers=sent, credentials=headers,
                body=urlencode(form).encode() if form else b"", max_bytes=MAX_ANSWER_BYTES, seconds=TIMEOUT_SECONDS,
                redirects=0,
            )  # fmt: skip
        except (RemoteUnavailable, RemoteMisbehaved, TargetRefused) as error:
            raise OidcUnavailable from error
        if 300 <= found.status < 400:
            raise OidcUnavailable("The OpenID provider redirects where it may not.")
        return Answer(found.status, found.body)
