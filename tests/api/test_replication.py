"""Replication through the REST API: policies, what starts a run, and runs to and from Debian's docker-registry."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from moorage.access.policy import Role
from moorage.jobs.queue import Job
from moorage.jobs.schedule import fire
from tests.api.client import OCI_MANIFEST, Answer, Client, Repo, Server, descriptor, digest_of, encode, image
from tests.api.conftest import make_project, make_user, unique
from tests.api.test_labels_api import ask
from tests.api.test_proxy_cache import Shelf
from tests.api.workers import until, working
from tests.fakes.scripted import Heard, Say, Scripted, scripted
from tests.parts import Parts
from tests.parts.docker_registry import DockerRegistry

POLICIES, RUNS = "/replication/policies", "/replication/executions"


def locked(heard: Heard) -> Say:
    """A registry that lets nobody in once it was registered."""
    return Say(200) if heard.path == "/v2/" else Say(403, {"errors": [{"code": "DENIED", "message": "go away"}]})


@pytest_asyncio.fixture(loop_scope="session")
async def upstream() -> AsyncIterator[Scripted]:
    async with scripted(locked) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def registry(app: Server, admin: Client, upstream: Scripted) -> int:
    """An endpoint."""
    return await make_registry(app, admin, upstream.url)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt is made at once."""
    monkeypatch.setattr(Job, "delay", lambda *_: 0.05)


async def make_registry(app: Server, who: Client, url: str, **credential: str) -> int:
    """An endpoint's id."""
    sent = {"name": unique("registry"), "type": "docker-registry", "url": url, "credential": credential}
    answer = await ask(app, who, "POST", "/registries", sent)
    assert answer.status == 201, answer
    return int(answer.location.rpartition("/")[2])


def body(to: int | None = None, *, source: int | None = None, **more: Any) -> dict[str, Any]:
    """A policy, as clients of the contract send it."""
    sent: dict[str, Any] = {"name": unique("rule"), "enabled": True, "override": True, "filters": []}
    sent["dest_registry"] = {"id": to or 0}
    sent["src_registry"] = {"id": source or 0}
    return {**sent, "trigger": {"type": "manual"}, **more}


def only(pattern: str) -> dict[str, str]:
    """A filter by name."""
    return {"type": "name", "value": pattern}


async def make(app: Server, who: Client, sent: dict[str, Any]) -> int:
    """A policy's id."""
    answer = await ask(app, who, "POST", POLICIES, sent)
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


async def begin(app: Server, who: Client, policy: int) -> int:
    """Start a run; its id."""
    answer = await ask(app, who, "POST", RUNS, {"policy_id": policy})
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


async def runs(app: Server, who: Client, policy: int) -> list[dict[str, Any]]:
    """The runs of a policy, the newest first."""
    return list((await ask(app, who, "GET", f"{RUNS}?policy_id={policy}&page_size=100")).json())


async def tasks(app: Server, who: Client, run: int) -> list[dict[str, Any]]:
    """The artifacts of a run."""
    answer = await ask(app, who, "GET", f"{RUNS}/{run}/tasks?page_size=100")
    assert answer.status == 200, answer
    return list(answer.json())


async def ended(app: Server, who: Client, policy: int) -> list[dict[str, Any]]:
    """The runs of a policy, once all of them have ended, with their tasks."""
    async with asyncio.timeout(60):
        while True:
            found = await runs(app, who, policy)
            if found and all(one["status"] != "InProgress" for one in found):
                return [{**one, "tasks": await tasks(app, who, one["id"])} for one in found]
            await asyncio.sleep(0.05)


async def ended_run(app: Server, who: Client, run: int) -> dict[str, Any]:
    """A run, once it has ended."""
    found: dict[str, Any] = {}

    async def holds() -> bool:
        found.update((await ask(app, who, "GET", f"{RUNS}/{run}")).json())
        return bool(found["status"] != "InProgress")

    await until(holds)
    return found


