"""Background work through the REST API: collection, the purge of the audit log, queues, processes, schedules."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from moorage.access.policy import Role
from moorage.audit.tables import Audit, AuditExport
from moorage.configuration.service import set_items
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.jobs.queue import create_execution, enqueue_all, job, start
from moorage.jobs.task_context import Task
from moorage.registries.tables import Registry
from moorage.replication.tables import ReplicationPolicy
from moorage.secret_encryption import Seals
from moorage.storage.filesystem import Filesystem
from tests.api.client import Client, Server
from tests.api.conftest import Serve, administrator, make_project, make_robot, make_user
from tests.api.test_labels_api import ask
from tests.api.workers import until, working

DAILY = {"type": "Daily", "cron": "0 0 3 * * *"}


@job("test.api.long")
async def take_long(task: Task) -> None:
    """Works until it is stopped."""
    task.log("at work")
    task.progress(3, 10, done_bytes=5, total_bytes=50)
    await asyncio.sleep(60)


class Place:
    """A store of a test's own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.admin = administrator(server)

    async def get(self, path: str) -> Any:
        """The body of what has to be answered with 200."""
        answer = await ask(self.server, self.admin, "GET", path)
        assert answer.status == 200, answer
        return answer.json()

    async def ends(self, path: str, status: str = "Success") -> Any:
        """Wait for a run to end."""

        async def holds() -> bool:
            return str((await self.get(path))["job_status"]) not in {"Pending", "Running", "Scheduled"}

        await until(holds, 60)
        found = await self.get(path)
        assert found["job_status"] == status, found
        return found

    async def post(self, path: str, body: object) -> str:
        """POST, answered with 201; the last word of its Location."""
        answer = await ask(self.server, self.admin, "POST", path, body)
        assert (answer.status, answer.body) == (201, b""), answer
        return answer.location.rpartition("/")[2]

    async def log(self, path: str) -> str:
        """A log."""
        answer = await ask(self.server, self.admin, "GET", path)
        assert (answer.status, answer.header("content-type")) == (200, "text/plain; charset=utf-8")
        return answer.body.decode()

    async def let_time_pass(self) -> None:
        """A day: leases end, deletions are over, nothing was pushed lately."""
        old = "to_timestamp(1)" if self.server.settings.database.url else "1"
        for what in (
            "repository_blob SET lease_until = OLD WHERE lease_until IS NOT NULL",
            "artifact SET pushed_at = OLD",
            "tag_history SET until = OLD WHERE until IS NOT NULL",
            "blob SET changed_at = OLD WHERE state = 'doomed'",
        ):
            await self.server.run(_execute, "UPDATE " + what.replace("OLD", old))


def _execute(work: Work, statement: str) -> None:
    work.db.exec_driver_sql(statement)


@pytest_asyncio.fixture(loop_scope="session")
async def place(serve: Serve) -> Place:
    """A store of a test's own."""
    return Place(await serve())


async def refused(place: Place, method: str, path: str, body: object) -> tuple[int, str]:
    answer = await ask(place.server, place.admin, method, path, body)
    return answer.status, answer.json()["errors"][0].get("detail", {}).get("reason", "")


# -- garbage collection -------------------------------------------------------------------------------------


async def test_a_dry_run_counts_what_is_in_deletions_that_are_over(place: Place) -> None:
    project = await make_project(place.server)
    admin = await make_user(place.server, {project: Role.PROJECT_ADMIN})
    for name in ("app", "other"):
        repo = admin.repo(f"{project}/{name}")
        for tag in ("v1", "v2"):
            await repo.image(tag, layers=[f"{name} {tag}".encode()])
    base = f"/projects/{project}/repositories"
    for path in (f"{base}/app/artifacts/v1", f"{base}/other/artifacts/v1", f"{base}/other"):
        assert (await ask(place.server, admin, "DELETE", path)).status == 200
    old = "to_timestamp(1)" if place.server.settings.database.url else "1"
    await place.server.run(_execute, f"UPDATE trash SET purge_at = {old}")  # noqa: S608 - a constant

    runs = []
    async with working(place.server):
        for dry in (True, False):
            body = {"schedule": {"type": "Manual"}, "parameters": {"dry_run": dry}}
            shown = await place.ends(f"/system/gc/{await place.post('/system/gc/schedule', body)}")
            runs.append(json.loads(shown["job_parameters"])["purged_manifests"])

    assert runs == [3, 3]


