"""Policies of replication."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Integer, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, Name, UtcTime, live_index


class ReplicationPolicy(Base):
    """What is copied where, and when.

    One of the registries is null: that side is this registry. `filters` as `rules.Filter` has them. `trigger` is the
    contract's word. `replace_count` -1: all but the last part of a name. `speed_kb` is in KiB/s for each artifact that
    is on its way; 0: as fast as it goes.
    """

    __tablename__ = "replication_policy"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("(src_registry_id IS NULL) <> (dest_registry_id IS NULL)", name="direction"),
        live_index("ix_replication_policy_src", "src_registry_id", where="src_registry_id IS NOT NULL"),
        live_index("ix_replication_policy_dest", "dest_registry_id", where="dest_registry_id IS NOT NULL"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Text, server_default="")
    src_registry_id: Mapped[int | None] = mapped_column(ForeignKey("registry.id"))
    dest_registry_id: Mapped[int | None] = mapped_column(ForeignKey("registry.id"))
    dest_namespace: Mapped[str] = mapped_column(Name, server_default="")
    replace_count: Mapped[int] = mapped_column(SmallInteger, server_default="-1")
    filters: Mapped[list[dict[str, object]]] = mapped_column(Json)
    trigger: Mapped[str] = mapped_column(String(16))
    cron: Mapped[str] = mapped_column(String(255), server_default="")
    replicate_deletion: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    override: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    enabled: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    speed_kb: Mapped[int] = mapped_column(Integer, server_default="0")
    copy_by_chunk: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    single_active: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    creator: Mapped[str] = mapped_column(Name, server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
