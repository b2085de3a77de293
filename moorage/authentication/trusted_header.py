"""Authenticate users by a header that a trusted proxy sets.

Believed only from the addresses of `trusted_proxies`: what counts is who opened the connection, never what the request
says of that. From anybody else such a header is as if it was not there.
"""

import time
from collections.abc import Callable

import msgspec

from moorage.access.policy import Account
from moorage.authentication.external_accounts import HTTP_GROUP, Known, clean_groups, ensure_person
from moorage.configuration.cached_settings import Live
from moorage.configuration.schema import Items
from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.errors import CredentialsInvalid, Invalid, NameTaken, UserNameInvalid
from moorage.oci.names import fold_user_name
from moorage.web.request import Hosts, Request

SOURCE = "header"
REMEMBER_SECONDS = 60
"""An account is brought up to date once a minute, or at once when the headers say something new."""

_MAX_REMEMBERED = 10_000
_ALIVE = Query(
    """SELECT p.epoch, p.name, (u.admin OR u.admin_by_source)
FROM principal p JOIN user_account u ON u.principal_id = p.id
WHERE p.id = $1 AND u.source = 'header' AND p.deleted_at IS NULL AND NOT p.disabled"""
)


class _Remembered(msgspec.Struct, frozen=True):
    known: Known
    principal_id: int
    until: float


class TrustedHeader:
    """The source `header` in one process."""

    def __init__(
        self, database: Database, live: Live, hosts: Hosts, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._live = live
        self._hosts = hosts
        self._clock = clock
        self._remembered: dict[str, _Remembered] = {}

    async def account_of(self, request: Request) -> Account | None:
        """Whom the proxy says that it signed in; None: nobody, or there is no such proxy.

        Raises:
            Invalid: a header came twice (one of them may be the client's), or is no UTF-8.
            CredentialsInvalid: the name cannot be one, or belongs to another source.
            AccountDisabled: an administrator here locked the account.

        Cost: one statement; a transaction at most once a minute for each person.
        """
        items = self._live.current
        if SOURCE not in items.auth_sources or not items.header_user or not self._hosts.is_proxy(request.peer):
            return None
        name = _read(request, items.header_user)
        if not name:
            return None
        known = _describe(request, items, name)
        remembered = self._remembered.get(known.subject)
        if remembered is not None and remembered.known == known and self._clock() < remembered.until:
            row = await self._database.read.one(_ALIVE, remembered.principal_id)
            if row is not None:
                return Account(
                    principal_id=remembered.principal_id, epoch=row[0], kind="user", name=row[1], admin=bool(row[2])
                )
        actor = request.as_actor(None, name[:255], "header")
        try:
            account = await self._database.run(actor, ensure_person, known)
        except (NameTaken, UserNameInvalid) as problem:
            raise CredentialsInvalid(f"The proxy's word signs nobody in: {problem}") from problem
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[known.subject] = _Remembered(known, account.principal_id, self._clock() + REMEMBER_SECONDS)
        return account


def _describe(request: Request, items: Items, name: str) -> Known:
    """The person, as the headers say."""
    groups: list[str] | None = None
    if items.header_groups:
        groups = _split(_read(request, items.header_groups))
    is_admin = name in _split(items.http_authproxy_admin_usernames) or not set(groups or ()).isdisjoint(
        _split(items.http_authproxy_admin_groups)
    )
    return Known(
        source=SOURCE,
        subject=fold_user_name(name),  # a proxy may write it in another way the next time
        name=name,
        email=_read(request, items.header_email) or None,
        groups=None if groups is None else clean_groups(HTTP_GROUP, groups),
        admin=is_admin,
    )


def _read(request: Request, header: str) -> str:
    """A header's value; empty: it was not sent, or no header is named.

    Raises:
        Invalid: it came more than once, or is no UTF-8.
    """
    if not header:
        return ""
    wanted = header.lower().encode("latin-1", "replace")
    values = [value for name, value in request.scope["headers"] if name == wanted]
    if len(values) > 1:
        raise Invalid(f"The header '{header[:80]}' was sent more than once.")
    raw: bytes = values[0] if values else b""
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError as error:  # two such names would look alike
        raise Invalid(f"The header '{header[:80]}' is no UTF-8.") from error


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
