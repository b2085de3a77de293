"""What all operations of the REST API share: paths, methods, credentials, who may, and what is not built yet."""

import gc
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest

from moorage.access.policy import Role
from moorage.api.app import _build
from moorage.api.contract import OPERATIONS
from moorage.api.paths import route_path
from moorage.api.routes import BUILT, every_route
from moorage.api.unimplemented import contract_path, key_of, unbuilt
from moorage.app import running
from moorage.configuration.validation import NAMES, SECRETS
from moorage.errors import RouteUnknown
from tests.api.client import Client, Server, encode
from tests.api.conftest import Serve, administrator, make_project, make_robot, make_user
from tests.api.workers import until

CONTRACT = json.loads(Path(__file__).with_name("contract").joinpath("harbor-v2.0.json").read_text(encoding="utf-8"))
BASE = "/api/v2.0"


# -- the table of the contract ----------------------------------------------------------------------------


def test_the_table_holds_each_operation_of_the_contract() -> None:
    theirs = [
        (method.upper(), path.rstrip("/"), described["operationId"], described["tags"][0])
        for path, item in CONTRACT["paths"].items()
        for method, described in item.items()
        if method != "parameters"
    ]
    assert sorted(theirs) == sorted((one.method, one.path, one.id, one.tag) for one in OPERATIONS)
    assert len(theirs) == 203


def test_each_route_is_an_operation_of_the_contract_under_its_name_or_marked_as_ours() -> None:
    names = {(one.method, re.sub(r"\{[^}]*\}", "{}", one.path)): one for one in OPERATIONS}
    for handler in BUILT:
        one = names.get(key_of(handler))
        if handler.opt["ours"]:
            assert one is None, f"{handler.operation_id} is in the contract"
        else:
            assert one is not None, f"{handler.operation_id} is not in the contract: say `ours=True`"
            assert (handler.operation_id, handler.tags) == (one.id, [one.tag])
            (path,) = handler.paths
            assert contract_path(path) == one.path


def test_each_path_is_there_once() -> None:
    keys = [key_of(handler) for handler in every_route()]
    assert len(keys) == len(set(keys))
    assert len(every_route()) == len(BUILT) + len(unbuilt(BUILT))


# -- paths and methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "routed"),
    [
        ("/api/v2.0/ping", "/api/v2.0/ping"),
        ("//api//v2.0/ping//", "/api/v2.0/ping"),
        ("/api/v2.0/projects/p/repositories/a%2Fb", "/api/v2.0/projects/p/repositories/a%2Fb"),
        ("/api/v2.0/projects/p/repositories/a%252Fb", "/api/v2.0/projects/p/repositories/a%2Fb"),
        ("/api/v2.0/projects/p/repositories/a%252fb", "/api/v2.0/projects/p/repositories/a%2fb"),
        ("/api/v2.0/x/sha256%3Aabc", "/api/v2.0/x/sha256:abc"),
    ],
)
def test_a_path_is_routed_in_one_form(sent: str, routed: str) -> None:
    assert route_path(sent) == routed


def test_a_path_that_is_no_utf8_leads_nowhere() -> None:
    with pytest.raises(RouteUnknown):
        route_path("/api/v2.0/projects/%ff")


async def test_slashes_do_not_matter(app: Server) -> None:
    for path in (f"{BASE}/ping", f"{BASE}/ping/", "//api///v2.0//ping//"):
        answer = await app.send("GET", path)
        assert (answer.status, answer.body) == (200, b"Pong"), path
    assert (await app.send("GET", "/api/version")).json() == {"version": "v2.0"}


async def test_what_is_not_there_is_404_and_a_wrong_method_405(app: Server, admin: Client) -> None:
    for path in ("/api", "/api/", "/api/v2.0", "/api/v1.0/ping", f"{BASE}/nothing", f"{BASE}/users/abc", "/c/nothing"):
        answer = await app.send("GET", path, headers=admin.basic)
        assert (answer.status, answer.code) == (404, "NOT_FOUND"), path
    for method in ("POST", "DELETE", "OPTIONS", "HEAD"):
        answer = await app.send(method, f"{BASE}/ping")
        assert answer.status == 405
        assert answer.header("allow") == "GET"
    answer = await app.send("PATCH", f"{BASE}/users/7/password", headers=admin.basic)
    assert (answer.status, answer.header("allow")) == (405, "PUT")