def reason(answer: Answer) -> str:
    """Our finer name of an error."""
    return str(answer.json()["errors"][0]["detail"]["reason"])


# -- policies ----


async def test_a_policy_is_made_shown_changed_and_deleted(app: Server, admin: Client, registry: int) -> None:
    filters: list[dict[str, Any]] = [
        only("team/**"), {"type": "tag", "value": "v*", "decoration": "excludes"},
        {"type": "tag", "value": ">=1.0.0", "kind": "semver"},
        {"type": "label", "value": ["ready", "signed"], "decoration": "matches"},
        {"type": "resource", "value": "image"},
        {"type": "platform", "value": ["linux/amd64", "linux/arm64/v8"]},
    ]  # fmt: skip
    sent = body(registry, filters=filters, dest_namespace="mirror/x", dest_namespace_replace_count=1, speed=100,
                copy_by_chunk=True, single_active_replication=True, description="<b>",
                trigger={"type": "scheduled", "trigger_settings": {"cron": "0 5 * * * *"}})  # fmt: skip
    made = await make(app, admin, sent)
    path = f"{POLICIES}/{made}"

    shown = (await ask(app, admin, "GET", path)).json()

    assert (shown["src_registry"]["id"], shown["dest_registry"]["id"]) == (0, registry)
    assert shown["dest_registry"]["type"] == "docker-registry"
    filters[1]["decoration"], filters[2]["decoration"], filters[5]["decoration"] = "excludes", "matches", "matches"
    filters[5]["value"] = ["linux/amd64", "linux/arm64"]
    assert shown["filters"] == filters
    for name in ("name", "description", "dest_namespace", "dest_namespace_replace_count", "speed", "copy_by_chunk",
                 "single_active_replication", "trigger", "override", "enabled"):  # fmt: skip
        assert shown[name] == sent[name], name
    listed = await ask(app, admin, "GET", f"{POLICIES}?name={sent['name'][2:]}")
    assert [one["id"] for one in listed.json()] == [made]
    assert listed.header("x-total-count") == "1"
    again = await ask(app, admin, "POST", POLICIES, sent)
    assert (again.status, reason(again)) == (409, "REPLICATION_EXISTS")

    assert (await ask(app, admin, "PUT", path, {**shown, "enabled": False, "speed": -1})).status == 200
    changed = (await ask(app, admin, "GET", path)).json()
    assert (changed["enabled"], changed["speed"], changed["filters"]) == (False, 0, filters)
    assert (await ask(app, admin, "PUT", path, {"description": "less"})).status == 200
    assert (await ask(app, admin, "GET", path)).json()["filters"] == filters

    in_use = await ask(app, admin, "DELETE", f"/registries/{registry}")
    assert (in_use.status, reason(in_use)) == (412, "REGISTRY_IN_USE")
    assert (await ask(app, admin, "DELETE", path)).status == 200
    assert reason(await ask(app, admin, "GET", path)) == "REPLICATION_UNKNOWN"
    assert (await ask(app, admin, "DELETE", f"/registries/{registry}")).status == 200
    written = await app.rows(
        "SELECT operation, resource FROM audit WHERE resource_type = 'replication' AND resource = :name ORDER BY id",
        name=sent["name"],
    )
    assert written == [(word, sent["name"]) for word in ("create", "update", "update", "delete")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": " x"}, {"name": "x" * 256}, {"src_registry": {"id": 1}}, {"dest_registry": {"id": 0}},
        {"dest_namespace": "Team"}, {"dest_namespace": "a/"}, {"dest_namespace_replace_count": -2},
        {"trigger": {"type": "now"}}, {"trigger": {"type": "scheduled"}},
        {"trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 * * * * *"}}},
        {"trigger": {"type": "scheduled", "trigger_settings": {"cron": "1 0 * * * *"}}},
        {"trigger": {"type": "event_based"}, "single_active_replication": True},
        {"filters": [{"type": "colour", "value": "red"}]}, {"filters": [{"type": "resource", "value": ""}]},
        {"filters": [{"type": "name", "value": "["}]}, {"filters": [{"type": "label", "value": []}]},
        {"filters": [{"type": "name", "value": "a", "decoration": "excludes"}]},
        {"filters": [{"type": "tag", "value": "(", "kind": "regex"}]}, {"filters": [{"type": "tag", "value": ["v1"]}]},
        {"filters": [only("x")] * 31},
    ],
)  # fmt: skip
async def test_a_policy_that_cannot_be_used_is_refused(
    app: Server, admin: Client, registry: int, wrong: dict[str, Any]
) -> None:
    answer = await ask(app, admin, "POST", POLICIES, {**body(registry), **wrong})

    assert answer.status == 400, answer


