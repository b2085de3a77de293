"""Webhooks through the REST API: policies, and what a real receiver on loopback hears."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moorage.access.policy import Role
from moorage.artifacts.delete import delete_repository
from moorage.configuration.items import Items
from moorage.db.base import to_micros
from moorage.errors import QuotaExceeded
from moorage.events import Actor
from moorage.jobs.queue import Job
from moorage.oci.digest import compute
from moorage.webhooks.on_events import Teller
from moorage.webhooks.payload import Fact, make_message
from moorage.webhooks.refused_pushes import RefusedPushes
from tests.api.client import OCI_INDEX, OCI_MANIFEST, Answer, Client, Repo, Server
from tests.api.conftest import Pushed, make_project, make_robot, make_user, project_id, unique
from tests.api.statements import counting
from tests.api.test_labels_api import ask
from tests.api.workers import until, working
from tests.fakes.scripted import Heard, Say, Scripted, scripted
from tests.parts.base import free_port

SECRET = "Bearer very-secret-of-the-receiver"


def body(address: str, *events: str, **more: Any) -> dict[str, Any]:
    """A policy, as clients of the contract send it."""
    target = {"type": "http", "address": address, **more.pop("target", {})}
    return {"name": unique("hook"), "enabled": True, "event_types": list(events) or ["PUSH_ARTIFACT"],
            "targets": [target], **more}  # fmt: skip


async def make(app: Server, who: Client, project: str, sent: dict[str, Any]) -> int:
    """A policy's id."""
    answer = await ask(app, who, "POST", f"/projects/{project}/webhook/policies", sent)
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


async def deliveries(app: Server, who: Client, project: str, policy: int) -> list[dict[str, Any]]:
    """What a policy told, the oldest first."""
    path = f"/projects/{project}/webhook/policies/{policy}/deliveries?sort=id&page_size=100"
    answer = await ask(app, who, "GET", path)
    assert answer.status == 200, answer
    return list(answer.json())


async def ended(app: Server, who: Client, project: str, policy: int, count: int = 1) -> list[dict[str, Any]]:
    """The same, once so many have ended."""
    found: list[dict[str, Any]] = []

    async def holds() -> bool:
        found[:] = await deliveries(app, who, project, policy)
        return len(found) >= count and all(one["status"] != "Running" for one in found)

    await until(holds)
    return found


async def forget(app: Server, who: Client, project: str, policy: int) -> None:
    """Delete a policy whose deliveries nobody takes: the next test has a worker, too."""
    answer = await ask(app, who, "DELETE", f"/projects/{project}/webhook/policies/{policy}")
    assert answer.status == 200, answer


def reason(answer: Answer) -> str:
    """Our finer name of an error."""
    return str(answer.json()["errors"][0]["detail"]["reason"])


