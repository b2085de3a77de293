"""A model of docs/develop/lossless.md, "Trash" and "What counts": every interleaving of a few people, walked.

What another model of the design walked before is left out (places, uploads in pieces, mounts, power cuts). Here are
tags, indexes and their children, acts of deleting artifacts, tags, repositories and a project, restore, purge in parts,
blobs that were deleted by name, the collector's first two levels, both counters of a quota, and the count of tags.

A transaction is a few steps: each takes locks or looks, and the last one writes and commits; between two steps anybody
else may act. A crash drops locks, and its client asks again. Time is a tick: leases last LEASE ticks, promises fewer.
Every blob and every manifest weighs 1. Locks are those of PostgreSQL: S FOR KEY SHARE, N an update of other columns
than keys, X FOR UPDATE; with SQLite a transaction is one step, because whoever writes is alone.

A mutation takes one safeguard out; `explore` has to find a broken invariant then, and its shortest story.
"""

from collections.abc import Iterator
from typing import Any

from tests.faults.protocol_acts import Acts
from tests.faults.protocol_rows import LEASE, PROMISE, Broken, Move, Want, World


class Turn:
    """What a step of somebody makes of a state: they go on in the middle of an operation, or end it.

    Attributes:
        n: the state after the step.
        args: of the operation.
    """

    def __init__(self, protocol: "Protocol", w: World, who: str) -> None:
        self.w, self.n, self.who = w, World(w), who
        self._protocol = protocol
        _, self.at, self.data = w.pc[who]
        self.kind, *self.args = protocol.people[who][self.at]

    def go(self, label: str, *data: object) -> World:
        """The next step has this name, and is told this."""
        self.n.pc[self.who] = (label, self.at, data)
        return self.n

    def end(self) -> World:
        """Commit or roll back; the next operation."""
        self._protocol.drop(self.n, self.who)
        left = self.at + 1 < len(self._protocol.people[self.who])
        self.n.pc[self.who] = ("op" if left else "done", self.at + 1, ())
        return self.n


