"""What the server says about itself, figures, search, quotas and the system's allowlist, through the REST API."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from moorage import __version__
from moorage.access.policy import Role
from moorage.configuration.cached_settings import Live
from moorage.configuration.schema import Items
from moorage.errors import DatabaseUnavailable
from moorage.system.health import Health
from tests.api.client import Client, Server
from tests.api.conftest import Serve, administrator, make_project, make_robot, make_user, project_id, unique
from tests.api.test_people_api import block, robot_body
from tests.api.test_projects_api import call

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


# -- signs of life ----------------------------------------------------------------------------------------


async def test_health_names_each_part(app: Server) -> None:
    answer = await call(None, app, "GET", "/health")
    assert answer.json() == {
        "status": "healthy",
        "components": [{"name": name, "status": "healthy"} for name in ("core", "database", "registry")],
    }


async def test_a_sick_part_is_named_without_its_insides() -> None:
    looks = 0

    async def broken() -> None:
        nonlocal looks
        looks += 1
        raise DatabaseUnavailable from OSError("connect to 10.0.0.7 as postgres: refused")

    async def fine() -> None:
        await asyncio.sleep(0)

    health = Health({"registry": fine, "database": broken})
    first, second = await asyncio.gather(health.components(), health.components())
    assert first == second
    assert list(first) == ["database", "registry"]
    assert first["registry"] == ""
    assert first["database"]
    assert "10.0.0.7" not in first["database"]
    assert looks == 1


async def test_signs_of_life_are_answered_while_the_database_is_away(
    app: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Live) -> Items:
        await asyncio.sleep(0)
        raise DatabaseUnavailable

    monkeypatch.setattr(Live, "items", away)

    answers = [await call(None, app, "GET", path) for path in ("/ping", "/health", "/systeminfo")]

    assert [answer.status for answer in answers] == [200, 200, 503]
    for target in ("//api/v2.0/health", "/api//v2.0///health/", "//api//v2.0/ping"):
        answer = await app.send("GET", target)
        assert answer.status == 200, (target, answer)


async def test_strangers_learn_what_the_sign_in_page_needs_and_no_version(app: Server) -> None:
    seen = (await call(None, app, "GET", "/systeminfo")).json()
    assert seen["auth_mode"] == "db_auth"
    assert seen["self_registration"] is False
    assert not {"harbor_version", "moorage_version", "external_url", "read_only", "current_time"} & set(seen)
    somebody = await make_user(app)
    more = (await call(somebody, app, "GET", "/systeminfo")).json()
    assert more["harbor_version"] == f"v2.16.0-moorage.{__version__}"
    assert more["registry_url"] in more["external_url"]
    assert more["registry_storage_provider_name"] == "filesystem"
    assert more["database"] in {"sqlite", "postgresql"}
    assert (more["read_only"], more["has_ca_root"], more["project_creation_restriction"]) == (False, False, "everyone")
    now = datetime.fromisoformat(more["current_time"])
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


async def test_volumes_are_for_administrators(app: Server, admin: Client) -> None:
    (volume,) = (await call(admin, app, "GET", "/systeminfo/volumes")).json()["storage"]
    assert 0 < volume["free"] <= volume["total"]
    assert (await call(await make_user(app), app, "GET", "/systeminfo/volumes")).status == 403
    assert (await call(None, app, "GET", "/systeminfo/volumes")).status == 401


async def test_the_certificate_can_be_fetched_once_it_is_there(serve: Serve) -> None:
    server = await serve()
    assert (await call(None, server, "GET", "/systeminfo/getcert")).status == 404
    (server.settings.data_folder / "ca.crt").write_bytes(CERTIFICATE)
    answer = await call(None, server, "GET", "/systeminfo/getcert")
    assert (answer.status, answer.body) == (200, CERTIFICATE)
    assert answer.header("content-disposition") == 'attachment; filename="ca.crt"'
    assert (await call(administrator(server), server, "GET", "/systeminfo")).json()["has_ca_root"] is True


# -- figures and search -----------------------------------------------------------------------------------


async def test_figures_count_what_the_caller_may_see(serve: Serve) -> None:
    server = await serve()
    admin = administrator(server)
    hidden, shown = await make_project(server), await make_project(server, public=True)
    for project in (hidden, shown):
        robot = await make_robot(server, project, "pull", "push")
        await robot.repo(f"{project}/app").image("v1", layers=[b"the same layer"])
    everything = (await call(admin, server, "GET", "/statistics")).json()
    assert everything["private_project_count"] == 1
    assert everything["public_project_count"] == 2  # with library
    assert (everything["private_repo_count"], everything["public_repo_count"]) == (1, 1)
    assert (everything["total_project_count"], everything["total_repo_count"]) == (3, 2)
    blobs = await server.rows("SELECT sum(size_bytes) FROM blob WHERE state = 'live'")
    assert everything["total_storage_consumption"] == blobs[0][0] > 0
    stranger = await make_user(server)
    seen = (await call(stranger, server, "GET", "/statistics")).json()
    assert seen == {
        "private_project_count": 0, "private_repo_count": 0, "public_project_count": 2, "public_repo_count": 1,
        "total_project_count": 0, "total_repo_count": 0, "total_storage_consumption": 0,
    }  # fmt: skip
    assert (await call(None, server, "GET", "/statistics")).status == 401


async def test_search_finds_what_the_caller_may_see(app: Server, admin: Client) -> None:
    word = unique("needle")
    hidden = await make_project(app)
    shown = (await call(admin, app, "POST", "/projects", {"project_name": f"{word}-open", "public": True})).status
    assert shown == 201
    for project in (hidden, f"{word}-open"):
        robot = await make_robot(app, project, "pull", "push")
        await robot.repo(f"{project}/deep/{word}").image("v1")
    member = await make_user(app, {hidden: Role.LIMITED_GUEST})
    stranger = await make_user(app)
    for client, paths in (
        (admin, {f"{hidden}/deep/{word}", f"{word}-open/deep/{word}"}),
        (member, {f"{hidden}/deep/{word}", f"{word}-open/deep/{word}"}),
        (stranger, {f"{word}-open/deep/{word}"}),
        (None, {f"{word}-open/deep/{word}"}),
    ):
        found = (await call(client, app, "GET", f"/search?q={word.upper()}")).json()
        assert {one["repository_name"] for one in found["repository"]} == paths
        assert [one["name"] for one in found["project"]] == [f"{word}-open"]
        assert {one["artifact_count"] for one in found["repository"]} == {1}
    for literal in ("%25", "_", "%27", "%5C", "%22%3B--"):
        found = (await call(stranger, app, "GET", f"/search?q={word}{literal}")).json()
        assert found == {"project": [], "repository": []}, literal
    assert (await call(None, app, "GET", "/search")).status == 422


# -- quotas -----------------------------------------------------------------------------------------------


async def test_quotas_are_listed_sorted_changed_and_hold(app: Server, admin: Client) -> None:
    project = await make_project(app)
    number = await project_id(app, project)
    robot = await make_robot(app, project, "pull", "push")
    await robot.repo(f"{project}/app").image("v1", layers=[b"x" * 5000])
    (quota,) = (await call(admin, app, "GET", f"/quotas?reference=project&reference_id={number}")).json()
    assert quota["ref"]["name"] == project
    assert quota["hard"] == {"storage": -1, "repositories": -1, "tags": -1}
    assert quota["used"]["storage"] > 5000
    path = f"/quotas/{quota['id']}"
    assert (await call(admin, app, "PUT", path, {"hard": {"storage": 1000}})).status == 200
    assert (await call(admin, app, "GET", path)).json()["hard"]["storage"] == 1000
    repo = robot.repo(f"{project}/app")
    refused = await repo.send("POST", "blobs/uploads/")
    assert (refused.status, refused.code) == (403, "DENIED")
    first = (await call(admin, app, "GET", "/quotas?sort=-used.storage&page_size=1")).json()[0]
    last = (await call(admin, app, "GET", "/quotas?sort=used.storage&page_size=1")).json()[0]
    assert first["used"]["storage"] >= quota["used"]["storage"] > last["used"]["storage"]
    wrong: list[dict[str, dict[str, int]]] = [
        {"hard": {"storage": 0}},
        {"hard": {"storage": 2**60}},
        {"hard": {}},
        {"hard": {"count": 5}},
    ]
    for body in wrong:
        assert (await call(admin, app, "PUT", path, body)).status == 400, body
    assert (await call(admin, app, "PUT", path, {"hard": {"storage": "many"}})).status == 422
    assert (await call(admin, app, "PUT", path, {"hard": {"storage": 2**70}})).status in {400, 422}
    for missing in (0, -1, 2**62, 2**63):
        assert (await call(admin, app, "GET", f"/quotas/{missing}")).status == 404
        assert (await call(admin, app, "PUT", f"/quotas/{missing}", {"hard": {"storage": 1}})).status == 404
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    for method, target in (("GET", "/quotas"), ("GET", path), ("PUT", path)):
        assert (
            await call(owner, app, method, target, {"hard": {"storage": -1}} if method == "PUT" else None)
        ).status == 403
    made = (
        await call(
            admin,
            app,
            "POST",
            "/robots",
            robot_body(unique("q"), block("/", "quota:list", kind="system"), level="system"),
        )
    ).json()
    keeper = Client(app, made["name"], made["secret"])
    assert (await call(keeper, app, "GET", "/quotas")).status == 200
    assert (await call(keeper, app, "PUT", path, {"hard": {"storage": -1}})).status == 403


# -- allowlists -------------------------------------------------------------------------------------------


async def test_the_allowlist_of_the_system_is_read_by_all_and_written_by_administrators(serve: Serve) -> None:
    server = await serve()
    admin, somebody = administrator(server), await make_user(server)
    empty = (await call(somebody, server, "GET", "/system/CVEAllowlist")).json()
    assert (empty["items"], empty["project_id"]) == ([], 0)
    body = {"items": [{"cve_id": "CVE-2024-3094"}], "expires_at": 1_900_000_000, "id": 77, "project_id": 5}
    assert (await call(somebody, server, "PUT", "/system/CVEAllowlist", body)).status == 403
    assert (await call(admin, server, "PUT", "/system/CVEAllowlist", body)).status == 200
    seen = (await call(somebody, server, "GET", "/system/CVEAllowlist")).json()
    assert (seen["items"], seen["expires_at"], seen["project_id"]) == (body["items"], 1_900_000_000, 0)
    twice = {"items": [{"cve_id": "A"}, {"cve_id": "A "}]}
    for wrong in (twice, {"items": [{"cve_id": ""}]}, {"items": [], "expires_at": -5}):
        assert (await call(admin, server, "PUT", "/system/CVEAllowlist", wrong)).status == 400, wrong
    assert (await call(admin, server, "PUT", "/system/CVEAllowlist", {"items": []})).status == 200
    assert (await call(None, server, "GET", "/system/CVEAllowlist")).status == 401


@pytest.mark.parametrize("word", ["/ping", "/health", "/systeminfo", "/api"])
async def test_public_answers_name_no_version_in_their_headers(app: Server, word: str) -> None:
    answer = await call(None, app, "GET", word)
    assert not any(__version__ in value for name, value in answer.headers if name != "x-request-id")
