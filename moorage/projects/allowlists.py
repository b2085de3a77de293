"""Vulnerabilities that no policy minds: of a project, or of the system."""

from collections.abc import Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.db.unit_of_work import Work
from moorage.errors import AllowlistInvalid
from moorage.events import AllowlistChanged
from moorage.projects.lists import Allowlist
from moorage.projects.tables import CveAllowlist

SYSTEM = 0
"""In the place of a project's id: the system's own list, which projects use that have none of their own."""

MAX_ITEMS = 10_000
MAX_ITEM_CHARACTERS = 64
MAX_SECONDS = 2**53


def find_allowlist(work: Work, project_id: int) -> Allowlist | None:
    """The list of a project, or of the system; None while nobody wrote one."""
    row = work.db.execute(
        select(
            CveAllowlist.id, CveAllowlist.expires_at, CveAllowlist.items, CveAllowlist.created_at,
            CveAllowlist.updated_at,
        ).where(CveAllowlist.project_id == project_id)
    ).one_or_none()  # fmt: skip
    return None if row is None else Allowlist(*row)


def set_allowlist(
    work: Work, project_id: int, items: Sequence[str], *, expires_at: int | None, project_name: str = ""
) -> None:
    """Replace the list of a project, or of the system.

    Args:
        expires_at: Unix seconds; None: never.

    Raises:
        AllowlistInvalid: an entry twice, an empty one, a very long one, or too many.
    """
    cleaned = [item.strip() for item in items]
    bad = any(not item or len(item) > MAX_ITEM_CHARACTERS or not item.isprintable() for item in cleaned)
    if bad or len(set(cleaned)) != len(cleaned) or len(cleaned) > MAX_ITEMS:
        raise AllowlistInvalid
    if expires_at is not None and not 0 <= expires_at <= MAX_SECONDS:
        raise AllowlistInvalid("expires_at is a number of seconds since 1970, 0 or more.")
    values: dict[str, object] = {"items": cleaned, "expires_at": expires_at, "updated_at": work.now}
    mine = update(CveAllowlist).where(CveAllowlist.project_id == project_id).values(values)
    if work.db.execute(mine).rowcount == 0:
        try:
            with work.db.begin_nested():
                work.db.execute(insert(CveAllowlist).values(project_id=project_id, created_at=work.now, **values))
        except IntegrityError:
            work.db.execute(mine)
    work.emit(AllowlistChanged(project_id or None, project_name, len(cleaned)))
