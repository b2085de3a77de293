"""Walks every state of `protocol.py` or `protocol_across.py`: people, collectors, time, crashes, and a last run."""

import typing
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.protocol_rows import Broken, Move, World

BETWEEN = frozenset({"op", "done", "room", "relieve", "part"})
"""Where nobody is in a transaction: who dies there loses nothing."""


@dataclass(frozen=True)
class Walk:
    """What came of a walk: how many states, which invariant broke ("": none) and the shortest story of it."""

    states: int
    broken: str
    story: tuple[str, ...] = ()


class Walked(typing.Protocol):
    """What `explore` asks of a model."""

    people: dict[str, tuple[tuple[str, ...], ...]]
    workers: list[str]

    def start(self) -> World: ...
    def check(self, w: World) -> None: ...
    def check_rest(self, w: World) -> None: ...
    def moves_of(self, w: World, who: str) -> Iterator[Move]: ...
    def work_of(self, w: World, who: str) -> Iterator[Move]: ...
    def tick(self, n: World) -> None: ...
    def drop(self, w: World, who: str) -> None: ...


def explore(protocol: Walked) -> Walk:
    """Walk all states."""
    first = protocol.start()
    seen: dict[bytes, tuple[bytes | None, str]] = {first.mark(): (None, "start")}
    todo = deque([(first, first.mark())])
    while todo:
        w, mark = todo.popleft()
        try:
            protocol.check(w)
            steps = [(f"{who}: {text}", n) for who in protocol.people for text, n in _moves(protocol, w, who)]
            steps += [(f"{who}: {text}", n) for who in protocol.workers for text, n in protocol.work_of(w, who)]
            done = all(w.pc[who][0] == "done" for who in protocol.people)
            if done and not w.lock:
                _drain(protocol, w)
            steps += _around(protocol, w)
            if not steps and not done:
                raise Broken("I13 nobody can go on")  # noqa: TRY301 - told with its story, as all others
        except Broken as broken:
            story: list[str] = []
            at: bytes | None = mark
            while at is not None:
                at, text = seen[at]
                story.append(text)
            return Walk(len(seen), str(broken), tuple(story[-2::-1]))
        for text, n in steps:
            one = n.mark()
            if one not in seen:
                seen[one] = (mark, text)
                todo.append((n, one))
    return Walk(len(seen), "")


def _moves(protocol: Walked, w: World, who: str) -> Iterator[Move]:
    """Somebody whose push needs room works as the collector does."""
    at = w.pc[who]
    rooms = at[0] in {"room", "relieve", "part", "take", "gone"}
    return protocol.work_of(w, who) if rooms else protocol.moves_of(w, who)


def _around(protocol: Walked, w: World) -> Iterator[Move]:
    """Time passes; somebody dies in the middle of a transaction."""
    n = World(w)
    protocol.tick(n)
    if (n.link, n.promise, n.charge) != (w.link, w.promise, w.charge):
        yield "tick", n
    if not w.num["crashes"]:
        return
    for who, (label, at, _) in w.pc.items():
        if label not in BETWEEN:
            n = World(w)
            n.num["crashes"] -= 1
            protocol.drop(n, who)
            n.pc[who] = ("op", at, ())
            yield f"{who} dies", n


def _drain(protocol: Walked, w: World) -> None:
    """From a state in which everybody is done: one collector runs, time passes, and nothing is left over."""
    w = World(w)
    w.num["crashes"] = 0
    while step := next(protocol.work_of(w, "gc0"), None) or next(_around(protocol, w), None):
        w = step[1]
        protocol.check(w)
    protocol.check_rest(w)
