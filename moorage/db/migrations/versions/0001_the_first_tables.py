"""The first tables.

Locks: none, all tables are new.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The column types as they are now: a revision must not change when moorage.db.base does.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TAG = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables from the revision before to this one."""
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=True),
        sa.Column("principal_name", NAME, server_default="", nullable=False),
        sa.Column("credential", sa.String(length=32), server_default="", nullable=False),
        sa.Column("address", sa.String(length=64), server_default="", nullable=False),
        sa.Column("request_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("ok", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("repeats", sa.Integer(), server_default="1", nullable=False),
        sa.Column("detail", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at", "id", "ok", "project_id"], unique=False)
    op.create_index("ix_audit_operation", "audit", ["operation", "at", "id", "resource_type"], unique=False)
    op.create_index("ix_audit_principal", "audit", ["principal_name", "at", "id"], unique=False)
    op.create_index("ix_audit_project", "audit", ["project_id", "at", "id", "ok"], unique=False)
    op.create_index("ix_audit_resource_type", "audit", ["resource_type", "at", "id", "operation"], unique=False)
    op.create_table(
        "audit_count",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_audit_count")),
    )
    op.create_table(
        "audit_export",
        sa.Column("endpoint", NAME, nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("lease_owner", sa.String(length=36), server_default="", nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("failing_since", TIME, nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_audit_export")),
    )
    op.create_table(
        "audit_mark",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("upto", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("candidate", sa.BigInteger(), nullable=True),
        sa.Column("candidate_xmax", sa.BigInteger(), nullable=True),
        sa.Column("candidate_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_mark")),
    )
    op.create_table(
        "audit_part",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "part", name=op.f("pk_audit_part")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_span",
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_audit_span")),
    )
    op.create_table(
        "blob",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=65), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=True),
        sa.Column("seal", sa.String(length=128), nullable=True),
        sa.Column("idle_since", TIME, nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint("(state = 'live') = (live IS NOT NULL)", name=op.f("ck_blob_live")),
        sa.CheckConstraint("state IN ('arriving', 'live', 'doomed', 'gone')", name=op.f("ck_blob_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob")),
        sa.UniqueConstraint("id", "live", name=op.f("uq_blob_id_live")),
        sa.UniqueConstraint("key", name=op.f("uq_blob_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_blob_changed_at",
        "blob",
        ["changed_at"],
        unique=False,
        sqlite_where=sa.text("state <> 'live'"),
        postgresql_where=sa.text("state <> 'live'"),
    )
    op.create_index(
        "ix_blob_idle_since",
        "blob",
        ["idle_since"],
        unique=False,
        sqlite_where=sa.text("idle_since IS NOT NULL"),
        postgresql_where=sa.text("idle_since IS NOT NULL"),
    )
    op.create_index(
        "uq_blob_digest",
        "blob",
        ["digest"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )
    op.create_table(
        "configuration",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("fixed", sa.JSON(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration")),
    )
    op.create_table(
        "cve_allowlist",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("items", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cve_allowlist")),
        sa.UniqueConstraint("project_id", name=op.f("uq_cve_allowlist_project_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "execution",
        sa.Column("id", ID, nullable=False),
        sa.Column("vendor_type", sa.String(length=32), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_message", sa.Text(), server_default="", nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=True),
        sa.Column("extra", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_execution")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "gc_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("held_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gc_state")),
    )
    op.create_table(
        "oidc_flow",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_flow")),
    )
    op.create_index(op.f("ix_oidc_flow_expires_at"), "oidc_flow", ["expires_at"], unique=False)
    op.create_table(
        "pause",
        sa.Column("vendor_type", sa.String(length=32), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("vendor_type", name=op.f("pk_pause")),
    )
    op.create_table(
        "principal",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("folded", NAME, nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deleted_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.CheckConstraint("kind IN ('user', 'robot')", name=op.f("ck_principal_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principal")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_principal_name",
        "principal",
        ["kind", "folded"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "probe",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probe")),
    )
    op.create_table(
        "registry",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("credential_type", sa.String(length=32), server_default="", nullable=False),
        sa.Column("access_key", sa.Text(), server_default="", nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("insecure", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ca_certificate", sa.Text(), server_default="", nullable=False),
        sa.Column("token_hosts", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("trusted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="", nullable=False),
        sa.Column("status_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("status_at", TIME, nullable=True),
        sa.Column("latency_ms", sa.BigInteger(), nullable=True),
        sa.Column("checked_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry")),
        sa.UniqueConstraint("name", name=op.f("uq_registry_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("vendor_type", sa.String(length=32), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("cron", sa.String(length=255), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("extra", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("ticked_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("vendor_type", "vendor_id", name=op.f("uq_schedule_vendor_type_vendor_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_schedule_next_at",
        "schedule",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "seal_key",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_key")),
    )
    op.create_table(
        "task_total",
        sa.Column("vendor_type", sa.String(length=32), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("vendor_type", "result", name=op.f("pk_task_total")),
    )
    op.create_table(
        "total_day",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pulls", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pushes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held_bytes", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_total_day")),
    )
    op.create_table(
        "user_group",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.BigInteger(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_group")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_user_group_kind_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_table(
        "access_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("principal_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("secret", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.String(length=64), nullable=False),
        sa.Column("projects", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_access_token_principal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("principal_id", "name", name=op.f("uq_access_token_principal_id_name")),
        sa.UniqueConstraint("secret", name=op.f("uq_access_token_secret")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "damaged_blob",
        sa.Column("blob_id", ID, autoincrement=False, nullable=False),
        sa.Column("noticed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_damaged_blob_blob_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("blob_id", name=op.f("pk_damaged_blob")),
    )
    op.create_table(
        "group_member",
        sa.Column("principal_id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["user_group.id"], name=op.f("fk_group_member_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_group_member_principal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("principal_id", "group_id", name=op.f("pk_group_member")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_group_member_group_id"), "group_member", ["group_id"], unique=False)
    op.create_table(
        "oidc_user",
        sa.Column("principal_id", ID, autoincrement=False, nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cli_secret", sa.String(length=255), server_default="", nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("checked_at", TIME, nullable=False),
        sa.Column("gone_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_oidc_user_principal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("principal_id", name=op.f("pk_oidc_user")),
    )
    op.create_table(
        "preferences",
        sa.Column("principal_id", ID, autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_preferences_principal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("principal_id", name=op.f("pk_preferences")),
    )
    op.create_table(
        "replication_policy",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("src_registry_id", ID, nullable=True),
        sa.Column("dest_registry_id", ID, nullable=True),
        sa.Column("dest_namespace", NAME, server_default="", nullable=False),
        sa.Column("replace_count", sa.SmallInteger(), server_default="-1", nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("cron", sa.String(length=255), server_default="", nullable=False),
        sa.Column("replicate_deletion", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("override", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("speed_kb", sa.Integer(), server_default="0", nullable=False),
        sa.Column("copy_by_chunk", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("single_active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("creator", NAME, server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint(
            "(src_registry_id IS NULL) <> (dest_registry_id IS NULL)", name=op.f("ck_replication_policy_direction")
        ),
        sa.ForeignKeyConstraint(
            ["dest_registry_id"], ["registry.id"], name=op.f("fk_replication_policy_dest_registry_id")
        ),
        sa.ForeignKeyConstraint(
            ["src_registry_id"], ["registry.id"], name=op.f("fk_replication_policy_src_registry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replication_policy")),
        sa.UniqueConstraint("name", name=op.f("uq_replication_policy_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_replication_policy_dest",
        "replication_policy",
        ["dest_registry_id"],
        unique=False,
        sqlite_where=sa.text("dest_registry_id IS NOT NULL"),
        postgresql_where=sa.text("dest_registry_id IS NOT NULL"),
    )
    op.create_index(
        "ix_replication_policy_src",
        "replication_policy",
        ["src_registry_id"],
        unique=False,
        sqlite_where=sa.text("src_registry_id IS NOT NULL"),
        postgresql_where=sa.text("src_registry_id IS NOT NULL"),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("principal_id", ID, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_session_principal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_expires_at"), "session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_session_principal_id"), "session", ["principal_id"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", ID, nullable=False),
        sa.Column("execution_id", ID, nullable=False),
        sa.Column("vendor_type", sa.String(length=32), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("extra", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=True),
        sa.Column("stop_asked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rate", sa.Float(), server_default="0", nullable=False),
        sa.Column("log_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["execution.id"], name=op.f("fk_task_execution_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_task_due",
        "task",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("status = 'Scheduled'"),
        postgresql_where=sa.text("status = 'Scheduled'"),
    )
    op.create_index(op.f("ix_task_execution_id"), "task", ["execution_id"], unique=False)
    op.create_index(
        "ix_task_running",
        "task",
        ["worker"],
        unique=False,
        sqlite_where=sa.text("status = 'Running'"),
        postgresql_where=sa.text("status = 'Running'"),
    )
    op.create_index(
        "ix_task_unfinished",
        "task",
        ["execution_id"],
        unique=False,
        sqlite_where=sa.text("status IN ('Pending', 'Scheduled', 'Running')"),
        postgresql_where=sa.text("status IN ('Pending', 'Scheduled', 'Running')"),
    )
    op.create_table(
        "trash",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("repository_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("label", NAME, nullable=False),
        sa.Column("reason", NAME, server_default="", nullable=False),
        sa.Column("principal_id", ID, nullable=True),
        sa.Column("deleted_at", TIME, nullable=False),
        sa.Column("purge_at", TIME, nullable=False),
        sa.Column("purging", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_trash_principal_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trash_project", "trash", ["project_id", "id"], unique=False)
    op.create_index(op.f("ix_trash_purge_at"), "trash", ["purge_at"], unique=False)
    op.create_index(
        "ix_trash_repository",
        "trash",
        ["repository_id"],
        unique=False,
        sqlite_where=sa.text("repository_id IS NOT NULL"),
        postgresql_where=sa.text("repository_id IS NOT NULL"),
    )
    op.create_table(
        "user_account",
        sa.Column("principal_id", ID, autoincrement=False, nullable=False),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("email_folded", NAME, nullable=True),
        sa.Column("realname", sa.String(length=255), server_default="", nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("admin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("admin_by_source", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("password", sa.String(length=255), server_default="", nullable=False),
        sa.Column("source", sa.String(length=16), server_default="local", nullable=False),
        sa.Column("source_subject", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_user_account_principal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("principal_id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("source", "source_subject", name=op.f("uq_user_account_source_source_subject")),
    )
    op.create_index(
        "uq_user_account_email",
        "user_account",
        ["email_folded"],
        unique=True,
        sqlite_where=sa.text("email_folded IS NOT NULL"),
        postgresql_where=sa.text("email_folded IS NOT NULL"),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("execution_id", ID, nullable=False),
        sa.Column("policy_id", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.SmallInteger(), nullable=False),
        sa.Column("lane", NAME, nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("event_type", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("fact", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["execution.id"], name=op.f("fk_webhook_delivery_execution_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_webhook_delivery_execution_id"), "webhook_delivery", ["execution_id"], unique=False)
    op.create_index(
        "ix_webhook_delivery_lane",
        "webhook_delivery",
        ["policy_id", "lane", "id"],
        unique=False,
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.create_table(
        "project",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("public", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pull_policy", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("trash_days", sa.Integer(), server_default="7", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("registry_id", sa.BigInteger(), nullable=True),
        sa.Column("repository_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("immutable_rules", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("has_trash", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("settings", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("trash_id", ID, nullable=True),
        sa.Column("pushed_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["principal.id"], name=op.f("fk_project_owner_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["registry_id"], ["registry.id"], name=op.f("fk_project_registry_id")),
        sa.ForeignKeyConstraint(["trash_id"], ["trash.id"], name=op.f("fk_project_trash_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_project_live",
        "project",
        ["id", "public", "repository_count", "trash_id"],
        unique=False,
        sqlite_where=sa.text("trash_id IS NULL"),
        postgresql_where=sa.text("trash_id IS NULL"),
    )
    op.create_index(op.f("ix_project_owner_id"), "project", ["owner_id"], unique=False)
    op.create_index(op.f("ix_project_registry_id"), "project", ["registry_id"], unique=False)
    op.create_index(
        "ix_project_trash_id",
        "project",
        ["trash_id"],
        unique=False,
        sqlite_where=sa.text("trash_id IS NOT NULL"),
        postgresql_where=sa.text("trash_id IS NOT NULL"),
    )
    op.create_index(
        "uq_project_name",
        "project",
        ["name"],
        unique=True,
        sqlite_where=sa.text("trash_id IS NULL"),
        postgresql_where=sa.text("trash_id IS NULL"),
    )
    op.create_table(
        "refresh_token",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("principal_id", ID, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=128), server_default="", nullable=False),
        sa.Column("access_token_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["access_token_id"], ["access_token.id"], name=op.f("fk_refresh_token_access_token_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_refresh_token_principal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_token")),
    )
    op.create_index(op.f("ix_refresh_token_access_token_id"), "refresh_token", ["access_token_id"], unique=False)
    op.create_index(op.f("ix_refresh_token_expires_at"), "refresh_token", ["expires_at"], unique=False)
    op.create_index(op.f("ix_refresh_token_principal_id"), "refresh_token", ["principal_id"], unique=False)
    op.create_table(
        "retention_verdict",
        sa.Column("task_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("artifact_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=65), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("pushed_at", TIME, nullable=False),
        sa.Column("pulled_at", TIME, nullable=True),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_retention_verdict_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "position", name=op.f("pk_retention_verdict")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "task_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_log_task_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_log")),
    )
    op.create_index("ix_task_log_task_id_id", "task_log", ["task_id", "id"], unique=False)
    op.create_table(
        "immutable_rule",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("tag_selectors", sa.JSON(), nullable=False),
        sa.Column("scope_selectors", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_immutable_rule_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_immutable_rule")),
        sa.UniqueConstraint("project_id", "fingerprint", name=op.f("uq_immutable_rule_project_id_fingerprint")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "label",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("color", sa.String(length=32), server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_label_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_label_name",
        "label",
        ["name"],
        unique=True,
        sqlite_where=sa.text("project_id IS NULL"),
        postgresql_where=sa.text("project_id IS NULL"),
    )
    op.create_index(
        "uq_label_project_name",
        "label",
        ["project_id", "name"],
        unique=True,
        sqlite_where=sa.text("project_id IS NOT NULL"),
        postgresql_where=sa.text("project_id IS NOT NULL"),
    )
    op.create_table(
        "mirror",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_mirror_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_mirror_kind_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_mirror_project_id"), "mirror", ["project_id"], unique=False)
    op.create_table(
        "project_blob",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("blob_id", ID, nullable=False),
        sa.Column("live", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("holding", sa.String(length=8), server_default="used", nullable=False),
        sa.Column("idle_since", TIME, nullable=True),
        sa.CheckConstraint("holding IN ('used', 'trash', 'released')", name=op.f("ck_project_blob_holding")),
        sa.CheckConstraint("live", name=op.f("ck_project_blob_live")),
        sa.ForeignKeyConstraint(
            ["blob_id", "live"], ["blob.id", "blob.live"], name=op.f("fk_project_blob_blob_id_live")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_blob_project_id")),
        sa.PrimaryKeyConstraint("project_id", "blob_id", name=op.f("pk_project_blob")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_project_blob_blob", "project_blob", ["blob_id"], unique=False)
    op.create_index(
        "ix_project_blob_holding",
        "project_blob",
        ["project_id"],
        unique=False,
        sqlite_where=sa.text("holding <> 'used'"),
        postgresql_where=sa.text("holding <> 'used'"),
    )
    op.create_index(
        "ix_project_blob_idle_since",
        "project_blob",
        ["idle_since"],
        unique=False,
        sqlite_where=sa.text("idle_since IS NOT NULL"),
        postgresql_where=sa.text("idle_since IS NOT NULL"),
    )
    op.create_table(
        "project_day",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("pulls", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pushes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_project_day_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "day", name=op.f("pk_project_day")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_project_day_day", "project_day", ["day"], unique=False)
    op.create_table(
        "proxy_manifest",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("path", NAME, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=65), nullable=False),
        sa.Column("media_type", sa.String(length=255), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_proxy_manifest_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "path", "digest", name=op.f("pk_proxy_manifest")),
    )
    op.create_table(
        "proxy_tag",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("path", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=65), nullable=True),
        sa.Column("checked_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_proxy_tag_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "path", "name", name=op.f("pk_proxy_tag")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quota",
        sa.Column("project_id", ID, autoincrement=False, nullable=False),
        sa.Column("limit_bytes", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("limit_repositories", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("limit_tags", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("used_tags", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("trash_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_quota_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_quota")),
    )
    op.create_table(
        "quota_slot",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cap_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_quota_slot_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "slot", name=op.f("pk_quota_slot")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "repository",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("path", NAME, nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("artifact_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("listed", sa.Boolean(), sa.Computed("artifact_count > 0", persisted=True), nullable=False),
        sa.Column("pull_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("trash_id", ID, nullable=True),
        sa.Column("pushed_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_repository_project_id")),
        sa.ForeignKeyConstraint(["trash_id"], ["trash.id"], name=op.f("fk_repository_trash_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repository")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_repository_project",
        "repository",
        ["project_id", "path"],
        unique=False,
        sqlite_where=sa.text("trash_id IS NULL"),
        postgresql_where=sa.text("trash_id IS NULL"),
    )
    op.create_index(
        "ix_repository_trash_id",
        "repository",
        ["trash_id"],
        unique=False,
        sqlite_where=sa.text("trash_id IS NOT NULL"),
        postgresql_where=sa.text("trash_id IS NOT NULL"),
    )
    op.create_index(
        "uq_repository_path",
        "repository",
        ["path"],
        unique=True,
        sqlite_where=sa.text("trash_id IS NULL"),
        postgresql_where=sa.text("trash_id IS NULL"),
    )
    op.create_table(
        "retention_policy",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("cron", sa.String(length=255), server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_retention_policy_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_policy")),
        sa.UniqueConstraint("project_id", name=op.f("uq_retention_policy_project_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "robot",
        sa.Column("principal_id", ID, autoincrement=False, nullable=False),
        sa.Column("project_id", ID, nullable=True),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("secret", sa.LargeBinary(length=64), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("secret_at", TIME, nullable=True),
        sa.Column("old_secret", sa.LargeBinary(length=64), nullable=True),
        sa.Column("old_secret_until", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("duration_days", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("visible", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("creator_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["creator_id"], ["principal.id"], name=op.f("fk_robot_creator_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_robot_principal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_robot_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("principal_id", name=op.f("pk_robot")),
    )
    op.create_index(op.f("ix_robot_project_id"), "robot", ["project_id"], unique=False)
    op.create_table(
        "role_binding",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("principal_id", ID, nullable=True),
        sa.Column("group_id", ID, nullable=True),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "(role = 0) = (principal_id IS NULL AND group_id IS NULL)", name=op.f("ck_role_binding_everyone")
        ),
        sa.CheckConstraint("principal_id IS NULL OR group_id IS NULL", name=op.f("ck_role_binding_one_holder")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["user_group.id"], name=op.f("fk_role_binding_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_role_binding_principal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_role_binding_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_binding")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_role_binding_group", "role_binding", ["group_id", "project_id", "role"], unique=False)
    op.create_index("ix_role_binding_principal", "role_binding", ["principal_id", "project_id", "role"], unique=False)
    op.create_index(
        "uq_role_binding_everyone",
        "role_binding",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("role = 0"),
        postgresql_where=sa.text("role = 0"),
    )
    op.create_index(
        "uq_role_binding_group",
        "role_binding",
        ["project_id", "group_id"],
        unique=True,
        sqlite_where=sa.text("group_id IS NOT NULL"),
        postgresql_where=sa.text("group_id IS NOT NULL"),
    )
    op.create_index(
        "uq_role_binding_principal",
        "role_binding",
        ["project_id", "principal_id"],
        unique=True,
        sqlite_where=sa.text("principal_id IS NOT NULL"),
        postgresql_where=sa.text("principal_id IS NOT NULL"),
    )
    op.create_table(
        "webhook_policy",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("event_types", sa.JSON(), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=True),
        sa.Column("repositories", sa.JSON(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=True),
        sa.Column("trusted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("creator", NAME, server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_webhook_policy_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_policy")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_webhook_policy_project_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "artifact",
        sa.Column("id", ID, nullable=False),
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=65), nullable=False),
        sa.Column("media_type", sa.String(length=255), nullable=False),
        sa.Column("artifact_type", sa.String(length=255), server_default="", nullable=False),
        sa.Column("config_media_type", sa.String(length=255), server_default="", nullable=False),
        sa.Column("config_digest", sa.LargeBinary(length=65), nullable=True),
        sa.Column("kind", sa.String(length=64), server_default="", nullable=False),
        sa.Column("accessory_kind", sa.String(length=32), server_default="", nullable=False),
        sa.Column("subject_digest", sa.LargeBinary(length=65), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("manifest_bytes", sa.BigInteger(), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=True),
        sa.Column("tagged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("child", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("accessory", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pushed_by", sa.BigInteger(), nullable=True),
        sa.Column("pushed_at", TIME, nullable=False),
        sa.Column("trash_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["repository_id"], ["repository.id"], name=op.f("fk_artifact_repository_id")),
        sa.ForeignKeyConstraint(["trash_id"], ["trash.id"], name=op.f("fk_artifact_trash_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact")),
        sa.UniqueConstraint("repository_id", "digest", name=op.f("uq_artifact_repository_id_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_artifact_digest",
        "artifact",
        ["digest"],
        unique=False,
        sqlite_where=sa.text("trash_id IS NULL"),
        postgresql_where=sa.text("trash_id IS NULL"),
    )
    op.create_index(
        "ix_artifact_subject",
        "artifact",
        ["repository_id", "subject_digest", "id"],
        unique=False,
        sqlite_where=sa.text("subject_digest IS NOT NULL"),
        postgresql_where=sa.text("subject_digest IS NOT NULL"),
    )
    op.create_index(
        "ix_artifact_trash_id",
        "artifact",
        ["trash_id"],
        unique=False,
        sqlite_where=sa.text("trash_id IS NOT NULL"),
        postgresql_where=sa.text("trash_id IS NOT NULL"),
    )
    op.create_table(
        "repository_blob",
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("blob_id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "blob_id"],
            ["project_blob.project_id", "project_blob.blob_id"],
            name=op.f("fk_repository_blob_project_id_blob_id"),
        ),
        sa.ForeignKeyConstraint(["repository_id"], ["repository.id"], name=op.f("fk_repository_blob_repository_id")),
        sa.PrimaryKeyConstraint("repository_id", "blob_id", name=op.f("pk_repository_blob")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_repository_blob_lease_until",
        "repository_blob",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index("ix_repository_blob_project", "repository_blob", ["project_id", "blob_id"], unique=False)
    op.create_table(
        "robot_permission",
        sa.Column("id", ID, nullable=False),
        sa.Column("robot_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("project_id", ID, nullable=True),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.CheckConstraint("(scope = 'project') = (project_id IS NOT NULL)", name=op.f("ck_robot_permission_project")),
        sa.CheckConstraint("scope IN ('system', 'all', 'project')", name=op.f("ck_robot_permission_scope")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_robot_permission_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["robot_id"], ["robot.principal_id"], name=op.f("fk_robot_permission_robot_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_robot_permission")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_robot_permission_project_id"), "robot_permission", ["project_id"], unique=False)
    op.create_index("ix_robot_permission_robot", "robot_permission", ["robot_id", "project_id"], unique=False)
    op.create_table(
        "tag_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("name", TAG, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=65), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=True),
        sa.Column("principal_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=8), nullable=True),
        sa.Column("trash_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["repository_id"], ["repository.id"], name=op.f("fk_tag_history_repository_id")),
        sa.ForeignKeyConstraint(["trash_id"], ["trash.id"], name=op.f("fk_tag_history_trash_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_history")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_tag_history_trash_id",
        "tag_history",
        ["trash_id"],
        unique=False,
        sqlite_where=sa.text("trash_id IS NOT NULL"),
        postgresql_where=sa.text("trash_id IS NOT NULL"),
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=True),
        sa.Column("algorithm", sa.String(length=8), server_default="sha256", nullable=False),
        sa.Column("offset_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("previous_offset", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("hash_state", sa.LargeBinary(length=256), server_default="", nullable=False),
        sa.Column("driver", sa.String(length=255), server_default="", nullable=False),
        sa.Column("reserved_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lent_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("claim", sa.String(length=64), nullable=True),
        sa.Column("claim_until", TIME, nullable=True),
        sa.Column("dead", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_upload_blob_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_upload_project_id")),
        sa.ForeignKeyConstraint(["repository_id"], ["repository.id"], name=op.f("fk_upload_repository_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_index(
        "ix_upload_blob",
        "upload",
        ["blob_id"],
        unique=False,
        sqlite_where=sa.text("blob_id IS NOT NULL"),
        postgresql_where=sa.text("blob_id IS NOT NULL"),
    )
    op.create_index("ix_upload_expires_at", "upload", ["expires_at"], unique=False)
    op.create_index("ix_upload_principal", "upload", ["principal_id"], unique=False)
    op.create_index("ix_upload_project", "upload", ["project_id"], unique=False)
    op.create_table(
        "artifact_blob",
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("blob_id", ID, nullable=False),
        sa.Column("artifact_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_blob_artifact_id")),
        sa.ForeignKeyConstraint(
            ["repository_id", "blob_id"],
            ["repository_blob.repository_id", "repository_blob.blob_id"],
            name=op.f("fk_artifact_blob_repository_id_blob_id"),
        ),
        sa.PrimaryKeyConstraint("repository_id", "blob_id", "artifact_id", name=op.f("pk_artifact_blob")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_artifact_blob_artifact", "artifact_blob", ["artifact_id"], unique=False)
    op.create_table(
        "artifact_description",
        sa.Column("artifact_id", ID, autoincrement=False, nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_description_artifact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_artifact_description")),
    )
    op.create_table(
        "artifact_label",
        sa.Column("artifact_id", ID, nullable=False),
        sa.Column("label_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_label_artifact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["label_id"], ["label.id"], name=op.f("fk_artifact_label_label_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", "label_id", name=op.f("pk_artifact_label")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_artifact_label_label", "artifact_label", ["label_id"], unique=False)
    op.create_table(
        "artifact_reference",
        sa.Column("parent_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("child_id", ID, nullable=True),
        sa.Column("child_digest", sa.LargeBinary(length=65), nullable=False),
        sa.Column("platform", sa.JSON(), nullable=True),
        sa.Column("annotations", sa.JSON(), nullable=True),
        sa.Column("urls", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["child_id"], ["artifact.id"], name=op.f("fk_artifact_reference_child_id")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["artifact.id"], name=op.f("fk_artifact_reference_parent_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("parent_id", "position", name=op.f("pk_artifact_reference")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_artifact_reference_child", "artifact_reference", ["child_id"], unique=False)
    op.create_table(
        "manifest",
        sa.Column("artifact_id", ID, autoincrement=False, nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_manifest_artifact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_manifest")),
    )
    op.create_table(
        "pull",
        sa.Column("artifact_id", ID, autoincrement=False, nullable=False),
        sa.Column("pulled_at", TIME, nullable=True),
        sa.Column("pulls", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name=op.f("fk_pull_artifact_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_pull")),
    )
    op.create_table(
        "tag",
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("name", TAG, nullable=False),
        sa.Column("artifact_id", ID, nullable=False),
        sa.Column("history_id", ID, nullable=False),
        sa.Column("pushed_at", TIME, nullable=False),
        sa.Column("version", NAME, nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name=op.f("fk_tag_artifact_id")),
        sa.ForeignKeyConstraint(["history_id"], ["tag_history.id"], name=op.f("fk_tag_history_id")),
        sa.ForeignKeyConstraint(["repository_id"], ["repository.id"], name=op.f("fk_tag_repository_id")),
        sa.PrimaryKeyConstraint("repository_id", "name", name=op.f("pk_tag")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tag_artifact", "tag", ["artifact_id", "name"], unique=False)
    op.create_index("ix_tag_history_id", "tag", ["history_id"], unique=False)
    op.create_index(
        "ix_execution_vendor", "execution", ["vendor_type", "vendor_id", sa.literal_column("id DESC")], unique=False
    )
    op.create_index(
        "ix_task_ready",
        "task",
        [sa.literal_column("priority DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("status = 'Pending'"),
        postgresql_where=sa.text("status = 'Pending'"),
    )
    op.create_index(
        "ix_repository_page",
        "repository",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC"), "project_id"],
        unique=False,
        sqlite_where=sa.text("trash_id IS NULL AND listed"),
        postgresql_where=sa.text("trash_id IS NULL AND listed"),
    )
    op.create_index(
        "ix_repository_project_page",
        "repository",
        ["project_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        sqlite_where=sa.text("trash_id IS NULL AND listed"),
        postgresql_where=sa.text("trash_id IS NULL AND listed"),
    )
    op.create_index(
        "ix_artifact_page",
        "artifact",
        ["repository_id", sa.literal_column("pushed_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        sqlite_where=sa.text("trash_id IS NULL AND (tagged OR NOT child) AND NOT accessory"),
        postgresql_where=sa.text("trash_id IS NULL AND (tagged OR NOT child) AND NOT accessory"),
    )
    op.create_index(
        "ix_tag_history_name", "tag_history", ["repository_id", "name", sa.literal_column("since DESC")], unique=False
    )

    # the row that the readiness check writes
    op.bulk_insert(sa.table("probe", sa.column("id", sa.SmallInteger), sa.column("count")), [{"id": 1, "count": 0}])
