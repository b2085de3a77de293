"""What webhooks tell of, and what a real receiver on loopback hears."""

import json
from datetime import UTC, datetime, timedelta

from moorage.artifacts.delete import delete_repository
from moorage.configuration.schema import Items
from moorage.db.base import to_micros
from moorage.errors import QuotaExceeded
from moorage.events import Actor
from moorage.oci.digest import compute
from moorage.webhooks.on_events import Teller
from moorage.webhooks.refused_pushes import RefusedPushes
from tests.api.client import OCI_INDEX, OCI_MANIFEST, Client, Repo, Server
from tests.api.conftest import Pushed, make_project, make_robot, project_id
from tests.api.statements import counting
from tests.api.test_labels_api import ask
from tests.api.webhooks.conftest import SECRET, body, deliveries, ended, forget, make, well
from tests.api.workers import working
from tests.fakes.scripted import scripted


async def test_a_push_is_told_in_the_contracts_form(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    async with scripted(well) as receiver, working(app):
        sent = body(f"{receiver.url}/hook", "PUSH_ARTIFACT", "DELETE_ARTIFACT", target={"auth_header": SECRET})
        made = await make(app, admin, project, sent)
        digest = await pushed("v1")
        await ended(app, admin, project, made)
        assert (await repo.delete(f"manifests/{digest}")).status == 202
        told = await ended(app, admin, project, made, 2)

    push, delete = receiver.heard
    assert (push.method, push.path, push.credentials) == ("POST", "/hook", SECRET)
    assert push.headers["content-type"] == "application/json"
    said = json.loads(push.body)
    assert (said["type"], said["operator"]) == ("PUSH_ARTIFACT", repo.client.username)
    (resource,) = said["event_data"]["resources"]
    assert (resource["digest"], resource["tag"]) == (digest, "v1")
    assert resource["resource_url"].endswith(f"/{repo.name}:v1")
    shown = said["event_data"]["repository"]
    assert {key: shown[key] for key in shown if key != "date_created"} == {
        "name": "app", "namespace": project, "repo_full_name": repo.name, "repo_type": "private",
    }  # fmt: skip
    assert json.loads(delete.body)["type"] == "DELETE_ARTIFACT"
    assert [one["status"] for one in told] == ["Success", "Success"]
    (attempt,) = told[0]["attempts"]
    assert (attempt["status"], attempt["response"]["body"], attempt["error"]) == (200, "thanks", "")
    assert attempt["request"]["body"] == push.body.decode()
    assert push.headers["webhook-id"] == told[0]["event_id"]
    assert SECRET not in str(told)
    await check_contract_lists(app, admin, project, made)


async def check_contract_lists(app: Server, who: Client, project: str, policy: int) -> None:
    """Executions, tasks, logs, jobs and last triggers, as clients of the contract read them."""
    base = f"/projects/{project}/webhook"
    runs = (await ask(app, who, "GET", f"{base}/policies/{policy}/executions")).json()
    assert [(one["vendor_type"], one["vendor_id"], one["status"]) for one in runs] == [
        ("WEBHOOK", policy, "Success")
    ] * 2
    assert runs[0]["extra_attrs"]["event_type"] == "DELETE_ARTIFACT"
    tasks = f"{base}/policies/{policy}/executions/{runs[0]['id']}/tasks"
    (task,) = (await ask(app, who, "GET", tasks)).json()
    log = await ask(app, who, "GET", f"{tasks}/{task['id']}/log")
    assert (log.status, log.header("content-type")) == (200, "text/plain; charset=utf-8")
    assert "attempt 1: 200" in log.body.decode()
    jobs = (await ask(app, who, "GET", f"{base}/jobs?policy_id={policy}&status=Success")).json()
    assert [one["event_type"] for one in jobs] == ["DELETE_ARTIFACT", "PUSH_ARTIFACT"]
    last = (await ask(app, who, "GET", f"{base}/lasttrigger")).json()
    assert {one["event_type"] for one in last if one["last_trigger_time"] > "2020"} == {
        "PUSH_ARTIFACT", "DELETE_ARTIFACT",
    }  # fmt: skip


async def test_a_pull_is_told(app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str) -> None:
    await pushed("v1")
    async with scripted(well) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url, "PULL_ARTIFACT"))
        assert (await repo.get("manifests/v1")).status == 200
        await ended(app, admin, project, made)

    (heard,) = receiver.heard
    assert json.loads(heard.body)["operator"] == repo.client.username


