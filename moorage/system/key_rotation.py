"""Rotate the key that encrypts secrets, and encrypt everything anew.

Both keys open everything until the old one is let go, so it can be stopped or killed at any moment and goes on; servers
that run find a key that is new to them by themselves (`sealing.Seals`).
"""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select

from moorage.configuration import service as configuration
from moorage.db.encrypted_columns import count_seals, ensure_seal_key, list_sealed_columns, reseal
from moorage.db.tables import SealKey
from moorage.db.unit_of_work import Work
from moorage.events import SealKeyChanged
from moorage.secret_encryption import SealBroken, Seals

Run = Callable[..., Any]
"""Runs a story with its arguments as one transaction."""


@dataclass(slots=True)
class Rotated:
    """What a rotation did. `broken`: secrets that do not open, each with where it is and why."""

    count: int = 0
    broken: list[str] = field(default_factory=list)


def count_all(work: Work) -> dict[str, int]:
    """How many secrets each key has sealed, by the keys' ids; those that the database needs are there with 0."""
    found: Counter[str] = Counter(dict.fromkeys(work.db.execute(select(SealKey.id)).scalars(), 0))
    found.update(configuration.count_seals(work))
    for column in list_sealed_columns():
        found.update(count_seals(work, column))
    return dict(found)


def rotate(run: Run, seals: Seals) -> Generator[Rotated, None, None]:
    """Seal with the newest key what older ones have sealed; yields what is done so far, after each transaction.

    Safe to repeat; a secret that a server seals with an older key meanwhile is left for the next time.
    """
    done = Rotated()
    run(_begin, seals.key_id)  # before the first secret: a start without this key is refused from here on
    yield done
    try:
        done.count += run(configuration.reseal_items, seals)
    except SealBroken as error:
        done.broken.append(str(error))
    yield done
    for column in list_sealed_columns():
        after = None
        while True:
            step = run(reseal, seals, column, after)
            if step.last is None:
                break
            after = step.last
            done.count += step.sealed
            done.broken += step.broken
            yield done


def retire(work: Work, key_id: str) -> list[str]:
    """Need no key but this one any more; the ids of the others. The caller has seen that they seal nothing."""
    old = list(work.db.execute(select(SealKey.id).where(SealKey.id != key_id)).scalars())
    if old:
        work.db.execute(delete(SealKey).where(SealKey.id != key_id))
        work.emit(SealKeyChanged(key_id, retired=tuple(sorted(old))))
    return sorted(old)


def _begin(work: Work, key_id: str) -> None:
    if work.db.scalar(select(SealKey.id).where(SealKey.id == key_id)) is None:
        ensure_seal_key(work, key_id)
        work.emit(SealKeyChanged(key_id))
