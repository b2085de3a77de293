"""Cron in the contract's form: six fields, seconds first, in UTC.

Source: the Harbor API v2.0 (ScheduleObj); the fields as in its scheduler: `*`, `?`, `5`, `1-5`, `*/10`, `1-30/2`,
`5/15` (from 5 on), lists of these, names of months and days. Where day of month and day of week are both given, either
will do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from moorage.errors import CronInvalid

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_PART = re.compile(r"(\*|\?|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/([0-9]{1,2}))?", re.ASCII)
_HORIZON = timedelta(days=366 * 8 + 1)
"""The longest time between two 29ths of February is 8 years."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The times of a cron expression. `either`: a match of day of month or day of week is enough."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def after(self, moment: datetime) -> datetime | None:
        """The first time later than `moment` (aware, UTC); None: there is none."""
        start = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days(start):
            for hour in self.hours:
                for minute in self.minutes:
                    found = day.replace(hour=hour, minute=minute)
                    if found >= start:
                        return found
        return None

    def _days(self, start: datetime) -> Iterator[datetime]:
        day = start.replace(hour=0, minute=0)
        while day < start + _HORIZON:
            if day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
                continue
            of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
            if (of_month or of_week) if self.either else (of_month and of_week):
                yield day
            day += timedelta(days=1)


def parse_cron(text: str) -> Cron:
    """Read a cron expression.

    Raises:
        CronInvalid: it is none; seconds are not 0; it never comes true. The message says what is wrong.
    """
    words = text.lower().split()
    if len(words) != len(_FIELDS):
        raise CronInvalid(
            f"`{text[:64]}`: expected six fields (second minute hour day month weekday), got {len(words)}."
        )
    if words[0] != "0":
        raise CronInvalid(f"`{text[:64]}`: the seconds have to be 0.")
    values = [_parse_field(word, *field) for word, field in zip(words, _FIELDS, strict=True)]
    stars = [word[0] in "*?" for word in words]
    cron = Cron(
        minutes=tuple(sorted(values[1])),
        hours=tuple(sorted(values[2])),
        days=values[3],
        months=values[4],
        weekdays=values[5],
        either=not stars[3] and not stars[5],
    )
    if not any(day in cron.days for month in cron.months for day in range(1, _LENGTHS[month] + 1)) and not cron.either:
        raise CronInvalid(f"`{text[:64]}` never comes true.")
    return cron


_LENGTHS = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1))


def _parse_field(word: str, name: str, least: int, most: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise CronInvalid(f"`{part[:32]}` is no {name}.")
        _, first, last, step = match.groups()
        low, high = least, most
        if first is not None:
            low = _parse_value(first, name, least, names)
            high = _parse_value(last, name, least, names) if last else most if step else low
        if not least <= low <= high <= most or step in {"0", "00"}:
            raise CronInvalid(f"`{part[:32]}` is no {name}: it goes from {least} to {most}.")
        found.update(range(low, high + 1, int(step or 1)))
    return frozenset(found)


def _parse_value(text: str, name: str, least: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + least
    if not text.isdecimal() or len(text) > 2:
        raise CronInvalid(f"`{text[:32]}` is no {name}.")
    return int(text)
