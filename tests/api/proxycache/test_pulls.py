"""What a pull finds in a project that mirrors another registry."""

import asyncio
import contextvars
import re
from collections.abc import Awaitable
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import text

from moorage.db.engine import _SqliteReader
from moorage.db.query_execution import PostgresqlReader
from moorage.db.statements import Query, Row
from moorage.db.unit_of_work import Work
from moorage.oci.digest import compute
from moorage.proxycache import inflight_fetches
from tests.api.client import OCI_MANIFEST, Answer, Client, Server
from tests.api.conftest import make_user
from tests.api.proxycache.conftest import CLOCK, Mirror, Shelf, make_mirror
from tests.api.test_labels_api import ask
from tests.api.workers import until
from tests.fakes.scripted import Say, Scripted, scripted


async def pull(mirror: Mirror, repository: str, tag: str) -> bytes:
    """All of an image; its manifest."""
    answer = await mirror.get(repository, tag)
    assert answer.status == 200, answer
    for digest in re.findall(rb"sha256:[0-9a-f]{64}", answer.body):
        found = await mirror.blob(repository, digest.decode())
        assert (found.status, str(compute(found.body))) == (200, digest.decode())
    return answer.body


async def kept(mirror: Mirror, repository: str) -> list[str]:
    """The tags that a repository shows, once it shows any."""
    path = f"/projects/{mirror.name}/repositories/{repository.replace('/', '%252F')}/artifacts"
    for _ in range(1500):
        answer = await ask(mirror.app, mirror.admin, "GET", path)
        tags = [tag["name"] for one in answer.json() for tag in one["tags"] or ()] if answer.status == 200 else []
        if tags:
            return tags
        await asyncio.sleep(0.02)
    raise AssertionError("it was not kept")


async def test_what_was_pulled_is_here(mirror: Mirror) -> None:
    raw = mirror.shelf.put("team/app", "v1")
    assert await pull(mirror, "team/app", "v1") == raw
    assert await kept(mirror, "team/app") == ["v1"]
    mirror.shelf.failing = Say(500)
    assert await pull(mirror, "team/app", "v1") == raw
    assert await pull(mirror, "team/app", str(compute(raw))) == raw
    assert (mirror.asked("GET", "/manifests/"), mirror.asked("HEAD", "/manifests/")) == (1, 0)
    size = len(next(iter(mirror.shelf.blobs.values())))
    head = await mirror.blob("team/app", next(iter(mirror.shelf.blobs)), "HEAD")
    assert (head.status, head.header("content-length")) == (200, str(size))


async def test_a_warm_pull_costs_what_a_hosted_one_does(mirror: Mirror) -> None:
    mirror.shelf.put("team/app", "v1")
    await pull(mirror, "team/app", "v1")
    await kept(mirror, "team/app")
    assert (await mirror.get("team/app", "v1")).status == 200
    token = await mirror.guest.token(f"repository:{mirror.name}/team/app:pull")
    headers = {"authorization": f"Bearer {token}"}
    reader = _SqliteReader if mirror.app.settings.sqlite_file else PostgresqlReader
    asked: list[Query] = []
    is_ours, one = contextvars.ContextVar("is_ours", default=False), reader.one

    def ask_one(self: Any, query: Query, *args: object) -> Awaitable[Row | None]:
        if is_ours.get():  # what was pulled before is looked after in the background
            asked.append(query)
        return one(self, query, *args)

    with mock.patch.object(reader, "one", ask_one):
        is_ours.set(True)
        answer = await mirror.app.send("GET", f"/v2/{mirror.name}/team/app/manifests/v1", headers=headers)
        is_ours.set(False)
    assert (answer.status, len(asked)) == (200, 1)


async def test_a_name_of_docker_hub_without_a_namespace_is_one_of_its_own(
    app: Server, admin: Client, upstream: Scripted, shelf: Shelf
) -> None:
    mirror = await make_mirror(app, admin, upstream, shelf, kind="docker-hub")
    raw = shelf.put("library/nginx", "1")
    assert await pull(mirror, "nginx", "1") == raw
    assert await kept(mirror, "library/nginx") == ["1"]
    assert await pull(mirror, "library/nginx", "1") == raw
    assert await pull(mirror, "nginx", "1") == raw
    assert mirror.asked("GET", "/manifests/") == 1


