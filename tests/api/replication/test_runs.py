"""What starts, stops and ends a run of a replication."""

from typing import Any

from moorage.jobs.scheduler import fire
from tests.api.client import OCI_MANIFEST, Client, Repo, Server, descriptor, digest_of, encode, image
from tests.api.conftest import unique
from tests.api.replication.conftest import (
    POLICIES,
    RUNS,
    begin,
    body,
    ended,
    ended_run,
    make,
    only,
    reason,
    runs,
    tasks,
)
from tests.api.test_labels_api import ask
from tests.api.workers import working

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


async def test_the_list_of_policies_says_how_the_newest_run_of_each_went(
    app: Server, admin: Client, registry: int
) -> None:
    idle = await make(app, admin, body(registry))
    made = await make(app, admin, body(registry, filters=[only("nobody/*")]))
    await begin(app, admin, made)
    async with working(app):
        await ended(app, admin, made)
    newest = await begin(app, admin, made)

    listed = {one["id"]: one for one in (await ask(app, admin, "GET", f"{POLICIES}?page_size=100&sort=-id")).json()}
    assert "last_execution" not in listed[idle]
    told = listed[made]["last_execution"]
    assert (told["id"], told["policy_id"], told["status"]) == (newest, made, "InProgress")
    assert (await ask(app, admin, "PUT", f"{POLICIES}/{made}", listed[made])).status == 200


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
