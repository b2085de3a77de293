"""The unit of work: one transaction, its actor, its time, and the subscribers to its events."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from sqlalchemy import Connection

from moorage.events import SYSTEM, Actor, Event

T = TypeVar("T")


class Subscribers:
    """Who hears of which event. Wired once, in `app.py`."""

    def __init__(self) -> None:
        self._by_event: dict[type[Event], tuple[Callable[[Work, Any], None], ...]] = {}

    def on(self, event: type[Event], *reactions: Callable[["Work", Any], None]) -> Self:
        """Let `reactions` hear of `event`, after those that hear of it already."""
        self._by_event[event] = (*self._by_event.get(event, ()), *reactions)
        return self

    def tell(self, work: "Work", event: Event) -> None:
        """Let everyone who listens add rows to this same transaction."""
        for reaction in self._by_event.get(type(event), ()):
            reaction(work, event)


@dataclass(slots=True)
class Work:
    """What a service function may touch.

    Attributes:
        db: the open transaction.
        subscribers: who hears of an event.
        actor: who asks.
        now: the time of this unit of work (UTC), so that its rows agree. Leases and expiries use `db_now` instead.
        after: calls to make once the transaction has committed; they ring bells, and may be lost.
    """

    db: Connection
    subscribers: Subscribers = field(default_factory=Subscribers)
    actor: Actor = SYSTEM
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    after: list[Callable[[], None]] = field(default_factory=list)
    _found: dict[Hashable, Any] = field(default_factory=dict)

    def emit(self, event: Event) -> None:
        """Let subscribers add their rows to this same transaction."""
        self.subscribers.tell(self, event)

    def once(self, key: Hashable, find: Callable[[], T]) -> T:
        """What `find` returned when this transaction first asked for `key`.

        For what reactions to many events look up, and what no story changes that tells of such an event.
        """
        if key not in self._found:
            self._found[key] = find()
        found: T = self._found[key]
        return found
