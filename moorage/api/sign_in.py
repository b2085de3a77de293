"""Signing in and out, under /c: what a browser needs beside the REST API.

Not Litestar's: these are forms and redirects. Changes need the session's CSRF token when there is a session; without
one there is nothing to protect but the sign-in itself, which a browser may not do for another site.

Source: Harbor 2.16, the paths and statuses that its clients and its page expect.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from moorage.access.policy import Account
from moorage.api.guard import ApiGuard
from moorage.api.oidc_sign_in import OidcSignIn
from moorage.authentication.service import Login
from moorage.configuration.cached_settings import Live
from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.errors import (
    CredentialsInvalid,
    Invalid,
    Problem,
    RouteUnknown,
    SelfRegistrationOff,
    Unauthenticated,
    Unsupported,
    UnsupportedMedia,
)
from moorage.oci.names import fold_user_name
from moorage.sessions.session_store import COOKIE, NO_RENEWAL_HEADER, Sessions, SignedIn
from moorage.web.cookies import find_cookie
from moorage.web.csrf import CSRF_HEADER, check_csrf, require_same_site
from moorage.web.request import Request
from moorage.web.response import Reply, json_reply, problem_reply

MAX_FORM_BYTES = 16_384
_MAX_FIELDS = 16
_IDLE_SECONDS = 30.0
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
_OWN_SOURCES = frozenset({"local", "ldap"})
"""Sources whose people sign in with a password that is typed here."""

_SOURCE_OF_ID = Query("SELECT source FROM user_account WHERE principal_id = $1")
_SOURCES_OF_NAME = Query(
    """SELECT u.source FROM principal p JOIN user_account u ON u.principal_id = p.id
