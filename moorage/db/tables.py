"""The tables that belong to the database itself."""

from sqlalchemy import BigInteger, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import Base


class Probe(Base):
    """One row, written by the readiness check: a database that takes no writes is not ready."""

    __tablename__ = "probe"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger, server_default="0")


class SealKey(Base):
    """A key that secrets in this database may be sealed with. A start without one of them is refused."""

    __tablename__ = "seal_key"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
