"""GET and POST /service/token below HTTP (threats.md B2, T8 and T10 to T18)."""

import base64
import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import func, select, update

from moorage.access.policy import Role
from moorage.audit.tables import Audit
from moorage.configuration.cached_settings import Settled
from moorage.configuration.schema import Items
from moorage.db.base import db_now
from moorage.db.statements import Query, Row
from moorage.distribution.token import TokenEndpoint, TokenReply, TokenRequest
from moorage.errors import RefreshTokensLimit
from moorage.projects import service as projects
from moorage.robots import accounts
from moorage.tokens.refresh_tokens import (
    LIFETIME_SECONDS,
    MAX_PER_ACCOUNT,
    RefreshTokenUses,
    create_refresh_token,
    delete_expired_refresh_tokens,
    find_refresh_token,
    list_refresh_tokens,
    revoke_refresh_token,
)
from moorage.tokens.registry_tokens import TokenKeys, create_key
from moorage.users import service as users
from moorage.users.tables import RefreshToken
from tests.api.identity.conftest import World, hash_cheaply

SERVICE = "service=harbor-registry"
FORM = "application/x-www-form-urlencoded"
HERE = "192.0.2.1"


class Site:
    """The endpoint on a world with projects `team` (private) and `open` (public), and ann, a developer of `team`."""

    def __init__(self, world: World, folder: Path) -> None:
        create_key(folder)
        self.world = world
        self.keys = TokenKeys(folder)
        self.uses = RefreshTokenUses()
        self.endpoint = self.make_endpoint(refresh_token_enable=True)
        self.team = world.project("team")
        self.open = world.project("open", public=True)
        self.ann = world.user("ann")
        world.member(self.team, self.ann, Role.DEVELOPER)

    def make_endpoint(self, *, refresh_token_enable: bool = False) -> TokenEndpoint:
        """The endpoint under live settings of its own."""
        world = self.world
        return TokenEndpoint(
            world.database,
            world.login,
            self.keys,
            live=Settled(Items(refresh_token_enable=refresh_token_enable)),
            refusals=world.refused,
            uses=self.uses,
        )

    async def get(
        self, query: str = "", who: tuple[str, str] | None = None, *, header: str | None = None
    ) -> TokenReply:
        """A GET, with the service."""
        if who:
            header = "Basic " + base64.b64encode(":".join(who).encode()).decode()
        return await self.endpoint.answer(TokenRequest("GET", f"{SERVICE}&{query}", header, address=HERE))

    async def post(self, *, content_type: str = FORM, **fields: str) -> TokenReply:
        """A POST, with the service and a client id."""
        form = urlencode({"service": "harbor-registry", "client_id": "test", **fields}).encode()
        return await self.endpoint.answer(TokenRequest("POST", content_type=content_type, form=form, address=HERE))

    def granted(self, reply: TokenReply) -> dict[str, list[str]]:
        """What the token of an answer grants."""
        assert reply.status == 200, reply.body
        ticket = self.keys.verify(str(reply.body["token"]))
        return {name: sorted(entry.actions) for name, entry in ticket.entries.items()}

    def rows(self) -> int:
        """How many rows an idle request must not add to."""
        found: int = self.world.scalar(
            select(
                select(func.count(Audit.id)).scalar_subquery()
                + select(func.count()).select_from(RefreshToken).scalar_subquery()
            )
        )
        return found


ANN = ("ann", "ann-Pass1")


@pytest.fixture
def site(world: World, tmp_path: Path) -> Site:
    return Site(world, tmp_path / "keys")


# -- GET --------------------------------------------------------------------------------------------------


async def test_an_answer_has_both_names_of_the_token_its_life_and_its_birth(site: Site) -> None:
    before = site.rows()

    reply = await site.get("scope=repository:team/app:pull,push", ANN)

    assert set(reply.body) == {"token", "access_token", "expires_in", "issued_at"}
    assert reply.body["token"] == reply.body["access_token"]
    assert reply.body["expires_in"] == 1800
    assert str(reply.body["issued_at"]).endswith("Z")
    assert reply.headers["Cache-Control"] == "no-store"
    assert site.granted(reply) == {"team/app": ["pull", "push"]}
    ticket = site.keys.verify(str(reply.body["token"]))
    assert (ticket.principal_id, ticket.principal_epoch, ticket.name) == (site.ann, 0, "ann")
    assert site.rows() == before, "asking changes nothing"


