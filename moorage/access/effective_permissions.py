"""Effective permissions of an account in a project and in the system.

One statement finds the project and all roles (or a robot's permissions) that the caller has there. A project that is
missing and one that is not theirs come out alike.
"""

from collections.abc import Iterable

import msgspec

from moorage.access.policy import Account, Role
from moorage.access.role_matrix import ROLE_PERMISSIONS
from moorage.db.statements import Query, Reader, Row

_USER = """SELECT p.id, p.name, p.public, p.registry_id, b.role
FROM project p
LEFT JOIN role_binding b ON b.project_id = p.id AND (b.role = 0 OR b.principal_id = $2
    OR b.group_id IN (SELECT g.group_id FROM group_member g WHERE g.principal_id = $2))
WHERE {which} AND p.trash_id IS NULL"""
_ROBOT = """SELECT p.id, p.name, p.public, p.registry_id, b.role, x.resource, x.action
FROM project p
LEFT JOIN role_binding b ON b.project_id = p.id AND b.role = 0
LEFT JOIN robot_permission x ON x.robot_id = $2 AND (x.project_id = p.id OR x.scope = 'all')
WHERE {which} AND p.trash_id IS NULL"""
_BY_NAME, _BY_ID = "p.name = $1", "p.id = $1"
_QUERIES = {
    ("user", True): Query(_USER.format(which=_BY_ID)),
    ("user", False): Query(_USER.format(which=_BY_NAME)),
    ("robot", True): Query(_ROBOT.format(which=_BY_ID)),
    ("robot", False): Query(_ROBOT.format(which=_BY_NAME)),
}
# What is asked for by id and by name, each an array of JSON.
_LITE_MANY = "(p.id IN (SELECT value FROM json_each($1)) OR p.name IN (SELECT value FROM json_each($3)))"
_PG_MANY = """(p.id = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(CAST($1 AS text) AS jsonb))::bigint))
    OR p.name = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(CAST($3 AS text) AS jsonb)))))"""
_MANY = {
    kind: Query("", sqlite=text.format(which=_LITE_MANY), postgresql=text.format(which=_PG_MANY))
    for kind, text in (("user", _USER), ("robot", _ROBOT))
}
_SYSTEM = Query(
    """SELECT resource, action FROM robot_permission WHERE robot_id = $1 AND project_id IS NULL AND scope = 'system'"""
)
MAX_ID = 2**63 - 1


class Standing(msgspec.Struct, frozen=True):
    """What the caller holds in one project.

    Attributes:
        roles: their own and those of their groups, and `PUBLIC` in a public project; without repeats.
        permissions: a robot's, as (resource, action).
        admin: the caller is a system administrator, who may do everything.
        is_proxy: the project mirrors another registry.
    """

    project_id: int
    project_name: str
    public: bool
    roles: tuple[Role, ...] = ()
    permissions: frozenset[tuple[str, str]] = frozenset()
    admin: bool = False
    is_proxy: bool = False

    def may(self, resource: str, action: str) -> bool:
        """Whether the caller may do it here."""
        wanted = (resource, action)
        return self.admin or wanted in self.permissions or any(wanted in ROLE_PERMISSIONS[role] for role in self.roles)


async def find_standing(
    read: Reader, account: Account | None, *, project_id: int | None = None, name: str = ""
) -> Standing | None:
    """What the account (None: anonymous) holds in a live project; None when there is no such project.

    Args:
        project_id: look by id; else by `name`.

    Cost: one statement.
    """
    if project_id is not None and not 0 < project_id <= MAX_ID:
        return None
    if project_id is None and (not name or len(name) > 255 or "\0" in name):
        return None
    robot = account is not None and account.kind == "robot"
    query = _QUERIES["robot" if robot else "user", project_id is not None]
    rows = await read.all(query, name if project_id is None else project_id, account.principal_id if account else 0)
    return _standing(rows, account) if rows else None


async def find_standings(
    read: Reader, account: Account | None, *, project_ids: Iterable[int], names: Iterable[str]
) -> list[Standing]:
    """What the account (None: anonymous) holds in live projects; those that there are not are left out.

    The caller bounds how many there are.

    Cost: one statement.
    """
    ids = [one for one in project_ids if 0 < one <= MAX_ID]
    named = [name for name in names if name and len(name) <= 255 and "\0" not in name]
    if not ids and not named:
        return []
    robot = account is not None and account.kind == "robot"
    rows = await read.all(
        _MANY["robot" if robot else "user"],
        msgspec.json.encode(ids).decode(),
        account.principal_id if account else 0,
        msgspec.json.encode(named).decode(),
    )
    by_project: dict[int, list[Row]] = {}
    for row in rows:
        by_project.setdefault(row[0], []).append(row)
    return [_standing(found, account) for found in by_project.values()]


async def list_system_permissions(read: Reader, account: Account | None) -> frozenset[tuple[str, str]]:
    """What a robot was given in the system, as (resource, action); nothing for anybody else.

    Administrators may do everything in the system without being listed here.
    """
    if account is None or account.kind != "robot":
        return frozenset()
    return frozenset((row[0], row[1]) for row in await read.all(_SYSTEM, account.principal_id))


def _standing(rows: list[Row], account: Account | None) -> Standing:
    roles: dict[Role, None] = {}
    permissions: set[tuple[str, str]] = set()
    for row in rows:
        if row[4] is not None:
            roles[Role(row[4])] = None
        if len(row) > 5 and row[5] is not None:
            permissions.add((row[5], row[6]))
    if account is not None and account.project_id is not None and ("repository", "push") in permissions:
        permissions.add(("repository", "pull"))
    project_id, name, public, registry_id = rows[0][:4]
    is_proxy = registry_id is not None
    if account is not None and account.limits is not None and not account.limits.cover(project_id):
        return Standing(
            project_id, name, bool(public), is_proxy=is_proxy
        )  # not even what everybody may: the token is for other projects
    admin = account is not None and (account.admin or account.admin_there)
    return Standing(project_id, name, bool(public), tuple(roles), frozenset(permissions), admin, is_proxy)
