"""Projects, their allowlists of vulnerabilities, and the trash that deleted things wait in."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, Name, UtcTime, live_index
from moorage.db.trigrams import index_trigrams


class Project(Base):
    """The owner of repositories, members and rules.

    `epoch` grows by 1 when tokens that name the project must stop working (made private, a group's role lowered).
    `trash_id` is set while the project is in the trash. `repository_count` is written by the repositories' own code,
    so that a list of projects needs no count; `immutable_rules`, the number of enabled ones, by the rules', so that a
    push into a project without any need not look; `has_trash`, whether a push has to look what holds its blobs, by
    who deletes, restores and purges, under the closed gate. `settings` holds the contract's metadata but `public`,
    texts by name (`metadata.py`). `registry_id` is set in a proxy-cache project. `pushed_at`, when something was last
    pushed there, is written some seconds later (`artifacts.days`), so that a push need not touch this row.
    """

    __tablename__ = "project"
    __table_args__ = (
        live_index("uq_project_name", "name", where="trash_id IS NULL", unique=True),
        # Who may see what is answered from this one, without the rows.
        live_index("ix_project_live", "id", "public", "repository_count", "trash_id", where="trash_id IS NULL"),
        live_index("ix_project_trash_id", "trash_id", where="trash_id IS NOT NULL"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Name)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id", ondelete="SET NULL"), index=True)
    public: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    pull_policy: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    trash_days: Mapped[int] = mapped_column(Integer, server_default="7")
    epoch: Mapped[int] = mapped_column(BigInteger, server_default="0")
    registry_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("registry.id"), index=True)
    repository_count: Mapped[int] = mapped_column(BigInteger, server_default="0")
    immutable_rules: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    has_trash: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    settings: Mapped[dict[str, object]] = mapped_column(Json, server_default="{}")
    trash_id: Mapped[int | None] = mapped_column(ForeignKey("trash.id"))
    pushed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


index_trigrams(Project.metadata.tables["project"], "name")


class Trash(Base):
    """One act of deleting; everything that it took along carries its id.

    `kind`: tag, artifact, repository or project; `repository_id` is null for a project. `purging`: there is no way
    back. What was deleted is called `label`.
    """

    __tablename__ = "trash"
    __table_args__ = (
        Index("ix_trash_project", "project_id", "id"),
        live_index("ix_trash_repository", "repository_id", where="repository_id IS NOT NULL"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(BigInteger)
    repository_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Name)
    label: Mapped[str] = mapped_column(Name)
    reason: Mapped[str] = mapped_column(Name, server_default="")
    principal_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id", ondelete="SET NULL"))
    deleted_at: Mapped[datetime] = mapped_column(UtcTime)
    purge_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    purging: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))


class CveAllowlist(Base):
    """Vulnerabilities that no policy minds: of one project, or (project 0) of the system.

    `expires_at` is in Unix seconds, as the contract has it; null: never. `items` is a list of ids such as
    CVE-2024-3094.
    """

    __tablename__ = "cve_allowlist"
    __table_args__ = (UniqueConstraint("project_id"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    items: Mapped[list[str]] = mapped_column(Json, server_default="[]")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
