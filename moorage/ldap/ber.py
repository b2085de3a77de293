"""BER, as far as LDAP uses it: definite lengths, tags of one byte.

Source: ITU-T X.690; RFC 4511, section 5.1.
"""

from collections.abc import Iterator

from moorage.errors import Unavailable

INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET, BOOLEAN = 0x02, 0x04, 0x0A, 0x30, 0x31, 0x01


class Malformed(Unavailable):
    """The directory sent something that is no LDAP message."""

    reason = "DIRECTORY_UNAVAILABLE"


def element(tag: int, content: bytes) -> bytes:
    """One element with its tag and length."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Elements one after the other in an element of their own."""
    return element(tag, b"".join(parts))


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A whole number, 0 or more, in the shortest form."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value: bool, tag: int = BOOLEAN) -> bytes:  # noqa: FBT001 - the value itself
    """True or false."""
    return element(tag, b"\xff" if value else b"\x00")


def octets(value: str | bytes, tag: int = OCTETS) -> bytes:
    """Bytes, or a text in UTF-8."""
    return element(tag, value.encode() if isinstance(value, str) else value)


def read(data: bytes, at: int = 0) -> tuple[int, bytes, int]:
    """The element that begins at `at`: its tag, its content, and where the next one begins.

    Raises:
        Malformed: it is cut off, or has a form that LDAP does not use.
    """
    if at + 2 > len(data):
        raise Malformed
    tag, size, begin = data[at], data[at + 1], at + 2
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or begin + count > len(data):
            raise Malformed
        size = int.from_bytes(data[begin : begin + count], "big")
        begin += count
    if begin + size > len(data):
        raise Malformed
    return tag, data[begin : begin + size], begin + size


def read_all(data: bytes) -> Iterator[tuple[int, bytes]]:
    """All elements in `data`: tag and content of each.

    Raises:
        Malformed: as `read`.
    """
    at = 0
    while at < len(data):
        tag, content, at = read(data, at)
        yield tag, content


def read_integer(content: bytes) -> int:
    """The number in the content of an INTEGER or ENUMERATED.

    Raises:
        Malformed: it is empty, or over 8 bytes.
    """
    if not 1 <= len(content) <= 8:
        raise Malformed
    return int.from_bytes(content, "big", signed=True)


def read_text(content: bytes) -> str:
    """UTF-8 as a text; bytes that are none show as U+FFFD."""
    return content.decode("utf-8", "replace")
