"""The response of a handler, and the error envelope of both APIs."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from moorage.errors import Problem

Header = tuple[bytes, bytes]
JSON_TYPE = (b"content-type", b"application/json")


API_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""What goes with every reply of the REST API that does not say otherwise itself."""


class Reply:
    """A response: one of bytes, a file of this machine, or a stream.

    Attributes:
        headers: lower-case names; the stack adds the request id and the server's name.
        length: the value of Content-Length; None: from the body, or not sent for a stream.
    """

    __slots__ = ("body", "headers", "length", "path", "status", "stream")

    def __init__(
        self, status: int, headers: list[Header] | None = None, body: bytes = b"", *,
        path: Path | None = None, stream: AsyncIterator[bytes] | None = None, length: int | None = None,
    ) -> None:  # fmt: skip
        self.status = status
        self.headers = headers if headers is not None else []
        self.body = body
        self.path = path
        self.stream = stream
        self.length = length


def add_missing(headers: list[Header], more: Sequence[Header]) -> None:
    """Add those of `more` whose name is not there yet: of two policies a browser would obey both."""
    there = {name for name, _ in headers}
    headers += [one for one in more if one[0] not in there]


def warning(text: str) -> Header:
    """A header that warns whoever reads it: 500 characters of a sentence, without what no header may hold.

    Source: RFC 7234, section 5.5.
    """
    plain = "".join(one if one.isprintable() else " " for one in text)[:500]
    quoted = plain.replace("\\", "\\\\").replace('"', '\\"')
    return b"warning", f'299 - "{quoted}"'.encode("ascii", "replace")


def json_reply(status: int, value: object, headers: list[Header] | None = None) -> Reply:
    """A JSON body."""
    return Reply(status, [JSON_TYPE, *(headers or [])], json.dumps(value, separators=(",", ":")).encode())


def problem_body(problem: Problem, *, oci: bool) -> dict[str, object]:
    """The body of an error, the same shape on both planes.

    Shape: {"errors": [{"code": str, "message": str, "detail": object}]}

    Source: OCI distribution-spec v1.1, "Error Codes"; Harbor API v2.0, `Errors`.
    """
    code = problem.oci_code if oci else problem.code
    detail = dict(problem.detail)
    if problem.reason and problem.reason != code:
        detail["reason"] = problem.reason
    error: dict[str, object] = {"code": code, "message": str(problem)}
    if detail:
        error["detail"] = detail
    return {"errors": [error]}


def problem_reply(problem: Problem, *, oci: bool) -> Reply:
    """The response that tells a caller of a problem; 503 always says when to try again."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items()]
    if problem.status == 503 and all(name != b"retry-after" for name, _ in headers):
        headers.append((b"retry-after", b"30"))
    return json_reply(problem.status, problem_body(problem, oci=oci), headers)


class InternalError(Problem):
    """internal server error"""  # noqa: D415 - the contract's words
