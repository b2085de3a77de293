"""Signing in through an OpenID provider, from the first redirect to the last logout (threats.md B3: A6, O1)."""

import asyncio
import base64
import functools
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, quote, quote_plus, urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import update

from moorage.access.policy import Role
from moorage.authentication.oidc_accounts import read_groups
from moorage.db.base import db_now
from moorage.projects import service as projects
from moorage.users import service as users
from moorage.users.tables import OidcUser
from tests.api.browser import Browser, configure
from tests.api.client import Answer, Client, Server
from tests.api.conftest import ADMIN_PASSWORD, Serve, make_project, make_user, project_id
from tests.parts import Parts
from tests.parts.base import free_port
from tests.parts.oidc import Oidc

pytestmark = pytest.mark.part("oidc")

CURRENT = "/api/v2.0/users/current"
PEOPLE: dict[str, dict[str, object]] = {
    "alice-1": {
        "preferred_username": "alice", "name": "Alice A.", "email": "alice@example.test", "email_verified": True,
        "groups": ["dev", "ops"],
    },
    "boss-1": {"preferred_username": "boss", "name": "The Boss", "groups": ["admins"]},
}  # fmt: skip


@pytest.fixture
def provider(parts: Parts) -> Oidc:
    """The provider, with its people as they were."""
    found = parts.get("oidc", Oidc)
    found.change(people=PEOPLE, rotate=True)
    return found


def settings_for(provider: Oidc, **changes: object) -> dict[str, object]:
    """The live settings that name the provider."""
    client_id, secret = provider.client
    return {
        "auth_sources": ["local", "oidc"], "oidc_name": "Test", "oidc_endpoint": provider.issuer,
        "oidc_client_id": client_id, "oidc_client_secret": secret,
        "oidc_scope": "openid,profile,email,groups,offline_access", "oidc_user_claim": "preferred_username",
        "oidc_groups_claim": "groups", "oidc_admin_group": "admins", "oidc_auto_onboard": True, **changes,
    }  # fmt: skip


async def sign_in(browser: Browser, provider: Oidc, person: str, *, redirect_url: str = "/harbor/projects") -> Answer:
    """Go to the provider, be that person there, come back."""
    begun = await browser.get(f"/c/oidc/login?redirect_url={redirect_url}")
    assert begun.status == 302, begun
    back = provider.sign_in(begun.location, person)
    return await browser.get(back.partition("registry.test")[2])


@pytest_asyncio.fixture(loop_scope="session")
async def server(serve: Serve, provider: Oidc) -> Server:
    """A server that lets the provider's people in."""
    made = await serve()
    await configure(made, **settings_for(provider))
    return made


async def test_somebody_new_comes_in(server: Server, provider: Oidc) -> None:
    browser = Browser(server)

    answer = await sign_in(browser, provider, "alice-1")

    assert (answer.status, answer.location) == (302, "/harbor/projects")
    assert await browser.who() == "alice"
    assert set(browser.cookies) == {"sid", "csrf"}


async def test_the_administrators_group_makes_administrators(server: Server, provider: Oidc) -> None:
    browser = Browser(server)
    await sign_in(browser, provider, "boss-1")
    statement = "SELECT admin_by_source, admin FROM user_account WHERE source = 'oidc'"
    first = await server.rows(statement)

    provider.change(people={**PEOPLE, "boss-1": {**PEOPLE["boss-1"], "groups": []}})
    copy = browser.copy()
    await sign_in(Browser(server), provider, "boss-1")

    assert [tuple(map(bool, row)) for row in first] == [(True, False)]
    assert [tuple(map(bool, row)) for row in await server.rows(statement)] == [(False, False)]
    assert await copy.who() is None


async def group_names(server: Server, name: str) -> list[str]:
    """The groups of somebody."""
    rows = await server.rows(
        "SELECT g.key FROM user_group g JOIN group_member m ON m.group_id = g.id"
        " JOIN principal p ON p.id = m.principal_id WHERE p.name = :name AND g.kind = 3 ORDER BY g.key",
        name=name,
    )
    return [row[0] for row in rows]


