"""Tables of executions, tasks, workers and schedules; the task table is the queue."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, UtcTime, live_index

UNFINISHED = "status IN ('Pending', 'Scheduled', 'Running')"
"""The condition of tasks that may still do something; the words of the index, so that PostgreSQL finds it."""


class Execution(Base):
    """One run of a policy or a maintenance action, as the API shows it.

    `status` is Running until every task has ended, then what `queue.settle` finds.
    """

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
    """One unit of work of an execution, run by a worker.

    `attempt` fences: a worker may write only while the number and the worker are still those of its claim. A task
    that is Scheduled becomes Pending at `due_at`. `failures` counts attempts that raised, `lost` those whose worker
    died. `rate` is per second, of bytes where there are any.
    """

    __tablename__ = "task"
    __table_args__ = (
        live_index("ix_task_ready", text("priority DESC"), "id", where="status = 'Pending'"),
        live_index("ix_task_due", "due_at", where="status = 'Scheduled'"),
        live_index("ix_task_running", "worker", where="status = 'Running'"),
        live_index("ix_task_unfinished", "execution_id", where=UNFINISHED),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("execution.id", ondelete="CASCADE"), index=True)
    vendor_type: Mapped[str] = mapped_column(String(32))
    job: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, object]] = mapped_column(Json, server_default="{}")
    status: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text, server_default="")
    extra: Mapped[dict[str, object]] = mapped_column(Json, server_default="{}")
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(UtcTime)
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    lost: Mapped[int] = mapped_column(Integer, server_default="0")
    worker: Mapped[str | None] = mapped_column(String(64))
    stop_asked: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total: Mapped[int] = mapped_column(BigInteger, server_default="0")
    done_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rate: Mapped[float] = mapped_column(Float, server_default="0")
    log_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class TaskLog(Base):
    """A piece of a task's log, of at most 64 KiB of UTF-8; the pieces in the order of their ids are the log."""

    __tablename__ = "task_log"
    __table_args__ = (Index("ix_task_log_task_id_id", "task_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)


class TaskTotal(Base):
    """How many attempts at tasks have ended with a result, and the seconds that they took together.

    It only grows: tasks themselves are deleted with their executions. `result` is a word of the metrics
    (`claim.RESULTS`).
    """

    __tablename__ = "task_total"

    vendor_type: Mapped[str] = mapped_column(String(32), primary_key=True)
    result: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Float)


class Worker(Base):
    """A process that takes up tasks. `id` is a claim (`moorage.process_claims`), new for each life of a process."""

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int] = mapped_column(BigInteger)
    slots: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(UtcTime)
    heartbeat_at: Mapped[datetime] = mapped_column(UtcTime)


class Schedule(Base):
    """When an execution of `vendor_type` and `vendor_id` starts by itself.

    `next_at` is null while there is nothing to wait for. `ticked_at` is the newest tick that was fired, which is never
    fired again.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        UniqueConstraint("vendor_type", "vendor_id"),
        live_index("ix_schedule_next_at", "next_at", where="next_at IS NOT NULL"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    vendor_type: Mapped[str] = mapped_column(String(32))
    vendor_id: Mapped[int] = mapped_column(BigInteger, server_default="-1")
    kind: Mapped[str] = mapped_column(String(16))
    cron: Mapped[str] = mapped_column(String(255))
    job: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, object]] = mapped_column(Json, server_default="{}")
    extra: Mapped[dict[str, object]] = mapped_column(Json, server_default="{}")
    next_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ticked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


class Pause(Base):
    """A queue that is paused: a vendor type whose tasks nobody takes up, or SCHEDULER for all schedules."""

    __tablename__ = "pause"

    vendor_type: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
