"""Sign in to the portal through an OpenID provider."""

import hmac
import logging
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlencode

import msgspec

from moorage.access.denials import Refusals
from moorage.access.policy import Account
from moorage.authentication import oidc_accounts
from moorage.authentication.oidc_accounts import Guest, known_by, proposed_name
from moorage.authentication.oidc_provider import Attempt, Provider, Tokens, is_on
from moorage.configuration.cached_settings import Live
from moorage.db.engine import Database
from moorage.errors import (
    AccountDisabled,
    Invalid,
    NameTaken,
    OidcAnswerInvalid,
    OidcOff,
    OidcRefused,
    OidcStateInvalid,
    OidcUnavailable,
    Problem,
    UserNameInvalid,
)
from moorage.events import Actor
from moorage.secret_encryption import SealBroken
from moorage.sessions.session_store import COOKIE, Sessions, SignedIn
from moorage.web.cookies import find_cookie, set_cookie
from moorage.web.csrf import require_same_site
from moorage.web.redirects import local_path
from moorage.web.request import Request
from moorage.web.response import Header, Reply

log = logging.getLogger("moorage.oidc")

OIDC_COOKIE = "oidc"
"""Holds the sealed `Attempt`, or the ticket of a guest who chooses a user name. 10 minutes."""

CALLBACK = "/c/oidc/callback"
_ONBOARD_PAGE = "/onboard"
_SIGN_IN_PAGE = "/sign-in"
_ATTEMPT, _GUEST = "a.", "g."
_MAX_COOKIE_CHARACTERS = 4_000
_MAX_CODE_CHARACTERS = 4_096
_MAX_KEPT_ID_TOKEN = 8_192
_MAX_BODY_BYTES = 4_096
_IDLE_SECONDS = 30.0
_TOLD = (AccountDisabled, NameTaken, OidcAnswerInvalid, OidcRefused, OidcStateInvalid, UserNameInvalid)
"""What a person did not succeed in; written to the audit log."""


class _Sealed(msgspec.Struct, frozen=True):
    """What the cookie of an attempt holds. `until`: Unix seconds."""

    attempt: Attempt
    until: float


class _Onboard(msgspec.Struct, frozen=True):
    username: str


