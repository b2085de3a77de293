"""Routes of users: their accounts, the current user, and permissions."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from moorage.access import robot_permissions
from moorage.access.operations import operation
from moorage.access.policy import Role
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import SIGNED_IN, inside, system
from moorage.access.role_matrix import EVERY_PROJECT_PERMISSION, SYSTEM_PERMISSIONS
from moorage.authentication.service import Login
from moorage.configuration.cached_settings import Live
from moorage.configuration.schema import Items
from moorage.db.unit_of_work import Work
from moorage.errors import (
    AccountForeign,
    CredentialsInvalid,
    Denied,
    EmailInvalid,
    LastAdministrator,
    LocalUsersOff,
    NotAPerson,
    PasswordInvalid,
    ProfileInvalid,
    SignUpsThrottled,
    UserExists,
    UserNameInvalid,
    UserUnknown,
)
from moorage.settings import FIRST_PASSWORD, Settings
from moorage.users import lists, service
from moorage.users.passwords import Passwords, require_good_password
from moorage.users.registration_limit import SignUps

MAX_COMMENT_CHARACTERS = 30
MAX_REALNAME_CHARACTERS = 255

_FORBIDDEN_IN_NAMES = frozenset(',"~#%$')


# -- what clients send and get ----------------------------------------------------------------------------


class OIDCUserInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Of somebody who signs in with an OpenID provider; the secret for command lines is never shown here."""

    id: int = 0
    user_id: int = 0
    subiss: str = ""
    """Subject and issuer."""
    secret: str = ""
    creation_time: str = ""
    update_time: str = ""


class SessionEnds(msgspec.Struct):
    """How long the caller's session lives yet, in seconds."""

    idle_seconds: int
    """Until it ends if it is not used."""
    idle_timeout_seconds: int
    """What `idle_seconds` is after each use. Requests with X-Harbor-No-Session-Renewal are none."""
    lifetime_seconds: int
    """Until it ends whatever happens."""


