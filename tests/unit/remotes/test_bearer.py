"""The client half of token authentication, without a network."""

import asyncio
from typing import Any

import msgspec
import pytest

from moorage.errors import RemoteDenied, RemoteMisbehaved
from moorage.remotes import bearer_auth
from moorage.remotes.address_policy import parse_target
from moorage.remotes.bearer_auth import Credentials, Keyring
from moorage.remotes.http_client import Answer
from moorage.settings import Secret

CHALLENGE = 'Bearer realm="https://registry.example/token",service="s",scope="repository:a/b:pull"'
PULL = ("repository:a/b:pull",)


class Realm:
    """Gives tokens as it is told to."""

    def __init__(self, body: object = None, status: int = 200) -> None:
        self.body = body
        self.status = status
        self.asked: list[str] = []

    async def send(self, _method: str, url: str, **_given: Any) -> Answer:
        self.asked.append(url)
        body = {"token": f"t{len(self.asked)}"} if self.body is None else self.body
        await asyncio.sleep(0)
        return Answer(self.status, {}, msgspec.json.encode(body), url)


def ring(realm: Realm, username: str = "robot") -> Keyring:
    async def login() -> Credentials:
        return Credentials(username, Secret("s3cret" if username else ""))

    return Keyring(realm.send, parse_target("https://registry.example"), login)


async def test_many_who_wait_for_a_token_ask_for_it_once() -> None:
    realm = Realm()
    keys = ring(realm)
    first = await keys.answer(CHALLENGE, PULL, {})
    found = await asyncio.gather(*(keys.find_header(PULL) for _ in range(20)))
    others = await asyncio.gather(*(keys.find_header((f"repository:a/{n % 2}:pull",)) for n in range(20)))

    assert found == [first] * 20 == [{"authorization": "Bearer t1"}] * 20
    assert len(realm.asked) == 3
    assert len({one["authorization"] for one in others}) == 2


async def test_a_token_that_is_refused_is_replaced_once() -> None:
    realm = Realm()
    keys = ring(realm)
    first = await keys.answer(CHALLENGE, PULL, {})
    second = await keys.answer(CHALLENGE, PULL, first)
    late = await keys.answer(CHALLENGE, PULL, first)  # somebody else's refusal of the old one

    assert (first, second, late) == (
        {"authorization": "Bearer t1"}, {"authorization": "Bearer t2"}, {"authorization": "Bearer t2"},
    )  # fmt: skip


async def test_a_token_is_used_for_as_long_as_it_says_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("moorage.remotes.bearer_auth.time.monotonic", lambda: now[0])
    for body, seconds in (
        ({"token": "t"}, 50), ({"token": "t", "expires_in": 300}, 290), ({"token": "t", "expires_in": 1}, 50),
        ({"token": "t", "expires_in": 10**9}, 3590), ({"token": "t", "expires_in": "x"}, 50),
    ):  # fmt: skip
        realm = Realm(body)
        keys = ring(realm)
        await keys.answer(CHALLENGE, PULL, {})
        now[0] += seconds - 1
        await keys.find_header(PULL)
        assert len(realm.asked) == 1, body
        now[0] += 2
        await keys.find_header(PULL)
        assert len(realm.asked) == 2, body


@pytest.mark.parametrize(
    "body",
    [{}, [], {"token": ""}, {"token": "a b"}, {"token": "a\r\nb"}, {"token": 7}, {"token": "x" * 70_000}],
    ids=str,
)
async def test_what_is_no_token_is_not_sent(body: object) -> None:
    with pytest.raises(RemoteMisbehaved):
        await ring(Realm(body)).answer(CHALLENGE, PULL, {})


async def test_what_cannot_be_answered_is_refused() -> None:
    for status, error in ((401, RemoteDenied), (403, RemoteDenied), (302, RemoteMisbehaved), (418, RemoteMisbehaved)):
        with pytest.raises(error):
            await ring(Realm(status=status)).answer(CHALLENGE, PULL, {})
    keys = ring(Realm())
    basic = await keys.answer("Basic realm=x", PULL, {})
    assert await keys.find_header(PULL) == basic
    for challenge in ("Basic realm=x", "Negotiate", ""):
        with pytest.raises(RemoteDenied):
            await keys.answer(challenge, PULL, basic)
    assert await keys.find_header(PULL) == {}
    with pytest.raises(RemoteDenied, match="asks for credentials"):
        await ring(Realm(), "").answer("Basic realm=x", PULL, {})


async def test_very_many_tokens_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearer_auth, "MAX_TOKENS", 10)
    realm = Realm()
    keys = ring(realm)
    await keys.answer(CHALLENGE, PULL, {})
    for number in range(35):
        await keys.find_header((f"repository:a/{number}:pull",))
    assert len(keys._tokens) <= 10
    assert len(keys._locks) <= 11
