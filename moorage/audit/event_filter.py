"""Filter audit events by name, as the live settings say."""

from collections.abc import Callable
from dataclasses import dataclass

from moorage.configuration.schema import Items
from moorage.configuration.validation import AUDIT_EVENTS

CONTRACT_EVENTS = (
    "create_artifact", "delete_artifact", "pull_artifact", "create_project", "delete_project", "delete_repository",
    "login_user", "logout_user", "create_user", "delete_user", "update_user", "create_robot", "delete_robot",
    "update_configuration", "create_member", "delete_member", "update_member", "update_project",
)  # fmt: skip
"""Source: Harbor v2.16, `GET /auditlog-exts/events`."""

EVENTS = (*CONTRACT_EVENTS, *(name for name in AUDIT_EVENTS if name not in CONTRACT_EVENTS))
"""All that can be left out by name, the contract's first."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The events that the live settings exclude.

    Attributes:
        disabled: names of events (`operation_resourcetype`), of what was done as well as of what was refused.
        pulls: whether pulls are written down.
    """

    disabled: frozenset[str] = frozenset()
    pulls: bool = True

    def leaves_out(self, operation: str, resource_type: str) -> bool:
        """Return whether the event is excluded."""
        if not self.disabled and self.pulls:
            return False
        if operation == "pull" and resource_type == "artifact" and not self.pulls:
            return True
        return f"{operation}_{resource_type}" in self.disabled


def read_rules(items: Items) -> Rules:
    """The rules that the live settings make."""
    names = (name.strip() for name in items.disabled_audit_log_event_types.split(","))
    return Rules(frozenset(name for name in names if name), pulls=not items.pull_audit_log_disable)


class LiveRules:
    """The rules of this process: those of its live settings, read again when they are other ones.

    Attributes:
        items: the live settings as they are now; set by who starts a server. A command on the server's machine has
            none and writes everything down.
    """

    __slots__ = ("_read", "_rules", "items")

    def __init__(self, items: Callable[[], Items] | None = None) -> None:
        self.items = items
        self._read: Items | None = None
        self._rules = Rules()

    def __call__(self) -> Rules:
        """The rules now."""
        if self.items is not None:
            items = self.items()
            if items is not self._read:
                self._rules, self._read = read_rules(items), items
        return self._rules
