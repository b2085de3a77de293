"""Tables of limits and usage."""

from sqlalchemy import BigInteger, ForeignKey, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import Base


class Quota(Base):
    """The limits of a project: bytes, repositories, tags; -1: none. `used_tags` counts only where there is a limit.

    `trash_bytes`: what of the bytes only the trash holds; it counts against the limit, and not as used.
    """

    __tablename__ = "quota"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    limit_bytes: Mapped[int] = mapped_column(BigInteger, server_default="-1")
    limit_repositories: Mapped[int] = mapped_column(Integer, server_default="-1")
    limit_tags: Mapped[int] = mapped_column(Integer, server_default="-1")
    used_tags: Mapped[int] = mapped_column(BigInteger, server_default="0")
    trash_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")


class QuotaSlot(Base):
    """A part of a project's counter. Only sums over the slots mean anything; `cap_bytes` null: no limit."""

    __tablename__ = "quota_slot"
    __table_args__ = ({"sqlite_with_rowid": False},)

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    used_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    cap_bytes: Mapped[int | None] = mapped_column(BigInteger)
