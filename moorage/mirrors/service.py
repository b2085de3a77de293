"""Mirrors: list, make, delete."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.errors import MirrorExists, MirrorInvalid, MirrorLimit, MirrorUnknown
from moorage.events import MirrorChanged
from moorage.mirrors.tables import HOST, NS, PORT, Mirror
from moorage.projects.service import get_project
from moorage.projects.tables import Project
from moorage.web.request import split_host

MAX_MIRRORS = 500
"""All of them are in the memory of each process."""
MAX_ID = 2**63 - 1

_FIELDS = Fields(
    {
        "id": Field(Mirror.id, kind="number"),
        "kind": Field(Mirror.kind),
        "name": Field(Mirror.name),
        "project_id": Field(Mirror.project_id, kind="number"),
        "project_name": Field(Project.name),
        "creation_time": Field(Mirror.created_at, kind="time"),
    },
    key=Mirror.id,
)
_COLUMNS = (Mirror.id, Mirror.kind, Mirror.name, Mirror.project_id, Project.name, Project.trash_id, Mirror.created_at)
_JOINED = Mirror.__table__.join(Project.__table__, Project.id == Mirror.project_id)


class MirrorRow(msgspec.Struct, frozen=True):
    """A mirror. `in_trash`: its project is there, so it leads nowhere."""

    id: int
    kind: str
    name: str
    project_id: int
    project_name: str
    in_trash: bool
    created_at: datetime


def list_mirrors(work: Work, listing: Listing) -> tuple[list[MirrorRow], int, list[str]]:
    """A page of mirrors by id, how many there are, and what was ignored. Two statements."""
    rows, total, ignored = _FIELDS.list_rows(work, select(*_COLUMNS).select_from(_JOINED), listing, "id")
    return [MirrorRow(*row[:5], row[5] is not None, row[6]) for row in rows], total, ignored


def read_name(kind: str, name: str) -> str:
    """A mirror's name as it is stored: in lower case, as clients send it.

    Raises:
        MirrorInvalid: there is no such kind, or no client can send this name.
    """
    if kind == PORT:
        if not (name.isascii() and name.isdigit() and len(name) <= 5 and 1 <= int(name) <= 65_535):
            raise MirrorInvalid("A port is a number from 1 to 65535.", name=name[:80])
        return str(int(name))
    if kind not in {HOST, NS}:
        raise MirrorInvalid(f"The kind of a mirror is '{HOST}', '{PORT}' or '{NS}'.", kind=kind[:80])
    if not split_host(name)[0]:
        raise MirrorInvalid(
            "A name is that of a host, with or without a port: docker.io, mirror.example:5000; no scheme and no path.",
            name=name[:255],
        )
    return name.lower()


def create_mirror(work: Work, kind: str, name: str, project: str) -> int:
    """Make a mirror and return its id. It holds within a second, on every process.

    Args:
        work: this transaction.
        kind: `host`, `port` or `ns`.
        name: as `read_name` gives it.
        project: by its name.

    Raises:
        ProjectUnknown: there is none.
        MirrorExists: this name leads somewhere already.
        MirrorLimit: there are as many as there may be.
    """
    row = get_project(work, project)
    if (work.db.scalar(select(func.count()).select_from(Mirror)) or 0) >= MAX_MIRRORS:
        raise MirrorLimit(f"There are {MAX_MIRRORS} mirrors, and there may be no more.", limit=MAX_MIRRORS)
    values = {"kind": kind, "name": name, "project_id": row.id, "created_at": work.now}
    try:
        with work.db.begin_nested():
            made: int = work.db.execute(insert(Mirror).values(values).returning(Mirror.id)).scalar_one()
    except IntegrityError as error:
        raise MirrorExists(kind=kind, name=name) from error
    work.emit(MirrorChanged(row.id, row.name, kind, name, "create"))
    return made


def delete_mirror(work: Work, mirror_id: int) -> None:
    """Delete a mirror; what the project holds stays.

    Raises:
        MirrorUnknown: there is none.
    """
    query = select(Mirror.kind, Mirror.name, Project.id, Project.name).select_from(_JOINED)
    row = work.db.execute(query.where(Mirror.id == mirror_id)).first() if 0 < mirror_id <= MAX_ID else None
    if row is None or work.db.execute(delete(Mirror).where(Mirror.id == mirror_id)).rowcount != 1:
        raise MirrorUnknown(id=mirror_id)
    work.emit(MirrorChanged(row[2], row[3], row[0], row[1], "delete"))
