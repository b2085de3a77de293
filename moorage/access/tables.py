"""Role bindings: who holds which role in which project."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, UtcTime, live_index


class RoleBinding(Base):
    """A role in a project for one principal, one group, or (both null) everyone: that is a public project.

    `role` is the contract's number: 1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest; 0 is
    what everyone may do in a public project. `id` is the contract's member id.
    """

    __tablename__ = "role_binding"
    __table_args__ = (
        CheckConstraint("principal_id IS NULL OR group_id IS NULL", name="one_holder"),
        CheckConstraint("(role = 0) = (principal_id IS NULL AND group_id IS NULL)", name="everyone"),
        live_index(
            "uq_role_binding_principal", "project_id", "principal_id", where="principal_id IS NOT NULL", unique=True
        ),
        live_index("uq_role_binding_group", "project_id", "group_id", where="group_id IS NOT NULL", unique=True),
        live_index("uq_role_binding_everyone", "project_id", where="role = 0", unique=True),
        # With all that a list asks for, so that it need not look at the rows of somebody who has many.
        Index("ix_role_binding_principal", "principal_id", "project_id", "role"),
        Index("ix_role_binding_group", "group_id", "project_id", "role"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    principal_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id", ondelete="CASCADE"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("user_group.id", ondelete="CASCADE"))
    role: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
