"""Throttle failed logins.

Counted per account and address, so that an attacker who is made to wait does not keep the owner out elsewhere. The
counts are those of one process: with N processes an attacker has N times the tries, which the delays outgrow.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from types import TracebackType
from weakref import WeakValueDictionary

from moorage.errors import LoginThrottled

FREE_TRIES = 5
MAX_DELAY_SECONDS = 60
FORGET_SECONDS = 900
MAX_KEYS = 10_000

Key = tuple[str, str]
"""Folded account name and network."""


@dataclass(slots=True)
class _Failures:
    count: int
    last: float


class Throttle:
    """Failed tries, and who has to wait. At most 10,000 keys; the ones that failed longest ago are forgotten first."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[Key, _Failures] = {}
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    def require_open(self, key: Key) -> None:
        """Refuse a try that comes too early.

        Raises:
            LoginThrottled: with the whole seconds to wait in `Retry-After`.
        """
        found = self._failures.get(key)
        if found is None or found.count < FREE_TRIES:
            return
        wait = found.last + min(2.0 ** min(found.count - FREE_TRIES, 16), MAX_DELAY_SECONDS) - self._clock()
        if wait > 0:
            raise LoginThrottled(headers={"Retry-After": str(math.ceil(wait))})

    def turn(self, key: Key) -> "Turn":
        """One try, to be entered around the check of the password."""
        return Turn(self, key)

    def lock(self, key: Key) -> asyncio.Lock:
        """The lock of a key; it lives while somebody holds or awaits it."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    def count(self, key: Key) -> None:
        """Count a try as failed: `forgive` undoes that for one that went well."""
        before = self._failures.pop(key, None)
        now = self._clock()
        if len(self._failures) >= MAX_KEYS:
            del self._failures[next(iter(self._failures))]
        count = before.count if before is not None and now - before.last < FORGET_SECONDS else 0
        self._failures[key] = _Failures(count + 1, now)

    def discount(self, key: Key) -> None:
        """Take back one count: the try could not be made. What was waited for is not waited for again."""
        found = self._failures.get(key)
        if found is not None:
            found.count -= 1

    def forgive(self, key: Key) -> None:
        """Forget the failures of somebody who knew the password after all."""
        self._failures.pop(key, None)


class Turn:
    """One try. Entered, it waits for the others of its account and address, and counts as failed from then on.

    A caller who goes away in the middle has had their try; one that could not be made (a backend is down, too many
    wait) is taken back.
    """

    __slots__ = ("_key", "_lock", "_throttle")

    def __init__(self, throttle: Throttle, key: Key) -> None:
        self._throttle = throttle
        self._key = key
        self._lock: asyncio.Lock | None = None

    async def __aenter__(self) -> None:
        """Wait, and count.

        Raises:
            LoginThrottled: those before used up what was free.
        """
        lock = self._throttle.lock(self._key)
        await lock.acquire()
        self._lock = lock
        try:
            self._throttle.require_open(self._key)
        except LoginThrottled:
            lock.release()
            raise
        self._throttle.count(self._key)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release()
        if isinstance(error, Exception):
            self._throttle.discount(self._key)


def network_of(address: str) -> str:
    """The address that failures are counted under: an IPv4 address, or the /64 that an IPv6 customer is given."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return address
