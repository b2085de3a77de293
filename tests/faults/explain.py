"""How a round of operations at the same time may have gone: every order of what they do, against `model.py`.

What one transaction does is one step. Most operations are one. Where a project's room may not be enough for all, those
that need some are several, because what one of them holds for a moment decides what happens to the others: a body
reserves its bytes before it comes, and gives them back when it is refused; who finds no room purges the oldest of the
trash, part by part, and tries again after each (docs/develop/lossless.md, "What counts"). A collector is several, too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, pairwise

from tests.faults.model import Model, Operation, Universe
from tests.faults.model_trash import NoRoom, project_of

Done = tuple[Operation, int | None]
"""An operation and the answer; None: nobody knows whether it was done, because the server died."""

OVER = "over"
_IN_REQUESTS = {"push": "create", "cancel": "create", "begin": "create", "append": "claim", "finish": "claim"}
"""The operations that hold room for what is to come, and their first steps."""


@dataclass(frozen=True)
class Doing:
    """How far an operation is.

    Attributes:
        phase: the next step.
        left: the bodies that are still to come, in bytes.
        reserved, lent: what they hold of the project's room, or borrowed.
        act: what is to be purged to make room.
        again: the step that found no room; `trash`: what the trash held then.
    """

    operation: Operation
    status: int | None
    phase: str
    left: tuple[int, ...] = ()
    reserved: int = 0
    lent: int = 0
    act: int = 0
    again: str = ""
    trash: int = 0


State = tuple[Model, tuple[Doing, ...]]
Steps = Iterator[tuple[Model, Doing]]


def explain(model: Model, done: Sequence[Done], *, passes: bool = False) -> Iterator[Model]:
    """The models that the operations of one round may have led to, in some order, with these answers; each once.

    Args:
        passes: whether the collector passes over what somebody has locked, as on PostgreSQL.
    """
    universe = model.universe
    crowded = {project_of(name) for name in universe.repositories if _may_be_full(model, project_of(name), done)}
    first = tuple(Doing(one, status, _first(one, crowded)) for one, status in done)
    waiting: list[State] = [(model, first)]
    seen = set()
    while waiting:
        model, doings = waiting.pop()
        key = (model.key(), doings)
        if key in seen:
            continue
        seen.add(key)
        if all(doing.phase == OVER for doing in doings):
            model = model.copy()
            model.fresh.clear()  # whoever looks renews leases, and the next collector ends them all
            yield model
        for at, doing in enumerate(doings):
            if doing.phase == OVER:
                continue
            others = [*doings[:at], *doings[at + 1 :]]
            for after, went in _step(model, doing, others, crowded=crowded, passes=passes):
                waiting.append((after, (*doings[:at], went, *doings[at + 1 :])))


def _may_be_full(model: Model, project: str, done: Iterable[Done]) -> bool:
    """Whether all that a round's operations may need of a project is its room, or more."""
    limit = model.universe.limit(project)
    asked = sum(_size(model.universe, one) for one, _ in done if project_of(one.repository) == project)
    return limit is not None and model.used(project) + asked >= limit


def _size(universe: Universe, operation: Operation) -> int:
    """The most that an operation may need, in bytes."""
    blobs, contents = universe.blobs, universe.contents
    if operation.kind in {"push", "mount", "cancel"}:
        return len(blobs[operation.item])
    if operation.kind in {"append", "finish"}:
        return operation.size + len(blobs[operation.item])
    if operation.kind == "copy":
        return sum(len(blob) for blob in blobs) + sum(len(content.raw) for content in contents)
    if operation.kind == "put":
        content = contents[operation.item]
        return len(content.raw) + sum(len(blobs[blob]) for blob in content.blobs)
    return 0


def _first(operation: Operation, crowded: set[str]) -> str:
    if operation.kind == "collect":
        return "expire"
    return _IN_REQUESTS.get(operation.kind, "act") if project_of(operation.repository) in crowded else "act"


