"""What was deleted comes back whole: tags, artifacts, repositories, projects; and who may bring it back."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from moorage.access.policy import Role
from moorage.artifacts import immutable_rules
from moorage.artifacts.delete import delete_by_reference
from moorage.artifacts.immutable_rules import RuleBody, RuleSelector
from moorage.db.unit_of_work import Work
from moorage.projects import service as projects
from moorage.trash.routes import trash as trash_routes
from tests.api.client import OCI_MANIFEST, Answer, Client, Repo, Server, digest_of, encode, image, index
from tests.api.conftest import Pushed, administrator, make_project, make_robot, make_user, project_id, unique
from tests.api.statements import counting
from tests.api.test_labels_api import ask, make_label


async def listed(app: Server, who: Client, project: str) -> list[dict[str, Any]]:
    """The trash of a project, what was deleted last first."""
    answer = await ask(app, who, "GET", f"/projects/{project}/trash?page_size=100")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json()
    return found


async def restore(app: Server, who: Client, entry: int, **names: str) -> Answer:
    """Bring something back."""
    return await ask(app, who, "POST", f"/trash/{entry}/restore", {"names": names} if names else {})


async def facts(app: Server, repo: Repo) -> list[Any]:
    """What the REST API and the counters say of a repository, but for the times of its tags."""
    project, _, rest = repo.name.partition("/")
    path = f"/projects/{project}/repositories/{quote(quote(rest, safe=''), safe='')}"
    who = administrator(app)
    shown = (await ask(app, who, "GET", path)).json()
    answer = await ask(
        app, who, "GET", f"{path}/artifacts?page_size=100&with_tag=true&with_label=true&with_accessory=true&sort=id"
    )
    artifacts = answer.json()
    for one in artifacts:
        one.pop("pull_time", None)  # pulls are noted later
        one["tags"] = sorted(tag["name"] for tag in one.get("tags") or ())
    counts = await app.rows(
        "SELECT r.artifact_count, p.repository_count FROM repository r JOIN project p ON p.id = r.project_id "
        "WHERE r.path = :path AND r.trash_id IS NULL",
        path=repo.name,
    )
    return [shown["artifact_count"], artifacts, counts]


async def test_a_tag_comes_back_with_a_new_row_in_its_history(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    digest = await pushed("v1", "v2")
    before = await facts(app, repo)
    assert (await repo.delete("manifests/v1")).status == 202
    (entry,) = await listed(app, admin, project)
    assert (entry["kind"], entry["name"], entry["restore_first"]) == ("tag", f"{repo.name}:v1", None)
    assert entry["purge_at"] > entry["deleted_at"]

    done = await restore(app, admin, entry["id"])

    assert (done.status, done.json()["names"]) == (200, {"v1": "v1"})
    assert await repo.listed() == ["v1", "v2"]
    assert (await repo.get("manifests/v1")).header("docker-content-digest") == digest
    assert await facts(app, repo) == before
    rows = await app.rows(
        "SELECT h.until, h.ended_by, h.trash_id FROM tag_history h JOIN repository r ON r.id = h.repository_id "
        "WHERE r.path = :path AND h.name = 'v1' ORDER BY h.id",
        path=repo.name,
    )
    assert [(row[0] is None, row[1], row[2]) for row in rows] == [(False, "deleted", None), (True, None, None)]
    assert await listed(app, admin, project) == []
    assert (await restore(app, admin, entry["id"])).status == 404
    number = await project_id(app, project)
    written = await app.rows(
        "SELECT operation, resource_type, resource FROM audit WHERE project_id = :p AND operation = 'restore'", p=number
    )
    assert written == [("restore", "tag", f"{repo.name}:v1")]


async def test_an_artifact_comes_back_with_tags_labels_and_referrers(
    app: Server, admin: Client, repo: Repo, project: str
) -> None:
    label = await make_label(app, admin, scope="g")
    main = await repo.image("v1", "v2", layers=[unique("layer").encode()])
    manifest = (await repo.get(f"manifests/{main}")).body
    about = {"mediaType": OCI_MANIFEST, "digest": main, "size": len(manifest)}
    referrer = await repo.image(layers=[unique("note").encode()], subject=about)
    path = f"/projects/{project}/repositories/app/artifacts/{main}"
    assert (await ask(app, admin, "POST", f"{path}/labels", {"id": label})).status == 200
    before = await facts(app, repo)
    assert (await repo.delete(f"manifests/{main}")).status == 202
    assert (await repo.get(f"manifests/{referrer}")).status == 404
    (entry,) = await listed(app, admin, project)
    assert (entry["kind"], entry["name"]) == ("artifact", f"{repo.name}@{main}")

    done = (await restore(app, admin, entry["id"])).json()

    assert done == {
        "kind": "artifact", "name": entry["name"], "names": {"v1": "v1", "v2": "v2"}, "artifacts": 2,
    }  # fmt: skip
    assert await facts(app, repo) == before
    assert (await repo.get("manifests/v2")).body == manifest
    found = (await repo.get(f"referrers/{main}")).json()["manifests"]
    assert [one["digest"] for one in found] == [referrer]


async def push_index(repo: Repo, *tags: str, count: int = 2) -> tuple[str, list[str]]:
    """An index with children of its own; its digest and theirs."""
    children = []
    for _ in range(count):
        layers = [unique("layer").encode()]
        await repo.image(layers=layers)
        children.append(image(layers=layers))
    raw = index(*children)
    for reference in tags or (digest_of(raw),):
        assert (await repo.put(reference, raw)).status == 201
    return digest_of(raw), [digest_of(child) for child in children]


async def test_an_index_comes_back_whole_though_its_children_went_otherwise(
    app: Server, admin: Client, repo: Repo, project: str
) -> None:
    """One child stayed because of its tag, one was deleted by itself later, one went along."""
    digest, (stays, later, along) = await push_index(repo, "all", count=3)
    for tag, child in (("stays", stays), ("later", later)):
        assert (await repo.put(tag, (await repo.get(f"manifests/{child}")).body)).status == 201
    before = await facts(app, repo)
    for reference in (digest, later):
        assert (await repo.delete(f"manifests/{reference}")).status == 202
    assert (await repo.get(f"manifests/{along}")).status == 404
    second, first = await listed(app, admin, project)

    assert (await restore(app, admin, first["id"])).json()["artifacts"] == 3

    for child in (stays, later, along):
        assert (await repo.get(f"manifests/{child}")).status == 200
    assert await repo.listed() == ["all", "stays"], "the tag belongs to the other act"
    assert (await restore(app, admin, second["id"])).json()["names"] == {"later": "later"}
    assert await facts(app, repo) == before


async def test_what_was_pushed_again_meanwhile_is_left_as_it_is(
    app: Server, admin: Client, repo: Repo, project: str
) -> None:
    layers = [unique("layer").encode()]
    digest = await repo.image("v1", layers=layers)
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    await repo.image("v2", layers=layers)
    (entry,) = await listed(app, admin, project)

    done = (await restore(app, admin, entry["id"])).json()

    assert (done["names"], done["artifacts"]) == ({"v1": "v1"}, 0)
    assert await repo.listed() == ["v1", "v2"]


async def test_a_tag_that_is_taken_is_offered_another_name(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    digest = await pushed("v1", "v2", "v1-restored")
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    newer = await pushed("v1")
    entry = next(one for one in await listed(app, admin, project) if one["kind"] == "artifact")

    refused = await restore(app, admin, entry["id"])

    assert refused.status == 409
    detail = refused.json()["errors"][0]["detail"]
    assert (detail["reason"], detail["taken"]) == ("RESTORE_TAKEN", ["v1"])
    assert detail["offer"] == {"v1": "v1-restored-2"}, "the first that comes to mind comes back itself"
    assert (await repo.get(f"manifests/{digest}")).status == 404, "all of it or nothing"

    assert (await restore(app, admin, entry["id"], **detail["offer"])).status == 200
    assert await repo.listed() == ["v1", "v1-restored", "v1-restored-2", "v2"]
    assert (await repo.get("manifests/v1")).header("docker-content-digest") == newer
    assert (await repo.get("manifests/v1-restored-2")).header("docker-content-digest") == digest


async def test_a_tag_may_stay_away(app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str) -> None:
    digest = await pushed("v1", "v2")
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    await pushed("v1")
    (entry,) = await listed(app, admin, project)
    for names in ({"v3": "x"}, {"v1": "not a tag"}, {"v1": "v2"}):
        assert (await restore(app, admin, entry["id"], **names)).status in {400, 409}, names

    assert (await restore(app, admin, entry["id"], v1="")).json()["names"] == {"v2": "v2"}

    assert await repo.listed() == ["v1", "v2"]


async def test_a_repository_comes_back_with_all_that_it_held(
    app: Server, admin: Client, repo: Repo, project: str
) -> None:
    await push_index(repo, "all")
    await repo.image("v1", layers=[unique("layer").encode()])
    before = await facts(app, repo)
    assert (await ask(app, admin, "DELETE", f"/projects/{project}/repositories/app")).status == 200
    assert (await repo.get("manifests/v1")).status == 404
    (entry,) = await listed(app, admin, project)
    assert (entry["kind"], entry["name"]) == ("repository", repo.name)

    done = (await restore(app, admin, entry["id"])).json()

    assert done["artifacts"] == 2
    assert await facts(app, repo) == before
    assert (await repo.get("manifests/all")).status == 200


async def test_a_repository_whose_name_is_taken_comes_back_under_another(
    app: Server, admin: Client, repo: Repo, project: str
) -> None:
    old = await repo.image("v1", layers=[unique("layer").encode()])
    assert (await ask(app, admin, "DELETE", f"/projects/{project}/repositories/app")).status == 200
    new = await repo.image("v1", layers=[unique("layer").encode()])
    (entry,) = await listed(app, admin, project)

    refused = await restore(app, admin, entry["id"])

    assert refused.status == 409
    offer = refused.json()["errors"][0]["detail"]["offer"]
    assert offer == {repo.name: f"{repo.name}-restored"}
    for wrong in ("elsewhere/app", "APP", project, f"{project}/"):
        assert (await restore(app, admin, entry["id"], **{repo.name: wrong})).status == 400
    assert (await restore(app, admin, entry["id"], **offer)).json()["names"] == offer
    other = repo.client.repo(f"{repo.name}-restored")
    assert (await other.get("manifests/v1")).header("docker-content-digest") == old
    assert (await repo.get("manifests/v1")).header("docker-content-digest") == new
    assert (await app.rows("SELECT repository_count FROM project WHERE name = :n", n=project)) == [(2,)]


async def test_a_project_comes_back_with_its_trash_under_another_name_if_need_be(
    app: Server, admin: Client, project: str
) -> None:
    boss = await make_user(app, {project: Role.PROJECT_ADMIN})
    repo = boss.repo(f"{project}/app")
    digest = await repo.image("v1", layers=[unique("layer").encode()])
    await (boss.repo(f"{project}/empty")).open()
    assert (await ask(app, boss, "DELETE", f"/projects/{project}/repositories/app")).status == 200
    assert (await ask(app, boss, "DELETE", f"/projects/{project}")).status == 200
    again = await make_user(app)
    await app.run(projects.create_project, project, owner_id=again.id)
    again_repo = again.repo(f"{project}/empty")
    await again_repo.image("v1")
    answer = await ask(app, boss, "GET", "/trash")
    everything = answer.json()
    entry = everything[0]
    assert [(one["kind"], one["restore_first"]) for one in everything] == [
        ("project", None), ("repository", entry["id"]),
    ]  # fmt: skip
    assert (await ask(app, admin, "GET", f"/trash?q=project_id={entry['project_id']}")).json() == everything
    blocked = await restore(app, admin, everything[1]["id"])
    assert (blocked.status, blocked.json()["errors"][0]["detail"]["first"]) == (412, entry["id"])
    for who in (again, Client(app, again.username, again.password)):
        assert (await restore(app, who, entry["id"])).status == 403

    refused = await restore(app, boss, entry["id"])
    offer = refused.json()["errors"][0]["detail"]["offer"]
    assert (refused.status, offer) == (409, {project: f"{project}-restored"})
    assert (await restore(app, boss, entry["id"], **{project: "x" * 255})).status == 400
    assert (await restore(app, boss, entry["id"], **offer)).status == 200

    name = f"{project}-restored"
    (inner,) = await listed(app, boss, name)
    assert (inner["kind"], inner["name"]) == ("repository", f"{name}/app")
    assert (await restore(app, boss, inner["id"])).status == 200
    back = boss.repo(f"{name}/app")
    assert (await back.get("manifests/v1")).header("docker-content-digest") == digest
    assert (await again_repo.get("manifests/v1")).status == 200


async def test_what_its_time_is_over_for_does_not_come_back(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    await pushed("v1")
    assert (await repo.delete("manifests/v1")).status == 202
    (entry,) = await listed(app, admin, project)
    past = datetime.now(UTC) - timedelta(seconds=1)
    micros = int(past.timestamp() * 1_000_000) if app.settings.database_url.startswith("sqlite") else past
    await app.rows("UPDATE trash SET purge_at = :past WHERE id = :id", past=micros, id=entry["id"])

    assert await listed(app, admin, project) == []
    assert (await restore(app, admin, entry["id"])).status == 404


async def test_what_it_belongs_to_comes_first(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    digest = await pushed("v1", "v2")
    assert (await repo.delete("manifests/v1")).status == 202
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    assert (await ask(app, admin, "DELETE", f"/projects/{project}/repositories/app")).status == 200
    whole, artifact, tag = await listed(app, admin, project)

    for entry, first in ((tag, whole), (artifact, whole)):
        assert entry["restore_first"] == whole["id"]
        refused = await restore(app, admin, entry["id"])
        assert (refused.status, refused.json()["errors"][0]["detail"]["first"]) == (412, first["id"])
    assert (await restore(app, admin, whole["id"])).status == 200
    refused = await restore(app, admin, tag["id"])
    assert (refused.status, refused.json()["errors"][0]["detail"]["first"]) == (412, artifact["id"])
    assert (await restore(app, admin, artifact["id"])).status == 200
    assert (await restore(app, admin, tag["id"])).status == 200
    assert await repo.listed() == ["v1", "v2"]


async def test_immutable_rules_do_not_mind(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    digest = await pushed("v1")
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    rule = RuleBody(
        tag_selectors=[RuleSelector(decoration="matches", pattern="**")],
        scope_selectors={"repository": [RuleSelector(decoration="repoMatches", pattern="**")]},
    )
    await app.run(immutable_rules.create_rule, await project_id(app, project), rule)
    (entry,) = await listed(app, admin, project)

    assert (await restore(app, admin, entry["id"])).status == 200
    assert (await repo.delete(f"manifests/{digest}")).status == 412, "the tag is back, and kept"


@pytest.mark.parametrize("role", [None, Role.LIMITED_GUEST, Role.GUEST, Role.DEVELOPER, Role.MAINTAINER,
                                  Role.PROJECT_ADMIN])  # fmt: skip
async def test_who_may_delete_may_restore(app: Server, repo: Repo, pushed: Pushed, role: Role | None) -> None:
    admin, project = administrator(app), repo.name.partition("/")[0]
    digest = await pushed("v1")
    assert (await repo.delete("manifests/v1")).status == 202
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    who = await make_user(app, {project: role} if role else {})
    entries = await listed(app, admin, project)
    may = role in {Role.MAINTAINER, Role.PROJECT_ADMIN}

    seen = (await ask(app, who, "GET", "/trash")).json()
    assert {one["id"] for one in seen} == ({one["id"] for one in entries} if may else set())
    assert (await ask(app, who, "GET", f"/projects/{project}/trash")).status == (200 if may else 403)
    for entry in entries:
        assert (await ask(app, who, "GET", f"/trash/{entry['id']}")).status == (200 if may else 403)
        assert (await restore(app, who, entry["id"])).status == (200 if may else 403)
        assert (await restore(app, Client(app), entry["id"])).status == 401
    assert (await restore(app, who, 2**62)).status == 403, "who may not is not told what is there"


async def test_a_robot_sees_what_it_may_restore(app: Server, repo: Repo, pushed: Pushed, owner: Client) -> None:
    await pushed("v1")
    assert (await repo.delete("manifests/v1")).status == 202
    digest = await pushed("v2")
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    elsewhere = await make_robot(app, await make_project(app), "pull", "push", "delete")

    assert [one["kind"] for one in (await ask(app, owner, "GET", "/trash")).json()] == ["artifact", "tag"]
    assert (await ask(app, elsewhere, "GET", "/trash")).json() == []
    entry = (await ask(app, owner, "GET", "/trash")).json()[0]
    assert (await restore(app, elsewhere, entry["id"])).status == 403
    assert (await restore(app, owner, entry["id"])).status == 200


async def test_the_list_takes_as_many_statements_for_many_rows_as_for_one(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    await pushed(*[f"v{number}" for number in range(12)])
    counts = []
    for number in range(12):
        assert (await repo.delete(f"manifests/v{number}")).status == 202
        if number in {0, 11}:
            with counting() as counted:
                assert len(await listed(app, admin, project)) == number + 1
            counts.append(len(counted))
    assert counts[0] == counts[1] <= 2
    page = await ask(app, admin, "GET", f"/projects/{project}/trash?page=2&page_size=5&sort=id&q=kind=tag")
    assert page.header("x-total-count") == "12"
    assert [one["name"][-2:] for one in page.json()] == ["v5", "v6", "v7", "v8", "v9"]


async def test_of_two_who_restore_at_once_one_does(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    for number in range(5):
        await pushed(f"v{number}")
        assert (await repo.delete(f"manifests/v{number}")).status == 202
        (entry,) = await listed(app, admin, project)

        answers = await asyncio.gather(*(restore(app, admin, entry["id"]) for _ in range(3)))

        assert sorted(answer.status for answer in answers) == [200, 404, 404]
        assert f"v{number}" in await repo.listed()


async def test_a_push_and_a_restore_of_one_tag_have_an_order(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    for number in range(8):
        tag = f"v{number}"
        old = await pushed(tag)
        assert (await repo.delete(f"manifests/{tag}")).status == 202
        (entry,) = await listed(app, admin, project)
        layers = [unique("layer").encode()]
        await repo.blob(b"{}")
        await repo.blob(layers[0])
        raw = encode(image(layers=layers))

        back, push = await asyncio.gather(restore(app, admin, entry["id"]), repo.put(tag, raw))

        assert push.status == 201
        assert back.status in {200, 409}
        assert (await repo.get(f"manifests/{tag}")).header("docker-content-digest") == digest_of(raw)
        if back.status == 409:
            offer = back.json()["errors"][0]["detail"]["offer"]
            assert (await restore(app, admin, entry["id"], **offer)).status == 200
            assert (await repo.get(f"manifests/{offer[tag]}")).header("docker-content-digest") == old


async def test_a_name_of_a_deleted_project_is_free_also_for_repositories_that_were_never_listed(
    app: Server, admin: Client, project: str, owner: Client
) -> None:
    await owner.repo(f"{project}/app").open()
    assert (await ask(app, admin, "DELETE", f"/projects/{project}")).status == 200
    await app.run(projects.create_project, project, owner_id=1)

    await admin.repo(f"{project}/app").image("v1")


async def test_how_long_the_trash_keeps_is_a_setting_of_the_project_and_0_turns_it_off(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    path = f"/projects/{project}"
    boss, maintainer = [await make_user(app, {project: role}) for role in (Role.PROJECT_ADMIN, Role.MAINTAINER)]
    assert (await ask(app, maintainer, "GET", path)).json()["metadata"]["trash_days"] == "7"
    await pushed("v1", "v2", "v3")
    assert (await repo.delete("manifests/v1")).status == 202
    for wrong in ("-1", "x", "3651", "1.5"):
        assert (await ask(app, boss, "PUT", path, {"metadata": {"trash_days": wrong}})).status == 400, wrong
    assert (await ask(app, maintainer, "PUT", path, {"metadata": {"trash_days": "0"}})).status == 403

    assert (await ask(app, boss, "PUT", path, {"metadata": {"trash_days": "030"}})).status == 200
    assert (await repo.delete("manifests/v2")).status == 202
    newest, first = await listed(app, admin, project)
    kept = [datetime.fromisoformat(one["purge_at"]) - datetime.fromisoformat(one["deleted_at"])
            for one in (first, newest)]  # fmt: skip
    assert [round(span / timedelta(days=1)) for span in kept] == [7, 30]

    assert (await ask(app, boss, "PUT", f"{path}/metadatas/trash_days", {"trash_days": "0"})).status == 200
    assert (await ask(app, boss, "GET", f"{path}/metadatas/trash_days")).json() == {"trash_days": "0"}
    assert (await repo.delete("manifests/v3")).status == 202
    assert [one["id"] for one in await listed(app, admin, project)] == [newest["id"], first["id"]]
    last = (await app.rows("SELECT max(id) FROM trash"))[0][0]
    assert (await restore(app, admin, last)).status == 404

    assert (await ask(app, boss, "DELETE", f"{path}/metadatas/trash_days")).status == 200
    assert (await ask(app, admin, "GET", path)).json()["metadata"]["trash_days"] == "7"
    made = await ask(app, admin, "POST", "/projects", {"project_name": unique("p"), "metadata": {"trash_days": "1"}})
    assert made.status == 201
    row = await app.rows("SELECT trash_days FROM project WHERE id = :id", id=int(made.location.rpartition("/")[2]))
    assert row == [(1,)]


@pytest.mark.parametrize("role", [None, Role.DEVELOPER, Role.MAINTAINER])
async def test_who_may_restore_may_delete_for_ever(app: Server, repo: Repo, pushed: Pushed, role: Role | None) -> None:
    admin, project = administrator(app), repo.name.partition("/")[0]
    digest = await pushed("v1", "v2")
    assert (await repo.delete("manifests/v1")).status == 202
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    who = await make_user(app, {project: role} if role else {})
    entries = await listed(app, admin, project)
    for entry in entries:
        assert (await ask(app, Client(app), "DELETE", f"/trash/{entry['id']}")).status == 401
        gone = await ask(app, who, "DELETE", f"/trash/{entry['id']}")
        if role is not Role.MAINTAINER:
            assert gone.status == 403
            continue
        assert (gone.status, gone.json()) == (200, {"kind": entry["kind"], "name": entry["name"], "finished": True})
        assert (await restore(app, admin, entry["id"])).status == 404
        assert (await ask(app, who, "DELETE", f"/trash/{entry['id']}")).status == 403
    if role is Role.MAINTAINER:
        assert await listed(app, admin, project) == []
        history = await app.rows(
            "SELECT h.ended_by, h.trash_id FROM tag_history h JOIN repository r ON r.id = h.repository_id "
            "WHERE r.path = :path", path=repo.name,
        )  # fmt: skip
        assert set(history) == {("deleted", None)}
        number = await project_id(app, project)
        written = await app.rows(
            "SELECT resource_type, resource FROM audit WHERE project_id = :p AND operation = 'purge' ORDER BY id",
            p=number,
        )
        assert written == [("artifact", f"{repo.name}@{digest}"), ("tag", f"{repo.name}:v1")]


async def test_a_large_act_goes_in_parts_and_the_collector_takes_the_rest(
    app: Server, admin: Client, repo: Repo, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash_routes, "_PARTS", 1)
    await repo.image("v1", layers=[unique("layer").encode()])
    assert (await ask(app, admin, "DELETE", f"/projects/{project}/repositories/app")).status == 200
    (entry,) = await listed(app, admin, project)

    assert (await ask(app, admin, "DELETE", f"/trash/{entry['id']}")).json()["finished"] is False

    assert (await restore(app, admin, entry["id"])).status == 404
    assert await listed(app, admin, project) == []
    assert (await app.rows("SELECT purging FROM trash WHERE id = :id", id=entry["id"]))[0][0]


@pytest.mark.parametrize("purged", [False, True])
async def test_a_tag_of_what_was_pushed_and_deleted_again_waits_for_that_and_goes_with_it(
    app: Server, admin: Client, repo: Repo, project: str, *, purged: bool
) -> None:
    layers = [unique("layer").encode()]
    digest = await repo.image("v1", layers=layers)
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    await repo.image(layers=layers)
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    second, first = await listed(app, admin, project)
    if purged:
        assert (await ask(app, admin, "DELETE", f"/trash/{second['id']}")).status == 200
        assert (await restore(app, admin, first["id"])).status == 404
        return

    blocked = await restore(app, admin, first["id"])
    assert (blocked.status, blocked.json()["errors"][0]["detail"]["first"]) == (412, second["id"])
    assert (await restore(app, admin, first["id"], v1="")).status == 200, "without the tag nothing is in the way"
    assert (await repo.get(f"manifests/{digest}")).status == 404
    assert (await restore(app, admin, second["id"])).status == 200
    assert (await repo.get(f"manifests/{digest}")).status == 200


async def test_blobs_that_were_deleted_meanwhile_come_back_with_what_needs_them(
    app: Server, admin: Client, repo: Repo, project: str
) -> None:
    layer = unique("layer").encode()
    digest = await repo.image("v1", layers=[layer])
    for way in ("artifact", "repository"):
        if way == "artifact":
            assert (await repo.delete(f"manifests/{digest}")).status == 202
            assert (await repo.delete(f"blobs/{digest_of(layer)}")).status == 202
            assert (await repo.get(f"blobs/{digest_of(layer)}")).status == 404
        else:
            assert (await ask(app, admin, "DELETE", f"/projects/{project}/repositories/app")).status == 200
        (entry,) = await listed(app, admin, project)
        assert (await restore(app, admin, entry["id"])).status == 200
        assert (await repo.get(f"blobs/{digest_of(layer)}")).body == layer


async def test_until_when_is_told_by_the_clock_that_a_purge_asks(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, project: str
) -> None:
    digest = await pushed("v1")
    number = await project_id(app, project)

    def delete(work: Work) -> None:
        work.now -= timedelta(days=30)  # as on a node whose clock is wrong
        delete_by_reference(work, number, repo.name, digest)

    await app.run(delete)

    (entry,) = await listed(app, admin, project)
    left = datetime.fromisoformat(entry["purge_at"]) - datetime.now(UTC)
    assert timedelta(days=6) < left < timedelta(days=8)
