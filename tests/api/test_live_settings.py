"""Live settings at work: a change holds for the next request, at every worker."""

import asyncio
import time
from typing import Any

import pytest

from moorage.artifacts.pull_log import write_pulls
from moorage.configuration.service import set_items
from moorage.oci.digest import Digest
from moorage.quotas import service as quotas
from moorage.robots import accounts
from moorage.secret_encryption import Seals
from tests.api.client import Answer, Server, digest_of
from tests.api.conftest import Serve, administrator, make_project, make_robot, project_id

MESSAGE = "The system is in read only mode. Any modification is prohibited."


async def put(server: Server, **changes: Any) -> None:
    """What a PUT at another worker does."""
    await server.run(set_items, Seals(server.settings.seal_key_folder), changes)


async def test_tokens_live_as_long_as_the_settings_say(serve: Serve) -> None:
    server = await serve()
    robot = await make_robot(server, await make_project(server), "pull")

    lifetimes = []
    for minutes in (1, 30, 9_999_999_999):
        await put(server, token_expiration=minutes)
        lifetimes.append((await robot.ask_token()).json()["expires_in"])

    assert lifetimes == [60, 1800, 86_400]


async def test_a_robot_signs_in_under_its_new_name_at_once(serve: Serve) -> None:
    server = await serve()
    robot = await make_robot(server, await make_project(server), "pull")
    await put(server, robot_name_prefix="bot_")

    refused = await robot.ask_token()
    robot.username = robot.username.replace("robot$", "bot_")
    answered = await robot.ask_token()

    assert (refused.status, answered.status) == (401, 200)


# -- read-only mode ---------------------------------------------------------------------------------------


async def test_read_only_refuses_every_change_on_v2_and_lets_pulls_pass(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server)
    robot = await make_robot(server, project, "pull", "push", "delete")
    repo = robot.repo(f"{project}/app")
    digest = await repo.image("v1", layers=[b"layer"])
    location = (await repo.open()).location
    await put(server, read_only=True)
    assert (await robot.ask_token(f"repository:{repo.name}:push,pull")).status == 200  # reads the version at once

    for method, path in (
        ("POST", "blobs/uploads/"), ("PUT", "manifests/v2"), ("DELETE", "manifests/v1"), ("DELETE", f"blobs/{digest}"),
        ("PATCH", location), ("PUT", location), ("DELETE", location), ("POST", "blobs/uploads/?mount=x&from=y"),
    ):  # fmt: skip
        target = path if path.startswith("/") else f"/v2/{repo.name}/{path}"
        answer = await repo.send(method, target, b"{}")
        assert (answer.status, answer.code) == (403, "DENIED"), (method, path)
        assert MESSAGE in answer.body.decode()
        assert (await server.send(method, target, b"{}")).status == 403  # whoever asks
    for path in ("manifests/v1", f"manifests/{digest}", "tags/list"):
        assert (await repo.send("GET", f"/v2/{repo.name}/{path}")).status == 200

    await put(server, read_only=False)
    await robot.ask_token()
    assert (await repo.send("DELETE", location)).status == 204


async def test_read_only_refuses_changes_on_the_api_at_once_and_lets_itself_be_ended(serve: Serve) -> None:
    server = await serve()
    admin = administrator(server)
    await put(server, read_only=True)

    for method, path in (("POST", "/projects"), ("DELETE", "/users/7"), ("PUT", "/users/1/password"), ("PATCH", "/x")):
        answer = await server.send(method, f"/api/v2.0{path}", b"{}", headers=admin.basic)
        assert (answer.status, answer.code) == (403, "DENIED"), path
        assert MESSAGE in answer.body.decode()
    assert (await server.send("GET", "/api/v2.0/ping")).status == 200
    for path in ("/api/v2.0/configurations", "//api/v2.0//configurations/"):
        answer = await server.send("PUT", path, b'{"read_only":false}', headers=admin.basic)
        assert answer.status != 403, path


