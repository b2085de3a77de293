"""The directory through the REST API and the token endpoint: try it, search, import, sign in at every worker."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from sqlalchemy import select

from moorage.access.policy import Role
from moorage.authentication import external_accounts
from moorage.configuration.service import set_items
from moorage.ldap.names import fold_dn
from moorage.projects import service as projects
from moorage.secret_encryption import Seals
from moorage.users import groups
from moorage.users import service as users
from moorage.users.tables import User
from tests.api.client import Answer, Client, Server
from tests.api.conftest import (
    Serve,
    administrator,
    give_refresh_tokens,
    make_project,
    make_robot,
    make_user,
    project_id,
)
from tests.api.identity.directories import PASSWORD, Person, Town, make_town
from tests.api.pace import timed
from tests.parts import Parts
from tests.parts.certificates import Authority
from tests.parts.samba import Samba
from tests.parts.slapd import Slapd

pytestmark = pytest.mark.usefixtures("kind")
ON_SQLITE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
"""For what writes nothing."""

BASE = "/api/v2.0"


@pytest.fixture
def town(parts: Parts) -> Town:
    """An empty branch of OpenLDAP."""
    return make_town(parts.get("slapd", Slapd))


@pytest.fixture(
    params=[
        pytest.param("openldap", marks=pytest.mark.part("slapd")),
        pytest.param("ad", marks=pytest.mark.part("samba")),
    ]
)
def each_town(request: pytest.FixtureRequest, parts: Parts) -> Town:
    """An empty branch of each kind of directory."""
    return make_town(parts.get("slapd", Slapd) if request.param == "openldap" else parts.get("samba", Samba))


async def put(server: Server, town: Town, **changes: Any) -> None:
    """Save the settings of a directory, as an administrator would."""
    settings = msgspec.structs.asdict(town.items(**changes))
    sent = {name: value for name, value in settings.items() if name.startswith("ldap_") or name == "auth_sources"}
    sent["ldap_search_password"] = settings["ldap_search_password"].reveal()
    sent["auth_sources"] = list(sent["auth_sources"])
    await server.run(set_items, Seals(server.settings.seal_key_folder), sent)


async def call(client: Client | None, app: Server, method: str, path: str, body: Any = None) -> Answer:
    """One request by somebody, with a JSON body."""
    content = b"" if body is None else json.dumps(body).encode()
    headers = {**(client.basic if client else {}), **({"content-type": "application/json"} if content else {})}
    return await app.send(method, BASE + path, content, headers=headers)


def client_of(server: Server, person: Person) -> Client:
    return Client(server, person.name, PASSWORD, 0)


# -- signing in -------------------------------------------------------------------------------------------


async def test_a_group_of_the_directory_gives_rights_and_their_end_holds_on_the_next_request(
    serve: Serve, town: Town
) -> None:
    server = await serve()
    other = await serve(beside=server)
    await put(server, town)
    alice, name = town.person("alice"), await make_project(server)
    dev = town.group("dev", alice, town.person("bob"))
    made = await server.run(groups.create_group, external_accounts.LDAP_GROUP, fold_dn(dev), "dev")
    await server.run(projects.set_group_member, await project_id(server, name), made, Role.DEVELOPER)
    client = client_of(server, alice)
    await client.repo(f"{name}/app").image("v1")
    token = (await client.ask_token(f"repository:{name}/app:pull")).json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await server.send("GET", f"/v2/{name}/app/manifests/v1", headers=bearer)).status == 200

    town.leave(dev, alice)
    assert (await other.send("GET", f"{BASE}/projects", headers=client.basic)).status == 200  # signs in, there

    assert (await server.send("GET", f"/v2/{name}/app/manifests/v1", headers=bearer)).status == 401


async def test_a_refresh_token_ends_with_the_entry_of_its_person(serve: Serve, town: Town) -> None:
    server = await serve()
    await put(server, town)
    alice = town.person("alice")
    client = client_of(server, alice)
    await give_refresh_tokens(server)
    made = await client.ask_token(offline_token="true")
    refresh = {"grant_type": "refresh_token", "service": "harbor-registry", "client_id": "x"}
    refresh["refresh_token"] = made.json()["refresh_token"]

    async def use(at: Server) -> Answer:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await at.send("POST", "/service/token", urlencode(refresh).encode(), headers=headers)

    town.part.freeze()
    try:
        assert (await use(server)).status == 200, "the directory was asked a moment ago"
        await put(server, town, ldap_timeout=1)
        assert (await use(server)).status == 503
    finally:
        town.part.go_on()
    await put(server, town)
    other = await serve(beside=server)
    assert (await use(other)).status == 200
    town.remove(alice.dn)
    third = await serve(beside=server)
    assert [(await use(one)).status for one in (third, server, other)] == [401, 401, 401]


async def test_settings_hold_for_the_next_sign_in_at_every_worker(serve: Serve, town: Town) -> None:
    server = await serve()
    other = await serve(beside=server)
    alice = town.person("alice")

    seen = []
    for sources in (("local",), ("local", "ldap"), ("ldap",), ("local",)):
        await put(server, town, auth_sources=sources)
        seen.append([(await client_of(one, alice).ask_token()).status for one in (server, other)])

    assert seen == [[401, 401], [200, 200], [200, 200], [401, 401]]


@ON_SQLITE
async def test_an_outage_is_503_with_the_directorys_name_and_local_people_do_not_notice(
    serve: Serve, town: Town
) -> None:
    server = await serve()
    await put(server, town, ldap_timeout=1)
    alice, local = town.person("alice"), await make_user(server)
    town.part.freeze()
    try:
        async with timed() as passed:
            answers = await asyncio.gather(
                client_of(server, alice).ask_token(),
                call(client_of(server, alice), server, "GET", "/projects"),
                call(administrator(server), server, "GET", "/ldap/users/search"),
            )
            took = passed()
        async with timed() as passed:
            assert (await local.ask_token()).status == 200
            assert passed() < 0.8
    finally:
        town.part.go_on()

    assert [answer.status for answer in answers] == [503, 503, 503]
    assert took < 2
    assert b"The directory (127.0.0.1) did not answer in 1 s. Your password was not checked." in answers[0].body
    assert b'"which":"DIRECTORY_SLOW_SIGN_IN","host":"127.0.0.1","seconds":1' in answers[0].body
    assert b"password" not in answers[2].body
    assert PASSWORD.encode() not in b"".join(answer.body for answer in answers)


async def test_a_person_of_two_sources_is_told_so(serve: Serve, town: Town) -> None:
    server = await serve()
    await put(server, town)
    alice = town.person("alice")
    await server.run(users.create_user, alice.name.upper(), password_hash="x")

    answer = await client_of(server, alice).ask_token()

    assert answer.status == 409
    assert b"signs in another way" in answer.body


# -- ping -------------------------------------------------------------------------------------------------


async def ping(server: Server, body: Any = None) -> dict[str, Any]:
    answer = await call(administrator(server), server, "POST", "/ldap/ping", body)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json()
    return told


@ON_SQLITE
async def test_ping_tries_what_is_saved_step_by_step(serve: Serve, each_town: Town) -> None:
    server = await serve()
    await put(server, each_town, **each_town.tls)

    bodies: tuple[Any, ...] = (None, {})
    for body in bodies:
        told = await ping(server, body)
        assert told["success"], told
        assert [step["name"] for step in told["steps"]] == ["resolve", "connect", "tls", "bind", "search"]
        assert all(step["success"] and step["milliseconds"] >= 0 for step in told["steps"])
        assert "bind " in told["message"]


FAILING: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no directory": ({"ldap_url": "ldap://127.0.0.1:1"}, "connect", "nothing listens there", "CONNECT_REFUSED"),
    "no host": ({"ldap_url": "ldap://no-such-host.invalid"}, "resolve", "no such host", "CONNECT_HOST_UNKNOWN"),
    "a wrong password": ({"ldap_search_password": "wrong"}, "bind", "result code 49", "LDAP_CREDENTIALS"),
    "no password": ({"ldap_search_password": ""}, "bind", "has no password", "LDAP_NO_PASSWORD"),
    "a wrong base": ({"ldap_base_dn": "dc=elsewhere"}, "search", "result code 32", "LDAP_BASE_UNKNOWN"),
}


@ON_SQLITE
@pytest.mark.parametrize("what", FAILING)
async def test_ping_says_which_step_failed_and_why(serve: Serve, town: Town, what: str) -> None:
    server = await serve()
    await put(server, town)
    changes, step, why, reason = FAILING[what]

    told = await ping(server, {"ldap_search_password": town.part.search_password, **changes})

    assert not told["success"]
    assert told["message"].startswith(f"{step}: ")
    assert why in told["message"]
    assert told["reason"] == reason
    assert all(one["reason"] == ("" if one["success"] else reason) for one in told["steps"])


@ON_SQLITE
async def test_ping_names_the_certificate_that_is_not_trusted(serve: Serve, town: Town) -> None:
    server = await serve()
    await put(server, town)
    tls = {"ldap_search_password": town.part.search_password, "ldap_url": town.tls_url}

    untrusted = await ping(server, tls)
    elsewhere = await ping(server, {**tls, "ldap_ca_certificate": Authority("another").pem})
    trusted = await ping(server, {**tls, "ldap_ca_certificate": town.part.authority.pem})
    plain = await ping(server, {**tls, "ldap_url": town.url.replace("ldap:", "ldaps:")})

    for told in (untrusted, elsewhere):
        assert told["message"].startswith("tls: the certificate is not trusted")
        assert told["reason"] == "CONNECT_CERTIFICATE"
        assert "(CN=localhost, issued by CN=slapd authority of the tests, valid until 20" in told["message"]
    assert trusted["success"]
    assert plain["message"].startswith("tls: ")


@ON_SQLITE
async def test_ping_gives_up_in_time(serve: Serve, town: Town) -> None:
    server = await serve()
    await put(server, town)
    town.part.freeze()
    try:
        async with timed() as passed:
            told = await ping(server, {"ldap_connection_timeout": 1})
            assert passed() < 2
    finally:
        town.part.go_on()

    assert told["message"] == "bind: no answer in 1 s"
    assert told["steps"][-1]["message"] == "no answer in time"


@ON_SQLITE
async def test_settings_of_a_directory_are_saved_with_a_warning_that_says_what_does_not_work(
    serve: Serve, town: Town
) -> None:
    server = await serve()
    admin = administrator(server)
    wanted = msgspec.structs.asdict(town.items())
    settings = {name: wanted[name] for name in ("ldap_url", "ldap_base_dn", "ldap_uid", "ldap_search_dn")}
    settings |= {"auth_mode": "ldap_auth", "ldap_search_password": town.part.search_password}

    async def save(**changes: Any) -> str | None:
        answer = await call(admin, server, "PUT", "/configurations", changes)
        assert (answer.status, answer.body) == (200, b"")
        return answer.header("warning")

    assert await save(**settings) is None
    wrong = await save(ldap_search_password="wrong")
    away = await save(ldap_url="ldap://127.0.0.1:1")
    others = await save(session_timeout=7)  # nothing of the directory: it is not asked
    off = await save(auth_sources=["local"], ldap_url="ldap://127.0.0.1:2")
    on = await save(auth_sources=["local", "ldap"])

    assert wrong is not None
    assert wrong.startswith('299 - "The directory cannot be used now. bind: ')
    assert "result code 49" in wrong
    assert (others, off) == (None, None)
    for said in (away, on):
        assert said is not None
        assert said.startswith('299 - "The directory cannot be used now. connect: ')
    shown = await call(admin, server, "GET", "/configurations")
    assert shown.json()["ldap_url"]["value"] == "ldap://127.0.0.1:2"


async def listen_for_a_password() -> tuple[asyncio.Server, list[bytes]]:
    """Something that takes connections and keeps what is sent."""
    heard: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.close()

    return await asyncio.start_server(keep, "127.0.0.1", 0), heard


@ON_SQLITE
@pytest.mark.parametrize("changes", [{}, {"ldap_search_dn": "cn=somebody,dc=example"}])
async def test_the_saved_password_is_not_sent_elsewhere(serve: Serve, town: Town, changes: dict[str, Any]) -> None:
    server = await serve()
    await put(server, town)
    ear, heard = await listen_for_a_password()
    async with ear:
        url = f"ldap://127.0.0.1:{ear.sockets[0].getsockname()[1]}"
        told = await ping(server, {"ldap_url": url, **changes})
        given = await ping(server, {"ldap_url": url, "ldap_search_password": "given-here", **changes})

    assert told["message"] == "bind: the search account has no password"
    assert not given["success"]
    assert b"given-here" in b"".join(heard)
    assert town.part.search_password.encode() not in b"".join(heard)


@ON_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        {"ldap_url": "http://x"}, {"ldap_url": "ldap://a b"}, {"ldap_scope": 3}, {"ldap_filter": "(x"},
        {"ldap_uid": "a)(b"}, {"ldap_connection_timeout": 0}, {"ldap_base_dn": "nonsense"},
        {"ldap_ca_certificate": "nonsense"}, {"ldap_verify_cert": "yes please"}, "text", [1],
    ],
)  # fmt: skip
async def test_what_cannot_be_a_setting_is_refused(serve: Serve, town: Town, body: Any) -> None:
    server = await serve()
    await put(server, town)

    assert (await call(administrator(server), server, "POST", "/ldap/ping", body)).status in {400, 422}


# -- search and import ------------------------------------------------------------------------------------


@ON_SQLITE
async def test_people_and_groups_are_found_by_a_part_of_their_name(serve: Serve, each_town: Town) -> None:
    server, town = await serve(), each_town
    await put(server, town, ldap_filter="(objectClass=person)")
    admin = administrator(server)
    for word in ("annabel", "ann", "bob*"):
        town.person(word.replace("*", "-star"), displayName=f"The {word}")
    ops = town.group("operators", town.person("carol"))

    found = (await call(admin, server, "GET", "/ldap/users/search?username=ann")).json()
    assert [one["username"] for one in found] == sorted([town.name("ann"), town.name("annabel")])
    assert {one["realname"] for one in found} == {"The ann", "The annabel"}
    assert found[0]["email"] == f"{found[0]['username']}@example.test"
    assert len((await call(admin, server, "GET", "/ldap/users/search")).json()) == 4
    assert (await call(admin, server, "GET", "/ldap/users/search?username=*)(uid=*")).json() == []

    group = {"group_name": town.name("operators"), "group_type": 1, "ldap_group_dn": ops}
    assert [
        {**one, "ldap_group_dn": fold_dn(one["ldap_group_dn"])}
        for one in (await call(admin, server, "GET", "/ldap/groups/search?groupname=operat")).json()
    ] == [{**group, "ldap_group_dn": fold_dn(ops)}]
    assert (await call(admin, server, "GET", f"/ldap/groups/search?groupdn={ops}")).json() == [group]
    gone = f"/ldap/groups/search?groupdn=cn%3Dgone,{town.base}"
    assert (await call(admin, server, "GET", gone)).json() == []
    assert (await call(admin, server, "GET", "/ldap/groups/search?groupdn=nonsense")).status == 400


async def test_people_are_imported_and_each_stands_for_themselves(serve: Serve, each_town: Town) -> None:
    server, town = await serve(), each_town
    await put(server, town)
    admin = administrator(server)
    alice, bob, carol = (town.person(word) for word in ("alice", "bob", "carol"))
    town.group("ops", alice)
    await server.run(users.create_user, carol.name, password_hash="x")

    made = await call(admin, server, "POST", "/ldap/users/import", {"ldap_uid_list": [alice.name]})
    assert (made.status, made.body) == (200, b"")
    audit = await server.rows("SELECT principal_name, operation, resource_type, detail FROM audit ORDER BY id")
    assert [row[1:3] for row in audit if row[0] == "admin"] == [
        ("create", "user"), ("create", "group"), ("update", "user"),
    ]  # fmt: skip
    assert "groups" in str(audit[-1][3]), "who is in a group of the directory is another fact, and another row"
    names = [alice.name.upper(), bob.name, bob.name, carol.name, town.name("nobody"), "", "*", "a\nb"]
    some = await call(admin, server, "POST", "/ldap/users/import", {"ldap_uid_list": names})

    assert some.status == 404
    failed = {one["uid"]: one["error"] for one in some.json()}
    assert list(failed) == [carol.name, town.name("nobody"), "", "*", "a\nb"]
    assert "signs in another way" in failed[carol.name]
    reasons = [one["reason"] for one in some.json()]
    assert reasons == ["NAME_TAKEN", *["PERSON_UNKNOWN"] * 4], "a page says it in its reader's language"
    for person in (alice, bob):
        found = await server.run(users.get_user_by_name, person.name)
        assert (found.source, found.email) == ("ldap", f"{person.name}@example.test")
        token = await client_of(server, person).ask_token()
        assert token.status == 200
        assert (await server.run(users.get_user_by_name, person.name)).id == found.id
    assert (await server.run(users.get_user_by_name, carol.name)).source == "local"


@ON_SQLITE
@pytest.mark.parametrize("body", [{}, {"ldap_uid_list": []}, {"ldap_uid_list": None}])
async def test_importing_nobody_is_nothing(serve: Serve, town: Town, body: Any) -> None:
    server = await serve()
    await put(server, town)

    assert (await call(administrator(server), server, "POST", "/ldap/users/import", body)).status == 200


@ON_SQLITE
async def test_too_many_at_once_are_refused(serve: Serve, town: Town) -> None:
    server = await serve()
    await put(server, town)
    names = [f"n{number}" for number in range(501)]

    assert (
        await call(administrator(server), server, "POST", "/ldap/users/import", {"ldap_uid_list": names})
    ).status == 400


async def test_an_outage_while_importing_is_503_and_makes_nobody(serve: Serve, town: Town) -> None:
    server = await serve()
    await put(server, town, ldap_url="ldap://127.0.0.1:1")

    answer = await call(administrator(server), server, "POST", "/ldap/users/import", {"ldap_uid_list": ["a", "b"]})

    assert answer.status == 503
    assert (
        await server.run(lambda work: work.db.scalars(select(User.principal_id).where(User.source == "ldap")).all())
        == []
    )


@ON_SQLITE
async def test_without_a_directory_there_is_nothing_to_ask(serve: Serve) -> None:
    server = await serve()
    admin = administrator(server)

    for path in ("/ldap/users/search", "/ldap/groups/search"):
        assert (await call(admin, server, "GET", path)).status == 400
    assert (await call(admin, server, "POST", "/ldap/users/import", {"ldap_uid_list": ["a"]})).status == 400
    assert not (await ping(server))["success"]


@ON_SQLITE
async def test_only_administrators_and_robots_that_may_ask_a_directory(serve: Serve, town: Town) -> None:
    server = await serve()
    await put(server, town)
    name = await make_project(server)
    developer, robot = await make_user(server, {name: Role.PROJECT_ADMIN}), await make_robot(server, name, "pull")
    paths = (("POST", "/ldap/ping"), ("GET", "/ldap/users/search"), ("POST", "/ldap/users/import"),
             ("GET", "/ldap/groups/search"))  # fmt: skip

    for method, path in paths:
        body: Any = {} if method == "POST" else None
        statuses = [(await call(one, server, method, path, body)).status for one in (None, developer, robot)]
        assert statuses == [401, 403, 403], path