async def test_only_pushes_start_by_events(app: Server, admin: Client, registry: int) -> None:
    answer = await ask(app, admin, "POST", POLICIES, body(source=registry, trigger={"type": "event_based"}))

    assert (answer.status, reason(answer)) == (400, "REPLICATION_INVALID")


async def test_policies_and_runs_are_the_systems_business(
    app: Server, admin: Client, registry: int, project: str
) -> None:
    made = await make(app, admin, body(registry, filters=[only("nobody/*")]))
    run = await begin(app, admin, made)
    maintainer = await make_user(app, {project: Role.PROJECT_ADMIN})

    for method, path in (("GET", POLICIES), ("GET", f"{POLICIES}/{made}"), ("DELETE", f"{POLICIES}/{made}"),
                         ("GET", RUNS), ("GET", f"{RUNS}/{run}"), ("GET", f"{RUNS}/{run}/tasks")):  # fmt: skip
        assert (await ask(app, maintainer, method, path)).status == 403, path
    for method, path in (("POST", RUNS), ("PUT", f"{RUNS}/{run}"), ("POST", POLICIES), ("PUT", f"{POLICIES}/{made}")):
        assert (await ask(app, maintainer, method, path, {"policy_id": made})).status == 403, path


# -- starting and stopping ----


async def test_a_policy_that_is_off_or_not_there_is_not_started(app: Server, admin: Client, registry: int) -> None:
    off = await make(app, admin, body(registry, enabled=False))

    refused = await ask(app, admin, "POST", RUNS, {"policy_id": off})
    missing = await ask(app, admin, "POST", RUNS, {"policy_id": 2**40})
    none = await ask(app, admin, "POST", RUNS, {})
    huge = await ask(app, admin, "POST", RUNS, {"policy_id": 2**63})

    assert (refused.status, reason(refused)) == (412, "REPLICATION_DISABLED")
    assert (missing.status, none.status, huge.status) == (404, 404, 404)
    assert (await ask(app, admin, "GET", f"{RUNS}?policy_id={2**70}")).status == 422
    assert await runs(app, admin, 2**40) == []
    assert await runs(app, admin, off) == []


async def test_a_run_is_stopped_and_its_policy_goes_only_then(app: Server, admin: Client, registry: int) -> None:
    made = await make(app, admin, body(registry, filters=[only("nobody/*")]))
    run = await begin(app, admin, made)

    busy = await ask(app, admin, "DELETE", f"{POLICIES}/{made}")
    assert (busy.status, reason(busy)) == (412, "REPLICATION_RUNNING")
    assert [(one["id"], one["status"]) for one in await runs(app, admin, made)] == [(run, "InProgress")]
    for _ in range(2):
        assert (await ask(app, admin, "PUT", f"{RUNS}/{run}")).status == 200
    shown = (await ask(app, admin, "GET", f"{RUNS}/{run}")).json()
    assert (shown["status"], shown["trigger"], shown["total"]) == ("Stopped", "manual", 0)
    assert (await ask(app, admin, "GET", f"{RUNS}?policy_id={made}&status=Stopped&trigger=manual")).json() == [shown]
    assert (await ask(app, admin, "GET", f"{RUNS}?policy_id={made}&status=Succeed")).json() == []
    assert (await ask(app, admin, "GET", f"{RUNS}?status=Odd")).status == 422
    assert (await ask(app, admin, "DELETE", f"{POLICIES}/{made}")).status == 200
    assert (await ask(app, admin, "GET", f"{RUNS}/{run}")).status == 404
    for path in (f"{RUNS}/{run}/tasks", f"{RUNS}/{run}/tasks/1/log"):
        assert (await ask(app, admin, "GET", path)).status == 404
    written = await app.rows(
        "SELECT operation FROM audit WHERE resource_type = 'execution' AND resource = 'REPLICATION' "
        "AND principal_name = 'admin' ORDER BY id DESC LIMIT 2"
    )
    assert {row[0] for row in written} == {"create", "stop"}


