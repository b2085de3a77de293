"""What is in one repository is nowhere else: mounts, shared blobs, private projects, rights that are too narrow."""

import pytest
import pytest_asyncio

from moorage.access.policy import Role
from tests.api.client import Client, Repo, Server, digest_of, image, index
from tests.api.conftest import administrator, make_project, make_robot, make_user, unique
from tests.api.rows import row

Both = tuple[Repo, Repo, str]
"""A repository of the caller, a foreign one in a project that the caller may not see, a blob in the foreign one."""


@pytest_asyncio.fixture(params=["robot", "person"], loop_scope="session")
async def both(app: Server, request: pytest.FixtureRequest) -> Both:
    mine, foreign = await make_project(app), await make_project(app)
    if request.param == "robot":
        me = await make_robot(app, mine, "pull", "push", "delete")
    else:
        me = await make_user(app, {mine: Role.MAINTAINER})
    other = (await make_robot(app, foreign, "pull", "push")).repo(f"{foreign}/app")
    return me.repo(f"{mine}/app"), other, await other.blob(unique("secret").encode())


# -- mounts -----------------------------------------------------------------------------------------------


async def test_a_blob_is_mounted_from_where_the_caller_may_pull(project: str, owner: Client) -> None:
    there, here = owner.repo(f"{project}/there"), owner.repo(f"{project}/here")
    digest = await there.blob(data := unique("mounted").encode())
    token = await owner.token(f"repository:{here.name}:pull,push", f"repository:{there.name}:pull")
    headers = {"authorization": f"Bearer {token}"}

    answer = await here.send("POST", f"blobs/uploads/?mount={digest}&from={there.name}", headers=headers)

    assert (answer.status, answer.location) == (201, f"/v2/{here.name}/blobs/{digest}")
    assert answer.header("docker-content-digest") == digest
    assert (await here.get(f"blobs/{digest}")).body == data


async def test_a_token_without_the_source_is_sent_back_for_both(project: str, owner: Client) -> None:
    there, here = owner.repo(f"{project}/there"), owner.repo(f"{project}/here")
    digest = await there.blob(unique("mounted").encode())

    answer = await here.send("POST", f"blobs/uploads/?mount={digest}&from={there.name}")

    assert answer.status == 401
    assert answer.challenge["error"] == "insufficient_scope"
    assert answer.challenge["scope"] == f"repository:{here.name}:pull,push repository:{there.name}:pull"
    token = await owner.token(*answer.challenge["scope"].split())
    again = await here.send(
        "POST", f"blobs/uploads/?mount={digest}&from={there.name}", headers={"authorization": f"Bearer {token}"}
    )
    assert again.status == 201


@pytest.mark.parametrize("way", ["token", "token of both", "password"])
async def test_a_foreign_blob_is_never_mounted(both: Both, way: str) -> None:
    """CVE-2024-39897 of another registry: a digest was enough to read what one may not."""
    mine, foreign, digest = both
    headers = {}
    if way == "password":
        headers = mine.client.basic
    elif way == "token of both":
        token = await mine.client.token(f"repository:{mine.name}:pull,push", f"repository:{foreign.name}:pull")
        headers = {"authorization": f"Bearer {token}"}

    for source in (foreign.name, f"{foreign.name}-missing", "no-such-project/app"):
        answer = await mine.send("POST", f"blobs/uploads/?mount={digest}&from={source}", headers=headers)
        assert (answer.status, answer.location.startswith(f"/v2/{mine.name}/blobs/uploads/")) == (202, True)
    anonymous = await mine.send("POST", f"blobs/uploads/?mount={digest}", headers=headers)
    assert anonymous.status == 202
    assert (await mine.head(f"blobs/{digest}")).status == 404


