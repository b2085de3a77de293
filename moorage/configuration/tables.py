"""The one row of the live settings."""

from datetime import datetime

from sqlalchemy import BigInteger, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import Base, Json, UtcTime


class Configuration(Base):
    """One row; none yet means that everything has its default.

    `items` holds what was set and differs from the default, `fixed` what the environment sets instead; a secret is
    there in base64, sealed for its own name. `version` grows with each change.
    """

    __tablename__ = "configuration"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
    items: Mapped[dict[str, object]] = mapped_column(Json)
    fixed: Mapped[dict[str, object]] = mapped_column(Json)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
