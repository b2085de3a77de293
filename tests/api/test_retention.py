"""Retention through the REST API, with a worker that runs what is started."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from moorage.access.policy import Role
from moorage.db.unit_of_work import Work
from moorage.jobs.scheduler import fire
from moorage.jobs.tables import Schedule
from moorage.repositories.tables import Artifact, Tag
from moorage.retention import service
from moorage.retention.jobs import BATCH
from tests.api.client import OCI_INDEX, Answer, Client, Repo, Server, digest_of, image, index, subject
from tests.api.conftest import Pushed, administrator, make_project, make_user, project_id, unique
from tests.api.statements import counting
from tests.api.test_labels_api import ask
from tests.api.workers import working


def rule(template: str = "always", tag: str = "**", repository: str = "**", **more: Any) -> dict[str, Any]:
    """A rule, as clients of the contract send it."""
    params = {template: more.pop("number")} if "number" in more else {}
    return {
        "template": template,
        "action": "retain",
        "params": params,
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tag}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": repository}]},
        **more,
    }


async def make_policy(app: Server, who: Client, project: str, *rules: dict[str, Any], cron: str = "") -> int:
    """A policy's id."""
    number = await project_id(app, project)
    answer = await ask(app, who, "POST", "/retentions", policy(number, *rules, cron=cron))
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


def policy(project: int, *rules: dict[str, Any], cron: str = "") -> dict[str, Any]:
    """A policy, as clients of the contract send it."""
    return {
        "algorithm": "or",
        "rules": list(rules),
        "trigger": {"kind": "Schedule", "settings": {"cron": cron}},
        "scope": {"level": "project", "ref": project},
    }


def reason(answer: Answer) -> str:
    """Our finer name of an error."""
    return str(answer.json()["errors"][0]["detail"]["reason"])


async def begin(app: Server, who: Client, made: int, **body: Any) -> int:
    """Start a run; its id."""
    answer = await ask(app, who, "POST", f"/retentions/{made}/executions", body)
    assert answer.status == 201, answer
    return int(answer.location.rpartition("/")[2])