async def test_t13_login_without_a_scope(site: Site) -> None:
    assert site.granted(await site.get("", ANN)) == {}

    reply = await site.get("")
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="harbor"'
    assert reply.body == {"errors": [{"code": "UNAUTHORIZED", "message": "Authentication is required."}]}


async def test_t13_anonymous_gets_what_everyone_may(site: Site) -> None:
    reply = await site.get("scope=repository:open/app:pull,push&scope=repository:team/app:pull")

    assert site.granted(reply) == {"open/app": ["pull"]}
    assert site.keys.verify(str(reply.body["token"])).principal_id == 0


async def test_wrong_credentials_are_never_anonymous(site: Site) -> None:
    scope = "scope=repository:open/app:pull"
    for who in (("ann", "wrong"), ("nobody", "x"), ("robot$ci", "x"), ("", "")):
        reply = await site.get(scope, who)
        assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Basic realm="harbor"')
    for header in ("", "Basic", "Basic !!", "Bearer x", "Digest x", "Harbor-Secret x"):
        assert (await site.get(scope, header=header)).status == 401


async def test_t8_other_tokens_are_no_credentials(site: Site) -> None:
    token = str((await site.get("offline_token=true", ANN)).body["token"])
    refresh = str((await site.get("offline_token=true", ANN)).body["refresh_token"])

    for secret in (token, refresh):
        assert (await site.get("scope=repository:open/app:pull", header=f"Bearer {secret}")).status == 401
        assert (await site.get("", ("ann", secret))).status == 401
    assert (await site.post(grant_type="refresh_token", refresh_token=token)).status == 401


@pytest.mark.parametrize("query", ["service=other", "", "service=", "service=%3Cscript%3E", "service=Harbor-Registry"])
async def test_t15_another_service_is_refused_without_echoing_it(site: Site, query: str) -> None:
    reply = await site.endpoint.answer(TokenRequest("GET", query, address=HERE))

    assert reply.status == 400
    assert "script" not in json.dumps(reply.body)
    assert reply.body["errors"][0]["detail"] == {"reason": "SERVICE_UNKNOWN"}  # type: ignore[index]  # JSON


async def test_t11_scopes_repeated_or_separated_by_spaces_are_the_same(site: Site) -> None:
    apart = await site.get("scope=repository:team/a:pull&scope=repository:team/b:push", ANN)
    together = await site.get("scope=" + quote("repository:team/a:pull repository:team/b:push"), ANN)
    plus = await site.get("scope=repository:team/a:pull+repository:team/b:push", ANN)

    assert (
        site.granted(apart) == site.granted(together) == site.granted(plus) == {"team/a": ["pull"], "team/b": ["push"]}
    )


async def test_t11_too_many_scopes_are_refused(site: Site) -> None:
    assert (await site.get("&".join(f"scope=repository:open/r{n}:pull" for n in range(1000)), ANN)).status == 400
    assert (await site.get("scope=" + "x" * 100_000, ANN)).status == 400
    assert (await site.get("&".join(f"f{n}=1" for n in range(40)), ANN)).status == 400
    assert (
        len(site.granted(await site.get("&".join(f"scope=repository:open/r{n}:pull" for n in range(100)), ANN))) == 100
    )


async def test_t12_a_project_that_does_not_exist_is_like_a_forbidden_one(site: Site) -> None:
    site.world.project("secret")

    forbidden = await site.get("scope=repository:secret/app:pull", ANN)
    missing = await site.get("scope=repository:absent/app:pull", ANN)

    assert site.granted(forbidden) == site.granted(missing) == {}
    assert set(forbidden.body) == set(missing.body)
    assert len(str(forbidden.body["token"])) == len(str(missing.body["token"]))


async def test_t17_the_account_parameter_does_not_say_who_asks(site: Site) -> None:
    reply = await site.get("account=admin&client_id=docker&scope=repository:team/app:pull,delete", ANN)

    assert site.granted(reply) == {"team/app": ["pull"]}
    assert site.keys.verify(str(reply.body["token"])).name == "ann"


