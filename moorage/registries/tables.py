"""Other registries."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, Name, UtcTime
from moorage.db.encrypted_columns import SEALED


class Registry(Base):
    """An endpoint of another registry.

    `kind` is that of its adapter. The secret is sealed for this row. `trusted`: a system administrator gave the
    address, so it may be in a private network. `token_hosts`: other hosts that issue its tokens. `status` is `healthy`,
    `unhealthy` or empty (nobody has looked yet) since `status_at`, `status_reason` says why it is unhealthy; the look
    took `latency_ms`.
    """

    __tablename__ = "registry"
    __table_args__ = (UniqueConstraint("name"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(String(32))
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    credential_type: Mapped[str] = mapped_column(String(32), server_default="")
    access_key: Mapped[str] = mapped_column(Text, server_default="")
    sealed_secret: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
    insecure: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    ca_certificate: Mapped[str] = mapped_column(Text, server_default="")
    token_hosts: Mapped[list[str]] = mapped_column(Json, server_default="[]")
    trusted: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    status: Mapped[str] = mapped_column(String(16), server_default="")
    status_reason: Mapped[str] = mapped_column(Text, server_default="")
    status_at: Mapped[datetime | None] = mapped_column(UtcTime)
    latency_ms: Mapped[int | None] = mapped_column(BigInteger)
    checked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
