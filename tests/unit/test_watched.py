"""`tests/described.py` itself: what is not declared fails whoever asked, and what is not ours is nobody's business."""

import httpx
import pytest

from tests import described

PING, PROJECTS = "http://registry.test/api/v2.0/ping", "http://registry.test/api/v2.0/projects"


def _answer(status: int, body: object, server: str = "moorage") -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, json=body, headers={"server": server}))


@pytest.mark.parametrize(
    ("url", "status", "body"), [(PROJECTS, 418, {}), (PROJECTS, 200, {"project": 1}), (PROJECTS, 200, [{"name": 7}])]
)
def test_what_the_document_does_not_say_fails(url: str, status: int, body: object) -> None:
    with httpx.Client(transport=_answer(status, body)) as client, pytest.raises(AssertionError):
        client.get(url)
    with httpx.Client(transport=_answer(status, body, "another")) as client:
        assert client.get(url).status_code == status
    with httpx.Client(transport=_answer(status, body)) as client:
        assert client.get("http://registry.test/v2/").status_code == status


async def test_what_it_says_is_counted() -> None:
    before = described.checked
    errors = {"errors": [{"code": "UNAUTHORIZED", "message": "x"}]}
    async with httpx.AsyncClient(transport=_answer(401, errors)) as client:
        assert (await client.get(PING)).status_code == 401
    with httpx.Client(transport=_answer(200, [])) as client:
        assert client.get(PROJECTS).status_code == 200
    assert described.checked == before + 2
