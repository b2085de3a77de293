"""The contract's `q=`, `sort=`, `page=`, `page_size=`: text in, conditions on an allow-list of columns out; pages.

A resource says once, in a `Fields`, what may be asked for. `read_listing` reads a request, `Fields.where` and
`Fields.order` make clauses that sort and compare alike on both databases, `page_headers` says where one is.

Grammar of `q`: clauses `key=value` between commas. Values: `v` exact (a leading backslash is taken off), `~v` holds v
without regard to ASCII case, `[a~b]` from a to b, both included, one of them may be empty, `{a b}` one of, `(a b)`
all of. Source: the contract's parameter `q`; Harbor v2.16 `src/lib/q`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVarTuple
from urllib.parse import quote, unquote_plus

from sqlalchemy import ColumnElement, Row, Select, UnaryExpression, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, String

from moorage.db.unit_of_work import Work
from moorage.errors import ListingInvalid, QueryInvalid

MAX_BYTES = 1_024
MAX_CLAUSES = 20
MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 10

Columns = TypeVarTuple("Columns")
Kind = Literal["text", "number", "time", "flag"]
Shape = Literal["exact", "fuzzy", "range", "any", "all"]

_INT64 = 2**63 - 1
_DEEPEST = 2**62  # further than any table: an offset that both databases take
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}\Z")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(?:\.[A-Za-z0-9_]{1,63})?\Z")  # `hard.storage` is one
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SECONDS = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII)
_PAGED = ("page", "page_size")
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
_PLAIN = re.compile(r"%(?:2[147-9ACDEF]|3[0-9ADF]|4[0-9A-F]|5[0-9ABDEF]|6[0-9A-F]|7[0-9A-E])")
"""Escapes that may go without: of ASCII, but not of controls, a space, a backslash and `" # % & + ; < >`."""


# -- what was asked ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clause:
    """One `key=value` of `q`.

    Attributes:
        key: as written.
        shape: of the value.
        values: one text for `exact` and `fuzzy`, two (either may be empty) for `range`, any number for the lists.
        position: where the clause begins in `q`, from 0, in characters.
    """

    key: str
    shape: Shape
    values: tuple[str, ...]
    position: int

    def refuse(self, why: str) -> QueryInvalid:
        """The error that says why this clause cannot be answered."""
        return QueryInvalid(f"q: {self.key}, at position {self.position}: {why}", parameter="q", position=self.position)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a request for a list asked for.

    Attributes:
        sort: key and whether it descends, in order.
        page: from 1.
        page_size: 1 to 100.
    """

    clauses: tuple[Clause, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    page: int = 1
    page_size: int = DEFAULT_PAGE_SIZE

    @property
    def offset(self) -> int:
        """How many rows come before the page; bounded, so that every page number is one of an empty page at worst."""
        return min((self.page - 1) * self.page_size, _DEEPEST)

    def window(self, total: int) -> tuple[int, int, bool]:
        """Where the page is in a list of `total` rows, seen from the end that is nearer.

        Returns:
            how many rows come before it from that end, how many rows it has (0: it lies behind the end), and whether
            that is the far end: then the order has to be turned round (`turn`), and the rows once more.
        """
        size = min(self.page_size, total - self.offset)
        if size <= 0:
            return 0, 0, False
        after = total - self.offset - size
        return (after, size, True) if after < self.offset else (self.offset, size, False)


def turn(sort: tuple[tuple[str, bool], ...], default: str) -> tuple[tuple[tuple[str, bool], ...], str]:
    """A sort, and the default for it (one key, `-` before it when it descends), as read from the far end."""
    return tuple((key, not down) for key, down in sort), default[1:] if default.startswith("-") else f"-{default}"


def read_listing(query: Mapping[str, Sequence[str]]) -> Listing:
    """Read the four parameters of a decoded query string; the last one of a name counts.

    Raises:
        ListingInvalid: `page` or `page_size` is no number, or `page_size` is over 100.
        QueryInvalid: `q` or `sort` is too long, has too many parts or is malformed.
    """
    page_size = _read_number(query, "page_size", DEFAULT_PAGE_SIZE)
    if page_size > MAX_PAGE_SIZE:
        raise ListingInvalid(
            f"page_size should be less than or equal to {MAX_PAGE_SIZE}.", parameter="page_size", maximum=MAX_PAGE_SIZE
        )
    return Listing(
        parse_q(_last(query, "q")),
        parse_sort(_last(query, "sort")),
        max(1, _read_number(query, "page", 1)),
        page_size if page_size > 0 else MAX_PAGE_SIZE,
    )


def parse_q(q: str) -> tuple[Clause, ...]:
    """Read `q`, which is unescaped once more as the contract does. Linear in its length.

    Raises:
        QueryInvalid: with the position (`detail.position`, in the unescaped text).
    """
    if not q:
        return ()
    text = unquote_plus(_bounded(q, "q"), errors="replace")
    if "\0" in text:
        raise _invalid("q", text.index("\0"), "a NUL character")
    pieces = text.split(",", MAX_CLAUSES)
    clauses: list[Clause] = []
    position = 0
    for piece in pieces:
        if len(clauses) == MAX_CLAUSES:
            raise _invalid("q", position, f"more than {MAX_CLAUSES} clauses")
        clauses.append(_parse_clause(piece, position))
        position += len(piece) + 1
    return tuple(clauses)


def parse_sort(sort: str) -> tuple[tuple[str, bool], ...]:
    """Read `sort`: keys between commas, `-` before one that descends.

    Raises:
        QueryInvalid: with the position.
    """
    keys: list[tuple[str, bool]] = []
    position = 0
    for piece in _bounded(sort, "sort").split(",", MAX_CLAUSES) if sort else ():
        if len(keys) == MAX_CLAUSES:
            raise _invalid("sort", position, f"more than {MAX_CLAUSES} keys")
        key = piece.strip(" ")
        if key:
            name = key.removeprefix("-")
            if not _KEY.match(name):
                raise _invalid("sort", position, "a key is letters, digits, `_` and one `.`; `-` before it descends")
            keys.append((name, name != key))
        position += len(piece) + 1
    return tuple(keys)


def _parse_clause(piece: str, position: int) -> Clause:
    key, _, value = piece.partition("=")
    if not key or not value:
        raise _invalid("q", position, "expected key=value")
    if not _KEY.match(key):
        raise _invalid("q", position, "a key is letters, digits and '_'")
    after = position + len(key) + 1
    first, inner = value[0], value[1:]
    if first == "~":
        return Clause(key, "fuzzy", (inner,), position)
    if first in "[{(":
        closing = "]})"["[{(".index(first)]
        if not inner.endswith(closing):
            raise _invalid("q", after, f"expected {closing!r} at the end of the value")
        inner = inner[:-1]
        if first == "[":
            ends = tuple(inner.split("~", 2))
            if len(ends) != 2 or ends == ("", ""):
                raise _invalid("q", after, "expected [from~to], where one of both may be empty")
            return Clause(key, "range", tuple(_trim(end) for end in ends), position)
        items = tuple(_trim(item) for item in inner.split(" ") if item)
        return Clause(key, "any" if first == "{" else "all", items, position)
    return Clause(key, "exact", (value.removeprefix("\\"),), position)


def _trim(item: str) -> str:
    """Without the quotes that a value of a range or a list may have."""
    return item.strip("\"'")


def _bounded(text: str, parameter: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise _invalid(parameter, error.start, "a character that is none") from None
    if size > MAX_BYTES:
        raise _invalid(parameter, MAX_BYTES, f"more than {MAX_BYTES} bytes")
    if (position := unquote_plus(text).find("\0")) >= 0:
        raise _invalid(parameter, position, "a NUL character")
    return text


def _last(query: Mapping[str, Sequence[str]], name: str) -> str:
    values = query.get(name)
    return values[-1] if values else ""


def _read_number(query: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    text = _last(query, name)
    if not text:
        return default
    if not _WHOLE.match(text) or abs(number := int(text)) > _INT64:
        raise ListingInvalid(f"{name} must be a whole number of at most 64 bits.", parameter=name)
    return number


def _invalid(parameter: str, position: int, why: str) -> QueryInvalid:
    return QueryInvalid(f"{parameter}, at position {position}: {why}", parameter=parameter, position=position)


# -- what may be asked ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a list can be searched and sorted by.

    Attributes:
        column: a column or an expression of SQL.
        kind: how its values are read.
        folded: a column that holds the text casefolded (`str.casefold`, NFC): `~v` compares with that, for all letters.
        sortable: whether `sort` may name it.
        searchable: whether `q` may name it.
        nullable: whether it can be null; None: as the column says, and for an expression yes. Nulls sort first.
    """

    column: Any
    kind: Kind = "text"
    folded: Any = None
    sortable: bool = True
    searchable: bool = True
    nullable: bool | None = None

    def condition(self, clause: Clause) -> ColumnElement[bool] | None:
        """The clause on this column; None: the contract ignores its shape here.

        Raises:
            QueryInvalid: a value is not of the field's kind.
        """
        column = self.column
        if clause.shape == "all":
            return None
        if clause.shape == "fuzzy":
            if self.kind != "text":
                raise clause.refuse("'~' looks into text only")
            if self.folded is not None:
                return self.folded.contains(clause.values[0].casefold(), autoescape=True)  # type: ignore[no-any-return]
            return holds(column, clause.values[0])
        if clause.shape == "range":
            if self.kind == "flag":
                raise clause.refuse("true and false have no range")
            low, high = clause.values
            ordered = bytewise(column) if self.kind == "text" else column
            if not high:
                return ordered >= self._value(clause, low)
            if not low:
                return ordered <= self._value(clause, high)
            return ordered.between(self._value(clause, low), self._value(clause, high))
        if clause.shape == "any":
            return column.in_([self._value(clause, value) for value in clause.values])  # type: ignore[no-any-return]
        return column == self._value(clause, clause.values[0])  # type: ignore[no-any-return]

    def order(self, *, descends: bool) -> UnaryExpression[Any]:
        """This column in an ORDER BY."""
        column = bytewise(self.column) if self.kind == "text" else self.column
        clause: UnaryExpression[Any] = column.desc() if descends else column.asc()
        nullable = self.nullable
        if nullable is None:
            nullable = getattr(self.column, "nullable", True)
        if nullable:  # said only where it matters: PostgreSQL cannot use a plain index for it
            return clause.nulls_last() if descends else clause.nulls_first()
        return clause

    def _value(self, clause: Clause, text: str) -> object:
        match self.kind:
            case "text":
                return text
            case "number":
                if not _WHOLE.match(text) or not -_INT64 <= (number := int(text)) <= _INT64:
                    raise clause.refuse("expected a whole number")
                return number
            case "time":
                return _read_time(clause, text)
            case "flag":
                if (flag := _FLAGS.get(text.lower())) is None:
                    raise clause.refuse("expected true or false")
                return flag


@dataclass(frozen=True, slots=True)
class Special:
    """A key of `q` with a meaning of its own (`tags`, `labels`, `base`).

    Attributes:
        condition: from the clause to a condition, or to None where the contract ignores it; may raise
            `clause.refuse(...)`.
    """

    condition: Callable[[Clause], ColumnElement[bool] | None]


class Fields:
    """What may be asked for in the lists of one resource.

    Args:
        fields: by the key of the contract; its spelling in Go (`CreationTime`) is known of itself.
        key: the unique column that settles the order of equal rows.
        aliases: further keys, each with the key it stands for.
    """

    def __init__(
        self,
        fields: Mapping[str, Field | Special],
        *,
        key: Any,  # noqa: ANN401 - a column
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._fields = dict(fields)
        for alias, name in (aliases or {}).items():
            self._fields[alias] = fields[name]
        self._key = key

    def where(self, listing: Listing) -> tuple[list[ColumnElement[bool]], list[str]]:
        """The conditions of `q`, and what was ignored: keys that are not known here, and `key=(a b)` of those that are.

        Raises:
            QueryInvalid: a value does not fit its field.
        """
        conditions: list[ColumnElement[bool]] = []
        ignored: list[str] = []
        for clause in listing.clauses:
            field = self._find(clause.key)
            if field is None and "." in clause.key:
                raise clause.refuse("a column of another table")
            if field is None or (isinstance(field, Field) and not field.searchable):
                ignored.append(clause.key)
            elif (condition := field.condition(clause)) is not None:
                conditions.append(condition)
            elif clause.shape == "all":
                ignored.append(f"{clause.key}=(...)")
        return conditions, ignored

    def order(self, listing: Listing, default: str) -> tuple[list[UnaryExpression[Any]], list[str]]:
        """The clauses of ORDER BY, the unique column last, and the keys that were ignored.

        Args:
            default: in the form of `sort`; it is used when nothing of what was asked for is known.
        """
        ignored: list[str] = []
        clauses: list[UnaryExpression[Any]] = []
        seen: set[int] = set()
        descends = False
        for asked in (listing.sort, parse_sort(default)):
            for name, down in asked:
                field = self._find(name)
                if field is None and "." in name:
                    raise _invalid("sort", 0, f"{name}: a column of another table")
                if not isinstance(field, Field) or not field.sortable:
                    ignored.append(name)
                elif id(field) not in seen:
                    seen.add(id(field))
                    clauses.append(field.order(descends=down))
                    descends = down
                    if field.column is self._key:
                        return clauses, ignored
            if clauses:
                break
        # In the direction of the last key: an index over that key serves the whole order.
        clauses.append(self._key.desc() if descends else self._key.asc())
        return clauses, ignored

    def list_rows(
        self,
        work: Work,
        query: Select[*Columns],
        listing: Listing,
        default: str,
        values: Mapping[str, object] | None = None,
        *,
        counted: Select[*tuple[Any, ...]] | None = None,
    ) -> tuple[Sequence[Row[*Columns]], int, list[str]]:
        """A page of what `query` selects; how many rows match; which keys were ignored. Two statements.

        For lists that nobody walks to the far end of: a page costs what lies before it.

        Args:
            query: all rows of the list, one for each value of `key`.
            default: the order when none is asked for.
            values: of the parameters in `query`.
            counted: as many rows as `query`, without joins that only its columns need; None: as `query`.

        Raises:
            QueryInvalid: a value does not fit its field.
        """
        conditions, ignored = self.where(listing)
        order, more = self.order(listing, default)
        page = query.where(*conditions).order_by(*order).limit(listing.page_size).offset(listing.offset)
        rows = work.db.execute(page, values).all()
        counting: Select[*tuple[Any, ...]] = (query if counted is None else counted).where(*conditions)
        total = work.db.scalar(counting.with_only_columns(func.count(), maintain_column_froms=True), values)
        return rows, total or 0, ignored + more

    def _find(self, key: str) -> Field | Special | None:
        return self._fields.get(key) or self._fields.get(_WORD_START.sub("_", key).lower())


def parse_time(text: str) -> datetime:
    """A moment such as 2026-01-31T15:04:05.25Z; without an offset it is UTC.

    Raises:
        ValueError: it is none.
    """
    if not _SECONDS.match(text):
        raise ValueError("expected a time such as 2026-01-31T15:04:05")
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such time") from None


def _read_time(clause: Clause, text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise clause.refuse(str(error)) from None


# -- SQL that means the same on both databases ------------------------------------------------------------


class bytewise(FunctionElement[str]):  # noqa: N801 - reads as a SQL function
    """A text in byte order: it sorts and compares alike on both databases."""

    type = String()
    inherit_cache = True


@compiles(bytewise, "sqlite")
def _sqlite_bytewise(element: bytewise, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    return compiler.process(element.clauses, **kw)


@compiles(bytewise, "postgresql")
def _postgresql_bytewise(element: bytewise, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    return f'({compiler.process(element.clauses, **kw)} COLLATE "C")'


class _holds(FunctionElement[bool]):  # noqa: N801 - reads as a SQL function
    type = Boolean()
    inherit_cache = True


def holds(column: Any, part: str) -> ColumnElement[bool]:  # noqa: ANN401 - a column or an expression
    """Whether a text holds `part` literally, without regard to the case of ASCII letters on either database."""
    return _holds(column, literal(pattern_of(part), String()))


def holds_pattern(column: Any, pattern: Any) -> ColumnElement[bool]:  # noqa: ANN401 - columns or expressions
    """The same for statements that are kept: `pattern` is a parameter, whose values are of `pattern_of`."""
    return _holds(column, pattern)


def pattern_of(part: str) -> str:
    """The pattern of `LIKE` for texts that hold `part` literally."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


@compiles(_holds, "sqlite")
def _sqlite_holds(element: _holds, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, pattern = element.clauses
    return f"({compiler.process(column, **kw)} LIKE {compiler.process(pattern, **kw)} ESCAPE '\\')"


@compiles(_holds, "postgresql")
def _postgresql_holds(element: _holds, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, pattern = element.clauses
    return f"(({compiler.process(column, **kw)} COLLATE \"C\") ILIKE {compiler.process(pattern, **kw)} ESCAPE '\\')"


# -- pages ------------------------------------------------------------------------------------------------


def page_headers(path: str, query: Mapping[str, Sequence[str]], listing: Listing, total: int) -> dict[str, str]:
    """`X-Total-Count` and `Link`, which is left out on the only page.

    Args:
        path: of the request, as it came, percent-encoding included.
        query: of the request, decoded.
        total: how many rows match.

    The query in a link is unescaped as in the contract, except for characters that would make another address or
    another header of it.
    """
    links = []
    if listing.page > 1 and (listing.page - 1) * listing.page_size < total:
        links.append(f'<{_address(path, query, listing, listing.page - 1)}>; rel="prev"')
    if listing.page * listing.page_size < total:
        links.append(f'<{_address(path, query, listing, listing.page + 1)}>; rel="next"')
    headers = {"X-Total-Count": str(total)}
    if links:
        headers["Link"] = " , ".join(links)
    return headers


def ignored_warning(keys: Sequence[str]) -> str:
    """The value of the `Warning` header that names keys of `q` and `sort` which were ignored."""
    return f'299 - "ignored, not known here: {", ".join(dict.fromkeys(keys))}"'


def _address(path: str, query: Mapping[str, Sequence[str]], listing: Listing, page: int) -> str:
    pairs: list[tuple[str, str]] = [("page", str(page)), ("page_size", str(listing.page_size))]
    pairs += ((name, value) for name, values in query.items() if name not in _PAGED for value in values)
    pairs.sort(key=lambda pair: pair[0])
    return f"{path}?{'&'.join(f'{_escape(name)}={_PLAIN.sub(_bare, _escape(value))}' for name, value in pairs)}"


def _escape(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _bare(escape: re.Match[str]) -> str:
    return chr(int(escape[0][1:], 16))