async def test_groups_are_those_of_the_last_sign_in_and_rights_follow(server: Server, provider: Oidc) -> None:
    project = await make_project(server)
    await sign_in(Browser(server), provider, "alice-1")
    [(group_id,)] = await server.rows("SELECT id FROM user_group WHERE key = 'dev'")
    await server.run(projects.set_group_member, await project_id(server, project), group_id, Role.DEVELOPER)
    secret = await cli_secret(server, provider, "alice-1")
    alice = Client(server, "alice", secret)
    scope = f"repository:{project}/app:pull,push"
    before = access_of(await alice.token(scope))

    provider.change(people={**PEOPLE, "alice-1": {**PEOPLE["alice-1"], "groups": ["qa"]}})
    await sign_in(Browser(server), provider, "alice-1")

    assert before == [["pull", "push"]]
    assert access_of(await alice.token(scope)) == []
    assert await group_names(server, "alice") == ["qa"]


def access_of(token: str) -> list[list[str]]:
    """The actions in a registry token, for each repository."""
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return [entry["actions"] for entry in claims["access"]]


@pytest.mark.parametrize(
    ("claim", "pattern", "groups"),
    [
        ("dev", "", ["dev"]), (["dev", "ops"], "^dev$", ["dev"]), (["dev", "ops"], "e", ["dev"]), (None, "", []),
        ({"a": 1}, "", []), ([1, None, ["x"], "dev"], "", ["dev"]), (["dev"], "(a+)+$", []), (["dev"], "(", []),
        (["dev"], "x)|(e", []),
    ],
)  # fmt: skip
async def test_the_claim_of_groups_may_have_any_shape(
    server: Server, provider: Oidc, claim: object, pattern: str, groups: list[str]
) -> None:
    assert read_groups(claim, pattern) == groups
    if not isinstance(claim, str | list):
        return
    provider.change(people={"alice-1": {**PEOPLE["alice-1"], "groups": claim}})

    await sign_in(Browser(server), provider, "alice-1")

    assert await group_names(server, "alice") == read_groups(claim, "")


async def test_more_groups_than_fit_are_cut_off(server: Server, provider: Oidc) -> None:
    many = [f"group-{number:05}" for number in range(3000)]
    provider.change(people={"alice-1": {**PEOPLE["alice-1"], "groups": many}})
    browser = Browser(server)

    answer = await sign_in(browser, provider, "alice-1")

    assert answer.status == 302
    assert await group_names(server, "alice") == many[:1000]


# -- whom it makes nobody ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["admin", "ADMIN", "a/b", "a,b", "robot$x", ""])
async def test_a_name_that_is_taken_or_cannot_be_one_is_refused(server: Server, provider: Oidc, name: str) -> None:
    provider.change(people={"mallory-1": {"preferred_username": name, "name": "M", "email": "m@example.test"}})
    browser = Browser(server)

    answer = await sign_in(browser, provider, "mallory-1")

    assert answer.status == (409 if name.lower() == "admin" else 400)
    assert browser.cookies.keys() <= {"oidc"}
    assert await server.rows("SELECT 1 FROM user_account WHERE source = 'oidc'") == []


@pytest.mark.parametrize("verified", [True, False, None])
async def test_an_address_never_leads_into_a_local_account(server: Server, provider: Oidc, verified: object) -> None:
    local = await make_user(server)
    await server.run(users.set_profile, local.id, email="victim@example.test", realname="", comment="")
    person = {"preferred_username": "mallory", "name": "M", "email": "victim@example.test", "email_verified": verified}
    provider.change(people={"mallory-1": {key: value for key, value in person.items() if value is not None}})
    browser = Browser(server)

    await sign_in(browser, provider, "mallory-1")

    assert await browser.who() == "mallory"
    assert await server.rows("SELECT email FROM user_account WHERE source = 'oidc'") == [(None,)]


async def test_an_unchecked_address_is_not_taken_over(server: Server, provider: Oidc) -> None:
    provider.change(people={"alice-1": {**PEOPLE["alice-1"], "email_verified": False}})

    await sign_in(Browser(server), provider, "alice-1")

    assert await server.rows("SELECT email FROM user_account WHERE source = 'oidc'") == [(None,)]


async def test_a_disabled_account_stays_out(server: Server, provider: Oidc) -> None:
    await sign_in(Browser(server), provider, "alice-1")
    [(user_id,)] = await server.rows("SELECT id FROM principal WHERE name = 'alice'")
    await server.run(users.set_disabled, user_id, disabled=True)
    browser = Browser(server)

    answer = await sign_in(browser, provider, "alice-1")

    assert (answer.status, "sid" in browser.cookies) == (403, False)


# -- the way there and back -------------------------------------------------------------------------------


async def begin(browser: Browser) -> str:
    """The URL of the provider that a browser is sent to."""
    return (await browser.get("/c/oidc/login")).location


