"""A started server for the tests here, on SQLite and on PostgreSQL, with people of every kind."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import serving
from tests.parts.postgres import Postgres
from tests.serving import Account, Moorage

BASE = "/api/v2.0"


@functools.cache
def _client() -> httpx.Client:
    """One for all: making one costs more than most requests do."""
    return httpx.Client(timeout=120)


@dataclasses.dataclass
class Caller:
    """Somebody at a started server. Without an account: anonymous."""

    moorage: Moorage
    account: Account | None = None

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """One request below `/api/v2.0`, with a JSON body unless it is None."""
        auth = (self.account.username, self.account.password) if self.account else None
        if body is not None:
            options["json"] = body
        client = _client()
        client.cookies.clear()
        return client.request(method, self.moorage.url + BASE + path, auth=auth, **options)

    def make(self, path: str, body: Any) -> str:
        """POST that has to be answered with 201; the last word of its Location."""
        answer = self.send("POST", path, body)
        assert answer.status_code == 201, (path, answer.text)
        return answer.headers["location"].rpartition("/")[2]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgres"))])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty PostgreSQL database's URL; for SQLite nothing."""
    if request.param == "sqlite":
        yield ""
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="module")
def moorage(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Moorage]:
    """A server with a database of its own."""
    folder = tmp_path_factory.mktemp("rest") / "data"
    with serving.serve(folder, settings={"log.access": False}, database_url=database) as started:
        yield started
    _client().close()
    _client.cache_clear()


@pytest.fixture(scope="module")
def admin(moorage: Moorage) -> Caller:
    """The first account."""
    return Caller(moorage, moorage.admin)