async def test_a_run_that_takes_nothing_succeeds_and_says_so(app: Server, admin: Client, registry: int) -> None:
    made = await make(app, admin, body(registry, filters=[only("nobody/*")]))
    await begin(app, admin, made)

    async with working(app):
        (run,) = await ended(app, admin, made)

    assert (run["status"], run["status_text"], run["total"]) == ("Succeed", "no resources need to be replicated", 0)


async def test_a_second_run_is_skipped_where_only_one_may_be_active(app: Server, admin: Client, registry: int) -> None:
    made = await make(app, admin, body(registry, filters=[only("nobody/*")], single_active_replication=True))
    first, second = await begin(app, admin, made), await begin(app, admin, made)
    await app.rows("UPDATE task SET status = 'Scheduled', due_at = NULL WHERE execution_id = :run", run=first)

    async with working(app):
        found = await ended_run(app, admin, second)
    assert (await ask(app, admin, "PUT", f"{RUNS}/{first}")).status == 200

    assert (found["status"], found["status_text"]) == (
        "Failed", "Execution skipped: active replication still in progress.",
    )  # fmt: skip


async def test_a_schedule_starts_a_run_while_the_policy_is_on(app: Server, admin: Client, registry: int) -> None:
    trigger = {"type": "scheduled", "trigger_settings": {"cron": "0 5 * * * *"}}
    made = await make(app, admin, body(registry, filters=[only("nobody/*")], trigger=trigger))
    find = "SELECT id FROM schedule WHERE vendor_type = 'REPLICATION' AND vendor_id = :id"
    ((schedule,),) = await app.rows(find, id=made)
    await app.rows("UPDATE schedule SET next_at = created_at WHERE id = :id", id=schedule)

    assert await app.run(fire, schedule)

    assert [one["trigger"] for one in await runs(app, admin, made)] == ["scheduled"]
    assert (await ask(app, admin, "PUT", f"{POLICIES}/{made}", {"enabled": False})).status == 200
    assert (
        await app.rows("SELECT id FROM schedule WHERE vendor_type = 'REPLICATION' AND vendor_id = :id", id=made) == []
    )


# -- events ----


async def planned(app: Server, who: Client, policy: int) -> list[tuple[str, str, str]]:
    """What the runs of a policy are to do, the oldest first."""
    found = []
    for run in reversed(await runs(app, who, policy)):
        assert run["trigger"] == "event_based"
        found += [
            (one["operation"], one["src_resource"], one["dst_resource"]) for one in await tasks(app, who, run["id"])
        ]
    return found


