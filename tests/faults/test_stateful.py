"""Clients at the same time, found and shrunk by Hypothesis: a state machine beside `tests/faults/model.py`.

`test_property.py` plays many random rounds on one store. Here each example has a store of its own, uploads go on over
several rounds, and what fails is reduced to the few operations that it takes.
"""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults.explain import explain
from tests.faults.model import (
    DAMAGE,
    UNKNOWN_LENGTH,
    Model,
    Operation,
    Universe,
    look,
    look_at_uploads,
    make_universe,
    perform,
)
from tests.faults.model_trash import list_trash
from tests.faults.place import BOB, Place, Templates
from tests.faults.registry import Client, digest_of

EXAMPLES, STEPS = {"sqlite": 20, "postgres": 10}, 20
DEEP_EXAMPLES, DEEP_STEPS = 500, 50
SMALL_BYTES = 5_000
"""The limit of one project: some of what there is to push, not all of it."""

UNIVERSE: Universe = replace(
    make_universe(["team/app", "other/app", "small/app"], [("small", SMALL_BYTES)]), tags=("a", "b", "c")
)
CLOSED, CLOSED_BLOB = "closed/app", 1
"""A repository that alice may not see, and the blob in it. The others are new to the store when she pushes them."""

BLOBS = range(len(UNIVERSE.blobs))
INDEXES = [number for number, content in enumerate(UNIVERSE.contents) if content.children]
IMAGES = [number for number, content in enumerate(UNIVERSE.contents) if not content.children]


@dataclass(frozen=True)
class Held:
    """A blob or a manifest (by number) that a repository once took in."""

    repository: str
    item: int


@dataclass(frozen=True)
class Upload:
    """An upload that was begun: its number, its repository, and the number of the blob that it is for."""

    number: int
    repository: str
    blob: int


@dataclass
class Ground:
    """What all examples of a test share.

    Attributes:
        places: an empty store for one example.
        tokens: those of alice and bob; every store is a copy, so they are good for all of them.
        made: when these tokens were fetched first, on the monotonic clock.
        examples, steps, operations: how many there were, the tries of the shrinker included.
    """

    places: Callable[[], AbstractContextManager[Place]]
    tokens: dict[str, dict[tuple[str, ...], str]] = field(default_factory=dict)
    made: float = 0.0
    examples: int = 0
    steps: int = 0
    operations: int = 0

    def tokens_of(self, name: str) -> dict[tuple[str, ...], str]:
        """Somebody's tokens: fetching one means checking a password, so they are kept for some minutes."""
        if time.monotonic() - self.made > 600:
            self.tokens, self.made = {}, time.monotonic()
        return self.tokens.setdefault(name, {})


def _put(repository: str, item: int, tags: Sequence[str]) -> Operation:
    return Operation("put", repository, item, tag=tags[0] if tags else "", more=tuple(tags[1:]))


repositories = st.sampled_from(UNIVERSE.repositories)
blob_numbers = st.sampled_from(BLOBS)
tag_names = st.sampled_from(UNIVERSE.tags)
tag_lists = st.lists(tag_names, max_size=3, unique=True)
ways = st.sampled_from([0, 1, 2, UNKNOWN_LENGTH])
single_ways = st.sampled_from([0, UNKNOWN_LENGTH])
plain_operations = st.one_of(
    st.builds(Operation, st.just("push"), repositories, blob_numbers, pieces=ways),
    st.builds(_put, repositories, st.sampled_from(range(len(UNIVERSE.contents))), tag_lists),
    st.builds(Operation, st.just("mount"), repositories, blob_numbers,
              source=st.sampled_from([*UNIVERSE.repositories, CLOSED])),
    st.builds(Operation, st.just("untag"), repositories, tag=tag_names),
    st.builds(Operation, st.just("delete"), repositories, st.sampled_from(range(len(UNIVERSE.contents)))),
    st.builds(Operation, st.just("unlink"), repositories, blob_numbers),
    st.builds(Operation, st.just("cancel"), repositories, blob_numbers),
    st.builds(Operation, st.just("begin"), repositories, blob_numbers),
    st.builds(Operation, st.just("damage"), repositories, blob_numbers, how=st.sampled_from(DAMAGE),
              late=st.integers(0, 40)),
)  # fmt: skip
"""What can happen beside anything else."""


