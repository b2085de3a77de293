"""What a replication received or sent of a blob and nobody goes on with: it goes when that ends, before it expires."""

import pytest

from moorage.artifacts import local_registry
from moorage.jobs.queue import Job
from moorage.remotes import blob_upload
from moorage.replication import jobs
from tests.api.client import Client, Repo, Server, digest_of
from tests.api.conftest import make_project
from tests.api.proxycache.conftest import Shelf
from tests.api.replication.conftest import POLICIES, RUNS, begin, body, ended, make, make_registry, only, runs
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
    """What came of a blob is kept for the next attempt, however small the blob is."""
    monkeypatch.setattr(local_registry, "JOURNAL_BYTES", 1)
    monkeypatch.setattr(blob_upload, "JOURNAL_BYTES", 1)
    monkeypatch.setattr(local_registry, "WHOLE_BYTES", 0)
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


CONFIG = b"{}"


class Sink:
    """A registry that has the config of an image, takes no byte of a layer, and notes which uploads are open."""

    def __init__(self, refusal: Say) -> None:
        self.refusal = refusal
        self.opened: list[str] = []
        self.ended: list[str] = []

    def __call__(self, heard: Heard) -> Say:
        if heard.path == "/v2/":
            return Say(200, {})
        if heard.path.endswith(digest_of(CONFIG)) or heard.query.get("digest") == digest_of(CONFIG):
            return Say(201 if heard.method == "POST" else 200, b"", {"content-length": str(len(CONFIG))})
        if heard.method == "POST":
            self.opened.append(f"{heard.path}{len(self.opened)}")
            return Say(202, b"", {"location": self.opened[-1]})
        if heard.method == "DELETE":
            self.ended.append(heard.path)
            return Say(204)
        if heard.method == "GET" and heard.path in self.opened:
            return Say(204, b"", {"location": heard.path, "range": "0-0"})
        return self.refusal if heard.method == "PATCH" else Say(404)


@pytest.mark.parametrize("end", ["failed", "refused", "stopped while it waits"])
async def test_a_push_that_ends_for_good_cancels_its_upload(  # noqa: PLR0917 - each is a part of the story
    app: Server, admin: Client, repo: Repo, project: str, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    await repo.image("v1", config=CONFIG, layers=[b"only"])
    sink = Sink(Say(413, {"errors": []}) if end == "refused" else BUSY)
    if end == "failed":
        monkeypatch.setattr(jobs, "MAX_WAIT_SECONDS", 0.05)
    async with scripted(sink) as target, working(app):
        policy = await make(
            app, admin, body(await make_registry(app, admin, target.url), filters=[only(f"{project}/*")])
        )
        run = await begin(app, admin, policy)
        if end == "stopped while it waits":

            async def waits() -> bool:
                rows = await app.rows("SELECT status, job FROM task WHERE execution_id = :run", run=run)
                return ("Scheduled", "replication.copy") in [tuple(row) for row in rows]

            await until(waits)
            assert (sink.ended, len(sink.opened)) == ([], 1), "it is kept for the next attempt"
            assert (await ask(app, admin, "PUT", f"{RUNS}/{run}")).status == 200
        await ended(app, admin, policy)
        assert (await ask(app, admin, "DELETE", f"{POLICIES}/{policy}")).status == 200
        await until(lambda: bool(sink.ended))

    assert sink.ended == sink.opened, "each attempt went on with what the first one began"
    assert len(sink.opened) == 1


async def test_an_upload_that_is_not_gone_on_with_is_given_back_at_once(
    app: Server, admin: Client, repo: Repo, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_upload, "JOURNAL_BYTES", 1 << 30)
    monkeypatch.setattr(
        blob_upload, "_GIVE_BACK_SECONDS", 4
    )  # a busy machine may need more than one; a stop waits for it
    await repo.image("v1", config=CONFIG, layers=[b"only"])
    sink = Sink(BUSY)
    async with scripted(sink) as target, working(app):
        policy = await make(
            app, admin, body(await make_registry(app, admin, target.url), filters=[only(f"{project}/*")])
        )
        run = await begin(app, admin, policy)
        await until(lambda: bool(sink.ended))
        assert (await ask(app, admin, "PUT", f"{RUNS}/{run}")).status == 200
        await ended(app, admin, policy)

    assert sink.ended == sink.opened, "and only once"
