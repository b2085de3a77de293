"""The composition root of workers: every job, and the parts that they share."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from moorage.audit import jobs as audit
from moorage.audit.event_filter import LiveRules
from moorage.configuration.cached_settings import Live
from moorage.errors import Problem
from moorage.gc import jobs as gc
from moorage.jobs import history_cleanup
from moorage.jobs.task_context import Parts
from moorage.remotes.http_client import Outgoing
from moorage.replication import jobs as replication
from moorage.retention import jobs as retention
from moorage.secret_encryption import Seals
from moorage.settings import Settings
from moorage.storage.drivers import open_storage
from moorage.usage.daily_usage import DayNotes, keep_days
from moorage.webhooks import jobs as webhooks
from moorage.wiring import open_database

SUBJECTS = (audit, gc, replication, retention, history_cleanup, webhooks)
"""The modules whose jobs a worker knows; each declares them when it is imported."""


@contextlib.asynccontextmanager
async def opening(settings: Settings) -> AsyncIterator[Parts]:
    """What jobs share, opened; closed again on leaving.

    Raises:
        Problem: the database cannot be reached. (The storage may come back; a job that needs it then says so.)
    """
    audit_rules = LiveRules()
    days = DayNotes()
    database = open_database(settings, audit_rules, days)
    storage = open_storage(settings)
    seals = Seals(settings.seal_key_folder)
    live = Live(database, seals)
    watching: list[asyncio.Task[None]] = []
    try:
        with contextlib.suppress(Problem):
            await storage.open()
        await live.start(settings.overwrite)
        audit_rules.items = lambda: live.current
        watching += [asyncio.create_task(live.watch()), asyncio.create_task(keep_days(days, database))]
        outgoing = Outgoing(allowed_networks=settings.outgoing.allowed_networks, proxy=settings.outgoing.proxy)
        yield Parts(settings, database, storage, live, seals, outgoing)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        with contextlib.suppress(Problem):
            await days.flush(database)
        await storage.close()
        await database.close()
