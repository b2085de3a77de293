"""The body of a request: what is asked for ahead, in which order it comes, and what becomes of the rest."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from moorage.errors import Invalid
from moorage.web.request import Body

KIB = 1024


class Server:
    """Hands out futures, as granian does, and answers them when it is told to.

    Attributes:
        asked: all futures handed out.
    """

    def __init__(self, pieces: list[bytes], *, breaks: bool = False, pauses: bool = False) -> None:
        self.asked: list[asyncio.Future[dict[str, Any]]] = []
        end = {"type": "http.disconnect"} if breaks else {"type": "http.request", "body": b"", "more_body": False}
        self._messages = [*({"type": "http.request", "body": piece, "more_body": True} for piece in pieces), end]
        self._answered = 0
        self._last = len(pieces) if pauses else None

    def receive(self) -> Awaitable[dict[str, Any]]:
        """What the application calls."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.asked.append(future)
        asyncio.get_running_loop().call_soon(self._answer)
        return future

    def _answer(self) -> None:
        """The next one."""
        if self._answered == self._last:
            return
        future = self.asked[self._answered]
        message = self._messages[self._answered] if self._answered < len(self._messages) else {"type": "late"}
        self._answered += 1
        if not future.done():
            future.set_result(message)

    @property
    def open(self) -> int:
        """How many are not answered."""
        return sum(not one.done() for one in self.asked)


def numbered(count: int, size: int) -> list[bytes]:
    """Pieces of which none is like another."""
    return [number.to_bytes(4, "big") * (size // 4) for number in range(count)]


@pytest.mark.parametrize(
    ("size", "ahead"), [(4 * KIB, 16), (32 * KIB, 16), (64 * KIB, 8), (128 * KIB, 0), (400 * KIB, 0)]
)
async def test_half_a_mib_is_asked_for_ahead_and_comes_in_order(size: int, ahead: int) -> None:
    pieces = numbered(40, size)
    server = Server(pieces)
    body = Body(server.receive, None, 60)

    came, most = [], 0
    async for piece in body.pieces():
        came.append(piece)
        most = max(most, len(server.asked) - len(came))

    assert came == pieces
    assert most == ahead
    assert (body.ended, body.broken, body.received) == (True, False, 40 * size)


async def test_nothing_is_asked_for_ahead_after_a_large_piece_or_where_the_length_is_known() -> None:
    """What comes next may be as large."""
    mixed = [b"a" * 4 * KIB, b"b" * 200 * KIB, *numbered(40, 4 * KIB)]
    server = Server(mixed)
    came = 0
    async for _ in Body(server.receive, None, 60).pieces():
        came += 1
        assert came < 18 or len(server.asked) == came

    server = Server(numbered(20, 4 * KIB))
    came = 0
    async for _ in Body(server.receive, 80 * KIB, 60).pieces():
        came += 1
        assert len(server.asked) == came
    assert came == 20


async def test_what_was_asked_for_ahead_is_given_up_with_the_body() -> None:
    server = Server(numbered(40, 4 * KIB))
    pieces = Body(server.receive, None, 60).pieces()

    await anext(pieces)
    assert server.open
    await pieces.aclose()  # type: ignore[attr-defined]

    assert not server.open
    assert all(one.cancelled() for one in server.asked[1:])


async def test_a_body_that_breaks_off_is_no_end_whatever_was_asked_for_ahead() -> None:
    pieces = numbered(20, 4 * KIB)
    server = Server(pieces, breaks=True)
    body = Body(server.receive, None, 60)

    came = [piece async for piece in body.pieces()]

    assert came == pieces
    assert (body.ended, body.broken) == (False, True)


async def test_a_client_that_pauses_for_too_long_breaks_it() -> None:
    server = Server(numbered(1, KIB), pauses=True)
    body = Body(server.receive, None, 0.01)

    assert [len(piece) async for piece in body.pieces()] == [KIB]
    assert (body.ended, body.broken) == (False, True)
    assert all(one.cancelled() for one in server.asked[1:])


async def test_nothing_is_asked_for_ahead_where_asking_begins_with_awaiting() -> None:
    pieces = numbered(5, 4 * KIB)
    messages = [{"type": "http.request", "body": piece, "more_body": piece is not pieces[-1]} for piece in pieces]
    running = 0

    async def receive() -> dict[str, Any]:
        nonlocal running
        running += 1
        assert running == 1, "two at a time"
        await asyncio.sleep(0)
        running -= 1
        return messages.pop(0)

    assert [piece async for piece in Body(receive, None, 60).pieces()] == pieces


async def test_a_body_that_is_wanted_whole_is_asked_for_piece_by_piece() -> None:
    """Its digest may be told by nobody: the order is not left to anything."""
    pieces = numbered(20, 4 * KIB)
    server = Server(pieces)
    body = Body(server.receive, None, 60)

    assert await body.whole(100 * KIB) == b"".join(pieces)
    assert len(server.asked) == 21

    broken = Body(Server(pieces, breaks=True).receive, None, 60)
    with pytest.raises(Invalid):
        await broken.whole(100 * KIB)