async def test_a_dry_run_says_what_a_run_deletes_and_the_run_deletes_it(place: Place) -> None:
    project = await make_project(place.server)
    repo = (await make_robot(place.server, project, "pull", "push", "delete")).repo(f"{project}/app")
    await repo.image("kept", layers=[b"kept" * 50])
    gone = await repo.image("moved", layers=[b"gone" * 1000])
    await repo.image("moved", layers=[b"new" * 50])
    parameters = {"delete_untagged": True, "dry_run": True}

    fresh = await place.post("/system/gc/schedule", {"schedule": {"type": "Manual"}, "parameters": parameters})
    async with working(place.server):
        assert json.loads((await place.ends(f"/system/gc/{fresh}"))["job_parameters"])["purged_manifests"] == 0
        await place.let_time_pass()
        dry = await place.post("/system/gc/schedule", {"schedule": {"type": "Manual"}, "parameters": parameters})
        shown = await place.ends(f"/system/gc/{dry}")
        assert (shown["job_name"], shown["job_kind"]) == ("GARBAGE_COLLECTION", "MANUAL")
        assert json.loads(shown["job_parameters"]) | {"freed_space": 0} == {
            "delete_untagged": True, "delete_tag": False, "dry_run": True, "workers": 1,
            "freed_space": 0, "purged_blobs": 0, "purged_manifests": 1,
        }  # fmt: skip
        assert f"would delete the untagged {repo.name}@{gone}" in await place.log(f"/system/gc/{dry}/log")
        assert (await repo.head(f"manifests/{gone}")).status == 200

        parameters["dry_run"] = False
        first = await place.post("/system/gc/schedule", {"schedule": {"type": "Manual"}, "parameters": parameters})
        shown = await place.ends(f"/system/gc/{first}")
        assert json.loads(shown["job_parameters"])["purged_manifests"] >= 1
        assert (await repo.head(f"manifests/{gone}")).status == 404
        assert f"deleted {repo.name}@{gone}" in await place.log(f"/system/gc/{first}/log")
        await place.let_time_pass()  # the lease of what the artifact used
        last = first
        for _ in range(2):  # the first lets go and dooms, the second finds the bytes old enough
            last = await place.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})
            shown = await place.ends(f"/system/gc/{last}")
            await place.let_time_pass()
    assert json.loads(shown["job_parameters"])["freed_space"] >= 4000
    for tag in ("kept", "moved"):
        assert (await repo.get(f"manifests/{tag}")).status == 200
    history = await ask(place.server, place.admin, "GET", "/system/gc?page_size=2&sort=-id")
    assert (history.header("x-total-count"), history.json()[0]["id"]) == ("5", int(last))
    rows = await place.server.rows("SELECT operation, principal_name FROM audit WHERE resource_type = 'artifact'")
    assert ("delete", "system") in rows


async def test_a_run_that_is_stopped_ends_within_five_seconds_and_the_next_one_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = await make_project(place.server)
    repo = (await make_robot(place.server, project, "pull", "push", "delete")).repo(f"{project}/app")
    for number in range(200):
        await repo.blob(f"orphan {number}".encode())
    manual = {"schedule": {"type": "Manual"}}
    delete_many, begun = Filesystem.delete_many, itertools.count(1)

    async def delete_some(self: Filesystem, wanted: Sequence[str]) -> dict[str, Problem]:
        if next(begun) > 8:  # shares of a step; after it a run looks whether it goes on
            await asyncio.Event().wait()
        return await delete_many(self, wanted)

    async with working(place.server):
        await place.let_time_pass()
        await place.ends(f"/system/gc/{await place.post('/system/gc/schedule', manual)}")
        await place.let_time_pass()  # the grace of what is doomed now
        with monkeypatch.context() as patch:
            patch.setattr(Filesystem, "delete_many", delete_some)
            run = await place.post("/system/gc/schedule", manual)

            async def has_begun() -> bool:
                found = await place.get("/jobservice/tasks?q=status%3DRunning")
                return bool(found and found[0]["progress"]["done"] >= 64)

            await until(has_begun, 60)
            assert (await ask(place.server, place.admin, "PUT", f"/system/gc/{run}")).status == 200
            await place.ends(f"/system/gc/{run}", "Stopped")
        left = await place.server.rows("SELECT count(*) FROM blob WHERE state = 'doomed'")
        assert 0 < left[0][0] <= 136
        last = await place.ends(f"/system/gc/{await place.post('/system/gc/schedule', manual)}")
    assert await place.server.rows("SELECT count(*) FROM blob WHERE state = 'doomed'") == [(0,)]
    assert json.loads(last["job_parameters"])["freed_space"] > 0


