"""A full and a broken disk at every point: 503, nothing lost, and all is well again without a restart."""

import asyncio
from collections.abc import Callable

import pytest

from moorage import failpoints
from tests.faults.place import Place
from tests.faults.stories import CASES, DONE, ONCE, Story

ERRORS = [*((*case, "enospc") for case in CASES), *((*case, "eio") for case in ONCE)]


@pytest.mark.parametrize(("tell_it", "point", "error"), ERRORS, ids=lambda value: getattr(value, "name", value))
async def test_an_error_at(sqlite_place: Place, tell_it: Callable[[], Story], point: str, error: str) -> None:
    name, _, count = point.partition(":")
    story = tell_it()
    story.storage = sqlite_place.storage
    story.done = name in DONE
    async with sqlite_place.open() as client:
        await story.prepare(client)

        failpoints.arm(f"{name}:{error}:{count or 1}")
        reply = await story.act(client)

        assert reply.status == 503, f"{point} was never reached, or told as {reply}"
        assert int(reply.headers["retry-after"]) >= 1
        sqlite_place.check(damaged=story.still_damaged)
        await story.look(client)
        await story.recover(client)
        await story.look_again(client)
    await asyncio.to_thread(sqlite_place.sweep)