async def test_the_catalog_is_for_administrators(site: Site) -> None:
    for who, may in ((ANN, False), (("admin", "admin-Pass1"), True)):
        token = str((await site.get("scope=registry:catalog:*", who)).body["token"])
        assert site.keys.verify(token).catalog is may


async def test_a_robots_token_ends_with_the_robot(site: Site) -> None:
    robot = site.world.run(accounts.create_robot, "ci", [], duration_days=1)
    site.world.run(
        lambda work: work.db.execute(
            update(accounts.Robot).where(accounts.Robot.principal_id == robot.id).values(expires_at=db_now(600))  # type: ignore[attr-defined]
        )
    )

    reply = await site.get("", ("robot$ci", robot.secret))

    assert 590 <= int(str(reply.body["expires_in"])) <= 600


async def test_t22_throttling_tells_how_long_to_wait(site: Site) -> None:
    statuses = [(await site.get("", ("ann", f"wrong{n}"))).status for n in range(7)]
    reply = await site.get("", ANN)

    assert statuses == [401] * 5 + [429] * 2
    assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
    assert reply.body["errors"][0]["code"] == "TOOMANYREQUESTS"  # type: ignore[index]  # JSON


async def test_other_methods_are_refused(site: Site) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        reply = await site.endpoint.answer(TokenRequest(method, SERVICE))
        assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD, POST")


async def test_a_known_user_costs_two_reads_and_no_hash(site: Site) -> None:
    await site.get("", ANN)
    checks = len(site.world.checks)
    reads: list[str] = []
    reader = site.world.database.read

    class Counting:
        async def one(self, query: Query, *args: object) -> Row | None:
            reads.append("one")
            return await reader.one(query, *args)

        async def all(self, query: Query, *args: object) -> list[Row]:
            reads.append("all")
            return await reader.all(query, *args)

        async def close(self) -> None:
            await reader.close()

    site.world.database.read = Counting()
    site.world.login.backends[0]._read = Counting()  # type: ignore[attr-defined]  # Local

    await site.get("scope=repository:team/a:pull&scope=repository:open/b:pull", ANN)

    site.world.database.read = reader
    assert len(reads) == 2
    assert len(site.world.checks) == checks


# -- POST -------------------------------------------------------------------------------------------------


async def test_a_password_by_form(site: Site) -> None:
    scope = "repository:team/app:push,pull,delete repository:unknown/app:pull registry:catalog:*"

    reply = await site.post(grant_type="password", username="ann", password="ann-Pass1", scope=scope)

    assert site.granted(reply) == {"team/app": ["pull", "push"]}
    assert reply.body["scope"] == "repository:team/app:pull,push"
    assert "refresh_token" not in reply.body


async def test_a_refresh_token_only_where_it_is_asked_for_and_it_comes_back_unchanged(site: Site) -> None:
    first = await site.post(grant_type="password", username="ann", password="ann-Pass1", access_type="offline")
    token = str(first.body["refresh_token"])

    second = await site.post(grant_type="refresh_token", refresh_token=token, scope="repository:team/app:pull")
    third = await site.post(
        grant_type="refresh_token", refresh_token=token, access_type="offline", scope="repository:open/app:pull"
    )

    assert site.granted(second) == {"team/app": ["pull"]}
    assert site.granted(third) == {"open/app": ["pull"]}
    assert second.body["refresh_token"] == third.body["refresh_token"] == token
    assert [row.client_id for row in site.world.run(list_refresh_tokens, site.ann)] == ["test"]
    assert "refresh_token" not in (await site.get("", ANN)).body
    assert "refresh_token" not in (await site.get("offline_token=true&scope=repository:open/a:pull")).body


