"""Routes to the daily usage. Ours, not in the contract."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import project, system
from moorage.errors import Invalid
from moorage.usage import daily_usage
from moorage.usage.daily_usage import KEPT_DAYS, Period

_DEFAULT_DAYS = 30
_IS_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class UsagePeriod(msgspec.Struct, kw_only=True):
    """What happened in a day, a week or a month, in UTC."""

    start: str
    """Its first day that was asked for: `2026-01-31`."""
    pulls: int
    """Manifests that were fetched."""
    pushes: int
    """Manifests that were pushed, copied ones too; an index counts for itself, and so do its children."""
    storage: int | None
    """Bytes that were held at its end, the trash included; null: not known."""


class Usage(msgspec.Struct, kw_only=True):
    """Figures for a chart, without gaps."""

    by: str
    first_day: str
    last_day: str
    """Today at the latest."""
    periods: list[UsagePeriod]


@operation(
    "GET", "/projects/{project_name_or_id:str}/usage", id="getProjectUsage", tag="storage",
    needs=project("quota:read"), ours=True, problems=(Invalid,),
)  # fmt: skip
async def get_project_usage(
    call: NamedDependency[Call],
    from_day: Annotated[str, QueryParameter(name="from")] = "",
    to_day: Annotated[str, QueryParameter(name="to")] = "",
    by: FromQuery[Literal["day", "week", "month"]] = "day",
) -> Response[Usage]:
    """Pulls, pushes and held bytes of a project, by day, week (from Monday) or month, in UTC.

    `from` and `to` are days such as `2026-01-31`, both included; without them the last 30. At most 1,100 days. The
    figures are some seconds old, of bytes up to ten minutes.
    """
    return Response(await _look(call, call.project.project_id, from_day, to_day, by))


@operation(
    "GET", "/usage", id="getUsage", tag="storage", needs=system("system-volumes:read"), ours=True, problems=(Invalid,),
)  # fmt: skip
async def get_usage(
    call: NamedDependency[Call],
    from_day: Annotated[str, QueryParameter(name="from")] = "",
    to_day: Annotated[str, QueryParameter(name="to")] = "",
    by: FromQuery[Literal["day", "week", "month"]] = "day",
) -> Response[Usage]:
    """The same of all projects together, with what projects did that are gone meanwhile.

    Bytes that several projects hold count in each of them.
    """
    return Response(await _look(call, None, from_day, to_day, by))


async def _look(call: Call, project_id: int | None, from_day: str, to_day: str, by: daily_usage.By) -> Usage:
    today = datetime.now(UTC).date()
    last = min(_read("to", to_day) or today, today)
    first = _read("from", from_day) or last - timedelta(days=_DEFAULT_DAYS - 1)
    if first > last:
        raise Invalid("from: it is after the last day.", parameter="from")
    if last - first >= timedelta(days=KEPT_DAYS):
        raise Invalid(f"from: at most {KEPT_DAYS} days can be asked for.", parameter="from")
    periods = await call.look(daily_usage.list_periods, project_id, first, last, by)
    return Usage(by=by, first_day=first.isoformat(), last_day=last.isoformat(), periods=[_show(one) for one in periods])


def _read(parameter: str, text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if _IS_DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or day.year < 1970:
        raise Invalid(f"{parameter}: expected a day such as 2026-01-31.", parameter=parameter)
    return day


def _show(period: Period) -> UsagePeriod:
    return UsagePeriod(
        start=period.start.isoformat(), pulls=period.pulls, pushes=period.pushes, storage=period.held_bytes
    )


ROUTES = (get_project_usage, get_usage)
