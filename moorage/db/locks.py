"""Locks that PostgreSQL needs and SQLite's single writer makes unnecessary.

The gate of a project: every writing request passes it shared and then sees project and repository alive; deleting,
restoring and changing rules pass it alone, so that "rule added" and "tag moved" have one order and no push lands in
a deleted parent. The order of all locks: gate, principal, project, repository, tag, artifact, blob, project_blob,
repository_blob, counters, quota slot last (docs/develop/lossless.md).
"""

from sqlalchemy import BigInteger, bindparam, func, select

from moorage.db.hand_written_sql import Call, call, each
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work

_SHARED = Query("", postgresql="SELECT pg_advisory_xact_lock_shared($1::bigint)")
_ALONE = select(func.pg_advisory_xact_lock(bindparam("project", type_=BigInteger)))
# The form with two keys has a space of its own: it never meets the gate of a project.
_TAG = Query("", postgresql="SELECT pg_advisory_xact_lock($1::integer, hashtext($2::text))")


def passing_gate(project_id: int) -> Call:
    """Pass the project's gate beside others, until the end of the transaction.

    It is a statement of its own: only one that begins after the gate was passed sees what was committed before.
    """
    return call(_SHARED, project_id)


def pass_gate(work: Work, project_id: int) -> None:
    """Run `passing_gate`."""
    each(work, (passing_gate(project_id),))


def close_gate(work: Work, project_id: int) -> None:
    """Pass the project's gate alone, until the end of the transaction."""
    if work.db.dialect.name == "postgresql":
        work.db.execute(_ALONE, {"project": project_id})


def locking_tag(repository_id: int, tag: str) -> Call:
    """Be the only one who makes, moves or deletes a tag, until the end of the transaction.

    A row lock would not do: two who make the same tag find no row to lock. Take several in the order of their names.
    """
    return call(_TAG, repository_id & 0x7FFFFFFF, tag)


def lock_tag(work: Work, repository_id: int, tag: str) -> None:
    """Run `locking_tag`."""
    each(work, (locking_tag(repository_id, tag),))
