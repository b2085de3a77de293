"""Signing in with a password, and out: what the contract's clients and a browser see (threats.md B3: A1, A3, X3)."""

import base64
from typing import Any

import pytest
import pytest_asyncio

from moorage.access.policy import Role
from moorage.robots import accounts
from moorage.settings import Secret
from moorage.settings import Sessions as SessionSettings
from moorage.users import service as users
from tests.api.browser import FORM, Browser, configure
from tests.api.client import Answer, Client, Server
from tests.api.conftest import PASSWORD, Serve, make_project, make_robot, make_user, project_id, unique
from tests.parts import Parts
from tests.parts.redis import Redis

CURRENT = "/api/v2.0/users/current"


@pytest_asyncio.fixture(loop_scope="session")
async def ann(app: Server) -> Client:
    return await make_user(app)


@pytest.fixture
def browser(app: Server) -> Browser:
    return Browser(app)


def signed_in(answer: Answer) -> bool:
    """Whether the API knew who asked: what it does not know is 401, what is not built for somebody known 501."""
    assert answer.status in {200, 401, 403, 501}, answer
    return answer.status != 401


async def test_a_password_opens_a_session(browser: Browser, ann: Client) -> None:
    answer = await browser.sign_in(ann.username, PASSWORD)

    assert (answer.status, answer.body) == (200, b"")
    assert set(browser.cookies) == {"sid", "csrf"}
    assert set(browser.lines["sid"].split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax"}
    assert signed_in(await browser.get(CURRENT))
    assert await browser.who() == ann.username


async def test_a_page_is_told_when_its_session_ends_and_a_program_is_not(
    app: Server, browser: Browser, ann: Client
) -> None:
    await browser.sign_in(ann.username, PASSWORD)

    ends = (await browser.get(CURRENT)).json()["session"]

    assert set(ends) == {"idle_seconds", "idle_timeout_seconds", "lifetime_seconds"}
    assert 0 < ends["idle_seconds"] <= ends["idle_timeout_seconds"] == 60 * 60
    assert 0 < ends["lifetime_seconds"] <= 12 * 60 * 60
    assert "session" not in (await app.send("GET", CURRENT, headers=ann.basic)).json()


async def test_over_https_cookies_are_bound_to_it(app: Server, ann: Client) -> None:
    body = f"principal={ann.username}&password={PASSWORD}".encode()

    answer = await app.send("POST", "/c/login", body, headers={"content-type": FORM}, scheme="https")

    assert all(line.endswith("; Secure") for name, line in answer.headers if name == "set-cookie")


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + "x", PASSWORD.lower()])
async def test_a_wrong_password_opens_none(browser: Browser, ann: Client, password: str) -> None:
    answer = await browser.sign_in(ann.username, password)

    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert browser.cookies == {}


async def test_who_does_not_exist_is_told_the_same(browser: Browser, ann: Client) -> None:
    known, unknown = await browser.sign_in(ann.username, "wrong"), await browser.sign_in(unique("nobody"), "wrong")

    assert (known.status, known.body) == (unknown.status, unknown.body)


async def test_a_robot_opens_no_session(app: Server, browser: Browser) -> None:
    robot = await make_robot(app, await make_project(app), "pull")

    answer = await browser.sign_in(robot.username, robot.password)

    assert answer.status == 401
    assert browser.cookies == {}


async def test_signing_in_again_rotates_and_signing_out_ends(browser: Browser, ann: Client) -> None:
    await browser.sign_in(ann.username, PASSWORD)
    first = browser.copy()
    await browser.sign_in(ann.username, PASSWORD)
    second = browser.copy()

    answer = await browser.get("/c/log_out")

    assert answer.status == 200
    assert browser.cookies == {}
    assert first.cookies["sid"] != second.cookies["sid"]
    assert not signed_in(await first.get(CURRENT))
    assert not signed_in(await second.get(CURRENT))


async def test_a_session_given_by_an_attacker_is_not_taken(app: Server, ann: Client) -> None:
    browser = Browser(app, {"sid": "A" * 43})

    await browser.sign_in(ann.username, PASSWORD)

    assert browser.cookies["sid"] != "A" * 43
    assert not signed_in(await Browser(app, {"sid": "A" * 43}).get(CURRENT))


async def test_signing_out_twice_or_as_nobody_is_fine(browser: Browser) -> None:
    assert (await browser.get("/c/log_out")).status == 200
    assert (await browser.get("/c/log_out/")).status == 200


