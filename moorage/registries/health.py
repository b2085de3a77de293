"""Whether other registries answer as such."""

import asyncio
import logging

from moorage.db.engine import Database
from moorage.db.query import Listing
from moorage.errors import Problem, RemoteUnavailable
from moorage.events import SYSTEM
from moorage.registries import service
from moorage.registries.adapters import open_adapter
from moorage.remotes.connection import Endpoint
from moorage.remotes.http import Outgoing
from moorage.remotes.patience import IMPATIENT
from moorage.sealing import SealBroken, Seals

SECONDS = 20.0
"""How long a registry may take to answer."""

_AT_ONCE = 8
_PAGE = 100

log = logging.getLogger("moorage.registries")


async def find_trouble(outgoing: Outgoing, kind: str, endpoint: Endpoint) -> str:
    """Why an endpoint cannot be used, in a sentence; "" when it can.

    Raises:
        RegistryInvalid, TargetRefused: it could never be: the address or the kind is none.
    """
    try:
        async with asyncio.timeout(SECONDS), open_adapter(outgoing, kind, endpoint, patience=IMPATIENT) as adapter:
            await adapter.ping()
    except TimeoutError:
        return str(RemoteUnavailable("The other system does not answer in time."))
    except Problem as problem:
        if problem.status == 400:
            raise
        return str(problem)
    return ""


async def check_registries(outgoing: Outgoing, database: Database, seals: Seals) -> int:
    """Look at every endpoint and note its health; how many are unhealthy. Safe to repeat."""
    found: list[service.RegistryRow] = []
    page = 1
    while True:
        rows, total, _ = await database.look(service.list_registries, Listing(page=page, page_size=_PAGE))
        found += rows
        if page * _PAGE >= total:
            break
        page += 1
    places = asyncio.Semaphore(_AT_ONCE)

    async def look_at(row: service.RegistryRow) -> bool:
        async with places:
            try:
                reason = await find_trouble(outgoing, row.kind, service.endpoint_of(row, seals))
            except (Problem, SealBroken) as error:
                reason = str(error)
        if bool(reason) != (row.status == service.UNHEALTHY):
            log.warning("the registry %s is %s", row.name, reason or "healthy again")
        await database.run(SYSTEM, service.note_health, row, reason)
        return bool(reason)

    return sum(await asyncio.gather(*map(look_at, found)))
