"""Selectors: which names or tags a rule, a filter or a policy means. One matcher for all of them.

Three kinds, each over the whole text and with regard to case:

* `doublestar`, the contract's globs: `*` any run without `/`, `?` one character but `/`, `[a-z]` and `[^a]` classes,
  `{a,b}` alternatives, which may nest and hold `/`, a backslash before what is to be itself, and `**` as a whole part
  of a path: any number of parts, none too where more follows (`**/app` selects `app`, `team/**` does not select
  `team`). An empty pattern selects everything, as in the contract.
* `regex`: RE2, whose documentation has the syntax. It knows no back-references and no look-around.
* `semver`: ranges of versions, for tags that name all three numbers (`1.2.3`, `v1.2.3-rc.1`). So `1`, `1.2` and
  `latest`, which move by design, are selected by none.

A match takes time linear in the text, whatever the pattern; a pattern that would need much memory or time is refused
when it is compiled, which is when a rule is saved.

Source: the tests of doublestar 1.3; RE2, "Syntax"; node-semver, "Ranges".
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import re2

from moorage.errors import SelectorInvalid
from moorage.oci.versions import Version, find_version

Kind = Literal["doublestar", "regex", "semver"]
KINDS: tuple[Kind, ...] = ("doublestar", "regex", "semver")

MAX_CHARACTERS = {"doublestar": 2048, "regex": 512, "semver": 512}
MAX_DEPTH = 16
"""How deep groups of a glob may nest."""
MAX_GROUPS = 64
"""How many groups a glob may have."""
MAX_BRANCHES = 256
"""How many globs one with `/` or `**` in its groups may stand for."""
MAX_STARS = 16
"""How many `*` and `**` a glob may stand for; four `?` count as one."""
MAX_PROGRAM = 400
"""How many instructions RE2 may need for an expression; a bound on the time that a character takes."""

_MEMORY_BYTES = 32_768
"""RE2's bound for one automaton. A small one is faster on hostile patterns: it soon changes to a way without tables."""
_MEMORY_BYTES_OF_LISTS = 262_144
"""The bound for a long list of names, which needs a large program and few steps."""


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """A compiled pattern."""

    kind: Kind
    pattern: str
    test: Callable[[str], bool]

    def matches(self, text: str) -> bool:
        """Whether the pattern selects `text`, from its first character to its last."""
        return self.test(text)


@lru_cache(maxsize=1024)
def compile_selector(kind: str, pattern: str) -> Selector:
    """Compile a pattern; the same one is compiled once.

    Raises:
        SelectorInvalid: an unknown kind, a malformed pattern, or one over the limits. `detail.position` counts the
            characters before the place.
    """
    if kind not in MAX_CHARACTERS:
        raise SelectorInvalid(f"The kind of a selector is one of {', '.join(KINDS)}.", kind=kind)
    if len(pattern) > MAX_CHARACTERS[kind]:
        raise _invalid(MAX_CHARACTERS[kind], f"it is longer than {MAX_CHARACTERS[kind]} characters")
    for position, character in enumerate(pattern):
        if character < " " or character == "\x7f" or "\ud800" <= character <= "\udfff":
            raise _invalid(position, "control characters and halves of characters cannot stand in it")
    if kind == "semver":
        return Selector("semver", pattern, _compile_range(pattern))
    if kind == "regex":
        return Selector("regex", pattern, _compile_expression(pattern))
    if not pattern:
        return Selector("doublestar", pattern, lambda _: True)
    return Selector("doublestar", pattern, _compile_glob(pattern))


@lru_cache(maxsize=64)
def compile_search(pattern: str) -> Callable[[str], bool]:
    """Compile a regular expression (RE2) that is to be found somewhere in a text, not to match the whole of it.

    Raises:
        SelectorInvalid: as `compile_selector` for the kind `regex`.
    """
    compile_selector("regex", pattern)
    search = _compile_re2(pattern, _MEMORY_BYTES).search
    return lambda text: search(text) is not None


def _invalid(position: int, reason: str) -> SelectorInvalid:
    return SelectorInvalid(f"The pattern is invalid at character {position + 1}: {reason}.", position=position)


# -- regular expressions ----------------------------------------------------------------------------------


def _compile_expression(pattern: str) -> Callable[[str], bool]:
    try:
        compiled = _compile_re2(pattern, _MEMORY_BYTES)
    except re2.error as error:
        [message] = error.args
        reason, _, fragment = message.decode("utf-8", "replace").partition(": ")
        if "too large" in reason or reason.startswith("invalid repetition size"):
            reason = f"it needs too much memory ({reason})"
        position = pattern.find(fragment) if fragment else -1
        raise _invalid(max(0, position), reason) from error
    if compiled.programsize > MAX_PROGRAM:
        size = compiled.programsize
        raise _invalid(0, f"it needs {size} instructions and may need {MAX_PROGRAM}: repeat less, or list less")
    return _make_test(compiled)


