"""Cookies: find one in a request, write one into a reply.

Source: RFC 6265bis.
"""

from collections.abc import Iterable

from moorage.web.response import Header


def find_cookie(headers: Iterable[Header], name: str) -> str | None:
    """The value of a cookie; None when it was not sent, or sent with two different values.

    Two values mean that another host of our domain put one of them there, and nobody can tell which.

    Args:
        headers: all pairs as they came, names in lower case: HTTP/2 clients send a header per cookie.
    """
    found: str | None = None
    for key, line in headers:
        if key != b"cookie":
            continue
        for part in line.decode("latin-1").split(";"):
            given, equals, value = part.strip(" \t").partition("=")
            if equals and given == name:
                if found is not None and found != value:
                    return None
                found = value
    return found


def set_cookie(name: str, value: str, *, secure: bool, readable: bool = False, seconds: int | None = None) -> Header:
    """The header that stores a cookie for the whole site, sent along when somebody follows a link to it (Lax).

    Args:
        secure: whether it is sent over HTTPS only.
        readable: whether scripts of the page may read it.
        seconds: how long it is kept; None: until the browser ends, 0: it is removed.
    """
    parts = [f"{name}={value}", "Path=/", "SameSite=Lax"]
    if not readable:
        parts.append("HttpOnly")
    if secure:
        parts.append("Secure")
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    return b"set-cookie", "; ".join(parts).encode("latin-1")
