"""Filters of a replication policy, and the names at the destination; no I/O.

Source: Harbor API v2.0 (ReplicationFilter, ReplicationPolicy.dest_namespace_replace_count), and the product's own
behaviour where the contract is silent: an artifact without a tag is held against tag filters as the empty text.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from moorage.artifacts.kinds import IMAGE
from moorage.errors import ReplicationInvalid, SelectorInvalid
from moorage.oci.platforms import Platform, read_platform
from moorage.selectors import Selector, compile_selector

MATCHES, EXCLUDES = "matches", "excludes"
TYPES = ("name", "tag", "label", "resource", "platform")
DECORATED = ("tag", "label", "platform")
RESOURCES = ("image", "artifact")
MAX_FILTERS = 30
MAX_VALUES = 100
MAX_CHARACTERS = 2_048

_SIGNATURE = re.compile(r"sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})(?:\.(?:sig|att|sbom))?")


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A filter of a policy, as it is stored.

    Attributes:
        type: one of `TYPES`; `platform` is ours.
        value: of labels and platforms a list, else a text.
        decoration: `excludes` turns it round.
        kind: ours, of name and tag: `doublestar`, `regex` or `semver`.
    """

    type: str
    value: str | list[str]
    decoration: str = ""
    kind: str = "doublestar"


@dataclass(frozen=True, slots=True)
class _Test:
    selector: Selector
    excludes: bool

    def takes(self, text: str) -> bool:
        return self.selector.matches(text) is not self.excludes


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a policy, compiled: an artifact has to pass all of them."""

    names: tuple[_Test, ...]
    tags: tuple[_Test, ...]
    labels: tuple[tuple[frozenset[str], bool], ...]
    platforms: tuple[tuple[tuple[Selector, ...], bool], ...]
    images_only: bool

    @property
    def pattern(self) -> str:
        """A glob over all names that may be taken, for a registry that lists by one."""
        globs = (one.selector.pattern for one in self.names if one.selector.kind == "doublestar")
        return next((pattern for pattern in globs if pattern), "**")

    def takes_repository(self, name: str) -> bool:
        """Whether a repository, by its whole name, is taken."""
        return all(one.takes(name) for one in self.names)

    def keep_tags(self, tags: Sequence[str]) -> tuple[str, ...] | None:
        """The tags that go along, those that stand for signatures not counted; None: the artifact stays here."""
        plain = [tag for tag in tags if not is_signature(tag)]
        if tags and not plain:
            return None  # it goes along with what it signs
        if not plain:
            return () if all(one.takes("") for one in self.tags) else None
        kept = tuple(tag for tag in plain if all(one.takes(tag) for one in self.tags))
        return kept or None

    def takes_labels(self, labels: Collection[str]) -> bool:
        """Whether an artifact with these labels is taken: each filter wants, or excludes, what has all of its own."""
        return all((wanted <= frozenset(labels)) is not excludes for wanted, excludes in self.labels)

    def takes_kind(self, kind: str) -> bool:
        """Whether an artifact of the contract's type is taken; "": it is not known, and is looked at later."""
        return not self.images_only or kind in {"", IMAGE}

    def takes_platform(self, platform: Platform) -> bool:
        """Whether a child of an index goes along."""
        return all(
            any(one.matches(platform.name) for one in wanted) is not excludes for wanted, excludes in self.platforms
        )


def is_signature(tag: str) -> bool:
    """Whether a tag only hangs something on a digest: cosign's first form, or the fallback of the referrers API."""
    return _SIGNATURE.fullmatch(tag) is not None


def check_filters(filters: Iterable[Filter]) -> list[Filter]:
    """Filters in the form in which they are stored.

    Raises:
        ReplicationInvalid, SelectorInvalid: one cannot be used; the message names it.
    """
    checked = [_check(position, one) for position, one in enumerate(filters)]
    if len(checked) > MAX_FILTERS:
        raise ReplicationInvalid(f"A policy has at most {MAX_FILTERS} filters.")
    compile_filters(checked)
    return checked


