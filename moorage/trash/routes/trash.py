"""Routes to list, restore and purge trash. Ours, not in the contract."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from moorage import failpoints
from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import SIGNED_IN, inside, project
from moorage.errors import ProjectFull, RestoreBlocked, RestoreNameInvalid, RestoreTaken, TrashUnknown
from moorage.settings import Settings
from moorage.trash import purge, restore, trash, trash_sizes
from moorage.trash.trash import TrashRow

_PARTS = 20
"""How many parts of an act are taken before the reply."""

_PERMISSIONS = {"tag": "tag:delete", "artifact": "artifact:delete", "repository": "repository:delete"}


class TrashEntry(msgspec.Struct, kw_only=True):
    """Something that was deleted and can be brought back."""

    id: int
    project_id: int
    project_name: str
    kind: str
    """`tag`, `artifact`, `repository` or `project`."""
    name: str
    """`PROJECT/REPOSITORY:TAG`, `PROJECT/REPOSITORY@DIGEST`, `PROJECT/REPOSITORY`, or the project's name."""
    reason: str
    deleted_by: str | None
    """null: an account that is gone, or the system."""
    deleted_at: str
    purge_at: str
    """Until when it can be brought back."""
    restore_first: int | None
    """The entry that has to be restored before this one; null: none."""
    size: int | None
    """Bytes that the project's quota gets back if this alone is purged; null: not asked for (`with_size`)."""


class RestoreReq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How to bring it back."""

    names: dict[str, str] = {}
    """New names for tags, the repository (`PROJECT/REPOSITORY`) or the project, by the old ones, where those are taken.
    A tag with the new name "" stays away."""


class RestoredEntry(msgspec.Struct, kw_only=True):
    """What came back."""

    kind: str
    name: str
    """As it was deleted."""
    names: dict[str, str]
    """Of tags, the repository or the project: what it is called now, by what it was called."""
    artifacts: int
    """How many came back; of a repository those that its list shows."""


class PurgedEntry(msgspec.Struct, kw_only=True):
    """What was deleted for ever."""

    kind: str
    name: str
    """As it was deleted."""
    finished: bool
    """false: the collector takes the rest."""


@operation("GET", "/trash", id="listTrash", tag="trash", needs=SIGNED_IN, paged=True, ours=True)
async def list_trash(call: NamedDependency[Call], with_size: FromQuery[bool] = False) -> Response[list[TrashEntry]]:
    """What the caller can bring back, what was deleted last first; administrators see all.

    `sort` and `q` know id, project_id, kind, name, deleted_at and purge_at.
    """
    listing = call.listing()
    rows, total, ignored = await call.look(trash.list_trash, listing, account=call.signed_in())
    return call.page(await _show_all(call, rows, with_size=with_size), listing, total, ignored)


@operation(
    "GET", "/projects/{project_name_or_id:str}/trash", id="listProjectTrash", tag="trash",
    needs=project("artifact:delete"), paged=True, ours=True,
)  # fmt: skip
async def list_project_trash(
    call: NamedDependency[Call], with_size: FromQuery[bool] = False
) -> Response[list[TrashEntry]]:
    """What was deleted from a project and can be brought back; `sort` and `q` as in the list of all."""
    listing = call.listing()
    rows, total, ignored = await call.look(trash.list_trash, listing, project_id=call.project.project_id)
    return call.page(await _show_all(call, rows, with_size=with_size), listing, total, ignored)


@operation(
    "GET", "/trash/{id:int}", id="getTrash", tag="trash", problems=(TrashUnknown,), ours=True,
    needs=inside("whoever may delete such a thing in its project; of a project its administrators"),
)  # fmt: skip
async def get_trash(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - as elsewhere
    with_size: FromQuery[bool] = False,
) -> Response[TrashEntry]:
    """One entry of the trash."""
    return Response((await _show_all(call, [await _enter(call, id)], with_size=with_size))[0])


@operation(
    "POST", "/trash/{id:int}/restore", id="restoreTrash", tag="trash", ours=True,
    problems=(TrashUnknown, RestoreTaken, RestoreBlocked, RestoreNameInvalid, ProjectFull),
    needs=inside("whoever may delete such a thing in its project; of a project its administrators"),
)  # fmt: skip
async def restore_trash(
    data: JSONBody[RestoreReq],
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - as elsewhere
) -> Response[RestoredEntry]:
    """Bring it back, with tags, labels and referrers: all of it or nothing.

    409 when a name was taken since: `detail.offer` holds names that are free, to be sent as `names`. 412 when what it
    belongs to is in the trash itself: `detail.first` is the entry to restore first.
    """
    await _enter(call, id)
    done = await call.run(restore.restore, id, data.names)
    failpoints.point("restore.done")
    return Response(RestoredEntry(kind=done.kind, name=done.label, names=dict(done.names), artifacts=done.artifacts))


@operation(
    "DELETE", "/trash/{id:int}", id="purgeTrash", tag="trash", ours=True, problems=(TrashUnknown,),
    needs=inside("whoever may delete such a thing in its project; of a project its administrators"),
)  # fmt: skip
async def purge_trash(
    call: NamedDependency[Call],
    settings: NamedDependency[Settings],
    id: FromPath[int],  # noqa: A002 - as elsewhere
) -> Response[PurgedEntry]:
    """Delete it for ever, now; there is no way back from here.

    What is large goes in parts, of which the collector takes those that are left. Bytes that nothing else needs follow
    when their leases are over.
    """
    row = await _enter(call, id)
    await call.run(purge.purge_now, id)
    failpoints.point("purge.begun")
    step = purge.Step(0, "more")
    for _ in range(_PARTS):
        if step.state == "more":
            step = await call.run(purge.purge_some, id, lease_seconds=settings.uploads.lease_seconds)
    failpoints.point("purge.done")
    return Response(PurgedEntry(kind=row.kind, name=row.label, finished=step.state == "done"))


async def _enter(call: Call, trash_id: int) -> TrashRow:
    """An entry that the caller may restore. Who may not is not told whether it is there.

    Raises:
        TrashUnknown: there is none.
        Denied, Unauthenticated: as `Call.require_in_project`.
    """
    account = call.signed_in()
    row = await call.look(trash.find_trash, trash_id)
    if row is None:
        if not call.admin:
            raise call.denied("artifact:delete", f"trash {trash_id}", None)
        raise TrashUnknown(id=trash_id)
    if await call.find_project(project_id=row.project_id) is None:  # it is in the trash; its bindings are still there
        covered = account.limits is None or account.limits.cover(row.project_id)
        if not covered or not await call.look(trash.is_project_admin, account, row.project_id):
            raise call.denied("project:delete", f"trash {trash_id}", row.project_id)
        return row
    await call.require_in_project(_PERMISSIONS[row.kind], project_id=row.project_id)
    return row


async def _show_all(call: Call, rows: list[TrashRow], *, with_size: bool) -> list[TrashEntry]:
    sizes = await call.look(trash_sizes.measure_acts, rows) if with_size else {}
    return [_show(row, sizes.get(row.id)) for row in rows]


def _show(row: TrashRow, size: int | None) -> TrashEntry:
    return TrashEntry(
        id=row.id, project_id=row.project_id, project_name=row.project_name, kind=row.kind, name=row.label,
        reason=row.reason, deleted_by=row.by, deleted_at=stamp(row.deleted_at), purge_at=stamp(row.purge_at),
        restore_first=row.first, size=size,
    )  # fmt: skip


ROUTES = (list_trash, list_project_trash, get_trash, restore_trash, purge_trash)