async def test_who_may_not_pull_here_learns_nothing_of_the_upstream(app: Server, mirror: Mirror) -> None:
    mirror.shelf.put("team/app", "v1")
    stranger = await make_user(app)
    answer = await app.send("GET", f"/v2/{mirror.name}/team/app/manifests/v1", headers=stranger.basic)
    assert (answer.status, mirror.asked("GET", "/manifests/")) == (401, 0)


async def test_a_tag_is_asked_for_once_in_its_time(app: Server, mirror: Mirror) -> None:
    first = mirror.shelf.put("team/app", "v1")
    await pull(mirror, "team/app", "v1")
    await kept(mirror, "team/app")
    second = mirror.shelf.put("team/app", "v1", "moved")
    for _ in range(5):
        assert (await mirror.get("team/app", "v1")).body == first
    assert (mirror.asked("HEAD", "/manifests/v1"), mirror.asked("GET", "/manifests/v1")) == (0, 1)
    await age(mirror, 61)
    assert (await mirror.get("team/app", "v1")).body == second
    assert (await mirror.get("team/app", "v1", "HEAD")).header("docker-content-digest") == str(compute(second))
    assert (mirror.asked("HEAD", "/manifests/v1"), mirror.asked("GET", "/manifests/v1")) == (1, 1)
    # The new one is kept once its blobs are here; the old one stays by its digest.
    await pull(mirror, "team/app", "v1")
    path = f"{mirror.name}/team/app"
    await until_rows(app, _TAGGED, [(compute(second).binary,)], path)
    assert (await mirror.get("team/app", str(compute(first)))).body == first


_TAGGED = (
    "SELECT a.digest FROM tag t JOIN artifact a ON a.id = t.artifact_id JOIN repository r ON r.id = a.repository_id"
    " WHERE r.path = :p"
)
_PULLS = (
    "SELECT u.pulls FROM pull u JOIN artifact a ON a.id = u.artifact_id JOIN repository r ON r.id = a.repository_id"
    " WHERE r.path = :p"
)


async def until_rows(app: Server, statement: str, wanted: list[tuple[object, ...]], path: str) -> None:
    """Wait until a statement gives these rows."""
    found: list[tuple[object, ...]] = []
    for _ in range(600):
        found = [tuple(row) for row in await app.rows(statement, p=path)]
        if found == wanted:
            return
        await asyncio.sleep(0.05)
    assert found == wanted


async def age(mirror: Mirror, seconds: int) -> None:
    """Let so much time pass, for what is written and for what this process remembers."""

    def change(work: Work) -> None:
        lite = work.db.dialect.name == "sqlite"
        back = ":s * 1000000" if lite else "make_interval(secs => :s)"
        work.db.execute(text(f"UPDATE proxy_tag SET checked_at = checked_at - {back}"), {"s": seconds})  # noqa: S608

    await mirror.app.run(change)
    CLOCK.later += seconds


@pytest.mark.parametrize(
    ("failing", "status", "wait"),
    [(Say(401), 503, None), (Say(403), 503, None), (Say(429, headers={"retry-after": "7"}), 429, "7"),
     (Say(500), 503, None), (Say(503), 503, None), (Say(418), 503, None)],
)  # fmt: skip
async def test_what_is_here_is_served_when_the_upstream_does_not(
    mirror: Mirror, failing: Say, status: int, wait: str | None
) -> None:
    raw = mirror.shelf.put("team/app", "v1")
    other = mirror.shelf.put("team/app", "v2")
    await pull(mirror, "team/app", "v1")
    await kept(mirror, "team/app")
    mirror.shelf.failing = failing
    fresh = await mirror.get("team/app", "v1")
    assert (fresh.body, fresh.header("warning")) == (raw, None)
    await age(mirror, 61)
    for method in ("GET", "HEAD", "GET"):
        stale = await mirror.get("team/app", "v1", method)
        assert (stale.status, stale.header("docker-content-digest")) == (200, str(compute(raw)))
        assert "110" in (stale.header("warning") or "")
    assert mirror.asked("HEAD", "/manifests/v1") == 1  # it is left alone for a while
    for reference in ("v2", str(compute(other))):
        answer = await mirror.get("team/app", reference)
        assert (answer.status, "The registry 'up" in answer.body.decode()) == (status, True), answer
        if wait is not None:
            assert answer.header("retry-after") == wait
    blob = await mirror.blob("team/app", str(compute(b"layer of team/app v2 ")))
    assert blob.status == status
    mirror.shelf.failing = None
    await age(mirror, 200)
    assert (await mirror.get("team/app", "v1")).header("warning") is None


