"""The protocol of an authentication backend."""

from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Protocol

from moorage.access.policy import Account

Turn = AbstractAsyncContextManager[None]
"""Entered around a real check of a password, not around a remembered one: counts it as a try, and waits for other
tries of the same account from the same address, so that guesses cannot be made at the same time."""


class Backend(Protocol):
    """Checks the password of a person.

    Attributes:
        kind: the word for it in settings and rows: `local`, `ldap`, …
    """

    kind: ClassVar[str]

    async def check_password(self, username: str, password: str, turn: Turn) -> Account | None:
        """The account, or None when the password is wrong, the name unknown, or the account disabled.

        All three take the same time. A backend that keeps people elsewhere brings our own row up to date first.

        Raises:
            LoginThrottled: by `turn`: too many wrong ones before.
            Unavailable: we could not ask. Never turned into None: the caller would tell somebody that a right
                password is wrong.
        """
        ...