WHERE p.folded = $1 AND p.kind = 'user' AND p.deleted_at IS NULL
UNION ALL
SELECT u.source FROM user_account u JOIN principal p ON p.id = u.principal_id
WHERE u.email_folded = $1 AND p.deleted_at IS NULL"""
)
_NAME_EXISTS = Query("SELECT 1 FROM principal WHERE folded = $1 AND kind = 'user' AND deleted_at IS NULL")
_EMAIL_EXISTS = Query("SELECT 1 FROM user_account WHERE email_folded = $1")
_EXISTS: Mapping[str, Query] = {"username": _NAME_EXISTS, "email": _EMAIL_EXISTS}

Handler = Callable[[Request, SignedIn | None], Awaitable[Reply]]


class SignIn:
    """What the stack calls for a path below /c."""

    def __init__(
        self,
        database: Database,
        login: Login,
        sessions: Sessions,
        live: Live,
        *,
        guard: ApiGuard,
        oidc: OidcSignIn,
    ) -> None:
        self._read = database.read
        self._login = login
        self._sessions = sessions
        self._live = live
        self._guard = guard
        self._routes: Mapping[str, tuple[str, Handler]] = {
            "/c/login": ("POST", self._sign_in),
            "/c/log_out": ("GET", self._sign_out),
            "/c/userExists": ("POST", self._user_exists),
            "/c/oidc/login": ("GET", oidc.begin),
            "/c/oidc/callback": ("GET", oidc.finish),
            "/c/oidc/onboard": ("POST", oidc.onboard),
            "/c/oidc/logout": ("GET", oidc.sign_out),
        }

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; every reply tells the CSRF token that the next change needs."""
        signed_in: SignedIn | None = None
        try:
            method, handler = self._find(request)
            if request.method != method:
                raise Unsupported(f"{request.method} is not supported here.", headers={"Allow": method})
            signed_in = await self._sessions.find(
                find_cookie(request.scope["headers"], COOKIE), renew=NO_RENEWAL_HEADER not in request.headers
            )
            token = signed_in.csrf_token if signed_in is not None else None
            check_csrf(request.method, request.headers, request.origin, token)
            reply = await handler(request, signed_in)
        except Problem as problem:
            if problem.status >= 500:
                raise
            reply = problem_reply(problem, oci=False)
        reply.headers += _HEADERS
        if all(name != CSRF_HEADER for name, _ in reply.headers):
            # Clients of the contract ask for a token before they sign in, and bring it; any will do there.
            given = signed_in.csrf_token if signed_in is not None else secrets.token_urlsafe(32)
            reply.headers.append((CSRF_HEADER, given.encode("ascii")))
        return reply

    def _find(self, request: Request) -> tuple[str, Handler]:
        path = "/" + "/".join(part for part in request.path.split("/") if part)
        found = self._routes.get(path)
        if found is None:
            raise RouteUnknown(path=path[:300])
        request.route = path.removeprefix("/c/").replace("/", "_")
        return found

    async def _sign_in(self, request: Request, _signed_in: SignedIn | None) -> Reply:
        """`POST /c/login`: 200 without a body and the cookies of a new session.

        Where the OpenID provider is the first source, somebody who has no password here is told where to go: 403
        with `redirect_location`.

        Raises:
            CredentialsInvalid, LoginThrottled, LoginBusy, Unavailable: as `Login.authenticate`.
        """
        form = await _read_form(request)
        username, password = _one(form, "principal"), _one(form, "password")
        try:
            account = await self._authenticate(request, username, password)
        except CredentialsInvalid:
            if (await self._live.items()).auth_sources[0] == "oidc" and not await self._has_password_here(username):
                return json_reply(403, {"redirect_location": f"{request.origin}/c/oidc/login"})
            raise
        request.principal = account.name
        actor = request.as_actor(account.principal_id, account.name, "password")
        cookies = await self._sessions.create(
            account, actor, secure=request.is_secure, replaces=find_cookie(request.scope["headers"], COOKIE)
        )
        return Reply(200, cookies)

    async def _authenticate(self, request: Request, username: str, password: str) -> Account:
        account = await self._login.authenticate(username, password, request.address)
        row = await self._read.one(_SOURCE_OF_ID, account.principal_id)
        if row is None or row[0] not in _OWN_SOURCES:  # a robot's secret or a CLI secret is for programs only
            raise CredentialsInvalid
        return account

    async def _has_password_here(self, username: str) -> bool:
        folded = fold_user_name(username)
        if not folded or "\0" in folded:
            return False
        rows = await self._read.all(_SOURCES_OF_NAME, folded)
        return any(row[0] in _OWN_SOURCES for row in rows)

    async def _sign_out(self, request: Request, signed_in: SignedIn | None) -> Reply:
        """`GET /c/log_out`: 200. People of the OpenID provider are told where to go: 403 with `redirect_location`."""
        require_same_site(request.headers, request.origin)  # a GET, but one that does something
        if signed_in is not None and signed_in.source == "oidc":
            return json_reply(403, {"redirect_location": f"{request.origin}/c/oidc/logout"})
        actor = request.as_actor(None, "", "")
        if signed_in is not None:
            actor = request.as_actor(signed_in.account.principal_id, signed_in.account.name, "session")
        cookie = find_cookie(request.scope["headers"], COOKIE)
        return Reply(200, await self._sessions.end(cookie, actor, secure=request.is_secure))

    async def _user_exists(self, request: Request, _signed_in: SignedIn | None) -> Reply:
        """`POST /c/userExists`: whether a name or an address is taken, for the form of self-registration.

        Raises:
            SelfRegistrationOff: while it is off, and the caller is no administrator.
        """
        items = await self._live.items()
        if not (items.self_registration and "local" in items.auth_sources):
            try:
                call = await self._guard.identify(request)
            except Unauthenticated as problem:
                raise SelfRegistrationOff from problem
            if call.account is None or not call.account.admin:
                raise SelfRegistrationOff
        form = await _read_form(request)
        query = _EXISTS.get(_one(form, "target"))
        if query is None:
            raise Invalid("target is 'username' or 'email'.")
        folded = fold_user_name(_one(form, "value"))
        found = await self._read.one(query, folded) if folded and "\0" not in folded else None
        return json_reply(200, found is not None)


async def _read_form(request: Request) -> dict[str, list[str]]:
    """The fields of a form.

    Raises:
        UnsupportedMedia: it is none. What a foreign page can send without asking (`text/plain`) is refused here, too.
        TooLarge, Invalid: over 16 KiB, over 16 fields, or no UTF-8.
    """
    kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UnsupportedMedia("Send a form: Content-Type application/x-www-form-urlencoded.")
    raw = await request.body(_IDLE_SECONDS).whole(MAX_FORM_BYTES)
    fields: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise Invalid("The form is not URL-encoded UTF-8, or has too many fields.") from error
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _one(form: Mapping[str, list[str]], name: str) -> str:
    """The value of a field; empty when it was not sent.

    Raises:
        Invalid: it was sent more than once.
    """
    values = form.get(name, [""])
    if len(values) > 1:
        raise Invalid(f"{name} was sent more than once.")
    return values[0]
