"""The rows of the model in `protocol.py`, the locks on them, and what must hold in every state."""

import hashlib
import marshal
from dataclasses import dataclass, field
from typing import Any

LEASE, PROMISE = 2, 1
CLASH = {("S", "X"), ("X", "S"), ("X", "X"), ("N", "X"), ("X", "N"), ("N", "N")}
Key = Any
Want = tuple[Key, str]


class Broken(Exception):
    """An invariant does not hold."""


@dataclass(frozen=True)
class Scenario:
    """Who does what.

    Attributes:
        manifests: by letter: the blobs and the children that it names.
        begin: manifests that the repository `r` holds, each with its tags.
        limit: of bytes; `tags`: of tags, which have a counter of their own.
        people: what each does, one after the other: a kind and its arguments.
        crashes: how many processes may die.
        workers: how many collectors there are.
    """

    people: tuple[tuple[tuple[str, ...], ...], ...]
    manifests: dict[str, tuple[str, str]] = field(default_factory=lambda: {"A": ("1", ""), "B": ("1", "")})
    begin: tuple[tuple[str, str], ...] = (("A", "t"),)
    limit: int = 99
    tags: int = 99
    crashes: int = 0
    workers: int = 1
    deleted: tuple[tuple[str, ...], ...] = ()
    """Done before anybody begins."""


class World:
    """One state: dictionaries only.

    art: (repository, manifest) -> (act that took it or 0, is it a child of a live index)
    tag: (repository, tag) -> manifest; repo: number -> (name, act); act: number -> (kind, of what, tags, purging)
    link: (repository, blob) -> lease or -1 (held); hid: links that were deleted -> 1, or 2: a restore saw it
    charge: blob -> (holding, marked, ticks left)
    blob: of `protocol_across.py`: those that are live -> marked
    num: counters and flags; lock: row -> holders; pc: who -> (label, operation, data); said: what was acknowledged
    """

    act: dict[Any, Any]
    art: dict[Any, Any]
    blob: dict[str, int]
    charge: dict[Any, Any]
    hid: dict[Any, int]
    link: dict[Any, Any]
    lock: dict[Any, Any]
    num: dict[str, int]
    pc: dict[str, Any]
    promise: dict[Any, int]
    repo: dict[int, Any]
    said: dict[Any, str]
    tag: dict[Any, str]
    __slots__ = ("act", "art", "blob", "charge", "hid", "link", "lock", "num", "pc", "promise", "repo", "said", "tag")

    def __init__(self, old: "World | None" = None) -> None:
        for name in self.__slots__:
            setattr(self, name, dict(getattr(old, name, ())))

    def mark(self) -> bytes:
        """Two states are one when this is equal."""
        state = tuple(tuple(sorted(getattr(self, name).items())) for name in self.__slots__)
        return hashlib.blake2b(marshal.dumps(state, 2), digest_size=16).digest()


Move = tuple[str, World]


