"""Grant repository actions: the requested ones, reduced to what the account may do.

One statement reads all projects of a request with what the account holds there. A project that does not exist and
one that is forbidden come out alike: as nothing, in the same time.
"""

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Protocol

import msgspec

from moorage.access.policy import (
    DELETE,
    EVERY_ACTION,
    NO_PROJECT,
    PULL,
    PUSH,
    REPOSITORY_ACTIONS,
    SCANNER_PULL,
    Account,
    Entry,
    Role,
    Ticket,
)
from moorage.db.statements import Query, Reader, Row
from moorage.errors import NameInvalid
from moorage.oci.names import parse_repository

EVERYTHING = "*"
"""An asked action that stands for each that is allowed; it is never granted as such."""

_NOTHING: frozenset[str] = frozenset()

_LITE_NAMES = "FROM json_each($1) n JOIN project p ON p.name = n.value AND p.trash_id IS NULL"
_PG_NAMES = """FROM project p
WHERE p.name = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(CAST($1 AS text) AS jsonb)))) AND p.trash_id IS NULL"""

# The best of several groups is enough: each role on /v2 may do what the one below it may (policy.RANK).
_USER = """SELECT p.name, p.id, p.epoch,
    (SELECT b.role FROM role_binding b WHERE b.project_id = p.id AND b.role = 0),
    (SELECT b.role FROM role_binding b WHERE b.project_id = p.id AND b.principal_id = $2),
    (SELECT b.role FROM group_member g JOIN role_binding b ON b.project_id = p.id AND b.group_id = g.group_id
     WHERE g.principal_id = $2
     ORDER BY CASE b.role WHEN 1 THEN 0 WHEN 4 THEN 1 WHEN 2 THEN 2 WHEN 3 THEN 3 ELSE 4 END LIMIT 1)
"""
_MAY = """EXISTS (SELECT 1 FROM robot_permission x WHERE x.robot_id = $2 AND x.project_id = p.id AND {what})
    OR EXISTS (SELECT 1 FROM robot_permission x
        WHERE x.robot_id = $2 AND x.project_id IS NULL AND x.scope = 'all' AND {what})"""
_ROBOT_ACTIONS = {
    PULL: "x.resource = 'repository' AND x.action = 'pull'",
    PUSH: "x.resource = 'repository' AND x.action = 'push'",
    # Whoever may delete artifacts one by one, or the repository whole, may delete a manifest.
    DELETE: "x.resource IN ('repository', 'artifact') AND x.action = 'delete'",
    SCANNER_PULL: "x.resource = 'repository' AND x.action = 'scanner-pull'",
}
_ROBOT = f"""SELECT p.name, p.id, p.epoch,
    (SELECT b.role FROM role_binding b WHERE b.project_id = p.id AND b.role = 0),
    {", ".join(f"({_MAY.format(what=what)})" for what in _ROBOT_ACTIONS.values())}
"""  # noqa: S608 - put together from constants
_OF_USER = Query("", sqlite=_USER + _LITE_NAMES, postgresql=_USER + _PG_NAMES)
_OF_ROBOT = Query("", sqlite=_ROBOT + _LITE_NAMES, postgresql=_ROBOT + _PG_NAMES)
_CATALOG = Query(
    """SELECT 1 FROM robot_permission
WHERE robot_id = $1 AND project_id IS NULL AND scope = 'system' AND resource = 'catalog' AND action = 'read' LIMIT 1"""
)
_OWNER = Query(
    """SELECT q.epoch, q.kind, (u.admin OR u.admin_by_source), r.project_id
FROM principal q
LEFT JOIN user_account u ON u.principal_id = q.id
LEFT JOIN robot r ON r.principal_id = q.id
WHERE q.id = $1 AND q.deleted_at IS NULL AND NOT q.disabled"""
)


class Asked(Protocol):
    """What is asked for: `identity.scopes.Scope` has this shape."""

    @property
    def type(self) -> str:
        """`repository` or `registry`."""
        ...

    @property
    def name(self) -> str:
        """A whole repository name, or `catalog`; need not be valid."""
        ...

    @property
    def actions(self) -> Collection[str]:
        """Asked actions, `*` for each that is allowed."""
        ...


class Granted(msgspec.Struct, frozen=True):
    """What is granted: entries by whole repository name, none of them empty, and whether the catalog may be read."""

    entries: dict[str, Entry]
    catalog: bool = False


