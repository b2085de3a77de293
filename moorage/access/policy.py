"""What a principal may do: roles, actions, and the entries of a registry token.

The matrix is that of the contract's product (docs/develop/roles.md); only what `/v2` needs is asked on the data
plane: pull, push and delete on a repository, and reading the catalog.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import MappingProxyType

import msgspec


class Role(IntEnum):
    """A role in a project, with the contract's numbers. The numeric order is not the order of rank."""

    PUBLIC = 0
    PROJECT_ADMIN = 1
    DEVELOPER = 2
    GUEST = 3
    MAINTAINER = 4
    LIMITED_GUEST = 5


ROLE_NAMES: Mapping[str, Role] = MappingProxyType(
    {
        "project-admin": Role.PROJECT_ADMIN,
        "maintainer": Role.MAINTAINER,
        "developer": Role.DEVELOPER,
        "guest": Role.GUEST,
        "limited-guest": Role.LIMITED_GUEST,
    }
)
"""The names on the command line, from the highest rank to the lowest."""

RANK: Mapping[Role, int] = MappingProxyType(
    {
        Role.PUBLIC: 0,
        Role.LIMITED_GUEST: 1,
        Role.GUEST: 2,
        Role.DEVELOPER: 3,
        Role.MAINTAINER: 4,
        Role.PROJECT_ADMIN: 5,
    }
)
"""From the least to the most: each role may do what the one before may, and more."""

PULL, PUSH, DELETE, SCANNER_PULL = "pull", "push", "delete", "scanner-pull"
EVERY_ACTION = frozenset({PULL, PUSH, DELETE})

REPOSITORY_ACTIONS: Mapping[Role, frozenset[str]] = MappingProxyType(
    {
        Role.PUBLIC: frozenset({PULL}),
        Role.LIMITED_GUEST: frozenset({PULL}),
        Role.GUEST: frozenset({PULL}),
        Role.DEVELOPER: frozenset({PULL, PUSH}),
        Role.MAINTAINER: frozenset({PULL, PUSH, DELETE}),
        Role.PROJECT_ADMIN: frozenset({PULL, PUSH, DELETE}),
    }
)
"""What each role may do to the content of a repository on /v2. Deleting needs `artifact:delete`: maintainer and up."""


API_READ, API_WRITE = "api:read", "api:write"
TOKEN_SCOPES = (PULL, PUSH, DELETE, API_READ, API_WRITE)
"""What an access token can be given."""


class Limits(msgspec.Struct, frozen=True):
    """How far an access token goes: what its owner may do, cut down to this.

    Attributes:
        token_id: of the access token.
        token: its name, for the audit log.
        scopes: of `TOKEN_SCOPES`.
        projects: ids; null: all.
    """

    token_id: int
    token: str
    scopes: frozenset[str]
    projects: frozenset[int] | None = None

    def cover(self, project_id: int) -> bool:
        """Whether the token is for this project."""
        return self.projects is None or project_id in self.projects

    def cut_down(self, actions: frozenset[str], project_id: int) -> frozenset[str]:
        """What is left of `actions` on `/v2`. Push brings pull along: nobody can push who cannot see what is there."""
        if not self.cover(project_id):
            return frozenset()
        return actions & (self.scopes | {PULL} if PUSH in self.scopes else self.scopes)


@dataclass(frozen=True, slots=True)
class Account:
    """Who signed in.

    Attributes:
        principal_id: never 0.
        epoch: as of signing in; what is issued to this account works while the live row has the same.
        kind: `user` or `robot`.
        name: as shown: a user's name, `robot$…`.
        admin: whether a system administrator; a robot never is.
        project_id: the project of a project's robot; None otherwise.
        seconds_left: until the account, or the access token that it came with, expires; None: never.
        limits: of the access token that it came with.
        admin_there: an administrator whose access token is for some projects: `admin` is false, and in those projects
            they may still do everything.
    """

    principal_id: int
    epoch: int
    kind: str
    name: str
    admin: bool = False
    project_id: int | None = None
    seconds_left: float | None = None
    limits: Limits | None = None
    admin_there: bool = False

    def limited(self, limits: Limits | None) -> "Account":
        """The same account with an access token of these limits; None: without any."""
        admin = self.admin or self.admin_there
        there = admin and limits is not None and limits.projects is not None
        return replace(self, limits=limits, admin=admin and not there, admin_there=there)


NO_PROJECT = 0
"""The project id in an entry that an administrator is granted for a project that does not exist."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a ticket grants on one repository."""

    actions: frozenset[str]
    project_id: int
    project_epoch: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """A checked right to do things on /v2: what a registry token says, or what Basic credentials came to.

    Attributes:
        principal_id: 0 for anonymous.
        principal_epoch: compared with the live row by the statement that serves the request.
        name: as shown: a user's name, `robot$…`, or "".
        entries: by whole repository name.
        catalog: whether the catalog may be read.
        expires_at: Unix seconds.
        credential: `token` or `password`.
        limits: of the access token that it was got with.
    """

    principal_id: int
    principal_epoch: int
    name: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    catalog: bool = False
    expires_at: float = 0
    credential: str = "token"
    limits: Limits | None = None

    @property
    def credentials(self) -> tuple[str, str]:
        """For rows: what the owner came with, and the name of the access token, if it was one."""
        return (self.credential, "") if self.limits is None else ("access_token", self.limits.token)

    def entry(self, repository: str, actions: Iterable[str]) -> Entry | None:
        """The entry of `repository`, if it grants all `actions`."""
        found = self.entries.get(repository)
        return found if found is not None and found.actions.issuperset(actions) else None