async def test_a_deleted_repository_is_told_artifact_by_artifact(
    app: Server, admin: Client, owner: Client, project: str
) -> None:
    repo = owner.repo(f"{project}/app")
    first = await repo.image("v1", "latest", layers=[b"one"])
    second = await repo.image(layers=[b"two"])
    child = await repo.image("child", layers=[b"three"])
    await repo.delete("manifests/child")
    entry = {"mediaType": OCI_MANIFEST, "digest": child, "size": len((await repo.get(f"manifests/{child}")).body)}
    top = await repo.put("all", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
    assert top.status == 201, top
    gone = await repo.image("gone", layers=[b"four"])
    assert (await repo.delete(f"manifests/{gone}")).status == 202
    async with scripted(well) as receiver, working(app):
        hooks = body(receiver.url, "DELETE_ARTIFACT", "PUSH_ARTIFACT")
        hooks["targets"].append({"type": "http", "address": f"{receiver.url}/second"})
        made = await make(app, admin, project, hooks)
        other = {**body(f"{receiver.url}/other", "DELETE_ARTIFACT"), "tags": {"kind": "doublestar", "pattern": "v*"}}
        filtered = await make(app, admin, project, other)
        assert (await ask(app, admin, "DELETE", f"/projects/{project}/repositories/app")).status == 200
        again = await repo.image("v1", layers=[b"one"])
        await ended(app, admin, project, made, 8)
        await ended(app, admin, project, filtered, 1)

    def told(path: str) -> list[tuple[str, str, list[str]]]:
        heard = [json.loads(one.body) for one in receiver.heard if one.path == path]
        data = [(one["type"], one["event_data"]["resources"]) for one in heard]
        return [(kind, some[0]["digest"], sorted(one["tag"] for one in some)) for kind, some in data]

    listed = [
        ("DELETE_ARTIFACT", first, ["latest", "v1"]),
        ("DELETE_ARTIFACT", second, [second]),
        ("DELETE_ARTIFACT", str(top.header("docker-content-digest")), ["all"]),
        ("PUSH_ARTIFACT", again, ["v1"]),
    ]
    assert told("/") == listed
    assert told("/second") == listed
    assert told("/other") == listed[:1]
    (sent, *_) = (json.loads(one.body) for one in receiver.heard if one.path == "/")
    assert sent["operator"] == "admin"
    assert sent["event_data"]["repository"] | {"date_created": 0} == {
        "date_created": 0, "name": "app", "namespace": project, "repo_full_name": f"{project}/app",
        "repo_type": "private",
    }  # fmt: skip
    assert sent["event_data"]["resources"][0]["resource_url"] == f"{app.settings.listen}/{project}/app:latest"


async def test_a_repository_of_many_artifacts_is_told_in_few_statements(app: Server, admin: Client) -> None:
    """Whatever it holds, the gate of its project is closed for a moment only."""
    counted = []
    for count in (2, 12):
        project = await make_project(app)
        owner = await make_robot(app, project, "pull", "push")
        for number in range(count):
            await owner.repo(f"{project}/app").image(f"v{number}", layers=[str(number).encode()])
        made = await make(app, admin, project, body("https://example.org", "DELETE_ARTIFACT"))
        number = await project_id(app, project)
        with counting() as statements:
            await app.run(delete_repository, number, f"{project}/app")
        added = ("INSERT INTO webhook_delivery", "INSERT INTO execution", "INSERT INTO task")
        counted.append(sum(one.startswith(added) for one in statements))
        rows = await app.rows(
            "SELECT d.state FROM webhook_delivery d JOIN webhook_policy p ON p.id = d.policy_id "
            "WHERE p.project_id = :p",
            p=number,
        )
        assert sorted(row[0] for row in rows) == ["queued"] + ["waiting"] * (count - 1)
        await forget(app, admin, project, made)
    assert counted[0] == counted[1] > 0


async def test_a_project_that_is_nearly_full_is_told_once(app: Server, admin: Client) -> None:
    project = await make_project(app, limit_bytes=20_000)
    owner = await make_robot(app, project, "pull", "push")
    async with scripted(well) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url, "QUOTA_WARNING", "QUOTA_EXCEED"))
        await owner.repo(f"{project}/app").image("v1", layers=[bytes(10_000)])
        assert await deliveries(app, admin, project, made) == []
        digest = await owner.repo(f"{project}/app").image("v2", layers=[b"x" * 7_500])
        await owner.repo(f"{project}/other").image("v3", layers=[b"y" * 100])
        (told,) = await ended(app, admin, project, made)

    (heard,) = receiver.heard
    sent = json.loads(heard.body)
    assert (sent["type"], sent["operator"]) == ("QUOTA_WARNING", owner.username)
    data = sent["event_data"]
    assert data["repository"] == {
        "name": "app", "namespace": project, "repo_full_name": f"{project}/app", "repo_type": "private",
    }  # fmt: skip
    assert data["resources"] == [{"digest": digest, "tag": "v2"}]
    assert "of 19.5 KiB" in data["custom_attributes"]["Details"]
    assert told["event_type"] == "QUOTA_WARNING"
    # An hour later it is told again.
    await app.rows(
        "UPDATE execution SET started_at = :then WHERE vendor_type = 'WEBHOOK' AND vendor_id = :p",
        then=past(app, 3_700), p=made,
    )  # fmt: skip
    await owner.repo(f"{project}/app").image("v4", layers=[b"z" * 100])
    assert len(await deliveries(app, admin, project, made)) == 2
    await forget(app, admin, project, made)


