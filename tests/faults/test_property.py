"""Pushes, mounts, tag moves and deletes at the same time, against a model: `tests/faults/model.py`."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

from tests.faults.model import Model, Operation, Universe, explain, look, make_universe, perform
from tests.faults.place import Place
from tests.faults.registry import Client

ROUNDS = 60
DEEP_ROUNDS = 6000
KINDS = {"push": 6, "put": 8, "mount": 3, "untag": 2, "delete": 3, "unlink": 3, "cancel": 1}
"""What clients do, and how often."""


def choose(chance: random.Random, universe: Universe) -> Operation:
    """An operation by chance."""
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    name = chance.choice(universe.repositories)
    if kind in {"put", "delete"}:
        tag = chance.choice([*universe.tags, ""]) if kind == "put" else ""
        return Operation(kind, name, chance.randrange(len(universe.contents)), tag)
    if kind == "untag":
        return Operation(kind, name, tag=chance.choice(universe.tags))
    source = chance.choice(universe.repositories) if kind == "mount" else ""
    return Operation(kind, name, chance.randrange(len(universe.blobs)), source=source)


def focus(chance: random.Random, universe: Universe) -> list[Operation]:
    """A round: two to five operations, often in the same repository, so that they meet."""
    count = chance.randint(2, 5)
    operations = [replace(choose(chance, universe), pieces=chance.randint(0, 2)) for _ in range(count)]
    if chance.random() < 0.6:
        one = operations[0].repository
        operations = [replace(operation, repository=one) for operation in operations]
    return operations


async def play(client: Client, place: Place, universe: Universe, chance: random.Random, rounds: int) -> int:
    """Play some rounds; how many operations that was."""
    model = Model(universe)
    played = 0
    for number in range(rounds):
        operations = focus(chance, universe)
        statuses = await asyncio.gather(*(perform(client, universe, one) for one in operations))
        done = list(zip(operations, statuses, strict=True))
        played += len(done)
        seen = await look(client, universe)
        possible = [candidate for candidate in explain(model, done) if candidate.view() == seen]
        story = "\n".join(f"  {status} {one}" for one, status in done)
        assert possible, f"round {number}: no order explains\n{story}\nfrom {model.view()}\nto {seen}"
        model = possible[0]
        if number % 20 == 19:
            place.check(rest=True)
    place.check(rest=True)
    return played


async def test_what_clients_do_at_the_same_time_has_an_order(
    place: Place, seed: int, tell: Callable[[str], None], *, deep: bool
) -> None:
    place.make_project("small", 9_000)
    universe = make_universe(["team/app", "team/other", "small/app"], [("small", 9_000)])
    rounds = DEEP_ROUNDS if deep else ROUNDS

    async with place.open() as client:
        played = await play(client, place, universe, random.Random(seed), rounds)

    tell(f"{played} operations in {rounds} rounds, each explained by an order")
