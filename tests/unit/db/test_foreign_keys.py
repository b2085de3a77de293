"""A row that others may refer to is deleted without a look at all of them: foreign keys have an index."""

import importlib
import pkgutil

from sqlalchemy import UniqueConstraint

import moorage
from moorage.db.base import Base

WITHOUT = {
    "robot.creator_id": "rows of principals are never deleted, only marked",
    "trash.principal_id": "rows of principals are never deleted, only marked",
    "upload.repository_id": "open uploads are few (5,000: 0.3 ms for a repository's row), and each costs 7 us more",
}
"""Foreign keys without an index, and why."""


def test_every_foreign_key_has_an_index_or_a_reason() -> None:
    for module in pkgutil.walk_packages(moorage.__path__, "moorage."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)

    missing = set()
    for table in Base.metadata.sorted_tables:
        indexed = {next(iter(index.columns)).name for index in table.indexes if len(index.columns)}
        indexed |= {next(iter(one.columns)).name for one in table.constraints if isinstance(one, UniqueConstraint)}
        indexed.add(next(iter(table.primary_key.columns)).name)
        for key in table.foreign_keys:
            column = key.parent.name
            first = next(iter(key.constraint.columns)).name if key.constraint is not None else column
            if column == first and column not in indexed:
                missing.add(f"{table.name}.{column}")

    assert missing == set(WITHOUT), "add an index, or say here why nobody deletes what it refers to"
