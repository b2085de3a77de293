"""Find a page in the middle of the audit log without reading the rows before it.

The log is counted in parts of 16,384 ids (`counts.py`). Whole parts are skipped by their counts, from the end that is
nearer; what is left to pass over is one part at most. For an order by time a part knows its oldest and its newest row:
rows that were written out of order, which lie beside those of other parts, are counted one by one.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, func, select

from moorage.audit.row_counts import ABOVE_MARK, PART_BITS, PROJECT
from moorage.audit.tables import Audit, AuditPart, AuditSpan
from moorage.db.base import UtcTime
from moorage.db.compiled_statements import Prepared, each
from moorage.db.statements import Row
from moorage.db.unit_of_work import Work


class Edge(NamedTuple):
    """Where to look for a page, by ids or by moments. `skip`: rows of the caller that are passed over from `at` on."""

    at: Any
    until: Any
    skip: int


class Rows(NamedTuple):
    """Whose rows are counted, as statements that last.

    Attributes:
        sums: rows by part, of those below the mark.
        above: rows above the mark, and the oldest moment there, whosever.
        late: rows with `:from` <= at <= `:to` whose ids are `:low` to `:high`.
    """

    sums: Prepared
    above: Prepared
    late: Prepared


_SPANS = Prepared(select(AuditSpan.part, AuditSpan.first_at, AuditSpan.last_at).order_by(AuditSpan.part))
_LAST_ID = 2**62
_EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


def make_rows(projects: Any, *, only_done: bool) -> Rows:  # noqa: ANN401 - what SQL's IN takes
    """The statements for the rows of some projects; None: all.

    Args:
        only_done: without refusals.
    """
    table: Any = AuditSpan if projects is None else AuditPart
    counted = table.rows - table.refused if only_done else table.rows
    sums = select(table.part, func.sum(counted)).group_by(table.part)
    seen: list[ColumnElement[bool]] = []
    if projects is not None:
        sums = sums.where(AuditPart.project_id.in_(projects))
        seen.append(PROJECT.in_(projects))
    if only_done:
        seen.append(Audit.ok.is_(True))
    mine = select(func.count()).select_from(Audit).where(*ABOVE_MARK, *seen).scalar_subquery()
    # Not of the column itself: PostgreSQL would go through the index over it until it meets a row above the mark.
    above = select(mine, func.min(func.coalesce(Audit.at, Audit.at))).where(*ABOVE_MARK)
    late = (
        select(func.count())
        .select_from(Audit)
        .where(
            Audit.at >= bindparam("from", type_=UtcTime()),
            Audit.at <= bindparam("to", type_=UtcTime()),
            Audit.id >= bindparam("low", type_=Audit.id.type),
            Audit.id <= bindparam("high", type_=Audit.id.type),
            *seen,
        )
    )
    return Rows(Prepared(sums), Prepared(above), Prepared(late))


def find_edge(
    work: Work, rows: Rows, values: dict[str, Any], skip: int, size: int, *, by_time: bool, descends: bool
) -> Edge | None:
    """Where to look for `size` rows, when `skip` come before them; None: no whole part does.

    Args:
        values: of the parameters in `rows`.
        by_time: the order is that of time, then ids; else that of ids.
        descends: it begins with the newest.

    Cost: three statements, by time perhaps four; on PostgreSQL one or two round trips.
    """
    sums, spans, above = each(work, (rows.sums, values), (_SPANS, {}), (rows.above, values))
    counts = {part: int(count) for part, count in sums}
    unfolded, first_unfolded = above[0]
    if descends:
        spans.reverse()
    # Rows above the mark come first, or last. The last part may be half of one, the other half being above the mark.
    passed, at = int(unfolded) if descends else 0, 0
    while at < len(spans) - 1 and passed + counts.get(spans[at][0], 0) <= skip:
        passed += counts.get(spans[at][0], 0)
        at += 1
    if passed > skip or at == 0:
        return None
    before, behind = spans[:at], spans[at:]
    low, high = (before[-1][0] << PART_BITS, _LAST_ID) if descends else (0, _end_of(before[-1][0]))
    edge: Any = low if descends else high
    if by_time:
        first = _times(before if descends else behind, first_unfolded)[0]
        last = _times(behind if descends else before, None)[1]
        edge = last if descends else first
        if first <= last:  # some were written out of order
            skip += int(rows.late.scalar(work, {**values, "from": first, "to": last, "low": low, "high": high}))
    needed: list[Row] = []
    found = passed
    for span in behind:
        needed.append(span)
        found += counts.get(span[0], 0)
        if found >= skip + size:
            break
    is_enough = found >= skip + size
    if by_time:
        ends = _times(needed, None) if is_enough else _EVER
        return Edge(edge, ends[0] if descends else ends[1], skip - passed)
    if descends:
        return Edge(edge, needed[-1][0] << PART_BITS if is_enough else 0, skip - passed)
    return Edge(edge, _end_of(needed[-1][0]) if is_enough else _LAST_ID, skip - passed)


def _end_of(part: int) -> int:
    """The last id of a part."""
    return (part + 1 << PART_BITS) - 1


def _times(spans: Sequence[Row], unfolded: datetime | None) -> tuple[datetime, datetime]:
    """The oldest and the newest moment of some parts; the oldest also of the rows above the mark."""
    first: datetime = min(span[1] for span in spans)
    last: datetime = max(span[2] for span in spans)
    return first if unfolded is None else min(first, unfolded), last


@cache
def edge_condition(*, by_time: bool, descends: bool) -> ColumnElement[bool]:
    """That a row lies between `:edge` and `:until`. Both are said, or PostgreSQL takes it for half of the log."""
    kind: Any = UtcTime() if by_time else Audit.id.type
    edge, until = bindparam("edge", type_=kind), bindparam("until", type_=kind)
    if by_time:
        return and_(Audit.at <= edge, Audit.at >= until) if descends else and_(Audit.at >= edge, Audit.at <= until)
    return and_(Audit.id < edge, Audit.id >= until) if descends else and_(Audit.id > edge, Audit.id <= until)