async def grant(read: Reader, account: Account | None, scopes: Iterable[Asked]) -> Granted:
    """What of `scopes` the account (None: anonymous) is granted, each repository on its own.

    To an administrator also what is in no project (`NO_PROJECT`), so that the request can say that there is none.

    Cost: one statement for all repositories, one more when a robot asks for the catalog.
    """
    asked: dict[str, set[str]] = {}
    projects: dict[str, list[str]] = {}
    asks_catalog = False
    for scope in scopes:
        if scope.type == "repository":
            project = _project_of(scope.name)
            if project is not None:
                if scope.name not in asked:
                    projects.setdefault(project, []).append(scope.name)
                asked.setdefault(scope.name, set()).update(scope.actions)
        elif scope.type == "registry" and scope.name == "catalog" and EVERYTHING in scope.actions:
            asks_catalog = True
    catalog = asks_catalog and await may_read_catalog(read, account)
    if not projects:
        return Granted({}, catalog)

    robot = account if account is not None and account.kind == "robot" else None
    names = msgspec.json.encode(list(projects)).decode()
    rows = await read.all(_OF_ROBOT if robot else _OF_USER, names, account.principal_id if account else 0)
    granted: dict[str, Entry] = {}
    for row in rows:
        allowed = _allowed_to_robot(robot, row) if robot else _allowed_to_user(account, row)
        if account is not None and account.limits is not None:
            allowed = account.limits.cut_down(allowed, row[1])
        for repository in projects.pop(row[0]):
            granted[repository] = Entry(_cut_down(asked[repository], allowed), row[1], row[2])
    if account is not None and account.admin:
        # Only administrators may know which projects there are: they are granted what is missing, to be told so.
        allowed = EVERY_ACTION if account.limits is None else account.limits.cut_down(EVERY_ACTION, NO_PROJECT)
        for repository in chain.from_iterable(projects.values()):
            granted[repository] = Entry(_cut_down(asked[repository], allowed), NO_PROJECT, 0)
    return Granted({name: granted[name] for name in asked if name in granted and granted[name].actions}, catalog)


def _cut_down(asked: Collection[str], allowed: frozenset[str]) -> frozenset[str]:
    return allowed if EVERYTHING in asked else allowed.intersection(asked)


async def grant_to_owner(read: Reader, ticket: Ticket, scopes: Iterable[Asked]) -> Granted:
    """What the owner of a ticket would be granted now, if they asked for another token.

    Cost: as `grant`, and one statement for the owner.
    """
    if not ticket.principal_id:
        return await grant(read, None, scopes)
    row = await read.one(_OWNER, ticket.principal_id)
    if row is None or row[0] != ticket.principal_epoch:
        return Granted({})
    account = Account(
        principal_id=ticket.principal_id, epoch=row[0], kind=row[1], name=ticket.name, admin=bool(row[2]),
        project_id=row[3],
    )  # fmt: skip
    return await grant(read, account.limited(ticket.limits), scopes)


async def may_read_catalog(read: Reader, account: Account | None) -> bool:
    """Whether the account may list all repositories: administrators, and robots that were given it."""
    if account is None:
        return False
    if account.kind == "robot":
        return await read.one(_CATALOG, account.principal_id) is not None
    return account.admin and (account.limits is None or PULL in account.limits.cut_down(EVERY_ACTION, NO_PROJECT))


def _project_of(repository: str) -> str | None:
    try:
        return parse_repository(repository).project
    except NameInvalid:
        return None


def _allowed_to_user(account: Account | None, row: Row) -> frozenset[str]:
    if account is not None and (account.admin or account.admin_there):
        return EVERY_ACTION
    allowed = _NOTHING
    for role in row[3:6]:
        if role is not None:
            allowed |= REPOSITORY_ACTIONS[Role(role)]
    return allowed


def _allowed_to_robot(account: Account, row: Row) -> frozenset[str]:
    """A robot has what it was given, and what everyone has. Only for a project's robot does push bring pull along."""
    allowed = {action for action, may in zip(_ROBOT_ACTIONS, row[4:8], strict=True) if may}
    if row[3] is not None or (account.project_id is not None and PUSH in allowed):
        allowed.add(PULL)
    return frozenset(allowed)
