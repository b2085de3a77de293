"""The protocol of a session store, and what it keeps."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from moorage.access.policy import Account
from moorage.events import Actor

Data = Mapping[str, object]


class Stored(msgspec.Struct, frozen=True):
    """What a store found. `unused_seconds`: since use was last written down; `lifetime_seconds`: until its end."""

    account: Account
    source: str
    data: Data
    unused_seconds: float
    lifetime_seconds: float


class Times(msgspec.Struct, frozen=True):
    """How long sessions live, in seconds. A store may forget one that was not used for `idle`."""

    idle: int
    lifetime: int


class SessionStore(Protocol):
    """Where sessions are kept. They are named by the SHA-256 of their cookies: 32 bytes."""

    async def find(self, session_id: bytes) -> Stored | None:
        """The session, unless its lifetime is over or the account changed its epoch, is disabled or deleted.

        How long it was not used is for the caller to judge.

        Raises:
            SessionsUnavailable, DatabaseUnavailable: we could not ask, which is no answer.
        """
        ...

    async def create(
        self, session_id: bytes, account: Account, actor: Actor, *, data: Data, times: "Times", replaces: bytes
    ) -> None:
        """Keep a new session for its lifetime, end the one that it replaces, and tell that somebody signed in.

        Args:
            replaces: the name of a session, or of none.
        """
        ...

    async def renew(self, session_id: bytes, *, idle_seconds: int) -> None:
        """Write down that the session was used now. One that was ended meanwhile stays so."""
        ...

    async def end(self, session_id: bytes, actor: Actor) -> None:
        """End a session, and tell that somebody signed out. Safe to repeat."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
