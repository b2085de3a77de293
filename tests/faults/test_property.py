"""What clients do at the same time, beside the collector, and when the server is killed, against `model.py`."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Hashable
from dataclasses import replace

from moorage import failpoints
from moorage.gc.collector import Run
from tests.faults.explain import explain
from tests.faults.life import Life, Nursery
from tests.faults.model import Model, Operation, Universe, look, make_universe, perform
from tests.faults.model_trash import list_trash, look_at_figures
from tests.faults.place import Place
from tests.faults.registry import Client, Cut
from tests.faults.test_collector import collect, collecting, let_leases_end
from tests.faults.test_purge import let_uploads_end

LIMIT_BYTES = 4_000
"""Of one project, with two repositories: less than all that there is to push."""
MOST_MODELS = 200
"""How many explanations of what happened so far are kept."""
ROUNDS, KILLED_ROUNDS = 125, 25
"""On each of the two databases: 300 interleavings."""
DEEP_ROUNDS, DEEP_KILLED_ROUNDS = 6000, 1000
KINDS = {
    "push": 6, "put": 10, "mount": 3, "untag": 2, "delete": 4, "unlink": 3, "cancel": 1, "copy": 3, "restore": 4,
    "purge": 2, "collect": 1,
}  # fmt: skip
"""What clients do, and how often."""
PASSES = {
    "push": ("upload.", "append.", "commit."), "put": ("manifest.",), "mount": ("mount.",), "untag": ("delete.",),
    "delete": ("delete.",), "unlink": ("delete.",), "copy": ("copy.",), "restore": ("restore.",), "purge": ("purge.",),
}  # fmt: skip
"""The points at which a server may die while it does these."""


def choose(chance: random.Random, model: Model) -> Operation:
    """An operation by chance; of four three can be done, as far as one knows before the others of the round."""
    universe = model.universe
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    name = chance.choice(universe.repositories)
    can = chance.random() < 0.75
    visible = [item for home, item in sorted(model.artifacts) if home == name]
    blobs, contents = range(len(universe.blobs)), range(len(universe.contents))
    if kind in {"restore", "purge"}:
        return Operation(kind, name, chance.choice([act.number for act in model.acts if not act.purging] or [0]))
    if kind == "put":
        ready = [
            item for item in contents
            if all((name, blob) in model.links for blob in universe.contents[item].blobs)
            and universe.contents[item].children <= set(visible)
        ]  # fmt: skip
        return Operation(
            kind, name, chance.choice(ready if can and ready else contents), chance.choice([*universe.tags, ""])
        )
    if kind == "delete":
        return Operation(kind, name, chance.choice(visible if can and visible else contents))
    if kind == "untag":
        return Operation(kind, name, tag=chance.choice(universe.tags))
    if kind == "copy":  # an accessory is copied with what it refers to
        whole = [(home, item) for home, item in sorted(model.artifacts) if universe.contents[item].subject is None]
        source, item = chance.choice(whole if can and whole else [(name, 0)])
        return Operation(kind, name, item, source=source)
    source = chance.choice(universe.repositories) if kind == "mount" else ""
    return Operation(kind, name, chance.choice(blobs), source=source)


def focus(chance: random.Random, model: Model, most: int = 5) -> list[Operation]:
    """A round: two to five operations, often in the same repository, so that they meet.

    Of what is deleted twice in one round nobody could tell which act took what.
    """
    count = chance.randint(2, most)
    operations = [
        replace(choose(chance, model), pieces=chance.randint(0, 2)) for _ in range(count)
    ]  # fmt: skip
    if chance.random() < 0.4:
        one = operations[0].repository
        operations = [replace(operation, repository=one) for operation in operations]
    seen: set[tuple[str, str, int, str]] = set()
    found = []
    for each in operations:
        key = (each.kind, each.repository, each.item, each.tag)
        if each.kind not in {"delete", "untag", "collect"} or key not in seen:
            found.append(each)
        seen.add(key)
    return found


async def act(client: Client, place: Place, universe: Universe, operation: Operation) -> int:
    """Do it to the registry, or as a collector beside it."""
    if operation.kind != "collect":
        return await perform(client, universe, operation)
    await asyncio.to_thread(let_leases_end, place)
    await collect(place)
    return 200


async def judge(
    client: Client,
    universe: Universe,
    models: list[Model],
    done: list[tuple[Operation, int | None]],
    where: str,
    *,
    passes: bool = False,
) -> list[Model]:
    """The models after a round: those that some order of its operations explains, in all that can be seen.

    There may be several: which of two acts took a tag along shows only when one of them is undone.
    """
    seen = await look(client, universe)
    figures, numbers = await look_at_figures(client, universe), await list_trash(client, universe)
    told, found = list[Model](), dict[Hashable, Model]()
    for candidate in (candidate for model in models for candidate in explain(model, done, passes=passes)):
        if candidate.view() == seen:
            told.append(candidate)
            if candidate.figures() == figures and candidate.know(numbers):
                found.setdefault(candidate.key(), candidate)
    if found:
        return list(found.values())[:MOST_MODELS]
    story = "\n".join(f"  {status} {one}" for one, status in done)
    near = "\n".join(str(candidate.figures()) for candidate in told[:3])
    before = "\nor ".join(f"{model.view()}, {model.acts}, {model.figures()}" for model in models[:3])
    raise AssertionError(f"{where}: no order explains\n{story}\nfrom {before}\nto {seen}\nwith {figures}\nnear {near}")


async def play(client: Client, place: Place, universe: Universe, chance: random.Random, rounds: int) -> int:
    """Play some rounds; how many operations that was."""
    models = [Model(universe)]
    played = 0
    for number in range(rounds):
        if number % 500 == 499:
            client.tokens.clear()  # they are good for half an hour, and a deep run takes longer
        operations = focus(chance, models[0])
        statuses = await asyncio.gather(*(act(client, place, universe, one) for one in operations))
        done: list[tuple[Operation, int | None]] = list(zip(operations, statuses, strict=True))
        played += len(done)
        models = await judge(client, universe, models, done, f"round {number}", passes=bool(place.database))
        if number % 20 == 19:
            place.check(rest=True)
    place.check(rest=True)
    return played


async def test_what_clients_do_at_the_same_time_has_an_order(
    place: Place, seed: int, tell: Callable[[str], None], *, deep: bool
) -> None:
    place.make_project("small", LIMIT_BYTES)
    universe = make_universe(["team/app", "small/app", "small/other"], [("small", LIMIT_BYTES)])
    rounds = DEEP_ROUNDS if deep else ROUNDS

    async with place.open() as client:
        played = await play(client, place, universe, random.Random(seed), rounds)

    tell(f"{played} operations in {rounds} rounds, each explained by an order")


async def test_what_clients_do_when_the_server_is_killed_is_done_or_not(
    place: Place, nursery: Nursery, seed: int, tell: Callable[[str], None], *, deep: bool
) -> None:
    """The server dies at a point of one of the round's operations; each was done, or not, and nothing between."""
    chance = random.Random(seed)
    universe = make_universe(["team/app", "team/other", "other/app"])
    rounds, killed = DEEP_KILLED_ROUNDS if deep else KILLED_ROUNDS, 0
    models = [Model(universe)]
    async with place.open() as client:
        for name in universe.repositories:
            await client.token(name)
    for number in range(10 * rounds):
        if number >= rounds and killed:  # where chance has cut none of them, it goes on until it does
            break
        operations = [
            replace(one, pieces=0) for one in focus(chance, models[0], most=3)
            if one.kind not in {"collect", "cancel"}
        ]  # fmt: skip
        dying = [
            name for name in failpoints.POINTS if operations and name.startswith(PASSES[chance.choice(operations).kind])
        ]
        life = Life(nursery, place, fault=f"{chance.choice(dying)}:kill" if dying else "")
        done: list[tuple[Operation, int | None]] = []

        async def tried(client: Client, one: Operation, done: list[tuple[Operation, int | None]] = done) -> None:
            status = None
            with contextlib.suppress(Cut):
                status = await perform(client, universe, one)
            done.append((one, status))

        async with place.visit(life.url) as client:
            await asyncio.gather(*(tried(client, one) for one in operations))
        with contextlib.suppress(ProcessLookupError):
            life.kill()
        killed += any(status is None for _, status in done)
        place.check()
        await recover(place)
        async with place.open() as client:
            models = await judge(client, universe, models, done, f"round {number}, {life.fault}")
        if number % 5 == 4:
            place.check(rest=True)
    let_leases_end(place)
    await collect(place)
    place.check(rest=True)
    assert killed, "no round was cut"
    tell(f"{rounds} rounds, {killed} of them cut by a kill: all was done or not")


async def recover(place: Place) -> None:
    """What a later run of the collector does: uploads that nobody goes on with end, purges that were begun go on."""

    async def go_on(_run: Run) -> bool:
        return True

    let_uploads_end(place)
    async with collecting(place) as (collector, _):
        run = Run()
        await collector.purge(run)
        await collector.sweep(run, go_on)