async def test_an_overridden_method_is_the_method_that_was_sent(app: Server) -> None:
    answer = await app.send("GET", f"{BASE}/ping?_method=DELETE", headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status == 200


async def test_a_body_over_1_mib_is_refused_unread(app: Server, admin: Client) -> None:
    answer = await app.send(
        "PUT",
        f"{BASE}/users/1/password",
        b"{" + b" " * 1_048_576,
        headers={**admin.basic, "content-type": "application/json"},
    )
    assert (answer.status, answer.code) == (413, "REQUEST_ENTITY_TOO_LARGE")
    answer = await app.send("PUT", f"{BASE}/users/1/password", [b" " * 300_000] * 8, length=None, headers=admin.basic)
    assert answer.status == 413
    assert answer.read <= 1_048_576 + 300_000


async def test_every_answer_forbids_caching_sniffing_and_framing(app: Server) -> None:
    for path in ("/ping", "/nothing", "/users"):
        answer = await app.send("GET", f"{BASE}{path}")
        assert answer.header("cache-control") == "no-store", path
        assert answer.header("x-content-type-options") == "nosniff"
        assert "frame-ancestors 'none'" in (answer.header("content-security-policy") or "")
        assert answer.header("server") == "moorage"
        assert answer.header("access-control-allow-origin") is None


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 10**36])
async def test_a_number_that_no_database_holds_is_refused(
    app: Server, project: str, number: int, admin: Client
) -> None:
    for target in (f"/projects/{project}/webhook/jobs?policy_id={number}", f"/labels?scope=p&project_id={number}"):
        answer = await app.send("GET", BASE + target, headers=admin.basic)
        assert answer.status == 422, (target, answer)
        assert "at most 64 bits" in answer.json()["errors"][0]["message"]


async def test_a_refused_body_is_called_the_body(app: Server, admin: Client) -> None:
    async def said(body: bytes) -> str:
        headers = {**admin.basic, "content-type": "application/json"}
        answer = await app.send("POST", f"{BASE}/projects", body, headers=headers)
        assert answer.status in {400, 422}
        return str(answer.json()["errors"][0]["message"])

    assert await said(b"") == "A body is needed: JSON."
    assert (await said(b"[]")).startswith("The body: Expected `object`")
    assert (await said(b'{"metadata": 7}')).startswith("metadata: ")
    assert (await said(b'{"metadata": {"public": true}}')).startswith("metadata.public: Expected `str")
    assert (await said(b"[" * 100_000)) == "The JSON in the body is nested too deeply."


async def test_a_text_is_no_number_and_a_number_no_truth(app: Server, admin: Client, project: str) -> None:
    person = await make_user(app)

    async def said(method: str, target: str, body: Mapping[str, object]) -> str:
        answer = await app.send(method, f"{BASE}{target}", encode(body), headers=admin.basic)
        assert answer.status == 422, (target, answer)
        return str(answer.json()["errors"][0]["message"])

    member = {"role_id": "1", "member_user": {"username": person.username}}
    assert (await said("POST", f"/projects/{project}/members", member)).startswith("role_id: Expected `int")
    assert (await said("POST", "/projects", {"storage_limit": "5"})).startswith("storage_limit: ")
    for flag in (1, 0, "true", "false"):
        assert (await said("PUT", "/users/1/sysadmin", {"sysadmin_flag": flag})).startswith("sysadmin_flag: ")
    members = await app.send("GET", f"{BASE}/projects/{project}/members", headers=admin.basic)
    assert person.username not in [one["entity_name"] for one in members.json()]


async def test_a_refusal_names_what_is_missing_and_where(app: Server, project: str) -> None:
    async def said(target: str) -> str:
        answer = await app.send("GET", BASE + target, headers=(await make_user(app)).basic)
        assert answer.status == 403
        return str(answer.json()["errors"][0]["message"])

    assert await said("/configurations") == "You need the permission configuration:read in the system for this."
    assert (
        await said(f"/projects/{project}/members")
        == f"You need the permission member:list in project {project} for this."
    )


PLACES = ("/", "/livez", "/v2/", "/service/token?service=harbor-registry", f"{BASE}/ping", f"{BASE}/users", "/c/login")


