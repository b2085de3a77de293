"""Requests that another site makes a browser send.

Two defences, either of which would do: a browser says itself where a request comes from (`Sec-Fetch-Site`, `Origin`),
and whoever uses a session's cookie for a change has to know the session's token, which no other site can read.
"""

import hmac
from collections.abc import Mapping

from moorage.errors import CrossSite, CsrfTokenInvalid

CSRF_HEADER = b"x-harbor-csrf-token"
"""Brings the token, and tells it in every reply to a request with a session. Source: the contract's words."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def check_csrf(method: str, headers: Mapping[bytes, bytes], origin: str, token: str | None) -> None:
    """Refuse a change that another site asks for.

    Args:
        headers: by lower-case name.
        origin: scheme and host of this server as the client sees them (`Request.origin`).
        token: of the session whose cookie signs the request in; None: it is signed in by another credential, or not.

    Raises:
        CrossSite: the browser says that another site sent it, whatever the credential.
        CsrfTokenInvalid: the session's token is missing or wrong.
    """
    if method in SAFE_METHODS:
        return
    require_same_site(headers, origin)
    if token is not None and not hmac.compare_digest(headers.get(CSRF_HEADER, b""), token.encode("ascii")):
        raise CsrfTokenInvalid


def require_same_site(headers: Mapping[bytes, bytes], origin: str) -> None:
    """Refuse what a browser sends for another site. Programs that are no browsers say nothing, and pass.

    The scheme is not compared: behind a proxy that nobody told us of, ours would be the wrong one.

    Raises:
        CrossSite: it is such a request.

    Source: W3C Fetch Metadata; RFC 6454, section 7.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        if site not in {b"same-origin", b"none"}:
            raise CrossSite
        return
    sender = headers.get(b"origin")
    if sender is None:
        return
    host = sender.decode("latin-1").partition("://")[2].lower()
    ours = {origin.partition("://")[2].lower(), headers.get(b"host", b"").decode("latin-1").lower()}
    if not host or host not in ours:
        raise CrossSite
