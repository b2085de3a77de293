"""Retry policy for requests to other systems.

Source: RFC 9110, section 10.2.3 (`Retry-After`); RFC 6585, section 4 (429).
"""

import asyncio
import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from moorage.errors import Problem, RemoteBusy, RemoteUnavailable

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may well succeed."""


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How often something is tried, and how long is waited: what the other side says, else 1, 2, 4, … seconds.

    Attributes:
        tries: 1: once.
        first_seconds: before the second try.
        longest_seconds: a wait is never longer; when the other side asks for more, that is the end.
    """

    tries: int = 5
    first_seconds: float = 1.0
    longest_seconds: float = 120.0


IMPATIENT = Patience(tries=1)
"""For whoever has somebody waiting."""


HEADWAY_BYTES = 64 << 10
"""What a try has to move for the tries before it to be forgotten: fewer, and a peer could go on like that for ever."""


class Attempts:
    """The tries of one thing. Those that make headway are not counted."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failed = 0
        self._moved_bytes = 0

    def moved(self, size_bytes: int) -> None:
        """Note that so many bytes went through; enough of them, and the failures before are forgotten."""
        self._moved_bytes += size_bytes
        if self._moved_bytes >= HEADWAY_BYTES:
            self._failed = 0

    async def wait(self, problem: Problem) -> None:
        """Wait before the next try, as long as the other side asked for.

        Args:
            problem: what happened; raised when there is no next try.
        """
        self._failed += 1
        self._moved_bytes = 0
        seconds = self._patience.first_seconds * 2 ** (self._failed - 1) * (0.75 + random.random() / 2)  # noqa: S311
        seconds = min(seconds, self._patience.longest_seconds)
        told = read_retry_after(problem.headers)
        seconds = seconds if told is None else told
        if self._failed >= self._patience.tries or seconds > self._patience.longest_seconds:
            raise problem
        await asyncio.sleep(seconds)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """How many seconds a reply asks to wait; None when it does not say so in a way that can be read."""
    text = (headers.get("retry-after") or headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def busy(status: int, headers: Mapping[str, str]) -> Problem:
    """What to tell of a reply with a status of `AGAIN`."""
    told = read_retry_after(headers)
    wait = {} if told is None else {"Retry-After": str(math.ceil(told))}
    if status == 429:
        return RemoteBusy(headers=wait, status=status)
    return RemoteUnavailable(f"The other system answers with status {status}.", headers=wait, status=status)
