"""Hash passwords with argon2id, off the event loop, and remember checked ones for five minutes.

A registry client sends the same password with every token that it asks for; hashing costs 20 ms of a core and
19 MiB, so a check that went well is remembered. What is kept is an HMAC under a key that exists only in this
process, over the account, its stored hash and the password: it holds no password, and a changed password or a
recreated account does not fit it. Failed checks are never remembered.
"""

import asyncio
import hmac
import secrets
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw

from moorage.errors import LoginBusy, PasswordInvalid

T = TypeVar("T")

AT_ONCE = 2
"""Hashes computed at the same time in one process: they take 19 MiB and a core each."""

MAX_WAITING = 200
"""Checks that may wait for their turn, some 2 s of work; more are told to come back."""

REMEMBER_SECONDS = 300
MAX_REMEMBERED = 10_000
MAX_PASSWORD_BYTES = 1_024

_TIME_COST, _MEMORY_KIB, _PARALLELISM = 2, 19_456, 1
_NOBODYS = (
    f"$argon2id$v=19$m={_MEMORY_KIB},t={_TIME_COST},p={_PARALLELISM}"
    f"${b64encode(secrets.token_bytes(16)).decode().rstrip('=')}${b64encode(secrets.token_bytes(32)).decode().rstrip('=')}"
)
"""A hash that no known password has."""
_HASHER = PasswordHasher(time_cost=_TIME_COST, memory_cost=_MEMORY_KIB, parallelism=_PARALLELISM)


def require_good_password(password: str) -> None:
    """Refuse a new password that breaks the contract's rule.

    Raises:
        PasswordInvalid: not 8 to 128 characters, or without a lower-case letter, an upper-case letter or a digit.
    """
    if not (
        8 <= len(password) <= 128
        and any(map(str.islower, password))
        and any(map(str.isupper, password))
        and any(map(str.isdigit, password))
    ):
        raise PasswordInvalid


def hash_password(password: str) -> str:
    """The argon2id hash of a password, in PHC string form. Takes about 20 ms: for the command line and tests.

    Source: OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, 2 passes, 1 lane.
    """
    return _HASHER.hash(password)


def hash_chosen_secret(secret: bytes, salt: bytes) -> bytes:
    """32 bytes by argon2id with the same costs, for a robot's secret that a person chose."""
    return hash_secret_raw(secret, salt, _TIME_COST, _MEMORY_KIB, _PARALLELISM, 32, Type.ID)


class Passwords:
    """The passwords of this process: a place to compute and to remember. Used from one event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._waiting = 0
        self._key = secrets.token_bytes(32)
        self._remembered: dict[bytes, float] = {}

    async def hash(self, password: str) -> str:
        """The argon2id hash of a password.

        Raises:
            LoginBusy: too many are waiting.
        """
        return await self._compute(lambda: hash_password(password))

    def remembers(self, account_id: int, stored: str | bytes, password: str) -> bool:
        """Whether this very check went well less than 5 minutes ago; some 3 microseconds."""
        deadline = self._remembered.get(self._digest(account_id, stored, password))
        return deadline is not None and self._clock() < deadline

    async def verify(self, account_id: int, stored: str, password: str) -> bool:
        """Whether `password` is the one behind the hash `stored`. An empty `stored` fits none, in the same time.

        Raises:
            LoginBusy: too many are waiting.
        """
        if self.remembers(account_id, stored, password):
            return True
        if not stored:
            await self.verify_nobody(password)
            return False
        return await self.verify_by(account_id, stored, password, lambda: _matches(stored, password))

    async def verify_by(self, account_id: int, stored: str | bytes, password: str, check: Callable[[], bool]) -> bool:
        """The answer of `check`, asked for off the loop unless it is remembered.

        Raises:
            LoginBusy: too many are waiting.
        """
        if self.remembers(account_id, stored, password):
            return True
        if len(password) > MAX_PASSWORD_BYTES or not await self._compute(check):
            return False
        self.remember(account_id, stored, password)
        return True

    def remember(self, account_id: int, stored: str | bytes, password: str) -> None:
        """Keep in mind that a check went well, for 5 minutes. It is for those who check elsewhere, too."""
        if len(self._remembered) >= MAX_REMEMBERED:
            self._forget()
        self._remembered[self._digest(account_id, stored, password)] = self._clock() + REMEMBER_SECONDS

    async def verify_nobody(self, password: str) -> None:
        """Take as long as a check for an account that does not exist.

        Raises:
            LoginBusy: too many are waiting.
        """
        if len(password) <= MAX_PASSWORD_BYTES:
            await self._compute(lambda: _matches(_NOBODYS, password))

    async def close(self) -> None:
        """Give the threads back."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _compute(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise LoginBusy(headers={"Retry-After": "2"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _digest(self, account_id: int, stored: str | bytes, password: str) -> bytes:
        raw = stored.encode() if isinstance(stored, str) else stored
        message = b"%d:%d:%b%b" % (account_id, len(raw), raw, password.encode("utf-8", "surrogatepass"))
        return hmac.digest(self._key, message, "sha256")

    def _forget(self) -> None:
        """Make room: what is too old, and the older half of the rest."""
        now = self._clock()
        kept = [(digest, deadline) for digest, deadline in self._remembered.items() if deadline > now]
        self._remembered = dict(kept[len(kept) // 2 :])


def _matches(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
