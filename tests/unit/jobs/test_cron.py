"""Cron: what is read, what is refused, and when it comes true, held against a minute by minute search."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.errors import CronInvalid
from moorage.jobs.cron import parse_cron

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("text", "after", "first"),
    [
        ("0 0 * * * *", "2026-03-01T12:00:00", "2026-03-01T13:00:00"),
        ("0 0 0 * * *", "2026-03-01T12:00:00", "2026-03-02T00:00:00"),
        ("0 0 0 * * 0", "2026-03-01T12:00:00", "2026-03-08T00:00:00"),
        ("0 0 0 * * SUN", "2026-02-28T23:59:59", "2026-03-01T00:00:00"),
        ("0 */15 * * * ?", "2026-03-01T12:07:30", "2026-03-01T12:15:00"),
        ("0 5/20 * * * *", "2026-03-01T12:45:00", "2026-03-01T13:05:00"),
        ("0 30 2 1,15 * *", "2026-03-01T12:00:00", "2026-03-15T02:30:00"),
        ("0 0 9-17/4 * * mon-fri", "2026-03-06T17:00:00", "2026-03-09T09:00:00"),
        ("0 0 0 13 * 5", "2026-03-01T12:00:00", "2026-03-06T00:00:00"),
        ("0 0 0 29 2 *", "2096-03-01T00:00:00", "2104-02-29T00:00:00"),
        ("0 0 0 31 dec *", "2026-12-31T00:00:00", "2027-12-31T00:00:00"),
        ("0 59 23 31 * *", "2026-03-31T23:59:00", "2026-05-31T23:59:00"),
    ],
)
def test_the_next_time(text: str, after: str, first: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert parse_cron(text).after(moment) == datetime.fromisoformat(first).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "", "0 0 * * *", "0 0 * * * * *", "* * * * * *", "1 0 * * * *", "0 60 * * * *", "0 -1 * * * *", "0 0 24 * * *",
        "0 0 0 0 * *", "0 0 0 32 * *", "0 0 0 * 13 *", "0 0 0 * 0 *", "0 0 0 * * 7", "0 0 0 * * foo", "0 5-1 * * * *",
        "0 */0 * * * *", "0 , * * * *", "0 1,, * * * *", "0 0 0 30 2 *", "0 0 0 31 4,6,9,11 *", "@daily",
        "0 \u0661 * * * *", "0 1-2-3 * * * *", "0 *5 * * * *", "0 0 mon * * *", "0 " + "1," * 500 + " * * * *",
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_what_is_wrong(text: str) -> None:
    with pytest.raises(CronInvalid):
        parse_cron(text)


def part(least: int, most: int) -> st.SearchStrategy[str]:
    """One field."""
    value = st.integers(least, most)
    return st.one_of(
        st.just("*"),
        value.map(str),
        st.integers(1, 30).map(lambda step: f"*/{step}"),
        st.tuples(value, value).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.tuples(value, value).map(lambda pair: f"{pair[0]},{pair[1]}"),
    )


def holds(word: str, value: int, least: int) -> bool:
    """Whether a field is true of a value, read as plainly as can be."""
    if word.startswith("*"):
        return not (value - least) % int(word[2:] or 1)
    if "-" in word:
        low, _, high = word.partition("-")
        return int(low) <= value <= int(high)
    return str(value) in word.split(",")


WORDS = st.tuples(part(0, 59), part(0, 23), part(1, 31), part(1, 12), part(0, 6))


@given(words=WORDS, ahead=st.integers(0, 10**6))
def test_it_is_the_first_minute_of_which_every_field_is_true(words: tuple[str, ...], ahead: int) -> None:
    minute, hour, day, month, week = words
    since = NOON + timedelta(minutes=ahead)
    try:
        found = parse_cron(" ".join(["0", *words])).after(since)
    except CronInvalid:
        return

    def is_true(moment: datetime) -> bool:
        of_month, of_week = holds(day, moment.day, 1), holds(week, moment.isoweekday() % 7, 0)
        either = not day.startswith("*") and not week.startswith("*")
        return (
            holds(minute, moment.minute, 0)
            and holds(hour, moment.hour, 0)
            and holds(month, moment.month, 1)
            and ((of_month or of_week) if either else (of_month and of_week))
        )

    moment = since
    for _ in range(3000):
        moment += timedelta(minutes=1)
        if is_true(moment):
            assert found == moment
            return
    assert found is None or (found > moment and is_true(found))
