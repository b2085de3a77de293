"""What projects may hold, and what they hold: bytes, as in the contract; repositories and tags, which are ours."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import system
from moorage.db.unit_of_work import Work
from moorage.errors import QuotaInvalid, QuotaUnknown
from moorage.events import QuotaChanged
from moorage.quotas import limits, lists, service

_RESOURCES = frozenset({"storage", "repositories", "tags"})


class QuotaRefObject(msgspec.Struct):
    """The project of a quota."""

    id: int
    name: str
    owner_name: str


class Quota(msgspec.Struct):
    """The quota of a project: bytes under `storage`; ours: `repositories` that hold something, and `tags`.

    In `hard` -1 is no limit.
    """

    id: int
    ref: QuotaRefObject
    hard: dict[str, int]
    used: dict[str, int]
    trash: int
    """Ours: bytes that only the trash holds. `hard.storage` bounds them together with `used.storage`; where there is no
    room left, the oldest of the trash goes before a push is refused."""
    creation_time: str
    update_time: str


class QuotaUpdateReq(msgspec.Struct):
    """Other limits; those that are not named stay as they are."""

    hard: dict[str, int]
    """`storage`: bytes; ours: `repositories`, `tags`. -1: no limit."""


@operation("GET", "/quotas", id="listQuotas", tag="quota", needs=system("quota:list"), paged=True)
async def list_quotas(
    call: NamedDependency[Call], reference: FromQuery[str | None] = None, reference_id: FromQuery[str | None] = None
) -> Response[list[Quota]]:
    """The quotas of all projects; `sort` and `q` know hard.NAME of each limit, used.storage and used.repositories."""
    listing = call.listing()
    project_id = None
    if reference_id:
        known = reference_id.isascii() and reference_id.isdigit() and len(reference_id) < 19
        project_id = int(reference_id) if known else 0
    if reference not in {None, "", "project"}:
        project_id = 0
    rows, total, ignored = await call.look(lists.list_quotas, listing, project_id=project_id)
    return call.page([_quota(row) for row in rows], listing, total, ignored)


@operation("GET", "/quotas/{id:int}", id="getQuota", tag="quota", needs=system("quota:read"), problems=(QuotaUnknown,))
async def get_quota(call: NamedDependency[Call], id: FromPath[int]) -> Response[Quota]:  # noqa: A002 - the contract's
    """A quota."""
    row = await call.look(lists.find_quota, id)
    if row is None:
        raise QuotaUnknown(id=id)
    return Response(_quota(row))


@operation(
    "PUT", "/quotas/{id:int}", id="updateQuota", tag="quota", needs=system("quota:update"),
    problems=(QuotaUnknown, QuotaInvalid),
)  # fmt: skip
async def update_quota(
    data: JSONBody[QuotaUpdateReq],
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's
) -> Response[None]:
    """Change what a project may hold; below what it holds is allowed, and only refuses more."""
    hard = data.hard
    if not hard or not hard.keys() <= _RESOURCES:
        raise QuotaInvalid("The limits are 'storage' in bytes, 'repositories' and 'tags'; name one of them at least.")

    def change(work: Work) -> None:
        row = lists.find_quota(work, id)
        if row is None:
            raise QuotaUnknown(id=id)
        if hard.keys() & {"repositories", "tags"}:  # first: it closes the gate
            limits.set_limits(work, id, repositories=hard.get("repositories"), tags=hard.get("tags"))
        if "storage" in hard:
            service.set_limit(work, id, hard["storage"])
        work.emit(QuotaChanged(id, row.project_name, dict(sorted(hard.items()))))

    await call.run(change)
    return Response(None)


ROUTES = (list_quotas, get_quota, update_quota)


def _quota(row: lists.ListedQuota) -> Quota:
    return Quota(
        id=row.project_id,
        ref=QuotaRefObject(row.project_id, row.project_name, row.owner_name or ""),
        hard=row.hard,
        used=row.used,
        trash=row.trash_bytes,
        creation_time=stamp(row.created_at),
        update_time=stamp(row.updated_at),
    )