async def test_a_schedule_is_set_shown_changed_and_removed(place: Place) -> None:
    assert await place.get("/system/gc/schedule") == {}
    assert await place.post("/system/gc/schedule", {"schedule": DAILY, "parameters": {"workers": 3}}) == "schedule"
    shown = await place.get("/system/gc/schedule")
    assert {key: shown["schedule"][key] for key in ("type", "cron")} == DAILY
    assert shown["schedule"]["next_scheduled_time"].endswith("T03:00:00.000Z")
    assert json.loads(shown["job_parameters"])["workers"] == 3
    weekly = {"schedule": {"type": "Weekly"}}
    assert (await ask(place.server, place.admin, "PUT", "/system/gc/schedule", weekly)).status == 200
    assert (await place.get("/system/gc/schedule"))["schedule"]["cron"] == "0 0 0 * * 0"
    listed = await place.get("/schedules?page_size=100")
    assert [one["vendor_type"] for one in listed] == ["GARBAGE_COLLECTION"]
    none = {"schedule": {"type": "None"}}
    assert (await ask(place.server, place.admin, "PUT", "/system/gc/schedule", none)).status == 200
    assert await place.get("/system/gc/schedule") == {}
    rows = await place.server.rows("SELECT operation FROM audit WHERE resource_type = 'schedule' ORDER BY id")
    assert rows == [("update",), ("update",), ("delete",)]


async def test_what_is_no_schedule_is_refused(place: Place) -> None:
    for path, schedule, parameters, reason in (
        ("gc", {"type": "Sometimes"}, {}, "SCHEDULE_INVALID"),
        ("gc", {"type": "Custom", "cron": "* * * * * *"}, {}, "CRON_INVALID"),
        ("gc", {"type": "Custom"}, {}, "CRON_INVALID"),
        ("gc", None, {}, "SCHEDULE_INVALID"),
        ("gc", DAILY, {"workers": 11}, "PARAMETER_INVALID"),
        ("gc", DAILY, {"dry_run": "yes"}, "PARAMETER_INVALID"),
        ("purgeaudit", DAILY, {"audit_retention_hour": 240_001}, "PARAMETER_INVALID"),
        ("purgeaudit", DAILY, {"audit_retention_hour": "7"}, "PARAMETER_INVALID"),
        ("purgeaudit", DAILY, {"include_event_types": "create_moon"}, "PARAMETER_INVALID"),
    ):
        for method in ("POST", "PUT"):
            body = {"schedule": schedule, "parameters": parameters}
            assert await refused(place, method, f"/system/{path}/schedule", body) == (400, reason)
    for path in ("/system/gc/4711", "/system/gc/4711/log", "/system/purgeaudit/4711"):
        assert (await ask(place.server, place.admin, "GET", path)).status == 404
    assert await place.get("/system/gc") == []


async def test_a_run_that_waits_is_stopped_at_once_and_no_other_subjects_run_is_shown(place: Place) -> None:
    run = await place.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})
    assert "Pending" in await place.log(f"/system/gc/{run}/log")
    assert (await ask(place.server, place.admin, "GET", f"/system/purgeaudit/{run}")).status == 404
    assert (await ask(place.server, place.admin, "PUT", f"/system/purgeaudit/{run}")).status == 404
    for _ in range(2):
        assert (await ask(place.server, place.admin, "PUT", f"/system/gc/{run}")).status == 200
    await place.ends(f"/system/gc/{run}", "Stopped")
    rows = await place.server.rows("SELECT operation FROM audit WHERE resource_type = 'execution' ORDER BY id")
    assert rows == [("create",), ("stop",)]


# -- the purge of the audit log -----------------------------------------------------------------------------


