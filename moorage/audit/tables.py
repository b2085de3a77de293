"""Who did what."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, UtcTime


class Audit(Base):
    """One change, in the transaction of the change, or one refusal, in one of its own.

    No foreign keys: a row must outlive what it speaks of. `repeats` counts the same refusal by the same actor
    from the same address within 60 s.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_project", "project_id", text("id DESC")),
        Index("ix_audit_principal", "principal_id", text("id DESC")),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    principal_id: Mapped[int | None] = mapped_column(BigInteger)
    principal_name: Mapped[str] = mapped_column(String(255), server_default="")
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
