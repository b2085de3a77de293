"""What a proxy knows of its upstream beside the artifacts that it keeps."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import Base, Name, UtcTime

_CLUSTERED = {"sqlite_with_rowid": False}


class ProxyTag(Base):
    """Where a tag led when the upstream was asked last, at `checked_at`; `digest` null: nowhere, it was gone.

    `path` is the whole name of the repository here, which need not exist yet.
    """

    __tablename__ = "proxy_tag"
    __table_args__ = (_CLUSTERED,)

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Name, primary_key=True)
    name: Mapped[str] = mapped_column(Name, primary_key=True)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(65))
    checked_at: Mapped[datetime] = mapped_column(UtcTime)


class ProxyManifest(Base):
    """A manifest that was fetched and is no artifact yet, because blobs that it names are not here."""

    __tablename__ = "proxy_manifest"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Name, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(65), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(255))
    bytes: Mapped[bytes] = mapped_column(LargeBinary)
    fetched_at: Mapped[datetime] = mapped_column(UtcTime)
