"""What became of a tag. Ours, not in the contract."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import project
from moorage.artifacts import tag_history
from moorage.artifacts.routes.repositories import ONE, path_of
from moorage.artifacts.tag_history import Past
from moorage.db.list_query import parse_time
from moorage.errors import Invalid, RepositoryUnknown, TagUnknown


class TagPast(msgspec.Struct, kw_only=True):
    """A stretch of time in which a tag pointed to one digest."""

    id: int
    digest: str
    since: str
    until: str | None
    """null: it points there now."""
    by: str | None
    """Who pointed it there; null: an account that is gone, or the system."""
    ended_by: str | None
    """`moved` or `deleted`; null: it points there now."""
    kept: str
    """`here`: it can be pulled by its digest; `trash`: it has to be restored first; `gone`: it was purged."""


class RepositoryPast(TagPast, kw_only=True):
    """A stretch of time of one of a repository's tags."""

    name: str
    """Of the tag."""
    trash_id: int | None
    """The entry in the trash that brings the tag, or what it pointed to, back; null: nothing of it is there."""


@operation(
    "GET",
    "/projects/{project_name:str}/repositories/{repository_name:str}/tags/{tag_name:str}/history",
    id="listTagHistory",
    tag="artifact",
    needs=project("tag:list"),
    problems=(RepositoryUnknown, TagUnknown, Invalid),
    paged=True,
    ours=True,
)
async def list_tag_history(
    call: NamedDependency[Call], repository_name: FromPath[str], tag_name: FromPath[str], at: FromQuery[str] = ""
) -> Response[list[TagPast]]:
    """Where a tag pointed, the newest first; also of a tag that was deleted.

    With `at`, a time such as `2026-01-31T15:04:05Z`: the one entry of that moment, 404 if there was no such tag then.
    `sort` and `q` know id, since, until and ended_by.
    """
    listing = call.listing()
    path, project_id = path_of(call, repository_name), call.project.project_id
    if at:
        past = await call.look(tag_history.find_past, project_id, path, tag_name, _read_moment(at))
        return call.page([TagPast(**_shown(past))], listing, 1)
    rows, total, ignored = await call.look(tag_history.list_history, project_id, path, tag_name, listing)
    return call.page([TagPast(**_shown(row)) for row in rows], listing, total, ignored)


@operation(
    "GET", f"{ONE}/history", id="listRepositoryHistory", tag="artifact", needs=project("tag:list"), paged=True,
    ours=True, problems=(RepositoryUnknown, Invalid),
)  # fmt: skip
async def list_repository_history(
    call: NamedDependency[Call], repository_name: FromPath[str], at: FromQuery[str] = ""
) -> Response[list[RepositoryPast]]:
    """What became of all tags of a repository, the newest first; also of tags that were deleted.

    With `at`, a time such as `2026-01-31T15:04:05Z`: the tags as they were at that moment, by name. `sort` and `q` know
    id, name, since, until and ended_by.
    """
    listing = call.listing()
    path, project_id = path_of(call, repository_name), call.project.project_id
    moment = _read_moment(at) if at else None
    rows, total, ignored = await call.look(tag_history.list_repository_history, project_id, path, listing, at=moment)
    shown = [RepositoryPast(name=row.tag, trash_id=row.act, **_shown(row.past)) for row in rows]
    return call.page(shown, listing, total, ignored)


def _read_moment(at: str) -> datetime:
    try:
        return parse_time(at)
    except ValueError as error:
        raise Invalid(f"at: {error}", parameter="at") from None


def _shown(row: Past) -> dict[str, Any]:
    return {
        "id": row.id, "digest": row.digest, "since": stamp(row.since),
        "until": None if row.until is None else stamp(row.until), "by": row.by, "ended_by": row.ended_by,
        "kept": row.kept,
    }  # fmt: skip


ROUTES = (list_tag_history, list_repository_history)
