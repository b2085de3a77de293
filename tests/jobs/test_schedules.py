"""Schedules: each tick once, whoever looks, whatever the clock does; on both databases."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.errors import CronInvalid
from moorage.jobs import scheduler, tables
from moorage.jobs.queue import SUCCESS, job
from moorage.jobs.scheduler import SCHEDULER
from moorage.jobs.task_context import Task
from moorage.settings import Settings
from moorage.wiring import open_database
from tests.jobs.conftest import Office

HOURLY = {"kind": "Hourly", "cron": "0 0 * * * *", "job": "test.see"}


async def row(office: Office, schedule_id: int) -> Any:
    def look(work: Work) -> Any:
        return work.db.execute(select(tables.Schedule).where(tables.Schedule.id == schedule_id)).one()

    return await office.parts.database.look(look)


async def clock(office: Office) -> datetime:
    return await office.parts.database.look(lambda work: work.db.execute(select(db_now())).scalar_one())


async def shift(office: Office, **values: float | None) -> None:
    """Set times of all schedules to so many seconds from now: the clock was set, or time has passed."""
    moved = {name: None if seconds is None else db_now(seconds) for name, seconds in values.items()}
    await office.run(lambda work: work.db.execute(update(tables.Schedule).values(moved)) and None)


async def executions(office: Office) -> list[Any]:
    return await office.parts.database.look(
        lambda work: list(work.db.execute(select(tables.Execution).order_by(tables.Execution.id)))
    )


async def test_a_schedule_starts_its_job_with_its_arguments_and_waits_for_the_next_tick(office: Office) -> None:
    seen = []

    @job("test.see")
    async def see(task: Task, *, deep: bool) -> None:
        seen.append((deep, task.vendor_type, task.vendor_id))

    made = await office.run(
        scheduler.set_schedule, "TEST", 5, **HOURLY, arguments={"deep": True}, extra={"dry_run": False}
    )
    now = await clock(office)
    assert (await row(office, made)).next_at == now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    await shift(office, next_at=-5)
    async with office.working():

        async def ended() -> bool:
            return [one.status for one in await executions(office)] == [SUCCESS]

        await office.until(ended)
        await asyncio.sleep(0.5)  # more than a tick

    assert seen == [(True, "TEST", 5)]
    [one] = await executions(office)
    assert (one.trigger, one.vendor_id, one.extra, one.principal_id) == ("SCHEDULE", 5, {"dry_run": False}, None)
    assert (await row(office, made)).next_at > await clock(office)


async def test_setting_it_again_replaces_it_and_what_is_removed_starts_nothing(office: Office) -> None:
    made = await office.run(scheduler.set_schedule, "TEST", **HOURLY)
    again = await office.run(scheduler.set_schedule, "TEST", kind="Custom", cron="0 5 4 * * *", job="test.see")
    assert again == made
    assert (await row(office, made)).cron == "0 5 4 * * *"
    await office.run(scheduler.ensure_schedule, "TEST", cron="0 0 0 * * *", job="test.other")
    assert (await row(office, made)).cron == "0 5 4 * * *"
    with pytest.raises(CronInvalid):
        await office.run(scheduler.set_schedule, "TEST", kind="Custom", cron="* * * * * *", job="test.see")
    assert (await office.parts.database.look(scheduler.list_schedules, offset=0, limit=10))[1] == 1
    assert await office.run(scheduler.remove_schedule, "TEST")
    assert not await office.run(scheduler.remove_schedule, "TEST")
    assert await scheduler.fire_all(office.parts.database) == 0


async def test_many_schedulers_fire_each_tick_once(office: Office, settings: Settings) -> None:
    for number in range(10):
        await office.run(scheduler.set_schedule, "TEST", number, **HOURLY)
    await shift(office, next_at=-1)
    others = [open_database(settings) for _ in range(4)]
    try:
        fired = await asyncio.gather(*(scheduler.fire_all(one) for one in others for _ in range(5)))
    finally:
        for one in others:
            await one.close()

    assert sum(fired) == 10
    assert Counter(one.vendor_id for one in await executions(office)) == dict.fromkeys(range(10), 1)


async def test_six_hours_that_were_missed_are_one_tick(office: Office) -> None:
    await office.run(scheduler.set_schedule, "TEST", **HOURLY)
    await shift(office, next_at=-6 * 3600, updated_at=-7 * 3600)
    assert [await scheduler.fire_all(office.parts.database) for _ in range(3)] == [1, 0, 0]


async def test_a_clock_set_back_a_little_repeats_no_tick(office: Office) -> None:
    made = await office.run(scheduler.set_schedule, "TEST", **HOURLY)
    tick = (await row(office, made)).next_at
    # It is 20 minutes earlier than when this tick was fired.
    await office.run(
        lambda work: (
            work.db.execute(
                update(tables.Schedule).values(ticked_at=tick, next_at=tick + timedelta(hours=1), updated_at=tick)
            )
            and None
        )
    )
    for _ in range(3):
        assert await scheduler.fire_all(office.parts.database) == 0
    found = await row(office, made)
    assert (found.next_at, found.ticked_at) == (tick + timedelta(hours=1), tick)


async def test_a_clock_set_back_far_starts_anew_from_the_time_it_says(office: Office) -> None:
    made = await office.run(scheduler.set_schedule, "TEST", **HOURLY)
    tick = (await row(office, made)).next_at
    await shift(office, next_at=90_000, ticked_at=86_400, updated_at=86_400)
    assert await scheduler.fire_all(office.parts.database) == 0
    found = await row(office, made)
    assert found.next_at == tick
    assert found.updated_at <= await clock(office)


async def test_a_pause_holds_all_schedules_and_its_ticks_are_left_out(office: Office) -> None:
    made = await office.run(scheduler.set_schedule, "TEST", **HOURLY)
    await office.run(scheduler.pause, SCHEDULER)
    await office.run(scheduler.pause, SCHEDULER)
    await shift(office, next_at=-5)
    assert await scheduler.fire_all(office.parts.database) == 0
    assert await office.parts.database.look(scheduler.is_paused, SCHEDULER)
    await office.run(scheduler.resume, SCHEDULER)
    await office.run(scheduler.resume, SCHEDULER)
    assert await scheduler.fire_all(office.parts.database) == 0
    assert (await row(office, made)).next_at > await clock(office)
    await shift(office, next_at=-5)
    assert await scheduler.fire_all(office.parts.database) == 1


async def test_a_broken_schedule_does_not_stop_the_others(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    broken = await office.run(scheduler.set_schedule, "TEST", 1, **HOURLY)
    worse = await office.run(scheduler.set_schedule, "TEST", 2, **HOURLY)
    await office.run(scheduler.set_schedule, "TEST", 3, **HOURLY)
    await office.execute(f"UPDATE schedule SET cron = 'never' WHERE id = {broken}")  # noqa: S608 - ours
    await office.execute(f"UPDATE schedule SET arguments = '3' WHERE id = {worse}")  # noqa: S608 - ours
    await shift(office, next_at=-5)
    assert await scheduler.fire_all(office.parts.database) == 2
    assert (await row(office, broken)).next_at is None
    assert "broken" in caplog.text
    assert "could not be fired" in caplog.text
