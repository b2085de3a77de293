"""Executions and tasks: the truth for people about background work."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, UtcTime


class Execution(Base):
    """One run of a policy or a maintenance action, as the API shows it."""

    __tablename__ = "execution"
    __table_args__ = (Index("ix_execution_vendor", "vendor_type", "vendor_id", text("id DESC")), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    vendor_type: Mapped[str] = mapped_column(String(32))
    vendor_id: Mapped[int] = mapped_column(BigInteger, server_default="-1")
    status: Mapped[str] = mapped_column(String(16))
    status_message: Mapped[str] = mapped_column(Text, server_default="")
    trigger: Mapped[str] = mapped_column(String(16))
    principal_id: Mapped[int | None] = mapped_column(BigInteger)
    extra: Mapped[dict[str, object]] = mapped_column(Json, server_default="{}")
    started_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Task(Base):
    """One unit of work of an execution; what a worker picks up.

    `attempt` fences: a worker may write only while the number is still the one that it claimed.
    """

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_status", "status", "id"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("execution.id", ondelete="CASCADE"), index=True)
    job: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, object]] = mapped_column(Json, server_default="{}")
    status: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcTime)
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total: Mapped[int] = mapped_column(BigInteger, server_default="0")
    done_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
