"""What the model in `protocol.py` writes: deletions, restores, purges, each at its commit."""

from tests.faults.protocol_rows import LEASE, Broken, Key, Rows, World


class Acts(Rows):
    """Changes of rows that happen under the closed gate."""

    def start(self) -> World:
        """The first state."""
        w = World()
        w.num = {"held": 0, "trash": 0, "flag": 0, "acts": 0, "repos": 1, "tags": 0,
                 "crashes": self.scenario.crashes}  # fmt: skip
        w.repo[1] = ("r", 0)
        for name, tags in self.scenario.begin:
            w.art[1, name] = (0, 0)
            w.num["held"] += 1
            for blob in self.blobs[name]:
                w.num["held"] += blob not in w.charge
                w.link[1, blob], w.charge[blob] = -1, ("used", 0, 0)
            for tag in tags:
                w.tag[1, tag] = name
                w.num["tags"] += 1
        for key in w.art:
            w.art[key] = (0, int(self.has_live_parent(w, *key)))
        w.pc = dict.fromkeys([*self.people, *self.workers], ("op", 0, ()))
        for operation in self.scenario.deleted:
            getattr(self, f"commit_{operation[0]}")(w, 1, *operation[2:])
        return w

    # -- what is written under the closed gate

    def commit_untag(self, n: World, r: int, tag: str) -> str:
        """Delete a tag."""
        name = n.tag.pop((r, tag), None)
        if name is None:
            return "404"
        n.num["tags"] -= 1
        n.said.pop(("tag", r, tag), None)
        self.new_act(n, "tag", r, ((tag, name),))
        return "202"

    def commit_delete(self, n: World, r: int, name: str) -> str:
        """Delete an artifact with its tags and the children that nothing else needs."""
        if n.art.get((r, name), (1,))[0] or not r or n.repo[r][1] or self.has_live_parent(n, r, name):
            return "refused"
        act, waiting, tags = self.new_act(n, "artifact", r, ()), [name], []
        while waiting:
            one = waiting.pop()
            tags += [(tag, one) for (home, tag), held in n.tag.items() if home == r and held == one]
            n.art[r, one] = (act, n.art[r, one][1])
            n.num["trash"] += 1
            n.said.pop(("art", r, one), None)
            for child in self.children[one]:
                if not self.has_live_parent(n, r, child) and not n.art[r, child][0]:
                    n.art[r, child] = (0, 0)
                    if child not in [held for (home, _), held in n.tag.items() if home == r]:
                        waiting.append(child)
        for tag, _ in tags:
            if self.without != "delete-leaves-tags":
                n.tag.pop((r, tag), None)
                n.num["tags"] -= 1
            n.said.pop(("tag", r, tag), None)
        n.act[act] = ("artifact", r, tuple(sorted(tags)), 0)
        self.to_trash(n, r, [key for key, (one, _) in n.art.items() if one == act])
        return "202"

    def commit_drop(self, n: World, r: int) -> str:
        """Delete a repository."""
        if not r:
            return "404"
        n.repo[r] = (n.repo[r][0], self.new_act(n, "repository", r, ()))
        held = [key for key, (act, _) in n.art.items() if key[0] == r and not act]
        n.num["trash"] += len(held)
        n.num["tags"] -= sum(home == r for home, _ in n.tag)
        n.said = {key: name for key, name in n.said.items() if key[1] != r}
        self.to_trash(n, r, held)
        if any(name == "r" for name, act in n.repo.values() if not act):
            raise Broken("two repositories of one name")
        n.num["repos"] += 1
        n.repo[n.num["repos"]] = ("r", 0)  # the next push makes it anew; here it is there at once
        return "202"

    def commit_unlink(self, n: World, r: int, blob: str) -> str:
        """Delete a blob: nobody sees it any more, unless something visible needs it."""
        if (r, blob) not in n.link or (r, blob) in n.hid:
            return "404"
        users = [name for home, name in self.users(n, blob) if home == r]
        if any(not self.in_trash(n, (r, name)) for name in users):
            return "405"
        n.hid[r, blob] = 1
        n.promise = {key: left for key, left in n.promise.items() if key[1:] != (r, blob)}
        if not users:
            n.link[r, blob] = 0
        return "202"

    def commit_close(self, n: World, _r: int) -> str:
        """Delete the project."""
        n.num["gone"] = self.new_act(n, "project", 0, ())
        for number, (name, act) in n.repo.items():
            n.repo[number] = (name, act or n.num["gone"])
        n.said = {}
        n.promise = {}
        return "200"

    def new_act(self, n: World, kind: str, r: int, tags: tuple[tuple[str, str], ...]) -> int:
        """A row of the trash."""
        n.num["acts"] += 1
        n.act[n.num["acts"]] = (kind, r, tags, 0)
        return int(n.num["acts"])

    def to_trash(self, n: World, _r: int, keys: list[Key]) -> None:
        """What only the trash needs now is counted there, and pushes look from now on."""
        if self.without != "delete-sets-no-flag":
            n.num["flag"] = 1
        for blob in sorted({blob for _, name in keys for blob in self.blobs[name]}):
            holding, marked, left = n.charge[blob]
            if holding == "used" and not self.has_live_use(n, blob):
                n.charge[blob] = ("trash", marked, left)
                n.num["trash"] += 1

    def commit_restore(self, n: World, act: int) -> str:  # noqa: C901, PLR0912 - a list of steps
        """Undo an act."""
        kind, r, tags, purging = n.act.get(act, ("", 0, (), 1))
        if (purging and self.without != "restore-forgets-purging") or not kind:
            return "404"
        if kind == "project":
            n.num["gone"] = 0
            for number, (name, one) in n.repo.items():
                n.repo[number] = (name, 0 if one == act else one)
            del n.act[act]
            return "200"
        held = self.without != "restore-takes-names" and any((r, tag) in n.tag for tag, _ in tags)
        if n.num.get("gone") or (kind != "repository" and n.repo[r][1]) or held:
            return "409 or 412"
        more = len(tags) if kind != "repository" else sum(home == r for home, _ in n.tag)
        if n.num["tags"] + more > self.scenario.tags and self.without != "restore-ignores-limits":
            return "412: too many tags"
        if (
            kind == "tag"
            and self.without != "tag-points-to-trash"
            and any(n.art.get((r, name), (1,))[0] for _, name in tags)
        ):
            return "412"
        if kind == "repository":
            if self.home(n, "r") and any(key[0] == self.home(n, "r") for key in (*n.art, *n.link)):
                return "409"
            n.repo.pop(self.home(n, "r"), 0)
            n.repo[r] = (n.repo[r][0], 0)
            back = [key for key, (one, _) in n.art.items() if key[0] == r and not one]
        else:
            while self.without != "restore-leaves-children" and (taken := self.children_elsewhere(n, r, act)):
                for key in taken:
                    n.art[key] = (act, 0)
            back = [key for key, (one, _) in n.art.items() if one == act]
        for key in back:
            n.art[key] = (0, 0)
            n.said["art", *key] = key[1]
        for key in [key for key, (one, _) in n.art.items() if key[0] == r and not one]:
            n.art[key] = (0, int(self.has_live_parent(n, *key)))
        for r_, name in back:
            for blob in self.blobs[name]:
                if n.hid.get((r_, blob)) == 2:
                    del n.hid[r_, blob]
        n.num["trash"] -= len(back)
        for blob in {blob for _, name in back for blob in self.blobs[name]}:
            if n.charge[blob][0] == "trash" and self.without != "restore-leaves-charges":
                n.charge[blob] = ("used", n.charge[blob][1], 0)
                n.num["trash"] -= 1
        n.num["tags"] += more
        for tag, name in tags:
            n.tag[r, tag] = name
            n.said["tag", r, tag] = name
        del n.act[act]
        self.settle_flag(n)
        return "200"

    def children_elsewhere(self, n: World, r: int, act: int) -> list[Key]:
        """Children of an act's indexes that other acts took."""
        return [(r, child) for (home, name), (one, _) in n.art.items() if home == r and one == act
                for child in self.children[name] if n.art[r, child][0] not in {0, act}]  # fmt: skip

    def settle_flag(self, n: World) -> None:
        """Pushes need not look any more when every charge is used."""
        n.num["flag"] = int(any(holding != "used" for holding, *_ in n.charge.values()))
        if self.without == "flag-goes-early":
            n.num["flag"] = 0

    def oldest(self, w: World) -> int:
        """The act that has waited longest and holds bytes."""
        holds = {act for act, _ in w.art.values()} | {w.repo[r][1] for r, _ in w.art}
        return min((one for one, (kind, *_) in w.act.items() if kind != "project" and one in holds), default=0)

    def next_of(self, w: World, act: int) -> Key:
        """An artifact of an act that no index names."""
        kind, r, *_ = w.act[act]
        found = [
            key for key, (one, _) in w.art.items()
            if (kind == "artifact" and one == act) or (kind == "repository" and key[0] == r) or kind == "project"
        ]  # fmt: skip
        if self.without == "purge-children-first":
            return min(found, default=None)
        named = {(home, child) for home, name in w.art for child in self.children[name]}
        return max((key for key in found if key not in named), default=None)

    def purge(self, n: World, key: Key) -> None:
        """An artifact goes: links get a lease, what nothing uses is released and given back."""
        act, _ = n.art[key]
        counted = self.in_trash(n, key)
        if not counted and not n.num.get("gone"):
            raise Broken(f"I3 {key} was purged and is not in the trash")
        del n.art[key]
        n.num["held"] -= 1
        n.num["trash"] -= counted
        for blob in self.blobs[key[1]]:
            if self.without != "purge-gives-no-lease":
                n.link[key[0], blob] = LEASE
            elif n.link[key[0], blob] == -1:
                n.link[key[0], blob] = 0
            if not self.users(n, blob) and n.charge[blob][0] != "released":
                n.num["held"] -= 1
                n.num["trash"] -= n.charge[blob][0] == "trash"
                n.charge[blob] = ("released", n.charge[blob][1], LEASE)
        for tag in [tag for tag, name in n.tag.items() if tag[0] == key[0] and name == key[1]]:
            if act == 0:
                n.num["tags"] -= self.is_counted(n, key[0])
                del n.tag[tag]
        if self.without != "purge-hands-nothing-over":
            return
        for child in self.children[key[1]]:  # as if they went with whoever was first
            n.art.pop((key[0], child), None)
