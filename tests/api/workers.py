"""A worker beside a server under test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from moorage.jobs.worker import Worker
from moorage.worker_app import opening
from tests.api.client import Server


@contextlib.asynccontextmanager
async def working(app: Server) -> AsyncIterator[Worker]:
    """A worker of this process at work on a server's queue."""
    async with opening(app.settings) as parts:
        worker, stop = Worker(parts), asyncio.Event()
        running = asyncio.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()
            await running


async def until(holds: Callable[[], Awaitable[bool] | bool], seconds: float = 60) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.03)
