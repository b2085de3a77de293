"""Accounts of OpenID users: sign-in, onboarding, CLI secrets, and whether they still exist."""

import asyncio
import hashlib
import logging
import secrets
from base64 import urlsafe_b64encode
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.access.policy import Account
from moorage.authentication.external_accounts import (
    OIDC_GROUP,
    Known,
    clean_groups,
    ensure_person,
    find_person,
    stored_subject,
)
from moorage.authentication.oidc_provider import Claims, Provider, Tokens
from moorage.configuration.cached_settings import Live
from moorage.configuration.schema import Items
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import (
    NoOidcUser,
    OidcAnswerInvalid,
    OidcOff,
    OidcRefused,
    OidcStateInvalid,
    Problem,
    TokenInvalid,
    UserUnknown,
)
from moorage.events import SYSTEM, UserChanged
from moorage.secret_encryption import SealBroken, Seals
from moorage.selectors import compile_search
from moorage.users.service import bump_epoch, end_sign_ins
from moorage.users.tables import OidcFlow, OidcUser, Principal

log = logging.getLogger("moorage.oidc")

SOURCE = "oidc"
FLOW_SECONDS = 600
"""How long a sign-in may take, and the choice of a user name."""

CHECK_SECONDS = 3_600
"""While a CLI secret is used, the provider is asked once an hour whether its owner is still there."""

_CLEAN_AT_ONCE = 200


class Guest(msgspec.Struct, frozen=True):
    """Somebody whom the provider vouched for, and who has to choose a user name."""

    claims: Claims
    tokens: Tokens


# -- settings -----------------------------------------------------------------------------------------------


def known_by(claims: Claims, items: Items, name: str) -> Known:
    """The person that claims describe, as `ensure_person` wants it; `name` is for a new account."""
    groups: list[str] | None = None
    if items.oidc_groups_claim:
        groups = read_groups(claims.values.get(items.oidc_groups_claim), items.oidc_group_filter)
    return Known(
        source=SOURCE,
        subject=subject_of(claims.issuer, claims.subject),
        name=name,
        email=claims.email,
        realname=claims.text("name"),
        groups=None if groups is None else clean_groups(OIDC_GROUP, groups),
        admin=bool(groups and items.oidc_admin_group and items.oidc_admin_group in groups),
    )


def subject_of(issuer: str, subject: str) -> str:
    """What a person is called for ever: who says it, and whom it means. An issuer holds no `#`."""
    return f"{issuer}#{subject}"


def read_groups(claim: object, pattern: str) -> list[str]:
    """The groups that a claim lists: a text or a list of texts; anything else is no group.

    Args:
        claim: the claim's value; what is missing is a person without groups.
        pattern: a regular expression (RE2) that is found somewhere in the names to keep; empty: all. One that cannot be
            compiled keeps none: nobody gets rights by a mistake.
    """
    names: list[object] = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    groups = [group.key for group in clean_groups(OIDC_GROUP, names)]
    if not pattern:
        return groups
    try:
        wanted = compile_search(pattern)
    except Problem as problem:
        log.warning("oidc_group_filter cannot be used, so no groups are taken: %s", problem)
        return []
    return [name for name in groups if wanted(name)]


def proposed_name(claims: Claims, items: Items) -> str:
    """The user name that the provider suggests; empty: none."""
    return claims.text(items.oidc_user_claim or "name")


# -- signing in -------------------------------------------------------------------------------------------


def use_state(work: Work, state: str) -> None:
    """Note that a state was used.

    Raises:
        OidcStateInvalid: it was used before. The primary key decides.
    """
    _clean(work)
    try:
        with work.db.begin_nested():
            work.db.execute(insert(OidcFlow).values(id=_digest(state), data=None, expires_at=db_now(FLOW_SECONDS)))
    except IntegrityError as error:
        raise OidcStateInvalid from error


def sign_in(work: Work, known: Known, claims: Claims, refresh_token: str, seals: Seals) -> Account:
    """The account of somebody whom the provider just vouched for, made or brought up to date.

    Raises:
        NameTaken, UserNameInvalid, AccountDisabled: as `ensure_person`.
    """
    account = ensure_person(work, known)
    values: dict[str, object] = {
        "refresh_token": _seal(seals, account.principal_id, refresh_token),
        "checked_at": db_now(),
        "gone_at": None,
    }
    updated = work.db.execute(
        update(OidcUser).where(OidcUser.principal_id == account.principal_id).values(values)
    ).rowcount
    if not updated:
        work.db.execute(
            insert(OidcUser).values(
                principal_id=account.principal_id, issuer=claims.issuer, subject=claims.subject, **values
            )
        )
    return account


def is_known(work: Work, claims: Claims) -> bool:
    """Whether somebody signed in here before."""
    return find_person(work, SOURCE, subject_of(claims.issuer, claims.subject)) is not None


