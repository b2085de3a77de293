"""One field finds projects, repositories, tags and digests: what is typed, whose it is, and how many statements."""

import random
from typing import Any
from urllib.parse import urlencode

import pytest

from moorage.access.effective_permissions import find_standing
from moorage.access.policy import Account, Role
from moorage.projects import service as projects
from moorage.robots import accounts
from moorage.system import typeahead as service
from moorage.system.typeahead import Asked, read_query
from moorage.users import groups
from tests.api.client import HOST, Client, Server, digest_of, image
from tests.api.conftest import administrator, make_project, make_robot, make_user, project_id, unique
from tests.api.statements import counting
from tests.api.test_projects_api import call

D = "sha256:" + "ab12" * 16


async def find(app: Server, who: Client | None, q: str, size: int = 20) -> dict[str, Any]:
    """The answer."""
    answer = await call(who, app, "GET", f"/find?{urlencode({'q': q, 'size': size})}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


async def repositories(app: Server, who: Client | None, q: str) -> list[str]:
    """The names of the repositories that are found."""
    return [one["repository"] for one in (await find(app, who, q))["repositories"]]


@pytest.mark.parametrize(
    ("typed", "name", "tag", "digits", "plain"),
    [
        ("Api", "api", "Api", "", True),
        (" team/api ", "team/api", None, "", True),
        ("api:v1", "api", "v1", "", False),
        ("api:", "api", "", "", False),
        (":v1", "", "v1", "", False),
        ("api:.x", "api", None, "", False),
        ("sha256:AB12", "", None, "ab12", False),
        (D, "", None, "ab12" * 16, False),
        ("ab12ab1", "ab12ab1", "ab12ab1", "ab12ab1", True),
        ("ab12ab", "ab12ab", "ab12ab", "", True),
        (f"team/api@{D[:12]}", "team/api", None, "ab12a", False),
        (f"team/api:v1@{D}", "team/api", None, "ab12" * 16, False),
        (f"{HOST}/team/api:v1", "team/api", "v1", "", False),
        (f"https://{HOST}/team/api", "team/api", None, "", True),
        ("other:5000/team/api:v1", "team/api", "v1", "", False),
        (f"docker://{HOST}/team/api@{D}", "team/api", None, "ab12" * 16, False),
        ("sha256:ab", "sha256", "ab", "", False),
        ("", "", None, "", True),
    ],
)
def test_what_is_typed_is_understood(typed: str, name: str, tag: str | None, digits: str, plain: bool) -> None:
    asked = read_query(typed, HOST)
    digests = service._between("sha256", digits) if digits else None
    assert asked == Asked(name, tag, digests, plain)
    if digests is not None:
        low, high = digests
        assert low <= b"\1" + bytes.fromhex(digits.ljust(64, "0")) < high
        assert b"\1" + bytes.fromhex(digits.ljust(64, "f")) < high


async def test_names_by_any_part_the_best_first(app: Server) -> None:
    word = unique("zebra")
    project = await make_project(app)
    me = await make_user(app, {project: Role.DEVELOPER})
    for name in (f"x{word}", f"{word}-more", f"deep/{word}", "other", word):
        await me.repo(f"{project}/{name}").image("v1")
    found = await repositories(app, me, word.upper())
    assert found == [f"{project}/{name}" for name in (word, f"deep/{word}", f"{word}-more", f"x{word}")]
    assert await repositories(app, me, f"{project}/{word}") == [f"{project}/{word}", f"{project}/{word}-more"]
    assert await repositories(app, me, f"{word}%") == []
    assert await repositories(app, me, f"_{word}") == []
    owned = await make_project(app)
    assert [one["name"] for one in (await find(app, await make_user(app, {owned: Role.GUEST}), owned))["projects"]] == [
        owned
    ]


async def test_tags_and_digests_by_how_they_begin(app: Server, project: str) -> None:
    me = await make_user(app, {project: Role.DEVELOPER})
    tag = unique("Rel-")
    here = me.repo(f"{project}/app")
    layer = unique("layer").encode()
    digest = await here.image(f"{tag}.1", f"{tag}.2", "v1", layers=[layer])
    other = await me.repo(f"{project}/web").image(f"{tag}.1", layers=[unique("layer").encode()])
    found = await find(app, me, tag)
    assert [(one["repository"], one["tag"], one["digest"]) for one in found["tags"]] == [
        (f"{project}/app", f"{tag}.1", digest), (f"{project}/web", f"{tag}.1", other),
    ], "one of each repository"  # fmt: skip
    assert (await find(app, me, tag.lower()))["tags"] == [], "capitals count"
    found = await find(app, me, f"app:{tag}")
    assert [(one["repository"], one["tag"]) for one in found["tags"]] == [
        (f"{project}/app", f"{tag}.1"), (f"{project}/app", f"{tag}.2"),
    ]  # fmt: skip
    assert found["projects"] == found["repositories"] == found["artifacts"] == []
    for typed in (
        digest,
        digest[:20],
        digest.upper()[:24],
        digest[7:27],
        f"app@{digest[:20]}",
        f"{project}/app@{digest}",
    ):
        found = await find(app, me, typed)
        assert [(one["repository"], one["digest"], one["tag"], one["type"]) for one in found["artifacts"]] == [
            (f"{project}/app", digest, f"{tag}.1", "IMAGE")
        ], typed
    assert (await find(app, me, f"web@{digest}"))["artifacts"] == []
    await here.delete(f"manifests/{digest}")


async def test_what_is_deleted_is_not_found(app: Server, project: str, admin: Client) -> None:
    name, tag = unique("gone"), unique("tag")
    layers = [unique("layer").encode()]
    digest = await admin.repo(f"{project}/{name}").image(tag, layers=layers)
    assert digest == digest_of(image(layers=layers))
    for typed in (name, tag, digest):
        assert any((await find(app, admin, typed)).values()), typed
    assert (await call(admin, app, "DELETE", f"/projects/{project}/repositories/{name}")).status == 200
    for typed in (name, tag, digest, f"{name}:{tag}"):
        assert not any((await find(app, admin, typed)).values()), typed


async def test_everybody_finds_what_they_may_see_and_nothing_else(app: Server) -> None:
    """Random projects, roles, groups and robots, held against what the guard says; the seed is in a failure."""
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    word = unique("find")
    names = [await make_project(app, public=chance.random() < 0.25) for _ in range(12)]
    pusher = administrator(app)
    digests = {}
    for name in names:
        digests[name] = await pusher.repo(f"{name}/{word}").image(word, layers=[name.encode()])
    person = await make_user(app, {name: chance.choice(list(Role)[1:]) for name in chance.sample(names, 3)})
    team = await app.run(groups.create_group, 2, unique("team"), "team")
    await app.rows("INSERT INTO group_member (principal_id, group_id) VALUES (:p, :g)", p=person.id, g=team)
    for name in chance.sample(names, 2):
        await app.run(projects.set_group_member, await project_id(app, name), team, Role.LIMITED_GUEST)
    wanted = [("repository", "list"), ("tag", "list"), ("artifact", "read"), ("label", "read")]
    callers: list[Client | None] = [None, pusher, person, await make_user(app)]
    for everywhere in (False, True):
        may = [
            accounts.Permission(*one, None if everywhere else await project_id(app, name))
            for name in (names[:1] if everywhere else chance.sample(names, 4))
            for one in chance.sample(wanted, 2)
        ]
        made = await app.run(accounts.create_robot, unique("any"), may)
        callers.append(Client(app, f"robot${made.name}", made.secret, made.id))
    callers.append(await make_robot(app, names[0], "pull", "push"))
    for who in callers:
        account = await _account(app, who)
        may_do: dict[tuple[str, str], set[str]] = {one: set() for one in wanted}
        for name in names:
            standing = await find_standing(app.database.read, account, name=name)
            assert standing is not None
            for one, held in may_do.items():
                if standing.may(*one):
                    held.add(name)
        found = await find(app, who, word)
        shown = {one["repository"].partition("/")[0] for one in found["repositories"]}
        said = (seed, who.username if who else "")
        assert shown == may_do["repository", "list"], said
        assert {one["repository"].partition("/")[0] for one in found["tags"]} == may_do["tag", "list"], said
        named = await find(app, who, f"{word}:{word}")
        assert {one["repository"].partition("/")[0] for one in named["tags"]} == may_do["tag", "list"], said
        for name in names:
            seen = bool((await find(app, who, digests[name]))["artifacts"])
            assert seen == (name in may_do["artifact", "read"]), (*said, name)


async def _account(app: Server, who: Client | None) -> Account | None:
    """The account of somebody, as the guard would make it."""
    if who is None:
        return None
    kind = "robot" if who.username.startswith("robot$") else "user"
    rows = await app.rows("SELECT project_id FROM robot WHERE principal_id = :id", id=who.id)
    return Account(who.id, 0, kind, who.username, admin=who.id == 1, project_id=rows[0][0] if rows else None)


async def test_a_search_takes_as_many_statements_however_much_is_found(app: Server, admin: Client) -> None:
    seen: list[int] = []
    for many in (1, 5, 20):
        word, project = unique("many"), await make_project(app)
        for at in range(many):
            await admin.repo(f"{project}/{word}-{at}").image(word)
        with counting() as counted:
            assert len((await find(app, admin, word))["repositories"]) == many
        seen.append(len(counted))
    assert seen == [3, 3, 3]


async def test_pages_of_each_kind_with_how_many_there_are(app: Server, admin: Client) -> None:
    word, project = unique("paged"), await make_project(app)
    names = [f"{project}/{word}-{at}" for at in range(5)]
    digest = ""
    for name in names:
        digest = await admin.repo(name).image(word, f"{word}.1", layers=[word.encode()])
    for typed, kind, total in (
        (word, "repositories", 5), (word, "tags", 5), (f"{word}:{word}", "tags", 10), (digest, "artifacts", 5),
    ):  # fmt: skip
        seen: list[str] = []
        for page in (1, 2, 3, 4):
            query = urlencode({"q": typed, "size": 4, "page": page, "kind": kind, "count": "true"})
            found = (await call(admin, app, "GET", f"/find?{query}")).json()
            assert found["totals"][kind] == total, (typed, page)
            assert all(not found[one] for one in ("projects", "repositories", "tags", "artifacts") if one != kind)
            seen += [one["repository"] + ":" + (one.get("tag") or "") for one in found[kind]]
        assert len(seen) == len(set(seen)) == total, seen
    stranger = await make_user(app)
    answer = (await call(stranger, app, "GET", f"/find?{urlencode({'q': word, 'count': 'true'})}")).json()
    assert set(answer["totals"].values()) == {0}, "who may not see it is not told how many there are"
    assert (await find(app, admin, word))["totals"] is None


@pytest.mark.parametrize(
    "query", ["", "q=x&size=0", "q=x&size=101", "q=x&page=0", "q=x&kind=users", "q=x&size=a", f"q={'x' * 513}"]
)
async def test_what_cannot_be_asked(app: Server, admin: Client, query: str) -> None:
    assert (await call(admin, app, "GET", f"/find?{query}")).status in {400, 422}


@pytest.mark.parametrize(
    "typed", ["", " ", "\0", "%", "_", "'", "💥", ":", "@", "/", "a//b", "sha256:" + "a" * 65, "x" * 512]
)
async def test_odd_things_find_nothing_and_break_nothing(app: Server, typed: str) -> None:
    answer = await call(await make_user(app), app, "GET", f"/find?{urlencode({'q': typed})}")
    assert answer.status in {200, 400, 422}, answer
