"""Principals (users and robots), groups, sessions and refresh tokens."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, Name, UtcTime, live_index
from moorage.db.encrypted_columns import SEALED


class Principal(Base):
    """Whoever can sign in. A user and a robot have this id as their primary key.

    `folded` is the name in NFC and casefolded: two names that differ only by case are one (Active Directory does
    not tell case apart). `epoch` grows by 1 whenever older tokens must stop working. `used_at`: when it was last let
    in, to a minute; null: never.
    """

    __tablename__ = "principal"
    __table_args__ = (
        CheckConstraint("kind IN ('user', 'robot')", name="kind"),
        live_index("uq_principal_name", "kind", "folded", where="deleted_at IS NULL", unique=True),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(Name)
    folded: Mapped[str] = mapped_column(Name)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default="0")
    disabled: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class User(Base):
    """A person.

    `source` is where the account comes from (`local`, `ldap`, `oidc`, `header`); a name belongs to one source.
    `password` is an argon2id hash, empty for accounts that sign in elsewhere.
    """

    __tablename__ = "user_account"
    __table_args__ = (
        live_index("uq_user_account_email", "email_folded", where="email_folded IS NOT NULL", unique=True),
        UniqueConstraint("source", "source_subject"),
    )

    principal_id: Mapped[int] = mapped_column(
        ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    email: Mapped[str | None] = mapped_column(String(255))
    email_folded: Mapped[str | None] = mapped_column(Name)
    realname: Mapped[str] = mapped_column(String(255), server_default="")
    comment: Mapped[str] = mapped_column(Text, server_default="")
    admin: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    admin_by_source: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    password: Mapped[str] = mapped_column(String(255), server_default="")
    source: Mapped[str] = mapped_column(String(16), server_default="local")
    source_subject: Mapped[str | None] = mapped_column(String(255))


class Robot(Base):
    """An account for machines. Stored without its prefix: `name` of a system robot, `project+name` of a project's.

    `secret` is a salted hash of a random secret; `old_secret` is still good until `old_secret_until` (rotation
    with an overlap), and was set at `secret_at`. `expires_at` null: never.
    """

    __tablename__ = "robot"

    principal_id: Mapped[int] = mapped_column(
        ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    description: Mapped[str] = mapped_column(Text, server_default="")
    secret: Mapped[bytes] = mapped_column(LargeBinary(64))
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    secret_at: Mapped[datetime | None] = mapped_column(UtcTime)
    old_secret: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    old_secret_until: Mapped[datetime | None] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    duration_days: Mapped[int] = mapped_column(BigInteger, server_default="-1")
    visible: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    creator_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id", ondelete="SET NULL"))


class RobotPermission(Base):
    """What a robot may do: an action on a resource, in one project, in all projects, or in the system."""

    __tablename__ = "robot_permission"
    __table_args__ = (
        CheckConstraint("scope IN ('system', 'all', 'project')", name="scope"),
        CheckConstraint("(scope = 'project') = (project_id IS NOT NULL)", name="project"),
        Index("ix_robot_permission_robot", "robot_id", "project_id"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    robot_id: Mapped[int] = mapped_column(ForeignKey("robot.principal_id", ondelete="CASCADE"))
    scope: Mapped[str] = mapped_column(String(8))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    resource: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(32))


class Group(Base):
    """A group of users. `kind` is the contract's number: 1 LDAP, 2 HTTP, 3 OIDC."""

    __tablename__ = "user_group"
    __table_args__ = (UniqueConstraint("kind", "key"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Name)
    key: Mapped[str] = mapped_column(String(512))
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class GroupMember(Base):
    """That a user is in a group, as of the last sign-in."""

    __tablename__ = "group_member"
    __table_args__ = ({"sqlite_with_rowid": False},)

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("user_group.id", ondelete="CASCADE"), primary_key=True, index=True)


class OidcUser(Base):
    """What belongs to somebody who signs in through an OpenID provider.

    `cli_secret` is an argon2id hash, empty: none was made. `refresh_token` is the provider's, sealed: with it we ask
    now and then (`checked_at`) whether they are still there; null: we were given none, or gave it back. `gone_at`: the
    provider said no, and the CLI secret does not work until they sign in again.
    """

    __tablename__ = "oidc_user"

    principal_id: Mapped[int] = mapped_column(
        ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    issuer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    cli_secret: Mapped[str] = mapped_column(String(255), server_default="")
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
    checked_at: Mapped[datetime] = mapped_column(UtcTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcTime)


class OidcFlow(Base):
    """What of a sign-in through an OpenID provider has to outlive one request, for 10 minutes.

    `id` is the SHA-256 of a state that was used, `data` null; or of what the browser holds of somebody who still has
    to choose a user name, with what the provider said of them in `data`, sealed.
    """

    __tablename__ = "oidc_flow"

    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    data: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class AccessToken(Base):
    """A personal access token: the SHA-256 of 256 random bits, which are shown once.

    `scopes` is a list of words with a space between them, `projects` one of ids; null: all. `expires_at` null: never.
    """

    __tablename__ = "access_token"
    __table_args__ = (UniqueConstraint("principal_id", "name"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    secret: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[str] = mapped_column(String(64))
    projects: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Session(Base):
    """A signed-in browser. The cookie is stored hashed."""

    __tablename__ = "session"

    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[dict[str, object]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class Preferences(Base):
    """What a person wants of the portal: a JSON object that the server keeps and does not read, at most 16 KiB."""

    __tablename__ = "preferences"

    principal_id: Mapped[int] = mapped_column(
        ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    document: Mapped[bytes] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


class RefreshToken(Base):
    """A refresh token, as of `docker login`: 256 random bits, stored hashed, bound to principal and service.

    `access_token_id`: of the access token that it was got with, and ends with.
    """

    __tablename__ = "refresh_token"

    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    service: Mapped[str] = mapped_column(String(64))
    client_id: Mapped[str] = mapped_column(String(128), server_default="")
    access_token_id: Mapped[int | None] = mapped_column(ForeignKey("access_token.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