async def test_a_browser_that_came_by_https_is_told_to_come_by_nothing_else(app: Server, serve: Serve) -> None:
    async def told(server: Server, target: str, **options: Any) -> str | None:
        return (await server.send("GET", target, **options)).header("strict-transport-security")

    external = await serve(external_url="https://moorage.example")
    for target in (*PLACES, f"{BASE}/explorer", f"{BASE}/nothing", "/nothing"):
        assert await told(app, target, scheme="https") == "max-age=31536000", target
        assert await told(external, target, host="moorage.example") == "max-age=31536000", "behind a proxy"
        assert await told(app, target) is None, "over plain HTTP it would mean nothing"
        assert await told(app, target, scheme="https", host="localhost:8443") is None, "others live there too"
    assert await told(app, "/livez", scheme="https", host="evil.example") is None, "a name that is not ours"
    shorter, silent = await serve(https_only_seconds=60), await serve(https_only_seconds=0)
    assert await told(shorter, "/livez", scheme="https") == "max-age=60"
    assert await told(silent, "/livez", scheme="https") is None


# -- who may ----------------------------------------------------------------------------------------------


async def test_wrong_credentials_are_401_also_where_none_are_needed_for_a_look(app: Server) -> None:
    for value in ("Basic YWRtaW46d3Jvbmc=", "Basic x", "Bearer nonsense", "Digest x"):
        answer = await app.send("GET", f"{BASE}/ping", headers={"Authorization": value})
        assert (answer.status, answer.code) == (401, "UNAUTHORIZED"), value


async def test_missing_and_forbidden_projects_answer_alike(app: Server, admin: Client, project: str) -> None:
    stranger = await make_user(app)
    ids = [row[0] for row in await app.rows("SELECT id FROM project WHERE name = :name", name=project)]
    for path in (project, str(ids[0]), "no-such-project", "999999999", "0", "9" * 19, "9" * 60, quote("a b")):
        target = f"{BASE}/projects/{path}/members"
        assert (await app.send("GET", target)).status == 401, path
        assert (await app.send("GET", target, headers=stranger.basic)).status == 403, path
    assert (await app.send("GET", f"{BASE}/projects/no-such-project/members", headers=admin.basic)).status == 404
    assert (await app.send("GET", f"{BASE}/projects/999999999/members", headers=admin.basic)).status == 404


async def test_a_role_opens_what_its_row_says(app: Server, project: str) -> None:
    guest = await make_user(app, {project: Role.GUEST})
    limited = await make_user(app, {project: Role.LIMITED_GUEST})
    target = f"{BASE}/projects/{project}/webhook/policies"
    maintainer = await make_user(app, {project: Role.MAINTAINER})
    for client in (guest, limited):
        assert (await app.send("GET", target, headers=client.basic)).status == 403
    assert (await app.send("GET", target, headers=maintainer.basic)).status == 200
    assert (await app.send("POST", target, b"{}", headers=maintainer.basic)).status == 403


async def test_a_robot_has_what_it_was_given_and_a_name_of_digits_can_be_named(app: Server) -> None:
    name = "20260701"
    await app.rows(
        "DELETE FROM role_binding WHERE project_id IN (SELECT id FROM project WHERE name = :name)", name=name
    )
    from moorage.projects import service as projects  # noqa: PLC0415 - only here

    row = await app.run(projects.find_project, name) or await app.run(projects.create_project, name)
    assert row is not None
    robot = await make_robot(app, name, "pull")
    headers = {**robot.basic, "X-Is-Resource-Name": "true"}
    target = f"{BASE}/projects/{name}/webhook/policies"
    assert (await app.send("GET", target, headers=headers)).status == 403
    admin_like = await make_user(app, {name: Role.PROJECT_ADMIN})
    assert (await app.send("GET", target, headers={**admin_like.basic, "X-Is-Resource-Name": "true"})).status == 200
    assert (await app.send("GET", target, headers=admin_like.basic)).status == 403


async def test_a_refusal_is_written_down(serve: Serve) -> None:
    app = await serve()  # other tests are refused so much that what exceeds is written without a name
    project = await make_project(app)
    guest = await make_user(app, {project: Role.GUEST})
    assert (await app.send("GET", f"{BASE}/projects/{project}/logs", headers=guest.basic)).status == 403
    rows: list[tuple[object, ...]] = []

    async def is_there() -> bool:  # a moment later, and together with others
        rows[:] = await app.rows(
            "SELECT operation, resource_type, resource FROM audit WHERE principal_name = :name AND NOT ok",
            name=guest.username,
        )
        return bool(rows)

    await until(is_there)
    assert rows == [("list", "log", project)]