async def test_what_happens_here_starts_runs_of_its_own(
    app: Server, admin: Client, registry: int, repo: Repo, project: str
) -> None:
    taken = [only(f"{project}/**"), {"type": "tag", "value": "v*"}]
    by_event: dict[str, Any] = {"trigger": {"type": "event_based"}, "filters": taken, "dest_namespace": "mirror"}
    made = await make(app, admin, body(registry, replicate_deletion=True, **by_event))
    keeps = await make(app, admin, body(registry, **by_event))
    off = await make(app, admin, body(registry, **by_event, enabled=False))
    artifacts = f"/projects/{project}/repositories/app/artifacts"

    digest = await repo.image("v1")
    await repo.image("latest", layers=[b"another"])
    assert (await ask(app, admin, "POST", f"{artifacts}/{digest}/tags", {"name": "v2"})).status == 201
    await repo.blob(b"{}")
    signature = image(layers=[], subject={"mediaType": OCI_MANIFEST, "digest": digest, "size": 1})
    assert (await repo.put(digest_of(encode(signature)), signature)).status == 201
    assert (await ask(app, admin, "DELETE", f"{artifacts}/{digest}/tags/v2")).status == 200
    assert (await ask(app, admin, "DELETE", f"{artifacts}/{digest}")).status == 200

    source, target = f"{project}/app", "mirror/app"
    copies = [("copy", f"{source}:{tags}", f"{target}:{tags}") for tags in ("v1", "v2", "v1,v2")]
    deleted = [("deletion", f"{source}:{tag}", f"{target}:{tag}") for tag in ("v2", "v1")]
    assert await planned(app, admin, made) == copies + deleted
    assert await planned(app, admin, keeps) == copies
    assert await runs(app, admin, off) == []
    for policy in (made, keeps):
        for run in await runs(app, admin, policy):
            assert (await ask(app, admin, "PUT", f"{RUNS}/{run['id']}")).status == 200
        assert (await ask(app, admin, "DELETE", f"{POLICIES}/{policy}")).status == 200


async def test_a_deleted_repository_is_one_run_with_a_task_for_each_artifact(
    app: Server, admin: Client, registry: int, repo: Repo, project: str
) -> None:
    for tag in ("v1", "v2", "other"):
        await repo.image(tag, layers=[tag.encode()])
    taken = [only(f"{project}/**"), {"type": "tag", "value": "v*"}]
    by_event: dict[str, Any] = {"trigger": {"type": "event_based"}, "filters": taken, "dest_namespace": "mirror"}
    made = await make(app, admin, body(registry, replicate_deletion=True, **by_event))
    keeps = await make(app, admin, body(registry, **by_event))

    assert (await ask(app, admin, "DELETE", f"/projects/{project}/repositories/app")).status == 200

    assert [one["total"] for one in await runs(app, admin, made)] == [2]
    assert await planned(app, admin, made) == [
        ("deletion", f"{project}/app:{tag}", f"mirror/app:{tag}") for tag in ("v1", "v2")
    ]
    assert await runs(app, admin, keeps) == []
    for run in await runs(app, admin, made):
        assert (await ask(app, admin, "PUT", f"{RUNS}/{run['id']}")).status == 200
    for policy in (made, keeps):
        assert (await ask(app, admin, "DELETE", f"{POLICIES}/{policy}")).status == 200


# -- with a registry ----


@pytest_asyncio.fixture(loop_scope="session")
async def debian(app: Server, admin: Client, parts: Parts) -> tuple[int, DockerRegistry]:
    """Debian's docker-registry, and its endpoint."""
    part = parts.get("docker_registry", DockerRegistry)
    made = await make_registry(
        app, admin, f"http://{part.host}", type="basic", access_key=part.username, access_secret=part.password
    )
    return made, part


def there(part: DockerRegistry, path: str) -> httpx.Response:
    """What it answers."""
    return httpx.get(
        f"http://{part.host}/v2/{path}", auth=(part.username, part.password),
        headers={"accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"},
        timeout=60,
    )  # fmt: skip


