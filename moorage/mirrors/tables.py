"""What leads into which project."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Name, UtcTime

HOST, PORT, NS = "host", "port", "ns"


class Mirror(Base):
    """A name under which clients ask for what a project holds.

    `kind`: `host` (with or without a port), `port`, or `ns`, the registry that containerd names in the query. A mirror
    of a project in the trash stays, and leads nowhere.
    """

    __tablename__ = "mirror"
    __table_args__ = (UniqueConstraint("kind", "name"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(Name)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
