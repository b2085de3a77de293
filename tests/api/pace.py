"""Time as a program takes it, without what a busy machine takes from it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

_STEP_SECONDS = 0.01


@contextlib.asynccontextmanager
async def timed() -> AsyncIterator[Callable[[], float]]:
    """How many seconds have passed, less those by which this process came later than it wanted to.

    A wait for something else counts in full; a wait for the processor does not.
    """
    began, late = time.monotonic(), 0.0

    async def watch() -> None:
        nonlocal late
        while True:
            asked = time.monotonic()
            await asyncio.sleep(_STEP_SECONDS)
            late += max(0.0, time.monotonic() - asked - 2 * _STEP_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield lambda: time.monotonic() - began - late
    finally:
        watching.cancel()
