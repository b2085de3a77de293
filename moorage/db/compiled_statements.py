"""Compile SQLAlchemy statements of lists once, and run them on the driver directly.

SQLAlchemy takes some 60 to 120 microseconds to run a statement that it has compiled before: it looks the compiled form
up by a key that it makes anew, and builds a context and a result. A statement that is kept needs none of it. Its rows
come out as those of SQLAlchemy would, as plain tuples, and its errors are those of `fast`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, Dialect, Executable
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.compiler import SQLCompiler

from moorage.db import hand_written_sql
from moorage.db.base import UtcTime, from_micros, read_json
from moorage.db.statements import Query, Row
from moorage.db.unit_of_work import Work

Process = Callable[[Any], Any]


class _Made(NamedTuple):
    """A statement for one database and lists of certain sizes.

    Attributes:
        constants: an argument for each place; those that `fills` names are still to come.
        fills: place, name, which one of a list (-1: it is no list), what makes the driver's value of it.
        columns: place in a row, and what makes our value of it.
    """

    query: Query
    constants: tuple[object, ...]
    fills: tuple[tuple[int, str, int, Process | None], ...]
    columns: tuple[tuple[int, Process], ...]


class Prepared:
    """A statement that lasts. Its parameters are `bindparam`s with names, also expanding ones (`IN`)."""

    __slots__ = ("_lists", "_made", "_statement")

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._made: dict[tuple[object, ...], _Made] = {}
        self._lists: tuple[str, ...] | None = None

    def rows(self, work: Work, values: Mapping[str, Any]) -> list[Row]:
        """All rows.

        Args:
            values: of all parameters. A list must not be empty; it is filled up by its last value to one of few sizes.

        Raises:
            sqlalchemy.exc.DBAPIError: as `fast.each`.
        """
        return each(work, (self, values))[0]

    def scalar(self, work: Work, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever the statement selects
        """The first column of the first row; None without one."""
        rows = self.rows(work, values)
        return rows[0][0] if rows else None

    def made(self, work: Work, values: Mapping[str, Any]) -> _Made:
        """The form for this database and the sizes of the lists in `values`."""
        lists = self._lists
        kind = work.db.dialect.name
        key = (kind, *(hand_written_sql.sized(len(values[name])) for name in lists)) if lists else (kind,)
        made = self._made.get(key) if lists is not None else None
        if made is None:
            made = self._make(work.db.dialect, values)
            key = (kind, *(hand_written_sql.sized(len(values[name])) for name in self._lists or ()))
            self._made[key] = made
        return made

    def _make(self, dialect: Dialect, values: Mapping[str, Any]) -> _Made:
        compiled = self._statement.compile(dialect=_NUMBERED if dialect.name == "postgresql" else dialect)  # type: ignore[attr-defined]
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(compiled)
        self._lists = tuple(bind.key for bind in compiled.binds.values() if bind.expanding and bind.key in values)
        given = {**compiled.params, **{name: values[name] for name in values if name in compiled.params}}
        for name in self._lists:
            given[name] = hand_written_sql.filled(values[name])
        state = compiled.construct_expanded_state(given)
        origins = {
            one: (name, index)
            for name in self._lists
            for index, one in enumerate(state.parameter_expansion.get(name, ()))
        }
        constants: list[object] = []
        fills: list[tuple[int, str, int, Process | None]] = []
        for place, name in enumerate(state.positiontup or ()):
            process: Any = state.processors.get(name) or compiled._bind_processors.get(name)  # noqa: SLF001 - see below
            origin, index = origins.get(name, (name, -1))
            constants.append(None)
            if origin in values:
                fills.append((place, origin, index, process))
            else:
                constant = state.parameters[name]
                constants[place] = process(constant) if process is not None else constant
        return _Made(
            Query("", sqlite=state.statement, postgresql=state.statement),
            tuple(constants),
            tuple(fills),
            tuple(_columns(compiled)),
        )


def each(work: Work, *asked: tuple[Prepared, Mapping[str, Any]]) -> list[list[Row]]:
    """Run statements with their values; the rows of each. None of them may need what another one finds.

    Cost: as `fast.each`.
    """
    forms = [statement.made(work, values) for statement, values in asked]
    found = hand_written_sql.each(work, [_call(form, values) for form, (_, values) in zip(forms, asked, strict=True)])
    return [_read(form.columns, rows) if form.columns else rows for form, rows in zip(forms, found, strict=True)]


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _value(text: str | None) -> Any:  # noqa: ANN401 - whatever it says
    return None if text is None else read_json(text)


def _call(form: _Made, values: Mapping[str, Any]) -> hand_written_sql.Call:
    args = list(form.constants)
    for place, name, index, process in form.fills:
        value = values[name]
        if index >= 0:
            value = value[index] if index < len(value) else value[-1]
        args[place] = value if process is None else process(value)
    return hand_written_sql.Call(form.query, tuple(args))


def _read(columns: Sequence[tuple[int, Process]], rows: list[Row]) -> list[Row]:
    """The rows with our values in the place of the driver's."""
    read = []
    for row in rows:
        cells = list(row)
        for place, process in columns:
            cells[place] = process(cells[place])
        read.append(tuple(cells))
    return read


# SQLAlchemy's own way from a statement to the driver, in the pieces that it is made of. None of these is in its
# documentation; `tests/contracts/test_prepared.py` holds what comes out against what SQLAlchemy itself fetches.

_NUMBERED = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


def _columns(compiled: SQLCompiler) -> list[tuple[int, Process]]:
    found: list[tuple[int, Process]] = []
    for place, column in enumerate(compiled._result_columns):  # noqa: SLF001 - see above
        process: Process | None = column.type._cached_result_processor(compiled.dialect, None)  # noqa: SLF001 - see above
        if compiled.dialect.name == "sqlite" and isinstance(column.type, UtcTime | JSON):
            process = _moment if isinstance(column.type, UtcTime) else _value  # the same, without calls in between
        if process is not None:
            found.append((place, process))
    return found
