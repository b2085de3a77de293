"""Ranges of a GET, ranges of an upload's chunk, and the conditions of a request.

Both kinds of range come out half open: `start` included, `stop` excluded.
"""

import re
from collections.abc import Mapping

from moorage.errors import ContentDiffers, RangeInvalid, SizeInvalid, UploadInvalid

MAX_HEADER_CHARACTERS = 256
MAX_STOP = 2**63 - 1

_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})")


def parse_range(header: str | None, size: int) -> slice | None:
    """The bytes that a GET asks for; None for the whole, status 200.

    What is no single range of bytes is ignored, as RFC 9110 allows: another unit, several ranges, nonsense, more than
    256 characters. A range whose end lies before its start is refused: the conformance suite asks for 416.

    Args:
        header: the value of `Range`.
        size: the length of the content in bytes.

    Raises:
        RangeInvalid: nothing of it lies within the content; with the header `Content-Range: bytes */SIZE`.

    Source: RFC 9110, section 14.
    """
    if header is None or len(header) > MAX_HEADER_CHARACTERS:
        return None
    found = _RANGE.fullmatch(header)
    if found is None or not (found[1] or found[2]):
        return None
    if found[1]:
        start, stop = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
    else:
        start, stop = max(size - int(found[2]), 0), size
    if start >= stop:
        raise RangeInvalid(headers={"Content-Range": f"bytes */{size}"}, size=size)
    return slice(start, stop)


def parse_content_range(header: str) -> tuple[int, int]:
    """The bytes that a chunk of an upload says it holds: (start, stop), from `FIRST-LAST` without a unit.

    Whether the chunk begins where the upload ends is for the caller to see. A header that was sent twice arrives
    joined by a comma and is refused.

    Raises:
        UploadInvalid: any other form, a last byte before the first, or one beyond 2^63-2.

    Source: OCI distribution-spec v1.1, "Pushing a blob in chunks".
    """
    found = _CONTENT_RANGE.fullmatch(header)
    if found is None:
        raise UploadInvalid("The Content-Range is invalid: write 'FIRST-LAST', as in '0-511'.", range=header[:80])
    start, stop = int(found[1]), int(found[2]) + 1
    if start >= stop or stop > MAX_STOP:
        raise UploadInvalid("The Content-Range is invalid: its last byte is before its first.", range=header)
    return start, stop


def require_length(span: tuple[int, int], received: int) -> None:
    """Refuse a chunk whose length is not that of its Content-Range; `received` is announced or counted, in bytes.

    Raises:
        SizeInvalid: they differ.
    """
    start, stop = span
    if received != stop - start:
        raise SizeInvalid(
            f"The Content-Range holds {stop - start} bytes, but {received} were sent.",
            expected=stop - start,
            received=received,
        )


def etag_matches(header: str, etag: str | None, *, weak: bool) -> bool:
    """Whether one of the entity tags of an If-None-Match or If-Match is that of the content.

    An unquoted tag counts as quoted: clients of Harbor send the bare digest.

    Args:
        header: the header's value: `*`, or entity tags separated by commas.
        etag: the content's entity tag, quoted or not, without a comma in it; None when there is no content.
        weak: compare as If-None-Match does, where `W/` makes no difference; otherwise a weak tag never matches.

    Source: RFC 9110, sections 8.8.3.2, 13.1.1 and 13.1.2.
    """
    if etag is None:
        return False
    if header.strip(" \t") == "*":
        return True
    wanted = _unquote(etag)
    for given in header.split(","):
        tag = given.strip(" \t")
        if tag.startswith("W/"):
            if not weak:
                continue
            tag = tag[2:]
        if _unquote(tag) == wanted:
            return True
    return False


def is_known(headers: Mapping[bytes, bytes], etag: str) -> bool:
    """Whether a GET or HEAD is answered by 304, as the client has this content already.

    Args:
        headers: of the request, by lower-case name.
        etag: the content's entity tag, quoted.

    Raises:
        ContentDiffers: If-Match names other content; it is looked at first.

    Source: RFC 9110, section 13.2.2.
    """
    wanted, held = headers.get(b"if-match"), headers.get(b"if-none-match")
    if wanted is not None and not etag_matches(wanted.decode("latin-1"), etag, weak=False):
        raise ContentDiffers(headers={"ETag": etag})
    return held is not None and etag_matches(held.decode("latin-1"), etag, weak=True)


def if_range_matches(header: str | None, etag: str) -> bool:
    """Whether a Range is to be honoured: there is no If-Range, or it holds this very entity tag.

    A date never matches: we send no Last-Modified with content that is named by its digest.

    Source: RFC 9110, section 13.1.5.
    """
    return header is None or (
        header.strip(" \t") != "*" and "," not in header and etag_matches(header, etag, weak=False)
    )


def _unquote(tag: str) -> str:
    return tag[1:-1] if len(tag) >= 2 and tag[0] == tag[-1] == '"' else tag
