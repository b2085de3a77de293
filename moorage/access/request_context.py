"""The request context of a REST API handler: the caller, their permissions, and the database.

The guard (`api/guard.py`) makes it before a handler runs, when it knows who calls and that they may.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from moorage.access.effective_permissions import Standing, find_standing, find_standings, list_system_permissions
from moorage.access.policy import API_WRITE, Account
from moorage.db.engine import Database
from moorage.db.list_query import Listing, page_headers, read_listing
from moorage.db.unit_of_work import Work
from moorage.errors import Denied, NotFound, Problem, Unauthenticated
from moorage.events import Actor
from moorage.web.request import Request

if TYPE_CHECKING:  # a server answers /v2 before the framework is loaded; see `api/rest_api.py`
    from litestar import Response

P = ParamSpec("P")
T = TypeVar("T")

BASE = "/api/v2.0"
NEVER = "0001-01-01T00:00:00.000Z"
"""How the contract says that something never happened."""
MASK = "*****"
"""What stands for a secret in replies; sent back, it means the stored one."""

NoteRefusal = Callable[[Actor, str, str, str, int | None], None]


@dataclass(frozen=True, slots=True)
class SessionLeft:
    """How long a session lives yet, in seconds.

    Attributes:
        idle: until it ends if it is not used.
        idle_timeout: what `idle` is after each use.
        lifetime: until it ends whatever happens.
    """

    idle: int
    idle_timeout: int
    lifetime: int


@dataclass(slots=True)
class Call:
    """One call.

    Attributes:
        account: None: nobody signed in.
        actor: for rows and events.
        needs: what the route asked for, already granted.
        standing: what the caller holds in the project that the path names; None where the path names none.
        session: of a caller with a session: how long that lives yet.
        ignored: names of filters and sort keys that were not known; the reply says so in a `Warning`.
        warnings: what else it warns of, each with its code: (`DIRECTORY_UNUSABLE`, a sentence).
    """

    request: Request
    database: Database
    account: Account | None
    actor: Actor
    note_refusal: NoteRefusal
    standing: Standing | None = None
    session: SessionLeft | None = None
    ignored: list[str] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    _system: frozenset[tuple[str, str]] | None = None

    # -- the database ---------------------------------------------------------------------------------------

    async def run(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `story` as one transaction of this caller; committed when this returns."""
        return await self.database.run(self.actor, story, *args, **kwargs)

    async def look(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a story that only reads, in one snapshot."""
        return await self.database.look(story, *args, **kwargs)

    # -- who calls ------------------------------------------------------------------------------------------

    @property
    def project(self) -> Standing:
        """The project that the path names, and what the caller holds there. Only for routes that need a project."""
        if self.standing is None:
            msg = "this route names no project"
            raise RuntimeError(msg)
        return self.standing

    @property
    def admin(self) -> bool:
        """Whether a system administrator calls."""
        return self.account is not None and self.account.admin

    def signed_in(self) -> Account:
        """The caller's account.

        Raises:
            Unauthenticated: nobody signed in.
        """
        if self.account is None:
            raise Unauthenticated
        return self.account

    def require_sign_in(self) -> Account:
        """The caller's account, if they did not come with an access token: one makes nothing that would outgrow it.

        Raises:
            Unauthenticated: nobody signed in.
            Denied: with an access token; written to the audit log.
        """
        account = self.signed_in()
        if account.limits is not None:
            why = "An access token may not do this. Sign in with a password, or in the browser."
            raise self.denied(API_WRITE, "access token", None, why=why)
        return account

    async def may_in_system(self, permission: str) -> bool:
        """Whether the caller may do it in the system: an administrator, or a robot that was given it."""
        if self.admin:
            return True
        if self._system is None:
            self._system = await list_system_permissions(self.database.read, self.account)
        resource, _, action = permission.partition(":")
        return (resource, action) in self._system

    async def require_in_system(self, permission: str) -> None:
        """Refuse who may not do it in the system.

        Raises:
            Unauthenticated: nobody signed in.
            Denied: they may not; written to the audit log.
        """
        self.signed_in()
        if not await self.may_in_system(permission):
            raise self.denied(permission, "system", None)

    async def find_project(self, *, project_id: int | None = None, name: str = "") -> Standing | None:
        """A live project, and what the caller holds there; None when there is no such project."""
        return await find_standing(self.database.read, self.account, project_id=project_id, name=name)

    async def find_projects(self, *, project_ids: Iterable[int], names: Iterable[str]) -> list[Standing]:
        """The same for many live projects at once; those that there are not are left out. One statement."""
        return await find_standings(self.database.read, self.account, project_ids=project_ids, names=names)

    async def require_in_project(self, permission: str, *, project_id: int | None = None, name: str = "") -> Standing:
        """The project, and what the caller holds there; they may do it.

        Raises:
            Unauthenticated: nobody signed in, and not everybody may.
            NotFound: there is no such project; said to administrators only.
            Denied: they may not, or there is none; written to the audit log.
        """
        resource, _, action = permission.partition(":")
        standing = await self.find_project(project_id=project_id, name=name)
        if standing is not None and standing.may(resource, action):
            return standing
        self.signed_in()
        if standing is None and self.admin:
            raise NotFound("There is no such project.", project=name or project_id)
        shown = name or str(project_id)
        raise self.denied(permission, shown, standing.project_id if standing else None)

    def denied(self, permission: str, name: str, project_id: int | None, *, why: str = "") -> Problem:
        """The refusal of somebody who signed in, after noting it for the audit log; to be raised.

        Args:
            permission: what was missing, `RESOURCE:ACTION`: the row in the log has both.
            name: where it was missing: a project, `system`, or what the caller came with.
            project_id: of that project.
            why: a message; without one it names the permission.
        """
        resource, _, action = permission.partition(":")
        self.note_refusal(self.actor, action, resource, name[:255], project_id)
        place = "the system" if name == "system" else name if " " in name else f"project {name}"
        return Denied(why or f"You need the permission {resource}:{action} in {place} for this.", needs=permission)

    # -- replies --------------------------------------------------------------------------------------------

    def listing(self) -> Listing:
        """Filter, order and page of a list, from the query.

        Raises:
            Invalid, Unprocessable: as `read_listing`.
        """
        return read_listing(self.request.query)

    def page(self, items: list[T], listing: Listing, total: int, ignored: Sequence[str] = ()) -> "Response[list[T]]":
        """A page of a list, with `X-Total-Count` and `Link`; `ignored` are names that its query asked for in vain."""
        from litestar import Response  # noqa: PLC0415 - see above

        self.ignored.extend(ignored)
        return Response(items, headers=page_headers(self.request.path, self.request.query, listing, total))

    def created(self, location: str, content: Any = None) -> "Response[Any]":  # noqa: ANN401 - whatever the route says
        """201 with a Location below `/api/v2.0`; without a body unless `content` is given."""
        from litestar import Response  # noqa: PLC0415 - see above

        return Response(content, status_code=201, headers={"Location": f"{BASE}{location}"})


def stamp(moment: datetime | None) -> str:
    """A moment in the contract's form: RFC 3339 in UTC with three decimals; None: `NEVER`."""
    if moment is None:
        return NEVER
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"  # a quarter of the time of strftime
