"""Schemas of rules, shared by immutable tags and retention."""

from typing import TypeVar

import msgspec

from moorage.artifacts.routes.schemas import without_null
from moorage.errors import RuleInvalid

T = TypeVar("T")


class SelectorShape(msgspec.Struct, kw_only=True):
    """Which repositories, or which tags. `kind`: `doublestar`, and of ours `regex` and `semver`."""

    kind: str | None = None
    decoration: str | None = None
    """Of tags `matches` or `excludes`, of repositories `repoMatches` or `repoExcludes`."""
    pattern: str | None = None


class RuleShape(msgspec.Struct, kw_only=True):
    """A rule; whoever inherits from it adds its selectors."""

    id: int | None = None
    priority: int | None = None
    disabled: bool | None = None
    action: str | None = None
    template: str | None = None


def read_rules(said: object, kind: type[T]) -> T:
    """What the service takes, as `kind`; `null` is absent.

    Raises:
        RuleInvalid: a value is out of bounds.
    """
    try:
        return msgspec.convert(without_null(msgspec.to_builtins(said)), kind)
    except msgspec.ValidationError as error:
        raise RuleInvalid(f"The rule is invalid: {error}.") from None


def show_rule(body: msgspec.Struct, kind: type[T]) -> T:
    """A rule of the service as the contract shapes it."""
    return msgspec.convert(msgspec.to_builtins(body), kind)
