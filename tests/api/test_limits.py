"""How many repositories and tags a project may hold: never one more, and what goes makes room."""

from typing import Any

import pytest

from moorage.access.policy import Role
from moorage.projects import service as projects
from tests.api.client import Answer, Client, Repo, Server, descriptor, digest_of, encode, image, index
from tests.api.conftest import Serve, administrator, make_project, make_user, project_id, unique
from tests.api.test_copy_api import copy
from tests.api.test_explain_api import decided
from tests.api.test_projects_api import call
from tests.api.test_trash import listed, restore

SECOND = image(config=b'{"second":1}')


async def limit(app: Server, project: str, **hard: int) -> Answer:
    """Set limits, as an administrator."""
    number = await project_id(app, project)
    return await call(administrator(app), app, "PUT", f"/quotas/{number}", {"hard": hard})


async def quota(app: Server, project: str) -> dict[str, Any]:
    """What the list of quotas says of a project."""
    number = await project_id(app, project)
    answer = await call(administrator(app), app, "GET", f"/quotas?reference=project&reference_id={number}")
    (found,) = answer.json()
    assert found == (await call(administrator(app), app, "GET", f"/quotas/{number}")).json()
    shown: dict[str, Any] = found
    return shown


async def counted(app: Server, project: str) -> int:
    """The counter of tags, which has to be the truth wherever there is a limit."""
    rows = await app.rows(
        "SELECT q.used_tags FROM quota q JOIN project p ON p.id = q.project_id WHERE p.name = :n", n=project
    )
    counter: int = rows[0][0]
    assert counter == (await quota(app, project))["used"]["tags"]
    return counter


def is_full(answer: Answer, what: str) -> bool:
    """Whether it was refused because of that limit, with a sentence that says so."""
    if (answer.status, answer.code) != (403, "DENIED"):
        return False
    error = answer.json()["errors"][0]
    assert error["detail"]["reason"] == "PROJECT_FULL"
    assert error["detail"]["resource"] == what
    assert what in error["message"]
    return True


async def test_limits_are_shown_and_set_by_administrators(app: Server, project: str, owner: Client) -> None:
    shown = await quota(app, project)
    assert shown["hard"] == {"storage": -1, "repositories": -1, "tags": -1}
    assert shown["used"] == {"storage": 0, "repositories": 0, "tags": 0}

    assert (await limit(app, project, repositories=3, tags=20)).status == 200
    assert (await limit(app, project, storage=1 << 30)).status == 200

    assert (await quota(app, project))["hard"] == {"storage": 1 << 30, "repositories": 3, "tags": 20}
    await owner.repo(f"{project}/app").image("a", "b")
    used = (await quota(app, project))["used"]
    assert (used["repositories"], used["tags"]) == (1, 2)
    summary = (await call(administrator(app), app, "GET", f"/projects/{project}/summary")).json()
    assert summary["quota"]["hard"] == {"storage": 1 << 30, "repositories": 3, "tags": 20}
    assert summary["quota"]["used"] == used
    number = await project_id(app, project)
    assert (await call(owner, app, "PUT", f"/quotas/{number}", {"hard": {"tags": -1}})).status == 403
    written = await app.rows(
        "SELECT detail FROM audit WHERE project_id = :p AND resource_type = 'project' ORDER BY id", p=number
    )
    assert "tags_limit" in str(written[-2:])


@pytest.mark.parametrize(
    "hard",
    [{}, {"cpu": 1}, {"storage": -1, "cpu": 1}, {"tags": -2}, {"repositories": 2**31}, {"tags": 1, "storage": 0}],
)
async def test_a_wrong_limit_is_refused_and_changes_nothing(app: Server, project: str, hard: dict[str, int]) -> None:
    assert (await limit(app, project, **hard)).status == 400
    assert (await quota(app, project))["hard"] == {"storage": -1, "repositories": -1, "tags": -1}


