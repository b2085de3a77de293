"""A worker dies at each point of its jobs: the next one goes on, and what they do happens once."""

import asyncio
import json
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest

from moorage import failpoints
from tests.fakes.scripted import Heard, Say, Scripted, scripted
from tests.faults.invariants import read
from tests.faults.life import Life, Nursery
from tests.faults.place import ADMIN, ALICE, Place
from tests.faults.registry import Client, digest_of, push_image, some_bytes
from tests.faults.test_collector import assert_nothing_is_left_over, collect, let_leases_end
from tests.faults.test_purge import let_trash_end, let_uploads_end

HERE = "team/app"


class Work(ABC):
    """What a worker is to do, and how it is seen that it was done once.

    Attributes:
        points: where it may die; with a number behind the colon, when the point is passed so often.
    """

    points: ClassVar[tuple[str, ...]]

    @asynccontextmanager
    async def around(self) -> AsyncIterator[None]:
        """While all of it happens."""
        yield

    def goes_on(self, point: str) -> bool:
        """Whether a task is left by who dies there. Most end with the last of what they do, in one transaction."""
        return not point.startswith("job.done")

    @abstractmethod
    async def prepare(self, place: Place, client: Client, admin: Client) -> None:
        """Have something to do, and tell a worker to do it."""

    @abstractmethod
    async def look(self, place: Place, client: Client) -> None:
        """It was done, and once."""


def audited(place: Place, operation: str, kind: str = "") -> list[str]:
    """What the audit log says was done to what."""
    return sorted(row.resource for row in read(place.url)["audit"]
                  if row.operation == operation and row.resource_type == (kind or row.resource_type))  # fmt: skip


class Collect(Work):
    """Garbage collection that deletes what is untagged, purges the trash, ends uploads and lets blobs go."""

    points = (
        "job.begun", "delete.recorded", "job.recorded", "purge.marked", "purge.taken", "collect.purged",
        "collect.ended", "collect.swept", "collect.links", "collect.charges", "collect.blobs", "collect.deleted",
        "collect.gone", "job.recorded:3", "job.done",
    )  # fmt: skip

    async def prepare(self, place: Place, client: Client, admin: Client) -> None:
        long_ago = "to_timestamp(1)" if place.database else "1"
        assert (await client.push_blob(HERE, some_bytes())).status == 201
        let_leases_end(place)
        await collect(place, grace_seconds=1e6)
        place.execute(f"UPDATE blob SET changed_at = {long_ago} WHERE state = 'doomed'")  # noqa: S608 - ours
        layer = some_bytes()
        self.kept = await push_image(client, HERE, "kept", layer)
        self.untagged = [await push_image(client, HERE, "", some_bytes(), layer) for _ in range(2)]
        self.deleted = await push_image(client, HERE, "gone", some_bytes())
        assert (await client.delete_manifest(HERE, digest_of(self.deleted))).status == 202
        let_trash_end(place)
        assert (await client.push_blob(HERE, some_bytes())).status == 201
        opened = await client.start(HERE)
        assert (await client.patch(opened.location, some_bytes())).status == 202
        let_uploads_end(place)
        let_leases_end(place)
        place.execute(f"UPDATE artifact SET pushed_at = {long_ago}")  # noqa: S608 - ours
        order = {"schedule": {"type": "Manual"}, "parameters": {"delete_untagged": True}}
        assert (await admin.api("POST", "/system/gc/schedule", order)).status == 201

    async def look(self, place: Place, client: Client) -> None:
        assert await client.pull(HERE, "kept") == self.kept
        names = sorted(f"{HERE}@{digest_of(raw)}" for raw in (*self.untagged, self.deleted))
        assert audited(place, "delete", "artifact") == names
        assert audited(place, "purge", "artifact") == names
        rows = read(place.url)
        assert (len(rows["upload"]), len(rows["artifact"]), len(rows["trash"])) == (0, 1, 0)
        let_leases_end(place)
        await collect(place)
        assert_nothing_is_left_over(place)


class Retain(Work):
    """A run of a retention policy over two repositories."""

    points = ("job.begun", "job.recorded", "job.begun:2", "job.recorded:2", "delete.recorded", "delete.recorded:2",
              "job.recorded:4", "job.done", "job.done:2")  # fmt: skip

    async def prepare(self, place: Place, client: Client, admin: Client) -> None:
        self.gone: list[str] = []
        for name in (HERE, "team/other"):
            for tag in ("keep", "v1", "v2"):
                raw = await push_image(client, name, tag, some_bytes())
                self.gone += [f"{name}@{digest_of(raw)}"] if tag != "keep" else []
        (project,) = {row.id for row in read(place.url)["project"] if row.name == "team"}
        rule = {
            "template": "always", "action": "retain", "params": {},
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "keep"}],
            "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
        }  # fmt: skip
        policy = {"algorithm": "or", "rules": [rule], "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
                  "scope": {"level": "project", "ref": project}}  # fmt: skip
        made = await admin.api("POST", "/retentions", policy)
        assert made.status == 201, made
        begun = await admin.api("POST", f"/retentions/{made.location.rpartition('/')[2]}/executions", {})
        assert begun.status == 201, begun

    async def look(self, place: Place, client: Client) -> None:
        for name in (HERE, "team/other"):
            assert await client.list_tags(name) == ["keep"]
            assert await client.pull(name, "keep") is not None
        assert audited(place, "delete", "artifact") == sorted(self.gone)
        verdicts = [row[0] for row in place.execute("SELECT verdict FROM retention_verdict ORDER BY verdict")]
        assert verdicts == ["deleted"] * 4 + ["keep"] * 2
        place.check(rest=True)