# -- not built yet ----------------------------------------------------------------------------------------


async def test_what_is_not_built_says_so_after_it_asked_who_may(app: Server, admin: Client) -> None:
    one = next(one for one in unbuilt(BUILT) if one.id == "getScanAllSchedule")
    target = BASE + one.path
    assert (await app.send("GET", target)).status == 401
    assert (await app.send("GET", target, headers=(await make_user(app)).basic)).status == 403
    answer = await app.send("GET", target, headers=admin.basic)
    assert (answer.status, answer.code) == (501, "NOT_IMPLEMENTED")
    assert "getScanAllSchedule" in answer.json()["errors"][0]["message"]


# -- the document -----------------------------------------------------------------------------------------


async def test_the_document_describes_every_route(app: Server) -> None:
    document = (await app.send("GET", f"{BASE}/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    described = {
        (method.upper(), one["operationId"])
        for item in document["paths"].values()
        for method, one in item.items()
        if isinstance(one, dict)
    }
    assert described == {(key_of(handler)[0], handler.operation_id) for handler in every_route()}
    for item in document["paths"].values():
        for one in item.values():
            assert one["responses"], one["operationId"]
            assert one["x-needs"]
            assert "{" not in one.get("x-needs-note", ""), one["operationId"]
            assert one["x-needs"] != "inside" or len(one["x-needs-note"]) > 10, one["operationId"]


async def test_the_document_names_each_live_setting_with_its_type(app: Server, admin: Client) -> None:
    document = (await app.send("GET", f"{BASE}/openapi.json")).json()
    components = document["components"]["schemas"]
    operations = document["paths"][f"{BASE}/configurations"]
    body = operations["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Configurations"}
    taken, shown = components["Configurations"]["properties"], components["ConfigurationsResponse"]["properties"]
    assert set(taken) == NAMES
    assert set(shown) == NAMES - SECRETS
    assert {name for name, one in taken.items() if one.get("writeOnly")} == SECRETS
    assert all(len(one["description"]) > 10 for one in taken.values())
    assert not any("default" in one for one in taken.values()), "what is left out stays as it is"
    whole = {"components": document["components"]}
    found = (await app.send("GET", f"{BASE}/configurations", headers=admin.basic)).json()
    for name, one in found.items():
        jsonschema_rs.validator_for({**taken[name], **whole}).validate(one["value"])
        jsonschema_rs.validator_for({**shown[name], **whole}).validate(one)
    for name, wrong in (("read_only", "true"), ("token_expiration", 0), ("auth_sources", ["x"]), ("auth_mode", "x")):
        assert not jsonschema_rs.validator_for({**taken[name], **whole}).is_valid(wrong), name


async def test_the_document_says_what_may_be_sent_and_what_must(app: Server) -> None:
    paths = (await app.send("GET", f"{BASE}/openapi.json")).json()["paths"]
    headers = {one["name"] for one in paths[f"{BASE}/projects"]["post"]["parameters"] if one["in"] == "header"}
    assert headers == {"X-Request-Id", "X-Resource-Name-In-Location"}
    assert paths[f"{BASE}/ldap/ping"]["post"]["requestBody"]["required"] is False
    assert paths[f"{BASE}/projects"]["post"]["requestBody"]["required"] is True


async def test_an_application_keeps_nothing_from_the_garbage_collector(serve: Serve) -> None:
    """A server's process does; one of tests starts a thousand applications."""
    server = await serve()
    before = gc.get_freeze_count()
    async with running(server.settings):
        assert gc.get_freeze_count() == before

    assert gc.get_freeze_count() == before


async def test_applications_of_one_process_share_what_the_framework_made_of_the_routes(serve: Serve) -> None:
    first, second = await serve(), await serve()
    for server, minutes in ((first, 31), (second, 32)):
        changed = await server.send(
            "PUT", f"{BASE}/configurations", json.dumps({"token_expiration": minutes}).encode(),
            headers={**administrator(server).basic, "content-type": "application/json"},
        )  # fmt: skip
        assert changed.status == 200, changed
    made = _build.cache_info().misses
    third = await serve()
    for server, minutes in ((first, 31), (second, 32), (third, 30)):
        found = await server.send("GET", f"{BASE}/configurations", headers=administrator(server).basic)
        assert found.json()["token_expiration"]["value"] == minutes, "each is given its own parts"

    assert _build.cache_info().misses == made