async def test_an_upstream_that_is_away_takes_nothing_along(app: Server, admin: Client) -> None:
    shelf = Shelf()
    async with scripted(shelf) as upstream:
        mirror = await make_mirror(app, admin, upstream, shelf)
        raw = shelf.put("team/app", "v1")
        await pull(mirror, "team/app", "v1")
        await kept(mirror, "team/app")
        shelf.put("team/app", "v2")
    await age(mirror, 61)
    stale = await mirror.get("team/app", "v1")
    assert (stale.status, stale.body, "110" in (stale.header("warning") or "")) == (200, raw, True)
    missing = await mirror.get("team/app", "v2")
    assert (missing.status, "cannot be reached" in missing.body.decode()) == (503, True)


async def test_what_the_upstream_deleted_is_followed_or_kept(app: Server, admin: Client, mirror: Mirror) -> None:
    raw = mirror.shelf.put("team/app", "v1")
    await pull(mirror, "team/app", "v1")
    await kept(mirror, "team/app")
    del mirror.shelf.tags["team/app", "v1"]
    body = {"metadata": {"proxy_cache_local_on_not_found": "true"}}
    assert (await ask(app, admin, "PUT", f"/projects/{mirror.name}", body)).status == 200
    await age(mirror, 61)
    served = await mirror.get("team/app", "v1")
    assert (served.status, served.body) == (200, raw)
    assert await kept(mirror, "team/app") == ["v1"]

    body = {"metadata": {"proxy_cache_local_on_not_found": "false"}}
    assert (await ask(app, admin, "PUT", f"/projects/{mirror.name}", body)).status == 200
    await age(mirror, 130)
    for _ in range(2):
        gone = await mirror.get("team/app", "v1")
        assert (gone.status, gone.code) == (404, "MANIFEST_UNKNOWN")
    assert mirror.asked("HEAD", "/manifests/v1") == 2
    one = f"/projects/{mirror.name}/repositories/team%252Fapp/artifacts/{compute(raw)}"
    assert (await ask(app, admin, "GET", f"{one}/tags")).json() == []  # as everybody's: it is listed no more
    assert (await mirror.get("team/app", str(compute(raw)))).body == raw  # by its digest it is here
    mirror.shelf.failing = Say(500)
    await age(mirror, 300)
    assert (await mirror.get("team/app", "v1")).status in {404, 503}  # it was gone: nothing stale of it

    mirror.shelf.failing = None
    mirror.shelf.tags["team/app", "v1"] = raw
    await age(mirror, 500)
    assert (await mirror.get("team/app", "v1")).body == raw
    assert await kept(mirror, "team/app") == ["v1"]


async def test_what_is_nowhere_is_404(mirror: Mirror) -> None:
    for reference in ("v1", str(compute(b"x"))):
        answer = await mirror.get("team/none", reference)
        assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")
    for method in ("GET", "HEAD"):
        blob = await mirror.blob("team/none", str(compute(b"x")), method)
        assert blob.status == 404


async def test_a_tag_that_is_deleted_here_is_looked_up_again(app: Server, admin: Client, mirror: Mirror) -> None:
    mirror.shelf.put("team/app", "v1")
    await pull(mirror, "team/app", "v1")
    await kept(mirror, "team/app")
    second = mirror.shelf.put("team/app", "v1", "moved")
    path = f"/projects/{mirror.name}/repositories/team%252Fapp/artifacts/v1/tags/v1"
    assert (await ask(app, admin, "DELETE", path)).status == 200
    assert await pull(mirror, "team/app", "v1") == second


