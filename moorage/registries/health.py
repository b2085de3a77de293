"""Whether other registries answer as such."""

import asyncio
import logging
import random
import time
from collections.abc import Sequence

from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.errors import Problem, RemoteUnavailable
from moorage.events import SYSTEM
from moorage.registries import service
from moorage.registries.adapters import open_adapter
from moorage.registries.service import RegistryRow
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_connection import Endpoint
from moorage.remotes.retry_policy import IMPATIENT
from moorage.secret_encryption import SealBroken, Seals

SECONDS = 20.0
"""How long a registry may take to answer."""

EVERY_SECONDS = 300
"""How often an endpoint is looked at. Source: the contract's product."""

_LOOK_SECONDS = 30.0
_AT_ONCE = 8
_STALE = Query(
    f"SELECT id FROM registry WHERE checked_at IS NULL OR {{left:checked_at}} < -{EVERY_SECONDS} LIMIT 1"  # noqa: S608 - our own words
)

log = logging.getLogger("moorage.registries")


async def find_trouble(outgoing: Outgoing, kind: str, endpoint: Endpoint) -> Problem | None:
    """Why an endpoint cannot be used; None when it can.

    Raises:
        RegistryInvalid, TargetRefused: it could never be: the address or the kind is none.
    """
    try:
        async with asyncio.timeout(SECONDS), open_adapter(outgoing, kind, endpoint, patience=IMPATIENT) as adapter:
            await adapter.ping()
    except TimeoutError:
        return RemoteUnavailable("The other system does not answer in time.", which="CONNECT_NO_ANSWER")
    except Problem as problem:
        if problem.status == 400:
            raise
        return problem
    return None


async def check_registries(outgoing: Outgoing, database: Database, seals: Seals, rows: Sequence[RegistryRow]) -> int:
    """Look at endpoints, some at once, and note their health; how many are unhealthy. Safe to repeat."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def look_at(row: RegistryRow) -> bool:
        async with places:
            began = time.monotonic()
            try:
                reason = str(await find_trouble(outgoing, row.kind, service.endpoint_of(row, seals)) or "")
                took = time.monotonic() - began
                if row.sealed_secret is not None and not seals.is_current(row.sealed_secret):
                    await database.run(SYSTEM, service.reseal, row, seals)
            except (Problem, SealBroken) as error:
                reason, took = str(error), time.monotonic() - began
        if bool(reason) != (row.status == service.UNHEALTHY):
            log.warning("the registry %s is %s", row.name, f"unhealthy: {reason}" if reason else "healthy again")
        await database.run(SYSTEM, service.note_health, row, reason, round(took * 1000))
        return bool(reason)

    return sum(await asyncio.gather(*map(look_at, rows)))


async def check_stale(outgoing: Outgoing, database: Database, seals: Seals) -> int:
    """Look at the endpoints that nobody has looked at for five minutes; how many those were.

    Of several processes that do so at once, each endpoint is looked at by one.
    """
    if await database.read.one(_STALE) is None:
        return 0
    rows = await database.run(SYSTEM, service.claim_stale, EVERY_SECONDS)
    await check_registries(outgoing, database, seals, rows)
    return len(rows)


async def keep_health(outgoing: Outgoing, database: Database, seals: Seals) -> None:
    """Look at the endpoints from time to time, until cancelled. While the database is away, nothing is known."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS * (0.75 + random.random() / 2))  # noqa: S311 - processes need not be in step
        try:
            await check_stale(outgoing, database, seals)
        except Problem as problem:
            log.warning("the health of other registries could not be noted: %s", problem)
