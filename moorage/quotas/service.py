"""Charge and refund bytes of a project, within its limit.

The counter of a project is split into slots, so that pushes to one project do not wait for each other on
PostgreSQL: the sum of the slots' caps is the limit, and a slot is charged only up to its cap, so no sum is needed
to be safe. Take the slot last in a transaction: whoever holds it waits for nothing else.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, func, insert, select, update

from moorage.configuration.service import get_items
from moorage.db.hand_written_sql import Call, call, each
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import ProjectUnknown, QuotaExceeded, QuotaInvalid
from moorage.quotas.limits import NO_LIMITS, Limits
from moorage.quotas.tables import Quota, QuotaSlot

UNLIMITED = -1
MAX_LIMIT_BYTES = 1_125_899_906_842_624
SLOTS = 8
"""Slots of a new project on PostgreSQL (docs/develop/quotas.md); on SQLite, which has one writer anyway, it is one."""

_CLOSED = -(2**62)
"""The cap of slots whose project is over its limit: no slot may be charged, however much it alone gives back."""


class Usage(msgspec.Struct, frozen=True):
    """Usage and limit of a project, in bytes.

    Attributes:
        used_bytes: without what only the trash holds, which is `trash_bytes`; the limit bounds both together.
        limit_bytes: -1: no limit.
    """

    used_bytes: int
    trash_bytes: int
    limit_bytes: int


_CHARGE = Query(
    """UPDATE quota_slot SET used_bytes = used_bytes + $2
WHERE project_id = $1 AND slot = (
    SELECT free.slot FROM quota_slot free
    WHERE free.project_id = $1 AND (free.cap_bytes IS NULL OR free.used_bytes + $2 <= free.cap_bytes)
    LIMIT 1 {lock:FOR UPDATE SKIP LOCKED})
RETURNING slot"""
)
_CHARGE_ONE = Query(
    "",
    postgresql="""UPDATE quota_slot SET used_bytes = used_bytes + $2
WHERE project_id = $1 AND slot = (SELECT slot FROM quota_slot WHERE project_id = $1 ORDER BY random() LIMIT 1)
    AND (cap_bytes IS NULL OR used_bytes + $2 <= cap_bytes)
RETURNING slot""",
)
"""For when others hold all slots that have the room: wait for one of them. Whoever waits for all of them one after the
other holds those it has got, and so makes everybody else wait for all."""
_ROOM = Query(
    """SELECT q.project_id, q.limit_bytes, q.trash_bytes, sum(s.used_bytes)
FROM quota q JOIN quota_slot s ON s.project_id = q.project_id
WHERE q.project_id = $1 GROUP BY q.project_id, q.limit_bytes, q.trash_bytes"""
)
_LOCK = (
    select(QuotaSlot.slot, QuotaSlot.used_bytes)
    .where(QuotaSlot.project_id == bindparam("project"))
    .order_by(QuotaSlot.slot)
    .with_for_update()
)
_REFUND = Query(
    """UPDATE quota_slot SET used_bytes = used_bytes - $2
WHERE project_id = $1 AND slot = (
    SELECT slot FROM quota_slot WHERE project_id = $1 LIMIT 1 {lock:FOR UPDATE SKIP LOCKED})
RETURNING slot"""
)
_REFUND_ONE = Query(
    "",
    postgresql="""UPDATE quota_slot SET used_bytes = used_bytes - $2
