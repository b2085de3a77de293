"""One started server for the tests here, with people of every kind."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import serving
from tests.serving import Account, Moorage

BASE = "/api/v2.0"


@functools.cache
def _client() -> httpx.Client:
    """One for all: making one costs more than most requests do."""
    return httpx.Client(timeout=30)


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


@pytest.fixture(scope="module")
def moorage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server with a database of its own."""
    with serving.serve(tmp_path_factory.mktemp("rest") / "data", settings={"log.access": False}) as started:
        yield started
    _client().close()
    _client.cache_clear()


@pytest.fixture(scope="module")
def admin(moorage: Moorage) -> Caller:
    """The first account."""
    return Caller(moorage, moorage.admin)