async def test_a_foreign_blob_cannot_be_named_by_a_manifest(both: Both) -> None:
    mine, foreign, _ = both
    await foreign.image("latest", layers=[data := unique("layer").encode()])
    await mine.blob(b"{}")
    manifest = image(layers=[data])

    answer = await mine.put("stolen", manifest)
    stolen_index = await mine.put("index", index(manifest))

    assert (answer.status, answer.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert (stolen_index.status, stolen_index.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert (await mine.get(f"blobs/{digest_of(data)}")).status == 404


async def test_a_foreign_blob_cannot_be_committed_by_its_digest(both: Both) -> None:
    mine, _, digest = both
    location = (await mine.open()).location

    assert (await mine.close(location, digest)).code == "DIGEST_INVALID"
    assert (await mine.close((await mine.open()).location, digest, b"guess")).code == "DIGEST_INVALID"
    assert (await mine.get(f"blobs/{digest}")).status == 404


async def test_a_missing_blob_is_not_mounted_and_can_be_uploaded_instead(project: str, owner: Client) -> None:
    there, here = owner.repo(f"{project}/there"), owner.repo(f"{project}/here")
    await there.blob(b"something")
    digest = digest_of(data := unique("missing").encode())

    answer = await here.send("POST", f"blobs/uploads/?mount={digest}&from={there.name}", headers=owner.basic)

    assert answer.status == 202
    assert (await here.close(answer.location, digest, data)).status == 201


@pytest.mark.parametrize(
    ("query", "code"), [("mount=sha256:x", "DIGEST_INVALID"), ("mount={d}&from=A/b", "NAME_INVALID")]
)
async def test_a_malformed_mount_is_400(repo: Repo, query: str, code: str) -> None:
    answer = await repo.send("POST", f"blobs/uploads/?{query.format(d=digest_of(b'x'))}")

    assert (answer.status, answer.code) == (400, code)


async def test_a_public_project_may_be_mounted_from_by_everybody_with_a_push_right(app: Server, repo: Repo) -> None:
    public = await make_project(app, public=True)
    there = (await make_robot(app, public, "push")).repo(f"{public}/base")
    digest = await there.blob(unique("base").encode())

    answer = await repo.send("POST", f"blobs/uploads/?mount={digest}&from={there.name}", headers=repo.client.basic)

    assert answer.status == 201


# -- one blob in two repositories -------------------------------------------------------------------------


async def test_a_blob_deleted_here_stays_there_and_never_comes_back_here(project: str, owner: Client) -> None:
    """CVE-2026-35172 of another registry: a hundred looks elsewhere made it readable again."""
    here, there = owner.repo(f"{project}/here"), owner.repo(f"{project}/there")
    digest = await here.blob(data := unique("shared").encode())
    assert await there.blob(data) == digest

    deleted = await here.delete(f"blobs/{digest}")

    assert deleted.status == 202
    for _ in range(100):
        assert (await there.get(f"blobs/{digest}")).body == data
        assert (await there.head(f"blobs/{digest}")).status == 200
        assert (await here.get(f"blobs/{digest}")).code == "BLOB_UNKNOWN"
        assert (await here.head(f"blobs/{digest}")).status == 404
    mounted = await there.send("POST", f"blobs/uploads/?mount={digest}&from={here.name}", headers=owner.basic)
    assert mounted.status == 202
    assert await here.blob(data) == digest
    assert (await here.get(f"blobs/{digest}")).body == data


async def test_a_blob_that_a_manifest_needs_is_not_deleted(repo: Repo) -> None:
    await repo.image("latest")

    refused = await repo.delete(f"blobs/{digest_of(b'layer')}")

    assert (refused.status, refused.code) == (405, "UNSUPPORTED")
    await repo.delete("manifests/" + digest_of(image()))
    assert (await repo.delete(f"blobs/{digest_of(b'layer')}")).status == 202
    assert (await repo.delete(f"blobs/{digest_of(b'layer')}")).code == "BLOB_UNKNOWN"


# -- who may what -----------------------------------------------------------------------------------------


def every_request(repo: Repo, digest: str) -> list[tuple[str, str]]:
    """One request for each verb and thing of a repository."""
    return [
        ("GET", "tags/list"), ("GET", "manifests/latest"), ("HEAD", "manifests/latest"), ("GET", f"manifests/{digest}"),
        ("PUT", "manifests/latest"), ("DELETE", "manifests/latest"), ("DELETE", f"manifests/{digest}"),
        ("GET", f"blobs/{digest_of(b'layer')}"), ("HEAD", f"blobs/{digest_of(b'layer')}"),
        ("DELETE", f"blobs/{digest_of(b'layer')}"), ("GET", f"referrers/{digest}"), ("POST", "blobs/uploads/"),
        ("POST", f"blobs/uploads/?mount={digest_of(b'layer')}&from={repo.name}"),
        ("GET", "blobs/uploads/" + "0" * 32), ("PATCH", "blobs/uploads/" + "0" * 32), ("PUT",
        "blobs/uploads/" + "0" * 32),
        ("DELETE", "blobs/uploads/" + "0" * 32),
    ]  # fmt: skip


async def test_strangers_are_told_the_same_of_a_private_repository_and_of_a_missing_one(
    app: Server, repo: Repo
) -> None:
    digest = await repo.image("latest")
    stranger = await make_robot(app, await make_project(app), "pull", "push", "delete")
    missing = repo.client.repo("no-such-project/app")
    anonymous = Client(app)

    for asker in (stranger, anonymous):
        for method, rest in every_request(repo, digest):
            answers = []
            for name in (repo.name, missing.name):
                where = rest.replace(repo.name, name)
                token = await asker.token(f"repository:{name}:pull,push,delete")
                for headers in ({}, {"authorization": f"Bearer {token}"}, asker.basic):
                    answer = await app.send(method, f"/v2/{name}/{where}", headers=headers)
                    answers.append(
                        (answer.status, answer.body.replace(name.encode(), b""), answer.challenge.get("error"))
                    )
            assert {status for status, _, _ in answers} == {401}, (method, rest)
            assert answers[:3] == answers[3:], (method, rest)


@row("T18")
@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.LIMITED_GUEST, {"pull"}), (Role.GUEST, {"pull"}), (Role.DEVELOPER, {"pull", "push"}),
        (Role.MAINTAINER, {"pull", "push", "delete"}), (Role.PROJECT_ADMIN, {"pull", "push", "delete"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["token", "password"])
async def test_a_role_may_do_its_verbs_and_no_other(
    app: Server, repo: Repo, role: Role, may: set[str], way: str
) -> None:
    digest = await repo.image("latest")
    member = repo.seen_by(await make_user(app, {repo.name.partition("/")[0]: role}))
    headers = member.client.basic if way == "password" else {}

    pulled = await member.send("GET", "manifests/latest", headers=headers)
    pushed = await member.send("POST", "blobs/uploads/", headers=headers)
    deleted = await member.send("DELETE", f"manifests/{digest}", headers=headers)

    assert (pulled.status == 200, pushed.status == 202, deleted.status == 202) == (
        "pull" in may, "push" in may, "delete" in may,
    )  # fmt: skip
    assert {pulled.status, pushed.status, deleted.status} <= {200, 202, 401}


@pytest.mark.parametrize("method", ["manifests/latest", "manifests/{d}", "blobs/{b}"])
async def test_a_token_that_may_push_may_not_delete_but_may_cancel(app: Server, project: str, method: str) -> None:
    pusher = (await make_robot(app, project, "pull", "push")).repo(f"{project}/app")
    digest = await pusher.image("latest")

    answer = await pusher.delete(method.format(d=digest, b=digest_of(b"layer")))

    assert (answer.status, answer.challenge["error"]) == (401, "insufficient_scope")
    assert answer.challenge["scope"] == f"repository:{pusher.name}:delete"
    assert (await pusher.get("manifests/latest")).status == 200
    assert (await pusher.delete((await pusher.open()).location)).status == 204


async def test_anonymous_pulls_from_public_projects_and_pushes_nowhere(app: Server) -> None:
    public = await make_project(app, public=True)
    name = f"{public}/app"
    await (await make_robot(app, public, "push")).repo(name).image("latest")
    anonymous = Client(app).repo(name)

    assert (await anonymous.get("manifests/latest")).status == 200
    assert (await anonymous.get(f"blobs/{digest_of(b'layer')}")).status == 200
    assert (await anonymous.send("POST", "blobs/uploads/")).status == 401
    assert (await app.send("GET", f"/v2/{name}/manifests/latest")).status == 401
    assert (await app.send("GET", "/v2/")).status == 401


async def test_an_administrator_sees_that_a_project_is_missing(app: Server) -> None:
    admin = administrator(app)

    for method, rest in every_request(admin.repo("no-such-project/app"), digest_of(image())):
        answer = await admin.repo("no-such-project/app").send(method, rest)
        assert answer.status == 404
        if method != "HEAD":
            assert answer.code == "NAME_UNKNOWN"
            assert "moorage project create no-such-project" in answer.json()["errors"][0]["message"]


async def test_an_administrator_mounts_from_a_missing_project_like_everybody_else(app: Server, project: str) -> None:
    admin = administrator(app)

    answer = await admin.repo(f"{project}/app").send(
        "POST", f"blobs/uploads/?mount={digest_of(b'x')}&from=no-such-project/app", headers=admin.basic
    )

    assert answer.status == 202