WHERE project_id = $1 AND slot = (SELECT slot FROM quota_slot WHERE project_id = $1 ORDER BY random() LIMIT 1)
RETURNING slot""",
)
_SET = (
    update(QuotaSlot)
    .where(QuotaSlot.project_id == bindparam("project"), QuotaSlot.slot == bindparam("which"))
    .values(used_bytes=bindparam("used"), cap_bytes=bindparam("cap"))
)
_TRASH = Query("UPDATE quota SET trash_bytes = trash_bytes + $2 WHERE project_id = $1")
_LIMIT = select(Quota.limit_bytes, Quota.trash_bytes).where(Quota.project_id == bindparam("project"))
_USAGE = (
    select(func.sum(QuotaSlot.used_bytes), Quota.trash_bytes, Quota.limit_bytes)
    .join(Quota, Quota.project_id == QuotaSlot.project_id)
    .where(QuotaSlot.project_id == bindparam("project"))
    .group_by(Quota.trash_bytes, Quota.limit_bytes)
)


def create(work: Work, project_id: int, limit_bytes: int = UNLIMITED, *, limits: Limits = NO_LIMITS) -> None:
    """Give a new project its limits and its counter.

    Raises:
        QuotaInvalid: the limit is neither -1 nor 1 to 2^50 bytes.
    """
    _require_limit(limit_bytes)
    work.db.execute(
        insert(Quota).values(
            project_id=project_id, limit_bytes=limit_bytes, limit_repositories=limits.repositories,
            limit_tags=limits.tags,
        )
    )  # fmt: skip
    caps = _share([0] * (SLOTS if work.db.dialect.name == "postgresql" else 1), limit_bytes)
    work.db.execute(
        insert(QuotaSlot),
        [{"project_id": project_id, "slot": slot, "used_bytes": 0, "cap_bytes": cap} for slot, cap in enumerate(caps)],
    )


def charge(work: Work, project_id: int, size_bytes: int) -> None:
    """Add `size_bytes` to what a project holds; 0 asks whether it is within its limit at all.

    Raises:
        QuotaExceeded: its limit does not allow it, and limits hold (`quota_per_project_enable`); nothing is charged.
        ProjectUnknown: it has no counter: it was purged.
    """
    settle_charge(work, project_id, size_bytes, each(work, (charging(project_id, size_bytes),))[0])


def charging(project_id: int, size_bytes: int) -> Call:
    """The first half of `charge`, for a caller who has more to run; the locks it takes are the last in the order."""
    if size_bytes < 0:
        raise ValueError("a charge is not negative")
    return call(_CHARGE, project_id, size_bytes)


def settle_charge(work: Work, project_id: int, size_bytes: int, rows: Sequence[Any]) -> None:
    """The second half, with the rows of `charging`: none means that no single slot had the room, or was free.

    Raises:
        QuotaExceeded, ProjectUnknown: as `charge`.
    """
    if rows or each(work, (call(_CHARGE_ONE, project_id, size_bytes),))[0]:
        return
    slots = _lock(work, project_id)
    limit, trash = work.db.execute(_LIMIT, {"project": project_id}).one()
    used = [slot.used_bytes for slot in slots]
    total = sum(used)
    if limit != UNLIMITED and total + size_bytes > limit and get_items(work).quota_per_project_enable:
        raise _exceeded(project_id, size_bytes, (total, trash, limit))
    used[0] += size_bytes
    _write(work, project_id, slots, used, limit)


def finding_room(project_id: int) -> Call:
    """The first half of `require_room`, for a caller who has more to run. It locks nothing."""
    return call(_ROOM, project_id)


def require_room(work: Work, rows: Sequence[Any]) -> None:
    """The second half, with the rows of `finding_room`: see that a project has room for a byte, if its trash goes.

    Raises:
        QuotaExceeded: it has none, and limits hold.
    """
    for project, limit, trash, used in rows:
        if limit != UNLIMITED and used - trash >= limit and get_items(work).quota_per_project_enable:
            raise _exceeded(project, None, (int(used), trash, limit))


def find_room(work: Work, project_id: int) -> int:
    """Return the bytes that are free beside the trash at this moment; never below 0."""
    for _, limit, _, used in each(work, (call(_ROOM, project_id),))[0]:
        return MAX_LIMIT_BYTES if limit == UNLIMITED else max(0, limit - int(used))
    return 0


def _exceeded(project_id: int, size_bytes: int | None, counts: tuple[int, int, int]) -> QuotaExceeded:
    """The refusal of so many bytes; None: the size was not told, and there is no room for any.

    Args:
        counts: what the project holds, what of it only the trash does, its limit.
    """
    total, trash, limit = counts
    usage, most = format_size(total - trash), format_size(limit)
    if size_bytes is None:
        return QuotaExceeded(
            f"the project is full: its current usage of {usage} of storage resource has reached the configured upper "
            f"limit of {most}. Delete what is not needed, or ask an administrator for a higher limit.",
            which="QUOTA_FULL",
            used_bytes=total - trash,
            trash_bytes=trash,
            limit_bytes=limit,
            left_bytes=max(0, limit - total + trash),
            project_id=project_id,
        )
    return QuotaExceeded(
        f"adding {format_size(size_bytes)} of storage resource, which when updated to current usage of {usage} will "
        f"exceed the configured upper limit of {most}.",
        asked_bytes=size_bytes,
        used_bytes=total - trash,
        trash_bytes=trash,
        limit_bytes=limit,
        left_bytes=max(0, limit - total + trash),
        project_id=project_id,
    )


def refund(work: Work, project_id: int, size_bytes: int) -> None:
    """Take `size_bytes` off what a project holds. A slot may fall below zero: only sums mean anything.

    Raises:
        ProjectUnknown: it has no counter: it was purged.
    """
    if size_bytes < 0:
        raise ValueError("a refund is not negative")
    for query in (_REFUND, _REFUND_ONE):
        if each(work, (call(query, project_id, size_bytes),))[0]:
            return
    raise ProjectUnknown


def count_trash(work: Work, project_id: int, by: int) -> None:
    """Note that the trash alone holds `by` bytes more, or less; what the project holds altogether stays the same."""
    if by:
        each(work, (counting_trash(project_id, by),))


def counting_trash(project_id: int, by: int) -> Call:
    """`count_trash`, for a caller who has more to run; only the slots come after it."""
    return call(_TRASH, project_id, by)


def set_limit(work: Work, project_id: int, limit_bytes: int) -> None:
    """Change the limit of a project; below what it holds is allowed and only refuses more.

    Raises:
        QuotaInvalid: the limit is neither -1 nor 1 to 2^50 bytes.
        ProjectUnknown: it has no counter.
    """
    _require_limit(limit_bytes)
    work.db.execute(update(Quota).where(Quota.project_id == project_id).values(limit_bytes=limit_bytes))
    slots = _lock(work, project_id)  # the slots last, as everywhere
    _write(work, project_id, slots, [slot.used_bytes for slot in slots], limit_bytes)


def recount(work: Work, project_id: int, held: Callable[[], int]) -> None:
    """Set what a project holds to what `held` finds, while nobody charges or refunds.

    Raises:
        ProjectUnknown: it has no counter.
    """
    slots = _lock(work, project_id)
    limit, _ = work.db.execute(_LIMIT, {"project": project_id}).one()
    _write(work, project_id, slots, [held(), *([0] * (len(slots) - 1))], limit)


def get_usage(work: Work, project_id: int) -> Usage:
    """Return the usage and limit of a project.

    Raises:
        ProjectUnknown: it has no counter.
    """
    row = work.db.execute(_USAGE, {"project": project_id}).one_or_none()
    if row is None:
        raise ProjectUnknown
    return Usage(int(row[0]) - row[1], row[1], row[2])


def format_size(size_bytes: int) -> str:
    """A size for people: `1.0 MiB`; below 1 KiB in whole bytes."""
    if abs(size_bytes) < 1024:
        return f"{size_bytes} B"
    size = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size /= 1024
        if abs(size) < 1023.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} PiB"


def _require_limit(limit_bytes: int) -> None:
    if limit_bytes != UNLIMITED and not 1 <= limit_bytes <= MAX_LIMIT_BYTES:
        raise QuotaInvalid(limit_bytes=limit_bytes)


def _lock(work: Work, project_id: int) -> Sequence[Row[int, int]]:
    """All slots of a project, locked in their order until the transaction ends."""
    slots = work.db.execute(_LOCK, {"project": project_id}).all()
    if not slots:
        raise ProjectUnknown
    return slots


def _write(work: Work, project_id: int, slots: Sequence[Row[int, int]], used: Sequence[int], limit_bytes: int) -> None:
    """Write locked slots, and share the room that the limit leaves among them anew."""
    caps = _share(used, limit_bytes)
    work.db.execute(
        _SET,
        [
            {"project": project_id, "which": slot.slot, "used": one, "cap": cap}
            for slot, one, cap in zip(slots, used, caps, strict=True)
        ],
    )


def _share(used: Sequence[int], limit_bytes: int) -> list[int | None]:
    """A cap for each slot, of which the sum is the limit, or less when the limit is passed already."""
    if limit_bytes == UNLIMITED:
        return [None] * len(used)
    room = limit_bytes - sum(used)
    if room < 0 and len(used) > 1:
        return [_CLOSED] * len(used)
    each, rest = divmod(room, len(used))
    return [one + each + (slot < rest) for slot, one in enumerate(used)]
