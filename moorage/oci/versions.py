"""Tags that are versions: reading and comparing them.

Source: Semantic Versioning 2.0.0.
"""

import re
from dataclasses import dataclass
from functools import total_ordering

# no part can match in two ways, so this takes one pass over the tag
_VERSION = re.compile(
    r"v?(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*))?)?(?:-([0-9A-Za-z.-]+))?(?:[+_]([0-9A-Za-z.-]+))?"
)
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_DIGITS = re.compile(r"[0-9]+")


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version; equal and ordered by precedence, so build metadata does not count.

    Attributes:
        numbers: major, minor, patch.
        pre: the parts of the pre-release; empty for a release.
        build: build metadata, as written.
        written: how many of the three numbers were written; the others are 0.
    """

    numbers: tuple[int, int, int]
    pre: tuple[int | str, ...] = ()
    build: str = ""
    written: int = 3

    @property
    def rank(self) -> tuple[object, ...]:
        """What versions are ordered by: a pre-release is before its release, numbers are before words."""
        if not self.pre:
            return (*self.numbers, 1)
        return (*self.numbers, 0, tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in self.pre))

    def __eq__(self, other: object) -> bool:
        return self.rank == other.rank if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: "Version") -> bool:
        return self.rank < other.rank

    def __hash__(self) -> int:
        return hash(self.rank)


def find_version(tag: str) -> Version | None:
    """The version that a tag names, or None when it names none.

    A `v` before it and missing numbers (`v1`, `1.2`) are accepted. `_` stands for the `+` before build metadata, which
    a tag cannot hold: so Helm writes it. A pre-release with an empty part or a number with a leading zero is none.
    """
    found = _VERSION.fullmatch(tag)
    if found is None:
        return None
    *numbers, pre, build = found.groups()
    parts: list[int | str] = []
    for part in pre.split(".") if pre else ():
        if _NUMBER.fullmatch(part):
            parts.append(int(part))
        elif not part or _DIGITS.fullmatch(part):
            return None
        else:
            parts.append(part)
    if build and not all(build.split(".")):
        return None
    major, minor, patch = (int(number or 0) for number in numbers)
    written = sum(number is not None for number in numbers)
    return Version((major, minor, patch), tuple(parts), build or "", written)


def order_key(tag: str) -> str:
    """A text that orders tags, byte by byte, as their versions are ordered; "" for a tag that names none.

    At most 255 characters of ASCII. Versions of the same precedence have the same key. A number is written with its
    length before it, so that 10 comes after 9; a word in a pre-release ends with a character below all that it may
    hold, so that it comes before a longer one that begins with it.
    """
    version = find_version(tag)
    if version is None:
        return ""
    numbers = "".join(_order_number(number) for number in version.numbers)
    if not version.pre:
        return f"{numbers}~"
    parts = (f"0{_order_number(part)}" if isinstance(part, int) else f"1{part}!" for part in version.pre)
    return f"{numbers}{''.join(parts)}"


def _order_number(number: int) -> str:
    digits = str(number)
    return f"{len(digits)}{digits}" if len(digits) < 10 else f"a{len(digits):03}{digits}"
