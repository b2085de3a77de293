"""A second model of docs/develop/lossless.md: what goes from one project to another, and what is said of repositories.

`protocol.py` walks the trash of one project. Here are two projects that share blobs, mounts and copies between them,
referrers, the collector's first three levels up to a blob that nobody pays for, and the count of repositories. Left
out, because the other one has it: indexes, tags, what a charge is held by, room that the trash makes.

Steps, locks, crashes and time are those of `protocol.py`, and `protocol_walk.py` walks both.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.protocol_rows import LEASE, PROMISE, Broken, Key, Move, Rows, Want, World


@dataclass(frozen=True)
class Plan:
    """Who does what in two projects, `1` and `2`.

    Attributes:
        people: what each does, one after the other: a kind and its arguments; a repository is `project/name`.
        manifests: by letter: the blobs that it names, and the letter of its subject.
        begin: what is there: a repository and a manifest of it.
        linked: what was pushed a moment ago: a repository and a blob of it.
        repositories: how many that hold something a project may have.
    """

    people: tuple[tuple[tuple[str, ...], ...], ...]
    manifests: dict[str, tuple[str, str]] = field(default_factory=lambda: {"A": ("1", ""), "S": ("1", "A")})
    begin: tuple[tuple[str, str], ...] = (("1/r", "A"),)
    linked: tuple[tuple[str, str], ...] = ()
    repositories: int = 99
    crashes: int = 0
    workers: int = 1


class Across(Rows):
    """Who can do what next. The rows are those of `World`, but for these.

    art: (repository, manifest) -> act that took it, or 0
    repo: number -> (name, act), the name with its project; act: number -> (kind, repository, purging)
    charge: (project, blob) -> marked
    num: counters of a project end with its name
    """

    def __init__(self, plan: Plan, *, without: str = "", sqlite: bool = False) -> None:
        self.plan, self.without, self.sqlite = plan, without, sqlite
        self.blobs = {name: blobs for name, (blobs, _) in plan.manifests.items()}
        self.subject = {name: subject for name, (_, subject) in plan.manifests.items()}
        self.people = {f"p{number}": steps for number, steps in enumerate(plan.people)}
        self.workers = [f"gc{number}" for number in range(plan.workers)]

    def start(self) -> World:
        """The first state."""
        w = World()
        w.num = {"acts": 0, "repos": 0, "crashes": self.plan.crashes}
        w.num |= {f"{what}{project}": 0 for what in ("held", "listed") for project in "12"}
        for path, name in self.plan.begin:
            r = self.made(w, path)
            for blob in self.blobs[name]:
                self.hold(w, r, blob, -1)
            self.record(w, r, name)
        for path, blob in self.plan.linked:
            self.hold(w, self.made(w, path), blob, LEASE)
        w.pc = dict.fromkeys([*self.people, *self.workers], ("op", 0, ()))
        return w

    # -- what the rows say

    def project(self, w: World, r: int) -> str:
        """Of a repository."""
        return str(w.repo[r][0][0])

    def is_live(self, w: World, key: Key) -> bool:
        """Whether an artifact is in the trash neither by itself nor with its repository."""
        return not w.art[key] and not w.repo[key[0]][1]

    def is_listed(self, w: World, r: int) -> bool:
        """Whether a repository holds something that is not in the trash."""
        return any(home == r and self.is_live(w, (home, name)) for home, name in w.art)

    def family(self, w: World, r: int, name: str) -> list[str]:
        """A live artifact with its referrers, theirs, and so on."""
        found = [name]
        for one in found:
            found += [other for home, other in sorted(w.art)
                      if home == r and self.subject[other] == one and not w.art[home, other]]  # fmt: skip
        return found

    # -- what is written

    def made(self, n: World, path: str) -> int:
        """The repository of a name; a new one counts once it holds something."""
        if not self.home(n, path):
            n.num["repos"] += 1
            n.repo[n.num["repos"]] = (path, 0)
        return self.home(n, path)

    def hold(self, n: World, r: int, blob: str, lease: int) -> None:
        """Link a blob, and charge its project unless it is charged."""
        n.blob.setdefault(blob, 0)
        if (self.project(n, r), blob) not in n.charge:
            n.charge[self.project(n, r), blob] = 0
            n.num[f"held{self.project(n, r)}"] += 1
        if n.link.get((r, blob)) != -1:
            n.link[r, blob] = lease

    def record(self, n: World, r: int, name: str) -> None:
        """An artifact is there."""
        self.change(n, r, lambda: n.art.update({(r, name): 0}), new=(r, name) not in n.art)
        n.said["art", r, name] = name

    def change(self, n: World, r: int, write: Callable[[], object], *, new: int = 0, seen: int | None = None) -> None:
        """Write, and count what the project holds by it and whether the repository holds something now."""
        project, before = self.project(n, r), self.is_listed(n, r)
        write()
        n.num[f"held{project}"] += new
        count = n.num[f"listed{project}"] if seen is None else seen
        n.num[f"listed{project}"] = count + self.is_listed(n, r) - before

    def is_crowded(self, w: World, r: int, seen: int | None = None) -> bool:
        """Whether a repository that holds nothing is one too many, once it does."""
        count = w.num[f"listed{self.project(w, r)}"] if seen is None else seen
        return not self.is_listed(w, r) and count + 1 > self.plan.repositories

    # -- people

    def moves_of(self, w: World, who: str) -> Iterator[Move]:
        """The steps that somebody can take now."""
        label, at, data = w.pc[who]
        if label == "done":
            return
        kind, *args = self.people[who][at]
        n = World(w)
        steps: Iterator[Move] = getattr(self, f"{kind}_{label}")(w, n, who, args, data)
        yield from steps

    def go(self, n: World, who: str, label: str, *data: object) -> World:
        """The next step of the operation."""
        n.pc[who] = (label, n.pc[who][1], data)
        return n

    def end(self, n: World, who: str) -> World:
        """Commit or roll back; the next operation."""
        self.drop(n, who)
        at = n.pc[who][1] + 1
        n.pc[who] = ("op" if at < len(self.people[who]) else "done", at, ())
        return n

    def want_blob(self, w: World, blob: str) -> Want:
        """Who joins a blob shares it; who brings it is the only one."""
        return (("B", blob), "S" if blob in w.blob else "X")

    def joins(self, w: World, r: int, blob: str) -> tuple[Want, Want]:
        """The locks of a charge and a link that come or are there."""
        charge, link = ("C", self.project(w, r), blob), ("L", r, blob)
        return (charge, "S" if charge[1:] in w.charge else "X"), (link, "N" if (r, blob) in w.link else "X")

    def push_op(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """An upload finds whether its blob is live."""
        r, blob = self.made(n, args[0]), args[1]
        if self.is_free(w, who, self.want_blob(w, blob)):
            self.take(n, who, self.want_blob(w, blob))
            yield "upload finds the blob", self.go(n, who, "commit", r, blob)

    def push_commit(self, w: World, n: World, who: str, _args: list[str], data: Any) -> Iterator[Move]:
        """And joins it."""
        r, blob = data
        if r not in w.repo:
            yield "refused: no repository", self.end(n, who)
        elif self.is_free(w, who, *self.joins(w, r, blob)):
            self.hold(n, r, blob, 0 if self.without == "join-gives-no-lease" else LEASE)
            n.promise[who, r, blob] = PROMISE
            yield "committed, 201", self.end(n, who)

    def mount_op(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """A mount finds its source, and keeps it."""
        path, blob, source = args
        origin = self.home(w, source)
        if (origin, blob) not in w.link:
            yield "mount: 202, the source does not hold it", self.end(n, who)
            return
        wants: list[Want] = [(("B", blob), "S"), (("L", origin, blob), "S")]
        if self.without in {"mount-locks-no-source", "mount-locks-nothing"}:
            wants = wants[:1] if self.without == "mount-locks-no-source" else []
        r = self.made(n, path)
        if self.is_free(w, who, *wants):
            self.take(n, who, *wants)
            yield "mount finds the source", self.go(n, who, "commit", r, blob, origin)

    def mount_commit(self, w: World, n: World, who: str, args: list[str], data: Any) -> Iterator[Move]:
        """And joins as an upload does."""
        r, blob, origin = data
        if blob not in w.blob:
            raise Broken("I3 what nobody holds any more is mounted")
        if (origin, blob) not in w.link:
            raise Broken("a blob is mounted from where it is not held")
        yield from self.push_commit(w, n, who, args, (r, blob))

    def put_op(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """Manifest PUT passes the gate."""
        gate: Want = (("gate", args[0][0]), "S")
        if self.is_free(w, who, gate):
            self.take(n, who, gate)
            yield "put passes the gate", self.go(n, who, "look")

    def put_look(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """It share-locks its links."""
        r, name = self.home(w, args[0]), args[1]
        missing = [blob for blob in self.blobs[name] if (r, blob) not in w.link]
        if missing:
            if all((who, r, blob) in w.promise for blob in missing):
                raise Broken("I6 refused although its blobs were promised")
            yield "put refused: unknown blobs", self.end(n, who)
            return
        wants: list[Want] = [(("A", r, name), "X"), *((("L", r, blob), "S") for blob in self.blobs[name])]
        if self.is_free(w, who, *wants):
            self.take(n, who, *wants)
            yield "put finds its links", self.go(n, who, "commit", r, w.num[f"listed{args[0][0]}"])

    def put_commit(self, w: World, n: World, who: str, args: list[str], data: Any) -> Iterator[Move]:
        """It counts and records."""
        r, name = data[0], args[1]
        seen = data[1] if self.without == "repositories-counted-early" else None
        if self.is_crowded(w, r, seen):
            yield "put refused: too many repositories", self.end(n, who)
            return
        new = (r, name) not in w.art
        self.change(n, r, lambda: n.art.update({(r, name): 0}), new=new, seen=seen)
        n.said["art", r, name] = name
        yield "put committed, 201", self.end(n, who)

    # -- copies

    def copy_op(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """The gates of both projects."""
        gates = {args[0][0]} if self.without == "copy-passes-no-source" else {args[0][0], args[2][0]}
        wants: list[Want] = [(("gate", project), "S") for project in sorted(gates)]
        if self.is_free(w, who, *wants):
            self.take(n, who, *wants)
            yield "copy passes the gates", self.go(n, who, "look")

    def copy_look(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """What goes along; nothing of it is locked."""
        origin, name = self.home(w, args[2]), args[1]
        if (origin, name) not in w.art or w.art[origin, name]:
            yield "copy: 404", self.end(n, who)
            return
        names = self.family(w, origin, name)
        blobs = sorted({blob for one in names for blob in self.blobs[one]})
        if self.without == "copy-takes-blobs-as-they-come":
            blobs = list(dict.fromkeys(blob for one in names for blob in self.blobs[one]))
        yield "copy gathers", self.go(n, who, "share", self.made(n, args[0]), tuple(names), tuple(blobs))

    def copy_share(self, w: World, n: World, who: str, _args: list[str], data: Any) -> Iterator[Move]:
        """The live blobs, share-locked."""
        wants: list[Want] = [(("B", blob), "S") for blob in data[2] if blob in w.blob]
        if self.is_free(w, who, *wants):
            self.take(n, who, *wants)
            yield "copy shares the blobs", self.go(n, who, "charge", *data, 0)

    def copy_charge(self, w: World, n: World, who: str, _args: list[str], data: Any) -> Iterator[Move]:
        """For each, one after the other, its charge and its link."""
        r, names, blobs, at = data
        wants = self.joins(w, r, blobs[at])
        if self.is_free(w, who, *wants):
            self.take(n, who, *((row, "X") for row, _ in wants))
            label, more = ("charge", (at + 1,)) if at + 1 < len(blobs) else ("commit", ())
            yield f"copy links {blobs[at]}", self.go(n, who, label, r, names, blobs, *more)

    def copy_commit(self, w: World, n: World, who: str, _args: list[str], data: Any) -> Iterator[Move]:
        """The artifacts, the counters."""
        r, names, blobs = data
        if any(not self.is_free(w, who, (("A", r, one), "X")) for one in names):
            return
        if self.is_crowded(w, r):
            yield "copy refused: too many repositories", self.end(n, who)
            return
        gone = [blob for blob in blobs if blob not in w.blob]
        for blob in blobs:
            if self.without == "copy-charges-nothing":
                n.link.setdefault((r, blob), LEASE)
            elif blob not in gone:
                self.hold(n, r, blob, LEASE)
        for one in names:
            if self.without != "copy-leaves-referrers" or one == names[0]:
                self.record(n, r, one)
            n.said["art", r, one] = one
        yield "copy committed, 201", self.end(n, who)

    # -- under the closed gate

    def close(self, w: World, n: World, who: str, project: str, *data: object) -> Iterator[Move]:
        """Close a gate."""
        gate: Want = (("gate", project), "X")
        if self.is_free(w, who, gate):
            self.take(n, who, gate)
            yield f"closes the gate of {project}", self.go(n, who, "commit", *data)

    def delete_op(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """Deleting closes the gate before it looks."""
        if self.without == "delete-no-gate":
            yield "delete looks", self.go(n, who, "commit", *self.family(w, self.home(w, args[0]), args[1]))
            return
        yield from self.close(w, n, who, args[0][0])

    def delete_commit(self, w: World, n: World, who: str, args: list[str], data: Any) -> Iterator[Move]:
        """An artifact and all that refers to it become an act."""
        r, name = self.home(w, args[0]), args[1]
        if not r or w.art.get((r, name), 1):
            yield "delete: 404", self.end(n, who)
            return
        act = self.new_act(n, "artifact", r)
        names = [name] if self.without == "delete-leaves-referrers" else list(data) or self.family(w, r, name)
        self.change(n, r, lambda: n.art.update({(r, one): act for one in names}))
        for one in names:
            n.said.pop(("art", r, one), None)
        for home, other in n.art:
            if home == r and self.subject[other] in names and not n.art[home, other]:
                raise Broken(f"what {other} refers to was deleted before its eyes, and it stays")
        yield "delete: 202", self.end(n, who)

    def drop_op(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """Deleting a repository."""
        yield from self.close(w, n, who, args[0][0])

    def drop_commit(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """Its row moves to the trash, and nothing else."""
        r = self.home(w, args[0])
        if not r:
            yield "drop: 404", self.end(n, who)
            return
        act = self.new_act(n, "repository", r)
        self.change(n, r, lambda: n.repo.update({r: (args[0], act)}))
        if self.without == "drop-counts-nothing":
            n.num |= {f"listed{args[0][0]}": w.num[f"listed{args[0][0]}"]}
        n.said = {key: name for key, name in n.said.items() if key[1] != r}
        n.promise = {key: left for key, left in n.promise.items() if key[1] != r}
        yield "drop: 200", self.end(n, who)

    def restore_op(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """Undoing an act."""
        yield from self.close(w, n, who, args[1])

    def restore_commit(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """What it took is back, and counts again."""
        act = int(args[0])
        kind, r, purging = w.act.get(act, ("", 0, 1))
        if purging:
            yield "restore: 404", self.end(n, who)
            return
        other = self.home(w, w.repo[r][0])
        if (kind == "artifact" and w.repo[r][1]) or (kind == "repository" and other and self.is_held(w, other)):
            yield "restore: 409 or 412", self.end(n, who)
            return
        if kind == "repository":
            n.repo.pop(other, None)
            names = [name for home, name in n.art if home == r and not n.art[home, name]]
            self.change(n, r, lambda: n.repo.update({r: (n.repo[r][0], 0)}))
        else:
            names = [name for (home, name), one in n.art.items() if home == r and one == act]
            if self.without == "restore-leaves-referrers":
                names = [name for name in names if not self.subject[name]]
            self.change(n, r, lambda: n.art.update({(r, one): 0 for one in names}))
        if n.num[f"listed{args[1]}"] > self.plan.repositories and self.without != "restore-ignores-limits":
            yield "restore: 412, too many repositories", self.end(World(w), who)
            return
        for one in names:
            n.said["art", r, one] = one
        del n.act[act]
        yield "restore: 200", self.end(n, who)

    def is_held(self, w: World, r: int) -> bool:
        """Whether somebody put something into a repository."""
        return any(key[0] == r for key in (*w.art, *w.link)) or any(
            r in data for label, _, data in w.pc.values() if label not in {"op", "done"}
        )

    def unlink_op(self, w: World, n: World, who: str, args: list[str], _data: Any) -> Iterator[Move]:
        """Deleting a blob passes the gate, and is alone with its link."""
        r, blob = self.home(w, args[0]), args[1]
        wants: list[Want] = [(("gate", args[0][0]), "S"), (("L", r, blob), "X")]
        if (r, blob) not in w.link:
            yield "unlink: 404", self.end(n, who)
        elif self.is_free(w, who, *wants):
            self.take(n, who, *wants)
            yield "unlink locks the link", self.go(n, who, "commit", r, blob)

    def unlink_commit(self, w: World, n: World, who: str, _args: list[str], data: Any) -> Iterator[Move]:
        """Its lease is over, unless something needs it."""
        r, blob = data
        if any(home == r for home, _ in self.users(w, blob)):
            yield "unlink: 405", self.end(n, who)
            return
        n.link[r, blob] = 0
        n.promise = {key: left for key, left in n.promise.items() if key[1:] != (r, blob)}
        yield "unlink: 202", self.end(n, who)

    def new_act(self, n: World, kind: str, r: int) -> int:
        """A row of the trash."""
        n.num["acts"] += 1
        n.act[n.num["acts"]] = (kind, r, 0)
        return int(n.num["acts"])

    # -- purge and collector

    def work_of(self, w: World, who: str) -> Iterator[Move]:
        """The steps that a collector can take now."""
        label, _, data = w.pc[who]
        if label == "op":
            yield from self.purge(w)
            yield from self.find(w, who)
        else:
            n = World(w)
            n.pc[who] = ("op", 0, ())
            steps: Iterator[Move] = getattr(self, label)(w, n, who, *data)
            yield from steps

    def purge(self, w: World) -> Iterator[Move]:
        """The parts of acts whose time is over."""
        for act, (kind, r, purging) in sorted(w.act.items()):
            if not self.is_free(w, "purge", (("gate", self.project(w, r)), "X")):
                continue
            n = World(w)
            taken = [key for key, one in w.art.items() if one == act or (kind == "repository" and key[0] == r)]
            if not purging:
                n.act[act] = (kind, r, 1)
                yield f"purge of {act} begins", n
            elif taken:
                links = {blob for _, name in taken for blob in self.blobs[name]}
                if not self.is_free(w, "purge", *((("L", r, blob), "N") for blob in links)):
                    continue
                for key in taken:
                    del n.art[key]
                    n.num[f"held{self.project(w, r)}"] -= 1
                    for blob in self.blobs[key[1]]:
                        n.link[r, blob] = LEASE
                yield f"purge of {act} takes {taken}", n
            elif kind == "artifact" or not self.is_held(w, r):
                del n.act[act]
                if kind == "repository":
                    del n.repo[r]
                yield f"purge of {act} ends", n

    def find(self, w: World, who: str) -> Iterator[Move]:
        """Each level locks what is marked; a locked row is passed over."""
        marked: list[tuple[str, Any]] = [("g1", ("L", *key)) for key, lease in w.link.items() if lease == 0]
        marked += [("g2", ("C", *key)) for key, mark in w.charge.items() if mark]
        marked += [("g3", ("B", blob)) for blob, mark in w.blob.items() if mark]
        for level, row in marked:
            early = self.without == f"{level}-looks-before-it-locks"
            if early or self.is_free(w, who, (row, "X")):
                n = World(w)
                if not early:
                    self.take(n, who, (row, "X"))
                seen = (self.is_needed(w, level, row),) if early else ()
                n.pc[who] = (level, 0, (row, *seen))
                yield f"{level} {'looks at' if early else 'locks'} {row[1:]}", n

    def is_needed(self, w: World, level: str, row: Any) -> bool:
        """What the levels look at."""
        if level == "g1":
            return any(home == row[1] for home, _ in self.users(w, row[2]))
        if level == "g2":
            return any(blob == row[2] and self.project(w, r) == row[1] for r, blob in w.link)
        return any(blob == row[1] for _, blob in w.charge)

    def g1(self, w: World, n: World, who: str, row: Any, seen: bool | None = None) -> Iterator[Move]:
        """A link goes, and its charge is marked; or it is held."""
        _, r, blob = row
        charge = (self.project(w, r), blob)
        if not self.is_free(w, who, (("C", *charge), "N")):
            return
        self.drop(n, who)
        if self.is_needed(w, "g1", row) if seen is None else seen:
            n.link[r, blob] = -1
            yield "g1 holds", n
            return
        n.link.pop((r, blob), None)
        n.charge[charge] = 1
        yield f"g1 lets go of {(r, blob)}", n

    def g2(self, w: World, n: World, who: str, row: Any, seen: bool | None = None) -> Iterator[Move]:
        """A charge goes and is given back, and its blob is marked; or it stays."""
        _, project, blob = row
        if not self.is_free(w, who, (("B", blob), "N"), (row, "X")):
            return
        self.drop(n, who)
        if self.is_needed(w, "g2", row) if seen is None else seen:
            n.charge[project, blob] = 0
            yield "g2 keeps", n
            return
        n.charge.pop((project, blob), None)
        n.num[f"held{project}"] -= 1
        n.blob[blob] = 1
        yield f"g2 lets go of {(project, blob)}", n

    def g3(self, w: World, n: World, who: str, row: Any, seen: bool | None = None) -> Iterator[Move]:
        """A blob is doomed; or it stays."""
        if not self.is_free(w, who, (row, "X")):
            return
        self.drop(n, who)
        if self.is_needed(w, "g3", row) if seen is None else seen:
            n.blob[row[1]] = 0
            yield "g3 keeps", n
            return
        n.blob.pop(row[1], None)
        yield f"g3 dooms {row[1]}", n

    # -- what must hold

    def check(self, w: World) -> None:
        """In every state."""
        for r, name in w.art:
            if any((r, blob) not in w.link for blob in self.blobs[name]):
                raise Broken(f"I1 {name} of {r} lacks a link")
            if w.art[r, name] and w.art[r, name] not in w.act:
                raise Broken(f"I8 {name} of {r} is in the trash by an act that is gone")
        for (r, blob), lease in w.link.items():
            if r not in w.repo:
                raise Broken(f"I2 the link {(r, blob)} has no repository")
            if (self.project(w, r), blob) not in w.charge:
                raise Broken(f"I2 the link {(r, blob)} is not charged")
            if lease == -1 and not any(home == r for home, _ in self.users(w, blob)):
                raise Broken(f"I5 {(r, blob)} is held by nobody")
        for project, blob in w.charge:
            if blob not in w.blob:
                raise Broken(f"I3 project {project} pays for {blob}, which is doomed")
        for _, r, name in w.said:
            if r not in w.repo or w.repo[r][1] or w.art.get((r, name), 1):
                raise Broken(f"I3 {name} of {r} was acknowledged and is not there")
        self.check_counts(w)

    def check_counts(self, w: World) -> None:
        """The counters are what they count."""
        for project in "12":
            held = sum(one == project for one, _ in w.charge) + sum(self.project(w, r) == project for r, _ in w.art)
            listed = sum(self.project(w, r) == project and self.is_listed(w, r) for r in w.repo)
            counted = w.num[f"held{project}"], w.num[f"listed{project}"]
            if counted != (held, listed) or listed > self.plan.repositories:
                raise Broken(f"I7 {project} counts {counted}, holds {held} in {listed} repositories")

    def check_rest(self, w: World) -> None:
        """When a collector has done all that it can."""
        if w.act or w.lock or any(not any(home == r for home, _ in self.users(w, blob)) for r, blob in w.link):
            raise Broken(f"I8 left over: acts {w.act}, links {w.link}")
        held = {(self.project(w, r), blob) for r, blob in w.link}
        if set(w.charge) != held or set(w.blob) != {blob for _, blob in held}:
            raise Broken(f"I8 left over: {w.charge}, {w.blob}")