def _compile_glob(pattern: str) -> Callable[[str], bool]:
    expression = _translate(pattern)
    for memory_bytes in (_MEMORY_BYTES, _MEMORY_BYTES_OF_LISTS):
        with contextlib.suppress(re2.error):
            return _make_test(_compile_re2(expression, memory_bytes, dot_nl=True))
    raise _invalid(0, "it needs too much memory: list less")


def _compile_re2(expression: str, memory_bytes: int, *, dot_nl: bool = False) -> Any:  # noqa: ANN401 - re2 has no types
    options = re2.Options()
    options.max_mem = memory_bytes
    options.never_capture = True
    options.log_errors = False
    options.dot_nl = dot_nl
    return re2.compile(expression, options)


def _make_test(compiled: Any) -> Callable[[str], bool]:  # noqa: ANN401 - as above
    fullmatch = compiled.fullmatch
    return lambda text: fullmatch(text) is not None


# -- globs ------------------------------------------------------------------------------------------------


class _Token(NamedTuple):
    """A piece of a glob: `text` is its RE2 for kind `one`; `group` its alternatives for kind `group`."""

    kind: Literal["one", "wild", "star", "doublestar", "slash", "group"]
    text: str = ""
    group: tuple[tuple["_Token", ...], ...] = ()


_SLASH = _Token("slash", "/")
_STAR = _Token("star", "[^/]*")
_DOUBLESTAR = _Token("doublestar", "[^/]*")
_ANY = _Token("wild", "[^/]")


def _translate(pattern: str) -> str:
    """The RE2 of a glob.

    A group is kept as a group, unless `/` or `**` in it decide what is a whole part of a path: then each alternative
    is written out.
    """
    parser = _Glob(pattern)
    tokens = parser.parse()
    branches = []
    stars = 0.0
    for branch in _write_out(tokens, 0, may_be_empty=not parser.has_doublestar):
        branches.append(_translate_branch(branch))
        stars += sum(map(_count_stars, branch))
        if len(branches) > MAX_BRANCHES:
            raise _invalid(0, f"its groups stand for more than {MAX_BRANCHES} patterns with `/` or `**`")
        if stars > MAX_STARS:
            raise _invalid(0, f"it stands for more than {MAX_STARS} of `*` and `**`, where four `?` count as one")
    return "|".join(branches)


def _count_stars(token: _Token) -> float:
    if token.kind == "group":
        return sum(_count_stars(inner) for alternative in token.group for inner in alternative)
    return {"star": 1, "doublestar": 1, "wild": 1 / 4}.get(token.kind, 0)


def _write_out(tokens: tuple[_Token, ...], begin: int, *, may_be_empty: bool) -> Iterator[tuple[_Token, ...]]:
    """The token lists that a list stands for, with only those groups left that can be translated as they are.

    Args:
        tokens: the list.
        begin: how many tokens at its beginning are done.
        may_be_empty: whether a group with an empty alternative can be kept: it must not stand before or after `**`.
    """
    for index in range(begin, len(tokens)):
        token = tokens[index]
        if token.kind == "group" and not _is_plain(token, may_be_empty=may_be_empty):
            head, tail = tokens[:index], tokens[index + 1 :]
            for alternative in token.group:
                yield from _write_out(head + alternative + tail, index, may_be_empty=may_be_empty)
            return
    yield tokens


def _is_plain(group: _Token, *, may_be_empty: bool) -> bool:
    """Whether a group says nothing about where a part of a path begins or ends."""
    return all(
        (may_be_empty or bool(alternative))
        and all(
            token.kind not in {"slash", "doublestar"}
            and (token.kind != "group" or _is_plain(token, may_be_empty=may_be_empty))
            for token in alternative
        )
        for alternative in group.group
    )


def _translate_branch(tokens: tuple[_Token, ...]) -> str:
    parts: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == "slash":
            parts.append([])
        else:
            parts[-1].append(token)
    written: list[str] = []
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        if part == [_DOUBLESTAR]:
            written.append(".*" if is_last else "(?:.*/)?")
        else:
            written.append(_join(part) + ("" if is_last else "/"))
    return "".join(written)


def _join(tokens: Iterable[_Token]) -> str:
    """The RE2 of one part of a path; several stars in a row are one."""
    written: list[str] = []
    for token in tokens:
        if token.kind == "group":
            written.append(f"(?:{'|'.join(_join(alternative) for alternative in token.group)})")
        elif token.text != _STAR.text or written[-1:] != [_STAR.text]:
            written.append(token.text)
    return "".join(written)


