"""An empty database of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from moorage.db.engine import Database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgres"))])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without a table, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path}/test.db")
    else:
        made = Database(request.getfixturevalue("postgres_url"))
    yield made
    await made.close()
