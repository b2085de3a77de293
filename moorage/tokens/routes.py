"""Access tokens and refresh tokens, of the caller and, for administrators, of others. Ours, not in the contract."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.operations import operation
from moorage.access.policy import Account
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import SIGNED_IN, inside, system
from moorage.errors import (
    AccessTokenExists,
    AccessTokenInvalid,
    AccessTokensLimit,
    AccessTokenUnknown,
    NotAPerson,
    RefreshTokenUnknown,
    UserUnknown,
)
from moorage.tokens import access_tokens, refresh_tokens


class AccessToken(msgspec.Struct, kw_only=True):
    """An access token; its secret is never shown here."""

    id: int
    name: str
    scopes: list[str]
    """Of `pull`, `push`, `delete`, `api:read` and `api:write`."""
    projects: list[str] | None
    """Names of the projects that it is for; null: all."""
    creation_time: str
    last_used: str | None
    """To the minute; null: never."""
    expires_at: str | None
    """null: never."""


class AccessTokenReq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An access token to make."""

    name: str
    """1 to 64 characters; one of this name for each person."""
    scopes: list[str]
    """Of `pull`, `push` (brings pull along), `delete`, `api:read` and `api:write`."""
    projects: list[str] | None = None
    """Names of 1 to 50 projects; null: all that its owner has a right to, now and later."""
    duration: int | None = None
    """Days: 1 to 365, 90 when it is left out; -1: for ever."""


class AccessTokenCreated(msgspec.Struct, kw_only=True):
    """A new access token."""

    id: int
    name: str
    token: str
    """The secret. It is shown this once."""


class RefreshToken(msgspec.Struct, kw_only=True):
    """A refresh token, which a client such as `docker login` got; its secret is never shown here."""

    id: str
    client: str
    """What the client calls itself: `docker`."""
    creation_time: str
    last_used: str
    """To five minutes."""
    expires_at: str
    """90 days after the last use."""


class RefreshTokens(msgspec.Struct, kw_only=True):
    """The refresh tokens of an account, and how many it may have."""

    limit: int
    """At this many, the next login that asks for one is refused."""
    tokens: list[RefreshToken]


@operation(
    "GET", "/users/current/tokens", id="listMyAccessTokens", tag="access-token", needs=SIGNED_IN, ours=True,
    problems=(NotAPerson,),
)  # fmt: skip
async def list_my_tokens(call: NamedDependency[Call]) -> Response[list[AccessToken]]:
    """The caller's access tokens, the newest first; also those that expired."""
    rows = await call.look(access_tokens.list_access_tokens, _person(call).principal_id)
    return Response([_shown(row) for row in rows])


@operation(
    "POST", "/users/current/tokens", id="createMyAccessToken", tag="access-token", status=201, ours=True,
    needs=inside("oneself, signed in with anything but an access token"),
    problems=(NotAPerson, AccessTokenInvalid, AccessTokenExists, AccessTokensLimit),
)  # fmt: skip
async def create_my_token(data: JSONBody[AccessTokenReq], call: NamedDependency[Call]) -> Response[AccessTokenCreated]:
    """Make an access token. The secret is in this answer and nowhere else."""
    call.require_sign_in()
    account = _person(call)
    projects: list[int] | None = None
    if data.projects is not None:
        if not 0 < len(data.projects) <= access_tokens.MAX_PROJECTS:
            raise AccessTokenInvalid(f"An access token is for 1 to {access_tokens.MAX_PROJECTS} projects.")
        projects = [await _project(call, name) for name in data.projects]
    token = access_tokens.generate_access_token()
    token_id = await call.run(
        access_tokens.create_access_token,
        account.principal_id,
        data.name,
        token,
        scopes=data.scopes,
        projects=projects,
        days=access_tokens.DEFAULT_DAYS if data.duration is None else data.duration,
    )
    made = AccessTokenCreated(id=token_id, name=data.name.strip(), token=token)
    return call.created(f"/users/current/tokens/{token_id}", made)


