"""Pulls in the audit log, through the front door."""

from tests.api.client import Client, Server
from tests.api.conftest import Serve, make_project, make_robot


async def pulls_of(server: Server, project: str) -> list[tuple[object, ...]]:
    return await server.rows(
        "SELECT principal_name, address, resource, repeats, credential FROM audit"
        " WHERE operation = 'pull' AND resource_type = 'artifact' AND resource LIKE :like ORDER BY id",
        like=f"{project}/%",
    )


async def test_pulls_are_written_with_who_what_and_how_often(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server)
    robot = await make_robot(server, project, "push")
    repo = robot.repo(f"{project}/app")
    digest = await repo.image("latest")

    for _ in range(3):
        await repo.get("manifests/latest")
    await repo.get(f"manifests/{digest}")
    await repo.head("manifests/latest")
    after = await serve(beside=server)
    await server.stop()

    name = robot.username
    assert sorted((row[0], row[2], row[3], row[4]) for row in await pulls_of(after, project)) == [
        (name, f"{project}/app:latest", 3, "token"),
        (name, f"{project}/app@{digest}", 1, "token"),
    ]
    assert await after.rows("SELECT sum(pulls) FROM pull") == [(4,)]


async def test_anonymous_pulls_have_no_name(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server, public=True)
    await (await make_robot(server, project, "push")).repo(f"{project}/app").image("v1")
    await Client(server).repo(f"{project}/app").get("manifests/v1")
    after = await serve(beside=server)
    await server.stop()
    assert [row[0] for row in await pulls_of(after, project)] == [""]
