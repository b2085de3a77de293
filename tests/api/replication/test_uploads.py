"""What a replication received of a blob and nobody goes on with: it goes when its task ends, not when it expires."""

import pytest

from moorage.artifacts import local
from moorage.jobs.queue import Job
from moorage.replication import jobs
from tests.api.client import Client, Server
from tests.api.conftest import make_project
from tests.api.proxycache.conftest import Shelf
from tests.api.replication.conftest import RUNS, begin, body, ended, make, make_registry, only, runs
from tests.api.test_labels_api import ask
from tests.api.workers import until, working
from tests.fakes.scripted import Heard, Say, scripted

BUSY = Say(503, {"errors": []}, {"retry-after": "100000"})
"""A client waits no longer than two minutes by itself: the attempt ends."""

FIND = """SELECT t.extra, (SELECT count(*) FROM upload u WHERE u.project_id = p.id AND NOT u.dead),
    (SELECT count(*) FROM upload u WHERE u.project_id = p.id),
    (SELECT coalesce(sum(s.used_bytes), 0) FROM quota_slot s WHERE s.project_id = p.id)
FROM task t JOIN execution e ON e.id = t.execution_id, project p
WHERE e.id = :run AND t.job = 'replication.copy' AND p.name = :name"""


@pytest.fixture(autouse=True)
def _notes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is received of a blob is kept for the next attempt, however small the blob is."""
    monkeypatch.setattr(local, "JOURNAL_BYTES", 1)
    monkeypatch.setattr(local, "WHOLE_BYTES", 0)
    monkeypatch.setattr(Job, "delay", lambda *_: 0.05)


class Stingy(Shelf):
    """A registry that gives manifests and no blob."""

    def __call__(self, heard: Heard) -> Say:
        return BUSY if "/blobs/" in heard.path else super().__call__(heard)


@pytest.mark.parametrize("is_stopped", [False, True], ids=["failed", "stopped while it waits"])
async def test_a_pull_that_ends_for_good_leaves_no_upload(
    app: Server, admin: Client, monkeypatch: pytest.MonkeyPatch, *, is_stopped: bool
) -> None:
    shelf = Stingy()
    shelf.put("team/app", "v1")
    project = await make_project(app)
    if not is_stopped:
        monkeypatch.setattr(jobs, "MAX_WAIT_SECONDS", 0.05)  # six attempts, one after the other
    async with scripted(shelf) as source, working(app):
        one = body(source=await make_registry(app, admin, source.url), filters=[only("team/app")])
        policy = await make(app, admin, {**one, "dest_namespace": project})
        run = await begin(app, admin, policy)
        if is_stopped:

            async def waits() -> bool:
                rows = await app.rows("SELECT status, job FROM task WHERE execution_id = :run", run=run)
                return ("Scheduled", "replication.copy") in [tuple(row) for row in rows]

            await until(waits)
            ((noted, *found),) = await app.rows(FIND, run=run, name=project)
            assert found[0] == found[1] > 0, "it is kept for the next attempt"
            assert (await ask(app, admin, "PUT", f"{RUNS}/{run}")).status == 200
        await ended(app, admin, policy)

        async def is_gone() -> bool:
            ((_, live, rows, used),) = await app.rows(FIND, run=run, name=project)
            return (live, used) == (0, 0) and (is_stopped or not rows)  # the sweep takes what was stopped

        await until(is_gone)
        ((noted, *_),) = await app.rows(FIND, run=run, name=project)
        status = [one["status"] for one in await runs(app, admin, policy)]

    assert "uploads" in str(noted), "the attempts noted what they received"
    assert status == ["Stopped" if is_stopped else "Failed"]