async def test_a_filter_leaves_repositories_out(app: Server, admin: Client, upstream: Scripted, shelf: Shelf) -> None:
    filtered = {"metadata": {"proxy_cache_filter_pattern": "team/**"}}
    mirror = await make_mirror(app, admin, upstream, shelf, **filtered)
    for repository, status in (("team/app", 200), ("other/app", 404)):
        raw = shelf.put(repository, "v1")
        assert (await mirror.get(repository, "v1")).status == status
        assert (await mirror.get(repository, str(compute(raw)))).status == status
        blob = str(compute(f"layer of {repository} v1 ".encode()))
        assert ((await mirror.blob(repository, blob)).status, (await mirror.blob(repository, blob, "HEAD")).status) == (
            status, status,
        )  # fmt: skip
        tags = await app.send("GET", f"/v2/{mirror.name}/{repository}/tags/list", headers=mirror.guest.basic)
        assert tags.status == status
    assert mirror.asked("GET", "other/app") == 0


async def test_tags_and_referrers_are_those_of_both(app: Server, admin: Client, mirror: Mirror) -> None:
    raw = mirror.shelf.put("team/app", "b")
    await pull(mirror, "team/app", "b")
    await kept(mirror, "team/app")
    for tag in ("a", "c"):
        mirror.shelf.put("team/app", tag)
    digest = str(compute(b"referrer"))
    entry = {
        "mediaType": OCI_MANIFEST,
        "digest": digest,
        "size": 8,
        "artifactType": "sbom/x",
        "annotations": {"a": "b"},
    }
    mirror.shelf.referrers["team/app", str(compute(raw))] = [entry]
    base = f"/v2/{mirror.name}/team/app"

    async def read(path: str) -> Answer:
        return await app.send("GET", base + path, headers=mirror.guest.basic)

    assert (await read("/tags/list")).json()["tags"] == ["a", "b", "c"]
    page = await read("/tags/list?n=2")
    assert (page.json()["tags"], 'rel="next"' in (page.header("link") or "")) == (["a", "b"], True)
    assert (await read("/tags/list?n=2&last=b")).json()["tags"] == ["c"]
    assert mirror.asked("GET", "/tags/list") == 1

    assert (await read(f"/referrers/{compute(raw)}")).json()["manifests"] == []
    body = {"metadata": {"proxy_referrer_api": "true"}}
    assert (await ask(app, admin, "PUT", f"/projects/{mirror.name}", body)).status == 200
    await age(mirror, 10)
    assert (await read(f"/referrers/{compute(raw)}")).json()["manifests"] == [entry]
    assert (await read(f"/referrers/{compute(raw)}?artifactType=other")).json()["manifests"] == []
    mirror.shelf.failing = Say(500)
    await age(mirror, 100)
    assert (await read("/tags/list")).status == 200


async def test_a_range_of_a_blob_that_comes_is_a_part_of_it(mirror: Mirror) -> None:
    mirror.shelf.put("team/app", "v1")
    data = b"layer of team/app v1 "
    part = await mirror.blob("team/app", str(compute(data)), range="bytes=3-7")
    assert (part.status, part.body, part.header("content-range")) == (206, data[3:8], f"bytes 3-7/{len(data)}")
    past = await mirror.blob("team/app", str(compute(data)), range="bytes=1000-")
    assert past.status == 416


async def test_a_pull_counts_once_the_image_is_here(app: Server, mirror: Mirror) -> None:
    mirror.shelf.put("team/app", "v1")
    await pull(mirror, "team/app", "v1")
    await kept(mirror, "team/app")
    await until_rows(app, _PULLS, [(1,)], f"{mirror.name}/team/app")


