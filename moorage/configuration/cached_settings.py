"""Cache of the live settings in a process, reloaded when their version changes."""

import asyncio
import logging
from collections.abc import Mapping

import msgspec

from moorage.configuration.schema import Items
from moorage.configuration.service import Stored, fix_items, unpack
from moorage.configuration.validation import DEFAULTS
from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.errors import Problem, Unavailable
from moorage.events import SYSTEM
from moorage.secret_encryption import SealBroken, Seals

WATCH_SECONDS = 1.0

VERSION_SQL = "SELECT version FROM configuration WHERE id = 1"
_VERSION = Query(VERSION_SQL)
_ROW = Query("SELECT version, items, fixed FROM configuration WHERE id = 1")

log = logging.getLogger("moorage.configuration")


class Settled:
    """Constant live settings, for commands, tests and connection checks."""

    def __init__(self, current: Items = DEFAULTS) -> None:
        self.current = current

    async def items(self) -> Items:
        """The settings."""
        return self.current

    async def items_of(self, version: int | None) -> Items:  # noqa: ARG002 - they have one only
        """The settings."""
        return self.current


class Live:
    """The live settings of this process, with their secrets. Used from one event loop.

    Attributes:
        current: the settings as they were a second ago at most: for the pull path, where they may cost nothing.
        seals: what their secrets are sealed with.
    """

    def __init__(self, database: Database, seals: Seals) -> None:
        self.current = DEFAULTS
        self.seals = seals
        self._database = database
        self._version = 0
        self._overwrite: Mapping[str, object] | None = None
        self._loading = asyncio.Lock()

    async def start(self, overwrite: Mapping[str, object]) -> None:
        """Fix what the environment fixes, and read the settings for the first time.

        While the database is away, everything has its default and is read as soon as it is back: until then there is
        nothing to serve.

        Raises:
            ItemInvalid: the environment fixes something that is not there or cannot be.
            SealBroken: a secret cannot be opened: a key is missing.
        """
        self._overwrite = overwrite
        try:
            await self._look()
        except Unavailable as problem:
            log.warning("the live settings could not be read yet: %s", problem)

    async def _look(self) -> None:
        if self._overwrite is not None:
            await self._database.run(SYSTEM, fix_items, self.seals, self._overwrite)
            self._overwrite = None
        await self.items()

    async def items(self) -> Items:
        """The settings as they are now: what was committed before this call, in whatever process, is seen.

        Raises:
            SealBroken: a secret cannot be opened.

        Cost: one look-up by primary key; one more after a change.
        """
        row = await self._database.read.one(_VERSION)
        return await self.items_of(row[0] if row else None)

    async def items_of(self, version: int | None) -> Items:
        """The settings, whose version the caller has just read with something else (`VERSION_SQL`).

        Raises:
            SealBroken: a secret cannot be opened.
        """
        if (version or 0) != self._version:
            async with self._loading:  # or an answer that was overtaken would put the older settings back
                await self._load()
        return self.current

    async def _load(self) -> None:
        row = await self._database.read.one(_ROW)
        stored = Stored() if row is None else Stored(row[0], _read_object(row[1]), _read_object(row[2]))
        self.current, self._version = unpack(stored, self.seals), stored.version

    async def watch(self) -> None:
        """Refresh `current` until cancelled; keep the old settings while the database is away."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._look()
            except (Problem, SealBroken) as error:
                log.warning("the live settings could not be read; those from before hold: %s", error)


def _read_object(text: str) -> dict[str, object]:
    return msgspec.json.decode(text, type=dict[str, object])