class _Glob:
    """Reads a glob into tokens, from left to right, each character once."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._groups = 0
        self.has_doublestar = False

    def parse(self) -> tuple[_Token, ...]:
        return self._read(depth=0)

    def _read(self, depth: int) -> tuple[_Token, ...]:
        """A list of tokens up to the end; within a group, up to the `,` or `}` that ends the alternative."""
        tokens: list[_Token] = []
        while self._at < len(self._pattern):
            character = self._pattern[self._at]
            if depth and character in ",}":
                break
            self._at += 1
            if character == "*":
                tokens.append(self._read_stars())
            elif character == "[":
                tokens.append(_Token("one", self._read_class()))
            elif character == "{":
                tokens.append(self._read_group(depth + 1))
            elif character == "?":
                tokens.append(_ANY)
            elif character == "/":
                tokens.append(_SLASH)
            else:
                tokens.append(_Token("one", _escape(self._unescape(character))))
        return tuple(tokens)

    def _unescape(self, character: str) -> str:
        """The character, or for a backslash the one after it."""
        if character != "\\":
            return character
        if self._at == len(self._pattern):
            raise _invalid(self._at - 1, "nothing follows the backslash")
        self._at += 1
        return self._pattern[self._at - 1]

    def _read_stars(self) -> _Token:
        begin = self._at - 1
        while self._pattern[self._at : self._at + 1] == "*":
            self._at += 1
        is_double = self._at - begin == 2
        self.has_doublestar |= is_double
        return _DOUBLESTAR if is_double else _STAR

    def _read_group(self, depth: int) -> _Token:
        begin = self._at - 1
        if depth > MAX_DEPTH:
            raise _invalid(begin, f"groups nest deeper than {MAX_DEPTH}")
        self._groups += 1
        if self._groups > MAX_GROUPS:
            raise _invalid(begin, f"there are more than {MAX_GROUPS} groups")
        alternatives = [self._read(depth)]
        while self._pattern[self._at : self._at + 1] == ",":
            self._at += 1
            alternatives.append(self._read(depth))
        if self._at == len(self._pattern):
            raise _invalid(begin, "the group is not closed")
        self._at += 1
        return _Token("group", group=tuple(alternatives))

    def _read_class(self) -> str:
        begin = self._at - 1
        negated = self._pattern[self._at : self._at + 1] in {"^", "!"}
        self._at += negated
        ranges: list[tuple[str, str]] = []
        while self._pattern[self._at : self._at + 1] != "]":
            at = self._at
            low = high = self._read_member(begin)
            if self._pattern[self._at : self._at + 1] == "-":
                self._at += 1
                high = self._read_member(begin)
            if high < low:
                raise _invalid(at, f"the range {low}-{high} is empty")
            ranges.append((low, high))
        if not ranges:
            raise _invalid(begin, "the class is empty")
        self._at += 1
        if negated:
            return "[^/" + "".join(f"{_escape(low)}-{_escape(high)}" for low, high in ranges) + "]"
        kept = "".join(
            f"{_escape(start)}-{_escape(end)}" for low, high in ranges for start, end in _without_slash(low, high)
        )
        return f"[{kept}]" if kept else r"[^\x{0}-\x{10ffff}]"

    def _read_member(self, begin: int) -> str:
        if self._at == len(self._pattern):
            raise _invalid(begin, "the class is not closed")
        character = self._pattern[self._at]
        if character in "-]":
            raise _invalid(self._at, f"in a class {character} stands between two characters, or after a backslash")
        self._at += 1
        return self._unescape(character)


def _escape(character: str) -> str:
    is_word = character.isascii() and character.isalnum()
    return character if is_word else f"\\x{{{ord(character):x}}}"


def _without_slash(low: str, high: str) -> Iterator[tuple[str, str]]:
    """A range without the `/` that may be in it."""
    if not low <= "/" <= high:
        yield low, high
        return
    if low < "/":
        yield low, "."
    if high > "/":
        yield "0", high


# -- ranges of versions -----------------------------------------------------------------------------------

_Test = Callable[[Version], bool]

_NUMBER = r"(?:0|[1-9][0-9]*|[xX*])"
_WRITTEN = re.compile(
    rf"v?({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER}))?)?(?:-([0-9A-Za-z.-]+))?(?:[+_][0-9A-Za-z.-]+)?"
)
_OPERATOR = re.compile(r"(>=|<=|!=|=|>|<|~|\^)? *")
_BETWEEN = re.compile(r" *(?:,| ) *")
_HYPHEN = re.compile(r" +- +")


class _Bound(NamedTuple):
    """A version in a range: `low` is the least that it stands for, `written` how many numbers were written."""

    low: Version
    written: int

    def after(self, position: int) -> Version:
        """The least version beyond all that agree with this one in the numbers up to `position`, pre-releases too."""
        major, minor, patch = self.low.numbers
        raised = ((major + 1, 0, 0), (major, minor + 1, 0), (major, minor, patch + 1))[position]
        return Version(raised, (0,))


def _compile_range(pattern: str) -> Callable[[str], bool]:
    """The test of a range: `>=1.2 <2`, `~1.2`, `^1`, `1.x`, `1.2 - 1.4`, `!=1.3.1`, several with `||` between.

    Comparisons of one alternative stand beside each other, with a space or a comma between. Pre-releases are selected
    by those alternatives only that name one: `>=1.0.0-0` selects all of them from 1.0.0 on.
    """
    if not pattern.strip(" "):
        raise _invalid(0, "it is empty; `*` selects every release")
    alternatives: list[tuple[bool, list[_Test]]] = []
    at = 0
    for text in pattern.split("||"):
        alternatives.append(_read_alternative(pattern, at, at + len(text)))
        at += len(text) + 2

    def test(text: str) -> bool:
        version = find_version(text)
        if version is None or version.written < 3:
            return False
        return any(
            (takes_pre or not version.pre) and all(comparison(version) for comparison in comparisons)
            for takes_pre, comparisons in alternatives
        )

    return test


def _read_alternative(pattern: str, at: int, end: int) -> tuple[bool, list[_Test]]:
    """Whether it names a pre-release, and its comparisons."""
    while pattern[at:end].startswith(" "):
        at += 1
    end = at + len(pattern[at:end].rstrip(" "))
    takes_pre, tests = False, list[_Test]()
    while True:
        operator = _OPERATOR.match(pattern, at, end)
        sign = operator[1] if operator else None
        at = operator.end() if operator else at
        bound, at = _read_bound(pattern, at, end)
        hyphen = None if sign else _HYPHEN.match(pattern, at, end)
        if hyphen:
            upper, at = _read_bound(pattern, hyphen.end(), end)
            tests += [_compare(">=", bound), _compare("<=", upper)]
            takes_pre |= bool(upper.low.pre)
        else:
            tests.append(_compare(sign or "=", bound))
        takes_pre |= bool(bound.low.pre)
        if at == end:
            return takes_pre, tests
        between = _BETWEEN.match(pattern, at, end)
        if between is None:
            raise _invalid(at, "a space, a comma or `||` was expected")
        at = between.end()


def _read_bound(pattern: str, at: int, end: int) -> tuple[_Bound, int]:
    found = _WRITTEN.match(pattern, at, end)
    if found is None:
        raise _invalid(at, "a version was expected, such as 1.2.3, 1.2 or 1.x")
    *numbers, pre = found.groups()
    written = next((index for index, number in enumerate(numbers) if number is None or number in "xX*"), 3)
    if any(number is not None and number not in "xX*" for number in numbers[written:]) or (pre and written < 3):
        raise _invalid(at, "after a missing number nothing can follow")
    low = ".".join([*numbers[:written], *["0"] * (3 - written)])
    version = find_version(f"{low}-{pre}" if pre else low)
    if version is None:
        raise _invalid(at, "the pre-release has an empty part or a number with a leading zero")
    return _Bound(version, written), found.end()


def _compare(sign: str, bound: _Bound) -> _Test:
    """The test of one comparison."""
    low, written = bound
    if written == 0:  # `*`: everything, and nothing lies outside of it
        return (lambda _: False) if sign in {"<", ">", "!="} else (lambda _: True)
    if sign in {"~", "^"}:
        place = min(written, 2) - 1 if sign == "~" else _find_caret(low, written)
        high = bound.after(place)
        return lambda version: low <= version < high
    if sign == ">=":
        return lambda version: version >= low
    if sign == "<":
        least = low if written == 3 else Version(low.numbers, (0,))
        return lambda version: version < least
    if written == 3:
        exact: dict[str, _Test] = {
            "=": lambda version: version == low,
            "!=": lambda version: version != low,
            ">": lambda version: version > low,
            "<=": lambda version: version <= low,
        }
        return exact[sign]
    high = bound.after(written - 1)
    partial: dict[str, _Test] = {
        "=": lambda version: low <= version < high,
        "!=": lambda version: not low <= version < high,
        ">": lambda version: version >= high,
        "<=": lambda version: version < high,
    }
    return partial[sign]


def _find_caret(low: Version, written: int) -> int:
    """Which number `^` lets nothing change before: the first that is not 0, or the last that was written."""
    return next((index for index, number in enumerate(low.numbers[:written]) if number), written - 1)
