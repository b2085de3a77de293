"""Serve static content with validators for caching."""

import gzip
import hashlib
import re
from collections.abc import Sequence

from moorage.errors import Unsupported
from moorage.web.ranges import etag_matches
from moorage.web.request import Request
from moorage.web.response import Header, Reply

_NO_GZIP = re.compile(r"\bgzip\s*;\s*q\s*=\s*0(\.0*)?\s*(,|$)")


class Content:
    """A body with its media type. Browsers keep it and ask each time whether it is still the one."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self._body = body
        self._packed = gzip.compress(body, 9, mtime=0)
        self._etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        self._type = (b"content-type", media_type.encode("ascii"))

    def reply(self, request: Request, headers: Sequence[Header] = ()) -> Reply:
        """The content: 200, or 304 where the client has it; packed where that is understood.

        Raises:
            Unsupported: it is not asked for, but written to.

        Source: RFC 9110, sections 8.4, 12.5.3 and 13.1.2.
        """
        if request.method not in {"GET", "HEAD"}:
            raise Unsupported(headers={"Allow": "GET, HEAD"})
        common = [
            (b"etag", f"W/{self._etag}".encode("ascii")),  # weak: packed and unpacked bytes have the same one
            (b"cache-control", b"no-cache"),
            (b"vary", b"accept-encoding"),
            *headers,
        ]
        wanted = request.header(b"if-none-match")
        if wanted is not None and etag_matches(wanted, self._etag, weak=True):
            return Reply(304, common)
        encodings = request.header(b"accept-encoding") or ""
        if "gzip" in encodings and _NO_GZIP.search(encodings) is None:
            return Reply(200, [self._type, (b"content-encoding", b"gzip"), *common], self._packed)
        return Reply(200, [self._type, *common], self._body)