@pytest.mark.parametrize("change", ["password", "disabled", "role", "deleted"])
async def test_what_ends_an_account_ends_its_sessions_at_every_worker(
    app: Server, kind: str, stores: Any, ann: Client, change: str
) -> None:
    there = await stores.shared(kind, 2)
    project = await make_project(app)
    number = await project_id(app, project)
    from moorage.projects import service as projects  # noqa: PLC0415 - only here

    await app.run(projects.set_member, number, ann.id, Role.MAINTAINER)
    browser = Browser(app)
    await browser.sign_in(ann.username, PASSWORD)
    assert signed_in(await browser.on(there).get(CURRENT))

    match change:
        case "password":
            await app.run(users.set_password, ann.id, "$argon2id$none")
        case "disabled":
            await app.run(users.set_disabled, ann.id, disabled=True)
        case "role":
            await app.run(projects.set_member, number, ann.id, Role.GUEST)
        case _:
            await app.run(users.delete_user, ann.id)

    assert not signed_in(await browser.get(CURRENT))
    assert not signed_in(await browser.on(there).get(CURRENT))


@pytest.mark.part("redis")
async def test_two_workers_share_sessions_in_redis(serve: Serve, parts: Parts) -> None:
    url = parts.get("redis", Redis).url
    here = await serve(sessions=SessionSettings(redis_url=Secret(url)))
    there = await serve(beside=here)
    ann = await make_user(here)
    browser = Browser(here)

    await browser.sign_in(ann.username, PASSWORD)
    both = [signed_in(await browser.on(server).get(CURRENT)) for server in (here, there)]
    copy = browser.copy()
    await browser.on(there).get("/c/log_out")

    assert both == [True, True]
    assert not signed_in(await copy.get(CURRENT))
    assert await here.rows("SELECT id FROM session") == []


# -- other sites' requests --------------------------------------------------------------------------------

