"""The counter of a project is exact, whoever pushes at the same time."""

import random
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from moorage.db.unit_of_work import Work
from moorage.errors import ProjectUnknown, QuotaExceeded, QuotaInvalid
from moorage.quotas import service as quotas
from moorage.quotas.tables import QuotaSlot
from tests.api.identity.conftest import World
from tests.parts.base import wait_until


def make(world: World, *, limit: int = -1, slots: int = 1) -> int:
    """A project whose counter has this many slots."""
    project = world.project(f"p{random.randrange(10**9)}")

    def story(work: Work) -> None:
        work.db.execute(delete(QuotaSlot).where(QuotaSlot.project_id == project))
        for slot in range(slots):
            work.db.execute(insert(QuotaSlot).values(project_id=project, slot=slot))
        quotas.set_limit(work, project, limit)

    world.run(story)
    return project


def used(world: World, project: int) -> int:
    return world.run(quotas.get_usage, project).used_bytes


@pytest.mark.parametrize("slots", [1, 3, 16])
def test_a_project_is_charged_up_to_its_limit_to_the_byte(world: World, slots: int) -> None:
    project = make(world, limit=100, slots=slots)

    world.run(quotas.charge, project, 60)
    with pytest.raises(QuotaExceeded):
        world.run(quotas.charge, project, 41)
    assert used(world, project) == 60
    world.run(quotas.charge, project, 40)
    with pytest.raises(QuotaExceeded):
        world.run(quotas.charge, project, 1)
    world.run(quotas.charge, project, 0)
    world.run(quotas.refund, project, 30)
    world.run(quotas.charge, project, 30)
    assert used(world, project) == 100


@pytest.mark.parametrize("slots", [1, 3])
def test_a_limit_below_what_is_held_only_refuses_more(world: World, slots: int) -> None:
    project = make(world, slots=slots)
    for _ in range(4):
        world.run(quotas.charge, project, 50)

    world.run(quotas.set_limit, project, 100)
    for size in (0, 1):
        with pytest.raises(QuotaExceeded):
            world.run(quotas.charge, project, size)
    world.run(quotas.refund, project, 60)
    with pytest.raises(QuotaExceeded):
        world.run(quotas.charge, project, 10)
    world.run(quotas.refund, project, 45)
    world.run(quotas.charge, project, 5)
    with pytest.raises(QuotaExceeded):
        world.run(quotas.charge, project, 1)
    world.run(quotas.set_limit, project, -1)
    world.run(quotas.charge, project, 10**12)
    assert used(world, project) == 100 + 10**12


@pytest.mark.parametrize("slots", [1, 4])
def test_fifty_threads_never_pass_the_limit_and_lose_no_byte(world: World, slots: int) -> None:
    project = make(world, limit=1000, slots=slots)
    barrier = threading.Barrier(50)
    lock = threading.Lock()
    taken: list[int] = []
    refused: list[int] = []
    errors: list[BaseException] = []

    def push(seed: int) -> None:
        chance = random.Random(seed)
        held: list[int] = []
        barrier.wait()
        for _ in range(4):
            size = chance.randrange(1, 60)
            try:
                world.run(quotas.charge, project, size)
                held.append(size)
            except QuotaExceeded:
                with lock:
                    refused.append(size)
            except BaseException as error:  # noqa: BLE001 - the test fails with it below
                errors.append(error)
            if held and chance.random() < 0.3:
                world.run(quotas.refund, project, held.pop())
        with lock:
            taken.extend(held)

    threads = [threading.Thread(target=push, args=(seed,)) for seed in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    assert refused, "the limit was reached"
    assert used(world, project) == sum(taken) <= 1000
    caps = world.scalar(select(func.sum(QuotaSlot.cap_bytes)).where(QuotaSlot.project_id == project))
    assert caps <= 1000
    rest = 1000 - sum(taken)
    world.run(quotas.charge, project, rest)
    with pytest.raises(QuotaExceeded):
        world.run(quotas.charge, project, 1)


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.part("postgres"))], indirect=True)
@pytest.mark.parametrize("act", [quotas.charge, quotas.refund])
def test_who_waits_for_a_slot_holds_no_other(world: World, act: Callable[[Work, int, int], None]) -> None:
    project = make(world, slots=2)
    ends = [threading.Event(), threading.Event()]
    held = [threading.Event(), threading.Event()]

    def hold(work: Work, slot: int) -> None:
        mine = (QuotaSlot.project_id == project, QuotaSlot.slot == slot)
        work.db.execute(update(QuotaSlot).where(*mine).values(used_bytes=QuotaSlot.used_bytes))
        held[slot].set()
        ends[slot].wait(120)

    def waiting() -> int:
        statement = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%quota_slot%'"
        return int(world.scalar(text(f"{statement} AND datname = current_database()")))

    threads = [threading.Thread(target=world.run, args=(hold, slot)) for slot in (0, 1)]
    threads += [threading.Thread(target=world.run, args=(act, project, 1)) for _ in range(3)]
    try:
        for number, thread in enumerate(threads):
            thread.start()
            assert number > 1 or held[number].wait(60)
        wait_until(lambda: waiting() == 3, what="three who wait")
        ends[0].set()
        last = threading.Thread(target=world.run, args=(act, project, 1))
        threads.append(last)
        last.start()
        last.join(60)
        assert not last.is_alive(), "the free slot was held by somebody who waits for the other one"
    finally:
        for end in ends:
            end.set()
        for thread in threads:
            thread.join(60)
    assert abs(used(world, project)) == 4