class OidcSignIn:
    """The handlers below /c/oidc."""

    def __init__(
        self, database: Database, sessions: Sessions, live: Live, provider: Provider, refusals: Refusals
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._live = live
        self._provider = provider
        self._refusals = refusals

    async def begin(self, request: Request, _signed_in: SignedIn | None) -> Reply:
        """`GET /c/oidc/login?redirect_url=/path`: to the provider."""
        come_back_to = local_path(request.field("redirect_url"))
        try:
            url, attempt = await self._provider.begin(
                await self._live.items(),
                redirect_uri=f"{request.origin}{CALLBACK}",
                come_back_to=come_back_to,
            )
        except (OidcOff, OidcUnavailable) as problem:
            return self._told(request, problem, come_back_to)
        sealed = msgspec.json.encode(_Sealed(attempt, time.time() + oidc_accounts.FLOW_SECONDS)).decode()
        raw = self._live.seals.seal(sealed, table="cookie", row=OIDC_COOKIE, column="attempt")
        cookie = _ATTEMPT + urlsafe_b64encode(raw).decode("ascii").rstrip("=")
        return _redirect(url, _cookie(request, cookie))

    async def finish(self, request: Request, _signed_in: SignedIn | None) -> Reply:
        """`GET /c/oidc/callback?code=…&state=…`: from the provider, into a session or to the choice of a name."""
        name = come_back_to = ""
        try:
            attempt = self._read_attempt(request)
            come_back_to = attempt.come_back_to
            await self._database.run(Actor(), oidc_accounts.use_state, attempt.state)
            items = await self._live.items()
            if request.field("error"):
                raise OidcRefused
            code = request.field("code") or ""
            if not 0 < len(code) <= _MAX_CODE_CHARACTERS:
                raise OidcStateInvalid
            claims, tokens = await self._provider.finish(items, attempt, code=code, issuer=request.field("iss"))
            name = proposed_name(claims, items)
            known = await self._database.run(Actor(), oidc_accounts.is_known, claims)
            if not known and not (items.oidc_auto_onboard and items.oidc_user_claim):
                return await self._ask_name(request, attempt, Guest(claims, tokens), name)
            account = await self._database.run(
                _actor(request, name), oidc_accounts.sign_in, known_by(claims, items, name), claims,
                tokens.refresh_token, self._live.seals,
            )  # fmt: skip
            cookies = await self._open_session(request, account, tokens)
        except Problem as problem:
            self._note(request, name, problem)
            return self._told(request, problem, come_back_to)
        return _redirect(attempt.come_back_to, *cookies)

    async def onboard(self, request: Request, _signed_in: SignedIn | None) -> Reply:
        """`POST /c/oidc/onboard` with `{"username": …}`: the name that a guest chose; 200 and a session.

        Raises:
            OidcStateInvalid: the browser brings no ticket, or too late.
            NameTaken, UserNameInvalid: the guest may choose another one.
        """
        raw = await request.body(_IDLE_SECONDS).whole(_MAX_BODY_BYTES)
        try:
            username = msgspec.json.decode(raw, type=_Onboard).username
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Invalid('Send JSON: {"username": "…"}.') from error
        try:
            cookie = find_cookie(request.scope["headers"], OIDC_COOKIE) or ""
            if not cookie.startswith(_GUEST):
                raise OidcStateInvalid
            ticket, seals, items = cookie.removeprefix(_GUEST), self._live.seals, await self._live.items()
            if not is_on(items):
                raise OidcOff
            guest = await self._database.run(Actor(), oidc_accounts.get_guest, ticket, seals)
            known = known_by(guest.claims, items, username)
            actor = _actor(request, username)
            account = await self._database.run(actor, oidc_accounts.onboard, ticket, known, guest, seals)
        except Problem as problem:
            self._note(request, username, problem)
            raise
        return Reply(200, await self._open_session(request, account, guest.tokens))

    async def sign_out(self, request: Request, signed_in: SignedIn | None) -> Reply:
        """`GET /c/oidc/logout`: out of here and, where the settings say so, out of the provider."""
        require_same_site(request.headers, request.origin)
        actor = request.as_actor(None, "", "")
        if signed_in is not None:
            actor = request.as_actor(signed_in.account.principal_id, signed_in.account.name, "session")
        cookie = find_cookie(request.scope["headers"], COOKIE)
        cookies = await self._sessions.end(cookie, actor, secure=request.is_secure)
        items = await self._live.items()
        goal = "/"
        if signed_in is not None and signed_in.source == oidc_accounts.SOURCE and items.oidc_logout and is_on(items):
            try:
                goal = await self._sign_out_there(request, signed_in) or "/"
            except OidcUnavailable as problem:
                log.warning("somebody is signed out here, but not at the OpenID provider: %s", problem)
        return _redirect(goal, *cookies)

    async def _sign_out_there(self, request: Request, signed_in: SignedIn) -> str | None:
        """Give the refresh token back, and return where the browser ends the provider's own session."""
        items, seals, user_id = self._live.current, self._live.seals, signed_in.account.principal_id
        refresh_token = await self._database.run(Actor(), oidc_accounts.take_refresh_token, user_id, seals)
        if refresh_token:
            await self._provider.revoke(items, refresh_token)
        id_token = ""
        kept = signed_in.data.get("id_token")
        if isinstance(kept, str):
            try:
                id_token = seals.open(urlsafe_b64decode(kept), table="session", row=str(user_id), column="data")
            except SealBroken as problem:
                log.warning("the ID token of a session cannot be read: %s", problem)
        return await self._provider.logout_url(items, id_token=id_token, come_back_to=f"{request.origin}/")

    async def _ask_name(self, request: Request, attempt: Attempt, guest: Guest, name: str) -> Reply:
        """To the page on which somebody new chooses a user name."""
        ticket = await self._database.run(Actor(), oidc_accounts.keep_guest, guest, self._live.seals)
        query = urlencode({"username": name, "next": attempt.come_back_to})
        return _redirect(f"{_ONBOARD_PAGE}?{query}", _cookie(request, _GUEST + ticket))

    async def _open_session(self, request: Request, account: Account, tokens: Tokens) -> list[Header]:
        """The cookies of a new session; that of the attempt goes."""
        data: dict[str, object] = {}
        if 0 < len(tokens.id_token) <= _MAX_KEPT_ID_TOKEN:
            place = {"table": "session", "row": str(account.principal_id), "column": "data"}
            data["id_token"] = urlsafe_b64encode(self._live.seals.seal(tokens.id_token, **place)).decode("ascii")
        request.principal = account.name
        actor = request.as_actor(account.principal_id, account.name, "oidc")
        replaces = find_cookie(request.scope["headers"], COOKIE)
        cookies = await self._sessions.create(account, actor, secure=request.is_secure, replaces=replaces, data=data)
        return [*cookies, _cookie(request, "", seconds=0)]

    def _read_attempt(self, request: Request) -> Attempt:
        """What this very browser began, and the answer to it.

        Raises:
            OidcStateInvalid: it began nothing, or too long ago, or something else.
        """
        cookie = find_cookie(request.scope["headers"], OIDC_COOKIE) or ""
        text = cookie.removeprefix(_ATTEMPT)
        if not cookie.startswith(_ATTEMPT) or len(cookie) > _MAX_COOKIE_CHARACTERS or not text.isascii():
            raise OidcStateInvalid
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            sealed = self._live.seals.open(raw, table="cookie", row=OIDC_COOKIE, column="attempt")
            found = msgspec.json.decode(sealed, type=_Sealed)
        except (ValueError, SealBroken, msgspec.MsgspecError) as error:
            raise OidcStateInvalid from error
        state = (request.field("state") or "").encode("utf-8", "surrogatepass")
        if time.time() > found.until or not hmac.compare_digest(state, found.attempt.state.encode()):
            raise OidcStateInvalid
        return found.attempt

    def _note(self, request: Request, name: str, problem: Problem) -> None:
        if isinstance(problem, _TOLD):
            self._refusals.note(_actor(request, name), "login", "user", name[:255])

    def _told(self, request: Request, problem: Problem, come_back_to: str) -> Reply:
        """A person gets the sign-in page, which says what `error` means; a program the problem itself.

        Args:
            come_back_to: where the page leads whoever signs in after all; empty: not known.

        Raises:
            Problem: for a program.
        """
        if problem.status >= 500 and not isinstance(problem, OidcUnavailable):
            raise problem
        if b"text/html" not in request.headers.get(b"accept", b""):
            raise problem
        query = {"error": problem.reason or problem.code}
        if come_back_to not in {"", "/"}:
            query["next"] = come_back_to
        return _redirect(f"{_SIGN_IN_PAGE}?{urlencode(query)}", _cookie(request, "", seconds=0))


def _actor(request: Request, name: str) -> Actor:
    return request.as_actor(None, name[:255], "oidc")


def _cookie(request: Request, value: str, *, seconds: int = oidc_accounts.FLOW_SECONDS) -> Header:
    return set_cookie(OIDC_COOKIE, value, secure=request.is_secure, seconds=seconds)


def _redirect(url: str, *cookies: Header) -> Reply:
    return Reply(302, [(b"location", url.encode("ascii")), *cookies])
