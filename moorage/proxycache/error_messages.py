"""Error messages to clients when an upstream fails; its own words go to the log."""

import logging

from moorage.errors import (
    BlobUnknown,
    ManifestUnknown,
    Problem,
    RemoteBusy,
    RemoteDenied,
    RemoteMisbehaved,
    RemoteUnavailable,
    StorageFull,
    TooMany,
    UpstreamFailed,
)
from moorage.proxycache.inflight_fetches import Head
from moorage.proxycache.upstreams import Proxy

log = logging.getLogger("moorage.proxycache")

_DETAILS = frozenset({"status", "refused", "most"})


def explain(proxy: Proxy, problem: Problem) -> Problem:
    """The problem to tell: 404 and 429 stay what they are, everything else is 503 with its cause."""
    detail = {key: value for key, value in problem.detail.items() if key in _DETAILS}
    own = BlobUnknown | ManifestUnknown | UpstreamFailed | StorageFull
    if isinstance(problem, own) or problem.status == 404:
        return problem
    if isinstance(problem, TooMany):
        if "most" in detail:
            return problem
        what = f"The registry '{proxy.registry}', which this project mirrors, asks to wait (429)"
        return RemoteBusy(f"{what}, and this is not cached.", headers=dict(problem.headers), **detail)
    if isinstance(problem, RemoteDenied):
        what = "does not give this to the account that this project uses"
    elif isinstance(problem, RemoteUnavailable):
        status = detail.get("status")
        what = f"answers with status {status}" if status else "cannot be reached"
    elif isinstance(problem, RemoteMisbehaved):
        what = "gave something that cannot be used"
    else:
        what = "refuses this"
    message = f"The registry '{proxy.registry}', which this project mirrors, {what}, and this is not cached."
    return UpstreamFailed(message, headers=dict(problem.headers), **detail)


def tell(proxy: Proxy, problem: Problem) -> Problem:
    """The problem to tell; the log has what the upstream itself said, where it is at fault."""
    told = explain(proxy, problem)
    if told.status >= 500:
        log.warning("%s: %s", proxy.registry, problem)
    return told


def retell(head: Head, proxy: Proxy) -> Problem:
    """The problem of a fetch of another process, or of an earlier moment."""
    headers = {"Retry-After": head.retry_after} if head.retry_after else {}
    if head.status == 404:
        return BlobUnknown(head.message)
    if head.status == 429:
        return RemoteBusy(head.message, headers=headers)
    return UpstreamFailed(head.message or f"The registry '{proxy.registry}' does not give this.", headers=headers)
