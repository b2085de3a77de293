"""Distinguished names: two ways to write one name are one key.

Source: RFC 4514; the comparison is that of RFC 4518 as far as names of people and groups need it.
"""

import re
import unicodedata

from moorage.errors import Invalid
from moorage.ldap import ber

MAX_CHARACTERS = 4096

_OIDS = {
    "2.5.4.3": "cn", "2.5.4.4": "sn", "2.5.4.5": "serialnumber", "2.5.4.6": "c", "2.5.4.7": "l", "2.5.4.8": "st",
    "2.5.4.9": "street", "2.5.4.10": "o", "2.5.4.11": "ou", "0.9.2342.19200300.100.1.1": "uid",
    "0.9.2342.19200300.100.1.25": "dc",
    # Long names that directories accept for the same attributes.
    "commonname": "cn", "surname": "sn", "countryname": "c", "localityname": "l", "stateorprovincename": "st",
    "organizationname": "o", "organizationalunitname": "ou", "userid": "uid", "domaincomponent": "dc",
}  # fmt: skip

_TYPE = re.compile(r"\s*(?:[oO][iI][dD]\.)?([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)\s*=\s*")
_PLAIN = re.compile(r'[^\\",;+<>\0]+')
_PAIR = re.compile(r'\\(?:([0-9A-Fa-f]{2})|([ "#+,;<=>\\]))')
_HEX = re.compile(r"#((?:[0-9A-Fa-f]{2})+)")
_MUST_ESCAPE = re.compile(r'(["+,;<>\\])')


class NameOfEntryInvalid(Invalid):
    """The distinguished name is invalid; its form is that of RFC 4514, for example cn=dev,ou=groups,dc=example."""

    reason = "DN_INVALID"


def fold_dn(text: str) -> str:
    """The one spelling in which two distinguished names are the same entry. Safe to repeat.

    Case, spaces around and inside, the way of escaping, long names of attributes, and the order inside a part with
    several attributes make no difference.

    Raises:
        NameOfEntryInvalid: not the grammar, empty, or over 4,096 characters.
    """
    if len(text) > MAX_CHARACTERS or not text.strip():
        raise NameOfEntryInvalid(dn=text[:200])
    parts: list[list[str]] = [[]]
    at = 0
    while True:
        found = _TYPE.match(text, at)
        if found is None:
            raise NameOfEntryInvalid(dn=text[:200])
        value, at = _read_value(text, found.end())
        kind = found[1].lower()
        parts[-1].append(f"{_OIDS.get(kind, kind)}={_write_value(value)}")
        if at == len(text):
            return ",".join("+".join(sorted(part)) for part in parts)
        if text[at] in ",;":
            parts.append([])
        at += 1


def _read_value(text: str, at: int) -> tuple[str, int]:
    """A value as the text that is meant, and where it ends: at a separator, or the end."""
    quoted = text.startswith('"', at)
    if quoted:
        at += 1
    elif (found := _HEX.match(text, at)) is not None:
        return _decode_hex(found[1], text), _end(text, found.end())
    pieces: list[bytes] = []
    kept = 0  # a space that was escaped stays at the end
    while at < len(text):
        if (found := _PAIR.match(text, at)) is not None:
            pieces.append(bytes.fromhex(found[1]) if found[1] else found[2].encode())
            kept = sum(map(len, pieces))
        elif quoted and text[at] == '"':
            return _decode(b"".join(pieces), text), _end(text, at + 1)
        elif (found := _PLAIN.match(text, at)) is not None or (
            quoted and text[at] not in "\\\0" and (found := re.compile(".", re.DOTALL).match(text, at)) is not None
        ):
            pieces.append(found[0].encode("utf-8", "surrogatepass"))
        elif text[at] in ",;+" and not quoted:
            break
        else:
            raise NameOfEntryInvalid(dn=text[:200])
        at = found.end()
    if quoted:
        raise NameOfEntryInvalid(dn=text[:200])
    raw = b"".join(pieces)
    return _decode(raw[:kept] + raw[kept:].rstrip(b" "), text), at


def _end(text: str, at: int) -> int:
    while at < len(text) and text[at] == " ":
        at += 1
    if at < len(text) and text[at] not in ",;+":
        raise NameOfEntryInvalid(dn=text[:200])
    return at


def _decode(raw: bytes, text: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise NameOfEntryInvalid(dn=text[:200]) from None


def _decode_hex(digits: str, text: str) -> str:
    """The text in a value that is given as the BER of a string."""
    try:
        _, content, end = ber.read(bytes.fromhex(digits))
    except ber.Malformed:
        raise NameOfEntryInvalid(dn=text[:200]) from None
    if end * 2 != len(digits):
        raise NameOfEntryInvalid(dn=text[:200])
    return _decode(content, text)


def _write_value(value: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    plain = " ".join(folded.split())  # also trims: directories compare names without regard to such spaces
    escaped = _MUST_ESCAPE.sub(r"\\\1", plain).replace("\0", "\\00")
    return f"\\{escaped}" if escaped.startswith("#") else escaped