@pytest.mark.part("docker_registry")
async def test_artifacts_go_there_and_come_back(
    app: Server, admin: Client, repo: Repo, project: str, debian: tuple[int, DockerRegistry]
) -> None:
    registry, part = debian
    digests = {tag: await repo.image(tag, layers=[f"{project} {tag}".encode() * 1000]) for tag in ("v1", "v2", "old")}
    filters = [only(f"{project}/*"), {"type": "tag", "value": "v*"}]
    out = await make(app, admin, body(registry, filters=filters, dest_namespace=f"out/{project}"))
    back = await make(
        app, admin, body(source=registry, filters=[only(f"out/{project}/**")], dest_namespace=f"{project}-back")
    )
    async with working(app):
        await begin(app, admin, out)
        (pushed,) = await ended(app, admin, out)
        await begin(app, admin, back)
        (pulled,) = await ended(app, admin, back)

    assert (pushed["status"], pushed["total"], pushed["succeed"]) == ("Succeed", 2, 2), pushed
    assert pushed["done_bytes"] == pushed["total_bytes"] > 0
    task = pushed["tasks"][0]
    assert (task["operation"], task["resource_type"], task["status"]) == ("copy", "image", "Succeed")
    assert (task["src_resource"], task["dst_resource"]) == (f"{project}/app:v1", f"out/{project}/app:v1")
    log = await ask(app, admin, "GET", f"{RUNS}/{pushed['id']}/tasks/{task['id']}/log")
    assert (log.status, log.header("content-type")) == (200, "text/plain; charset=utf-8")
    assert digests["v1"] in log.body.decode()
    for tag in ("v1", "v2"):
        assert there(part, f"out/{project}/app/manifests/{tag}").headers["docker-content-digest"] == digests[tag]
    assert there(part, f"out/{project}/app/manifests/old").status_code == 404
    assert (pulled["status"], pulled["total"], pulled["succeed"]) == ("Succeed", 2, 2), pulled
    mine = await ask(app, admin, "GET", f"/projects/{project}-back/repositories/app/artifacts")
    assert {one["digest"] for one in mine.json()} == {digests["v1"], digests["v2"]}
    assert (await ask(app, admin, "GET", f"/projects/{project}-back")).json()["metadata"]["public"] == "false"


@pytest.mark.part("docker_registry")
async def test_a_projects_webhook_is_told_of_each_artifact(  # noqa: PLR0917 - each is a part of the story
    app: Server, admin: Client, repo: Repo, project: str, debian: tuple[int, DockerRegistry], registry: int
) -> None:
    digest = await repo.image("v1")
    filters = [only(f"{project}/*")]
    good = await make(app, admin, body(debian[0], filters=filters, description="words"))
    bad = await make(app, admin, body(registry, filters=filters))
    async with scripted(lambda _: Say(200)) as receiver, working(app):
        hook = {"name": "told", "enabled": True, "event_types": ["REPLICATION"]}
        targets = [{"type": "http", "address": receiver.url, "payload_format": "CloudEvents"}]
        path = f"/projects/{project}/webhook/policies"
        assert (await ask(app, admin, "POST", path, {**hook, "targets": targets})).status == 201
        run = await begin(app, admin, good)
        await ended(app, admin, good)
        await begin(app, admin, bad)
        await ended(app, admin, bad)
        await until(lambda: len(receiver.heard) == 2)

    first, second = (json.loads(one.body) for one in receiver.heard)
    told = first["data"]["replication"]
    assert first["type"] == "harbor.replication.status.changed"
    assert (told["job_status"], told["policy_creator"], told["description"]) == ("Success", "admin", "words")
    assert (told["execution_id"], told["trigger_type"], told["override_mode"]) == (run, "MANUAL", True)
    assert (told["src_resource"]["registry_name"], told["src_resource"]["namespace"]) == ("Local", project)
    assert told["dest_resource"]["registry_type"] == "docker-registry"
    (artifact,) = told["successful_artifact"]
    assert (artifact["name_tag"], artifact["references"], artifact["status"]) == ("app:v1", ["v1"], "Success")
    (failed,) = second["data"]["replication"]["failed_artifact"]
    assert (failed["status"], failed["fail_reason"]) == ("Error", "The other registry does not allow this (403).")
    assert digest