def keep_guest(work: Work, guest: Guest, seals: Seals) -> str:
    """Keep what the provider said for 10 minutes, and return what the browser has to bring to go on."""
    _clean(work)
    ticket = secrets.token_urlsafe(32)
    row = _digest(ticket)
    data = seals.seal(msgspec.json.encode(guest).decode(), table="oidc_flow", row=row.hex(), column="data")
    work.db.execute(insert(OidcFlow).values(id=row, data=data, expires_at=db_now(FLOW_SECONDS)))
    return ticket


def get_guest(work: Work, ticket: str, seals: Seals) -> Guest:
    """Whom the provider vouched for when this was given out.

    Raises:
        OidcStateInvalid: it was not, or too long ago, or the guest has an account by now.
    """
    row = _digest(ticket)
    data = work.db.scalar(
        select(OidcFlow.data).where(OidcFlow.id == row, OidcFlow.data.is_not(None), OidcFlow.expires_at > db_now())
    )
    if data is None:
        raise OidcStateInvalid
    try:
        return msgspec.json.decode(seals.open(bytes(data), table="oidc_flow", row=row.hex(), column="data"), type=Guest)
    except SealBroken as error:
        raise OidcStateInvalid from error


def onboard(work: Work, ticket: str, known: Known, guest: Guest, seals: Seals) -> Account:
    """Make the account of a guest under the name that they chose; the ticket is used up by it.

    Raises:
        NameTaken, UserNameInvalid: the guest may choose another one.
        OidcStateInvalid: somebody was faster with the same ticket.
    """
    used = work.db.execute(delete(OidcFlow).where(OidcFlow.id == _digest(ticket))).rowcount
    if used != 1:
        raise OidcStateInvalid
    return sign_in(work, known, guest.claims, guest.tokens.refresh_token, seals)


def _clean(work: Work) -> None:
    old = select(OidcFlow.id).where(OidcFlow.expires_at < db_now()).limit(_CLEAN_AT_ONCE)
    work.db.execute(delete(OidcFlow).where(OidcFlow.id.in_(old.scalar_subquery())))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _seal(seals: Seals, principal_id: int, refresh_token: str) -> bytes | None:
    if not refresh_token:
        return None
    return seals.seal(refresh_token, table="oidc_user", row=str(principal_id), column="refresh_token")


def take_refresh_token(work: Work, principal_id: int, seals: Seals) -> str:
    """The provider's refresh token of a person, which is forgotten here; empty: there is none."""
    sealed = work.db.scalar(select(OidcUser.refresh_token).where(OidcUser.principal_id == principal_id))
    if sealed is None:
        return ""
    work.db.execute(update(OidcUser).where(OidcUser.principal_id == principal_id).values(refresh_token=None))
    return _open(seals, principal_id, sealed)


def _open(seals: Seals, principal_id: int, sealed: bytes) -> str:
    """The refresh token; empty when its key is gone: then nobody can use it any more."""
    try:
        return seals.open(bytes(sealed), table="oidc_user", row=str(principal_id), column="refresh_token")
    except SealBroken as error:
        log.warning("a refresh token of the OpenID provider cannot be read: %s", error)
        return ""


# -- CLI secrets ------------------------------------------------------------------------------------------


def generate_cli_secret() -> str:
    """264 random bits in 44 characters that pass the contract's rule for passwords."""
    while True:
        secret = urlsafe_b64encode(secrets.token_bytes(33)).decode("ascii")
        if any(map(str.islower, secret)) and any(map(str.isupper, secret)) and any(map(str.isdigit, secret)):
            return secret


def set_cli_secret(work: Work, user_id: int, secret_hash: str) -> None:
    """Give a person a new CLI secret; the old one stops working at once, with the tokens that were made with it.

    Args:
        secret_hash: from `passwords`; what it was made of is shown once, and kept nowhere.

    Raises:
        UserUnknown: there is no such user.
        NoOidcUser: the user does not sign in through the provider.
    """
    name = work.db.scalar(
        select(Principal.name).where(Principal.id == user_id, Principal.kind == "user", Principal.deleted_at.is_(None))
    )
    if name is None:
        raise UserUnknown(id=user_id)
    changed = work.db.execute(update(OidcUser).where(OidcUser.principal_id == user_id).values(cli_secret=secret_hash))
    if not changed.rowcount:
        raise NoOidcUser
    work.emit(UserChanged(user_id, name, "cli_secret"))


class OidcUserRow(msgspec.Struct, frozen=True):
    """What the contract shows of somebody who signs in through a provider (`oidc_user_meta`); never a secret."""

    user_id: int
    subiss: str
    has_cli_secret: bool


def find_oidc_user(work: Work, user_id: int) -> OidcUserRow | None:
    """What belongs to a user of the provider; None: another source's."""
    row = work.db.execute(
        select(OidcUser.subject, OidcUser.issuer, OidcUser.cli_secret).where(OidcUser.principal_id == user_id)
    ).first()
    return None if row is None else OidcUserRow(user_id, row.subject + row.issuer, bool(row.cli_secret))