class Rows:
    """A scenario on a database, perhaps without one of its safeguards: its rows, and what must hold of them."""

    def __init__(self, scenario: Scenario, *, without: str = "", sqlite: bool = False) -> None:
        self.scenario, self.without, self.sqlite = scenario, without, sqlite
        self.blobs = {name: blobs for name, (blobs, _) in scenario.manifests.items()}
        self.children = {name: children for name, (_, children) in scenario.manifests.items()}
        self.people = {f"p{number}": steps for number, steps in enumerate(scenario.people)}
        self.workers = [f"gc{number}" for number in range(scenario.workers)]

    # -- what the rows say

    def in_trash(self, w: World, key: Key) -> bool:
        """By its own act or its repository's. A project's act moves no bytes: nobody asks what it counts."""
        act = w.repo[key[0]][1]
        return bool(w.art[key][0]) or bool(act and w.act[act][0] == "repository")

    def is_counted(self, w: World, r: int) -> bool:
        """Whether a repository's tags count: not while it is in the trash. A project takes its count along."""
        act = w.repo[r][1] if r in w.repo else 0
        return not act or w.act[act][0] == "project"

    def users(self, w: World, blob: str) -> list[Key]:
        """The artifacts that need a blob."""
        return [key for key in w.art if blob in self.blobs[key[1]]]

    def has_live_use(self, w: World, blob: str) -> bool:
        """Whether something that is not in the trash needs it."""
        return any(not self.in_trash(w, key) for key in self.users(w, blob))

    def has_live_parent(self, w: World, repository: int, name: str) -> bool:
        """Whether an index that was not deleted names it."""
        return any(r == repository and not act and name in self.children[other]
                   for (r, other), (act, _) in w.art.items())  # fmt: skip

    def home(self, w: World, name: str) -> int:
        """The live repository of a name; 0: there is none."""
        return next((number for number, (known, act) in w.repo.items() if known == name and not act), 0)

    # -- locks

    def is_free(self, w: World, who: str, *wants: Want) -> bool:
        """Whether all these locks can be taken now."""
        wants = (*wants, (("writer",), "X")) if self.sqlite else wants
        return not any(other != who and (mode, held) in CLASH
                       for row, mode in wants for other, held in w.lock.get(row, ()))  # fmt: skip

    def take(self, w: World, who: str, *wants: Want) -> None:
        """Take them."""
        for row, mode in (*wants, (("writer",), "X")) if self.sqlite else wants:
            w.lock[row] = tuple(sorted({*w.lock.get(row, ()), (who, mode)}))

    def drop(self, w: World, who: str) -> None:
        """Commit or roll back."""
        left = {row: tuple(one for one in held if one[0] != who) for row, held in w.lock.items()}
        w.lock = {row: held for row, held in left.items() if held}

    # -- time

    def tick(self, n: World) -> None:
        """Leases and promises run out."""
        n.link = {key: max(lease - 1, 0) if lease > 0 else lease for key, lease in n.link.items()}
        n.promise = {key: left - 1 for key, left in n.promise.items() if left > 1}

    # -- what must hold

    def check(self, w: World) -> None:  # noqa: C901, PLR0912 - a list of invariants
        """In every state."""
        for (r, name), (act, child) in w.art.items():
            if any((r, blob) not in w.link for blob in self.blobs[name]):
                raise Broken(f"I1 {name} of {r} lacks a link")
            if not act and not w.repo[r][1] and any((r, blob) in w.hid for blob in self.blobs[name]):
                raise Broken(f"I1 {name} of {r} is there, and a blob of it is hidden")
            if any((r, one) not in w.art for one in self.children[name]):
                raise Broken(f"I1 the index {name} of {r} lacks a child")
            if not act and any(w.art[r, one][0] for one in self.children[name]):
                raise Broken(f"I1 the index {name} of {r} names what is in the trash")
            if act and act not in w.act:
                raise Broken(f"I8 {name} of {r} is in the trash by an act that is gone")
            dying = w.repo[r][1] and w.act[w.repo[r][1]][3]
            if not act and not dying and child != self.has_live_parent(w, r, name):
                raise Broken(f"flags: {name} of {r} says child={child}")
        for (r, blob), lease in w.link.items():
            if r not in w.repo:
                raise Broken(f"I2 the link {(r, blob)} has no repository")
            if blob not in w.charge:
                raise Broken(f"I2 the link {(r, blob)} is not charged")
            if lease == -1 and not any(home == r for home, _ in self.users(w, blob)):
                raise Broken(f"I5 {(r, blob)} is held by nobody")
            if w.charge[blob][0] == "released" and lease > w.charge[blob][2]:
                raise Broken(f"{(r, blob)} lives longer than its release allows, and nobody pays")
        for (r, tag), name in w.tag.items():
            if w.art.get((r, name), (1,))[0]:
                raise Broken(f"I9 {tag} of {r} points to what is not there")
        for (kind, r, what), name in w.said.items():
            if r not in w.repo or w.repo[r][1]:
                raise Broken(f"I3 {kind} {what} was acknowledged, and its repository {r} is not there")
            if (kind == "art" and w.art.get((r, what), (1,))[0]) or (kind == "tag" and w.tag.get((r, what)) != name):
                raise Broken(f"I3 {kind} {what} of {r} was acknowledged and is not there")
        self.check_counts(w)

    def check_counts(self, w: World) -> None:
        """The charges say what holds them, and the counters their sums."""
        for blob, (holding, *_) in w.charge.items():
            live, any_use = self.has_live_use(w, blob), bool(self.users(w, blob))
            wrong = {"used": any_use and not live, "trash": live or not any_use, "released": any_use}[holding]
            if wrong:
                raise Broken(f"the charge of {blob} says {holding}: live {live}, used {any_use}")
        holdings = [holding for holding, *_ in w.charge.values()]
        held = len(w.art) + sum(holding != "released" for holding in holdings)
        trash = sum(self.in_trash(w, key) for key in w.art) + holdings.count("trash")
        if (w.num["held"], w.num["trash"]) != (held, trash):
            raise Broken(f"I7 counts {w.num['held']} and {w.num['trash']}, holds {held}, of it {trash} in the trash")
        if held > self.scenario.limit:
            raise Broken(f"I7 holds {held} of {self.scenario.limit}")
        tags = sum(self.is_counted(w, r) for r, _ in w.tag)
        if w.num["tags"] != tags or tags > self.scenario.tags:
            raise Broken(f"I7 counts {w.num['tags']} tags of {self.scenario.tags}, has {tags}")
