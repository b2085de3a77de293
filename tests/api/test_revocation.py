"""What ends a token ends it on the next request, on the worker that did it and on every other one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from moorage.access.policy import Role
from moorage.projects import service as projects
from moorage.robots import accounts
from moorage.users import service as users
from tests.api.client import Answer, Client, Repo, Server, closing, digest_of, image
from tests.api.conftest import PASSWORD, Stores, make_project, make_robot, make_user, project_id
from tests.api.rows import row


@dataclass
class Case:
    """Two workers on one database, a project, and somebody who holds a token."""

    one: Server
    two: Server
    project: str
    who: Client

    @property
    def repo(self) -> Repo:
        """The repository, as the holder sees it."""
        return self.who.repo(f"{self.project}/app")


Change = Callable[[Case], Awaitable[None]]


@pytest_asyncio.fixture(loop_scope="session")
async def workers(kind: str, stores: Stores) -> tuple[Server, Server]:
    """The shared application, and a second one on its database."""
    one = await stores.shared(kind)
    return one, await stores.shared(kind, worker=2)


async def change_user(case: Case, story: Callable[..., object], **values: object) -> None:
    await case.one.run(story, case.who.id, **values)


async def role(case: Case, lower: Role | None) -> None:
    number = await project_id(case.one, case.project)
    if lower is None:
        await case.one.run(projects.remove_member, number, case.who.id)
    else:
        await case.one.run(projects.set_member, number, case.who.id, lower)


async def make_private(case: Case) -> None:
    await case.one.run(projects.set_public, await project_id(case.one, case.project), public=False)


async def delete_project(case: Case) -> None:
    await case.one.run(projects.delete_project, await project_id(case.one, case.project))


async def recreate_project(case: Case) -> None:
    await delete_project(case)
    await case.one.run(projects.create_project, case.project)


async def change_password(case: Case) -> None:
    await case.one.run(users.set_password, case.who.id, "a hash")


PEOPLE: dict[str, Change] = {
    "disabled": lambda case: change_user(case, users.set_disabled, disabled=True),
    "deleted": lambda case: change_user(case, users.delete_user),
    "another password": change_password,
    "role lowered": lambda case: role(case, Role.GUEST),
    "membership removed": lambda case: role(case, None),
}
MACHINES: dict[str, Change] = {
    "disabled": lambda case: change_user(case, accounts.set_disabled, disabled=True),
    "deleted": lambda case: change_user(case, accounts.delete_robot),
    "secret refreshed": lambda case: change_user(case, accounts.refresh_secret),
    "permissions changed": lambda case: change_user(case, accounts.set_permissions, permissions=[]),
}
PROJECTS: dict[str, Change] = {
    "made private": make_private,
    "deleted": delete_project,
    "deleted and made again": recreate_project,
}
CASES = [
    *(pytest.param("person", change, id=f"person {name}") for name, change in PEOPLE.items()),
    *(pytest.param("robot", change, id=f"robot {name}") for name, change in MACHINES.items()),
    *(pytest.param("robot", change, id=f"project {name}") for name, change in PROJECTS.items()),
    *(pytest.param("person", change, id=f"project {name} (person)") for name, change in PROJECTS.items()),
]


async def each_request(repo: Repo, digest: str, location: str) -> dict[str, Answer]:
    """One request of each kind with the holder's old token."""
    layer = digest_of(b"layer")
    asked = {
        "get tag": ("GET", "manifests/latest", b""),
        "head tag": ("HEAD", "manifests/latest", b""),
        "get digest": ("GET", f"manifests/{digest}", b""),
        "put manifest": ("PUT", "manifests/pushed", b"{}"),
        "delete manifest": ("DELETE", f"manifests/{digest}", b""),
        "delete tag": ("DELETE", "manifests/latest", b""),
        "get blob": ("GET", f"blobs/{layer}", b""),
        "head blob": ("HEAD", f"blobs/{layer}", b""),
        "delete blob": ("DELETE", f"blobs/{layer}", b""),
        "open upload": ("POST", "blobs/uploads/", b""),
        "monolithic": ("POST", f"blobs/uploads/?digest={digest_of(b'x')}", b"x"),
        "mount": ("POST", f"blobs/uploads/?mount={layer}&from={repo.name}", b""),
        "upload status": ("GET", location, b""),
        "patch": ("PATCH", location, b"x"),
        "close": ("PUT", closing(location, digest_of(b"")), b""),
        "cancel": ("DELETE", location, b""),
        "tags": ("GET", "tags/list", b""),
        "referrers": ("GET", f"referrers/{digest}", b""),
    }
    return {name: await repo.send(method, rest, body) for name, (method, rest, body) in asked.items()}


