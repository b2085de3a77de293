"""What is tried before a setting is saved: whether the other system can be reached at all.

The subjects that speak with those systems lie above this one; `app.py` hands over how they try.
"""

from collections.abc import Awaitable, Callable

from moorage.configuration.items import Items


class Checks:
    """How settings are tried.

    Args:
        receiver: connects to the syslog receiver of the items once; raises a Problem when that fails.
    """

    def __init__(self, *, receiver: Callable[[Items], Awaitable[None]]) -> None:
        self._receiver = receiver

    async def run(self, before: Items, after: Items) -> None:
        """Try what changed.

        Raises:
            ReceiverUnusable: the audit log could not be sent there.
        """
        if after.audit_log_forward_endpoint and _forward(before) != _forward(after):
            await self._receiver(after)


def _forward(items: Items) -> tuple[str, bool, str]:
    return (
        items.audit_log_forward_endpoint,
        items.audit_log_forward_tls,
        items.audit_log_forward_ca_certificate,
    )
