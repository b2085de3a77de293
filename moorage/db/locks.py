"""Locks that PostgreSQL needs and SQLite's single writer makes unnecessary.

The gate of a project: every writing request passes it shared and then sees project and repository alive; deleting,
restoring and changing rules pass it alone, so that "rule added" and "tag moved" have one order and no push lands in
a deleted parent. The order of all locks: gate, principal, project, repository, tag, artifact, blob, project_blob,
repository_blob, quota slot last (docs/develop/lossless.md).
"""

from sqlalchemy import BigInteger, Integer, Text, bindparam, func, select

from moorage.db.work import Work

_SHARED = select(func.pg_advisory_xact_lock_shared(bindparam("project", type_=BigInteger)))
_ALONE = select(func.pg_advisory_xact_lock(bindparam("project", type_=BigInteger)))
# The form with two keys has a space of its own: it never meets the gate of a project.
_TAG = select(
    func.pg_advisory_xact_lock(bindparam("repository", type_=Integer), func.hashtext(bindparam("tag", type_=Text)))
)


def pass_gate(work: Work, project_id: int) -> None:
    """Pass the project's gate beside others, until the end of the transaction."""
    if work.db.dialect.name == "postgresql":
        work.db.execute(_SHARED, {"project": project_id})


def close_gate(work: Work, project_id: int) -> None:
    """Pass the project's gate alone, until the end of the transaction."""
    if work.db.dialect.name == "postgresql":
        work.db.execute(_ALONE, {"project": project_id})


def lock_tag(work: Work, repository_id: int, tag: str) -> None:
    """Be the only one who makes, moves or deletes a tag, until the end of the transaction.

    A row lock would not do: two who make the same tag find no row to lock. Take several in the order of their names.
    """
    if work.db.dialect.name == "postgresql":
        work.db.execute(_TAG, {"repository": repository_id & 0x7FFFFFFF, "tag": tag})
