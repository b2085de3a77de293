"""The trash of the model in `model.py`: acts of deleting, restore, purge, and what only the trash holds."""

import json
from collections.abc import Callable
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
        number: its id, once somebody has seen the list; 0 before.
    """

    repository: str
    label: str
    contents: frozenset[int] = frozenset()
    tags: tuple[tuple[str, int], ...] = ()
    number: int = 0


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
        lends: whether limits do not hold just now.
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
    lends: bool = False

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

    def make_room(self, repository: str, cost: Callable[[], int]) -> bool:
        """Whether the project's limit allows what something costs; the oldest of its trash goes where that helps."""
        limit, project = self.universe.limit(repository), project_of(repository)
        while limit is not None and not self.lends and self.used(project) + cost() > limit:
            trash = self.trash(project)
            if not trash or self.used(project) - trash + cost() > limit or not self.purge_oldest(project):
                return False
        return True

    def purge_oldest(self, project: str) -> bool:
        """Purge the act that waited longest of those that hold something; False: there is none."""
        act = next((one for one in self.acts if one.contents and project_of(one.repository) == project), None)
        if act is not None:
            self._take(act)
        return act is not None

    def use(self, repository: str, blobs: frozenset[int]) -> None:
        """What was released is paid again: something visible needs it, or it was pushed."""
        self.released -= {(project_of(repository), blob) for blob in blobs}

    # -- operations

    def _collect(self, _operation: "Operation") -> int:
        """All leases end, and a collector runs."""
        needed = {(name, blob) for name, item in self.stored for blob in self._content(item).blobs}
        self.links &= needed
        self.hidden &= needed
        linked = {(project_of(name), blob) for name, blob in self.links | self.hidden}
        self.charged &= linked
        self.released &= linked
        return 200

    def _restore(self, operation: "Operation") -> int:
        act = next((one for one in self.acts if one.number == operation.item), None)
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
        act = next((one for one in self.acts if one.number == operation.item), None)
        if act is None:
            return 404
        self._take(act)
        return 200

    def _copy(self, operation: "Operation") -> int:
        name, source = operation.repository, operation.source
        if (source, operation.item) not in self.artifacts:
            return 404
        items, accessories = self._closure(source, operation.item)
        blobs = frozenset().union(*(self._content(item).blobs for item in items))
        project = project_of(name)

        def cost() -> int:
            new = {blob for blob in blobs if (project, blob) not in self.charged - self.released}
            manifests = sum(len(self._content(item).raw) for item in items if (name, item) not in self.stored)
            return sum(len(self.universe.blobs[blob]) for blob in new) + manifests

        if not self.make_room(name, cost):
            return 403
        moved = {tag: item for (home, tag), item in self.tags.items()
                 if home == source and item in {operation.item, *accessories}}  # fmt: skip
        self._give_up(name, items)
        self.stored |= {(name, item) for item in items}
        self.artifacts |= {(name, item) for item in items}
        self.links |= {(name, blob) for blob in blobs}
        self.hidden -= self.links
        self.charged |= {(project, blob) for blob in blobs}
        self.use(name, blobs)
        self.tags |= {(name, tag): item for tag, item in moved.items()}
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

    def _take(self, act: Act) -> None:
        """Purge an act; children that another act's index names go with that one."""
        name = act.repository
        self.acts.remove(act)
        staying: set[int] = set()
        while True:
            more = {
                (child, other)
                for other, one in enumerate(self.acts)
                if one.repository == name
                for item in one.contents
                for child in self._content(item).children
                if child in act.contents - staying
            }
            if not more:
                break
            for child in {child for child, _ in more}:
                heir = min(other for one, other in more if one == child)
                self.acts[heir] = replace(self.acts[heir], contents=self.acts[heir].contents | {child})
                staying.add(child)
        gone = act.contents - staying
        self.stored -= {(name, item) for item in gone}
        for blob in frozenset().union(*(self._content(item).blobs for item in gone)) if gone else ():
            if not self.users(project_of(name), blob):
                self.released.add((project_of(name), blob))


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
