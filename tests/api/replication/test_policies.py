"""Policies of replication through the REST API."""

from typing import Any

import pytest

from moorage.access.policy import Role
from tests.api.client import Client, Server
from tests.api.conftest import make_user
from tests.api.replication.conftest import POLICIES, RUNS, begin, body, make, only, reason
from tests.api.test_labels_api import ask


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
