"""A proxy in front says who somebody is; nobody else can (threats.md B3, A7)."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from moorage.users import service as users
from tests.api.browser import configure
from tests.api.client import Answer, Server
from tests.api.conftest import Serve

PROXY, STRANGER = "10.1.2.3", "203.0.113.7"
CURRENT = "/api/v2.0/users/current"


@pytest_asyncio.fixture(loop_scope="session")
async def server(serve: Serve) -> Server:
    """A server behind a proxy that signs people in."""
    made = await serve(trusted_proxies=("10.0.0.0/8",))
    await configure(
        made, auth_sources=["header", "local"], header_user="X-Forwarded-User", header_email="X-Forwarded-Email",
        header_groups="X-Forwarded-Groups", http_authproxy_admin_groups="admins, root",
        http_authproxy_admin_usernames="chief",
    )  # fmt: skip
    return made


async def ask(server: Server, *pairs: tuple[str, str], address: str = PROXY, method: str = "GET") -> Answer:
    """A request with these headers, from this address."""
    return await server.send(method, CURRENT, headers=pairs, address=address)


async def test_the_proxys_word_makes_and_signs_in_the_account(server: Server) -> None:
    headers = [
        ("x-forwarded-user", "ann"),
        ("x-forwarded-email", "ann@example.org"),
        ("x-forwarded-groups", "dev, ops"),
    ]

    answers = [await ask(server, *headers) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json()["username"] == "ann"
    assert answers[0].json()["email"] == "ann@example.org"
    groups = await server.rows("SELECT key, kind FROM user_group ORDER BY key")
    assert [tuple(row) for row in groups] == [("dev", 2), ("ops", 2)]
    assert await server.rows("SELECT count(*) FROM audit WHERE operation = 'create' AND resource = 'ann'") == [(1,)]


@pytest.mark.parametrize("more", [(), (("x-forwarded-for", PROXY),), (("forwarded", f"for={PROXY}"),)], ids=str)
async def test_nobody_else_is_believed(server: Server, more: tuple[tuple[str, str], ...]) -> None:
    answer = await ask(server, ("x-forwarded-user", "admin"), *more, address=STRANGER)

    assert answer.status == 401


async def test_the_proxy_is_believed_whomever_it_speaks_for(server: Server) -> None:
    answer = await ask(server, ("x-forwarded-user", "ann"), ("x-forwarded-for", STRANGER))

    assert answer.status == 200


async def test_a_header_that_came_twice_is_refused(server: Server) -> None:
    answer = await ask(server, ("x-forwarded-user", "mallory"), ("x-forwarded-user", "ann"))

    assert answer.status == 400


@pytest.mark.parametrize(
    ("name", "status"),
    [("admin", 401), ("Admin", 401), ("a/b", 401), ("a,b", 401), ("\xff", 400), ("J\xc3\xb6rg", 200)],
)
async def test_names_of_others_and_names_that_cannot_be(server: Server, name: str, status: int) -> None:
    answer = await ask(server, ("x-forwarded-user", name))

    assert answer.status == status


async def test_case_makes_no_second_person(server: Server) -> None:
    answers = [await ask(server, ("x-forwarded-user", name)) for name in ("Bob", "bob", "BOB")]

    assert [answer.json()["username"] for answer in answers] == ["Bob"] * 3


async def test_groups_and_rights_follow_at_once(server: Server) -> None:
    async def admin(groups: str, name: str = "ann") -> bool:
        answer = await ask(server, ("x-forwarded-user", name), ("x-forwarded-groups", groups))
        return bool(answer.json().get("admin_role_in_auth") or answer.json().get("sysadmin_flag"))

    seen = [await admin("dev"), await admin("dev,root"), await admin("dev"), await admin("", "chief")]

    assert seen == [False, True, False, True]


async def test_a_disabled_account_is_out_at_once(server: Server) -> None:
    before = await ask(server, ("x-forwarded-user", "ann"))
    await server.run(users.set_disabled, before.json()["user_id"], disabled=True)

    after = await ask(server, ("x-forwarded-user", "ann"))

    assert (before.status, after.status) == (200, 403)


@pytest.mark.parametrize("changes", [{"auth_sources": ["local"]}, {"header_user": ""}], ids=str)
async def test_what_is_not_set_up_is_not_read(server: Server, changes: dict[str, Any]) -> None:
    await configure(server, **changes)
    other = await wait_until_unknown(server)

    assert other.status == 401


async def wait_until_unknown(server: Server) -> Answer:
    """Ask until the change has arrived: a second at most."""
    answer = await ask(server, ("x-forwarded-user", "ann"))
    for _ in range(300):
        if answer.status == 401:
            break
        await asyncio.sleep(0.1)
        answer = await ask(server, ("x-forwarded-user", "ann"))
    return answer


async def test_a_page_of_another_site_changes_nothing_by_the_proxys_word(server: Server) -> None:
    answer = await server.send(
        "POST", "/api/v2.0/projects", b"{}", address=PROXY,
        headers={"x-forwarded-user": "ann", "origin": "https://evil.example", "content-type": "application/json"},
    )  # fmt: skip

    assert (answer.status, answer.code) == (403, "FORBIDDEN")