def _step(model: Model, doing: Doing, others: Sequence[Doing], *, crowded: set[str], passes: bool) -> Steps:
    """What the next step of an operation may lead to."""
    operation = doing.operation
    if doing.phase == _first(operation, crowded):
        if doing.status is None:
            yield model, replace(doing, phase=OVER)
        meets = operation.upload and any(other.operation.upload == operation.upload for other in others)
        if meets and doing.status in {404, 416}:  # another writer of the same upload
            yield model, replace(doing, phase=OVER)
    if doing.phase == "act":
        yield from _act(model, doing, is_crowded=project_of(operation.repository) in crowded)
    elif doing.phase in _COLLECTING:
        yield from _collect(model, doing, others if passes else ())
    else:
        yield from _STEPS[doing.phase](model.copy(), doing)


def _act(model: Model, doing: Doing, *, is_crowded: bool) -> Steps:
    """All that an operation does, at once."""
    after = model.copy()
    try:
        found = after.apply(doing.operation)
    except NoRoom as problem:
        yield from _refuse(model, doing, problem.size, problem.trash)
        return
    if doing.operation.kind == "mount" and found == 202 and is_crowded:
        yield after, replace(doing, phase="create")
    else:
        yield from _answer(after, doing, found)


def _answer(model: Model, doing: Doing, status: int) -> Steps:
    """It is over, if this is what the client was told."""
    if doing.status in {None, status}:
        yield model, Doing(doing.operation, doing.status, OVER)


# -- room -------------------------------------------------------------------------------------------------


def _refuse(model: Model, doing: Doing, size: int, trash: int) -> Steps:
    """There is no room for so many bytes. Would there be some without the trash, but for what they need of it?"""
    project = project_of(doing.operation.repository)
    limit = model.universe.limit(project)
    if limit is not None and trash and model.used(project) - trash + size <= limit:
        yield model, replace(doing, phase="find", again=doing.phase, trash=trash)
    else:
        yield from _give_way(model, doing)


def _find(model: Model, doing: Doing) -> Steps:
    """The oldest of the trash; where there is none, who has taken it since may have left room."""
    project = project_of(doing.operation.repository)
    if act := model.find_oldest(project):
        yield model, replace(doing, phase="take", act=act)
    elif model.trash(project) < doing.trash:
        yield model, replace(doing, phase=doing.again, again="", trash=0)
    else:
        yield from _give_way(model, doing)


def _take(model: Model, doing: Doing) -> Steps:
    """A part of it; nothing of one that somebody else has taken, or brought back."""
    model.take_part(doing.act)
    yield model, replace(doing, phase=doing.again, act=0, again="", trash=0)


def _give_way(model: Model, doing: Doing) -> Steps:
    """It is refused. An upload that was begun ends only then."""
    if doing.status in {None, 403}:
        yield model, replace(doing, phase="end", act=0, again="refused", trash=0)


def _end(model: Model, doing: Doing) -> Steps:
    operation = doing.operation
    _hold(model, operation.repository, -doing.reserved, -doing.lent)
    if operation.kind == "finish" and not doing.left:  # refused when it was joined: its bytes go
        model.drop(operation.upload)
    yield from _answer(model, doing, 403 if doing.again else 204)


# -- bodies -----------------------------------------------------------------------------------------------


def _create(model: Model, doing: Doing) -> Steps:
    """POST: who has no room for a byte is refused, unless there is something to heal."""
    operation = doing.operation
    if model.is_full(operation.repository):
        yield from _answer(model, doing, 403)
        if not model.may_borrow(operation.repository, 0):
            return
    if operation.kind in {"mount", "begin"}:
        if operation.kind == "begin":
            model.apply(operation)
        yield from _answer(model, doing, 202)
        return
    yield model, replace(doing, phase="reserve", left=_bodies(model.universe, operation))


