"""Pages of quotas: what projects may hold, and what they hold."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Integer, String, and_, column, func, select, table

from moorage.db.base import UtcTime
from moorage.db.query import Field, Fields, Listing
from moorage.db.work import Work
from moorage.quotas.tables import Quota, QuotaSlot

_PROJECT = table(
    "project", column("id", Integer), column("name", String), column("owner_id", Integer), column("trash_id", Integer),
    column("created_at", UtcTime), column("updated_at", UtcTime),
)  # fmt: skip
"""Of a subject above this one only names and owners are asked for."""

_OWNER = table("principal", column("id", Integer), column("name", String))
_USED = (
    select(func.coalesce(func.sum(QuotaSlot.used_bytes), 0))
    .where(QuotaSlot.project_id == Quota.project_id)
    .correlate(Quota)
    .scalar_subquery()
)
QUOTA_FIELDS = Fields(
    {
        "hard.storage": Field(Quota.limit_bytes, kind="number", nullable=False),
        "used.storage": Field(_USED, kind="number", nullable=False),
        "id": Field(Quota.project_id, kind="number"),
        "creation_time": Field(_PROJECT.c.created_at, kind="time", nullable=False),
        "update_time": Field(_PROJECT.c.updated_at, kind="time", nullable=False),
        "ref.name": Field(_PROJECT.c.name, nullable=False),
    },
    key=Quota.project_id,
)


class ListedQuota(msgspec.Struct, frozen=True):
    """The quota of a project. Its id is that of the project: there is one for each."""

    project_id: int
    project_name: str
    owner_name: str | None
    limit_bytes: int
    used_bytes: int
    created_at: datetime
    updated_at: datetime


_QUOTAS = (
    select(
        Quota.project_id,
        _PROJECT.c.name,
        _OWNER.c.name.label("owner_name"),
        Quota.limit_bytes,
        _USED.label("used_bytes"),
        _PROJECT.c.created_at,
        _PROJECT.c.updated_at,
    )
    .join(_PROJECT, and_(_PROJECT.c.id == Quota.project_id, _PROJECT.c.trash_id.is_(None)))
    .outerjoin(_OWNER, _OWNER.c.id == _PROJECT.c.owner_id)
)


def list_quotas(
    work: Work, listing: Listing, *, project_id: int | None = None
) -> tuple[list[ListedQuota], int, list[str]]:
    """A page of the quotas of live projects, how many there are, and what was ignored. Two statements."""
    conditions, ignored = QUOTA_FIELDS.where(listing)
    order, more_ignored = QUOTA_FIELDS.order(listing, "id")
    if project_id is not None:
        conditions.append(Quota.project_id == project_id)
    rows = work.db.execute(
        _QUOTAS.where(*conditions).order_by(*order).limit(listing.page_size).offset(listing.offset)
    ).all()
    total = work.db.scalar(
        select(func.count())
        .select_from(Quota)
        .join(_PROJECT, and_(_PROJECT.c.id == Quota.project_id, _PROJECT.c.trash_id.is_(None)))
        .where(*conditions)
    )
    return [_quota(row) for row in rows], total or 0, ignored + more_ignored


def find_quota(work: Work, project_id: int) -> ListedQuota | None:
    """The quota of a live project."""
    row = work.db.execute(_QUOTAS.where(Quota.project_id == project_id)).one_or_none()
    return None if row is None else _quota(row)


def _quota(row: Any) -> ListedQuota:  # noqa: ANN401 - the columns of _QUOTAS
    return ListedQuota(row[0], row[1], row[2], row[3], int(row[4]), row[5], row[6])
