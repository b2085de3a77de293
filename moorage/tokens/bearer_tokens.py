"""The protocol of what accepts the Bearer tokens of users."""

from typing import Protocol

from moorage.access.policy import Account


class BearerSource(Protocol):
    """One kind of tokens: ID tokens of the OpenID provider, personal access tokens."""

    async def account_of(self, token: str) -> Account | None:
        """Whose token it is; None: not one of this kind, or not good.

        Raises:
            Unavailable: we could not ask, which is no answer.
        """
        ...