class PurgeAudit(Work):
    """A purge of the audit log."""

    points = ("job.begun", "job.recorded", "job.recorded:2", "job.done")

    async def prepare(self, place: Place, client: Client, admin: Client) -> None:
        for age in ("30 days", ""):
            data = some_bytes()
            assert (await client.push_blob(HERE, data)).status == 201
            assert (await client.delete_blob(HERE, digest_of(data))).status == 202
            if age:
                ago = f"at - interval '{age}'" if place.database else f"at - {30 * 86_400_000_000}"
                place.execute(f"UPDATE audit SET at = {ago}")  # noqa: S608 - ours
        self.others = len(read(place.url)["audit"]) - 2
        order = {"schedule": {"type": "Manual"},
                 "parameters": {"audit_retention_hour": 24, "include_event_types": "delete_blob"}}  # fmt: skip
        assert (await admin.api("POST", "/system/purgeaudit/schedule", order)).status == 201

    async def look(self, place: Place, client: Client) -> None:
        assert len(audited(place, "delete", "blob")) == 1
        assert len(audited(place, "purge")) == 1
        assert len(read(place.url)["audit"]) == self.others + 3
        assert (await client.start(HERE)).status == 202


class Tell(Work):
    """Two deliveries of a webhook. Of these alone a target may hear twice; it knows them by their ids."""

    points = ("job.begun", "webhook.told", "job.recorded", "job.done", "job.begun:2", "webhook.told:2")
    heard: Scripted

    def goes_on(self, _point: str) -> bool:
        return True

    @asynccontextmanager
    async def around(self) -> AsyncIterator[None]:
        def well(_: Heard) -> Say:
            return Say(200, b"thanks")

        async with scripted(well) as self.heard:
            yield

    async def prepare(self, _place: Place, client: Client, admin: Client) -> None:
        target = {"type": "http", "address": f"{self.heard.url}/hook"}
        policy = {"name": "hook", "enabled": True, "event_types": ["PUSH_ARTIFACT"], "targets": [target]}
        assert (await admin.api("POST", "/projects/team/webhook/policies", policy)).status == 201
        for tag in ("first", "second"):
            await push_image(client, HERE, tag, some_bytes())

    async def look(self, place: Place, client: Client) -> None:
        told = [json.loads(one.body)["event_data"]["resources"][0]["tag"] for one in self.heard.heard]
        ids = [one.headers["webhook-id"] for one in self.heard.heard]
        assert list(dict.fromkeys(told)) == ["first", "second"], "in their order, and none is missing"
        assert len(set(ids)) == 2, "who hears a thing twice can tell"
        assert len(ids) <= 3, "one worker died"
        assert await client.list_tags(HERE) == ["first", "second"]
        ends = place.execute("SELECT attempts FROM webhook_delivery ORDER BY id")
        assert len(ends) == 2


WORK: tuple[type[Work], ...] = (Collect, Retain, PurgeAudit, Tell)
CASES = [(kind, point) for kind in WORK for point in kind.points]
OFTEN = {"job.begun", "job.recorded", "job.done", "delete.recorded", "webhook.told", "purge.taken"}
"""An ordinary run kills at these, on SQLite: the collector's own points are those of test_collector.py."""


def test_every_point_of_a_job_is_here() -> None:
    points = {point for point in failpoints.POINTS if point.startswith(("job.", "webhook."))}
    assert points <= {point.partition(":")[0] for _, point in CASES}


@pytest.mark.parametrize(("kind", "point"), [case for case in CASES if case[1] in OFTEN])
async def test_killed_at(sqlite_place: Place, nursery: Nursery, kind: type[Work], point: str) -> None:
    await kill_at(sqlite_place, nursery, kind(), point)


@pytest.mark.deep
@pytest.mark.parametrize(("kind", "point"), CASES)
async def test_killed_anywhere_on_both_databases_at(
    place: Place, nursery: Nursery, kind: type[Work], point: str
) -> None:
    await kill_at(place, nursery, kind(), point)


async def kill_at(place: Place, nursery: Nursery, task: Work, point: str) -> None:
    """Have a worker die at a point, and another one go on."""
    name, _, count = point.partition(":")
    async with task.around():
        async with place.open(ADMIN) as admin, place.open(ALICE) as client:
            await task.prepare(place, client, admin)
        place.check()
        life = Life(nursery, place, fault=f"{name}:kill:{count or 1}", works=True)
        assert await asyncio.to_thread(life.wait, 60) == -signal.SIGKILL, f"{point} was never reached"
        place.check()

        life = Life(nursery, place, works=True)
        rows: list[tuple[Any, ...]] = []
        async with asyncio.timeout(90):
            while not rows or any(status in {"Pending", "Running", "Scheduled"} for status, *_ in rows):
                await asyncio.sleep(0.1)
                rows = place.execute("SELECT status, lost, message FROM task WHERE job <> 'jobs.sweep' ORDER BY id")
        await asyncio.to_thread(life.stop)
        assert {status for status, *_ in rows} == {"Success"}, rows
        if task.goes_on(point):
            assert 1 in [lost for _, lost, _ in rows], "nobody took over from the one that died"
        async with place.open() as client:
            await task.look(place, client)