async def test_t16_forms_that_are_no_requests(site: Site) -> None:
    good = {"grant_type": "password", "username": "ann", "password": "ann-Pass1"}
    assert (await site.post(**good)).status == 200

    assert (await site.post(**{**good, "client_id": ""})).status == 400
    assert (await site.post(**{**good, "service": "other"})).status == 400
    assert (await site.post(**{**good, "grant_type": "authorization_code"})).status == 400
    assert (await site.post(**{**good, "grant_type": ""})).status == 400
    assert (await site.post(content_type="application/json", **good)).status == 400
    assert (await site.post(content_type="", **good)).status == 400
    assert (await site.post(**{**good, "password": "wrong"})).status == 401
    assert (await site.post(**{**good, "username": ""})).status == 401
    assert (await site.post(**{**good, "password": ""})).status == 401
    assert (await site.post(**good, padding="x" * 1_000_000)).status == 413
    assert (await site.post(**good, **{f"f{n}": "1" for n in range(40)})).status == 400
    for form in (b"\xff\xfe", b'{"grant_type": "password"}', b"", b"service=harbor-registry&service=harbor-registry"):
        reply = await site.endpoint.answer(TokenRequest("POST", content_type=FORM, form=form, address=HERE))
        assert reply.status == 400
    assert (await site.post(content_type=f"{FORM}; charset=utf-8", **good)).status == 200


async def test_t16_refresh_tokens_that_are_none(site: Site) -> None:
    scope = "repository:open/app:pull"
    for token in ("", "x", "moor_rt_", "moor_rt_" + "A" * 43, "moor_rt_" + "A" * 10_000, "moor_rt_\u00e9", "\0"):
        reply = await site.post(grant_type="refresh_token", refresh_token=token, scope=scope)
        assert reply.status == 401
    assert site.world.refused.refusals == [("", "login", "")] * 7


async def make_refresh_token(site: Site) -> str:
    return str((await site.get("offline_token=true", ANN)).body["refresh_token"])


async def use(site: Site, token: str) -> int:
    return (await site.post(grant_type="refresh_token", refresh_token=token)).status


async def test_t16_a_refresh_token_is_for_one_service(site: Site) -> None:
    account = await site.world.login.authenticate(*ANN, HERE)
    token = site.world.run(create_refresh_token, account, service="other")

    assert await use(site, token) == 401
    assert await find_refresh_token(site.world.database.read, token, service="other") is not None


async def test_a_refresh_token_is_stored_as_a_digest(site: Site) -> None:
    token = await make_refresh_token(site)

    (stored,) = site.world.run(lambda work: work.db.scalars(select(RefreshToken.id)).all())
    assert len(bytes(stored)) == 32
    assert bytes(stored) not in token.encode()


async def test_t18_what_ends_an_accounts_tokens_ends_its_refresh_tokens(site: Site) -> None:
    world = site.world
    world.member(site.team, site.ann, Role.DEVELOPER)
    for change in (
        lambda: world.member(site.team, site.ann, Role.GUEST),
        lambda: world.run(projects.remove_member, site.team, site.ann),
        lambda: world.run(users.set_password, site.ann, hash_cheaply("ann-Pass1")),
        lambda: world.run(users.set_disabled, site.ann, disabled=True),
    ):
        token = await make_refresh_token(site)
        assert await use(site, token) == 200
        change()
        assert await use(site, token) == 401


async def test_after_a_restore_nothing_from_before_fits(site: Site) -> None:
    token = await make_refresh_token(site)
    before = site.keys.verify(str((await site.get("scope=repository:team/app:pull", ANN)).body["token"]))

    site.world.run(projects.end_all_tokens)

    after = site.keys.verify(str((await site.get("scope=repository:team/app:pull", ANN)).body["token"]))
    assert await use(site, token) == 401
    assert after.principal_epoch - before.principal_epoch == 1_000_000
    assert after.entries["team/app"].project_epoch - before.entries["team/app"].project_epoch == 1_000_000


async def test_t16_a_revoked_refresh_token_is_gone_and_only_its_owner_revokes(site: Site) -> None:
    token, other = await make_refresh_token(site), await make_refresh_token(site)
    ids = {row.id for row in site.world.run(list_refresh_tokens, site.ann)}
    assert len(ids) == 2

    for token_id in ids:
        with pytest.raises(Exception, match="no such refresh token"):
            site.world.run(revoke_refresh_token, 1, token_id)
    with pytest.raises(Exception, match="no such refresh token"):
        site.world.run(revoke_refresh_token, site.ann, "zz")
    assert [await use(site, one) for one in (token, other)] == [200, 200]
    for token_id in ids:
        site.world.run(revoke_refresh_token, site.ann, token_id)
    assert [await use(site, one) for one in (token, other)] == [401, 401]