# -- whether they are still there -------------------------------------------------------------------------

_BY_SUBJECT = Query(
    """SELECT p.id, p.epoch, p.name, (u.admin OR u.admin_by_source)
FROM user_account u JOIN principal p ON p.id = u.principal_id
WHERE u.source = 'oidc' AND u.source_subject = $1 AND p.deleted_at IS NULL AND NOT p.disabled"""
)


class OidcPeople:
    """The provider's people in one process: their ID tokens, and the question whether they are still there."""

    def __init__(self, database: Database, live: Live, provider: Provider) -> None:
        self._database = database
        self._live = live
        self._provider = provider
        self._checks: set[asyncio.Task[None]] = set()

    async def account_of(self, token: str) -> Account | None:
        """Whose ID token it is; None: it is none, or not good, or nobody who signed in here before.

        Raises:
            OidcUnavailable: the provider has to be asked for its keys, and does not answer.
        """
        if not token.startswith("eyJ"):
            return None
        try:
            claims = await self._provider.verify(self._live.current, token)
        except (OidcAnswerInvalid, OidcOff):
            return None
        row = await self._database.read.one(_BY_SUBJECT, _stored(claims))
        if row is None:
            return None
        return Account(principal_id=row[0], epoch=row[1], kind="user", name=row[2], admin=bool(row[3]))

    async def require_account(self, token: str) -> Account:
        """As `account_of`.

        Raises:
            TokenInvalid: where that says None.
        """
        account = await self.account_of(token)
        if account is None:
            raise TokenInvalid
        return account

    def check_soon(self, principal_id: int) -> None:
        """Ask the provider in the background whether a person is still there. Of many callers, one asks."""
        task = asyncio.get_running_loop().create_task(self.check(principal_id))
        self._checks.add(task)
        task.add_done_callback(self._settle)

    async def check(self, principal_id: int) -> None:
        """Ask now, unless it was asked less than an hour ago or we hold nothing to ask with.

        A provider that is away changes nothing: what worked goes on working. One that says no ends the CLI secret and
        all tokens; one that says yes brings groups up to date.
        """
        items = self._live.current
        seals = self._live.seals
        try:
            due = await self._database.run(SYSTEM, _claim_check, principal_id, seals)
            if due is None:
                return
            refresh_token, subject = due
            try:
                claims, new_token = await self._provider.refresh(items, refresh_token, subject)
            except OidcRefused:
                await self._database.run(SYSTEM, _note_gone, principal_id)
                return
            await self._database.run(SYSTEM, _note_there, principal_id, new_token, seals)
            if claims.values:
                await self._database.run(SYSTEM, ensure_person, known_by(claims, items, ""))
        except Problem as problem:
            log.warning("the OpenID provider could not be asked about user %d: %s", principal_id, problem)

    def _settle(self, task: asyncio.Task[None]) -> None:
        """Forget a check that ended; one that broke is a bug of ours, and is told to the log."""
        self._checks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the check of a user failed", exc_info=error)

    async def close(self) -> None:
        """Give up what is being asked."""
        for task in self._checks:
            task.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)


def _stored(claims: Claims) -> str:
    return stored_subject(subject_of(claims.issuer, claims.subject))


_DUE = (
    update(OidcUser)
    .where(
        OidcUser.principal_id == bindparam("user"),
        OidcUser.checked_at < db_now(-CHECK_SECONDS),
        OidcUser.refresh_token.is_not(None),
        OidcUser.gone_at.is_(None),
    )
    .values(checked_at=db_now())
    .returning(OidcUser.refresh_token, OidcUser.subject)
)


def _claim_check(work: Work, principal_id: int, seals: Seals) -> tuple[str, str] | None:
    """The refresh token and the subject to ask with; None: somebody asks already, or asked lately.

    Only one may ask: providers that hand out a new refresh token each time take a second use for a theft.
    """
    row: Any = work.db.execute(_DUE, {"user": principal_id}).first()
    if row is None:
        return None
    token = _open(seals, principal_id, row.refresh_token)
    return (token, row.subject) if token else None


def _note_there(work: Work, principal_id: int, refresh_token: str, seals: Seals) -> None:
    work.db.execute(
        update(OidcUser)
        .where(OidcUser.principal_id == principal_id)
        .values(refresh_token=_seal(seals, principal_id, refresh_token))
    )


def _note_gone(work: Work, principal_id: int) -> None:
    """The provider does not know a person any more."""
    work.db.execute(
        update(OidcUser).where(OidcUser.principal_id == principal_id).values(gone_at=db_now(), refresh_token=None)
    )
    name = bump_epoch(work, principal_id)
    end_sign_ins(work, principal_id)
    work.emit(UserChanged(principal_id, name, "gone"))
