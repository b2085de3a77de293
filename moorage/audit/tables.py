"""Tables of audit rows, their totals and the position of the syslog export."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, Name, UtcTime


class Audit(Base):
    """One change, in the transaction of the change, or one refusal, in one of its own.

    No foreign keys: a row must outlive what it speaks of. `repeats` counts the same refusal by the same actor
    from the same address within 60 s, or the same pulls within two. Each index serves one question of the list, newest
    or oldest first, and its count without a look at the rows.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_at", "at", "id", "ok", "project_id"),
        Index("ix_audit_project", "project_id", "at", "id", "ok"),
        Index("ix_audit_principal", "principal_name", "at", "id"),
        Index("ix_audit_operation", "operation", "at", "id", "resource_type"),
        Index("ix_audit_resource_type", "resource_type", "at", "id", "operation"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    principal_id: Mapped[int | None] = mapped_column(BigInteger)
    principal_name: Mapped[str] = mapped_column(Name, server_default="")
    credential: Mapped[str] = mapped_column(String(32), server_default="")
    address: Mapped[str] = mapped_column(String(64), server_default="")
    request_id: Mapped[str] = mapped_column(String(64), server_default="")
    project_id: Mapped[int | None] = mapped_column(BigInteger)
    resource_type: Mapped[str] = mapped_column(String(32))
    resource: Mapped[str] = mapped_column(Text)
    operation: Mapped[str] = mapped_column(String(32))
    ok: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    repeats: Mapped[int] = mapped_column(Integer, server_default="1")
    detail: Mapped[dict[str, object]] = mapped_column(Json, server_default="{}")


class AuditCount(Base):
    """How many rows of a project (0: of none) there are up to `AuditMark.upto`, and how many of those are refusals."""

    __tablename__ = "audit_count"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    rows: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)


class AuditPart(Base):
    """How many rows of a project (0: of none) a part of the log holds, of those up to `AuditMark.upto`.

    A part are 16,384 ids in a row: `part` is the id without its last 14 bits.
    """

    __tablename__ = "audit_part"
    __table_args__ = ({"sqlite_with_rowid": False},)

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    part: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    rows: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)


class AuditSpan(Base):
    """A part of the log as a whole: no row of it, of those that were counted, is older or newer than this."""

    __tablename__ = "audit_span"

    part: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    rows: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime] = mapped_column(UtcTime)
    last_at: Mapped[datetime] = mapped_column(UtcTime)


class AuditMark(Base):
    """Up to which id rows are counted in `AuditCount`: one row with the id 1.

    PostgreSQL only: `candidate` was the newest id when `candidate_at` and the transaction `candidate_xmax` were still
    to come; once they are past, no row up to it can appear any more.
    """

    __tablename__ = "audit_mark"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    upto: Mapped[int] = mapped_column(BigInteger, server_default="0")
    candidate: Mapped[int | None] = mapped_column(BigInteger)
    candidate_xmax: Mapped[int | None] = mapped_column(BigInteger)
    candidate_at: Mapped[datetime | None] = mapped_column(UtcTime)


class AuditExport(Base):
    """What the receiver `endpoint` (`HOST:PORT`) has got: all rows up to `upto`, except those of `missing`.

    `missing`: ids that were not visible (PostgreSQL: perhaps not committed) when the ones after them were sent.
    Shape: [[first, last, xmax, seconds since 1970], ...]. One process sends at a time: who holds the lease.
    """

    __tablename__ = "audit_export"

    endpoint: Mapped[str] = mapped_column(Name, primary_key=True)
    upto: Mapped[int] = mapped_column(BigInteger)
    missing: Mapped[list[list[float]]] = mapped_column(Json, server_default="[]")
    lease_owner: Mapped[str] = mapped_column(String(36), server_default="")
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcTime)
    error: Mapped[str] = mapped_column(Text, server_default="")
