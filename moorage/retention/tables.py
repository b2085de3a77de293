"""Policies, and what runs found of each artifact."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, UtcTime

_CLUSTERED = {"sqlite_with_rowid": False}


class RetentionPolicy(Base):
    """What stays in a project: at most one for each. `rules` as `rules.RuleBody` has them; `cron` "": no schedule."""

    __tablename__ = "retention_policy"
    __table_args__ = (UniqueConstraint("project_id"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    rules: Mapped[list[dict[str, object]]] = mapped_column(Json)
    cron: Mapped[str] = mapped_column(String(255), server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


class RetentionVerdict(Base):
    """What a task found of an artifact, in the order of the plan; what a run deletes is what stands here.

    `verdict`: see `plan.VERDICTS`. `reasons` has an entry for each rule that was asked (`rules.Reason`). `tags`,
    `pushed_at` and `pulled_at` are what the plan saw: where they are not so any more, nothing is deleted.
    """

    __tablename__ = "retention_verdict"
    __table_args__ = (_CLUSTERED,)

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    artifact_id: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary(65))
    kind: Mapped[str] = mapped_column(String(255))
    tags: Mapped[list[str]] = mapped_column(Json)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    pushed_at: Mapped[datetime] = mapped_column(UtcTime)
    pulled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    verdict: Mapped[str] = mapped_column(String(12))
    reasons: Mapped[list[dict[str, object]]] = mapped_column(Json)