@operation(
    "DELETE", "/users/current/tokens/{token_id:int}", id="revokeMyAccessToken", tag="access-token", ours=True,
    needs=inside("oneself; with an access token only that one"), problems=(NotAPerson, AccessTokenUnknown),
)  # fmt: skip
async def revoke_my_token(call: NamedDependency[Call], token_id: FromPath[int]) -> Response[None]:
    """Revoke an access token of the caller: it, and what was got with it, stops at once."""
    account = _person(call)
    if account.limits is not None and account.limits.token_id != token_id:
        call.require_sign_in()
    await call.run(access_tokens.revoke_access_token, account.principal_id, token_id)
    return Response(None)


@operation(
    "GET", "/users/{user_id:int}/tokens", id="listAccessTokens", tag="access-token", needs=system("user:read"),
    ours=True, problems=(UserUnknown,),
)  # fmt: skip
async def list_tokens(call: NamedDependency[Call], user_id: FromPath[int]) -> Response[list[AccessToken]]:
    """The access tokens of somebody, for administrators."""
    return Response([_shown(row) for row in await call.look(access_tokens.list_access_tokens, user_id)])


@operation(
    "DELETE", "/users/{user_id:int}/tokens/{token_id:int}", id="revokeAccessToken", tag="access-token",
    needs=system("user:update"), ours=True, problems=(AccessTokenUnknown,),
)  # fmt: skip
async def revoke_token(call: NamedDependency[Call], user_id: FromPath[int], token_id: FromPath[int]) -> Response[None]:
    """Revoke an access token of somebody, for administrators."""
    await call.run(access_tokens.revoke_access_token, user_id, token_id)
    return Response(None)


@operation(
    "GET", "/users/current/refresh-tokens", id="listMyRefreshTokens", tag="access-token", needs=SIGNED_IN, ours=True,
    problems=(NotAPerson,),
)  # fmt: skip
async def list_my_refresh_tokens(call: NamedDependency[Call]) -> Response[RefreshTokens]:
    """The caller's refresh tokens that work, the one used last first, and how many an account may have."""
    rows = await call.look(refresh_tokens.list_refresh_tokens, _person(call).principal_id)
    shown = [
        RefreshToken(
            id=row.id,
            client=row.client_id,
            creation_time=stamp(row.created_at),
            last_used=stamp(row.used_at),
            expires_at=stamp(row.expires_at),
        )
        for row in rows
    ]
    return Response(RefreshTokens(limit=refresh_tokens.MAX_PER_ACCOUNT, tokens=shown))


@operation(
    "DELETE", "/users/current/refresh-tokens/{token_id:str}", id="revokeMyRefreshToken", tag="access-token", ours=True,
    needs=inside("oneself, signed in with anything but an access token"), problems=(NotAPerson, RefreshTokenUnknown),
)  # fmt: skip
async def revoke_my_refresh_token(call: NamedDependency[Call], token_id: FromPath[str]) -> Response[None]:
    """Revoke a refresh token of the caller: its client has to log in again."""
    call.require_sign_in()
    await call.run(refresh_tokens.revoke_refresh_token, _person(call).principal_id, token_id)
    return Response(None)


ROUTES = (
    list_my_tokens,
    create_my_token,
    revoke_my_token,
    list_tokens,
    revoke_token,
    list_my_refresh_tokens,
    revoke_my_refresh_token,
)


def _person(call: Call) -> Account:
    account = call.signed_in()
    if account.kind != "user":
        raise NotAPerson
    return account


async def _project(call: Call, name: str) -> int:
    """The id of a project that the caller knows of; one that is missing and one that is not theirs answer alike."""
    standing = await call.find_project(name=name)
    if standing is None or not (standing.roles or standing.admin):
        raise AccessTokenInvalid("There is no such project.", project=name[:255])
    return standing.project_id


def _shown(row: access_tokens.AccessTokenRow) -> AccessToken:
    return AccessToken(
        id=row.id,
        name=row.name,
        scopes=list(row.scopes),
        projects=None if row.projects is None else list(row.projects),
        creation_time=stamp(row.created_at),
        last_used=stamp(row.used_at) if row.used_at is not None else None,
        expires_at=stamp(row.expires_at) if row.expires_at is not None else None,
    )
