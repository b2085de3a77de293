"""Limits of repositories and tags, in addition to the contract's limit of bytes.

A repository counts while it holds something, which is while it is listed; a tag counts while it is there, and not in
the trash. Both are counted in the transaction that makes or removes them. The row that counts is locked by the
counting statement and looked at afterwards, so of two that would take the last room one is refused; it is taken just
before the quota slot, at the end of a transaction, when nothing but the commit is left to wait for. Tags are counted
where a limit is set only: no other project pays for it. Whoever sets a limit closes the project's gate, which whoever
makes or removes a tag passes.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Integer, String, column, func, select, table, update

from moorage.configuration.service import get_items
from moorage.db.base import Id
from moorage.db.hand_written_sql import Call, call, each, one
from moorage.db.locks import close_gate
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import ProjectFull, ProjectUnknown, QuotaInvalid
from moorage.quotas.tables import Quota

UNLIMITED = -1
MAX_LIMIT = 2**31 - 1

_REPOSITORY = table("repository", column("id", Id), column("project_id", Id), column("trash_id", Integer))
_TAG = table("tag", column("repository_id", Id), column("name", String))
"""Of subjects above this one only how many there are is asked for."""

_COUNT = Query(
    """UPDATE quota SET used_tags = used_tags + $2 WHERE project_id = $1 AND limit_tags >= 0
RETURNING used_tags, limit_tags"""
)
_COUNT_REPOSITORY = Query(
    """UPDATE quota SET used_tags = used_tags + $3 * (SELECT count(*) FROM tag WHERE repository_id = $2)
WHERE project_id = $1 AND limit_tags >= 0
RETURNING used_tags, limit_tags"""
)
_HELD = Query(
    """SELECT p.repository_count, q.limit_repositories, q.used_tags, q.limit_tags
FROM project p JOIN quota q ON q.project_id = p.id WHERE p.id = $1"""
)


class Limits(msgspec.Struct, frozen=True):
    """What a project may hold; -1: no limit."""

    repositories: int = UNLIMITED
    tags: int = UNLIMITED


NO_LIMITS = Limits()


def set_limits(work: Work, project_id: int, *, repositories: int | None = None, tags: int | None = None) -> None:
    """Change limits of a project; None: as it is. Below what it holds is allowed and only refuses more.

    The project's gate is closed: call it before anything else is locked.

    Raises:
        QuotaInvalid: a limit is neither -1 nor 0 to 2^31-1.
        ProjectUnknown: there is no such project.
    """
    for limit in (repositories, tags):
        if limit is not None and not UNLIMITED <= limit <= MAX_LIMIT:
            raise QuotaInvalid(f"A limit of repositories or tags is -1 for none, or 0 to {MAX_LIMIT}.", limit=limit)
    close_gate(work, project_id)
    values: dict[str, object] = {}
    if repositories is not None:
        values["limit_repositories"] = repositories
    if tags is not None:
        values |= {"limit_tags": tags, "used_tags": 0 if tags == UNLIMITED else _count_tags(work, project_id)}
    if values and not work.db.execute(update(Quota).where(Quota.project_id == project_id).values(values)).rowcount:
        raise ProjectUnknown


def list_limits(work: Work, project_id: int) -> list[tuple[str, int, int]]:
    """For each limit that a project has: `repositories` or `tags`, how many it holds, and how many it may."""
    row = one(work, _HELD, project_id)
    found = [] if row is None else [("repositories", row[0], row[1]), ("tags", row[2], row[3])]
    return [(what, used, limit) for what, used, limit in found if limit != UNLIMITED]


def list_tag_counts(work: Work, project_ids: Collection[int]) -> dict[int, int]:
    """How many tags each of these projects holds, counted one by one; one that holds none is left out."""
    rows = work.db.execute(
        select(_REPOSITORY.c.project_id, func.count())
        .join(_TAG, _TAG.c.repository_id == _REPOSITORY.c.id)
        .where(_REPOSITORY.c.project_id.in_(project_ids), _REPOSITORY.c.trash_id.is_(None))
        .group_by(_REPOSITORY.c.project_id)
    )
    return {row[0]: row[1] for row in rows}


# -- repositories -----------------------------------------------------------------------------------------


def require_repositories(work: Work, project_id: int, *, more: int = 0) -> None:
    """Refuse what makes a project hold more repositories than it may.

    Args:
        more: how many would come. 0: the caller has counted already, and so holds the lock of the project's row, which
            makes the answer exact; else it is what was true a moment ago.

    Raises:
        ProjectFull: too many, and limits hold (`quota_per_project_enable`).
    """
    row = one(work, _HELD, project_id)
    if row is not None and 0 <= row[1] < row[0] + more:
        _refuse(work, "repositories", row[0] + more, row[1])


# -- tags -------------------------------------------------------------------------------------------------


def count_tags(work: Work, project_id: int, by: int) -> None:
    """Note that `by` tags came to be, or (negative) are gone.

    Raises:
        ProjectFull: too many came, and limits hold.
    """
    if by:
        settle_tags(work, by, each(work, (counting_tags(project_id, by),))[0])


def counting_tags(project_id: int, by: int) -> Call:
    """The first half of `count_tags`, for a caller who has more to run; only the quota slot is locked later."""
    return call(_COUNT, project_id, by)


def settle_tags(work: Work, by: int, rows: Sequence[Any]) -> None:
    """The second half, with the rows of `counting_tags`: none where there is no limit.

    Raises:
        ProjectFull: as `count_tags`.
    """
    for used, limit in rows:
        if by > 0 and used > limit:
            _refuse(work, "tags", used, limit)


def count_repository(work: Work, project_id: int, repository_id: int, sign: int) -> None:
    """Note that a repository came back with all its tags (1), or went with them (-1). The gate is closed.

    Raises:
        ProjectFull: too many came back, and limits hold.
    """
    settle_tags(work, sign, each(work, (call(_COUNT_REPOSITORY, project_id, repository_id, sign),))[0])


def recount_tags(work: Work, project_id: int) -> None:
    """Count a project's tags anew, if it has a limit of them: for fsck. The gate is closed."""
    limited = (Quota.project_id == project_id, Quota.limit_tags != UNLIMITED)
    if work.db.execute(select(Quota.project_id).where(*limited)).first() is not None:
        work.db.execute(update(Quota).where(*limited).values(used_tags=_count_tags(work, project_id)))


def _count_tags(work: Work, project_id: int) -> int:
    return list_tag_counts(work, [project_id]).get(project_id, 0)


def _refuse(work: Work, what: str, would: int, limit: int) -> None:
    if get_items(work).quota_per_project_enable:
        raise ProjectFull(
            f"The project may hold {limit} {what}, and with this it would be {would}. Delete some, or ask a system "
            "administrator for a higher limit.",
            resource=what,
            would_be=would,
            limit=limit,
        )