def write(work: Work, hours: int, *names: str) -> None:
    """Rows of the audit log, so many hours old."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    for name in names:
        operation, _, kind = name.partition("_")
        row = {"at": at, "resource_type": kind, "operation": operation, "resource": "old"}
        work.db.execute(Audit.__table__.insert().values(row))  # type: ignore[attr-defined]


async def purge(place: Place, **parameters: object) -> Any:
    run = await place.post("/system/purgeaudit/schedule", {"schedule": {"type": "Manual"}, "parameters": parameters})
    return json.loads((await place.ends(f"/system/purgeaudit/{run}"))["job_parameters"])


async def old_rows(place: Place) -> list[str]:
    rows = await place.server.rows("SELECT operation, resource_type FROM audit WHERE resource = 'old' ORDER BY id")
    return [f"{operation}_{kind}" for operation, kind in rows]


async def test_old_rows_of_the_named_kinds_go_and_the_counts_stay_right(place: Place) -> None:
    await place.server.run(write, 50, "create_artifact", "pull_artifact", "create_tag", "create_user", "create_label")
    await place.server.run(write, 20, "create_artifact", "create_user")
    everything = await old_rows(place)
    async with working(place.server):
        for nothing in ({}, {"audit_retention_hour": 48}, {"include_event_types": "other"},
                        {"audit_retention_hour": -1, "include_event_types": "other"}):  # fmt: skip
            await purge(place, **nothing)
        dry = await purge(place, audit_retention_hour=48, include_event_types="create_artifact,other", dry_run=True)
        assert dry["purged_rows"] == 4
        assert await old_rows(place) == everything
        done = await purge(place, audit_retention_hour=48, include_event_types=" create_artifact , other ")
        assert done["purged_rows"] == 4
    assert await old_rows(place) == ["pull_artifact", "create_artifact", "create_user"]
    total = (await ask(place.server, place.admin, "GET", "/auditlog-exts?page_size=1")).header("x-total-count")
    assert total == str((await place.server.rows("SELECT count(*) FROM audit"))[0][0])
    rows = await place.server.rows("SELECT detail FROM audit WHERE operation = 'purge'")
    assert len(rows) == 1


async def test_what_the_receiver_has_not_got_is_never_purged(place: Place) -> None:
    await place.server.run(write, 50, "create_user", "create_user")

    def receive(work: Work) -> None:
        ids = [row[0] for row in work.db.exec_driver_sql("SELECT id FROM audit WHERE resource = 'old' ORDER BY id")]
        row = {"endpoint": "127.0.0.1:9", "upto": ids[0], "missing": [[ids[0] + 1000, ids[0] + 1000, 1.0, 1.0]]}
        work.db.execute(AuditExport.__table__.insert().values(row))  # type: ignore[attr-defined]

    await place.server.run(receive)
    seals = Seals(place.server.settings.seal_key_folder)
    await place.server.run(lambda work: set_items(work, seals, {"audit_log_forward_endpoint": "127.0.0.1:9"}))
    async with working(place.server):
        done = await purge(place, audit_retention_hour=1, include_event_types="other")
    assert done["purged_rows"] == 1
    assert await old_rows(place) == ["create_user"]


# -- the job service ----------------------------------------------------------------------------------------


async def test_processes_queues_and_jobs_are_shown_stopped_and_paused(place: Place) -> None:
    def begin(work: Work) -> int:
        return start(work, "test.api.long", "WEBHOOK")

    await place.server.run(begin)
    assert await place.get("/jobservice/pools") == []
    queues = {one["job_type"]: one for one in await place.get("/jobservice/queues")}
    assert queues["WEBHOOK"] | {"latency": 0} == {"job_type": "WEBHOOK", "count": 1, "latency": 0, "paused": False}
    assert queues["GARBAGE_COLLECTION"]["count"] == 0
    assert await asyncio.gather(*(act(place, "WEBHOOK", "pause") for _ in range(4))) == [200] * 4
    async with working(place.server) as worker:
        await asyncio.sleep(0.8)
        assert await place.get("/jobservice/pools/all/workers") == []
        assert (await place.get("/schedules/WEBHOOK/paused")) == {"paused": True}
        assert (await act(place, "WEBHOOK", "resume")) == 200

        async def tells() -> bool:
            return "3 of" in str(await place.get("/jobservice/pools/all/workers"))

        await until(tells)
        [one] = await place.get("/jobservice/pools/all/workers")
        assert (one["job_name"], one["pool_id"]) == ("WEBHOOK", worker.id)
        assert "3 of 10, 5 of 50 bytes" in one["check_in"]
        [task] = await place.get("/jobservice/tasks?q=status%3DRunning")
        assert (task["job"], task["status"], task["attempt"], task["pool_id"]) == (
            "test.api.long", "Running", 1, worker.id,
        )  # fmt: skip
        assert task["progress"] | {"rate": 0, "seconds_left": 0} == {
            "done": 3, "total": 10, "done_bytes": 5, "total_bytes": 50, "rate": 0, "seconds_left": 0,
        }  # fmt: skip
        assert await place.get("/jobservice/tasks?q=status%3DPending") == []
        [pool] = await place.get("/jobservice/pools")
        assert (pool["worker_pool_id"], pool["concurrency"]) == (worker.id, 8)
        assert await place.get(f"/jobservice/pools/{worker.id}/workers") != []
        assert (await ask(place.server, place.admin, "GET", "/jobservice/pools/none/workers")).status == 404
        assert "at work" in await place.log(f"/jobservice/jobs/{one['job_id']}/log")
        assert (await ask(place.server, place.admin, "PUT", f"/jobservice/jobs/{one['job_id']}")).status == 200

        async def is_over() -> bool:
            return not await place.get("/jobservice/pools/all/workers")

        await until(is_over, 5)
    for path in ("/jobservice/jobs/x/log", "/jobservice/jobs/999999/log"):
        assert (await ask(place.server, place.admin, "GET", path)).status == 404
    await place.server.run(begin)
    assert await act(place, "all", "stop") == 200
    assert (await place.server.rows("SELECT DISTINCT status FROM task")) == [("Stopped",)]
    assert await act(place, "WEBHOOK", "jump") == 422
    assert [await act(place, "WEBHOOKS", one) for one in ("pause", "resume", "stop")] == [404] * 3
    assert "WEBHOOKS" not in {one["job_type"] for one in await place.get("/jobservice/queues")}
    assert await act(place, "SCHEDULER", "pause") == 200
    assert await place.get("/schedules/all/paused") == {"paused": True}
    assert await act(place, "all", "resume") == 200
    assert await place.get("/schedules/all/paused") == {"paused": True}, "all queues are not the scheduler"
    assert await act(place, "SCHEDULER", "resume") == 200
    assert await place.get("/schedules/all/paused") == {"paused": False}


async def act(place: Place, queue: str, action: str) -> int:
    return (await ask(place.server, place.admin, "PUT", f"/jobservice/queues/{queue}", {"action": action})).status


async def test_only_so_many_executions_are_kept(place: Place) -> None:
    client: Client = place.admin
    run = ""
    for _ in range(54):
        run = await place.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})
        assert (await ask(place.server, client, "PUT", f"/system/gc/{run}")).status == 200

    def sweep(work: Work) -> None:
        start(work, "jobs.sweep", "EXECUTION_SWEEP")

    await place.server.run(sweep)

    async def is_swept() -> bool:
        return bool(await place.server.rows("SELECT count(*) FROM execution WHERE status = 'Success'") == [(1,)])

    async with working(place.server):
        await until(is_swept, 15)
    kept = await place.get("/system/gc?page_size=100")
    assert kept[0]["id"] == int(run)
    assert len(kept) == 50
    assert (await place.server.rows("SELECT count(*) FROM task"))[0][0] == 51


# -- work by runs -------------------------------------------------------------------------------------------


async def test_runs_and_schedules_say_what_they_are_of_and_who_began_them(place: Place) -> None:
    project = await make_project(place.server)
    number = (await place.get(f"/projects/{project}"))["project_id"]
    rule = {
        "action": "retain", "template": "always", "params": {},
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    }  # fmt: skip
    trigger = {"kind": "Schedule", "settings": {"cron": "0 0 2 * * *"}}
    scope = {"level": "project", "ref": number}
    kept = await place.post("/retentions", {"algorithm": "or", "rules": [rule], "trigger": trigger, "scope": scope})
    run = int(await place.post(f"/retentions/{kept}/executions", {"dry_run": True}))
    await place.post("/system/gc/schedule", {"schedule": DAILY})

    def begin(work: Work) -> int:
        other = {"name": "elsewhere", "kind": "harbor", "url": "http://127.0.0.1:9", "created_at": work.now}
        registry = work.db.execute(
            Registry.__table__.insert().values(**other, updated_at=work.now).returning(Registry.id)  # type: ignore[attr-defined]
        ).scalar_one()
        made = ReplicationPolicy.__table__.insert().values(  # type: ignore[attr-defined]
            name="to-frankfurt",
            filters=[],
            trigger="manual",
            dest_registry_id=int(registry),
            created_at=work.now,
            updated_at=work.now,
        )
        policy = work.db.execute(made.returning(ReplicationPolicy.id)).scalar_one()
        execution = create_execution(work, "REPLICATION", vendor_id=policy, trigger="SCHEDULE")
        enqueue_all(work, "test.api.long", [{}, {}, {}], execution_id=execution)
        return execution

    copying = await place.server.run(begin)
    found = {one["id"]: one for one in await place.get("/jobservice/executions?q=status%3DRunning")}
    one = found[run]
    assert (one["vendor_type"], one["project"], one["subject"], one["started_by"], one["dry_run"]) == (
        "RETENTION", project, "", place.admin.username, True,
    )  # fmt: skip
    assert (one["tasks"], one["status"], one["trigger"], one["end_time"]) == (1, "Running", "MANUAL", "")
    assert one["task_id"] is not None
    one = found[copying]
    assert (one["subject"], one["project"], one["trigger"], one["task_id"]) == ("to-frankfurt", "", "SCHEDULE", None)
    assert (one["progress"]["done"], one["progress"]["total"], one["stopping"]) == (0, 3, False)

    planned = {one["vendor_type"]: one for one in await place.get("/jobservice/schedules")}
    assert (planned["RETENTION"]["project"], planned["RETENTION"]["last_id"]) == (project, run)
    assert planned["RETENTION"]["last_status"] == "Running"
    assert planned["GARBAGE_COLLECTION"]["next_time"].endswith("T03:00:00.000Z")
    assert (planned["GARBAGE_COLLECTION"]["last_id"], planned["GARBAGE_COLLECTION"]["last_time"]) == (None, "")

    path = f"/jobservice/executions/{copying}"
    assert [(await ask(place.server, place.admin, "PUT", path)).status for _ in range(2)] == [200, 200]
    [one] = await place.get(f"/jobservice/executions?q=id%3D{copying}")
    assert (one["status"], one["progress"]["done"], one["end_time"] != "") == ("Stopped", 3, True)
    assert (await ask(place.server, place.admin, "PUT", "/jobservice/executions/999999")).status == 404
    rows = await place.server.rows("SELECT resource, principal_name FROM audit WHERE operation = 'stop'")
    assert rows == [("REPLICATION", place.admin.username)]


async def test_members_see_the_runs_of_their_projects_and_nothing_else(place: Place) -> None:
    server = place.server
    own, other = await make_project(server), await make_project(server)
    runs: dict[str, int] = {}
    for project in (own, other):
        number = (await place.get(f"/projects/{project}"))["project_id"]
        trigger = {"kind": "Schedule", "settings": {"cron": "0 0 2 * * *"}}
        scope = {"level": "project", "ref": number}
        kept = await place.post("/retentions", {"algorithm": "or", "rules": [], "trigger": trigger, "scope": scope})
        runs[project] = int(await place.post(f"/retentions/{kept}/executions", {"dry_run": True}))
    await place.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})

    async def seen(client: Client) -> tuple[list[int], list[str], str | None]:
        listed = await ask(server, client, "GET", "/jobservice/executions")
        planned = await ask(server, client, "GET", "/jobservice/schedules")
        assert (listed.status, planned.status) == (200, 200)
        assert planned.header("x-total-count") == str(len(planned.json()))
        ids = [one["id"] for one in listed.json()]
        return ids, [one["project"] for one in planned.json()], listed.header("x-total-count")

    developer = await make_user(server, {own: Role.DEVELOPER})
    assert await seen(developer) == ([runs[own]], [own], "1")
    assert await seen(await make_user(server, {own: Role.GUEST})) == ([], [], "0")
    assert await seen(await make_user(server)) == ([], [], "0")
    both = await make_user(server, {own: Role.MAINTAINER, other: Role.PROJECT_ADMIN})
    assert await seen(both) == ([runs[other], runs[own]], [own, other], "2")
    ids, _, total = await seen(place.admin)
    assert {*runs.values()} < set(ids)
    assert total == "3"
    named = await ask(server, developer, "GET", f"/jobservice/executions?q=id%3D{runs[other]}")
    assert (named.json(), named.header("x-total-count")) == ([], "0")


async def test_a_kind_of_work_that_there_is_not_is_not_paused_but_unknown(place: Place) -> None:
    for name in ("all", "REPLICATION", "RETENTION"):
        assert await place.get(f"/schedules/{name}/paused") == {"paused": False}
    answer = await ask(place.server, place.admin, "GET", "/schedules/NONSENSE/paused")
    assert (answer.status, answer.json()["errors"][0]["detail"]["reason"]) == (404, "QUEUE_UNKNOWN")
