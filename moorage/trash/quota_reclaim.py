"""Reclaim quota for a refused push by purging the oldest trash first.

docs/develop/lossless.md, "What counts". Each part of a purge is a transaction of its own, between two attempts of the
story that found no room.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import bindparam, exists, or_, select

from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import Problem, QuotaExceeded
from moorage.events import SYSTEM
from moorage.projects.tables import Trash
from moorage.quotas import service as quotas
from moorage.repositories.tables import Artifact
from moorage.trash.purge import purge_some, start_purge

log = logging.getLogger("moorage.trash")

# Acts that hold something still: of some everything was pushed again, and tags hold no bytes.
_OLDEST = (
    select(Trash.id)
    .where(
        Trash.project_id == bindparam("project"),
        or_(
            (Trash.kind == "artifact") & exists().where(Artifact.trash_id == Trash.id),
            (Trash.kind == "repository") & exists().where(Artifact.repository_id == Trash.repository_id),
        ),
    )
    .order_by(Trash.id)
    .limit(1)
)


def reliever(database: Database, lease_seconds: float) -> Callable[[Problem], bool]:
    """What `Database.relieve` is set to: for a refused push it purges a part of the oldest act, if that can help."""

    def relieve(problem: Problem) -> bool:
        if not isinstance(problem, QuotaExceeded) or not _can_help(problem.detail):
            return False
        project_id = int(str(problem.detail["project_id"]))
        act = database.run_here(SYSTEM, find_oldest, project_id)
        # Others purge and restore beside this: what they took since the refusal may have left room, or more of it.
        if act is None:
            left = database.run_here(SYSTEM, quotas.get_usage, project_id).trash_bytes
            return left < int(str(problem.detail["trash_bytes"]))
        if not database.run_here(SYSTEM, start_purge, act, early=True):
            return True
        step = database.run_here(SYSTEM, purge_some, act, lease_seconds=lease_seconds)
        log.info("purged %s artifacts of trash %s early: project %s has no room", step.artifacts, act, project_id)
        return True

    return relieve


def find_oldest(work: Work, project_id: int) -> int | None:
    """The act that has waited longest of those that hold something."""
    found: int | None = work.db.execute(_OLDEST, {"project": project_id}).scalar()
    return found


def _can_help(facts: Mapping[str, Any]) -> bool:
    """Whether there is room without the trash; else it would go for nothing."""
    trash, used = facts["trash_bytes"], facts["used_bytes"]
    return bool(trash > 0 and used + facts.get("asked_bytes", 1) <= facts["limit_bytes"])
