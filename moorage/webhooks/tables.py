"""Policies, and what is to be delivered or was."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, LargeBinary, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, Name, UtcTime, live_index
from moorage.db.encrypted_columns import SEALED

WAITING, QUEUED, DONE = "waiting", "queued", "done"


class WebhookPolicy(Base):
    """Which events of a project go where.

    `targets` as `service.Target` has them, without secrets; `sealed_secrets` is a JSON object sealed for this row
    (`service.Secrets`). `repositories` and `tags` select what is told of (`{"kind", "pattern"}`); null: all. `trusted`:
    a system administrator gave the addresses, so they may be in a private network.
    """

    __tablename__ = "webhook_policy"
    __table_args__ = (UniqueConstraint("project_id", "name"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Text, server_default="")
    enabled: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    event_types: Mapped[list[str]] = mapped_column(Json)
    targets: Mapped[list[dict[str, object]]] = mapped_column(Json)
    sealed_secrets: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
    repositories: Mapped[dict[str, str] | None] = mapped_column(Json)
    tags: Mapped[dict[str, str] | None] = mapped_column(Json)
    trusted: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    creator: Mapped[str] = mapped_column(Name, server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


class WebhookDelivery(Base):
    """One event to deliver to one target of a policy.

    `event_id` is the same in every attempt and redelivery, so that receivers can tell repeats. `state`: `waiting` for
    an earlier one of the same `lane` (a repository), `queued` with a task, `done`. `fact` is what happened
    (`payload.Fact`); `attempts` has the last ones with request and response.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        live_index("ix_webhook_delivery_lane", "policy_id", "lane", "id", where="state <> 'done'"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("execution.id", ondelete="CASCADE"), index=True)
    policy_id: Mapped[int] = mapped_column(BigInteger)
    target: Mapped[int] = mapped_column(SmallInteger)
    lane: Mapped[str] = mapped_column(Name)
    event_id: Mapped[str] = mapped_column(String(36))
    event_type: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(8))
    fact: Mapped[dict[str, object]] = mapped_column(Json)
    attempts: Mapped[list[dict[str, object]]] = mapped_column(Json, server_default="[]")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