async def run(app: Server, who: Client, made: int, **body: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Run a policy to its end; the execution, and the verdict on each artifact by its tags (or digest)."""
    number = await begin(app, who, made, **body)
    async with working(app), asyncio.timeout(60):
        while True:
            (found,) = (await ask(app, who, "GET", f"/retentions/{made}/executions?q=id={number}")).json()
            if found["status"] != "Running":
                break
            await asyncio.sleep(0.02)
    return found, {
        ",".join(one["tags"]) or one["digest"]: one["verdict"] for one in await verdicts(app, who, made, number)
    }


async def verdicts(app: Server, who: Client, made: int, number: int, q: str = "") -> list[dict[str, Any]]:
    """What a run found."""
    path = f"/retentions/{made}/executions/{number}/verdicts?page_size=100&q={q}"
    answer = await ask(app, who, "GET", path)
    assert answer.status == 200, answer
    return list(answer.json())


async def age(app: Server, tag: str, days: float) -> None:
    """Have a tag's artifact pushed so many days ago."""

    def write(work: Work) -> None:
        moment = work.now - timedelta(days=days)
        of_tag = Tag.name == tag
        artifacts = [row.artifact_id for row in work.db.execute(Tag.__table__.select().where(of_tag))]
        work.db.execute(update(Tag).where(of_tag).values(pushed_at=moment))
        work.db.execute(update(Artifact).where(Artifact.id.in_(artifacts)).values(pushed_at=moment))

    await app.run(write)


@pytest.fixture
def names() -> tuple[str, str, str]:
    """Tags that no other test has."""
    return unique("v1"), unique("v2"), unique("v3")


async def test_a_policy_is_made_shown_changed_and_deleted(app: Server, admin: Client, project: str) -> None:
    number = await project_id(app, project)
    made = await make_policy(app, admin, project, rule("latestPushedK", number=3), rule(tag="keep-*", disabled=True))

    shown = (await ask(app, admin, "GET", f"/retentions/{made}")).json()

    assert (shown["id"], shown["algorithm"], shown["scope"]) == (made, "or", {"level": "project", "ref": number})
    assert [(one["id"], one["template"], one["params"], one["disabled"]) for one in shown["rules"]] == [
        (1, "latestPushedK", {"latestPushedK": 3}, False), (2, "always", {}, True),
    ]  # fmt: skip
    metadata = (await ask(app, admin, "GET", f"/projects/{project}")).json()["metadata"]
    assert metadata["retention_id"] == str(made)
    assert (await ask(app, admin, "DELETE", f"/projects/{project}/metadatas/retention_id")).status == 404
    again = await ask(app, admin, "POST", "/retentions", policy(number, rule()))
    assert (again.status, reason(again)) == (400, "RETENTION_EXISTS")

    changed = await ask(app, admin, "PUT", f"/retentions/{made}", policy(number, rule(tag="v*")))
    assert changed.status == 200, changed
    shown = (await ask(app, admin, "GET", f"/retentions/{made}")).json()
    assert [one["tag_selectors"][0]["pattern"] for one in shown["rules"]] == ["v*"]
    elsewhere = await ask(app, admin, "PUT", f"/retentions/{made}", policy(number + 1, rule()))
    assert elsewhere.status == 400

    assert (await ask(app, admin, "DELETE", f"/retentions/{made}")).status == 200
    assert reason(await ask(app, admin, "GET", f"/retentions/{made}")) == "RETENTION_UNKNOWN"
    assert "retention_id" not in (await ask(app, admin, "GET", f"/projects/{project}")).json()["metadata"]
    written = await app.rows(
        "SELECT operation FROM audit WHERE project_id = :p AND resource_type = 'retention' ORDER BY id", p=number
    )
    assert [row[0] for row in written] == ["create", "update", "delete"]


async def test_rules_that_say_the_same_are_a_conflict(app: Server, admin: Client, project: str) -> None:
    number = await project_id(app, project)

    answer = await ask(app, admin, "POST", "/retentions", policy(number, rule(), rule()))

    assert (answer.status, reason(answer)) == (409, "RULE_EXISTS")


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithm": "and"}, {"scope": {"level": "system", "ref": 0}}, {"trigger": {"kind": "Event"}},
        {"trigger": {"kind": "Schedule", "settings": {"cron": 5}}},
        {"trigger": {"kind": "Schedule", "settings": {"cron": "every day"}}}, {"rules": [{"template": "newest"}]},
        {"rules": [{"id": 2**40, "priority": 2**70}]},
    ],
    ids=["algorithm", "level", "trigger", "cron", "words", "template", "number"],
)  # fmt: skip
async def test_a_policy_that_cannot_be_used_is_refused(
    app: Server, admin: Client, project: str, wrong: dict[str, Any]
) -> None:
    body = policy(await project_id(app, project), rule())
    for key, value in wrong.items():
        body[key] = {**body[key], **value} if isinstance(value, dict) else value
    body["scope"]["ref"] = await project_id(app, project)

    answer = await ask(app, admin, "POST", "/retentions", body)

    assert answer.status == 400, answer


async def test_what_to_choose_from(app: Server, admin: Client) -> None:
    shown = (await ask(app, admin, "GET", "/retentions/metadatas")).json()

    assert [one["rule_template"] for one in shown["templates"]] == [
        "latestPushedK", "latestPulledN", "nDaysSinceLastPush", "nDaysSinceLastPull", "always", "latestVersionK",
    ]  # fmt: skip
    assert {one["kind"] for one in shown["tag_selectors"]} == {"doublestar", "regex", "semver"}


async def test_a_developer_runs_it_and_a_guest_does_not_see_it(app: Server, admin: Client, project: str) -> None:
    made = await make_policy(app, admin, project, rule())
    developer = await make_user(app, {project: Role.DEVELOPER})
    guest = await make_user(app, {project: Role.GUEST})

    assert (await ask(app, developer, "POST", f"/retentions/{made}/executions", {"dry_run": True})).status == 201
    for path in ("", "/executions", "/executions/1/tasks"):
        assert (await ask(app, guest, "GET", f"/retentions/{made}{path}")).status == 403
    assert (await ask(app, guest, "GET", "/retentions/999999")).status == 403
    assert (await ask(app, Client(app), "GET", f"/retentions/{made}")).status == 401


