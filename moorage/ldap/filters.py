"""Search filters: built from values, or read from the text that an administrator set.

A value is bytes in an element with a length of its own, so there is nothing to escape and no way out of it.

Source: RFC 4511, section 4.5.1 (the encoded form); RFC 4515 (the text).
"""

import re

from moorage.errors import Invalid
from moorage.ldap import ber

Filter = bytes
"""An encoded filter."""

_AND, _OR, _NOT = 0xA0, 0xA1, 0xA2
_EQUAL, _SUBSTRINGS, _AT_LEAST, _AT_MOST, _PRESENT, _APPROXIMATELY, _RULE = 0xA3, 0xA4, 0xA5, 0xA6, 0x87, 0xA8, 0xA9
_INITIAL, _ANY, _FINAL = 0x80, 0x81, 0x82

MAX_CHARACTERS = 4096
_MAX_DEPTH = 30
_ATTRIBUTE = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)(?:;[A-Za-z0-9-]+)*"
_IS_ATTRIBUTE = re.compile(_ATTRIBUTE)
_ITEM = re.compile(
    rf"(?P<name>{_ATTRIBUTE})? *(?P<rule>(?::dn)?(?::[A-Za-z0-9.-]+)?:)?(?P<kind>[~<>]?=)(?P<value>.*)", re.DOTALL
)
_ESCAPED = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|)")


class FilterInvalid(Invalid):
    """The search filter is invalid; its form is that of RFC 4515, for example (objectClass=person)."""

    reason = "FILTER_INVALID"


def is_attribute(name: str) -> bool:
    """Whether this is the name of an attribute: letters, digits and dashes, or numbers with dots."""
    return _IS_ATTRIBUTE.fullmatch(name) is not None


def present(attribute: str) -> Filter:
    """Entries that have the attribute."""
    return ber.octets(attribute, _PRESENT)


def equals(attribute: str, value: str | bytes) -> Filter:
    """Entries with this value of the attribute."""
    return ber.sequence(ber.octets(attribute), ber.octets(value), tag=_EQUAL)


def contains(attribute: str, value: str) -> Filter:
    """Entries with a value of the attribute that has this text in it."""
    return ber.sequence(ber.octets(attribute), ber.sequence(ber.octets(value, _ANY)), tag=_SUBSTRINGS)


def by_rule(attribute: str, rule: str, value: str | bytes) -> Filter:
    """Entries whose attribute matches `value` by a matching rule, named by its OID."""
    return ber.sequence(ber.octets(rule, 0x81), ber.octets(attribute, 0x82), ber.octets(value, 0x83), tag=_RULE)


def every(*filters: Filter) -> Filter:
    """Entries that match all of them; one or more."""
    return filters[0] if len(filters) == 1 else ber.sequence(*filters, tag=_AND)


def some(*filters: Filter) -> Filter:
    """Entries that match at least one of them; one or more."""
    return filters[0] if len(filters) == 1 else ber.sequence(*filters, tag=_OR)


def parse(text: str) -> Filter:
    """The filter that `text` is. The outer parentheses may be missing.

    Raises:
        FilterInvalid: not the grammar, over 4,096 characters, or over 30 levels deep.

    Source: RFC 4515, section 3.
    """
    stripped = text.strip()
    if not stripped or len(stripped) > MAX_CHARACTERS or "\0" in stripped:
        raise FilterInvalid(filter=text[:200])
    if not stripped.startswith("("):
        stripped = f"({stripped})"
    try:
        encoded, end = _read(stripped, 0, _MAX_DEPTH)
    except (ValueError, IndexError, UnicodeEncodeError):
        raise FilterInvalid(filter=text[:200]) from None
    if end != len(stripped):
        raise FilterInvalid(filter=text[:200])
    return encoded


def _read(text: str, at: int, depth: int) -> tuple[Filter, int]:
    """The filter that begins at `at`, and where it ends."""
    if text[at] != "(" or not depth:
        raise ValueError(text)
    sign, at = text[at + 1], at + 1
    if sign in "&|!":
        parts = []
        at = _skip(text, at + 1)
        while text[at] == "(":
            part, at = _read(text, at, depth - 1)
            parts.append(part)
            at = _skip(text, at)
        if text[at] != ")" or not parts or (sign == "!" and len(parts) != 1):
            raise ValueError(text)
        return ber.sequence(*parts, tag={"&": _AND, "|": _OR, "!": _NOT}[sign]), at + 1
    end = text.index(")", at)  # a parenthesis in a value is written \29
    return _item(text[at:end].lstrip(" ")), end + 1


def _skip(text: str, at: int) -> int:
    while text[at] == " ":
        at += 1
    return at


def _item(text: str) -> Filter:
    found = _ITEM.fullmatch(text)
    if found is None or "(" in text:
        raise ValueError(text)
    name, rule, kind, value = found["name"], found["rule"], found["kind"], found["value"]
    if rule is not None:
        return _ruled(name, rule, kind, value)
    if name is None:
        raise ValueError(text)
    if kind != "=":
        tag = {">=": _AT_LEAST, "<=": _AT_MOST, "~=": _APPROXIMATELY}[kind]
        return ber.sequence(ber.octets(name), ber.octets(_unescape(value)), tag=tag)
    if value == "*":
        return present(name)
    first, *middle = value.split("*")
    if not middle:
        return equals(name, _unescape(value))
    last = middle.pop()
    parts = [ber.octets(_unescape(first), _INITIAL)] if first else []
    parts += [ber.octets(_unescape(part), _ANY) for part in middle if part]
    parts += [ber.octets(_unescape(last), _FINAL)] if last else []
    if not parts:
        raise ValueError(text)
    return ber.sequence(ber.octets(name), ber.sequence(*parts), tag=_SUBSTRINGS)


def _ruled(name: str | None, rule: str, kind: str, value: str) -> Filter:
    words = rule.strip(":").split(":")
    of_dn = words[0] == "dn"
    rules = words[1:] if of_dn else [word for word in words if word]
    if kind != "=" or len(rules) > 1 or (name is None and not rules):
        raise ValueError(rule)
    parts = [ber.octets(rules[0], 0x81)] if rules else []
    parts += [ber.octets(name, 0x82)] if name else []
    parts.append(ber.octets(_unescape(value), 0x83))
    parts += [ber.boolean(of_dn, 0x84)] if of_dn else []
    return ber.sequence(*parts, tag=_RULE)


def _unescape(text: str) -> bytes:
    def byte(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            raise ValueError(text)
        return bytes.fromhex(found[1].decode())

    return _ESCAPED.sub(byte, text.encode())