async def test_a_push_without_room_is_told_once_for_each_repository(app: Server, admin: Client) -> None:
    project = await make_project(app, limit_bytes=5_000)
    owner = await make_robot(app, project, "pull", "push")
    async with scripted(well) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url, "QUOTA_EXCEED"))
        silent = await make(app, admin, project, body(receiver.url, "PUSH_ARTIFACT"))
        for name in ("app", "app", "other"):
            for _ in range(3):
                large = b"n" * 6_000
                target = f"blobs/uploads/?digest={compute(large)}"
                refused = await owner.repo(f"{project}/{name}").send("POST", target, large)
                assert (refused.status, refused.code) == (403, "DENIED")
        told = await ended(app, admin, project, made, 2)

    assert await deliveries(app, admin, project, silent) == []
    assert [one["event_type"] for one in told] == ["QUOTA_EXCEED"] * 2
    sent = [json.loads(one.body) for one in receiver.heard]
    assert sorted(one["event_data"]["repository"]["name"] for one in sent) == ["app", "other"]
    assert {one["operator"] for one in sent} == {owner.username}
    assert all("upper limit of 4.9 KiB" in one["event_data"]["custom_attributes"]["Details"] for one in sent)
    assert sent[0]["event_data"]["resources"] == []


async def test_a_copy_without_room_is_told(app: Server, admin: Client, pushed: Pushed, project: str) -> None:
    await pushed("v1", layers=[b"n" * 6_000])
    target = await make_project(app, limit_bytes=5_000)
    async with scripted(well) as receiver, working(app):
        made = await make(app, admin, target, body(receiver.url, "QUOTA_EXCEED"))
        path = f"/projects/{target}/repositories/team%252Fcopy/artifacts?from={project}/app:v1"
        refused = await ask(app, admin, "POST", path)
        assert (refused.status, refused.code) == (403, "DENIED")
        await ended(app, admin, target, made)

    (heard,) = receiver.heard
    sent = json.loads(heard.body)
    assert (sent["operator"], sent["event_data"]["repository"]["repo_full_name"]) == ("admin", f"{target}/team/copy")


async def test_two_processes_tell_of_one_refusal_once(app: Server, admin: Client) -> None:
    project = await make_project(app)
    number = await project_id(app, project)
    made = await make(app, admin, project, body("https://example.org", "QUOTA_EXCEED"))
    refused = QuotaExceeded(project_id=number)
    for _ in range(2):
        notes = RefusedPushes(app.database, Teller("here", Items))
        notes.note(Actor(name="somebody"), f"{project}/app", "v1", refused)
        notes.note(Actor(name="somebody"), f"{project}/app", "v1", refused)
        await notes.close()
    silenced = RefusedPushes(app.database, Teller("here", lambda: Items(notification_enable=False)))
    silenced.note(Actor(name="somebody"), f"{project}/new", "v1", refused)
    await silenced.close()

    (told,) = await deliveries(app, admin, project, made)
    await forget(app, admin, project, made)

    assert told["event_type"] == "QUOTA_EXCEED"


def past(app: Server, seconds: int) -> object:
    """A moment as the database keeps it."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    return to_micros(then) if app.database.kind == "sqlite" else then


async def test_only_what_the_filters_select_is_told(app: Server, admin: Client, owner: Client, project: str) -> None:
    async with scripted(well) as receiver, working(app):
        filters = {
            "repositories": {"kind": "doublestar", "pattern": "team/**"},
            "tags": {"kind": "semver", "pattern": ">=1.0.0"},
        }
        made = await make(app, admin, project, {**body(receiver.url), **filters})
        off = await make(app, admin, project, body(receiver.url, enabled=False))
        for name in ("app", "team/web"):
            for tag in ("v1.2.0", "latest"):
                await owner.repo(f"{project}/{name}").image(tag)
        await ended(app, admin, project, made)

    assert [json.loads(one.body)["event_data"]["resources"][0]["resource_url"] for one in receiver.heard] == [
        f"{app.settings.listen}/{project}/team/web:v1.2.0"
    ]
    assert await deliveries(app, admin, project, off) == []


async def test_a_push_that_is_refused_tells_nobody(app: Server, admin: Client, repo: Repo, project: str) -> None:
    made = await make(app, admin, project, body("http://127.0.0.1:9/"))

    assert (await repo.put("v1", b"{}")).status == 400

    assert await deliveries(app, admin, project, made) == []


async def test_a_policy_that_is_deleted_or_disabled_tells_nothing_any_more(
    app: Server, admin: Client, pushed: Pushed, project: str
) -> None:
    async with scripted(well) as receiver:
        made = await make(app, admin, project, body(receiver.url))
        gone = await make(app, admin, project, body(receiver.url))
        await pushed("v1")
        await ask(app, admin, "DELETE", f"/projects/{project}/webhook/policies/{gone}")
        await ask(app, admin, "PUT", f"/projects/{project}/webhook/policies/{made}", {"enabled": False})
        async with working(app):
            (told,) = await ended(app, admin, project, made)
    assert (told["status"], receiver.heard) == ("Error", [])