class Protocol(Acts):
    """Who can do what next."""

    # -- people

    def moves_of(self, w: World, who: str) -> Iterator[Move]:  # noqa: C901, PLR0912 - a list of steps
        """The steps that somebody can take now."""
        label, at, data = w.pc[who]
        if label == "done":
            return
        kind, *args = self.people[who][at]
        turn = Turn(self, w, who)
        n = turn.n
        if label == "op" and kind in {"put", "untag"}:
            if w.num.get("gone") or not self.is_free(w, who, (("gate",), "S")):
                if w.num.get("gone"):
                    yield f"{kind} refused: no project", turn.end()
                return
            self.take(n, who, (("gate",), "S"))
            yield f"{kind} passes the gate", turn.go("look" if kind == "put" else "commit")
        elif label == "op" and kind in {"join", "head"}:
            yield from self.touch(turn)
        elif label == "op" and kind == "unlink":
            locks: list[Want] = [(("L", self.home(w, args[0]), args[1]), "X")]
            locks += [] if self.without == "unlink-no-gate" else [(("gate",), "S")]
            if self.is_free(w, who, *locks):
                self.take(n, who, *locks)
                yield "unlink locks the link", turn.go("commit", self.home(w, args[0]))
        elif label == "op":
            gate = () if self.without == f"{kind}-no-gate" else ((("gate",), "X"),)
            if self.is_free(w, who, *gate):
                self.take(n, who, *gate)
                if kind == "restore":
                    n.hid = dict.fromkeys(w.hid, 2)
                yield f"{kind} closes the gate", turn.go("commit", *self.spot(w, kind, args))
        elif label in {"link", "pay"}:
            yield from self.join(turn)
        elif label == "look":
            yield from self.look(turn)
        elif label == "charges":
            change = [blob for blob in self.blobs[args[1]] if w.charge[blob][0] != "used"] if w.num["flag"] else []
            wants = tuple((("C", blob), "N") for blob in change)
            seen = tuple((blob, w.charge[blob][0]) for blob in change)
            if self.without == "put-looks-before-it-locks":
                yield "put looks at the charges", turn.go("commit", *data, seen)
            elif self.is_free(w, who, *wants):
                self.take(n, who, *wants)
                yield "put locks the charges", turn.go("commit", *data, seen)
        elif kind == "put":
            yield from self.put(turn)
        elif self.is_free(w, who, *((("C", blob), "N") for blob in w.charge)):
            told = getattr(self, f"commit_{kind}")(n, *self.where(w, kind, args, data), *args[1:])
            yield f"{kind} {told}", turn.end()

    def spot(self, w: World, kind: str, args: list[str]) -> tuple[int, ...]:
        """With a mutation: what is looked at before the gate is closed."""
        return (self.home(w, args[0]),) if self.without == f"{kind}-no-gate" else ()

    def where(self, w: World, kind: str, args: list[str], data: tuple[int, ...]) -> tuple[int, ...]:
        """The repository that is meant; or the act."""
        return data or ((int(args[0]),) if kind == "restore" else (self.home(w, args[0]),))

    def touch(self, turn: "Turn") -> Iterator[Move]:
        """HEAD of a blob, which may renew its lease; the first step of joining one."""
        w, n, who, args = turn.w, turn.n, turn.who, turn.args
        r, blob = self.home(w, args[0]), args[1]
        lease = w.link.get((r, blob))
        if self.people[who][w.pc[who][1]][0] == "head":
            if lease is None or not r or (r, blob) in w.hid:
                yield "HEAD 404", turn.end()
            elif lease == -1 or lease >= PROMISE:
                n.promise[who, r, blob] = PROMISE
                yield "HEAD 200", turn.end()
            elif w.charge[blob][0] == "released" and self.without != "head-keeps-released":
                yield "HEAD 404: released", turn.end()
            elif self.is_free(w, who, (("L", r, blob), "N")):
                n.link[r, blob] = LEASE
                n.promise[who, r, blob] = PROMISE
                yield "HEAD renews, 200", turn.end()
            return
        want: Want = (("C", blob), "S" if blob in w.charge else "X")
        if not r:
            yield "upload refused: no repository", turn.end()
        elif self.is_free(w, who, want):
            self.take(n, who, want)
            yield "upload finds the charge", turn.go("link", r, w.charge.get(blob, ("",))[0])

    def join(self, turn: "Turn") -> Iterator[Move]:
        """The other steps of joining a blob: the link, and paying where nobody pays."""
        w, n, who, args = turn.w, turn.n, turn.who, turn.args
        (r, seen), blob = w.pc[who][2], args[1]
        if w.pc[who][0] == "link":
            want: Want = (("L", r, blob), "N" if (r, blob) in w.link else "X")
            if self.is_free(w, who, want):
                self.take(n, who, want)
                yield "upload locks the link", turn.go("pay", r, seen)
            return
        if r not in w.repo:
            yield "upload refused: no repository", turn.end()
            return
        holding, marked, left = w.charge.get(blob, ("", 0, 0))
        if self.without == "join-believes-its-look":
            holding = seen
        pays = holding in {"", "released"}
        if pays and not self.is_free(w, who, (("C", blob), "N")):
            return
        if self.without == "join-forgets-released" and holding == "released":
            pays = False
        if w.num["held"] + pays > self.scenario.limit:
            yield "upload refused: no room", turn.end()
            return
        n.num["held"] += pays
        n.charge[blob] = ("used", marked, 0) if pays else (w.charge[blob][0], marked, left)
        if w.link.get((r, blob)) != -1:
            n.link[r, blob] = LEASE
        n.hid.pop((r, blob), None)
        n.promise[who, r, blob] = PROMISE
        yield "upload committed, 201", turn.end()

    def look(self, turn: "Turn") -> Iterator[Move]:
        """Manifest PUT: links and children, share-locked, and the artifact itself."""
        w, n, who, args = turn.w, turn.n, turn.who, turn.args
        r, name = self.home(w, args[0]), args[1]
        missing = [blob for blob in self.blobs[name] if (r, blob) not in w.link or (r, blob) in w.hid]
        if missing and all((who, r, blob) in w.promise for blob in missing):
            raise Broken("I6 refused although its blobs were promised")
        if missing or any(w.art.get((r, child), (1,))[0] for child in self.children[name]):
            yield "put refused: unknown blobs or children", turn.end()
            return
        wants = [(("A", r, name), "X"), *((("A", r, child), "S") for child in self.children[name])]
        wants += [(("L", r, blob), "S") for blob in self.blobs[name]]
        if self.is_free(w, who, *wants):
            self.take(n, who, *wants)
            yield "put finds its links", turn.go("charges", r, w.num["tags"])

    def put(self, turn: "Turn") -> Iterator[Move]:
        """The commit of a manifest PUT; without room the oldest act of the trash is purged, and it tries again."""
        w, n, who, args = turn.w, turn.n, turn.who, turn.args
        (r, seen_tags, change), name = w.pc[who][2], args[1]
        back, new = w.art.get((r, name), (0,))[0], (r, name) not in w.art
        made = sum((r, tag) not in w.tag for tag in args[2:])
        released = sum(seen == "released" for _, seen in change)
        need = new + released
        if need and w.num["held"] + need > self.scenario.limit:
            self.drop(n, who)
            own = sum(seen == "trash" for _, seen in change) + bool(back)  # it needs this of the trash itself
            trash = w.num["trash"] - own
            helps = trash and w.num["held"] - trash + need <= self.scenario.limit
            if helps and self.without != "full-trash-refuses":
                n.pc[who] = ("room", w.pc[who][1], (need, own, trash))
                yield "put finds no room", n
            else:
                yield "put refused: no room", self.refuse(turn.end(), need, own)
            return
        counted = w.num["tags"] if self.without != "tags-counted-early" else seen_tags
        if made and counted + made > self.scenario.tags:
            self.drop(n, who)
            yield "put refused: too many tags", turn.end()
            return
        n.num["tags"] += made
        n.num["held"] += new + released
        n.num["trash"] -= sum(seen == "trash" for _, seen in change) + bool(back)
        for blob, _ in change:
            n.charge[blob] = ("used", n.charge[blob][1], 0)
        n.art[r, name] = (0, 0)
        for child in self.children[name]:
            n.art[r, child] = (0, 1)
        n.art[r, name] = (0, int(self.has_live_parent(n, r, name)))
        n.said["art", r, name] = name
        for tag in args[2:]:
            n.tag[r, tag] = name
            n.said["tag", r, tag] = name
        yield "put committed, 201", turn.end()

    def refuse(self, n: World, need: int, own: int) -> World:
        """Somebody is refused; not where there is room, or where the trash has it beside what they need of it."""
        trash, limit = n.num["trash"] - own, self.scenario.limit
        if n.num["held"] + need <= limit or (trash > 0 and n.num["held"] - trash + need <= limit):
            raise Broken("refused although there is room, or the trash has it")
        return n

    def make_room(self, w: World, who: str) -> Iterator[Move]:
        """Who found no room: the oldest act is found, then marked, then a part of it goes, and it tries again."""
        label, at, data = w.pc[who]
        n, found = World(w), self.oldest(w)
        if label == "room" and found:
            n.pc[who] = ("relieve", at, (*data, found))
            yield f"finds {found} to make room", n
        elif label == "room":
            yield from self.look_again(w, who, gone=w.num["trash"] < data[2])
        elif data[3] not in w.act:
            yield from self.look_again(w, who, gone=True)
        elif self.is_free(w, who, (("gate",), "X")):
            kind, r, tags, _ = w.act[data[3]]
            n.act[data[3]] = (kind, r, tags, 1)
            n.pc[who] = ("part", at, (data[3],))
            yield f"purge of {kind} {data[3]} begins, to make room", n

    def look_again(self, w: World, who: str, *, gone: bool) -> Iterator[Move]:
        """Somebody else has taken what was to make room: there may be some now."""
        n, (_, at, (need, own, *_)) = World(w), w.pc[who]
        if gone and self.without != "room-gives-up":
            n.pc[who] = ("op", at, ())
            yield "tries again", n
        else:
            n.pc[who] = ("op" if at + 1 < len(self.people[who]) else "done", at + 1, ())
            yield "put refused: what would make room is gone", self.refuse(n, need, own)

    # -- purge and collector

    def work_of(self, w: World, who: str) -> Iterator[Move]:  # noqa: C901 - a list of steps
        """The steps that a collector can take now; or somebody whose push needs room."""
        label, at, data = w.pc[who]

        def go(label: str, *data: object) -> World:
            n = World(w)
            n.pc[who] = (label, at, data)
            return n

        if label in {"room", "relieve"}:
            yield from self.make_room(w, who)
        elif label in {"op", "part"}:
            for number, (kind, *_, purging) in sorted(w.act.items()):
                if label == "part" and number != data[0]:
                    continue
                if self.is_free(w, who, (("gate",), "X")):
                    n = go("op")
                    if not purging:
                        n.act[number] = (*w.act[number][:3], 1)
                        yield f"purge of {kind} {number} begins", n
                    elif found := self.next_of(w, number):
                        n = go("take", number, found)
                        self.take(n, who, *(() if self.without == "purge-no-gate" else ((("gate",), "X"),)))
                        yield f"purge of {number} finds {found}", n
                    else:
                        yield from self.finish(w, n, number)
            if label == "op":
                yield from self.collect(w, who, go)
            elif data[0] not in w.act:
                yield "tries again", go("op")
        elif label == "take":
            number, key = data
            wants = [(("L", key[0], blob), "N") for blob in self.blobs[key[1]]]
            if self.is_free(w, who, *wants):
                n = go("gone", *data)
                self.take(n, who, *wants)
                yield f"purge locks the links of {key}", n
        elif label == "gone":
            number, key = data
            if self.is_free(w, who, *((("C", blob), "N") for blob in self.blobs[key[1]])):
                n = go("op")
                self.drop(n, who)
                self.purge(n, key)
                yield f"purge takes {key}", n
        else:
            yield from self.level(w, who, go)

    def finish(self, w: World, n: World, act: int) -> Iterator[Move]:
        """Nothing of an act is left that could go by itself."""
        kind, r, *_ = w.act[act]
        handed = {
            (home, child): one for (home, name), (one, _) in w.art.items() for child in self.children[name]
            if w.art.get((home, child), (0,))[0] == act and one != act
        }  # fmt: skip
        if kind == "artifact" and handed:
            for key, other in handed.items():
                n.art[key] = (other, 0)
            yield f"purge of {act} hands over {sorted(handed)}", n
            return
        if kind == "repository":
            linked = any(home == r for home, _ in w.link) and self.without != "repository-leaves-links"
            if linked or self.is_uploading(w, r):
                return
            del n.repo[r]
            for one in [one for one, (_, home, *_) in n.act.items() if home == r and one != act]:
                del n.act[one]
        if kind == "project":
            if ((w.link or w.charge) and self.without != "project-leaves-charges") or w.lock:
                return
            n.repo, n.act = {}, {act: w.act[act]}
        del n.act[act]
        self.settle_flag(n)
        yield f"purge of {act} ends", n

    def is_uploading(self, w: World, r: int) -> bool:
        """Whether an upload into a repository is in the middle of its commit; the real ones are ended first."""
        return any(label in {"link", "pay"} and data[0] == r for label, _, data in w.pc.values())

    def collect(self, w: World, who: str, go: Any) -> Iterator[Move]:
        """G1 and G2 take a lock; locked rows are passed over."""
        for (r, blob), lease in w.link.items():
            if lease == 0 and self.is_free(w, who, (("L", r, blob), "X")):
                n = go("g1", r, blob)
                self.take(n, who, (("L", r, blob), "X"))
                yield f"g1 locks {(r, blob)}", n
        for blob, (_, marked, _) in w.charge.items():
            if marked and self.is_free(w, who, (("C", blob), "X")):
                n = go("g2", blob)
                self.take(n, who, (("C", blob), "X"))
                yield f"g2 locks {blob}", n

    def level(self, w: World, who: str, go: Any) -> Iterator[Move]:
        """G1 and G2 look and act."""
        label, _, data = w.pc[who]
        n = go("op")
        self.drop(n, who)
        if label == "g1":
            r, blob = data
            if not self.is_free(w, who, (("C", blob), "N")):
                return
            if any(home == r for home, _ in self.users(w, blob)):
                n.link[r, blob] = -1
                yield "g1 holds", n
            else:
                del n.link[r, blob]
                n.hid.pop((r, blob), None)
                n.charge[blob] = (n.charge[blob][0], 1, n.charge[blob][2])
                yield f"g1 lets go of {data}", n
            return
        (blob,) = data
        holding, _, left = w.charge[blob]
        if any(one == blob for _, one in w.link):
            n.charge[blob] = (holding, 0, left)
            yield "g2 keeps", n
            return
        del n.charge[blob]
        n.num["held"] -= holding != "released" or self.without == "g2-refunds-released"
        n.num["trash"] -= holding == "trash"
        yield f"g2 lets go of {blob}", n

    def tick(self, n: World) -> None:
        """Leases, promises and what a release allows run out."""
        super().tick(n)
        n.charge = {blob: (holding, marked, max(left - 1, 0)) for blob, (holding, marked, left) in n.charge.items()}

    def check_rest(self, w: World) -> None:
        """When a collector has done all that it can."""
        if w.act or w.lock or w.num["trash"] or any(not self.users(w, blob) for _, blob in w.link):
            raise Broken(f"I8 left over: acts {w.act}, trash {w.num['trash']}, links {w.link}")
        if any(holding != "used" for holding, *_ in w.charge.values()):
            raise Broken(f"I8 left over: {w.charge}")
