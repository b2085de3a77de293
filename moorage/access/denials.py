"""The protocol by which denied requests are reported to the audit log."""

from typing import Protocol

from moorage.events import Actor


class Refusals(Protocol):
    """Where refusals are reported; `moorage.audit.denials` writes them."""

    def note(
        self, actor: Actor, operation: str, resource_type: str, resource: str, *, project_id: int | None = None
    ) -> None:
        """Remember to write one down, in a transaction of its own. Never waits and never fails the caller."""
        ...


class NoRefusals:
    """Writes nothing: for tools and tests."""

    def note(
        self, actor: Actor, operation: str, resource_type: str, resource: str, *, project_id: int | None = None
    ) -> None:
        """Do nothing."""