class Clients(RuleBasedStateMachine):
    """What clients do to one store, alone and at the same time.

    Attributes:
        models: every state that explains all answers so far; they differ in what clients cannot see.
    """

    uploads: Bundle[Upload] = Bundle("uploads")
    ended: Bundle[Upload] = Bundle("ended")
    blobs: Bundle[Held] = Bundle("blobs")
    artifacts: Bundle[Held] = Bundle("artifacts")
    tags: Bundle[tuple[str, str]] = Bundle("tags")

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground
        self.models = [Model(UNIVERSE)]
        self.begun: dict[int, str] = {}
        self.count = 0
        self.broken = False
        self.stack = contextlib.ExitStack()
        try:
            self.place = self.stack.enter_context(ground.places())
            self.runner = self.stack.enter_context(asyncio.Runner())
            self.client = self._open()
            ground.examples += 1
        except BaseException:
            self.stack.close()
            raise

    def _open(self) -> Client:
        """Start the application on the machine's own loop; a blob is in a repository that alice may not see."""
        running = self.place.open()
        opened = self.runner.run(running.__aenter__())
        self.stack.callback(lambda: self.runner.run(running.__aexit__(None, None, None)))
        client = Client(opened.send, opened.account, self.ground.tokens_of("alice"))
        other = Client(opened.send, BOB, self.ground.tokens_of("bob"))
        reply = self.runner.run(other.push_blob(CLOSED, UNIVERSE.blobs[CLOSED_BLOB]))
        assert reply.status == 201, reply
        return client

    def teardown(self) -> None:
        """Nobody is in the middle of anything any more: rows, files and counters must agree."""
        try:
            if not self.broken:
                left = sorted(self.models[0].uploads)
                if left:
                    self.play(*(Operation("abandon", self.models[0].uploads[one][0], upload=one) for one in left[:4]))
                for one in left[4:]:
                    self.play(Operation("abandon", self.models[0].uploads[one][0], upload=one))
                for blob in sorted(set().union(*(model.lost | model.rotten for model in self.models))):
                    (status,) = self.play(Operation("push", UNIVERSE.repositories[0], blob))
                    assert status == 201, "a damaged blob is not healed by pushing it again"
                self.place.check(rest=True)
        finally:
            self.stack.close()

    # -- one round

    def play(self, *operations: Operation) -> list[int]:
        """Do all of them at the same time, and go on with the states that explain what came of it."""
        self.broken = True
        self.ground.steps += 1
        self.ground.operations += len(operations)
        statuses, seen, sizes, numbers = self.runner.run(self._round(operations))
        done = list(zip(operations, statuses, strict=True))
        possible: list[Model] = []
        for model in self.models:
            for candidate in explain(model, done):
                arrived = {number: size for number, (_, size) in candidate.uploads.items()}
                agrees = candidate.view() == seen and arrived == sizes and candidate.know(numbers)
                if agrees and candidate not in possible:
                    possible.append(candidate)
        before = self.models[0]
        story = "\n".join(f"  {status} {operation}" for operation, status in done)
        assert possible, (
            f"no order explains\n{story}\nfrom {before.view()}, uploads {before.uploads}\nto {seen}, uploads {sizes}"
        )
        self.models = possible
        self.broken = False
        return statuses

    async def _round(
        self, operations: Sequence[Operation]
    ) -> tuple[list[int], dict[str, object], dict[int, int], dict[int, str]]:
        statuses = await asyncio.gather(
            *(perform(self.client, UNIVERSE, one, self.begun, self.place.storage) for one in operations)
        )
        seen = await look(self.client, UNIVERSE)
        sizes = await look_at_uploads(self.client, self.begun)
        return statuses, seen, sizes, await list_trash(self.client, UNIVERSE)

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _at(self, upload: Upload) -> int:
        """Where the client of an upload goes on: where it ends, or, when it is gone, somewhere."""
        return self.models[0].uploads.get(upload.number, ("", 0))[1]

    def _step(self, upload: Upload, kind: str, *, rest: bool = False, pieces: int = 0) -> Operation:
        """The next request of an upload: an `append` or `finish` brings half of what is missing, or all of it."""
        at = self._at(upload)
        missing = len(UNIVERSE.blobs[upload.blob]) - at
        size = 0
        if kind == "append":
            size = missing if rest else -(-missing // 2)
        elif kind == "finish" and rest:
            size = missing
        return Operation(
            kind, upload.repository, upload.blob, pieces=pieces if size else 0, upload=upload.number, at=at, size=size
        )

    # -- blobs

    @initialize(target=artifacts, names=st.sets(repositories, min_size=1, max_size=2), items=st.lists(
        st.tuples(st.sampled_from([*IMAGES, *INDEXES]), tag_lists), min_size=1, max_size=4))  # fmt: skip
    def fill(self, names: set[str], items: list[tuple[int, list[str]]]) -> MultipleResults[Held]:
        """A repository or two have all blobs and some manifests from the beginning, as far as there is room."""
        held = []
        for name in sorted(names):
            self.play(*(Operation("push", name, blob) for blob in BLOBS))
            for item, tags in items:
                if item in INDEXES:
                    self.play(*(Operation("put", name, child) for child in UNIVERSE.contents[item].children))
                (status,) = self.play(_put(name, item, tags))
                held += [Held(name, item)] if status == 201 else []
        return multiple(*held)

    @rule(target=blobs, name=repositories, blob=blob_numbers, pieces=ways)
    def push_blob(self, name: str, blob: int, pieces: int) -> Held | MultipleResults[Held]:
        """In one request, in chunks, or in a stream of unknown length."""
        (status,) = self.play(Operation("push", name, blob, pieces=pieces))
        return Held(name, blob) if status == 201 else multiple()

    @rule(target=uploads, name=repositories, blob=blob_numbers)
    def begin(self, name: str, blob: int) -> Upload:
        """Open an upload and send nothing yet."""
        upload = Upload(self._next(), name, blob)
        self.play(Operation("begin", name, blob, upload=upload.number))
        return upload

    @rule(upload=uploads, rest=st.booleans(), pieces=single_ways)
    def append(self, upload: Upload, rest: bool, pieces: int) -> None:
        """Send half of what is missing, or all."""
        self.play(self._step(upload, "append", rest=rest, pieces=pieces))

    @rule(target=ended, upload=consumes(uploads), rest=st.booleans(), pieces=single_ways)
    def finish(self, upload: Upload, rest: bool, pieces: int) -> Upload:
        """Close it, with what is missing or as it is."""
        self.play(self._step(upload, "finish", rest=rest, pieces=pieces))
        return upload

    @rule(target=ended, upload=consumes(uploads))
    def abandon(self, upload: Upload) -> Upload:
        """Cancel it."""
        self.play(self._step(upload, "abandon"))
        return upload

    @rule(upload=ended, kind=st.sampled_from(["append", "finish", "abandon"]), rest=st.booleans())
    def come_late(self, upload: Upload, kind: str, rest: bool) -> None:
        """Go on with one that was ended, or that was refused."""
        self.play(self._step(upload, kind, rest=rest))

    @rule(target=blobs, blob=blobs, name=repositories)
    def mount(self, blob: Held, name: str) -> Held | MultipleResults[Held]:
        """From another repository, of the same project or of another one."""
        (status,) = self.play(Operation("mount", name, blob.item, source=blob.repository))
        return Held(name, blob.item) if status == 201 else multiple()

    @rule(name=repositories, blob=st.sampled_from([CLOSED_BLOB, 0]), source=st.sampled_from([CLOSED, "nobody/app"]))
    def mount_forbidden(self, name: str, blob: int, source: str) -> None:
        """From a repository that alice may not see, or that is not there: both become an upload."""
        (status,) = self.play(Operation("mount", name, blob, source=source))
        assert status == 202

    @rule()
    def look_into_closed(self) -> None:
        """What alice may not see, she does not see."""
        self.broken = True
        reply = self.runner.run(self.client.get_blob(CLOSED, digest_of(UNIVERSE.blobs[CLOSED_BLOB])))
        assert reply.status in {401, 403, 404}, reply
        self.broken = False

    @rule(blob=blobs, how=st.sampled_from(DAMAGE))
    def damage(self, blob: Held, how: str) -> None:
        """Behind the registry's back, its file vanishes, is cut, or gets other bytes."""
        self.play(Operation("damage", blob.repository, blob.item, how=how))

    def _damaged(self) -> list[tuple[str, int]]:
        model = self.models[0]
        return sorted((name, blob) for name, blob in model.links if blob in model.lost | model.rotten)

    @precondition(lambda self: bool(self._damaged()))
    @rule(data=st.data(), names=st.lists(repositories, min_size=1, max_size=3), pieces=ways)
    def heal(self, data: st.DataObject, names: list[str], pieces: int) -> None:
        """One to three clients push a damaged blob again at the same time, while somebody tries to mount it."""
        source, blob = data.draw(st.sampled_from(self._damaged()))
        pushes = [Operation("push", name, blob, pieces=pieces) for name in names]
        self.play(*pushes, Operation("mount", names[0], blob, source=source))

    @rule(blob=blobs)
    def unlink(self, blob: Held) -> None:
        """Delete a blob."""
        self.play(Operation("unlink", blob.repository, blob.item))

    # -- manifests and tags

    @rule(target=artifacts, name=repositories, item=st.sampled_from(IMAGES), names=tag_lists)
    def push_image(self, name: str, item: int, names: list[str]) -> Held | MultipleResults[Held]:
        """With up to three tags; its blobs may be there."""
        (status,) = self.play(_put(name, item, names))
        return Held(name, item) if status == 201 else multiple()

    @rule(target=artifacts, name=repositories, item=st.sampled_from(INDEXES), names=tag_lists)
    def push_index(self, name: str, item: int, names: list[str]) -> Held | MultipleResults[Held]:
        """As an image; its children may be there."""
        (status,) = self.play(_put(name, item, names))
        return Held(name, item) if status == 201 else multiple()

    @rule(target=tags, artifact=artifacts, name=tag_names)
    def move_tag(self, artifact: Held, name: str) -> tuple[str, str] | MultipleResults[tuple[str, str]]:
        """Point a tag at something that the repository once had."""
        (status,) = self.play(_put(artifact.repository, artifact.item, [name]))
        return (artifact.repository, name) if status == 201 else multiple()

    @rule(tag=tags)
    def delete_tag(self, tag: tuple[str, str]) -> None:
        """Delete a tag, if it is still there."""
        self.play(Operation("untag", tag[0], tag=tag[1]))

    @rule(artifact=artifacts)
    def delete_artifact(self, artifact: Held) -> None:
        """Delete by digest, with whatever that takes along."""
        self.play(Operation("delete", artifact.repository, artifact.item))

    def _indexes(self) -> list[tuple[str, int]]:
        return sorted((name, item) for name, item in self.models[0].artifacts if item in INDEXES)

    @precondition(lambda self: bool(self._indexes()))
    @rule(data=st.data())
    def delete_index(self, data: st.DataObject) -> None:
        """Delete one that is there, and the children that nothing else needs: chance alone comes here seldom."""
        name, item = data.draw(st.sampled_from(self._indexes()))
        self.play(Operation("delete", name, item))

    # -- at the same time

    @rule(target=uploads, operations=st.lists(plain_operations, min_size=2, max_size=4), here=st.none() | repositories)
    def together(self, operations: list[Operation], here: str | None) -> MultipleResults[Upload]:
        """Two to four clients, often in the same repository."""
        done = []
        for operation in operations:
            name = operation.repository if here is None else here
            number = self._next() if operation.kind == "begin" else 0
            done.append(replace(operation, repository=name, upload=number))
        self.play(*done)
        return multiple(*(Upload(one.upload, one.repository, one.item) for one in done if one.upload))

    @rule(
        upload=uploads,
        steps=st.lists(
            st.tuples(st.sampled_from(["append", "finish", "abandon"]), st.booleans(), single_ways),
            min_size=1,
            max_size=3,
        ),
        operations=st.lists(plain_operations.filter(lambda operation: operation.kind != "begin"), max_size=1),
    )
    def together_on_upload(
        self, upload: Upload, steps: list[tuple[str, bool, int]], operations: list[Operation]
    ) -> None:
        """Several requests to one upload, each meaning to go on where it ends now; and something else."""
        requests = [self._step(upload, kind, rest=rest, pieces=pieces) for kind, rest, pieces in steps]
        self.play(*requests, *operations)


class Grounds(Templates):
    """Stores with two more projects: one has a limit, one is closed to alice."""

    def fill(self, database: str) -> None:
        """As all stores, and these two."""
        super().fill(database)
        place = Place(self._folder, database)
        place.make_project("small", SMALL_BYTES)
        place.make_project("closed", -1, [BOB])


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    """Filled once."""
    return Grounds(tmp_path_factory.mktemp("grounds") / "data")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.part("postgres"))])
