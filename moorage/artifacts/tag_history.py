"""The history of a tag: where it pointed, when it moved, and when it was deleted."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, func, or_, select

from moorage.artifacts.service import get_repository
from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.errors import TagUnknown
from moorage.oci.digest import Digest
from moorage.repositories.tables import Artifact, TagHistory
from moorage.users.tables import Principal


class Past(msgspec.Struct, frozen=True):
    """A stretch of time in which a tag pointed to one digest.

    Attributes:
        id: of the row; as long as the tag is there it is also the tag's.
        since: when it came to point there.
        until: when that ended; None: it has not.
        by: who pointed it there, as they are called now (a robot without its prefix); None: the account is gone, or it
            was the system.
        ended_by: `moved` or `deleted`; None: it has not ended.
        kept: whether the digest can be pulled: `here`, in the `trash`, or `gone`.
    """

    id: int
    digest: str
    since: datetime
    until: datetime | None
    by: str | None
    ended_by: str | None
    kept: str


_COLUMNS = (
    TagHistory.id,
    TagHistory.digest,
    TagHistory.since,
    TagHistory.until,
    Principal.name,
    TagHistory.ended_by,
    Artifact.id.label("artifact"),
    Artifact.trash_id,
)
_PAST = (
    select(*_COLUMNS)
    .outerjoin(Principal, Principal.id == TagHistory.principal_id)
    .outerjoin(Artifact, and_(Artifact.repository_id == TagHistory.repository_id, Artifact.digest == TagHistory.digest))
    .where(TagHistory.repository_id == bindparam("repository"), TagHistory.name == bindparam("tag"))
)
_MOVES = select(TagHistory.id).where(
    TagHistory.repository_id == bindparam("repository"), TagHistory.name == bindparam("tag")
)
_AT = (
    _PAST.where(
        TagHistory.since <= bindparam("at", type_=TagHistory.since.type),
        or_(TagHistory.until.is_(None), TagHistory.until > bindparam("at", type_=TagHistory.since.type)),
    )
    .order_by(TagHistory.since.desc(), TagHistory.id.desc())
    .limit(1)
)
_FIELDS = {
    "id": Field(TagHistory.id, kind="number"),
    "since": Field(TagHistory.since, kind="time"),
    "until": Field(TagHistory.until, kind="time"),
    "ended_by": Field(TagHistory.ended_by),
}
HISTORY_FIELDS = Fields(_FIELDS, key=TagHistory.id)
REPOSITORY_FIELDS = Fields({**_FIELDS, "name": Field(TagHistory.name)}, key=TagHistory.id)
_OF_REPOSITORY = (
    select(TagHistory.name.label("tag"), func.coalesce(TagHistory.trash_id, Artifact.trash_id).label("act"), *_COLUMNS)
    .outerjoin(Principal, Principal.id == TagHistory.principal_id)
    .outerjoin(Artifact, and_(Artifact.repository_id == TagHistory.repository_id, Artifact.digest == TagHistory.digest))
    .where(TagHistory.id.in_(bindparam("ids", expanding=True)))
)


class TagEvent(msgspec.Struct, frozen=True):
    """A stretch of time of one of a repository's tags. `act`: in the trash, to be restored for it; None: none."""

    tag: str
    past: Past
    act: int | None


def list_history(
    work: Work, project_id: int, path: str, tag: str, listing: Listing
) -> tuple[list[Past], int, list[str]]:
    """A page of a tag's history, the newest first; how much there is; what was ignored. Four statements.

    Raises:
        RepositoryUnknown: there is no such repository.
        TagUnknown: there never was such a tag.
    """
    repository = get_repository(work, project_id, path)
    values = {"repository": repository.id, "tag": tag}
    if work.db.execute(_PAST.limit(1), values).first() is None:
        raise TagUnknown(tag=tag[:200])
    rows, total, ignored = HISTORY_FIELDS.list_rows(work, _PAST, listing, "-since", values, counted=_MOVES)
    return [_past(row) for row in rows], total, ignored


def find_past(work: Work, project_id: int, path: str, tag: str, at: datetime) -> Past:
    """Where a tag pointed at a moment. Two statements.

    Raises:
        RepositoryUnknown: there is no such repository.
        TagUnknown: the tag was not there at that moment.
    """
    repository = get_repository(work, project_id, path)
    row = work.db.execute(_AT, {"repository": repository.id, "tag": tag, "at": at}).first()
    if row is None:
        raise TagUnknown(f"There was no such tag at {at:%Y-%m-%dT%H:%M:%S}Z.", tag=tag[:200])
    return _past(row)


def list_repository_history(
    work: Work, project_id: int, path: str, listing: Listing, *, at: datetime | None = None
) -> tuple[list[TagEvent], int, list[str]]:
    """A page of the history of all tags of a repository, the newest first; how much there is; what was ignored.

    Args:
        at: only what was at that moment, by name: the repository's tags as they were.

    Raises:
        RepositoryUnknown: there is no such repository.

    Cost: four statements. It sorts the rows of the repository: an index in the order of time would have to be written
    with every push.
    """
    repository = get_repository(work, project_id, path)
    rows = select(TagHistory.id).where(TagHistory.repository_id == repository.id)
    if at is not None:
        rows = rows.where(TagHistory.since <= at, or_(TagHistory.until.is_(None), TagHistory.until > at))
    page, total, ignored = REPOSITORY_FIELDS.list_rows(work, rows, listing, "-since" if at is None else "name")
    ids = [row.id for row in page]
    found = {row.id: row for row in work.db.execute(_OF_REPOSITORY, {"ids": ids})} if ids else {}
    events = [TagEvent(found[one].tag, _past(found[one]), found[one].act) for one in ids]
    return events, total, ignored


def _past(row: Any) -> Past:  # noqa: ANN401 - the columns of _COLUMNS
    kept = "gone" if row.artifact is None else "here" if row.trash_id is None else "trash"
    digest = str(Digest.from_binary(bytes(row.digest)))
    return Past(row.id, digest, row.since, row.until, row.name, row.ended_by, kept)