@row("T18")
@pytest.mark.parametrize(("kind_of_holder", "change"), CASES)
async def test_the_next_request_with_the_old_token_is_401_everywhere(
    workers: tuple[Server, Server], kind_of_holder: str, change: Change
) -> None:
    one, two = workers
    project = await make_project(one, public=True)
    if kind_of_holder == "person":
        who = await make_user(one, {project: Role.MAINTAINER})
    else:
        who = await make_robot(one, project, "pull", "push", "delete")
    case = Case(one, two, project, who)
    digest = await case.repo.image("latest")
    location = (await case.repo.open()).location
    assert (await case.repo.on(two).get("manifests/latest")).status == 200
    if change in {delete_project, recreate_project}:  # only an empty project can be deleted
        await case.repo.delete(f"manifests/{digest}")

    await change(case)

    for worker in workers:
        answers = await each_request(case.repo.on(worker), digest, location)
        assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 401)
        assert {answer.challenge.get("error") for answer in answers.values()} == {"invalid_token"}
        assert answers["get tag"].code == "UNAUTHORIZED"


@row("T18")
@pytest.mark.parametrize(
    ("kind_of_holder", "change"),
    [
        *(pytest.param("person", change, id=f"person {name}") for name, change in PEOPLE.items()),
        *(pytest.param("robot", change, id=f"robot {name}") for name, change in MACHINES.items()),
    ],
)
async def test_a_token_for_nothing_ends_too(
    workers: tuple[Server, Server], kind_of_holder: str, change: Change
) -> None:
    one, two = workers
    project = await make_project(one)
    if kind_of_holder == "person":
        who = await make_user(one, {project: Role.MAINTAINER})
    else:
        who = await make_robot(one, project, "pull")
    assert (await who.ping()).status == 200

    await change(Case(one, two, project, who))

    for worker in workers:
        assert (await who.on(worker).ping()).status == 401


@row("T18")
async def test_an_administrator_who_is_one_no_more_reads_no_catalog_and_no_metrics(
    workers: tuple[Server, Server],
) -> None:
    one, two = workers
    admin = await make_user(one, admin=True)
    headers = {"authorization": f"Bearer {await admin.token('registry:catalog:*')}"}
    for path in ("/v2/_catalog?n=1", "/metrics"):
        assert (await two.send("GET", path, headers=headers)).status == 200

    await one.run(users.set_admin, admin.id, admin=False)

    for worker in workers:
        for path in ("/v2/_catalog?n=1", "/metrics"):
            assert (await worker.send("GET", path, headers=headers)).status == 401


async def test_a_role_that_allows_more_ends_nothing(workers: tuple[Server, Server]) -> None:
    one, two = workers
    project = await make_project(one)
    member = await make_user(one, {project: Role.GUEST})
    await (await make_robot(one, project, "push")).repo(f"{project}/app").image("latest")
    repo = member.repo(f"{project}/app")
    assert (await repo.get("manifests/latest")).status == 200

    await one.run(projects.set_member, await project_id(one, project), member.id, Role.DEVELOPER)

    assert (await repo.on(two).get("manifests/latest")).status == 200


async def test_the_old_password_ends_with_its_token(workers: tuple[Server, Server]) -> None:
    one, two = workers
    user = await make_user(one)
    assert (await two.send("GET", "/v2/", headers=user.basic)).status == 200

    await one.run(users.set_disabled, user.id, disabled=True)

    for worker in workers:
        assert (await worker.send("GET", "/v2/", headers=user.basic)).status == 401
        assert (await user.on(worker).ask_token()).status == 401
    assert user.password == PASSWORD


async def test_a_name_that_was_made_again_accepts_no_old_token(workers: tuple[Server, Server]) -> None:
    one, two = workers
    project = await make_project(one)
    number = await project_id(one, project)
    other = await make_user(one, {project: Role.MAINTAINER})
    repo = other.repo(f"{project}/app")
    await repo.image("latest")

    await one.run(users.delete_user, other.id)
    again = await one.run(users.create_user, other.username, password_hash="x")
    await one.run(projects.set_member, number, again, Role.MAINTAINER)

    assert again != other.id
    for worker in workers:
        assert (await repo.on(worker).get("manifests/latest")).status == 401
        assert (await repo.on(worker).put("pushed", image())).status == 401
    assert two.settings == one.settings