async def test_a_copy_that_finds_no_room_is_told_as_a_push_is(app: Server, admin: Client) -> None:
    shelf = Shelf()
    shelf.put("team/app", "v1", "n" * 6_000)
    project = await make_project(app, limit_bytes=5_000)
    async with scripted(shelf) as source, scripted(lambda _: Say(200)) as receiver, working(app):
        hook = {"name": "told", "enabled": True, "event_types": ["QUOTA_EXCEED"]}
        targets = [{"type": "http", "address": receiver.url}]
        path = f"/projects/{project}/webhook/policies"
        assert (await ask(app, admin, "POST", path, {**hook, "targets": targets})).status == 201
        one = body(source=await make_registry(app, admin, source.url), filters=[only("team/app")])
        policy = await make(app, admin, {**one, "dest_namespace": project})
        await begin(app, admin, policy)
        (run,) = await ended(app, admin, policy)
        await until(lambda: len(receiver.heard) >= 1)

    assert (run["status"], run["failed"]) == ("Failed", 1), run
    told = json.loads(receiver.heard[0].body)
    assert (told["type"], told["event_data"]["repository"]["repo_full_name"]) == ("QUOTA_EXCEED", f"{project}/app")
    assert "upper limit of 4.9 KiB" in told["event_data"]["custom_attributes"]["Details"]


@pytest.mark.part("docker_registry")
async def test_a_tag_that_leads_elsewhere_stays_unless_it_may_be_moved(
    app: Server, admin: Client, repo: Repo, project: str, debian: tuple[int, DockerRegistry]
) -> None:
    registry, part = debian
    filters = [only(f"{project}/*")]
    keeps = await make(app, admin, body(registry, filters=filters, override=False))
    moves = await make(app, admin, body(registry, filters=filters))
    first = await repo.image("v1", layers=[b"first"])
    async with working(app):
        await begin(app, admin, keeps)
        await ended(app, admin, keeps)
        second = await repo.image("v1", layers=[b"second"])
        await begin(app, admin, keeps)
        kept = (await ended(app, admin, keeps))[0]
        assert there(part, f"{project}/app/manifests/v1").headers["docker-content-digest"] == first
        await begin(app, admin, moves)
        (moved,) = await ended(app, admin, moves)

    assert kept["status"] == "Succeed"
    assert "v1 led elsewhere there, and stayed." in [one["message"] for one in kept["tasks"]]
    assert moved["status"] == "Succeed"
    assert there(part, f"{project}/app/manifests/v1").headers["docker-content-digest"] == second


@pytest.mark.part("docker_registry")
async def test_an_event_copies_and_deletes_there(
    app: Server, admin: Client, repo: Repo, project: str, debian: tuple[int, DockerRegistry]
) -> None:
    registry, part = debian
    by_event: dict[str, Any] = {
        "trigger": {"type": "event_based"},
        "filters": [only(f"{project}/*")],
        "replicate_deletion": True,
    }
    made = await make(app, admin, body(registry, **by_event))
    async with working(app):
        digest = await repo.image("v1")
        await ended(app, admin, made)
        assert there(part, f"{project}/app/manifests/v1").headers["docker-content-digest"] == digest
        artifacts = f"/projects/{project}/repositories/app/artifacts"
        assert (await ask(app, admin, "DELETE", f"{artifacts}/{digest}")).status == 200
        found = await ended(app, admin, made)

    assert [one["status"] for one in found] == ["Succeed", "Succeed"], [one["status_text"] for one in found]
    assert there(part, f"{project}/app/manifests/{digest}").status_code == 404
    assert (await ask(app, admin, "DELETE", f"{POLICIES}/{made}")).status == 200


@pytest.mark.part("docker_registry")
async def test_a_tag_that_moves_while_it_is_copied_leads_there_where_it_leads_here(
    app: Server, admin: Client, repo: Repo, project: str, debian: tuple[int, DockerRegistry]
) -> None:
    registry, part = debian
    by_event: dict[str, Any] = {"trigger": {"type": "event_based"}, "filters": [only(f"{project}/*")]}
    made = await make(app, admin, body(registry, **by_event))
    digest = ""
    async with working(app):
        for number in range(8):
            digest = await repo.image("v1", layers=[bytes([number]) * 200_000 * (8 - number)])
        found = await ended(app, admin, made)

    told = [
        (one["status_text"], [task["message"] for task in one["tasks"]]) for one in found if one["status"] != "Succeed"
    ]
    assert told == []
    assert len(found) == 8
    assert there(part, f"{project}/app/manifests/v1").headers["docker-content-digest"] == digest
    assert (await ask(app, admin, "DELETE", f"{POLICIES}/{made}")).status == 200


