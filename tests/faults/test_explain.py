"""What `explain.py` says may have happened, and what may not: it is there to contradict the registry."""

from dataclasses import replace

from tests.faults.explain import Done, explain
from tests.faults.model import Model, Operation, make_universe

HERE, THERE, SMALL = "team/app", "team/other", "small/app"
SIZES = (700, 1000, 1300, 1600)


def begin(*operations: Operation, limit: int = 5_000) -> Model:
    """A registry in which all this was done, one after the other; the list of the trash was seen after each."""
    model = Model(make_universe([HERE, THERE, SMALL], [("small", limit)]))
    for operation in operations:
        model = model.copy()
        assert model.apply(operation) < 400, operation
        acts = [replace(act, number=at) for at, act in enumerate(model.acts, 1)]
        model.acts = acts
    model.fresh.clear()
    return model


def explained(model: Model, *done: Done, passes: bool = False) -> list[Model]:
    return list(explain(model, done, passes=passes))


def push(name: str, *blobs: int) -> list[Operation]:
    return [Operation("push", name, blob) for blob in blobs]


def hold(name: str, item: int) -> list[Operation]:
    """An image that was pushed and deleted."""
    blobs = sorted(make_universe([name]).contents[item].blobs)
    return [*push(name, *blobs), Operation("put", name, item), Operation("delete", name, item)]


def test_nobody_is_refused_who_has_room() -> None:
    model = begin(limit=1_900)
    alone, other = Operation("push", SMALL, 3), Operation("cancel", SMALL, 0)

    assert not explained(model, (alone, 403))
    assert explained(model, (alone, 201))
    assert explained(model, (alone, 403), (other, 204)), "the other held room for a moment"
    assert not explained(model, (alone, 403), (other, 403)), "one of them was first"


def test_the_limit_is_never_passed() -> None:
    model = begin(limit=2_000)
    one, two = Operation("push", SMALL, 3, pieces=2), Operation("push", SMALL, 1, pieces=1)

    assert not explained(model, (one, 201), (two, 201))
    assert explained(model, (one, 201), (two, 403))
    assert explained(model, (one, 403), (two, 201))


def test_the_oldest_goes_first_and_no_more_than_is_needed() -> None:
    model = begin(*hold(SMALL, 5), *hold(SMALL, 2))
    first, second = model.acts
    assert model.trash("small") == 583 + 414 + SIZES[0] + SIZES[3]
    asked = Operation("push", SMALL, 2)

    assert model.used("small") + SIZES[2] < 5_000
    assert [one.acts for one in explained(model, (asked, 201))] == [[first, second]]
    tight = begin(*hold(SMALL, 5), *hold(SMALL, 2), limit=4_400)
    assert [[act.number for act in one.acts if act.contents] for one in explained(tight, (asked, 201))] == [[2]]
    assert not explained(tight, (asked, 403)), "the trash has the room"
    beside = explained(tight, (asked, 201), (Operation("cancel", SMALL, 1), 204))
    assert {sum(bool(act.contents) for act in one.acts) for one in beside} == {0, 1}, "what is held for a moment counts"


def test_of_an_index_in_the_trash_only_a_part_goes() -> None:
    index = [*push(SMALL, 0, 1, 2, 3), *(Operation("put", SMALL, item) for item in (1, 2, 4)),
             Operation("delete", SMALL, 4)]  # fmt: skip
    needed = len(make_universe([SMALL]).contents[0].raw)
    whole = begin(*index, limit=6_300)
    assert whole.used("small") == sum(SIZES) + 570 + 414 + 409
    (after,) = explained(whole, (Operation("put", SMALL, 0), 201))

    assert whole.used("small") + needed > 6_300
    (act,) = after.acts
    assert (act.purging, act.contents) == (True, frozenset({1, 2})), "the index made room; its children wait"
    assert after.view()["trash"] == []
    assert not explained(after, (Operation("restore", SMALL, act.number), 200))
    (gone,) = explained(after, (Operation("collect", SMALL), 200))
    assert (gone.acts, gone.trash("small")) == ([], 0)


def test_what_a_push_needs_of_the_trash_itself_makes_no_room() -> None:
    model = begin(*hold(SMALL, 0), *hold(HERE, 1), Operation("put", HERE, 1), limit=2_500)
    copied = Operation("copy", SMALL, 1, source=HERE)

    (after,) = explained(model, (copied, 403))
    assert after.acts == model.acts, "nothing went for nothing"


def test_a_lease_that_was_renewed_is_kept_and_one_that_was_not_is_not() -> None:
    model = begin(*push(HERE, 1))
    mounted, collected = Operation("mount", THERE, 1, source=HERE), Operation("collect", HERE)
    found = [(one.links, one.charged) for one in explained(model, (mounted, 201), (collected, 200))]

    assert ({(THERE, 1)}, {("team", 1)}) in found, "after the leases ended, before the collector came"
    assert ({(HERE, 1), (THERE, 1)}, {("team", 1)}) not in found, "nothing holds the first one"
    assert (set(), set()) in found, "before the leases ended"
    assert [one.links for one in explained(model, (mounted, 202), (collected, 200))] == [set()]
    passed = [one.links for one in explained(model, (mounted, 201), (collected, 200), passes=True)]
    assert {(HERE, 1), (THERE, 1)} in passed, "the mount had locked it"


def test_the_ids_of_acts_tell_their_order() -> None:
    model = begin(*push(HERE, 0, 1, 3), Operation("put", HERE, 0), Operation("put", HERE, 2))
    one, two = Operation("delete", HERE, 0), Operation("delete", HERE, 2)
    found = explained(model, (one, 202), (two, 202))
    labels = [act.label for act in found[0].acts]

    assert len(found) == 2
    assert [each.know({7: labels[0], 8: labels[1]}) for each in found] == [True, False]


def test_a_full_project_refuses_an_upload_before_it_begins() -> None:
    model = begin(*push(SMALL, 0, 1, 2), limit=3_000)
    opened = Operation("begin", SMALL, 3, upload=1)

    assert explained(model, (opened, 403))
    assert not explained(model, (opened, 202))
    assert not explained(begin(*push(SMALL, 0, 1, 2), limit=3_001), (opened, 403))
