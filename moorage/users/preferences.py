"""Portal preferences of a user, stored without being interpreted."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from moorage.db.unit_of_work import Work
from moorage.errors import PreferencesLimit, PreferencesStale
from moorage.events import UserChanged
from moorage.users.tables import Preferences, Principal

MAX_BYTES = 16 << 10
_NONE = b"{}"

_DOCUMENT = select(Preferences.document).where(Preferences.principal_id == bindparam("person"))
# The account's row orders two who write at once, also where nothing was written before.
_LOCK = select(Principal.name).where(Principal.id == bindparam("person")).with_for_update(key_share=True)
_FORGET = delete(Preferences).where(Preferences.principal_id == bindparam("person"))
_KEEP = {
    name: made.on_conflict_do_update(
        index_elements=["principal_id"],
        set_={"document": made.excluded.document, "updated_at": made.excluded.updated_at},
    )
    for name, made in (("postgresql", postgresql.insert(Preferences)), ("sqlite", sqlite.insert(Preferences)))
}

Condition = Callable[[str], bool]
"""Given the entity tag of what is kept now, whether it may be replaced."""


def get_preferences(work: Work, person: int) -> tuple[dict[str, Any], str]:
    """The document, empty where none was kept, and its entity tag. One statement."""
    raw = bytes(work.db.scalar(_DOCUMENT, {"person": person}) or _NONE)
    document: dict[str, Any] = msgspec.json.decode(raw)
    return document, tag_of(raw)


def set_preferences(work: Work, person: int, document: dict[str, Any], condition: Condition | None = None) -> str:
    """Keep another document in place of the one that is kept, whole; its entity tag. Safe to repeat.

    Raises:
        PreferencesLimit: it is too large, or holds what cannot be written again as it was read.
        PreferencesStale: the condition does not hold.
    """
    try:
        raw = msgspec.json.encode(document)
    except (msgspec.MsgspecError, OverflowError, RecursionError, TypeError, ValueError):
        raise PreferencesLimit from None
    if len(raw) > MAX_BYTES:
        raise PreferencesLimit(bytes=len(raw), limit_bytes=MAX_BYTES)
    name = work.db.execute(_LOCK, {"person": person}).scalar_one()
    before = bytes(work.db.scalar(_DOCUMENT, {"person": person}) or _NONE)
    if condition is not None and not condition(tag_of(before)):
        raise PreferencesStale
    if raw == before:
        return tag_of(raw)
    if raw == _NONE:
        work.db.execute(_FORGET, {"person": person})
    else:
        work.db.execute(_KEEP[work.db.dialect.name], {"principal_id": person, "document": raw, "updated_at": work.now})
    work.emit(UserChanged(person, name, "preferences"))
    return tag_of(raw)


def tag_of(raw: bytes) -> str:
    """The entity tag of a document."""
    return f'"{hashlib.sha256(raw).hexdigest()[:32]}"'
