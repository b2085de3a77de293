"""The token endpoint, `/service/token`: credentials and scopes in, a registry token out.

GET takes Basic credentials, a person's Bearer token or none, POST a form as OAuth 2 has it. Asking changes nothing: no
project is made and no row is written, except a refresh token that was asked for and the audit row of a refusal.

Source: distribution, "Token Authentication Specification" and "Oauth2 Token Authentication".
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import msgspec

from moorage.access.denials import NoRefusals, Refusals
from moorage.access.policy import Account
from moorage.access.repository_grants import Granted, grant
from moorage.authentication.service import Login, read_basic
from moorage.configuration.cached_settings import Live, Settled
from moorage.db.engine import Database
from moorage.distribution.auth import TOKEN_PATH
from moorage.errors import (
    CredentialsInvalid,
    LoginThrottled,
    Problem,
    ProjectNameInvalid,
    RouteUnknown,
    ServiceUnknown,
    TokenRequestInvalid,
    TooLarge,
    Unauthenticated,
    Unsupported,
)
from moorage.events import Actor
from moorage.oci.names import parse_project_name
from moorage.tokens.bearer_tokens import BearerSource
from moorage.tokens.refresh_tokens import RefreshTokenUses, create_refresh_token, find_refresh_token
from moorage.tokens.registry_tokens import MAX_LIFETIME_SECONDS, SERVICE, TokenKeys
from moorage.tokens.scopes import Scope, parse_scopes
from moorage.web.request import Request
from moorage.web.response import Reply, json_reply, problem_body

MAX_BYTES = 16_384
"""Of a query or a form."""

MAX_FIELDS = 32
_IDLE_SECONDS = 30.0
CHALLENGE = 'Basic realm="harbor"'

Fields = dict[str, list[str]]


class TokenRequest(msgspec.Struct, frozen=True):
    """What the endpoint needs of an HTTP request.

    Attributes:
        query: the raw query, without `?`.
        authorization: the header's value; None when it was not sent.
        form: the body of a POST, at most 16 KiB of it read; a longer one is refused.
        address: the client's address.
        mirror: the project that the names of scopes may lack.
    """

    method: str
    query: str = ""
    authorization: str | None = None
    content_type: str = ""
    form: bytes = b""
    address: str = ""
    request_id: str = ""
    mirror: str = ""


class TokenReply(msgspec.Struct, frozen=True):
    """The answer: status, JSON body, headers in addition to the content type."""

    status: int
    body: dict[str, object]
    headers: Mapping[str, str]


class TokenEndpoint:
    """Issues tokens. Made once per process."""

    def __init__(
        self,
        database: Database,
        login: Login,
        keys: TokenKeys,
        *,
        live: Live | Settled | None = None,
        refusals: Refusals | None = None,
        bearers: Sequence[BearerSource] = (),
        uses: RefreshTokenUses | None = None,
    ) -> None:
        self._database = database
        self._bearers = bearers
        self._login = login
        self._keys = keys
        self._live = live or Settled()
        self._uses = uses or RefreshTokenUses()
        self._refusals: Refusals = refusals or NoRefusals()

    async def __call__(self, request: Request) -> Reply:
        """The handler of everything below /service."""
        mirror = _read_mirror(request.path)
        request.route = "token"
        form = await request.body(_IDLE_SECONDS).whole(MAX_BYTES) if request.method == "POST" else b""
        reply = await self.answer(
            TokenRequest(
                method=request.method,
                query=request.query_string.decode("latin-1"),
                authorization=request.header(b"authorization"),
                content_type=request.header(b"content-type") or "",
                form=form,
                address=request.address,
                request_id=request.request_id,
                mirror=mirror,
            )
        )
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
        return json_reply(reply.status, reply.body, headers)

    async def answer(self, request: TokenRequest) -> TokenReply:
        """The answer to a request, problems included, in the envelope of `/v2`."""
        try:
            return TokenReply(200, await self.issue(request), {"Cache-Control": "no-store"})
        except Problem as problem:
            headers = dict(problem.headers)
            if isinstance(problem, Unauthenticated):
                headers.setdefault("WWW-Authenticate", CHALLENGE)
            return TokenReply(problem.status, problem_body(problem, oci=True), headers)

    async def issue(self, request: TokenRequest) -> dict[str, object]:
        """The body of a token's answer.

        Shape: {"token": str, "access_token": the same, "expires_in": seconds, "issued_at": RFC 3339, "scope": str
        (POST), "refresh_token": str (where `refresh_token_enable` is set and it was asked for)}

        Raises:
            ServiceUnknown, ScopeLimit, TokenRequestInvalid: 400.
            Unauthenticated: wrong credentials, always; or none, and no scope either.
            RefreshTokensLimit: 403.
            LoginThrottled, LoginBusy: 429.
            Unsupported: another method.
        """
        await self._live.items()  # `current` below is what holds now
        if request.method in {"GET", "HEAD"}:
            return await self._get(request)
        if request.method == "POST":
            return await self._post(request)
        raise Unsupported(headers={"Allow": "GET, HEAD, POST"})

    async def _get(self, request: TokenRequest) -> dict[str, object]:
        fields = _read_fields(request.query)
        _require_service(fields)
        scopes = _read_scopes(request, fields)
        account: Account | None = None
        if request.authorization is not None:
            with _foreign_credentials(request, scopes):
                account = await self._read_account(request, request.authorization)
        elif "scope" not in fields:
            raise Unauthenticated
        granted = await grant(self._database.read, account, scopes)
        body = self._mint(account, granted)
        wanted = request.method == "GET" and _one(fields, "offline_token").lower() in {"true", "1"}
        if account is not None and wanted and self._gives_refresh_token(account):
            body["refresh_token"] = await self._create_refresh_token(request, account, _one(fields, "client_id"))
        return body

    async def _read_account(self, request: TokenRequest, authorization: str) -> Account:
        """The account behind Basic credentials, or behind a Bearer token of a person: an ID token, for example."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and self._bearers:
            for source in self._bearers:
                account = await source.account_of(token.strip())
                if account is not None:
                    return account
            self._refusals.note(_nobody(request, "token"), "login", "user", "")
            raise CredentialsInvalid("The token is not valid, or no longer.")
        username, password = read_basic(authorization)
        return await self._login.authenticate(username, password, request.address, access_tokens=True)

    async def _post(self, request: TokenRequest) -> dict[str, object]:
        if request.content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise TokenRequestInvalid("Send a form: Content-Type application/x-www-form-urlencoded.")
        if len(request.form) > MAX_BYTES:
            raise TooLarge("The form is too large: at most 16 KiB.")
        try:
            fields = _read_fields(request.form.decode("ascii"))
        except UnicodeDecodeError as error:
            raise TokenRequestInvalid("The form is not URL-encoded.") from error
        _require_service(fields)
        scopes = _read_scopes(request, fields)
        client_id = _one(fields, "client_id")
        if not client_id:
            raise TokenRequestInvalid("client_id is missing.")

        kind = _one(fields, "grant_type")
        refresh_token = ""
        account: Account | None = None
        if kind == "password":
            with _foreign_credentials(request, scopes):
                account = await self._login.authenticate(
                    _one(fields, "username"), _one(fields, "password"), request.address, access_tokens=True
                )
        elif kind == "refresh_token":
            refresh_token = _one(fields, "refresh_token")
            account = await self._use_refresh_token(request, refresh_token)
        else:
            raise TokenRequestInvalid("grant_type is 'password' or 'refresh_token'.")

        granted = await grant(self._database.read, account, scopes)
        body = self._mint(account, granted)
        body["scope"] = _format_granted(scopes, granted)
        if refresh_token:
            body["refresh_token"] = refresh_token
        elif account is not None and _one(fields, "access_type") == "offline" and self._gives_refresh_token(account):
            body["refresh_token"] = await self._create_refresh_token(request, account, client_id)
        return body

    def _mint(self, account: Account | None, granted: Granted) -> dict[str, object]:
        lifetime = min(self._live.current.token_expiration * 60, MAX_LIFETIME_SECONDS)
        minted = self._keys.mint(account, granted.entries, catalog=granted.catalog, lifetime_seconds=lifetime)
        return {
            "token": minted.token,
            "access_token": minted.token,
            "expires_in": minted.lifetime_seconds,
            "issued_at": datetime.fromtimestamp(minted.issued_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _gives_refresh_token(self, account: Account) -> bool:
        """Whether this login may get one: a person's, not with an access token, and where it is switched on."""
        return self._live.current.refresh_token_enable and account.kind == "user" and account.limits is None

    async def _create_refresh_token(self, request: TokenRequest, account: Account, client_id: str) -> str:
        actor = _actor(request, account, "password")
        return await self._database.run(actor, create_refresh_token, account, service=SERVICE, client_id=client_id)

    async def _use_refresh_token(self, request: TokenRequest, token: str) -> Account:
        prefix = self._live.current.robot_name_prefix
        found = await find_refresh_token(self._database.read, token, service=SERVICE, robot_prefix=prefix)
        account = await self._login.confirm(found.account, request.address) if found is not None else None
        if found is None or account is None:
            self._refusals.note(_nobody(request, "refresh_token"), "login", "user", "")
            raise CredentialsInvalid("The refresh token is not valid, or no longer.")
        if found.stale:
            self._uses.note_token(token)
        return account


def _read_mirror(path: str) -> str:
    """The project at the end of the endpoint's address; empty: there is none.

    Raises:
        RouteUnknown: this is no address of the endpoint.
    """
    if path == TOKEN_PATH:
        return ""
    begin, _, project = path.rpartition("/")
    if begin == TOKEN_PATH:
        with contextlib.suppress(ProjectNameInvalid):
            return parse_project_name(project)
    raise RouteUnknown(path=path[:300])


def _read_scopes(request: TokenRequest, fields: Fields) -> list[Scope]:
    """The scopes that are asked for; through a mirror also those that are meant, with the project before the name.

    Both, because clients ask for the names that they know, some of them for that of the challenge as well, and neither
    is granted more than the account may do there.
    """
    scopes = parse_scopes(fields.get("scope", ()))
    if request.mirror:
        meant = [Scope(one.type, f"{request.mirror}/{one.name}", one.actions) for one in scopes]
        scopes += [one for one in meant if one.type == "repository"]
    return scopes


@contextlib.contextmanager
def _foreign_credentials(request: TokenRequest, scopes: Sequence[Scope]) -> Iterator[None]:
    """Take wrong credentials at a mirror for nobody's, where scopes are asked for (docs/develop/mirrors.md).

    docker sends a mirror what it holds for the registry that is mirrored. Who logs in asks for no scope.
    """
    try:
        yield
    except (CredentialsInvalid, LoginThrottled):
        if not (request.mirror and scopes):
            raise


def _actor(request: TokenRequest, account: Account, credential: str) -> Actor:
    if account.limits is not None:
        credential = "access_token"
    token = account.limits.token if account.limits is not None else ""
    return Actor(account.principal_id, account.name, credential, request.address, request.request_id, token)


def _nobody(request: TokenRequest, credential: str) -> Actor:
    return Actor(credential=credential, address=request.address, request_id=request.request_id)


def _read_fields(text: str) -> Fields:
    """The fields of a query or a form, each with all its values.

    Raises:
        TokenRequestInvalid: over 16 KiB, or over 32 fields besides scopes.
    """
    if len(text) > MAX_BYTES:
        raise TokenRequestInvalid("The request is too long: at most 16 KiB.")
    fields: Fields = {}
    others = 0
    for key, value in parse_qsl(text, keep_blank_values=True):
        others += key != "scope"
        fields.setdefault(key, []).append(value)
    if others > MAX_FIELDS:
        raise TokenRequestInvalid("There are too many fields: at most 32.")
    return fields


def _one(fields: Fields, name: str) -> str:
    """The value of a field; empty when it was not sent.

    Raises:
        TokenRequestInvalid: it was sent more than once.
    """
    values = fields.get(name, [""])
    if len(values) > 1:
        raise TokenRequestInvalid(f"{name} was sent more than once.")
    return values[0]


def _require_service(fields: Fields) -> None:
    if _one(fields, "service") != SERVICE:
        raise ServiceUnknown


def _format_granted(scopes: list[Scope], granted: Granted) -> str:
    """What was granted, in the order it was asked for, as a `scope`."""
    parts = []
    for scope in scopes:
        entry = granted.entries.get(scope.name) if scope.type == "repository" else None
        if entry is not None:
            parts.append(f"repository:{scope.name}:{','.join(sorted(entry.actions))}")
        elif granted.catalog and (scope.type, scope.name) == ("registry", "catalog"):
            parts.append("registry:catalog:*")
    return " ".join(parts)