async def test_a_refresh_token_lives_ninety_days_after_its_last_use(site: Site) -> None:
    token = await make_refresh_token(site)

    def age(days: float) -> None:
        site.world.run(
            lambda work: work.db.execute(
                update(RefreshToken).values(
                    used_at=db_now(-days * 86_400), expires_at=db_now(LIFETIME_SECONDS - days * 86_400)
                )
            )
        )

    def used_at() -> object:
        return site.world.scalar(select(RefreshToken.used_at))

    age(89.9)
    before = used_at()
    assert await use(site, token) == 200
    assert used_at() == before, "use is written down beside the request"
    await site.uses.flush(site.world.database)
    assert used_at() != before, "its ninety days begin anew"
    renewed = used_at()
    assert await use(site, token) == 200
    await site.uses.flush(site.world.database)
    assert used_at() == renewed, "once in five minutes is enough"
    age(6 / 1440)
    assert await use(site, token) == 200
    await site.uses.flush(site.world.database)
    assert str(used_at()) >= str(renewed), "six minutes later it is written again"
    age(90.1)
    assert await use(site, token) == 401
    assert site.world.run(delete_expired_refresh_tokens) == 1


async def test_at_the_limit_a_login_is_refused_and_ends_no_other(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage.tokens.refresh_tokens.MAX_PER_ACCOUNT", 3)
    tokens = [await make_refresh_token(site) for _ in range(3)]

    refused = await site.get("offline_token=true", ANN)
    assert refused.status == 403
    assert "1000 refresh tokens" in json.dumps(refused.body)
    assert "revoke some, or log in with an access token" in json.dumps(refused.body)
    assert [await use(site, token) for token in tokens] == [200, 200, 200]
    assert (await site.get("scope=repository:team/app:pull", ANN)).status == 200, "without asking for one it works"

    site.world.run(revoke_refresh_token, site.ann, site.world.run(list_refresh_tokens, site.ann)[0].id)
    await make_refresh_token(site)
    site.world.run(users.set_password, site.ann, hash_cheaply("ann-Pass1"))
    await make_refresh_token(site)
    assert len(site.world.run(list_refresh_tokens, site.ann)) == 1, "those that ended do not count"


def test_the_message_of_the_limit_says_the_limit() -> None:
    assert str(MAX_PER_ACCOUNT) in str(RefreshTokensLimit.__doc__)


async def test_no_refresh_token_unless_it_is_switched_on_and_older_ones_go_on(site: Site) -> None:
    earlier = await make_refresh_token(site)
    site.endpoint = site.make_endpoint()

    asked = await site.get("offline_token=true", ANN)
    posted = await site.post(grant_type="password", username="ann", password="ann-Pass1", access_type="offline")

    assert (asked.status, posted.status) == (200, 200)
    assert "refresh_token" not in asked.body
    assert "refresh_token" not in posted.body
    assert await use(site, earlier) == 200


async def test_a_robot_never_gets_a_refresh_token_and_those_from_before_end_with_its_secret(site: Site) -> None:
    pull = accounts.Permission("repository", "pull", site.team)
    robot = site.world.run(accounts.create_robot, "ci", [pull], project=(site.team, "team"))
    reply = await site.get("offline_token=true", ("robot$team+ci", robot.secret))
    assert reply.status == 200
    assert "refresh_token" not in reply.body
    account = await site.world.login.authenticate("robot$team+ci", robot.secret, HERE)
    token = site.world.run(create_refresh_token, account, service="harbor-registry")

    refreshed = await site.post(grant_type="refresh_token", refresh_token=token, scope="repository:team/app:pull")
    assert site.granted(refreshed) == {"team/app": ["pull"]}
    assert site.keys.verify(str(refreshed.body["token"])).name == "robot$team+ci"
    site.world.run(accounts.refresh_secret, robot.id)
    assert await use(site, token) == 401
