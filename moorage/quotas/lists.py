"""Pages of quotas: what projects may hold, and what they hold."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Integer, String, and_, column, func, select, table

from moorage.db.base import UtcTime
from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.quotas.limits import Limits, list_tag_counts
from moorage.quotas.tables import Quota, QuotaSlot

_PROJECT = table(
    "project", column("id", Integer), column("name", String), column("owner_id", Integer), column("trash_id", Integer),
    column("repository_count", Integer), column("created_at", UtcTime), column("updated_at", UtcTime),
)  # fmt: skip
"""Of a subject above this one only names and owners are asked for."""

_OWNER = table("principal", column("id", Integer), column("name", String))
_USED = (
    select(func.coalesce(func.sum(QuotaSlot.used_bytes), 0) - Quota.trash_bytes)
    .where(QuotaSlot.project_id == Quota.project_id)
    .correlate(Quota)
    .scalar_subquery()
)
QUOTA_FIELDS = Fields(
    {
        "hard.storage": Field(Quota.limit_bytes, kind="number", nullable=False),
        "hard.repositories": Field(Quota.limit_repositories, kind="number", nullable=False),
        "hard.tags": Field(Quota.limit_tags, kind="number", nullable=False),
        "used.storage": Field(_USED, kind="number", nullable=False),
        "used.repositories": Field(_PROJECT.c.repository_count, kind="number", nullable=False),
        "id": Field(Quota.project_id, kind="number"),
        "creation_time": Field(_PROJECT.c.created_at, kind="time", nullable=False),
        "update_time": Field(_PROJECT.c.updated_at, kind="time", nullable=False),
        "ref.name": Field(_PROJECT.c.name, nullable=False),
    },
    key=Quota.project_id,
)


class ListedQuota(msgspec.Struct, frozen=True):
    """The quota of a project. Its id is that of the project: there is one for each.

    Attributes:
        repositories: how many hold something.
        used_bytes: without what only the trash holds, which is `trash_bytes`.
        tags: how many there are.
    """

    project_id: int
    project_name: str
    owner_name: str | None
    limit_bytes: int
    used_bytes: int
    trash_bytes: int
    limits: Limits
    repositories: int
    tags: int
    created_at: datetime
    updated_at: datetime

    @property
    def hard(self) -> dict[str, int]:
        """The limits by the name of what they limit; -1: none."""
        return {"storage": self.limit_bytes, "repositories": self.limits.repositories, "tags": self.limits.tags}

    @property
    def used(self) -> dict[str, int]:
        """The usage, under the same names."""
        return {"storage": max(self.used_bytes, 0), "repositories": self.repositories, "tags": self.tags}


_QUOTAS = (
    select(
        Quota.project_id,
        _PROJECT.c.name,
        _OWNER.c.name.label("owner_name"),
        Quota.limit_bytes,
        _USED.label("used_bytes"),
        Quota.trash_bytes,
        Quota.limit_repositories,
        Quota.limit_tags,
        _PROJECT.c.repository_count,
        _PROJECT.c.created_at,
        _PROJECT.c.updated_at,
    )
    .join(_PROJECT, and_(_PROJECT.c.id == Quota.project_id, _PROJECT.c.trash_id.is_(None)))
    .outerjoin(_OWNER, _OWNER.c.id == _PROJECT.c.owner_id)
)


def list_quotas(
    work: Work, listing: Listing, *, project_id: int | None = None
) -> tuple[list[ListedQuota], int, list[str]]:
    """A page of the quotas of live projects, how many there are, and what was ignored.

    Cost: three statements; the tags of the page's projects are counted.
    """
    quotas = _QUOTAS if project_id is None else _QUOTAS.where(Quota.project_id == project_id)
    rows, total, ignored = QUOTA_FIELDS.list_rows(work, quotas, listing, "id")
    tags = list_tag_counts(work, [row.project_id for row in rows])
    return [_quota(row, tags) for row in rows], total, ignored


def find_quota(work: Work, project_id: int) -> ListedQuota | None:
    """The quota of a live project."""
    row = work.db.execute(_QUOTAS.where(Quota.project_id == project_id)).one_or_none()
    return None if row is None else _quota(row, list_tag_counts(work, [project_id]))


def _quota(row: Any, tags: Mapping[int, int]) -> ListedQuota:  # noqa: ANN401 - the columns of _QUOTAS
    limits = Limits(row.limit_repositories, row.limit_tags)
    return ListedQuota(
        row.project_id, row.name, row.owner_name, row.limit_bytes, int(row.used_bytes), row.trash_bytes, limits,
        row.repository_count, tags.get(row.project_id, 0), row.created_at, row.updated_at,
    )  # fmt: skip