class UserResp(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A user."""

    email: str = ""
    realname: str = ""
    comment: str = ""
    user_id: int
    username: str
    sysadmin_flag: bool
    admin_role_in_auth: bool
    """Whether the source of the account makes them a system administrator."""
    oidc_user_meta: OIDCUserInfo | None = None
    creation_time: str
    update_time: str
    source: str = "local"
    """Ours: where the account comes from: `local`, `ldap`, `oidc`, `header`."""
    disabled: bool = False
    """Ours: whether the account is locked."""
    last_used: str | None = None
    """Ours: when it last signed in or was used, to a minute."""
    session: SessionEnds | None = None
    """Ours: of /users/current, asked with a session: when that ends."""


class UserCreationReq(msgspec.Struct, kw_only=True):
    """An account to create."""

    email: str | None = None
    realname: str | None = None
    comment: str | None = None
    """At most 30 characters."""
    password: str | None = None
    """8 to 128 characters, with a lower-case and an upper-case letter and a digit."""
    username: str | None = None


class UserProfile(msgspec.Struct, kw_only=True):
    """What describes a user. What is not sent stays."""

    email: str | None = None
    realname: str | None = None
    comment: str | None = None


class PasswordReq(msgspec.Struct, kw_only=True):
    """Another password. Whoever changes their own sends the old one as well."""

    old_password: str | None = None
    new_password: str | None = None


class UserSysAdminFlag(msgspec.Struct):
    """Whether somebody is a system administrator."""

    sysadmin_flag: bool = False


class UserLock(msgspec.Struct):
    """Whether somebody is locked out."""

    locked: bool


class UserSearchRespItem(msgspec.Struct):
    """A user as anybody who is signed in may find one."""

    user_id: int
    username: str


class Permission(msgspec.Struct, order=True):
    """An action on a resource."""

    resource: str
    action: str


class Permissions(msgspec.Struct):
    """What robots can be given."""

    project: list[Permission]
    system: list[Permission] | None = None


# -- accounts ---------------------------------------------------------------------------------------------


@operation("GET", "/users", id="listUsers", tag="user", needs=system("user:list"), paged=True)
async def list_users(call: NamedDependency[Call]) -> Response[list[UserResp]]:
    """All users but the first administrator. `q` knows username, email, realname, sysadmin_flag, source."""
    listing = call.listing()
    rows, total, ignored = await call.look(lists.list_listed_users, listing, but=service.ADMIN_ID)
    return call.page([_user(row) for row in rows], listing, total, ignored)


@operation(
    "POST", "/users", id="createUser", tag="user", status=201,
    needs=inside("user:create in the system; with self-registration anybody from a browser on our own page"),
    problems=(
        UserExists, UserNameInvalid, EmailInvalid, PasswordInvalid, ProfileInvalid, Denied, SignUpsThrottled,
        LocalUsersOff,
    ),
)  # fmt: skip
async def create_user(
    data: JSONBody[UserCreationReq],
    call: NamedDependency[Call],
    live: NamedDependency[Live],
    passwords: NamedDependency[Passwords],
    sign_ups: NamedDependency[SignUps],
) -> Response[None]:
    """Create a local account. Strangers may, for themselves, where `self_registration` is on.

    Where `auth_sources` does not name `local`, nobody may: the account could not sign in.
    """
    items = await live.items()
    privileged = await call.may_in_system("user:create")
    # A browser says so of itself; another site's page was refused before, and a script cannot send this header.
    own_page = call.request.headers.get(b"sec-fetch-site") == b"same-origin"
    if not privileged:
        if not items.self_registration or "local" not in items.auth_sources or not own_page:
            call.signed_in()
            raise call.denied("user:create", "system", None)
        sign_ups.count(call.request.address)
    _require_local(items)
    if not data.email:
        raise EmailInvalid("An account needs an e-mail address.")
    realname = _clean(data.realname or "", "realname", MAX_REALNAME_CHARACTERS, needed=True)
    comment = _clean(data.comment or "", "comment", MAX_COMMENT_CHARACTERS, needed=False)
    require_good_password(data.password or "")
    hashed = await passwords.hash(data.password or "")
    user_id = await call.run(
        service.create_user, data.username or "", password_hash=hashed, email=data.email, realname=realname,
        comment=comment,
    )  # fmt: skip
    return call.created(f"/users/{user_id}")


@operation("GET", "/users/current", id="getCurrentUserInfo", tag="user", needs=SIGNED_IN, problems=(NotAPerson,))
async def get_current_user(call: NamedDependency[Call]) -> Response[UserResp]:
    """Who the caller is. A robot is nobody of whom this could tell."""
    account = call.signed_in()
    if account.kind != "user":
        raise NotAPerson
    row = await call.look(lists.find_listed_user, account.principal_id)
    if row is None:
        raise UserUnknown(id=account.principal_id)
    user = _user(row)
    if (left := call.session) is not None:
        user.session = SessionEnds(left.idle, left.idle_timeout, left.lifetime)
    return Response(user)


@operation("GET", "/users/search", id="searchUsers", tag="user", needs=SIGNED_IN, paged=True)
async def find_users(call: NamedDependency[Call], username: FromQuery[str]) -> Response[list[UserSearchRespItem]]:
    """Users by a part of their name: for whoever adds members."""
    listing = call.listing()
    rows, total = await call.look(lists.search_users, username, listing)
    return call.page([UserSearchRespItem(user_id, name) for user_id, name in rows], listing, total)


@operation(
    "GET", "/users/{user_id:int}", id="getUser", tag="user", needs=inside("oneself, or user:read in the system"),
    problems=(UserUnknown,),
)  # fmt: skip
async def get_user(call: NamedDependency[Call], user_id: FromPath[int]) -> Response[UserResp]:
    """A user."""
    await _require_self_or(call, user_id, "user:read")
    row = await call.look(lists.find_listed_user, user_id)
    if row is None:
        raise UserUnknown(id=user_id)
    return Response(_user(row))


@operation(
    "PUT", "/users/{user_id:int}", id="updateUserProfile", tag="user",
    needs=inside("oneself, or user:update in the system; only local accounts"),
    problems=(UserUnknown, EmailInvalid, ProfileInvalid, AccountForeign, UserExists),
)  # fmt: skip
async def update_user(
    data: JSONBody[UserProfile], call: NamedDependency[Call], user_id: FromPath[int]
) -> Response[None]:
    """Change what describes a local user; of others their source says it."""
    call.require_sign_in()
    await _require_self_or(call, user_id, "user:update")
    await call.run(_set_profile, user_id, data)
    return Response(None)


@operation(
    "DELETE", "/users/{user_id:int}", id="deleteUser", tag="user", needs=system("user:delete"),
    problems=(UserUnknown,),
)  # fmt: skip
async def delete_user(call: NamedDependency[Call], user_id: FromPath[int]) -> Response[None]:
    """Delete a user, but neither the caller nor the first administrator. The name is free at once."""
    if user_id in {service.ADMIN_ID, call.signed_in().principal_id}:
        why = "Nobody deletes themselves, and nobody the first administrator."
        raise call.denied("user:delete", "system", None, why=why)
    await call.run(service.delete_user, user_id)
    return Response(None)


@operation(
    "PUT", "/users/{user_id:int}/sysadmin", id="setUserSysAdmin", tag="user", needs=system("user:update"),
    problems=(UserUnknown,),
)  # fmt: skip
async def set_sysadmin(
    data: JSONBody[UserSysAdminFlag], call: NamedDependency[Call], user_id: FromPath[int]
) -> Response[None]:
    """Make somebody a system administrator, or end that; not for the caller, nor for the first administrator.

    Robots and access tokens may not, whatever they were given: they would make an account more than they are.
    """
    call.require_sign_in()
    if not call.admin:
        raise call.denied("user:update", "system", None)
    if user_id in {service.ADMIN_ID, call.signed_in().principal_id}:
        why = "Nobody changes this of themselves, and nobody of the first administrator."
        raise call.denied("user:update", "system", None, why=why)
    await call.run(service.set_admin, user_id, admin=data.sysadmin_flag)
    return Response(None)


@operation(
    "PUT", "/users/{user_id:int}/lock", id="setUserLock", tag="user", needs=system("user:update"), ours=True,
    problems=(UserUnknown, LastAdministrator),
)  # fmt: skip
async def set_lock(data: JSONBody[UserLock], call: NamedDependency[Call], user_id: FromPath[int]) -> Response[None]:
    """Lock an account, or unlock it. Its sessions end at once; what it did and may do stays.

    Nobody locks themselves, nor the first administrator. Robots and access tokens may not, whatever they were given.
    """
    call.require_sign_in()
    if not call.admin:
        raise call.denied("user:update", "system", None)
    if data.locked and user_id in {service.ADMIN_ID, call.signed_in().principal_id}:
        why = "Nobody locks themselves, and nobody the first administrator."
        raise call.denied("user:update", "system", None, why=why)
    await call.run(service.set_disabled, user_id, disabled=data.locked)
    return Response(None)


@operation(
    "PUT", "/users/{user_id:int}/password", id="updateUserPassword", tag="user",
    needs=inside("oneself with the old password, or an administrator; only local accounts"),
    problems=(PasswordInvalid, AccountForeign, LocalUsersOff, UserUnknown),
)  # fmt: skip
async def set_password(
    data: JSONBody[PasswordReq],
    call: NamedDependency[Call],
    user_id: FromPath[int],
    passwords: NamedDependency[Passwords],
    login: NamedDependency[Login],
    settings: NamedDependency[Settings],
    live: NamedDependency[Live],
) -> Response[None]:
    """Change a password; all tokens and sessions of the account end.

    Where `auth_sources` does not name `local`, only the first administrator has one to change.
    """
    account = call.require_sign_in()
    is_self = account.kind == "user" and account.principal_id == user_id
    if not is_self and not call.admin:
        raise call.denied("user:update", "system", None)
    person = await call.look(service.get_user, user_id)
    if person.source != "local":
        raise AccountForeign(source=person.source)
    if user_id != service.ADMIN_ID:
        _require_local(await live.items())
    if is_self:
        await _require_old(login, call, person.name, data.old_password or "")
        if data.old_password == data.new_password:
            raise PasswordInvalid("The new password is the old one.", which="PASSWORD_SAME")
    require_good_password(data.new_password or "")
    hashed = await passwords.hash(data.new_password or "")
    await call.run(service.set_password, user_id, hashed)
    if user_id == service.ADMIN_ID:
        (settings.data_folder / FIRST_PASSWORD).unlink(missing_ok=True)
    return Response(None)


def _require_local(items: Items) -> None:
    if "local" not in items.auth_sources:
        raise LocalUsersOff


# -- permissions ------------------------------------------------------------------------------------------


@operation("GET", "/users/current/permissions", id="getCurrentUserPermissions", tag="user", needs=SIGNED_IN)
async def get_current_permissions(
    call: NamedDependency[Call],
    place: Annotated[str, QueryParameter(name="scope")] = "",
    relative: FromQuery[bool] = False,
) -> Response[list[Permission]]:
    """What the caller may do in `/system` or in `/project/ID`; nothing for any other scope.

    Resources are paths below the scope; `relative` leaves the scope out. The project itself is the scope alone.
    """
    found: list[Permission] = []
    prefix = "" if relative else place
    if place == "/system":
        for resource, actions in SYSTEM_PERMISSIONS.items():
            may = [action for action in actions if await call.may_in_system(f"{resource}:{action}")]
            found.extend(Permission(_joined(prefix, resource), action) for action in may)
        return Response(found)
    kind, _, number = place.removeprefix("/").partition("/")
    if kind == "project" and number.isascii() and number.isdigit() and len(number) < 20:
        standing = await call.find_project(project_id=int(number))
        if standing is not None:
            found.extend(
                Permission(_joined(prefix, "" if resource == "project" else resource), action)
                for resource, action in sorted(EVERY_PROJECT_PERMISSION)
                if standing.may(resource, action)
            )
    return Response(found)


@operation(
    "GET", "/permissions", id="getPermissions", tag="permissions",
    needs=inside("an administrator, or a project admin of any project"),
)  # fmt: skip
async def get_permissions(call: NamedDependency[Call]) -> Response[Permissions]:
    """What robots can be given: for administrators in the system and in projects, for project admins in projects."""
    account = call.signed_in()
    in_projects = _every(robot_permissions.PROJECT_PERMISSIONS)
    if call.admin:
        return Response(Permissions(project=in_projects, system=_every(robot_permissions.SYSTEM_PERMISSIONS)))
    if account.kind == "user" and await call.look(service.has_role_somewhere, account.principal_id, Role.PROJECT_ADMIN):
        return Response(Permissions(project=in_projects, system=[]))
    raise call.denied("robot:create", "a project", None)


ROUTES = (
    list_users,
    create_user,
    get_current_user,
    find_users,
    get_user,
    update_user,
    delete_user,
    set_sysadmin,
    set_lock,
    set_password,
    get_current_permissions,
    get_permissions,
)


# -- between rows and structs -----------------------------------------------------------------------------


def _user(row: lists.ListedUser) -> UserResp:
    out = UserResp(
        email=row.email or "",
        realname=row.realname,
        comment=row.comment,
        user_id=row.id,
        username=row.name,
        sysadmin_flag=row.admin,
        admin_role_in_auth=row.admin_by_source,
        creation_time=stamp(row.created_at),
        update_time=stamp(row.updated_at),
        source=row.source,
        disabled=row.disabled,
        last_used=stamp(row.used_at) if row.used_at is not None else None,
    )
    if row.source == "oidc":
        out.oidc_user_meta = OIDCUserInfo(id=row.id, user_id=row.id, subiss=row.source_subject or "")
    return out


async def _require_self_or(call: Call, user_id: int, permission: str) -> None:
    account = call.signed_in()
    if account.kind != "user" or account.principal_id != user_id:
        await call.require_in_system(permission)


def _set_profile(work: Work, user_id: int, data: UserProfile) -> None:
    person = service.get_user(work, user_id)
    if person.source != "local":
        raise AccountForeign(source=person.source)
    email = person.email if data.email is None else data.email
    realname = person.realname if data.realname is None else _clean(
        data.realname, "realname", MAX_REALNAME_CHARACTERS, needed=True
    )  # fmt: skip
    comment = person.comment if data.comment is None else _clean(
        data.comment, "comment", MAX_COMMENT_CHARACTERS, needed=False
    )  # fmt: skip
    service.set_profile(work, user_id, email=email, realname=realname, comment=comment)


async def _require_old(login: Login, call: Call, name: str, password: str) -> None:
    """Refuse a change of one's own password without the old one; tries count as those of signing in do."""
    try:
        account = await login.authenticate(name, password, call.request.address)
    except CredentialsInvalid:
        raise Denied("The old password is wrong.") from None
    if account.principal_id != call.signed_in().principal_id:
        raise Denied("The old password is wrong.")


def _clean(text: str, field: str, limit: int, *, needed: bool) -> str:
    text = text.strip()
    bad = field == "realname" and not _FORBIDDEN_IN_NAMES.isdisjoint(text)
    if len(text) > limit or (needed and not text) or bad or not text.isprintable():
        raise ProfileInvalid(
            f"The {field} is invalid: {'1' if needed else '0'} to {limit} visible characters.", field=field
        )
    return text


def _joined(prefix: str, resource: str) -> str:
    return f"{prefix}/{resource}" if prefix and resource else prefix or resource


def _every(table: Mapping[str, frozenset[str]]) -> list[Permission]:
    return [Permission(resource, action) for resource in sorted(table) for action in sorted(table[resource])]
