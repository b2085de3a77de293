"""List the columns that hold secrets, and the sealing keys that their values need.

A column that holds sealed bytes is marked with `info=SEALED` and bound to its table, its primary key and its name; so
all of them are found here, and whoever adds one has nothing else to do for the rotation of keys.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, insert, select, update

from moorage.db.base import Base, load_tables
from moorage.db.tables import SealKey
from moorage.db.unit_of_work import Work
from moorage.secret_encryption import SealBroken, Seals, find_key_id

SEALED = {"sealed": True}
"""The mark of a column of sealed bytes; null: there is no secret. Its table has one column as primary key."""

BATCH = 100


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a step did.

    Attributes:
        last: the key of the last row it looked at; None: none was left.
        sealed: how many it sealed again.
        broken: why secrets do not open; the messages hold none of them.
    """

    last: Any
    sealed: int
    broken: list[str]


def ensure_seal_key(work: Work, key_id: str) -> None:
    """Note that secrets may be sealed with this key from now on. Safe to repeat, one caller at a time (the start)."""
    if work.db.scalar(select(SealKey.id).where(SealKey.id == key_id)) is None:
        work.db.execute(insert(SealKey).values(id=key_id))


def list_sealed_columns() -> list[Column[Any]]:
    """The columns that hold sealed secrets, of every table: also of subjects that this process has not loaded."""
    load_tables()
    tables = sorted(Base.metadata.tables.values(), key=lambda table: table.name)
    return [column for table in tables for column in table.columns if column.info.get("sealed")]


def count_seals(work: Work, column: Column[Any]) -> Counter[str]:
    """How many secrets of a column each key has sealed, by the keys' ids."""
    found = work.db.execute(select(column).where(column.is_not(None))).scalars()
    return Counter(find_key_id(bytes(sealed)) for sealed in found)


def reseal(work: Work, seals: Seals, column: Column[Any], after: Any = None) -> Resealed:  # noqa: ANN401 - any key
    """Seal again, with the newest key, what older ones have sealed: a hundred rows behind `after`. Safe to repeat.

    A secret that somebody changes meanwhile is left as they wrote it.
    """
    (key,) = column.table.primary_key.columns
    asked = select(key, column).where(column.is_not(None)).order_by(key).limit(BATCH)
    rows = work.db.execute(asked if after is None else asked.where(key > after)).all()
    count = 0
    broken = []
    for one, sealed in rows:
        if seals.is_current(bytes(sealed)):
            continue
        row = one.hex() if isinstance(one, bytes) else str(one)
        place = {"table": column.table.name, "row": row, "column": column.name}
        try:
            anew = seals.seal(seals.open(bytes(sealed), **place), **place)
        except SealBroken as error:
            broken.append(str(error))
            continue
        changed = update(column.table).where(key == one, column == sealed).values({column.name: anew})
        count += work.db.execute(changed).rowcount
    return Resealed(rows[-1][0] if rows else None, count, broken)
