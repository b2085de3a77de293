"""Read-only mode: every change is refused, on /v2 and on the REST API."""

from moorage.configuration.schema import Items
from moorage.errors import ReadOnly

READS = frozenset({"GET", "HEAD", "OPTIONS"})


def require_writable(items: Items, method: str) -> None:
    """Refuse a change while the live settings say `read_only`, whoever asks.

    Raises:
        ReadOnly: they do, and the method is another than GET, HEAD or OPTIONS.
    """
    if items.read_only and method not in READS:
        raise ReadOnly