async def test_a_repository_too_many_is_refused_before_a_byte_is_sent(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/one").image("v1")
    await limit(app, project, repositories=1)
    two = admin.repo(f"{project}/two")

    opened = await two.send("POST", "blobs/uploads/")

    assert is_full(opened, "repositories")
    assert "may hold 1 repositories" in opened.json()["errors"][0]["message"]
    await admin.repo(f"{project}/one").image("v2", "v3")
    assert (await quota(app, project))["used"]["repositories"] == 1
    rows = await app.rows("SELECT 1 FROM repository WHERE path = :path", path=two.name)
    assert rows == []


async def test_the_manifest_is_refused_when_another_repository_was_faster(
    app: Server, admin: Client, project: str
) -> None:
    await limit(app, project, repositories=1)
    slow, fast = admin.repo(f"{project}/slow"), admin.repo(f"{project}/fast")
    for data in (b"{}", b"layer"):
        await slow.blob(data)
    await fast.image("v1")

    assert is_full(await slow.put("v1", image()), "repositories")

    assert (await fast.delete(f"manifests/{digest_of(image())}")).status == 202
    assert (await slow.put("v1", image())).status == 201
    assert is_full(await fast.put("v1", image()), "repositories")


async def test_a_tag_too_many_is_refused_and_what_moves_is_not(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await limit(app, project, tags=2)
    await repo.image("v1", "v2")
    await repo.blob(b'{"second":1}')

    refused = await repo.put("v3", SECOND)
    assert is_full(refused, "tags")
    assert (await repo.head(f"manifests/{digest_of(SECOND)}")).status == 404  # nothing is half done
    assert (await repo.put("v2", SECOND)).status == 201  # moves
    assert (await repo.put(digest_of(index(image())), index(image()))).status == 201  # no tag at all
    artifact = f"/projects/{project}/repositories/app/artifacts/v1/tags"
    assert is_full(await call(admin, app, "POST", artifact, {"name": "v3"}), "tags")
    assert await counted(app, project) == 2

    assert (await call(admin, app, "DELETE", f"{artifact}/v1")).status == 200
    assert await counted(app, project) == 1
    assert (await repo.put("v3", SECOND)).status == 201
    assert await counted(app, project) == 2


async def test_a_limit_below_what_is_held_only_refuses_more(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await repo.image("v1", "v2", "v3")
    await admin.repo(f"{project}/other").image("v1")

    assert (await limit(app, project, tags=1, repositories=0)).status == 200

    assert await counted(app, project) == 4
    await repo.image("v1")
    assert is_full(await repo.put("v4", image()), "tags")
    assert is_full(await admin.repo(f"{project}/third").send("POST", "blobs/uploads/"), "repositories")
    assert (await limit(app, project, tags=-1)).status == 200
    await repo.image("v4")


async def test_deleting_and_restoring_count(app: Server, admin: Client, project: str) -> None:
    one, two = admin.repo(f"{project}/one"), admin.repo(f"{project}/two")
    await one.image("a", "b")
    await one.image("c", config=b'{"second":1}')
    await two.image("a", "b")
    await limit(app, project, tags=5, repositories=2)

    assert (await one.delete(f"manifests/{digest_of(image())}")).status == 202
    assert await counted(app, project) == 3
    assert (await call(admin, app, "DELETE", f"/projects/{project}/repositories/two")).status == 200
    assert await counted(app, project) == 1
    repository, artifact = await listed(app, admin, project)
    assert (repository["kind"], artifact["kind"]) == ("repository", "artifact")

    await limit(app, project, tags=2)
    assert is_full(await restore(app, admin, artifact["id"]), "tags")
    assert is_full(await restore(app, admin, repository["id"]), "tags")
    assert await counted(app, project) == 1
    await limit(app, project, tags=5, repositories=1)
    assert is_full(await restore(app, admin, repository["id"]), "repositories")
    await limit(app, project, repositories=2)
    for entry in (artifact, repository):
        assert (await restore(app, admin, entry["id"])).status == 200
    assert await counted(app, project) == 5
    assert (await quota(app, project))["used"]["repositories"] == 2


async def test_an_artifact_comes_back_only_where_its_repository_may_be_listed_again(
    app: Server, admin: Client, project: str
) -> None:
    one, two = admin.repo(f"{project}/one"), admin.repo(f"{project}/two")
    await one.image("a")
    assert (await one.delete(f"manifests/{digest_of(image())}")).status == 202  # `one` is empty, and listed no more
    await two.image("a")
    await limit(app, project, repositories=1)
    (entry,) = await listed(app, admin, project)

    assert is_full(await restore(app, admin, entry["id"]), "repositories")

    await limit(app, project, repositories=2)
    assert (await restore(app, admin, entry["id"])).status == 200
    assert (await quota(app, project))["used"]["repositories"] == 2


async def test_a_tag_that_is_restored_counts(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await repo.image("a", "b")
    await limit(app, project, tags=2)
    assert (await repo.delete("manifests/a")).status == 202
    (entry,) = await listed(app, admin, project)
    await repo.image("c")

    assert is_full(await restore(app, admin, entry["id"]), "tags")

    assert (await repo.delete("manifests/c")).status == 202
    assert (await restore(app, admin, entry["id"])).status == 200
    assert await counted(app, project) == 2


async def test_a_project_comes_back_with_its_count(app: Server, admin: Client) -> None:
    project = await make_project(app)
    await limit(app, project, tags=3)
    repo = admin.repo(f"{project}/app")
    await repo.image("a")
    await repo.blob(b"payload")
    simple = descriptor(b"payload", "application/vnd.dev.cosign.simplesigning.v1+json")
    signature = digest_of(b"nowhere").replace(":", "-") + ".sig"  # an accessory: it is there, and nothing is listed
    assert (await repo.put(signature, {**image(), "layers": [simple]})).status == 201
    assert (await repo.delete(f"manifests/{digest_of(image())}")).status == 202
    number = await project_id(app, project)
    await app.run(projects.delete_project, number)
    entry = (await call(admin, app, "GET", f"/trash?q=project_id={number}&sort=-id")).json()[0]
    assert entry["kind"] == "project"

    assert (await restore(app, admin, entry["id"])).status == 200

    assert await counted(app, project) == 1
    await administrator(app).repo(repo.name).image("a", "b")  # with a new token
    assert await counted(app, project) == 3


async def test_a_copy_counts_once_and_is_refused_whole(app: Server, admin: Client) -> None:
    source, target = await make_project(app), await make_project(app)
    await admin.repo(f"{source}/app").image("a", "b", "c")
    await limit(app, target, tags=2, repositories=1)

    refused = await copy(app, admin, target, "copy", f"{source}/app:a")
    assert is_full(refused, "tags")
    assert (await quota(app, target))["used"] == {"storage": 0, "repositories": 0, "tags": 0}
    await limit(app, target, tags=3)
    assert (await copy(app, admin, target, "copy", f"{source}/app:a")).status == 201
    assert (await copy(app, admin, target, "copy", f"{source}/app:a")).status == 201  # the same again: nothing new
    assert await counted(app, target) == 3
    assert is_full(await copy(app, admin, target, "more", f"{source}/app:a"), "repositories")


async def test_a_new_project_has_the_limits_of_the_live_settings_and_they_can_be_switched_off(serve: Serve) -> None:
    server = await serve()
    admin = administrator(server)
    limits = {"repositories_per_project": 1, "tags_per_project": 2}
    assert (await call(admin, server, "PUT", "/configurations", limits)).status == 200
    project = unique("limited")
    assert (await call(admin, server, "POST", "/projects", {"project_name": project})).status == 201
    assert (await quota(server, project))["hard"] == {"storage": -1, "repositories": 1, "tags": 2}
    repo = admin.repo(f"{project}/app")
    await repo.image("a", "b")
    assert is_full(await repo.put("c", image()), "tags")

    assert (await call(admin, server, "PUT", "/configurations", {"quota_per_project_enable": False})).status == 200

    await repo.image("c")
    assert await counted(server, project) == 3


async def test_explain_names_the_limit(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/app").image("v1")
    await limit(app, project, tags=1, repositories=1)
    who = f"user:{(await make_user(app, {project: Role.MAINTAINER})).username}"

    assert await decided(app, project, who, "push") == (True, "role")
    assert await decided(app, project, who, "push", repository="app", tag="v1") == (True, "role")
    assert await decided(app, project, who, "push", repository="app", tag="v2") == (False, "tags")
    assert await decided(app, project, who, "push", repository="other") == (False, "repositories")


async def test_quotas_are_sorted_and_filtered_by_limits(app: Server, admin: Client, repo: Repo, project: str) -> None:
    await repo.image("v1")
    await limit(app, project, tags=7_654_321, repositories=12_345)

    for query in (
        "q=hard.tags=7654321",
        "q=hard.repositories=12345,used.repositories=1",
        "sort=-hard.tags&page_size=1",
    ):
        found = (await call(admin, app, "GET", f"/quotas?{query}")).json()
        assert [one["ref"]["name"] for one in found] == [project], query


def test_the_manifests_here_differ() -> None:
    assert encode(SECOND) != encode(image())