def places(
    request: pytest.FixtureRequest, grounds: Grounds, tmp_path: Path
) -> Callable[[], AbstractContextManager[Place]]:
    """Makes a store for one example."""

    @contextlib.contextmanager
    def make() -> Iterator[Place]:
        with contextlib.ExitStack() as stack:
            data = tmp_path / "data"
            place = grounds.copy(data)
            stack.callback(shutil.rmtree, data)
            if request.param == "postgres":
                postgres = request.getfixturevalue("postgres")
                name = postgres.create(grounds.fill)
                stack.callback(postgres.drop, name)
                place = grounds.move(place, postgres.url(name))
            yield place

    return make


def test_any_clients_at_the_same_time_have_an_order(
    places: Callable[[], AbstractContextManager[Place]],
    request: pytest.FixtureRequest,
    seed: int,
    tell: Callable[[str], None],
    *,
    deep: bool,
) -> None:
    ground, examples = Ground(places), EXAMPLES[request.node.callspec.params["places"]]

    @seeded(seed)
    def machine() -> Clients:
        return Clients(ground)

    try:
        run_state_machine_as_test(
            cast("type[Clients]", machine),
            settings=settings(
                max_examples=DEEP_EXAMPLES if deep else examples,
                stateful_step_count=DEEP_STEPS if deep else STEPS,
                deadline=None,
                print_blob=True,
                database=None,
                derandomize=False,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
    finally:
        tell(
            f"seed {seed}: {ground.examples} examples, {ground.steps} rounds of {ground.operations} operations, "
            "each explained by an order"
        )

    assert ground.examples >= examples
    assert ground.operations > ground.steps
