"""Who calls the REST API, and may they: credentials in, a `Call` out.

Basic credentials of people and robots, Bearer tokens of people, the word of a trusted proxy, or the cookie of a
session. Wrong credentials are 401, also where the same request would work without any. A session that ended is no
credential: the page has to load for somebody who is to sign in.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.access.denials import Refusals
from moorage.access.effective_permissions import MAX_ID, Standing
from moorage.access.policy import API_READ, API_WRITE, Account
from moorage.access.request_context import Call, SessionLeft
from moorage.access.required_permission import Needs
from moorage.authentication.service import Login, read_basic
from moorage.authentication.trusted_header import TrustedHeader
from moorage.db.engine import Database
from moorage.errors import CredentialsInvalid, Denied, DirectoryUnavailable, RouteUnknown, Unauthenticated
from moorage.events import Actor
from moorage.sessions.session_store import COOKIE, NO_RENEWAL_HEADER, Sessions, SignedIn
from moorage.tokens.bearer_tokens import BearerSource
from moorage.web.cookies import find_cookie
from moorage.web.csrf import CSRF_HEADER, check_csrf
from moorage.web.request import Request

if TYPE_CHECKING:  # loaded after the server has started; see `api/rest_api.py`
    from litestar.handlers import HTTPRouteHandler

_MAX_ID_DIGITS = 19
_OF_NO_PROJECT = frozenset(
    {
        "getCapabilities", "getPing", "getHealth", "getSystemInfo", "getCert", "getIcon", "getCurrentUserInfo",
        "getCurrentUserPermissions", "listMyAccessTokens", "revokeMyAccessToken",
    }
)  # fmt: skip
"""Operations for anybody that tell of no project, or (permissions) look at what the token is for."""


class ApiGuard:
    """Makes the `Call` of each request."""

    def __init__(
        self,
        database: Database,
        login: Login,
        refusals: Refusals,
        sessions: Sessions,
        *,
        bearers: Sequence[BearerSource] = (),
        header: TrustedHeader | None = None,
    ) -> None:
        self._database = database
        self._login = login
        self._refusals = refusals
        self._sessions = sessions
        self._bearers = bearers
        self._header = header

    async def __call__(self, request: Request, handler: "HTTPRouteHandler", path: dict[str, object]) -> Call:
        """The call of a request that its caller may make.

        Args:
            path: the parameters of the path; brought into the form that services take.

        Raises:
            Unauthenticated, Denied, NotFound: as the house guide says in "Errors".
        """
        call = await self.identify(request)
        needs: Needs = handler.opt["needs"]
        request.route = str(handler.operation_id or "api")
        _settle(path)
        _require_scope(call, needs, request.route, reads=handler.opt["reads"])
        await grant(call, needs, path)
        return call

    async def identify(self, request: Request) -> Call:
        """Who calls, without asking what for.

        Raises:
            CredentialsInvalid: an Authorization header that leads to nobody.
            CrossSite, CsrfTokenInvalid: as `check_csrf`.
        """
        header = request.headers.get(b"authorization")
        account: Account | None = None
        credential = ""
        csrf_token: str | None = None
        session: SessionLeft | None = None
        if header is not None:
            text = header.decode("latin-1")
            if text[:7].lower() == "bearer ":
                account, credential = await self._bearer(text[7:].strip()), "token"
            else:
                username, password = read_basic(text)
                account = await self._login.authenticate(username, password, request.address, access_tokens=True)
                credential = "password"
        elif self._header is not None and (account := await self._header.account_of(request)) is not None:
            credential = "header"
        elif b"cookie" in request.headers:
            cookie = find_cookie(request.scope["headers"], COOKIE)
            found = await self._sessions.find(cookie, renew=NO_RENEWAL_HEADER not in request.headers)
            account = await self._confirm(found, request.address) if found is not None else None
            if found is not None and account is not None:
                csrf_token = found.csrf_token
                request.scope["moorage.headers"] = [(CSRF_HEADER, csrf_token.encode("ascii"))]
                credential, session = "session", found.left
        if account is not None:
            request.principal = account.name
            if NO_RENEWAL_HEADER not in request.headers:  # a page that is left open uses nothing
                self._login.note_use(account)
            limits = account.limits
            shown = (credential, "") if limits is None else ("access_token", limits.token)
            actor = request.as_actor(account.principal_id, account.name, *shown)
        else:
            actor = Actor(address=request.address, request_id=request.request_id)
        try:
            check_csrf(request.method, request.headers, request.origin, csrf_token)
        except Denied:
            if account is not None:
                self._refusals.note(actor, "write", "api", "cross-site request")
            raise
        return Call(request, self._database, account, actor, self._note, session=session)

    async def _confirm(self, found: SignedIn, address: str) -> Account | None:
        """The account of a session, if its source still knows it. A session goes on while the source is away."""
        if found.source != "ldap":
            return found.account
        try:
            return await self._login.confirm(found.account, address)
        except DirectoryUnavailable:
            return found.account

    async def _bearer(self, token: str) -> Account:
        for source in self._bearers:
            account = await source.account_of(token)
            if account is not None:
                return account
        raise CredentialsInvalid("The token is not valid, or no longer.")

    def _note(self, actor: Actor, operation: str, resource_type: str, resource: str, project_id: int | None) -> None:
        self._refusals.note(actor, operation, resource_type, resource, project_id=project_id)


def _settle(path: dict[str, object]) -> None:
    """Bring the parameters of a path into the form that services take.

    A number that no row can have becomes 0, which none has; `%2F` in a name is a slash (`api.paths.route_path`).

    Raises:
        RouteUnknown: a NUL in a name; PostgreSQL cannot even look for it.
    """
    for name, value in path.items():
        if isinstance(value, int):
            if not 0 < value <= MAX_ID:
                path[name] = 0
        elif isinstance(value, str):
            if "\0" in value:
                raise RouteUnknown
            if "%2F" in value:
                path[name] = value.replace("%2F", "/")


def _require_scope(call: Call, needs: Needs, operation_id: str, *, reads: bool) -> None:
    """Refuse an access token that does not go so far.

    What is not about one project shows or changes all that the owner has: it is not for a token of some projects.

    Raises:
        Denied: the token lacks the scope, or is for some projects only; written to the audit log.
    """
    limits = call.account.limits if call.account is not None else None
    if limits is None:
        return
    scope = API_READ if reads or call.request.method in {"GET", "HEAD"} else API_WRITE
    if scope not in limits.scopes:
        raise call.denied(scope, "access token", None, why=f"This access token lacks the scope {scope}.")
    if limits.projects is not None and needs.level in {"public", "signed_in"} and operation_id not in _OF_NO_PROJECT:
        why = "This access token is for some projects only; ask for one of them."
        raise call.denied(scope, "access token", None, why=why)


async def grant(call: Call, needs: Needs, path: dict[str, object]) -> None:
    """Refuse the call unless its caller has what the route needs; sets `call.standing` where the path names a project.

    Raises:
        Unauthenticated, Denied, NotFound: see `Call.require_in_project`.
    """
    if needs.level == "public":
        return
    if needs.level == "project":
        call.standing = await require_named_project(call, f"{needs.resource}:{needs.action}", path)
    elif needs.level == "system":
        await call.require_in_system(f"{needs.resource}:{needs.action}")
    elif needs.level == "signed_in" and call.account is None:
        raise Unauthenticated


async def require_named_project(call: Call, permission: str, path: dict[str, object]) -> Standing:
    """The project that the path names, by name or id, where the caller may do it.

    A value of digits is an id, unless the header `X-Is-Resource-Name` says that it is a name.

    Raises:
        as `Call.require_in_project`.
    """
    both = path.get("project_name_or_id")
    if both is None:
        return await call.require_in_project(permission, name=str(path["project_name"]))
    text = str(both)
    is_name = (call.request.header(b"x-is-resource-name") or "").lower() in {"true", "1", "t"}
    if not is_name and text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS:
        return await call.require_in_project(permission, project_id=int(text))
    return await call.require_in_project(permission, name=text)
