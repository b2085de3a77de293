"""Names of the segments of an upload in an object store, and the key that combines them.

Each append writes one object, `uploads/<id>/<number>.<previous token>.<own token>`. The token is new for every
attempt, so an attempt that failed, or a writer whose claim ran out, can never replace bytes that count. The
upload's row keeps the number and the token of the last segment only; from there the names lead back to the first.

`finish` writes one more object, `uploads/<id>/<algorithm>.<hex>.<number>.<token of the last>`, whose name is the
blob's key and whose content lists the segments. An upload with such an object is finished; one without is not.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import msgspec

from moorage.ids import UploadId
from moorage.oci.digest import Digest

NO_TOKEN = "0" * 8

_CONTENTS = re.compile(r"uploads/([0-9a-f]{32})/((?:sha256|sha512)\.[0-9a-f]+)\.(\d+)\.([0-9a-f]{8})")
_SEGMENT = re.compile(r"uploads/([0-9a-f]{32})/(\d{6})\.([0-9a-f]{8})\.([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Chain:
    """The last segment of an upload: how many there are, and its token."""

    count: int = 0
    token: str = NO_TOKEN

    @classmethod
    def read(cls, note: str) -> Self:
        """From `Progress.driver`."""
        if not note:
            return cls()
        count, _, token = note.partition(".")
        return cls(int(count), token)

    def note(self) -> str:
        """For `Progress.driver`; at most 20 bytes, however many segments there are."""
        return f"{self.count}.{self.token}" if self.count else ""

    def next_name(self, upload: UploadId, token: str) -> str:
        """The name of the segment that follows."""
        return f"uploads/{upload}/{self.count:06}.{self.token}.{token}"

    def grown(self, token: str) -> "Chain":
        """The chain with that segment at its end."""
        return Chain(self.count + 1, token)


@dataclass(frozen=True, slots=True)
class BlobKey:
    """A key, taken apart."""

    upload: UploadId
    chain: Chain

    @classmethod
    def find(cls, key: str) -> "BlobKey | None":
        """None when this is no blob's key but an ordinary object."""
        found = _CONTENTS.fullmatch(key)
        return found and cls(UploadId(found[1]), Chain(int(found[3]), found[4]))

    def only_segment(self) -> str | None:
        """The object that holds all the bytes, or None when there are several or none."""
        if self.chain.count != 1:
            return None
        return f"uploads/{self.upload}/000000.{NO_TOKEN}.{self.chain.token}"


def blob_key(digest: Digest, upload: UploadId, chain: Chain) -> str:
    """The key of a finished upload."""
    return f"uploads/{upload}/{digest.algorithm}.{digest.hex}.{chain.count}.{chain.token}"


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """One line of a blob's contents. Shape in JSON: [name, size in bytes]."""

    name: str
    size_bytes: int


def follow(chain: Chain, listed: Iterable[Segment]) -> list[Segment] | None:
    """The chain's segments from first to last, out of all that a prefix holds; None when one is missing."""
    by_end = {
        (int(found[2]), found[4]): (found[3], segment) for segment in listed if (found := is_segment(segment.name))
    }
    segments: list[Segment] = []
    token = chain.token
    for number in reversed(range(chain.count)):
        previous = by_end.get((number, token))
        if previous is None:
            return None
        token, segment = previous
        segments.append(segment)
    return segments[::-1]


def is_segment(name: str) -> "re.Match[str] | None":
    """The parts of a segment's name: upload, number, previous token, own token."""
    return _SEGMENT.fullmatch(name)
