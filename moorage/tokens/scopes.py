"""Parse and format the scopes of registry tokens.

Source: distribution, "Token Scope Documentation"; OCI clients as in "Token Authentication Specification".
"""

from collections.abc import Iterable

import msgspec

from moorage.errors import ScopeLimit

MAX_SCOPES = 100
MAX_CHARACTERS = 4_096
"""Of all scopes of one request together."""


class Scope(msgspec.Struct, frozen=True):
    """What somebody wants to do with one thing.

    Attributes:
        type: `repository` or `registry`; any other, `repository(plugin)` too, is one that grants nothing.
        name: the repository, or `catalog`; may hold colons and need not be a valid name.
        actions: as asked for, each once, in order: `pull`, `push`, `delete`, `*` or others.
    """

    type: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(self.actions)}"


def parse_scopes(values: Iterable[str]) -> list[Scope]:
    """The scopes that the values of a request's `scope` parameters hold, several in one value separated by spaces.

    The type ends at the first colon, the actions begin after the last. Scopes of the same type and name become one.
    What is no scope at all (fewer than two colons, not printable ASCII) is left out: asking for nonsense grants
    nothing and is no error.

    Raises:
        ScopeLimit: over 100 scopes, or over 4,096 characters in all.
    """
    texts: list[str] = []
    characters = 0
    for value in values:
        characters += len(value)
        if characters > MAX_CHARACTERS:
            raise ScopeLimit
        texts += value.split()
        if len(texts) > MAX_SCOPES:
            raise ScopeLimit

    actions: dict[tuple[str, str], dict[str, None]] = {}
    for text in texts:
        kind, colon, rest = text.partition(":")
        name, second_colon, listed = rest.rpartition(":")
        if not (colon and second_colon and text.isascii() and text.isprintable()):
            continue
        actions.setdefault((kind, name), {}).update(dict.fromkeys(filter(None, listed.split(","))))
    return [Scope(kind, name, tuple(asked)) for (kind, name), asked in actions.items()]


def format_scopes(scopes: Iterable[Scope]) -> str:
    """Scopes as one string, the form of a challenge's `scope`: separated by spaces."""
    return " ".join(map(str, scopes))


def format_challenge(*, realm: str, service: str, scopes: Iterable[Scope] = (), error: str = "") -> str:
    """The value of `WWW-Authenticate` that sends a client to the token endpoint.

    Args:
        realm: the address of the token endpoint. Neither this nor `service` may hold the words "bearer" or "basic":
            the conformance suite takes the last of them for the scheme.
        service: for whom the token is meant.
        scopes: what the token must allow; none for the log-in at `/v2/`.
        error: `invalid_token` or `insufficient_scope` when a token was sent and refused.

    Source: RFC 6750, section 3.
    """
    parts = {"realm": realm, "service": service, "scope": format_scopes(scopes), "error": error}
    return "Bearer " + ",".join(f"{key}={_quote(value)}" for key, value in parts.items() if value)


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