async def test_lies_are_not_kept(app: Server, mirror: Mirror) -> None:
    raw = mirror.shelf.put("team/app", "v1")
    data = b"layer of team/app v1 "
    mirror.shelf.blobs[str(compute(data))] = data[:-1] + b"!"
    answer = await mirror.blob("team/app", str(compute(data)))
    assert answer.broken or answer.status == 503
    assert data[-1:] != answer.body[-1:] or len(answer.body) < len(data)
    mirror.shelf.manifests[str(compute(b"other"))] = raw
    assert (await mirror.get("team/app", str(compute(b"other")))).status == 503
    assert await app.rows("SELECT 1 FROM artifact a JOIN repository r ON r.id = a.repository_id"
                          " WHERE r.path = :p", p=f"{mirror.name}/team/app") == []  # fmt: skip
    mirror.shelf.blobs[str(compute(data))] = data
    assert (await mirror.blob("team/app", str(compute(data)))).body == data


async def test_a_full_project_passes_on_and_what_was_pulled_longest_ago_goes(
    app: Server, admin: Client, upstream: Scripted, shelf: Shelf
) -> None:
    first = shelf.put("team/app", "v1", "x" * 1000)
    second = shelf.put("team/app", "v2", "y" * 1000)
    room = 1000 + len(first) + 600
    mirror = await make_mirror(app, admin, upstream, shelf, storage_limit=room)
    policies = f"/projects/{mirror.name}/webhook/policies"
    sent = {"name": "full", "targets": [{"type": "http", "address": "https://example.org"}]}
    made = await ask(app, admin, "POST", policies, {**sent, "event_types": ["QUOTA_EXCEED"]})
    assert made.status == 201, made
    hook = f"{policies}/{made.location.rpartition('/')[2]}"
    assert await pull(mirror, "team/app", "v1") == first
    assert await kept(mirror, "team/app") == ["v1"]
    assert await pull(mirror, "team/app", "v2") == second
    await until(lambda: shows(mirror, "team/app", ["v2"]))
    assert await used(app, mirror) <= room
    asked = mirror.asked("GET", "/manifests/v1")
    assert await pull(mirror, "team/app", "v1") == first
    assert mirror.asked("GET", "/manifests/v1") == asked + 1

    await until(lambda: shows(mirror, "team/app", ["v1"]))
    body = {"metadata": {"proxy_cache_evict": "false"}}
    assert (await ask(app, admin, "PUT", f"/projects/{mirror.name}", body)).status == 200
    await age(mirror, 61)
    shown = await kept_now(mirror, "team/app")
    assert await pull(mirror, "team/app", "v2") == second

    async def is_told() -> bool:  # of this pull, or of one before it, at most once in ten minutes; beside the reply
        told = await ask(app, admin, "GET", f"{hook}/deliveries")
        return [one["event_type"] for one in told.json()] == ["QUOTA_EXCEED"]

    await until(is_told)
    assert await kept_now(mirror, "team/app") == shown
    assert (await ask(app, admin, "DELETE", hook)).status == 200
    large = shelf.put("team/large", "v1", "z" * 5000)
    assert await pull(mirror, "team/large", "v1") == large
    assert await used(app, mirror) <= room


async def shows(mirror: Mirror, repository: str, tags: list[str]) -> bool:
    """Whether a repository shows just these tags."""
    return await kept_now(mirror, repository) == tags


async def kept_now(mirror: Mirror, repository: str) -> list[str]:
    """The tags that a repository shows."""
    path = f"/projects/{mirror.name}/repositories/{repository.replace('/', '%252F')}/artifacts"
    answer = await ask(mirror.app, mirror.admin, "GET", path)
    return [tag["name"] for one in answer.json() for tag in one["tags"] or ()] if answer.status == 200 else []


async def used(app: Server, mirror: Mirror) -> int:
    """What the project holds, with its trash."""
    summary = (await ask(app, mirror.admin, "GET", f"/projects/{mirror.name}/summary")).json()["quota"]
    return int(summary["used"]["storage"]) + int(summary["trash"])


async def test_of_many_who_want_what_is_nowhere_one_asks(mirror: Mirror) -> None:
    answers = await asyncio.gather(*(mirror.get("team/none", "v9") for _ in range(20)))
    assert {answer.status for answer in answers} == {404}
    assert mirror.asked("GET", "/manifests/v9") == 1
    raw = mirror.shelf.put("team/none", "v9")
    await age(mirror, 3)
    assert (await mirror.get("team/none", "v9")).body == raw