def well(_: Heard) -> Say:
    """A receiver that is content."""
    return Say(200, b"thanks")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt is made at once."""
    monkeypatch.setattr(Job, "delay", lambda *_: 0.05)


async def test_a_policy_is_made_shown_changed_and_deleted(app: Server, admin: Client, project: str) -> None:
    sent = body("https://example.org/hook?q=1", "PUSH_ARTIFACT", "QUOTA_WARNING", target={"auth_header": SECRET})
    made = await make(app, admin, project, {**sent, "description": "<b>", "id": 7, "project_id": 9})
    path = f"/projects/{project}/webhook/policies/{made}"

    shown = (await ask(app, admin, "GET", path)).json()

    target = {"type": "http", "address": "https://example.org/hook?q=1", "auth_header": "*****",
              "skip_cert_verify": False, "payload_format": "Default"}  # fmt: skip
    assert shown["targets"] == [target]
    assert (shown["id"], shown["project_id"]) == (made, await project_id(app, project))
    assert (shown["event_types"], shown["creator"], shown["enabled"]) == (sent["event_types"], "admin", True)
    assert [one["id"] for one in (await ask(app, admin, "GET", f"/projects/{project}/webhook/policies")).json()] == [
        made
    ]
    assert SECRET not in (await ask(app, admin, "GET", f"/projects/{project}/webhook/policies")).body.decode()
    again = await ask(app, admin, "POST", f"/projects/{project}/webhook/policies", sent)
    assert (again.status, reason(again)) == (400, "WEBHOOK_EXISTS")

    change = {**shown, "enabled": False, "repositories": {"kind": "regex", "pattern": "team/.*"}}
    assert (await ask(app, admin, "PUT", path, change)).status == 200
    shown = (await ask(app, admin, "GET", path)).json()
    assert (shown["enabled"], shown["repositories"]["pattern"]) == (False, "team/.*")
    assert shown["targets"] == [target]

    assert (await ask(app, admin, "DELETE", path)).status == 200
    assert reason(await ask(app, admin, "GET", path)) == "WEBHOOK_UNKNOWN"
    written = await app.rows(
        "SELECT operation, detail FROM audit WHERE project_id = :p AND resource_type = 'webhook' ORDER BY id",
        p=await project_id(app, project),
    )
    assert [row[0] for row in written] == ["create", "update", "delete"]
    assert SECRET not in str(written)


async def test_a_secret_goes_with_its_address(app: Server, admin: Client, project: str) -> None:
    async with scripted(well) as first, scripted(well) as second:
        sent = body(f"{first.url}/a", target={"auth_header": SECRET})
        made = await make(app, admin, project, sent)
        path = f"/projects/{project}/webhook/policies/{made}"
        other = {"type": "http", "address": f"{second.url}/b", "auth_header": "*****"}

        assert (await ask(app, admin, "PUT", path, {**sent, "targets": [other]})).status == 200

        shown = (await ask(app, admin, "GET", path)).json()
        assert shown["targets"][0]["auth_header"] == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": " x"}, {"name": "x" * 256}, {"event_types": []}, {"event_types": ["PUSH"]},
        {"targets": []}, {"targets": [{"type": "mail", "address": "https://example.org"}]},
        {"targets": [{"type": "http", "address": "ftp://example.org"}]}, {"targets": [{"type": "http", "address": ""}]},
        {"targets": [{"type": "slack", "address": "https://example.org", "payload_format": "CloudEvents"}]},
        {"targets": [{"type": "http", "address": "https://example.org", "auth_header": "a\r\nb: c"}]},
        {"targets": [{"type": "http", "address": "https://example.org"}] * 11},
        {"tags": {"kind": "regex", "pattern": "("}}, {"repositories": {"kind": "glob", "pattern": ""}},
    ],
)  # fmt: skip
async def test_a_policy_that_cannot_be_used_is_refused(
    app: Server, admin: Client, project: str, wrong: dict[str, Any]
) -> None:
    answer = await ask(
        app, admin, "POST", f"/projects/{project}/webhook/policies", {**body("https://example.org"), **wrong}
    )

    assert answer.status == 400, answer


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
    entry = {"mediaType": OCI_MANIFEST, "digest": child, "size": 1}
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


async def test_a_failing_receiver_is_told_again_in_order_under_the_same_id(
    app: Server, admin: Client, pushed: Pushed, project: str
) -> None:
    failures = iter([Say(500, b"no"), Say(429, b"", {"retry-after": "0"}), Say(302, b"", {"location": "/other"})])

    def script(_: Heard) -> Say:
        return next(failures, Say(204))

    async with scripted(script) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url))
        for tag in ("a", "b", "c"):
            await pushed(tag)
        told = await ended(app, admin, project, made, 3)

    tags = [json.loads(one.body)["event_data"]["resources"][0]["tag"] for one in receiver.heard]
    assert tags == ["a", "a", "a", "a", "b", "c"]
    assert len({one.headers["webhook-id"] for one in receiver.heard[:4]}) == 1
    assert {one.path for one in receiver.heard} == {"/"}
    assert [attempt["status"] for attempt in told[0]["attempts"]] == [500, 429, 302, 204]


async def test_a_receiver_that_hangs_up_and_comes_back(
    app: Server, admin: Client, pushed: Pushed, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, over = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        hangs.set()
        await over.wait()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(hang, "127.0.0.1", port)
    made = await make(app, admin, project, body(f"http://127.0.0.1:{port}/"))
    async with working(app):
        with monkeypatch.context() as patch:  # who answers may take its time, and hears it once
            patch.setattr("moorage.webhooks.jobs.SECONDS", 0.3)
            await pushed("v1")
            async with asyncio.timeout(30):
                await hangs.wait()

        async def tried() -> bool:
            (one,) = await deliveries(app, admin, project, made)
            return len(one["attempts"]) >= 1

        await until(tried)
        server.close()
        over.set()
        receiver = Scripted(well)
        back = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
        try:
            (told,) = await ended(app, admin, project, made)
        finally:
            back.close()
    assert told["status"] == "Success"
    assert told["attempts"][0]["error"]
    assert len(receiver.heard) == 1


async def test_it_is_told_again_when_somebody_asks(app: Server, admin: Client, pushed: Pushed, project: str) -> None:
    async with scripted(well) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url))
        await pushed("v1")
        (told,) = await ended(app, admin, project, made)
        path = f"/projects/{project}/webhook/policies/{made}/deliveries/{told['id']}/redeliver"
        assert (await ask(app, admin, "POST", path)).status == 201
        both = await ended(app, admin, project, made, 2)

    assert [one["event_id"] for one in both] == [told["event_id"]] * 2
    assert len({one.body for one in receiver.heard}) == 1
    written = await app.rows(
        "SELECT operation, resource FROM audit WHERE project_id = :p AND resource_type = 'execution'",
        p=await project_id(app, project),
    )
    assert written == [("create", "WEBHOOK")]
    unknown = await ask(app, admin, "POST", path.replace(f"/{told['id']}/", "/999999/"))
    assert unknown.status == 404


async def test_it_is_signed_with_a_key_that_is_shown_once(
    app: Server, admin: Client, pushed: Pushed, project: str
) -> None:
    async with scripted(well) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url, target={"auth_header": SECRET}))
        path = f"/projects/{project}/webhook/policies/{made}"
        answer = await ask(app, admin, "POST", f"{path}/signing-key")
        key = answer.json()["key"]
        assert answer.status == 201
        await pushed("v1")
        await ended(app, admin, project, made)

    (heard,) = receiver.heard
    signed = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    digest = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256)
    assert heard.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert heard.credentials == SECRET
    shown = await ask(app, admin, "GET", path)
    assert shown.json()["signed"] is True
    assert key not in shown.body.decode()


async def test_cloud_events_and_slack(app: Server, admin: Client, pushed: Pushed, project: str) -> None:
    async with scripted(well) as receiver, working(app):
        sent = body(f"{receiver.url}/ce", target={"payload_format": "CloudEvents"})
        sent["targets"].append({"type": "slack", "address": f"{receiver.url}/slack"})
        made = await make(app, admin, project, sent)
        await pushed("v1")
        await ended(app, admin, project, made, 2)

    heard = {one.path: one for one in receiver.heard}
    event = json.loads(heard["/ce"].body)
    assert heard["/ce"].headers["content-type"] == "application/cloudevents+json"
    assert (event["specversion"], event["type"]) == ("1.0", "harbor.artifact.pushed")
    assert event["source"] == f"/projects/{await project_id(app, project)}/webhook/policies/{made}"
    assert event["id"] == heard["/ce"].headers["webhook-id"] == heard["/slack"].headers["webhook-id"]
    assert event["data"]["resources"][0]["tag"] == "v1"
    blocks = json.loads(heard["/slack"].body)["blocks"]
    assert "PUSH_ARTIFACT" in blocks[0]["fields"][0]["text"]


def test_slack_takes_no_text_for_anything_else() -> None:
    fact = Fact("PUSH_ARTIFACT", 0, "<!channel> & ``` x", "", {"tag": "<https://evil.example|x>" * 200})

    message = make_message(fact, "id", kind="slack", form="Default", source="/")

    blocks = json.loads(message.body)["blocks"]
    assert blocks[0]["fields"][2]["text"] == "*operator:* &lt;!channel&gt; &amp; ''' x"
    assert "<" not in blocks[1]["text"]["text"]
    assert blocks[1]["text"]["text"].count("```") == 2


async def test_a_project_administrator_reaches_no_private_address_and_believes_no_certificate(
    app: Server, pushed: Pushed, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moorage.webhooks.jobs.SECONDS", 0.2)
    ruler = await make_user(app, {project: Role.PROJECT_ADMIN})
    unsafe = body("https://example.org", target={"skip_cert_verify": True})
    refused = await ask(app, ruler, "POST", f"/projects/{project}/webhook/policies", unsafe)
    assert refused.status == 403
    async with scripted(well) as receiver, working(app):
        made = await make(app, ruler, project, body(receiver.url))
        await pushed("v1")

        async def tried() -> bool:
            (one,) = await deliveries(app, ruler, project, made)
            return len(one["attempts"]) >= 1

        await until(tried)
        await ask(app, ruler, "DELETE", f"/projects/{project}/webhook/policies/{made}")
    assert receiver.heard == []


async def test_an_administrators_address_is_no_longer_trusted_when_somebody_else_changes_it(
    app: Server, admin: Client, project: str
) -> None:
    ruler = await make_user(app, {project: Role.PROJECT_ADMIN})
    sent = body("http://127.0.0.1:9/a", target={"skip_cert_verify": True})
    made = await make(app, admin, project, sent)
    path = f"/projects/{project}/webhook/policies/{made}"

    async def trusted() -> bool:
        rows = await app.rows("SELECT trusted FROM webhook_policy WHERE id = :i", i=made)
        return bool(rows[0][0])

    assert (await ask(app, ruler, "PUT", path, {**sent, "description": "mine"})).status == 200
    assert await trusted()
    moved = {**sent, "targets": [{"type": "http", "address": "http://127.0.0.1:10/a"}]}
    assert (await ask(app, ruler, "PUT", path, moved)).status == 200
    assert not await trusted()


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


async def test_one_project_sees_nothing_of_another(app: Server, admin: Client, project: str) -> None:
    other = await make_project(app)
    made = await make(app, admin, other, body("https://example.org"))
    ruler = await make_user(app, {project: Role.PROJECT_ADMIN})

    for method, rest in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/executions"), ("GET", "/deliveries")):
        path = f"/projects/{project}/webhook/policies/{made}{rest}"
        sent = body("https://example.org") if method == "PUT" else None
        assert (await ask(app, ruler, method, path, sent)).status == 404, path
    assert (await ask(app, ruler, "GET", f"/projects/{project}/webhook/jobs?policy_id={made}")).status == 404
    key = await ask(app, ruler, "POST", f"/projects/{project}/webhook/policies/{made}/signing-key")
    assert key.status == 404


async def test_a_maintainer_reads_and_a_developer_does_not(app: Server, admin: Client, project: str) -> None:
    made = await make(app, admin, project, body("https://example.org"))
    path = f"/projects/{project}/webhook/policies/{made}"
    maintainer, developer = [await make_user(app, {project: role}) for role in (Role.MAINTAINER, Role.DEVELOPER)]

    assert (await ask(app, maintainer, "GET", f"{path}/deliveries")).status == 200
    assert (await ask(app, maintainer, "POST", f"{path}/signing-key")).status == 403
    assert (await ask(app, maintainer, "POST", f"{path}/deliveries/1/redeliver")).status == 403
    assert (await ask(app, developer, "GET", f"{path}/deliveries")).status == 403


async def test_what_there_is_to_choose_from(app: Server, admin: Client, project: str) -> None:
    shown = (await ask(app, admin, "GET", f"/projects/{project}/webhook/events")).json()

    assert shown["event_type"] == [
        "PUSH_ARTIFACT", "PULL_ARTIFACT", "DELETE_ARTIFACT", "TAG_RETENTION", "QUOTA_EXCEED", "QUOTA_WARNING",
        "REPLICATION",
    ]  # fmt: skip
    assert shown["notify_type"] == ["http", "slack"]
    assert shown["payload_formats"][0] == {"notify_type": "http", "formats": ["Default", "CloudEvents"]}