async def test_the_redirect_asks_for_a_code_with_state_nonce_and_a_challenge(server: Server) -> None:
    await configure(server, oidc_extra_redirect_parms={"prompt": "login", "state": "mine", "hd": "example.test"})

    one, other = [parse_qs(urlsplit(await begin(Browser(server))).query) for _ in range(2)]

    assert one["response_type"] == ["code"]
    assert one["code_challenge_method"] == ["S256"]
    assert one["redirect_uri"] == ["http://registry.test/c/oidc/callback"]
    assert (one["prompt"], one["hd"]) == (["login"], ["example.test"])
    for key in ("state", "nonce", "code_challenge"):
        assert len(one[key][0]) == 43
        assert one[key] != other[key]


async def test_an_answer_is_taken_once_by_the_browser_that_asked_and_for_ten_minutes(
    server: Server, provider: Oidc, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(server)
    back = provider.sign_in(await begin(browser), "alice-1").partition("registry.test")[2]
    begun = browser.copy()
    other = Browser(server)
    await begin(other)

    answers = {
        "no cookie": await Browser(server).get(back),
        "another browser": await other.get(back),
        "another state": await begun.copy().get(back.replace("state=", "state=x")),
        "no state": await begun.copy().get(back.replace("state=", "stat=")),
        "a changed cookie": await Browser(server, {"oidc": begun.cookies["oidc"][:-3] + "AAA"}).get(back),
        "a cookie of nonsense": await Browser(server, {"oidc": "a.%%%"}).get(back),
    }
    with monkeypatch.context() as late:
        now = time.time()
        late.setattr("moorage.api.oidc_sign_in.time.time", lambda: now + 601)
        answers["too late"] = await begun.copy().get(back)
    good = await browser.get(back)
    answers["again"] = await begun.copy().get(back)

    assert good.status == 302
    assert {case: answer.status for case, answer in answers.items()} == dict.fromkeys(answers, 400)
    assert await server.rows("SELECT count(*) FROM session") == [(1,)]


async def test_another_providers_answer_is_not_taken(server: Server, provider: Oidc) -> None:
    for change in ("", "http://evil.example"):
        browser = Browser(server)
        back = provider.sign_in(await begin(browser), "alice-1").partition("registry.test")[2]
        ours = f"iss={quote(provider.issuer, safe='')}"
        answer = await browser.get(back.replace(ours, f"iss={change}" if change else "x=y"))
        assert (answer.status, "sid" in browser.cookies) == (401, False)


async def test_what_the_provider_refuses_is_refused(server: Server, provider: Oidc) -> None:
    browser = Browser(server)
    state = parse_qs(urlsplit(await begin(browser)).query)["state"][0]
    iss = quote(provider.issuer, safe="")
    page = browser.copy()

    wrong_code = await browser.get(f"/c/oidc/callback?state={state}&code=wrong&iss={iss}")
    begun = await page.get("/c/oidc/login?redirect_url=/projects/team")
    state = parse_qs(urlsplit(begun.location).query)["state"][0]
    denied = await page.get(f"/c/oidc/callback?state={state}&error=access_denied&iss={iss}", accept="text/html")

    assert wrong_code.status == 401
    assert denied.location == "/sign-in?error=OIDC_REFUSED&next=%2Fprojects%2Fteam"

    async def is_told() -> bool:
        return bool(await server.rows("SELECT 1 FROM audit WHERE ok = :ok", ok=False))

    await wait_for(is_told, wanted=True)


ELSEWHERE = [
    "//evil", "/\\evil", "https:evil", "/%09/evil", "/%2F/evil", "http://registry.test@evil", "javascript:alert(1)",
    "/%5Cevil", "evil", "", "/" + "a" * 10_000, "/a%0d%0aset-cookie:x", "/%255Cevil",
]  # fmt: skip


@pytest.mark.parametrize("wish", ELSEWHERE)
async def test_nobody_is_led_elsewhere_after_signing_in(server: Server, provider: Oidc, wish: str) -> None:
    browser = Browser(server)

    answer = await sign_in(browser, provider, "alice-1", redirect_url=quote(wish, safe=""))

    assert (answer.status, answer.location) == (302, "/")


@pytest.mark.parametrize("wish", ["/harbor/projects/1?x=//evil", "/v2/#a", "/a/b%20c"])
async def test_paths_of_ours_are_come_back_to(server: Server, provider: Oidc, wish: str) -> None:
    answer = await sign_in(Browser(server), provider, "alice-1", redirect_url=quote(wish, safe=""))

    assert answer.location == wish


async def test_without_a_provider_there_is_no_way(serve: Serve) -> None:
    server = await serve()

    answers = [await Browser(server).get("/c/oidc/login"), await Browser(server).get("/c/oidc/callback?code=1&state=2")]

    assert [answer.status for answer in answers] == [412, 400]


async def test_a_provider_that_is_away_is_no_wrong_password(server: Server) -> None:
    await configure(server, oidc_endpoint=f"http://127.0.0.1:{free_port()}")

    answer = await Browser(server).get("/c/oidc/login")
    page = await Browser(server).get("/c/oidc/login", accept="text/html")
    local = await Browser(server).sign_in("admin", ADMIN_PASSWORD)

    assert answer.status == 503
    assert page.location.endswith("error=OIDC_UNAVAILABLE")
    assert local.status == 200


# -- choosing a name --------------------------------------------------------------------------------------


async def test_somebody_new_may_choose_a_name(server: Server, provider: Oidc) -> None:
    await configure(server, oidc_auto_onboard=False)
    browser = Browser(server)

    page = await sign_in(browser, provider, "alice-1")
    ticket = browser.copy()
    taken = await browser.post_json("/c/oidc/onboard", {"username": "Admin"})
    bad = [await browser.post_json("/c/oidc/onboard", {"username": name}) for name in ("a/b", "", "a" * 256)]
    foreign = await browser.post_json("/c/oidc/onboard", {"username": "x"}, origin="https://evil.example")
    stranger = await Browser(server).post_json("/c/oidc/onboard", {"username": "x"})
    nonsense = await browser.send("POST", "/c/oidc/onboard", b"[1]")
    answer = await browser.post_json("/c/oidc/onboard", {"username": "ally"})
    again = await ticket.post_json("/c/oidc/onboard", {"username": "ally2"})

    assert page.location == "/onboard?username=alice&next=%2Fharbor%2Fprojects"
    assert (taken.status, [one.status for one in bad]) == (409, [400, 400, 400])
    assert [one.status for one in (foreign, stranger, nonsense, answer, again)] == [403, 400, 400, 200, 400]
    assert await browser.who() == "ally"
    assert await group_names(server, "ally") == ["dev", "ops"]
    assert (await sign_in(Browser(server), provider, "alice-1")).location == "/harbor/projects"


# -- signing out ------------------------------------------------------------------------------------------


async def test_signing_out_ends_the_providers_session_where_the_settings_say_so(server: Server, provider: Oidc) -> None:
    browser = Browser(server)
    await sign_in(browser, provider, "alice-1")
    told = await browser.get("/c/log_out")
    copy = browser.copy()
    here = await browser.get("/c/oidc/logout")
    assert (told.status, told.json()) == (403, {"redirect_location": "http://registry.test/c/oidc/logout"})
    assert (here.status, here.location) == (302, "/")
    assert await copy.who() is None

    await configure(server, oidc_logout=True)
    await sign_in(browser, provider, "alice-1")
    there = await browser.get("/c/oidc/logout")

    query = parse_qs(urlsplit(there.location).query)
    assert there.location.startswith(f"{provider.issuer}/session/end?")
    assert query["post_logout_redirect_uri"] == ["http://registry.test/"]
    assert query["id_token_hint"][0].count(".") == 2
    assert (await asyncio.to_thread(httpx.get, there.location, trust_env=False)).status_code == 200
    assert browser.cookies == {}
    assert await server.rows("SELECT refresh_token FROM oidc_user") == [(None,)]


# -- without a browser ------------------------------------------------------------------------------------


async def cli_secret(server: Server, provider: Oidc, person: str) -> str:
    """Sign in and have a CLI secret made up."""
    browser = Browser(server)
    await sign_in(browser, provider, person)
    [(user_id,)] = await server.rows("SELECT principal_id FROM oidc_user WHERE subject = :subject", subject=person)
    headers = {"content-type": "application/json", "x-harbor-csrf-token": browser.cookies["csrf"]}
    answer = await browser.send("PUT", f"/api/v2.0/users/{user_id}/cli_secret", b"{}", headers=headers)
    assert answer.status == 200, answer
    return str(answer.json()["secret"])


async def test_docker_signs_in_with_a_cli_secret_until_it_is_replaced(server: Server, provider: Oidc) -> None:
    first = await cli_secret(server, provider, "alice-1")
    old = Client(server, "alice", first)
    assert (await old.ask_token()).status == 200

    second = await cli_secret(server, provider, "alice-1")

    assert (await old.ask_token()).status == 401
    assert (await Client(server, "ALICE", second).ask_token()).status == 200
    assert (await Client(server, "alice@example.test", second).ask_token()).status == 401
    stored = await server.rows("SELECT cli_secret FROM oidc_user")
    assert stored[0][0].startswith("$argon2id$")
    assert second not in str(stored)
    audit = await server.rows("SELECT principal_name, operation, resource_type, credential, detail FROM audit")
    changed = [row[:4] for row in audit if "cli_secret" in str(row[4])]
    assert changed == [("alice", "update", "user", "session")] * 2
    assert first not in str(audit)
    assert second not in str(audit)


async def test_a_cli_secret_opens_no_session(server: Server, provider: Oidc) -> None:
    secret = await cli_secret(server, provider, "alice-1")

    plain = await Browser(server).sign_in("alice", secret)
    await configure(server, auth_sources=["oidc", "local"])
    first = [await Browser(server).sign_in(name, secret) for name in ("alice", "somebody", "admin")]

    assert plain.status == 401
    assert [answer.status for answer in first] == [403, 403, 401]
    assert first[0].json() == {"redirect_location": "http://registry.test/c/oidc/login"}


async def test_a_cli_secret_ends_with_the_account_and_with_the_source(server: Server, provider: Oidc) -> None:
    secret = await cli_secret(server, provider, "alice-1")
    alice = Client(server, "alice", secret)
    [(user_id,)] = await server.rows("SELECT principal_id FROM oidc_user")

    await server.run(users.set_disabled, user_id, disabled=True)
    disabled = await alice.ask_token()
    await server.run(users.set_disabled, user_id, disabled=False)
    enabled = await alice.ask_token()

    assert (disabled.status, enabled.status) == (401, 200)


async def test_the_provider_is_asked_once_an_hour_whether_somebody_is_still_there(
    server: Server, provider: Oidc
) -> None:
    secret = await cli_secret(server, provider, "alice-1")
    alice = Client(server, "alice", secret)

    provider.change(people={"alice-1": {**PEOPLE["alice-1"], "groups": ["qa"]}})
    await make_check_due(server)
    answers = [await alice.ask_token() for _ in range(3)]
    await wait_for(lambda: group_names(server, "alice"), ["qa"])
    again = await alice.ask_token()

    provider.change(people={})
    await make_check_due(server)
    await alice.ask_token()
    await wait_for(lambda: server.rows("SELECT count(*) FROM oidc_user WHERE gone_at IS NOT NULL"), [(1,)])
    gone = await alice.ask_token()

    provider.change(people=PEOPLE)
    await sign_in(Browser(server), provider, "alice-1")
    back = await alice.ask_token()

    assert [answer.status for answer in (*answers, again, gone, back)] == [200, 200, 200, 200, 401, 200]


async def test_new_keys_of_the_provider_are_found_and_nobody_notices(
    server: Server, provider: Oidc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither who signs in, nor who is signed in, nor docker, nor the hourly question: its answer is signed, too."""
    monkeypatch.setattr("moorage.authentication.oidc_provider._LOOK_AGAIN_SECONDS", 0)
    alice, secret = Browser(server), await cli_secret(server, provider, "alice-1")
    await sign_in(alice, provider, "alice-1")

    groups = ["dev", "ops"]
    for keep in (True, False):
        provider.rotate_keys(keep=keep)
        newcomer = Browser(server)
        assert (await sign_in(newcomer, provider, "boss-1")).location == "/harbor/projects"
        assert await newcomer.who() == "boss"
        assert await alice.who() == "alice"
        groups = [*groups, f"team-{keep}"]
        provider.change(people={**PEOPLE, "alice-1": {**PEOPLE["alice-1"], "groups": groups}})
        await make_check_due(server)
        assert (await Client(server, "alice", secret).ask_token()).status == 200
        await wait_for(functools.partial(group_names, server, "alice"), sorted(groups))


async def test_a_cli_secret_works_while_the_provider_is_away(server: Server, provider: Oidc) -> None:
    secret = await cli_secret(server, provider, "alice-1")
    await make_check_due(server)
    await configure(server, oidc_endpoint=f"http://127.0.0.1:{free_port()}")
    alice = Client(server, "alice", secret)

    answers = [await alice.ask_token() for _ in range(2)]
    await asyncio.sleep(0.3)

    assert [answer.status for answer in (*answers, await alice.ask_token())] == [200, 200, 200]


async def make_check_due(server: Server) -> None:
    """Let the last question to the provider be two hours ago."""
    await server.run(lambda work: work.db.execute(update(OidcUser).values(checked_at=db_now(-7200))))


async def wait_for(look: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait for what happens in the background."""
    async with asyncio.timeout(30):
        while await look() != wanted:  # noqa: ASYNC110 - what we wait for is in a database
            await asyncio.sleep(0.05)


async def test_an_id_token_is_a_bearer_token_of_somebody_who_signed_in(server: Server, provider: Oidc) -> None:
    stranger = id_token_for(provider, "boss-1", "registry")
    await sign_in(Browser(server), provider, "alice-1")
    good = id_token_for(provider, "alice-1", "registry")
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    tokens = {
        "stranger": stranger,
        "another client": id_token_for(provider, "alice-1", "another"),
        "unsigned": f"{none}.{body}.",
        "changed": f"{head}.{body[:-4]}AAAA.{signature}",
        "nonsense": "eyJ.eyJ.x",
    }

    answers = {
        case: await server.send("GET", CURRENT, headers={"authorization": f"Bearer {token}"})
        for case, token in tokens.items()
    }
    api = await server.send("GET", CURRENT, headers={"authorization": f"Bearer {good}"})
    service = await server.send(
        "GET", "/service/token?service=harbor-registry", headers={"authorization": f"Bearer {good}"}
    )
    refused = await server.send(
        "GET", "/service/token?service=harbor-registry", headers={"authorization": f"Bearer {stranger}"}
    )

    assert {case: answer.status for case, answer in answers.items()} == dict.fromkeys(tokens, 401)
    assert (api.status, api.json()["username"]) == (200, "alice")
    assert (service.status, refused.status) == (200, 401)


def id_token_for(provider: Oidc, person: str, client: str) -> str:
    """An ID token that somebody got for a client of the provider by other means than ours."""
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": client, "response_type": "code", "scope": "openid", "nonce": "n", "state": "s",
        "redirect_uri": "http://registry.test/c/oidc/callback", "code_challenge": challenge,
        "code_challenge_method": "S256",
    }  # fmt: skip
    back = provider.sign_in(f"{provider.issuer}/auth?{urlencode(query)}", person)
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": query["redirect_uri"], "code_verifier": verifier,
    }  # fmt: skip
    secret = provider.client[1] if client == "registry" else "another-secret"
    words = base64.b64encode(f"{client}:{quote_plus(secret)}".encode()).decode()
    answer = httpx.post(
        f"{provider.issuer}/token", data=form, headers={"authorization": f"Basic {words}"}, trust_env=False, timeout=60
    )
    return str(answer.json()["id_token"])


