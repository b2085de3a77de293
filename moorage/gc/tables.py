"""What the collector remembers from run to run."""

from datetime import datetime

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import Base, UtcTime


class GcState(Base):
    """One row, made by the first run: `seen_at` is the database's latest time that a run saw.

    Until `held_until`, in the database's time, nothing is let go.
    """

    __tablename__ = "gc_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
    held_until: Mapped[datetime | None] = mapped_column(UtcTime)
