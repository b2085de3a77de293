"""Codes for why a connection to another system could not be made. The portal has texts for them (ADR 88)."""

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Any

_BY_ERRNO = {
    errno.ECONNREFUSED: "CONNECT_REFUSED",
    errno.ECONNRESET: "CONNECT_CLOSED",
    errno.EPIPE: "CONNECT_CLOSED",
    errno.ETIMEDOUT: "CONNECT_NO_ANSWER",
    errno.EHOSTUNREACH: "CONNECT_NO_ROUTE",
    errno.ENETUNREACH: "CONNECT_NO_ROUTE",
}


def connect_code(error: BaseException) -> str:
    """The code of the first known cause of an error; "" where none is known."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "CONNECT_CERTIFICATE"
        if isinstance(cause, ssl.SSLError):
            return "CONNECT_TLS"
        if isinstance(cause, socket.gaierror):
            return "CONNECT_HOST_UNKNOWN"
        if isinstance(cause, EOFError):
            return "CONNECT_CLOSED"
        if isinstance(cause, OSError) and cause.errno in _BY_ERRNO:
            return _BY_ERRNO[cause.errno]
        if isinstance(cause, TimeoutError):
            return "CONNECT_NO_ANSWER"
    return ""


def connect_detail(error: BaseException) -> dict[str, Any]:
    """The detail of a refusal that says why: `which`, where the code is known.

    Shape: {} or {"which": str}
    """
    code = connect_code(error)
    return {"which": code} if code else {}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from; httpcore has that in its arguments, asyncio in a group."""
    wanted: list[BaseException] = [error]
    seen: set[int] = set()
    while wanted:
        one = wanted.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = one.exceptions if isinstance(one, BaseExceptionGroup) else one.args
        wanted += [found for found in (one.__cause__, *inner) if isinstance(found, BaseException)]