async def test_the_run_deletes_what_the_dry_run_named_and_the_trash_brings_it_back(
    app: Server, repo: Repo, pushed: Pushed, project: str, names: tuple[str, str, str]
) -> None:
    admin = administrator(app)
    old, middle, new = names
    digests = [await pushed(name) for name in names]
    for days, name in enumerate(reversed(names), 1):
        await age(app, name, days)
    made = await make_policy(app, admin, project, rule("latestPushedK", number=1))

    execution, named = await run(app, admin, made, dry_run=True)

    assert (execution["status"], execution["dry_run"], execution["trigger"]) == ("Success", True, "MANUAL")
    assert named == {new: "keep", middle: "delete", old: "delete"}
    assert await repo.listed() == sorted(names)

    execution, found = await run(app, admin, made, dry_run=False)

    assert execution["status"] == "Success"
    assert found == {new: "keep", middle: "deleted", old: "deleted"}
    assert await repo.listed() == [new]
    (task,) = (await ask(app, admin, "GET", f"/retentions/{made}/executions/{execution['id']}/tasks")).json()
    assert (task["repository"], task["status"], task["status_code"]) == ("app", "Success", 3)
    assert (task["total"], task["retained"]) == (3, 1)
    log = await ask(app, admin, "GET", f"/retentions/{made}/executions/{execution['id']}/tasks/{task['id']}")
    assert log.header("content-type") == "text/plain; charset=utf-8"
    assert f"{digests[0]} | {old} | IMAGE |" in log.body.decode()
    assert "2 deleted" in log.body.decode()
    trash = (await ask(app, admin, "GET", f"/projects/{project}/trash")).json()
    assert [(one["kind"], one["reason"]) for one in trash] == [("artifact", "retention")] * 2
    for one in trash:
        assert (await ask(app, admin, "POST", f"/trash/{one['id']}/restore", {})).status == 200
    assert await repo.listed() == sorted(names)


async def test_reasons_are_told_rule_by_rule(
    app: Server, admin: Client, pushed: Pushed, project: str, names: tuple[str, str, str]
) -> None:
    old, _, new = names
    for days, name in ((9, old), (1, new)):
        await pushed(name)
        await age(app, name, days)
    made = await make_policy(
        app, admin, project, rule("nDaysSinceLastPush", number=5), rule("latestPushedK", tag=f"{old[:2]}*", number=0)
    )
    number = (await run(app, admin, made, dry_run=True))[0]["id"]

    shown = {one["tags"][0]: one for one in await verdicts(app, admin, made, number)}

    assert shown[old]["because"] == "no rule keeps it"
    assert shown[old]["reasons"] == [
        {"rule": 1, "kept": False, "why": "age", "rank": None}, {"rule": 2, "kept": False, "why": "rank", "rank": 1},
    ]  # fmt: skip
    assert shown[new]["reasons"] == [
        {"rule": 1, "kept": True, "why": "age", "rank": None},
        {"rule": 2, "kept": False, "why": "not_selected", "rank": None},
    ]
    assert [one["tags"] for one in await verdicts(app, admin, made, number, "verdict=delete")] == [[old]]
    with counting() as statements:
        await verdicts(app, admin, made, number)
    assert len(statements) <= 8


async def test_repositories_that_no_rule_speaks_of_are_left_alone(
    app: Server, repo: Repo, owner: Client, pushed: Pushed, project: str
) -> None:
    admin = administrator(app)
    await pushed("v1")
    other = owner.repo(f"{project}/team/web")
    await other.image("v1")
    made = await make_policy(
        app, admin, project,
        rule("latestPushedK", number=0, repository="team/**"), rule(repository="app", disabled=True),
    )  # fmt: skip

    execution, _ = await run(app, admin, made, dry_run=False)

    tasks = (await ask(app, admin, "GET", f"/retentions/{made}/executions/{execution['id']}/tasks")).json()
    assert [task["repository"] for task in tasks] == ["team/web"]
    assert (await repo.listed(), await other.listed()) == (["v1"], [])


