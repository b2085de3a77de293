"""Whether the parts that this server stands on work, as anybody may ask."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from moorage.errors import Problem
from moorage.logs import with_cause

log = logging.getLogger("moorage.health")

FRESH_SECONDS = 10.0
PATIENCE_SECONDS = 5.0


class Health:
    """Looks at each component at most every 10 s, all at once, and never waits longer than 5 s for one."""

    def __init__(self, checks: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
        self._checks = dict(sorted(checks.items()))
        self._looked_at = float("-inf")
        self._found: dict[str, str] = {}
        self._looking = asyncio.Lock()

    async def components(self) -> Mapping[str, str]:
        """By name, in order: "" for a healthy component, else what is wrong, in words that give nothing away."""
        if time.monotonic() - self._looked_at > FRESH_SECONDS:
            async with self._looking:
                if time.monotonic() - self._looked_at > FRESH_SECONDS:
                    said = await asyncio.gather(*(self._look(name, check) for name, check in self._checks.items()))
                    self._found = dict(zip(self._checks, said, strict=True))
                    self._looked_at = time.monotonic()
        return self._found

    async def _look(self, name: str, check: Callable[[], Awaitable[object]]) -> str:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await check()
        except Problem as problem:
            log.warning("%s is not healthy: %s", name, with_cause(problem))
            return str(problem)
        except TimeoutError:
            log.warning("%s is not healthy: no answer within %s s", name, PATIENCE_SECONDS)
            return f"no answer within {PATIENCE_SECONDS:.0f} s"
        return ""