@pytest.mark.parametrize("slots", [1, 3])
def test_it_agrees_with_a_plain_number_through_any_story(world: World, slots: int) -> None:
    chance = random.Random(slots)
    project = make(world, limit=200, slots=slots)
    limit, held = 200, 0
    for _ in range(150):
        act = chance.random()
        size = chance.randrange(0, 80)
        if act < 0.6:
            if limit == -1 or held + size <= limit:
                world.run(quotas.charge, project, size)
                held += size
            else:
                with pytest.raises(QuotaExceeded):
                    world.run(quotas.charge, project, size)
        elif act < 0.85:
            size = min(size, held)
            world.run(quotas.refund, project, size)
            held -= size
        else:
            limit = chance.choice([-1, 50, 100, 200, 300])
            world.run(quotas.set_limit, project, limit)
        assert world.run(quotas.get_usage, project) == quotas.Usage(held, 0, limit)


def test_a_refused_transaction_charges_nothing(world: World) -> None:
    project = make(world, limit=100)

    def story(work: Work) -> None:
        quotas.charge(work, project, 50)
        quotas.charge(work, project, 60)

    with pytest.raises(QuotaExceeded):
        world.run(story)
    assert used(world, project) == 0


def test_the_refusal_says_it_as_the_contract_does(world: World) -> None:
    project = make(world, limit=10 * 2**20)
    world.run(quotas.charge, project, 9 * 2**20 + 2**19)

    with pytest.raises(QuotaExceeded) as caught:
        world.run(quotas.charge, project, 2**20)

    assert (caught.value.status, caught.value.oci_code) == (403, "DENIED")
    assert str(caught.value) == (
        "adding 1.0 MiB of storage resource, which when updated to current usage of 9.5 MiB "
        "will exceed the configured upper limit of 10.0 MiB."
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (2**20 - 1, "1.0 MiB"), (2**20, "1.0 MiB"),
        (5 * 2**30, "5.0 GiB"), (2**40, "1.0 TiB"), (2**50, "1.0 PiB"), (-2048, "-2.0 KiB"),
    ],
)  # fmt: skip
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert quotas.format_size(size) == text


def test_what_makes_no_sense_is_refused(world: World) -> None:
    project = make(world)

    for limit in (0, -2, 2**50 + 1):
        with pytest.raises(QuotaInvalid):
            world.run(quotas.set_limit, project, limit)
    for story in (quotas.charge, quotas.refund):
        with pytest.raises(ValueError, match="not negative"):
            world.run(story, project, -1)
        with pytest.raises(ProjectUnknown):
            world.run(story, 999, 1)
    with pytest.raises(ProjectUnknown):
        world.run(quotas.get_usage, 999)