async def test_a_secret_that_does_not_open_takes_nothing_along(
    app: Server, admin: Client, upstream: Scripted, shelf: Shelf
) -> None:
    mirror = await make_mirror(app, admin, upstream, shelf)
    raw = shelf.put("team/app", "v1")
    await pull(mirror, "team/app", "v1")
    await kept(mirror, "team/app")

    def damage(work: Work) -> None:
        statement = text("UPDATE registry SET sealed_secret = :s, access_key = 'a' WHERE id = :n")
        work.db.execute(statement, {"s": b"damaged", "n": mirror.registry_id})

    await app.run(damage)
    await age(mirror, 61)
    assert (await mirror.get("team/app", "v1")).body == raw


async def test_a_filter_that_cannot_be_read_is_refused_on_each_way(app: Server, admin: Client, mirror: Mirror) -> None:
    path = f"/projects/{mirror.name}"
    pattern, kind = "proxy_cache_filter_pattern", "proxy_cache_filter_kind"

    async def set_(method: str, where: str, body: object) -> tuple[int, str]:
        answer = await ask(app, admin, method, f"{path}{where}", body)
        said = answer.json()["errors"][0] if answer.status >= 400 else {"detail": {"reason": ""}}
        return answer.status, str(said["detail"]["reason"])

    unread = (400, "SELECTOR_INVALID")
    assert await set_("POST", "/metadatas", {pattern: "[a"}) == unread
    assert await set_("PUT", "", {"metadata": {pattern: "[a"}}) == unread
    assert await set_("POST", "/metadatas", {pattern: "*a"}) == (200, "")
    assert await set_("PUT", f"/metadatas/{pattern}", {pattern: "[a"}) == unread
    assert await set_("POST", "/metadatas", {kind: "regex"}) == unread  # `*a` is no regular expression
    assert await set_("PUT", "", {"metadata": {kind: "regex"}}) == unread
    assert await set_("PUT", "", {"metadata": {kind: "regex", pattern: r"[\]a]"}}) == (200, "")
    found = (await ask(app, admin, "GET", path)).json()["metadata"]
    assert (found[kind], found[pattern]) == ("regex", r"[\]a]")


async def test_a_filter_that_cannot_be_read_lets_nothing_through(app: Server, mirror: Mirror) -> None:
    mirror.shelf.put("team/app", "v1")

    def damage(work: Work) -> None:
        statement = text("UPDATE project SET settings = :s WHERE name = :n")
        work.db.execute(statement, {"s": '{"proxy_cache_filter_pattern": "[a"}', "n": mirror.name})

    await app.run(damage)
    assert (await mirror.get("team/app", "v1")).status == 404
    assert mirror.asked("GET", "/manifests/") == 0


async def test_a_full_disk_is_said(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.shelf.put("team/app", "v1")
    digest = str(compute(b"layer of team/app v1 "))
    monkeypatch.setattr(inflight_fetches, "_SPARE_BYTES", 1 << 60)
    full = await mirror.blob("team/app", digest)
    assert (full.status, full.json()["errors"][0]["detail"]["reason"]) == (503, "UPSTREAM_FAILED")
    assert "storage is full" in full.body.decode()
    monkeypatch.undo()
    assert (await mirror.blob("team/app", digest)).status == 200


async def test_more_fetches_of_a_repository_than_it_may_have_are_refused(
    app: Server, admin: Client, upstream: Scripted, shelf: Shelf
) -> None:
    mirror = await make_mirror(app, admin, upstream, shelf, metadata={"max_upstream_conn": "1", "proxy_speed_kb": "1"})
    for tag in ("v1", "v2"):
        shelf.put("team/app", tag, "x" * 2000)
    first, second = (str(compute(f"layer of team/app {tag} {'x' * 2000}".encode())) for tag in ("v1", "v2"))
    coming = asyncio.create_task(mirror.blob("team/app", first))  # for two seconds
    await until(lambda: mirror.asked("GET", "/blobs/") == 1)
    answers = [await mirror.blob("team/app", second), await coming]
    assert sorted(answer.status for answer in answers) == [200, 429]
    assert {answer.code for answer in answers if answer.status == 429} == {"TOOMANYREQUESTS"}
