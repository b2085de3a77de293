"""Runs to and from Debian's docker-registry."""

import json
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.api.client import Client, Repo, Server
from tests.api.conftest import make_project
from tests.api.proxycache.conftest import Shelf
from tests.api.replication.conftest import POLICIES, RUNS, begin, body, ended, make, make_registry, only
from tests.api.test_labels_api import ask
from tests.api.workers import until, working
from tests.fakes.scripted import Say, scripted
from tests.parts import Parts
from tests.parts.docker_registry import DockerRegistry


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
