"""What harm asks of the REST API as a whole (threats.md B3): C1, I1, I5, Q1, Q2 and A5, on a started server.

The routes come from the route table, so a new one is asked too.
"""

import http.client
import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler

from moorage.api.routes import BUILT
from moorage.db.base import Base
from tests.api.document import document
from tests.rest.conftest import BASE, Caller
from tests.rest.recipes import RECIPES, Place, Recipe, basic, make_place, rule
from tests.rest.test_audited import AUDITED, CHANGING, ONCE, Log, log
from tests.serving import Account, Moorage

PAGED = {str(one.operation_id): one for one in BUILT if one.opt["paged"]}
INJECTED = (
    "'", '"', ";--", "%", "_", "\\", "' or '1'='1", "x');select 1;--", "(case when 1=1 then 1 else 2 end)",
    "name,(select 1)", "name;select pg_sleep(60)--", "-name'", "1 union select secret from robot",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(admin: Caller) -> Place:
    """A project with one of everything."""
    return make_place(admin, {})


def _target(handler: HTTPRouteHandler, place: Place) -> str:
    """The path, with the query that the operation cannot do without, ready for more."""
    (path,) = handler.paths
    recipe = RECIPES.get(str(handler.operation_id), Recipe())
    ids = {**_OURS, **place.ids, **recipe.path(place)}
    needed = _NEEDED.get(str(handler.operation_id), "").format(**ids)
    return re.sub(r"\{(\w+):\w+\}", lambda found: str(ids[found[1]]), path) + f"?{needed}&"


_NEEDED = {"searchUsers": "username=victim", "searchUserGroups": "groupname=group", "ListLabels": "scope=g"}
_NEEDED |= {"ListWebhookJobs": "policy_id={webhook_policy_id}"}
_OURS = {"tag": "v1", "eid": "1"}
"""Names in paths of ours that no recipe knows."""

NEEDS_MORE = {"listRetentionVerdicts": "only a run that is over has verdicts; tests/api/test_retention.py pages them"}


# -- I1, Q1: lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", PAGED)
def test_i1_no_word_of_a_query_reaches_the_database_as_sql(operation: str, admin: Caller, place: Place) -> None:
    target = _target(PAGED[operation], place)
    for words in INJECTED:
        for query in (
            f"q=name%3D~{quote(words)}",
            f"q={quote(words)}%3D1",
            f"sort={quote(words)}",
            f"name={quote(words)}",
        ):
            answer = admin.send("GET", target + query)  # one that slept would be stopped after 30 s, and be 503
            assert answer.status_code in {200, 400, 404, 422}, (query, answer.text)


@pytest.mark.parametrize("operation", [name for name in PAGED if name not in NEEDS_MORE])
def test_q1_a_page_is_within_its_bounds_and_the_total_is_right(operation: str, admin: Caller, place: Place) -> None:
    target = _target(PAGED[operation], place)
    for query in ("page_size=101", "page_size=1000000000", "page_size=abc", "page=abc"):
        assert admin.send("GET", target + query).status_code == 422, query
    whole = admin.send("GET", f"{target}page_size=100")
    assert whole.status_code == 200, whole.text
    total = int(whole.headers["x-total-count"])
    assert len(whole.json() or []) == min(total, 100)
    for page in ("1000000000", "10000000000000"):
        far = admin.send("GET", f"{target}page={page}&page_size=10")
        assert far.status_code in {200, 422}, far.text
        assert far.status_code == 422 or far.json() in ([], None)
    one = admin.send("GET", f"{target}page=1&page_size=1")
    assert len(one.json() or []) == min(total, 1)


# -- Q2: many at once -------------------------------------------------------------------------------------

MANY = 50


def _at_once(moorage: Moorage, path: str, body: Any) -> list[int]:
    """The statuses of many equal requests that are sent at the same moment, over connections that are open."""
    gate, statuses = threading.Barrier(MANY), list[int]()
    headers = {"content-type": "application/json", "authorization": basic(moorage.admin)}

    def send() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", moorage.port, timeout=60)) as connection:
            connection.connect()
            gate.wait()
            connection.request("POST", BASE + path, json.dumps(body), headers)
            statuses.append(connection.getresponse().status)

    threads = [threading.Thread(target=send) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


_ARTIFACT = "/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}"
_MADE: dict[str, tuple[str, Callable[[Place], Any]]] = {
    "project": ("/projects", lambda _: {"project_name": "many"}),
    "user": (
        "/users",
        lambda _: {"username": "many", "email": "many@example.org", "realname": "m", "password": "Passw0rd-1"},
    ),
    "group": ("/usergroups", lambda _: {"group_name": "many", "group_type": 1, "ldap_group_dn": "cn=many,dc=x"}),
    "label": ("/labels", lambda place: {"name": "many", "scope": "p", "project_id": int(place.ids["project_id"])}),
    "member": (
        "/projects/{project_name}/members",
        lambda place: {"role_id": 3, "member_user": {"username": place.ids["second_name"]}},
    ),
    "robot": ("/robots", lambda place: {**RECIPES["CreateRobot"].body(place), "name": "many"}),
    "tag": (_ARTIFACT + "/tags", lambda _: {"name": "many"}),
    "rule": ("/projects/{project_name}/immutabletagrules", lambda _: rule("many")),
    "token": ("/users/current/tokens", lambda _: {"name": "many", "scopes": ["pull"]}),
    "registry": ("/registries", lambda place: {**RECIPES["createRegistry"].body(place), "name": "many"}),
    "webhook": (
        "/projects/{project_name}/webhook/policies",
        lambda place: {**RECIPES["CreateWebhookPolicyOfProject"].body(place), "name": "many"},
    ),
    "retention": ("/retentions", RECIPES["createRetention"].body),
    "copy": ("/projects/{project_name}/repositories/many/artifacts?from={project_name}/app%40{digest}", lambda _: None),
}


_AGAIN = {"copy": 201, "retention": 400, "webhook": 400}
"""A copy of what is there is no other one; of the two policies the contract knows no 409."""


@pytest.mark.parametrize("what", _MADE)
def test_q2_of_many_who_make_the_same_at_once_one_does(
    what: str, moorage: Moorage, admin: Caller, place: Place
) -> None:
    path, body = _MADE[what]
    statuses = _at_once(moorage, path.format(**place.ids), body(place))
    assert statuses == [201, *[_AGAIN.get(what, 409)] * (MANY - 1)]
    if what == "copy":
        assert len(admin.send("GET", f"/projects/{place.ids['project_name']}/repositories/many/artifacts").json()) == 1


# -- C1: fields that nobody sends -------------------------------------------------------------------------

PROTECTED = {
    "id": 1, "user_id": 1, "principal_id": 1, "robot_id": 1, "owner_id": 1, "owner_name": "admin", "epoch": 99,
    "creation_time": "2001-01-01T00:00:00Z", "created_at": "2001-01-01T00:00:00Z", "deleted": True,
    "sysadmin_flag": True, "has_admin_role": True, "admin_role_in_auth": True, "admin": True, "admin_by_source": True,
    "role_id": 1, "salt": "x", "password_hash": "x", "source": "ldap", "editable": False, "is_default": True,
}  # fmt: skip


def test_c1_fields_that_are_not_ones_own_change_nothing(moorage: Moorage, admin: Caller, place: Place) -> None:
    theirs = f"/projects/{place.ids['project_id']}/immutabletagrules"
    rules_before = admin.send("GET", theirs).json()
    account = moorage.create_user("mass")
    me = Caller(moorage, account)
    before = me.send("GET", "/users/current").json()
    own = f"/users/{before['user_id']}"
    sent = {**PROTECTED, "email": "mass@example.org", "realname": "Mass", "comment": ""}
    del sent["user_id"]
    assert me.send("PUT", own, sent).status_code in {200, 400}
    after = me.send("GET", "/users/current").json()
    for name in ("user_id", "username", "sysadmin_flag", "admin_role_in_auth", "creation_time", "source"):
        assert after[name] == before[name], name

    name = me.make("/projects", {**PROTECTED, "project_name": "mass", "project_id": 1, "repo_count": 9})
    project = me.send("GET", f"/projects/{name}").json()
    assert (project["owner_id"], project["repo_count"]) == (before["user_id"], 0)
    assert project["project_id"] != 1
    label = me.make("/labels", {**PROTECTED, "name": "l", "scope": "p", "project_id": project["project_id"]})
    shown = me.send("GET", f"/labels/{label}").json()
    assert int(label) != 1 or shown["project_id"] == project["project_id"]
    assert not shown["creation_time"].startswith("2001")
    permission = {"kind": "project", "namespace": "mass", "access": [{"resource": "repository", "action": "pull"}]}
    robot = {"name": "r", "level": "project", "duration": 1, "permissions": [permission]}
    made = me.send("POST", "/robots", {**PROTECTED, **robot, "secret": None, "expires_at": 1})
    assert made.status_code == 201, made.text
    shown = me.send("GET", f"/robots/{made.json()['id']}").json()
    assert shown["editable"] is True
    assert shown["expires_at"] > time.time()
    rules = f"/projects/{name}/immutabletagrules"
    number = me.make(rules, {**PROTECTED, **rule("x"), "project_id": int(place.ids["project_id"])})
    (kept,) = me.send("GET", rules).json()
    assert kept["id"] == int(number)
    assert admin.send("GET", theirs).json() == rules_before


CANARIES: dict[type, Any] = {int: 4_242_424_242_424_242, str: "c1canary", datetime: "2001-02-03T04:05:06Z"}


def _columns() -> dict[str, Any]:
    """Every column of every table, with a value that is found again; of both truths none is."""
    found: dict[str, Any] = {}
    for _, table in sorted(Base.metadata.tables.items()):
        for column in table.columns:
            try:
                kind = column.type.python_type
            except NotImplementedError:
                kind = str
            found[column.name] = True if kind is bool else CANARIES.get(kind, CANARIES[str])
    return found


def _fields(operation: str) -> set[str]:
    """What the document knows in the body of an operation."""
    components = document()["components"]["schemas"]
    for item in document()["paths"].values():
        for described in item.values():
            if isinstance(described, dict) and described.get("operationId") == operation:
                content = described.get("requestBody", {}).get("content", {})
                schema = content.get("application/json", {}).get("schema", {})
                return set(components[schema["$ref"].rpartition("/")[2]]["properties"]) if "$ref" in schema else set()
    raise LookupError(operation)


_OURS_TO_SAY = re.compile(r"(.*_)?id|.*_time|owner.*|source|salt|epoch|secret_hash|password_hash")
"""Fields that the contract has in bodies, because it has one shape for both ways, and that nobody sets."""
_WITH_BODY = [name for name in AUDITED if _fields(name) or name == "updateConfigurations"]
__all__ = ["log"]  # a fixture


@pytest.mark.parametrize("operation", _WITH_BODY)
def test_c1_a_column_in_a_body_is_written_nowhere(operation: str, log: Log, moorage: Moorage, database: str) -> None:
    """Unless the body itself has a field of that name. What is ours refuses it; the contract passes it over."""
    known, columns = _fields(operation), _columns()
    ours = CHANGING[operation].opt["ours"]
    unknown = {name: value for name, value in columns.items() if name not in known}
    protected = {name: value for name, value in columns.items() if name in known and _OURS_TO_SAY.fullmatch(name)}
    for beside in (protected, unknown) if protected else (unknown,):
        answer = log.ask(log.admin, operation, log.prepare(operation), beside=beside)
        if answer.status_code < 300 and operation in ONCE:
            log.renew()
        assert answer.status_code < 500, answer.text
        assert answer.status_code < 300 or ours or known & beside.keys(), answer.text
        held = _dump(moorage, database).splitlines()
        for canary in (*CANARIES.values(), "2001-02-03 04:05:06", "981173045"):
            assert [line for line in held if str(canary).encode() in line] == [], beside.keys() & known


# -- I5: lines that do not end ----------------------------------------------------------------------------


def test_i5_a_line_end_is_refused_or_stays_within_its_value(admin: Caller, place: Place) -> None:
    """In names, descriptions, and what comes back in a header: Location, Content-Disposition, Link."""
    ids = place.ids
    odd = "a\r\nset-cookie: sid=evil\r\n\r\n<b>"
    sent = (
        ("POST", "/projects", {"project_name": odd}),
        ("POST", "/users", {"username": odd, "email": "a@b.cd", "realname": "x", "password": "Passw0rd-1"}),
        ("POST", "/labels", {"name": odd, "scope": "g"}),
        ("POST", "/robots", {**RECIPES["CreateRobot"].body(place), "name": odd}),
        ("POST", "/usergroups", {"group_name": odd, "group_type": 1, "ldap_group_dn": "cn=odd,dc=x"}),
        ("POST", _ARTIFACT.format(**ids) + "/tags", {"name": odd}),
        ("POST", "/users/current/tokens", {"name": odd, "scopes": ["pull"]}),
    )
    for method, path, body in sent:
        answer = admin.send(method, path, body)
        assert answer.status_code in {400, 422}, (path, answer.status_code)
        assert "set-cookie" not in answer.headers
    described = f"/projects/{ids['project_name']}/repositories/{ids['repository_name']}"
    assert admin.send("PUT", described, {"description": odd}).status_code in {200, 400}
    for path in (described, f"/projects?name={quote(odd)}&page_size=1", f"/search?q={quote(odd)}"):
        answer = admin.send("GET", path)
        assert answer.status_code < 500
        assert "set-cookie" not in answer.headers


# -- A5: secrets at rest ----------------------------------------------------------------------------------


def test_a5_no_secret_is_in_the_database_the_log_or_an_answer(
    moorage: Moorage, admin: Caller, place: Place, database: str
) -> None:
    """A password, a robot's secret, an access token, a session, and what opens a directory and a provider."""
    canaries = {"ldap_search_password": "c4nary-directory", "oidc_client_secret": "c4nary-provider"}
    assert admin.send("PUT", "/configurations", canaries).status_code == 200
    token = admin.send("POST", "/users/current/tokens", {"name": "a5", "scopes": ["api:read"]}).json()["token"]
    robot = admin.send("POST", "/robots", {**RECIPES["CreateRobot"].body(place), "name": "a5"}).json()
    person = Account("a5person", "C4nary-passw0rd")
    words = {"username": person.username, "password": person.password, "email": "a5@example.org", "realname": "x"}
    admin.make("/users", words)
    with httpx.Client(base_url=moorage.url, trust_env=False, timeout=60) as browser:
        answer = browser.post("/c/login", data={"principal": person.username, "password": person.password})
        assert answer.status_code == 200, answer.text
        cookie = browser.cookies["sid"]
    assert Caller(moorage, Account("admin", token)).send("GET", "/users/current").status_code == 200
    secrets = [*canaries.values(), token, robot["secret"], person.password, moorage.admin.password, cookie]

    held = moorage.log.read_bytes() + admin.send("GET", "/configurations").content
    held += admin.send("GET", "/audit?page_size=100").content + _dump(moorage, database)
    assert person.username.encode() in held
    for secret in secrets:
        assert secret.encode() not in held, secret[:6]


def _dump(moorage: Moorage, database: str) -> bytes:
    """All that the database holds."""
    if not database:
        with sqlite3.connect(f"file:{next(moorage.data.glob('*.db'))}?mode=ro", uri=True) as opened:
            return "\n".join(opened.iterdump()).encode()
    import psycopg  # noqa: PLC0415 - only here

    with psycopg.connect(database.replace("postgresql+psycopg://", "postgresql://")) as opened:
        tables = opened.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [opened.execute(f'SELECT t::text FROM "{name}" t').fetchall() for (name,) in tables]  # noqa: S608
    return repr(rows).encode()
