"""What a run found: rows, columns, goals; as text, Markdown and JSON.

Shape of `bench.json`: {"machine": {str: str}, "rows": [{"name", "work", "unit", "payload", "columns": [{"label",
"command", "figures": [float], "cpu": [float], "took": [float], "median", "low", "high"}], "goals": [{"text", "wanted",
"reached", "met"}], "notes": [str]}], "missing": {label: reason}}
"""

import json
import shlex
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.machine import cpu_seconds


@dataclass(frozen=True)
class Side:
    """One server about to do the work of a row.

    Attributes:
        label: its column.
        command: how the load is made, for people who want to repeat it.
        measure: does it once and returns the figure.
        pid: of the server, to see what it takes of the processors; 0: not asked.
    """

    label: str
    command: Sequence[str | Path] | str
    measure: Callable[[], float]
    pid: int = 0


@dataclass
class Column:
    """The figures of one server.

    Attributes:
        cpu: seconds of processor time that the server's processes took, in each round: on a machine that others
            use too, this says more than the figure.
        took: seconds on the clock, in each round.
    """

    label: str
    command: str
    figures: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.figures)

    def processors(self, unit: str) -> str:
        """What the server took of them: microseconds for each request, or seconds; empty when not asked."""
        if not self.cpu:
            return ""
        if unit != "req/s":
            return f"{statistics.median(self.cpu):.2f} s"
        rounds = zip(self.cpu, self.took, self.figures, strict=True)
        return f"{statistics.median(cpu / took / figure for cpu, took, figure in rounds) * 1e6:,.0f} µs"


@dataclass(frozen=True)
class Goal:
    """A ratio to reach.

    Attributes:
        text: what is asked.
        wanted: the least ratio.
        reached: the ratio of the medians; above 1 is better for us.
    """

    text: str
    wanted: float
    reached: float

    @property
    def met(self) -> bool:
        """Whether it is reached; what rounds to the goal reaches it."""
        return round(self.reached, 2) >= self.wanted


@dataclass
class Row:
    """One kind of work.

    Attributes:
        name: for `make bench ROW=NAME`.
        unit: of the figures: `req/s` (more is better), `s`, `MB` (less is better).
        payload: what was sent or asked for, with its digest where it has one.
    """

    name: str
    work: str
    unit: str
    payload: str
    columns: list[Column] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def alternate(self, sides: Sequence[Side], rounds: int) -> None:
        """Let the sides take turns, `rounds` times: each meets the same neighbours."""
        columns = [Column(side.label, show_command(side.command)) for side in sides]
        self.columns += columns
        for _ in range(rounds):
            for side, column in zip(sides, columns, strict=True):
                began, before = time.perf_counter(), cpu_seconds(side.pid)
                column.figures.append(side.measure())
                if side.pid:
                    column.took.append(time.perf_counter() - began)
                    column.cpu.append(cpu_seconds(side.pid) - before)

    def median(self, label: str) -> float | None:
        """The median of a column; None when it is not there."""
        for column in self.columns:
            if column.label == label and column.figures:
                return column.median
        return None

    def ask(self, text: str, ours: str, theirs: str, wanted: float) -> None:
        """Add a goal between two columns: how many times as good ours is. Nothing when one is missing."""
        one, other = self.median(ours), self.median(theirs)
        if one and other:
            self.goals.append(Goal(text, wanted, one / other if self.unit == "req/s" else other / one))

    def limit(self, text: str, label: str, most: float) -> None:
        """Add a goal for one column alone: at most (or, of requests, at least) this figure."""
        found = self.median(label)
        if found is not None:
            self.goals.append(Goal(text, 1, found / most if self.unit == "req/s" else most / max(found, 1e-9)))

    def describe(self) -> dict[str, Any]:
        """The row as JSON."""
        return {
            **asdict(self),
            "columns": [
                {**asdict(column), "median": column.median, "low": min(column.figures), "high": max(column.figures)}
                for column in self.columns
            ],
            "goals": [{**asdict(goal), "met": goal.met} for goal in self.goals],
        }


def show_command(command: Sequence[str | Path] | str) -> str:
    """A command line for people: no token, no path of this machine's temporary files."""
    if isinstance(command, str):
        return command
    words = []
    for word in command:
        text = word.name if isinstance(word, Path) else word
        for secret in ("Authorization: Bearer ", "Authorization: Basic "):
            if text.startswith(secret):
                text = secret + "…"
        words.append(text)
    return shlex.join(words)


def show_figure(value: float, unit: str) -> str:
    """A figure with as many digits as it is worth."""
    if unit == "req/s":
        return f"{value:,.0f}"
    return f"{value:.0f}" if unit == "MB" else f"{value:.2f}"


def to_text(row: Row) -> str:
    """A row for a terminal."""
    lines = [f"{row.name}: {row.work} [{row.unit}]"]
    for column in row.columns:
        low, high = min(column.figures), max(column.figures)
        lines.append(
            f"  {column.label:<34} {show_figure(column.median, row.unit):>9}"
            f"   {show_figure(low, row.unit)} to {show_figure(high, row.unit)}   {column.processors(row.unit)}"
        )
    lines += [
        f"  {'reached' if goal.met else 'MISSED ':<7} {goal.reached:6.2f} x, wanted {goal.wanted:g} x: {goal.text}"
        for goal in row.goals
    ]
    return "\n".join([*lines, *(f"  note: {note}" for note in row.notes)])


def to_markdown(rows: Sequence[Row], machine: Mapping[str, str], missing: Mapping[str, str]) -> str:
    """The whole report."""
    lines = ["# Bench", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in machine.items()]
    lines += [f"| not measured: {label} | {reason} |" for label, reason in missing.items()]
    lines += ["", "## Goals", "", "| row | goal | wanted | reached | |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {row.name} | {goal.text} | {goal.wanted:g} x | {goal.reached:.2f} x | {'' if goal.met else '**missed**'} |"
        for row in rows
        for goal in row.goals
    ]
    for row in rows:
        lines += ["", f"## {row.name}", "", f"{row.work}. Payload: {row.payload}.", ""]
        lines += [f"| server | median {row.unit} | lowest | highest | its processor time | load |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        for column in row.columns:
            figures = (
                show_figure(value, row.unit) for value in (column.median, min(column.figures), max(column.figures))
            )
            lines.append(
                f"| {column.label} | {' | '.join(figures)} | {column.processors(row.unit)} | `{column.command}` |"
            )
        lines += [f"\n{note}" for note in row.notes]
    return "\n".join(lines) + "\n"


def write(folder: Path, rows: Sequence[Row], machine: Mapping[str, str], missing: Mapping[str, str]) -> None:
    """Write bench.md and bench.json."""
    folder.mkdir(exist_ok=True)
    (folder / "bench.md").write_text(to_markdown(rows, machine, missing))
    whole = {"machine": dict(machine), "rows": [row.describe() for row in rows], "missing": dict(missing)}
    (folder / "bench.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
