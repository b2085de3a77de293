"""The protocol of an authentication backend."""

from typing import ClassVar, Protocol

from moorage.access.policy import Account


class Backend(Protocol):
    """Checks the password of a person.

    Attributes:
        kind: the word for it in settings and rows: `local`, `ldap`, …
    """

    kind: ClassVar[str]

    async def recall(self, username: str, password: str) -> Account | None:
        """The account, if this very password was found right here less than 5 minutes ago. Asks nobody elsewhere."""
        ...

    async def check_password(self, username: str, password: str, address: str) -> Account | None:
        """The account, or None when the password is wrong, the name unknown, or the account disabled.

        All three take the same time. A backend that keeps people elsewhere brings our own row up to date first.

        Args:
            username: as typed.
            password: as typed; may be empty.
            address: of the client, for the audit log.

        Raises:
            NameTaken: the password is right, and the name is that of somebody from another source.
            Unavailable: we could not ask. Never turned into None: the caller would tell somebody that a right
                password is wrong.
        """
        ...

    async def confirm(self, account: Account, address: str) -> Account | None:
        """An account that came in without its password, as its source knows it now; None: not any more.

        Asked at most every 5 minutes. An account of another source is given back as it is.

        Raises:
            Unavailable: we could not ask.
        """
        ...