async def test_a_run_that_fails_names_each_artifact_once_with_its_cause(
    app: Server, admin: Client, registry: int, repo: Repo, project: str
) -> None:
    await repo.image("v1")
    await repo.image("v2", layers=[b"other"])
    made = await make(app, admin, body(registry, filters=[only(f"{project}/*")]))
    async with working(app):
        await begin(app, admin, made)
        (run,) = await ended(app, admin, made)

    assert (run["status"], run["total"], run["failed"], run["succeed"]) == ("Failed", 2, 2, 0)
    assert [one["src_resource"] for one in run["tasks"]] == [f"{project}/app:v1", f"{project}/app:v2"]
    for one in run["tasks"]:
        assert (one["status"], one["message"]) == ("Failed", "The other registry does not allow this (403).")
    assert run["status_text"] == run["tasks"][0]["message"]


async def test_a_name_that_is_too_short_to_be_replaced_fails_with_a_sentence(
    app: Server, admin: Client, registry: int, repo: Repo, project: str
) -> None:
    await repo.image("v1")
    filters = [only(f"{project}/*")]
    made = await make(app, admin, body(registry, filters=filters, dest_namespace="x", dest_namespace_replace_count=2))
    async with working(app):
        await begin(app, admin, made)
        (run,) = await ended(app, admin, made)

    assert (run["status"], run["total"]) == ("Failed", 0)
    assert "2 parts of a name are to be replaced" in run["status_text"]


async def test_only_what_the_filters_take_is_copied(
    app: Server, admin: Client, registry: int, repo: Repo, project: str
) -> None:
    digest = await repo.image("v1.0.0")
    await repo.image("latest", layers=[b"latest"])
    await repo.image("v2.0.0", layers=[b"newer"])
    config = {**descriptor(b"chart"), "mediaType": "application/vnd.cncf.helm.config.v1+json"}
    await repo.client.repo(f"{project}/other").image("v1.0.0")
    await repo.blob(b"chart")
    assert (await repo.put("v3.0.0", {**image(layers=[]), "config": config})).status == 201
    label = unique("ready")
    answer = await ask(app, admin, "POST", "/labels", {"name": label, "scope": "g"})
    labels = f"/projects/{project}/repositories/app/artifacts/{digest}/labels"
    assert (await ask(app, admin, "POST", labels, {"id": int(answer.location.rpartition("/")[2])})).status == 200

    async def taken(*filters: dict[str, Any]) -> list[str]:
        made = await make(app, admin, body(registry, filters=[only(f"{project}/**"), *filters]))
        await begin(app, admin, made)
        async with working(app):
            (run,) = await ended(app, admin, made)
        return sorted(one["src_resource"].removeprefix(f"{project}/") for one in run["tasks"])

    assert await taken() == ["app:latest", "app:v1.0.0", "app:v2.0.0", "app:v3.0.0", "other:v1.0.0"]
    assert await taken(only("*/other")) == ["other:v1.0.0"]
    assert await taken({"type": "tag", "value": "v*", "decoration": "excludes"}) == ["app:latest"]
    assert await taken({"type": "tag", "value": "<2.0.0", "kind": "semver"}) == ["app:v1.0.0", "other:v1.0.0"]
    assert await taken({"type": "label", "value": [label]}) == ["app:v1.0.0"]
    assert "app:v1.0.0" not in await taken({"type": "label", "value": [label], "decoration": "excludes"})
    assert "app:v3.0.0" not in await taken({"type": "resource", "value": "image"})
    assert "app:v3.0.0" in await taken({"type": "resource", "value": "artifact"})