async def test_another_worker_follows_within_a_second_or_so(serve: Serve) -> None:
    server = await serve()
    other = await serve(beside=server)
    await put(server, read_only=True)

    answer = Answer()
    for _ in range(600):
        answer = await other.send("POST", "/v2/library/app/blobs/uploads/")
        if answer.status == 403:
            break
        await asyncio.sleep(0.05)

    assert (answer.status, answer.code) == (403, "DENIED")


# -- quotas and defaults ----------------------------------------------------------------------------------


async def test_quotas_hold_only_while_they_are_on(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server, limit_bytes=100)
    repo = (await make_robot(server, project, "pull", "push")).repo(f"{project}/app")

    async def push(data: bytes) -> Answer:
        return await repo.send("POST", f"/v2/{repo.name}/blobs/uploads/?digest={digest_of(data)}", data)

    refused = await push(b"x" * 200)
    await put(server, quota_per_project_enable=False)
    taken = await push(b"x" * 200)
    await put(server, quota_per_project_enable=True)
    refused_again = await push(b"y")

    assert (refused.status, refused.code) == (403, "DENIED")
    assert taken.status == 201
    assert (refused_again.status, refused_again.code) == (403, "DENIED")
    assert (await server.run(quotas.get_usage, await project_id(server, project))).used_bytes == 200


async def test_a_new_project_holds_what_the_settings_say(serve: Serve) -> None:
    server = await serve()
    await put(server, storage_per_project=4096)

    default = await project_id(server, await make_project(server))
    chosen = await project_id(server, await make_project(server, limit_bytes=-1))

    assert (await server.run(quotas.get_usage, default)).limit_bytes == 4096
    assert (await server.run(quotas.get_usage, chosen)).limit_bytes == -1


@pytest.mark.parametrize(("days", "lives"), [(7, 7), (9_999_999_999, accounts.MAX_DAYS)])
async def test_a_new_robot_lives_as_long_as_the_settings_say(serve: Serve, days: int, lives: int) -> None:
    server = await serve()
    await put(server, robot_token_duration=days)

    made = await server.run(accounts.create_robot, "ci", [], duration_days=None)

    (row,) = await server.rows("SELECT duration_days FROM robot WHERE principal_id = :id", id=made.id)
    assert row[0] == lives


# -- what pulls leave behind ------------------------------------------------------------------------------

WITHOUT_COUNT = {"pull_count_update_disable": True}
WITHOUT_TIME = {"pull_time_update_disable": True}


@pytest.mark.parametrize(
    ("settings", "count", "timed"),
    [({}, 1, True), (WITHOUT_COUNT, 0, True), (WITHOUT_TIME, 1, False), (WITHOUT_COUNT | WITHOUT_TIME, 0, False)],
    ids=["both", "no count", "no time", "neither"],
)
async def test_a_pull_leaves_behind_what_the_settings_say(
    serve: Serve, settings: dict[str, bool], count: int, timed: bool
) -> None:
    server = await serve()
    project = await make_project(server)
    repo = (await make_robot(server, project, "pull", "push")).repo(f"{project}/app")
    digest = Digest(await repo.image("v1", layers=[b"layer"])).binary

    async def pull() -> tuple[int, object, int]:
        ((artifact, repository),) = await server.rows("SELECT id, repository_id FROM artifact")
        key = (repository, artifact, "v1", repo.client.id, "ci", ("token", ""), "192.0.2.1", repo.name, 1, digest)
        await server.run(write_pulls, {key: [1, time.time()]})
        rows = await server.rows("SELECT pulls, pulled_at FROM pull")
        ((total,),) = await server.rows("SELECT pull_count FROM repository")
        pulls, pulled_at = rows[0] if rows else (0, None)
        return pulls, pulled_at, total

    await put(server, **settings)
    first = await pull()
    await put(server, **dict.fromkeys(settings, False))
    second = await pull()
    await put(server, **settings)
    third = await pull()

    assert (first[0], first[1] is not None, first[2]) == (count, timed, count)
    assert (second[0], second[2]) == (count + 1, count + 1)
    assert second[1] is not None
    assert (third[0], third[2]) == (2 * count + 1, 2 * count + 1)
    assert (third[1] != second[1]) == timed