async def test_no_enabled_rule_deletes_nothing(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    await pushed("v1")
    made = await make_policy(app, admin, project, rule("latestPushedK", number=0, disabled=True))

    execution, found = await run(app, admin, made, dry_run=False)

    assert (execution["status"], found) == ("Success", {})
    assert await repo.listed() == ["v1"]


async def test_an_index_goes_before_its_images_and_an_image_stays_with_its_index(
    app: Server, admin: Client, repo: Repo, project: str
) -> None:
    for data in (b"{}", b"amd", b"arm", b"lone"):
        await repo.blob(data)
    amd, arm, lone = (image(layers=[layer]) for layer in (b"amd", b"arm", b"lone"))
    assert (await repo.put("amd", amd)).status == 201
    assert (await repo.put(digest_of(arm), arm)).status == 201
    assert (await repo.put("lone", lone)).status == 201
    both = index(amd, arm)
    assert (await repo.put("multi", both, **{"content-type": OCI_INDEX})).status == 201
    made = await make_policy(app, admin, project, rule(tag="multi"))

    assert (await run(app, admin, made, dry_run=False))[1] == {"multi": "keep", "amd": "in_use", "lone": "deleted"}
    for digest in (digest_of(amd), digest_of(arm)):
        assert (await repo.get(f"manifests/{digest}")).status == 200
    await repo.noted(pulls=2)  # one that is noted between a plan and its deletions keeps what it pulled

    number = await project_id(app, project)
    await ask(app, admin, "PUT", f"/retentions/{made}", policy(number, rule(tag="none", template="latestPushedK")))
    # `matches` takes untagged ones and `none` selects no tag: nothing is kept.
    assert (await run(app, admin, made, dry_run=True))[1] == {"multi": "delete", "amd": "delete"}
    assert (await run(app, admin, made, dry_run=False))[1] == {"multi": "deleted", "amd": "deleted"}
    for digest in (digest_of(amd), digest_of(arm), digest_of(both)):
        assert (await repo.get(f"manifests/{digest}")).status == 404


async def test_a_signature_goes_with_what_it_signs_and_an_immutable_tag_holds_all(
    app: Server, admin: Client, repo: Repo, project: str
) -> None:
    await repo.blob(b"{}")
    for name in ("free", "frozen"):
        await repo.blob(name.encode())
        signed = image(layers=[name.encode()])
        assert (await repo.put(name, signed)).status == 201
        signature = image(layers=[], subject=subject(signed))
        assert (await repo.put(digest_of(signature), signature)).status == 201
    made = await make_policy(app, admin, project, rule("latestPushedK", number=0))
    await ask(app, admin, "POST", f"/projects/{project}/immutabletagrules", {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "frozen"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    })  # fmt: skip

    assert (await run(app, admin, made, dry_run=True))[1] == {"free": "delete", "frozen": "immutable"}
    assert (await run(app, admin, made, dry_run=False))[1] == {"free": "deleted", "frozen": "immutable"}

    assert await repo.listed() == ["frozen"]
    left = await app.rows(
        "SELECT count(*) FROM artifact a JOIN repository r ON r.id = a.repository_id "
        "WHERE r.path = :path AND a.trash_id IS NULL", path=repo.name,
    )  # fmt: skip
    assert left == [(2,)]


async def test_what_happened_since_the_plan_keeps_an_artifact(
    app: Server, repo: Repo, pushed: Pushed, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what a task found and its deletions somebody tags one of its artifacts, and deletes another one."""
    digests = {name: await pushed(name) for name in ("gone", "stays", "tagged", "plain")}
    admin = administrator(app)
    made = await make_policy(app, admin, project, rule(tag="stays"))
    write = service.write_verdicts

    def then(work: Work, *args: Any) -> None:
        write(work, *args)
        work.after.append(lambda: asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(60))

    async def meanwhile() -> None:
        manifest = await repo.get(f"manifests/{digests['tagged']}", accept="*/*")
        assert (await repo.put("again", manifest.body)).status == 201
        assert (await repo.delete(f"manifests/{digests['gone']}")).status == 202

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(service, "write_verdicts", then)

    _, found = await run(app, admin, made, dry_run=False)

    assert found == {"stays": "keep", "tagged": "changed", "gone": "gone", "plain": "deleted"}
    assert await repo.listed() == ["again", "stays", "tagged"]


async def test_a_dry_run_is_carried_out_exactly(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    await pushed("a")
    made = await make_policy(app, admin, project, rule("latestPushedK", number=0))
    dry, named = await run(app, admin, made, dry_run=True)
    assert named == {"a": "delete"}
    await pushed("b")

    _, found = await run(app, admin, made, dry_run=False, exactly=dry["id"])

    assert found == {"a": "deleted", "b": "unnamed"}
    assert await repo.listed() == ["b"]

    number = await project_id(app, project)
    await ask(app, admin, "PUT", f"/retentions/{made}", policy(number, rule()))
    outdated = await ask(app, admin, "POST", f"/retentions/{made}/executions", {"exactly": dry["id"]})
    assert (outdated.status, reason(outdated)) == (409, "DRY_RUN_OUTDATED")
    unknown = await ask(app, admin, "POST", f"/retentions/{made}/executions", {"exactly": 10**9})
    assert (unknown.status, reason(unknown)) == (404, "EXECUTION_UNKNOWN")


async def test_a_schedule_starts_it(app: Server, admin: Client, pushed: Pushed, project: str) -> None:
    await pushed("v1")
    number = await project_id(app, project)
    made = await make_policy(app, admin, project, rule("latestPushedK", number=0), cron="0 0 3 * * *")
    await ask(app, admin, "PUT", f"/retentions/{made}", policy(number, rule(tag="v*"), cron="0 0 4 * * *"))
    (row,) = await app.rows("SELECT id, cron FROM schedule WHERE vendor_type = 'RETENTION' AND vendor_id = :p", p=made)
    assert row[1] == "0 0 4 * * *"

    def tick(work: Work) -> bool:
        work.db.execute(update(Schedule).where(Schedule.id == row[0]).values(next_at=work.now - timedelta(seconds=1)))
        return fire(work, row[0])

    assert await app.run(tick)
    async with working(app), asyncio.timeout(60):
        shown: list[dict[str, Any]] = []
        while [one["status"] for one in shown] != ["Success"]:
            shown = (await ask(app, admin, "GET", f"/retentions/{made}/executions")).json()
            await asyncio.sleep(0.05)
    assert (shown[0]["trigger"], shown[0]["dry_run"]) == ("SCHEDULE", False)
    assert [one["verdict"] for one in await verdicts(app, admin, made, shown[0]["id"])] == ["keep"]

    await ask(app, admin, "PUT", f"/retentions/{made}", policy(number, rule(), cron=""))
    assert await app.rows("SELECT 1 FROM schedule WHERE vendor_type = 'RETENTION' AND vendor_id = :p", p=made) == []


async def test_a_run_that_is_stopped_before_it_began_deletes_nothing(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    await pushed("v1")
    made = await make_policy(app, admin, project, rule("latestPushedK", number=0))
    number = await begin(app, admin, made, dry_run=False)

    wrong = await ask(app, admin, "PATCH", f"/retentions/{made}/executions/{number}", {"action": "pause"})
    stopped = await ask(app, admin, "PATCH", f"/retentions/{made}/executions/{number}", {"action": "stop"})

    assert (wrong.status, stopped.status) == (422, 200)
    async with working(app):
        await asyncio.sleep(0.3)
    (shown,) = (await ask(app, admin, "GET", f"/retentions/{made}/executions")).json()
    assert shown["status"] == "Stopped"
    written = await app.rows(
        "SELECT operation FROM audit WHERE project_id = :p AND resource_type = 'execution' ORDER BY id",
        p=await project_id(app, project),
    )
    assert [row[0] for row in written] == ["create", "stop"]
    assert await repo.listed() == ["v1"]


async def test_a_run_of_one_policy_is_not_found_under_another(app: Server, admin: Client, project: str) -> None:
    made = await make_policy(app, admin, project, rule())
    other = await make_policy(app, admin, await make_project(app), rule())
    number = await begin(app, admin, made, dry_run=True)

    for path in ("/tasks", "/verdicts", "/tasks/1"):
        assert (await ask(app, admin, "GET", f"/retentions/{other}/executions/{number}{path}")).status == 404
    stop = await ask(app, admin, "PATCH", f"/retentions/{other}/executions/{number}", {"action": "stop"})
    assert stop.status == 404


async def test_more_than_a_batch_goes_and_an_attempt_that_ended_early_is_taken_up(
    app: Server, admin: Client, repo: Repo, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 2 * BATCH + 3
    await repo.blob(b"{}")
    for number in range(count):
        assert (await repo.put(f"t{number:03}", image(layers=[], annotations={"n": str(number)}))).status == 201
    made = await make_policy(app, admin, project, rule(tag="t000"))
    delete, calls = service.delete_condemned, []

    def failing(work: Work, *args: Any) -> list[str]:
        calls.append(1)
        found = delete(work, *args)
        if len(calls) == 2:
            raise OSError("the second batch is rolled back")
        return found

    monkeypatch.setattr(service, "delete_condemned", failing)
    monkeypatch.setattr("moorage.jobs.queue.Job.delay", lambda *_: 0.05)

    execution, found = await run(app, admin, made, dry_run=False)

    assert execution["status"] == "Success"
    assert sorted(found.values()) == ["deleted"] * (count - 1) + ["keep"]
    assert await repo.listed() == ["t000"]
    trash = await app.rows("SELECT count(*) FROM trash WHERE project_id = :p", p=await project_id(app, project))
    assert trash == [(count - 1,)]


async def test_administrators_of_other_projects_stay_out(app: Server, project: str) -> None:
    made = await make_policy(app, administrator(app), project, rule())
    stranger = await make_user(app)

    for method, body in (("PUT", policy(1, rule())), ("DELETE", None), ("GET", None)):
        assert (await ask(app, stranger, method, f"/retentions/{made}", body)).status == 403
