"""The trash of the model in `model.py`: acts of deleting, restore, purge, and what only the trash holds."""

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.faults.registry import Client

if TYPE_CHECKING:
    from tests.faults.model import Operation, Universe


@dataclass(frozen=True)
class Act:
    """One act of deleting.

    Attributes:
        label: as the list of the trash shows it.
        contents: what it took and still has, by number.
        tags: with what they pointed to.
        number: its id, once somebody has seen the list; below 0 before, and one of its own.
        purging: nobody can restore it or see it any more; what it still has goes.
    """

    repository: str
    label: str
    contents: frozenset[int] = frozenset()
    tags: tuple[tuple[str, int], ...] = ()
    number: int = 0
    purging: bool = False


class NoRoom(Exception):
    """A project has no room for so many bytes. `trash`: what its trash would still hold with them."""

    def __init__(self, size: int, trash: int) -> None:
        super().__init__(size, trash)
        self.size = size
        self.trash = trash


@dataclass
class Trash:
    """What a model knows of deleted things.

    Attributes:
        links: blobs that can be seen in a repository.
        hidden: blobs that a repository holds and nobody sees, until the collector comes.
        charged: blobs that a project is charged for, or was until a purge `released` them.
        artifacts: visible contents by repository.
        stored: contents that a repository holds, visible or in the trash.
        acts: in the order of their making.
        fresh: links whose lease was begun since all leases ended; of those that an artifact needs it tells nothing.
        reserved: what requests that are on their way hold in a project for what they bring, in bytes.
    """

    universe: "Universe"
    links: set[tuple[str, int]] = field(default_factory=set)
    hidden: set[tuple[str, int]] = field(default_factory=set)
    charged: set[tuple[str, int]] = field(default_factory=set)
    released: set[tuple[str, int]] = field(default_factory=set)
    artifacts: set[tuple[str, int]] = field(default_factory=set)
    stored: set[tuple[str, int]] = field(default_factory=set)
    tags: dict[tuple[str, str], int] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    fresh: set[tuple[str, int]] = field(default_factory=set)
    reserved: dict[str, int] = field(default_factory=dict)

    # -- bytes

    def users(self, project: str, blob: int) -> list[tuple[str, int]]:
        """The contents of a project that need a blob, visible or in the trash."""
        return [key for key in self.stored if project_of(key[0]) == project and blob in self._content(key[1]).blobs]

    def trash(self, project: str) -> int:
        """What only the trash of a project holds, in bytes."""
        size = sum(
            len(self._content(item).raw) for name, item in self.stored - self.artifacts if project_of(name) == project
        )
        for owner, blob in self.charged - self.released:
            found = self.users(owner, blob) if owner == project else []
            size += len(self.universe.blobs[blob]) if found and not self.artifacts.intersection(found) else 0
        return size

    def used(self, project: str) -> int:
        """What the project holds, with its trash."""
        raise NotImplementedError

    def pay(self, repository: str, size: int) -> None:
        """See that the project's limit allows `size` bytes more, with its trash.

        Raises:
            NoRoom: it does not.
        """
        limit, project = self.universe.limit(repository), project_of(repository)
        if limit is not None and self.used(project) + size > limit:
            raise NoRoom(size, self.trash(project))

    def settle(self, repository: str, before: int) -> None:
        """See that what was done is within the project's limit, which held `before`; what costs nothing always is.

        Raises:
            NoRoom: it is not.
        """
        limit, project = self.universe.limit(repository), project_of(repository)
        used = self.used(project)
        if limit is not None and used > max(limit, before):
            raise NoRoom(used - before, self.trash(project))

    def reserve(self, repository: str, size: int) -> None:
        """Hold so many bytes of the project's room for what is about to come, or, below 0, give them back.

        Raises:
            NoRoom: they are not there.
        """
        project = project_of(repository)
        if size > 0:
            self.pay(repository, size)
        self.reserved = {**self.reserved, project: self.reserved.get(project, 0) + size}

    def is_full(self, repository: str) -> bool:
        """Whether there would be no room for a byte if all of the trash went."""
        limit, project = self.universe.limit(repository), project_of(repository)
        return limit is not None and self.used(project) - self.trash(project) >= limit

    def find_oldest(self, project: str) -> int:
        """The act that waited longest of those that hold something; 0: there is none."""
        return next((one.number for one in self.acts if one.contents and project_of(one.repository) == project), 0)

    def open_act(self, act: Act) -> None:
        """One more act of deleting."""
        self.acts.append(replace(act, number=min([0, *(one.number for one in self.acts)]) - 1))

    def use(self, repository: str, blobs: frozenset[int]) -> None:
        """What was released is paid again: something visible needs it, or it was pushed."""
        self.released -= {(project_of(repository), blob) for blob in blobs}

    # -- operations

    def collect_links(self, but: frozenset[tuple[str, int]] = frozenset()) -> set[tuple[str, int]]:
        """G1: links whose lease is over go, but for some; those that went."""
        needed = {(name, blob) for name, item in self.stored for blob in self._content(item).blobs}
        gone = (self.links | self.hidden) - needed - self.fresh - but
        self.links -= gone
        self.hidden -= gone
        return gone

    def collect_charges(self, but: frozenset[tuple[str, int]] = frozenset()) -> set[tuple[str, int]]:
        """G2: charges without a link go, but for some; those that went."""
        gone = self.charged - {(project_of(name), blob) for name, blob in self.links | self.hidden} - but
        self.charged -= gone
        self.released -= gone
        return gone

    def _restore(self, operation: "Operation") -> int:
        act = self._find(operation.item)
        if act is None:
            return 404
        name = act.repository
        if any((name, tag) in self.tags for tag, _ in act.tags):
            return 409
        back = set(act.contents)
        while taken := {child for item in back for child in self._content(item).children} - back:
            if not (taken := {child for child in taken if (name, child) not in self.artifacts}):
                break
            back |= taken
        for _, item in act.tags:
            if (name, item) not in self.stored:
                return 404
            if (name, item) not in self.artifacts and item not in back:
                return 412
        self.acts.remove(act)
        self._give_up(name, back)
        self.artifacts |= {(name, item) for item in back}
        shown = {(name, blob) for item in back for blob in self._content(item).blobs} & self.hidden
        self.hidden -= shown
        self.links |= shown
        self.tags |= {(name, tag): item for tag, item in act.tags}
        return 200

    def _purge(self, operation: "Operation") -> int:
        act = self._find(operation.item)
        if act is None:
            return 404
        while self.take_part(act.number):
            pass
        return 200

    def _copy(self, operation: "Operation") -> int:
        name, source = operation.repository, operation.source
        if (source, operation.item) not in self.artifacts:
            return 404
        items, accessories = self._closure(source, operation.item)
        blobs = frozenset().union(*(self._content(item).blobs for item in items))
        project = project_of(name)

        before = self.used(project)
        moved = {tag: item for (home, tag), item in self.tags.items()
                 if home == source and item in {operation.item, *accessories}}  # fmt: skip
        self._give_up(name, items)
        self.stored |= {(name, item) for item in items}
        self.artifacts |= {(name, item) for item in items}
        self.links |= {(name, blob) for blob in blobs}
        self.fresh |= {(name, blob) for blob in blobs}
        self.hidden -= self.links
        self.charged |= {(project, blob) for blob in blobs}
        self.use(name, blobs)
        self.tags |= {(name, tag): item for tag, item in moved.items()}
        self.settle(name, before)
        return 201

    # -- inside

    def _content(self, item: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - of the universe
        return self.universe.contents[item]

    def _closure(self, name: str, item: int) -> tuple[set[int], set[int]]:
        """What a copy takes along, and which of it are accessories."""
        items, accessories, waiting = set[int](), set[int](), [item]
        while waiting:
            one = waiting.pop()
            if one in items:
                continue
            items.add(one)
            found = {number for home, number in self.artifacts if home == name and self._content(number).subject == one}
            accessories |= found
            waiting += [*self._content(one).children, *found]
        return items, accessories

    def _give_up(self, name: str, items: set[int]) -> None:
        """Contents that are visible again belong to no act any more."""
        self.acts = [
            replace(act, contents=act.contents - items) if act.repository == name else act for act in self.acts
        ]

    def _find(self, number: int) -> Act | None:
        """The act that somebody names who has seen the list."""
        return next((one for one in self.acts if one.number == number > 0 and not one.purging), None)

    def take_part(self, number: int) -> bool:
        """One transaction of a purge: what no index names, or, where there is none, the rest; False: the act is gone.

        Children that an index of another act names go with that one.
        """
        at = next((at for at, one in enumerate(self.acts) if one.number == number), None)
        if at is None:
            return False
        act, name = self.acts[at], self.acts[at].repository
        named = {child for home, item in self.stored if home == name for child in self._content(item).children}
        gone = act.contents - named
        if not gone:
            while self._hand_over(number):
                pass
            self.acts = [one for one in self.acts if one.number != number]
            return False
        self.acts = [*self.acts[:at], replace(act, contents=act.contents - gone, purging=True), *self.acts[at + 1 :]]
        self.stored -= {(name, item) for item in gone}
        for blob in frozenset[int]().union(*(self._content(item).blobs for item in gone)):
            self.fresh.add((name, blob))
            if not self.users(project_of(name), blob):
                self.released.add((project_of(name), blob))
        return True

    def _hand_over(self, number: int) -> bool:
        """Give children to the oldest of the other acts that name them."""
        act = next(one for one in self.acts if one.number == number)
        for at, other in enumerate(self.acts):
            named = frozenset[int]().union(*(self._content(item).children for item in other.contents))
            taken = act.contents & named
            if taken and other.number != number and other.repository == act.repository:
                self.acts = [replace(one, contents=one.contents - taken) if one.number == number else one
                             for one in self.acts]  # fmt: skip
                self.acts[at] = replace(other, contents=other.contents | taken)
                return True
        return False


def project_of(repository: str) -> str:
    """The project of a repository."""
    return repository.partition("/")[0]


# -- the real one -----------------------------------------------------------------------------------------


async def list_trash(client: Client, universe: "Universe") -> dict[int, str]:
    """What can be restored: ids and names."""
    found: dict[int, str] = {}
    for project in sorted({project_of(name) for name in universe.repositories}):
        page: list[dict[str, object]] | None = None
        number = 1
        while page is None or len(page) == 100:
            reply = await client.api("GET", f"/projects/{project}/trash?page_size=100&page={number}")
            assert reply.status == 200, reply
            page, number = json.loads(reply.body), number + 1
            found |= {int(str(one["id"])): str(one["name"]) for one in page or ()}
    return found


async def look_at_figures(client: Client, universe: "Universe") -> dict[str, tuple[int, int]]:
    """Of each project what it uses, and what only its trash holds, in bytes."""
    found: dict[str, tuple[int, int]] = {}
    for project in sorted({project_of(name) for name in universe.repositories}):
        quota = json.loads((await client.api("GET", f"/projects/{project}/summary")).body)["quota"]
        found[project] = (quota["used"]["storage"], quota["trash"])
    return found