FOREIGN = [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_no_other_site_can_sign_a_browser_in(browser: Browser, ann: Client, headers: dict[str, str]) -> None:
    answer = await browser.post("/c/login", headers=headers, principal=ann.username, password=PASSWORD)

    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert browser.cookies == {}


async def test_no_other_site_can_sign_a_browser_out(browser: Browser, ann: Client) -> None:
    await browser.sign_in(ann.username, PASSWORD)

    answers = [await browser.get(path, sec_fetch_site="cross-site") for path in ("/c/log_out", "/c/oidc/logout")]

    assert [answer.status for answer in answers] == [403, 403]
    assert signed_in(await browser.get(CURRENT))


CHANGES = {
    "POST": "/api/v2.0/projects", "PUT": "/api/v2.0/users/1", "DELETE": "/api/v2.0/users/1",
    "PATCH": "/api/v2.0/robots/1",
}  # fmt: skip


@pytest.mark.parametrize("method", CHANGES)
async def test_a_change_with_a_session_needs_its_token(app: Server, browser: Browser, ann: Client, method: str) -> None:
    bob = await make_user(app)
    other = Browser(app)
    await browser.sign_in(ann.username, PASSWORD)
    await other.sign_in(bob.username, PASSWORD)
    target, body = CHANGES[method], b"{}"

    for token in (None, "", "wrong", other.cookies["csrf"], browser.cookies["sid"]):
        headers = {"content-type": "application/json"} | ({} if token is None else {"x-harbor-csrf-token": token})
        answer = await browser.send(method, target, body, headers=headers)
        assert (answer.status, answer.code) == (403, "FORBIDDEN"), token
        assert answer.json()["errors"][0]["detail"]["reason"] == "CSRF_TOKEN_INVALID"
        assert answer.header("x-harbor-csrf-token") == browser.cookies["csrf"]


@pytest.mark.parametrize(
    "headers",
    [{"content-type": FORM}, {"content-type": "text/plain"}, {"content-type": "multipart/form-data; boundary=x"}],
    ids=str,
)
async def test_what_a_form_of_another_site_can_send_changes_nothing(
    browser: Browser, ann: Client, headers: dict[str, str]
) -> None:
    await browser.sign_in(ann.username, PASSWORD)

    answer = await browser.send("POST", "/api/v2.0/projects", b'{"project_name": "x"}', headers=headers)

    assert answer.status == 403


@pytest.mark.parametrize("path", ["/c/login", "/c/userExists", "/c/oidc/onboard"])
async def test_the_token_is_told_in_every_reply(browser: Browser, ann: Client, path: str) -> None:
    before = await browser.post(path, principal="x")
    await browser.sign_in(ann.username, PASSWORD)
    after = [
        await browser.post(path, token=False),
        await browser.get("/api/v2.0/ping"),
        await browser.get("/c/nothing"),
    ]

    assert before.header("x-harbor-csrf-token")
    assert before.header("x-harbor-csrf-token") != browser.cookies["csrf"]
    assert after[0].status == 403
    assert [answer.header("x-harbor-csrf-token") for answer in after[:2]] == [browser.cookies["csrf"]] * 2


async def test_basic_credentials_need_no_token_and_a_cookie_beside_them_is_not_used(
    browser: Browser, ann: Client
) -> None:
    await browser.sign_in(ann.username, PASSWORD)

    answer = await browser.send(
        "POST", "/api/v2.0/projects", b"{}", headers={"content-type": "application/json", **ann.basic}
    )

    assert answer.code != "FORBIDDEN" or "CSRF" not in answer.body.decode()


# -- forms ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b'{"principal": "a", "password": "b"}', 415),
        ("text/plain", b"principal=a&password=b", 415),
        (FORM, b"", 401),
        (FORM, b"principal=admin&principal=admin&password=x", 400),
        (FORM, b"principal=%ff&password=x", 400),
        (FORM, b"principal=\xff&password=x", 400),
        (FORM, b"principal=a%00b&password=x", 401),
        (FORM, b"a=" + b"b" * 20_000, 413),
        (FORM, b"&".join(b"a=b" for _ in range(100)), 400),
        (FORM + "; charset=utf-8", b"principal=x&password=y", 401),
    ],
)
async def test_a_form_is_read_strictly(browser: Browser, kind: str, body: bytes, status: int) -> None:
    answer = await browser.send("POST", "/c/login", body, headers={"content-type": kind})

    assert answer.status == status
    assert answer.code


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/c/login", 405), ("POST", "/c/log_out", 405), ("GET", "/c/", 404), ("GET", "/c/sign_up", 404),
     ("PUT", "/c/login", 405), ("GET", "/c/login/x", 404), ("POST", "/c/oidc/login", 405)],
)  # fmt: skip
async def test_other_paths_and_methods(browser: Browser, method: str, path: str, status: int) -> None:
    answer = await browser.send(method, path)

    assert answer.status == status
    assert answer.code in {"NOT_FOUND", "METHOD_NOT_ALLOWED"}


# -- does a name exist ------------------------------------------------------------------------------------


async def test_who_registers_may_ask_whether_a_name_is_taken(serve: Serve) -> None:
    server = await serve()
    await server.run(users.create_user, "Ann", email="Ann@example.org", password_hash="x")
    await configure(server, self_registration=True)
    browser = Browser(server)

    answers = [
        (await browser.post("/c/userExists", target=target, value=value)).json()
        for target, value in [
            ("username", "ann"), ("username", "bob"), ("email", "ann@EXAMPLE.org"), ("email", "ann"), ("username", ""),
            ("username", "a\0"),
        ]
    ]  # fmt: skip

    assert answers == [True, False, True, False, False, False]
    assert (await browser.post("/c/userExists", target="id", value="1")).status == 400


async def test_otherwise_only_administrators_may(app: Server, browser: Browser, ann: Client, admin: Client) -> None:
    nobody = await browser.post("/c/userExists", target="username", value="admin")
    await browser.sign_in(ann.username, PASSWORD)
    somebody = await browser.post("/c/userExists", target="username", value="admin")
    administrator = Browser(app)
    await administrator.sign_in(admin.username, admin.password)
    allowed = await administrator.post("/c/userExists", target="username", value=ann.username)
    words = base64.b64encode(f"{admin.username}:{admin.password}".encode()).decode()
    by_basic = await Browser(app).post(
        "/c/userExists", headers={"authorization": f"Basic {words}"}, target="username", value="nobody"
    )

    assert [nobody.status, somebody.status] == [412, 412]
    assert allowed.json() is True
    assert by_basic.json() is False


async def test_robots_are_no_users(serve: Serve) -> None:
    server = await serve()
    await server.run(accounts.create_robot, "ci", [])
    await configure(server, self_registration=True)

    assert (await Browser(server).post("/c/userExists", target="username", value="ci")).json() is False
