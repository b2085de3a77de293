"""Which sealing keys the secrets of this database need."""

from sqlalchemy import insert, select

from moorage.db.tables import SealKey
from moorage.db.work import Work


def ensure_seal_key(work: Work, key_id: str) -> None:
    """Note that secrets may be sealed with this key from now on. Safe to repeat, one caller at a time (the start)."""
    if work.db.scalar(select(SealKey.id).where(SealKey.id == key_id)) is None:
        work.db.execute(insert(SealKey).values(id=key_id))