def _bodies(universe: Universe, operation: Operation) -> tuple[int, ...]:
    size, pieces = len(universe.blobs[operation.item]), operation.pieces
    if pieces < 1 or operation.kind == "cancel":
        return (size,)
    ends = [size * part // pieces for part in range(pieces + 1)]
    return tuple(end - begin for begin, end in pairwise(ends))


def _claim(model: Model, doing: Doing) -> Steps:
    """A request to an upload that was begun in another round."""
    if told := model.find_end(doing.operation):
        yield from _answer(model, doing, told)
    else:
        yield model, replace(doing, phase="reserve", left=(doing.operation.size,))


def _reserve(model: Model, doing: Doing) -> Steps:
    """A body: its bytes are charged before they come, or borrowed to heal something."""
    name, size = doing.operation.repository, doing.left[0]
    left = doing.left[1:]
    after = {"push": "join", "cancel": "end", "append": "record", "finish": "record"}[doing.operation.kind]
    went = replace(doing, phase="reserve" if left else after, left=left)
    try:
        _hold(model, name, size, 0)
    except NoRoom as problem:
        if model.may_borrow(name, size):
            borrower = model.copy()
            _hold(borrower, name, 0, size)
            yield borrower, replace(went, lent=doing.lent + size)
        yield from _refuse(model, doing, size, problem.trash)
    else:
        yield model, replace(went, reserved=doing.reserved + size)


def _hold(model: Model, name: str, reserved: int, lent: int) -> None:
    project = project_of(name)
    model.reserve(name, reserved)
    model.lent = {**model.lent, project: model.lent.get(project, 0) + lent}


def _join(model: Model, doing: Doing) -> Steps:
    """The end of a push: what it reserved is settled with what it has brought."""
    before, name = model.copy(), doing.operation.repository
    _hold(model, name, -doing.reserved, -doing.lent)
    try:
        model.bring(name, doing.operation.item)
    except NoRoom as problem:
        yield from _refuse(before, doing, problem.size - doing.reserved, problem.trash)
    else:
        yield from _answer(model, doing, 201)


def _record(model: Model, doing: Doing) -> Steps:
    """The end of an `append` or of the body of a `finish`."""
    operation = doing.operation
    before, name, upload = model.copy(), operation.repository, operation.upload
    _hold(model, name, -doing.reserved, -doing.lent)
    if upload not in model.uploads:  # somebody cancelled it meanwhile
        yield from _answer(model, doing, 404)
        return
    size = model.uploads[upload][1] + operation.size
    if operation.kind == "append":
        model.uploads[upload] = (name, size)
        if doing.lent:
            model.borrowed[upload] = model.borrowed.get(upload, 0) + doing.lent
        yield from _answer(model, doing, 202)
        return
    covered = size - model.borrowed.get(upload, 0) - doing.lent
    model.drop(upload)
    if size != len(model.universe.blobs[operation.item]):
        yield from _answer(model, doing, 400)
        return
    try:
        model.bring(name, operation.item)
    except NoRoom as problem:
        yield from _refuse(before, doing, problem.size - covered, problem.trash)
    else:
        yield from _answer(model, doing, 201)


_STEPS: dict[str, Callable[[Model, Doing], Steps]] = {
    "create": _create, "claim": _claim, "reserve": _reserve, "join": _join, "record": _record, "end": _end,
    "find": _find, "take": _take,
}  # fmt: skip


# -- the collector ----------------------------------------------------------------------------------------

_COLLECTING = {"expire": "purge", "purge": "links", "links": "charges", "charges": OVER}
"""All leases end, and a collector runs: its steps, and what follows each."""


def _collect(model: Model, doing: Doing, others: Sequence[Doing]) -> Steps:
    """A step of the collector. `others`: whose locks it may meet."""
    went = replace(doing, phase=_COLLECTING[doing.phase])
    after = model.copy()
    if doing.phase == "expire":
        after.fresh.clear()
    elif doing.phase == "purge":
        for act in [one.number for one in after.acts if one.purging]:
            while after.take_part(act):
                pass
    else:
        locked = set(chain.from_iterable(_touched(model, one.operation) for one in others if one.phase != OVER))
        level = Model.collect_links
        if doing.phase == "charges":
            locked, level = {(project_of(name), blob) for name, blob in locked}, Model.collect_charges
        # What is locked and needed would stay all the same.
        locked &= level(after)
        for held in chain.from_iterable(combinations(sorted(locked), count) for count in range(1, len(locked) + 1)):
            passed = model.copy()
            level(passed, frozenset(held))
            yield passed, went
    yield after, went


def _touched(model: Model, operation: Operation) -> set[tuple[str, int]]:
    """The links that an operation may have locked, while it is not over."""
    name, item = operation.repository, operation.item
    if operation.kind in {"push", "unlink", "finish"}:
        return {(name, item)}
    if operation.kind == "mount":
        return {(name, item), (operation.source, item)}
    if operation.kind == "put":
        return {(name, blob) for blob in model.universe.contents[item].blobs}
    if operation.kind == "copy":
        return {(name, blob) for blob in range(len(model.universe.blobs))}
    return set()