def _check(position: int, one: Filter) -> Filter:
    where = f"filters[{position}]"
    if one.type not in TYPES:
        raise ReplicationInvalid(f"{where}: the type of a filter is one of {', '.join(TYPES)}.", type=one.type[:64])
    decoration = one.decoration or MATCHES
    if decoration not in {MATCHES, EXCLUDES} or (decoration == EXCLUDES and one.type not in DECORATED):
        raise ReplicationInvalid(f"{where}: only {', '.join(DECORATED)} may be turned round by {EXCLUDES}.")
    kind = one.kind or "doublestar"
    if kind != "doublestar" and one.type not in {"name", "tag"}:
        raise ReplicationInvalid(f"{where}: only filters of name and tag have a kind.")
    value = one.value
    if one.type in {"label", "platform"}:
        names = [value] if isinstance(value, str) else list(value)
        if not 1 <= len(names) <= MAX_VALUES or not all(1 <= len(name) <= MAX_CHARACTERS for name in names):
            raise ReplicationInvalid(f"{where}: the value is a list of 1 to {MAX_VALUES} texts.")
        value = [_usual(name) for name in names] if one.type == "platform" else names
    elif not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        raise ReplicationInvalid(f"{where}: the value is a text of at most {MAX_CHARACTERS} characters.")
    elif one.type == "resource" and value not in RESOURCES:
        raise ReplicationInvalid(f"{where}: a resource is {' or '.join(RESOURCES)}; for all, leave the filter out.")
    shown = decoration if one.type in DECORATED else ""
    checked = Filter(type=one.type, value=value, decoration=shown, kind=kind)
    try:
        compile_filters([checked])
    except SelectorInvalid as problem:
        raise SelectorInvalid(f"{where}: {problem}", field=where, position=problem.detail.get("position", 0)) from None
    return checked


def _usual(name: str) -> str:
    """A platform as `Platform.name` writes it: `linux/arm64` for `linux/arm64/v8`; a pattern as it is."""
    os, _, rest = name.partition("/")
    architecture, _, variant = rest.partition("/")
    found = read_platform({"os": os, "architecture": architecture, "variant": variant})
    return name if found is None else found.name


def compile_filters(filters: Sequence[Filter]) -> Filters:
    """The same, ready to be asked; the same ones are compiled once.

    Raises:
        SelectorInvalid: a pattern cannot be used.
    """
    return _compile(tuple((one.type, _frozen(one.value), one.decoration == EXCLUDES, one.kind) for one in filters))


def _frozen(value: str | list[str]) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else tuple(value)


@lru_cache(maxsize=256)
def _compile(filters: tuple[tuple[str, str | tuple[str, ...], bool, str], ...]) -> Filters:
    names: list[_Test] = []
    tags: list[_Test] = []
    labels: list[tuple[frozenset[str], bool]] = []
    platforms: list[tuple[tuple[Selector, ...], bool]] = []
    images_only = False
    for type_, value, excludes, kind in filters:
        if isinstance(value, tuple):
            if type_ == "label":
                labels.append((frozenset(value), excludes))
            else:
                platforms.append((tuple(compile_selector("doublestar", one) for one in value), excludes))
        elif type_ == "resource":
            images_only |= value == "image"
        else:
            test = _Test(compile_selector(kind, value), excludes)
            (names if type_ == "name" else tags).append(test)
    return Filters(tuple(names), tuple(tags), tuple(labels), tuple(platforms), images_only)


def rename(repository: str, namespace: str, count: int) -> str:
    """What a repository is called at the target.

    Args:
        repository: its whole name at the source.
        namespace: what stands in front of it there; "": it keeps its name.
        count: how many of its leading parts the namespace replaces; -1: all but the last.

    Raises:
        ReplicationInvalid: the name has fewer parts than are to be replaced.
    """
    if not namespace:
        return repository
    parts = repository.split("/")
    if count < 0:
        return f"{namespace}/{parts[-1]}"
    if count >= len(parts):
        raise ReplicationInvalid(
            f"{count} parts of a name are to be replaced, and {repository!r} has only {len(parts) - 1} before its last."
        )
    return "/".join([namespace, *parts[count:]])
