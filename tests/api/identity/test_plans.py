"""The statements of a token request find their rows by index, on a database of any size."""

import re
import sqlite3
from pathlib import Path

import pytest

from moorage.access import repository_grants
from moorage.authentication.backends import local
from moorage.db.statements import Query
from moorage.robots import accounts
from moorage.tokens import refresh_tokens

STATEMENTS = {
    "user": local._FIND,
    "robot": accounts._FIND,
    "refresh token": refresh_tokens._FIND,
    "grants of a user": repository_grants._OF_USER,
    "grants of a robot": repository_grants._OF_ROBOT,
    "catalog": repository_grants._CATALOG,
}


@pytest.mark.parametrize("query", STATEMENTS.values(), ids=STATEMENTS)
def test_no_hot_statement_reads_a_table_whole(empty_file: Path, query: Query) -> None:
    connection = sqlite3.connect(empty_file)
    parameters = ["[]"] * len(set(re.findall(r"\?\d+", query.sqlite)))

    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query.sqlite}", parameters)]

    connection.close()
    assert any(step.startswith("SEARCH") for step in plan)
    assert not [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
