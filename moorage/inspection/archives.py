"""Read a few small files out of an untrusted tar archive, with bounds on everything.

A reader of our own, because that of the standard library keeps a list of all entries, follows sizes of its own into
memory, and has loops that a hostile header makes endless. This one knows what archives of charts and models consist
of, passes over everything else, opens nothing that is inside, follows no link and writes nothing to disk; names are
only compared.

Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; RFC 1952.
"""

import time
import zlib
from collections.abc import Callable

from moorage.errors import ArchiveInvalid, ArchiveLimit

MAX_PACKED_BYTES = 20 << 20
"""Of an archive as it is stored; Helm reads no larger charts either."""

MAX_UNPACKED_BYTES = 100 << 20
MAX_ENTRIES = 10_000
MAX_FILE_BYTES = 1 << 20
MAX_RATIO = 100
"""Unpacked bytes for each packed one, beyond the first MiB."""

MAX_SECONDS = 3.0

_BLOCK = 512
_PIECE = 64 << 10
_FREE_BYTES = 1 << 20
_MAX_HEADER_BYTES = 64 << 10
"""Of one extended header; names are at most as long."""

_GZIP = b"\x1f\x8b\x08"
_REGULAR = frozenset(b"0\0" + b"7")


class _Unpacked:
    """The bytes of an archive, in order, with all limits on them."""

    def __init__(self, packed: bytes, *, gzipped: bool) -> None:
        if gzipped and not packed.startswith(_GZIP):
            raise ArchiveInvalid(why="it is not compressed with gzip")
        self._packed = memoryview(packed)
        self._at = 0
        self._inflate = zlib.decompressobj(wbits=31) if gzipped else None
        self._tail: bytes = b""
        self._buffer = bytearray()
        self._unpacked = 0
        self._until = time.monotonic() + MAX_SECONDS

    def take(self, count: int) -> bytes:
        """The next bytes, exactly so many."""
        while len(self._buffer) < count:
            self._buffer += self._more()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def skip(self, count: int) -> None:
        """Pass over bytes, without keeping them."""
        while count > len(self._buffer):
            count -= len(self._buffer)
            self._buffer.clear()
            self._buffer += self._more()
        del self._buffer[:count]

    def check_time(self) -> None:
        """Stop what takes too long."""
        if time.monotonic() > self._until:
            raise ArchiveLimit(limit=f"{MAX_SECONDS:g} s")

    def _more(self) -> bytes:
        self.check_time()
        if self._inflate is None:
            found = bytes(self._packed[self._at : self._at + _PIECE])
            self._at += len(found)
        else:
            found = self._inflate_some(self._inflate)
        if not found:
            raise ArchiveInvalid(why="it ends too early")
        self._unpacked += len(found)
        if self._unpacked > MAX_UNPACKED_BYTES:
            raise ArchiveLimit(limit=f"{MAX_UNPACKED_BYTES >> 20} MiB unpacked")
        if self._unpacked > _FREE_BYTES + MAX_RATIO * self._at:
            raise ArchiveLimit(limit=f"{MAX_RATIO} bytes unpacked for each packed one")
        return found

    def _inflate_some(self, inflate: "zlib._Decompress") -> bytes:
        while not inflate.eof:
            given = self._tail
            if not given:
                given = bytes(self._packed[self._at : self._at + _PIECE])
                self._at += len(given)
            if not given:
                break
            try:
                found = inflate.decompress(given, _PIECE)
            except zlib.error:
                raise ArchiveInvalid(why="what is compressed in it is damaged") from None
            self._tail = inflate.unconsumed_tail
            if found:
                return found
        return b""


def read_files(
    packed: bytes, wanted: Callable[[str], str | None], *, gzipped: bool, max_bytes: int = MAX_FILE_BYTES
) -> dict[str, bytes]:
    """The wanted regular files of a tar archive, by the names that `wanted` gives to them.

    Blocks for up to 3 s: belongs into a thread.

    Args:
        packed: the archive.
        wanted: says under which name a path of the archive is wanted; None: not at all.
        gzipped: whether it is compressed with gzip, in one member.
        max_bytes: of one file.

    Raises:
        ArchiveInvalid: it is no such archive, is damaged, or holds a wanted file twice.
        ArchiveLimit: it goes beyond one of the limits above.
    """
    source = _Unpacked(packed, gzipped=gzipped)
    found: dict[str, bytes] = {}
    path: str | None = None
    for _ in range(MAX_ENTRIES):
        source.check_time()
        header = source.take(_BLOCK)
        if not any(header):
            return found
        _require_checksum(header)
        size = _read_octal(header[124:136])
        kind = header[156]
        if kind in b"xL":
            path = _read_path(source.take(_fitting(size, _MAX_HEADER_BYTES)), pax=kind == b"x"[0]) or path
            source.skip(-size % _BLOCK)
            continue
        name = wanted(path if path is not None else _read_name(header)) if kind in _REGULAR else None
        path = None
        if name is None:
            source.skip(size + -size % _BLOCK)
            continue
        if name in found:
            raise ArchiveInvalid(why=f"{name} is in it more than once")
        found[name] = source.take(_fitting(size, max_bytes))
        source.skip(-size % _BLOCK)
    raise ArchiveLimit(limit=f"{MAX_ENTRIES} entries")


def _fitting(size: int, most: int) -> int:
    if size > most:
        raise ArchiveLimit(limit=f"{most >> 10} KiB for one file")
    return size


def _require_checksum(header: bytes) -> None:
    """The sum of all bytes, those of the sum itself counted as spaces."""
    if _read_octal(header[148:156]) != sum(header[:148]) + 8 * 32 + sum(header[156:]):
        raise ArchiveInvalid(why="it is not a tar archive, or is damaged")


def _read_octal(field: bytes) -> int:
    """A number of a header; the binary form, for 8 GiB and more and for negative ones, has no place here."""
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not all(0x30 <= digit <= 0x37 for digit in digits):
        raise ArchiveInvalid(why="a size in it is no number, or too large")
    return int(digits, 8)


def _read_name(header: bytes) -> str:
    name, prefix = (part.partition(b"\0")[0] for part in (header[:100], header[345:500]))
    if prefix and header[257:263] == b"ustar\0":
        name = prefix + b"/" + name
    return name.decode("utf-8", "replace")


def _read_path(extended: bytes, *, pax: bool) -> str | None:
    """The path that an extended header gives to the next entry.

    Raises:
        ArchiveInvalid: it is malformed, or gives another size too, or holes: then others see other content than we.
    """
    if not pax:
        return extended.partition(b"\0")[0].decode("utf-8", "replace")
    path = None
    at = 0
    while at < len(extended):
        space = extended.find(b" ", at, at + 8)
        length = extended[at:space] if space > 0 else b""
        record = extended[at : at + int(length)] if length.isdigit() else b""
        key, equals, value = record[len(length) + 1 : -1].partition(b"=")
        if not equals or len(record) != int(length) or not record.endswith(b"\n"):
            raise ArchiveInvalid(why="an extended header in it is malformed")
        if key == b"size" or key.startswith(b"GNU.sparse"):
            raise ArchiveInvalid(why="an entry in it has two sizes")
        if key == b"path":
            path = value.decode("utf-8", "replace")
        at += len(record)
    return path