async def test_a_provider_can_be_tested_before_it_is_set(server: Server, provider: Oidc) -> None:
    admin = Client(server, "admin", ADMIN_PASSWORD)
    wrong = {"url": provider.issuer, "ca_certificate": "none of my certificates"}
    refused = await server.send(
        "POST", "/api/v2.0/system/oidc/ping", json.dumps(wrong).encode(),
        headers={"content-type": "application/json", **admin.basic},
    )  # fmt: skip
    assert (refused.status, refused.json()["errors"][0]["detail"]["item"]) == (400, "oidc_ca_certificate")
    cases = [provider.issuer, f"{provider.issuer}/x", f"http://127.0.0.1:{free_port()}", "ftp://x", "", "http://[::1"]

    answers = [
        await server.send(
            "POST", "/api/v2.0/system/oidc/ping", json.dumps({"url": url, "verify_cert": True}).encode(),
            headers={"content-type": "application/json", **admin.basic},
        )
        for url in cases
    ]  # fmt: skip

    assert [answer.status for answer in answers] == [200, 400, 400, 400, 400, 400]
    said = [str(answer.json()["errors"][0]["message"]) for answer in answers[1:]]
    assert "404" in said[0]
    assert "cannot be reached" in said[1]
    details = [answer.json()["errors"][0]["detail"] for answer in answers[1:]]
    assert [one.get("which") for one in details[:4]] == [
        "OIDC_NOT_FOUND", "CONNECT_REFUSED", "OIDC_ADDRESS", "OIDC_ADDRESS",
    ]  # fmt: skip
    assert details[0]["status"] == 404
    assert said[2] == said[3] == "The address of an OpenID provider begins with https:// or http://."
