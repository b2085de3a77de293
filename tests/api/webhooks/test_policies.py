"""Webhooks through the REST API: who may tell whom of what."""

from typing import Any

import pytest

from moorage.access.policy import Role
from tests.api.client import Client, Server
from tests.api.conftest import Pushed, make_project, make_user, project_id
from tests.api.test_labels_api import ask
from tests.api.webhooks.conftest import SECRET, body, deliveries, make, reason, well
from tests.api.workers import until, working
from tests.fakes.scripted import scripted


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
