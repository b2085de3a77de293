"""Why somebody may or may not: each rule, and that the answer is what both planes do."""

import json
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import urlencode

import pytest

from moorage.access import robot_permissions
from moorage.access.policy import Role
from moorage.access.role_matrix import EVERY_PROJECT_PERMISSION
from moorage.artifacts import immutable_rules
from moorage.artifacts.immutable_rules import RuleBody, RuleSelector
from moorage.inspection.explain import SENTENCES
from moorage.projects import service as projects
from moorage.quotas import service as quotas
from moorage.robots import accounts
from moorage.users import groups
from moorage.users import service as users
from tests.api.client import Client, Server
from tests.api.conftest import Serve, administrator, make_project, make_robot, make_user, project_id, unique
from tests.api.test_projects_api import call

ROOT = Path(__file__).resolve().parents[2]
ROLES = [None, Role.LIMITED_GUEST, Role.GUEST, Role.DEVELOPER, Role.MAINTAINER, Role.PROJECT_ADMIN]


async def ask(app: Server, project: str, principal: str, action: str, **more: str) -> dict[str, Any]:
    """The explanation, as the administrator gets it."""
    query = urlencode({"principal": principal, "action": action, **more})
    answer = await call(administrator(app), app, "GET", f"/projects/{project}/explain?{query}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


async def decided(app: Server, project: str, principal: str, action: str, **more: str) -> tuple[bool, str]:
    """Whether, and which rule."""
    found = await ask(app, project, principal, action, **more)
    assert found["decided_by"] in [one["rule"] for one in found["checks"]]
    for one in found["checks"]:
        values = dict(one["values"])
        if "left" in values:
            values["left"] = quotas.format_size(values["left"])
        assert one["text"] == SENTENCES[one["code"]].format_map(values)
    return found["allowed"], found["decided_by"]


async def test_people_by_rule(app: Server, project: str) -> None:
    number = await project_id(app, project)
    me = await make_user(app, {project: Role.GUEST})
    who = f"user:{me.username}"
    assert await decided(app, project, who.upper().replace("USER:", "user:", 1), "pull") == (True, "role")
    assert await decided(app, project, who, "push") == (False, "no-right")
    group_id = await app.run(groups.create_group, 2, unique("team"), "team")
    await app.rows("INSERT INTO group_member (principal_id, group_id) VALUES (:p, :g)", p=me.id, g=group_id)
    await app.run(projects.set_group_member, number, group_id, Role.DEVELOPER)
    assert await decided(app, project, who, "push") == (True, "group-role")
    await app.run(users.set_admin, me.id, admin=True)
    assert await decided(app, project, who, "delete") == (True, "system-admin")
    await app.run(users.set_disabled, me.id, disabled=True)
    assert await decided(app, project, who, "pull") == (False, "account")
    assert await decided(app, project, "user:nobody-of-this-name", "pull") == (False, "account")


async def test_robots_by_rule(app: Server, project: str) -> None:
    robot = await make_robot(app, project, "push")
    who = f"robot:{robot.username}"
    assert await decided(app, project, who, "pull") == (True, "robot-permission")
    assert await decided(app, project, who, "delete") == (False, "no-right")
    everywhere = await app.run(
        accounts.create_robot, unique("any"), [accounts.Permission("repository", "push", None, system=False)]
    )
    found = await decided(app, project, f"robot:robot${everywhere.name}", "push")
    assert found == (False, "push-needs-pull"), "of a robot of the system push brings no pull along"
    elsewhere = await make_project(app)
    assert await decided(app, elsewhere, who, "pull") == (False, "no-right")
    assert await decided(app, elsewhere, "robot:robot$no+one", "pull") == (False, "no-right"), "told alike"
    past = datetime.now(UTC) - timedelta(days=1)
    micros = int(past.timestamp() * 1_000_000) if app.settings.database_url.startswith("sqlite") else past
    await app.rows("UPDATE robot SET expires_at = :past WHERE principal_id = :id", past=micros, id=robot.id)
    assert await decided(app, project, who, "pull") == (False, "account")
    await app.rows("UPDATE robot SET expires_at = NULL WHERE principal_id = :id", id=robot.id)
    await app.run(accounts.set_disabled, robot.id, disabled=True)
    assert await decided(app, project, who, "pull") == (False, "account")


async def test_public_projects_scopes_tags_and_quotas(app: Server, project: str) -> None:
    number = await project_id(app, project)
    assert await decided(app, project, "anonymous", "pull") == (False, "no-right")
    await app.run(projects.set_public, number, public=True)
    assert await decided(app, project, "anonymous", "pull") == (True, "public-project")
    assert await decided(app, project, "anonymous", "push") == (False, "no-right")
    me = await make_user(app, {project: Role.MAINTAINER})
    who = f"user:{me.username}"
    for action, scopes, allowed in (
        ("pull", "pull", True), ("pull", "push", True), ("push", "pull", False), ("delete", "delete", True),
        ("member:list", "api:read", True), ("member:list", "api:write", False), ("label:create", "api:write", True),
        ("label:create", "api:read,pull", False),
    ):  # fmt: skip
        found = await decided(app, project, who, action, scopes=scopes)
        assert found == (allowed, "role" if allowed else "token-scope"), (action, scopes)
    await me.repo(f"{project}/app").image("v1", "w1")
    body = RuleBody(
        tag_selectors=[RuleSelector(decoration="matches", pattern="v*")],
        scope_selectors={"repository": [RuleSelector(decoration="repoMatches", pattern="**")]},
    )
    await app.run(immutable_rules.create_rule, number, body)
    for tag, allowed in (("v1", False), ("v2", True), ("w1", True)):
        for action in ("push", "delete", "tag:delete"):
            found = await decided(app, project, who, action, repository="app", tag=tag)
            assert found == (allowed, "role" if allowed else "immutable-tag"), (tag, action)
    assert (await decided(app, project, who, "pull", repository="app", tag="v1"))[0]
    await app.run(quotas.set_limit, number, 1)
    assert await decided(app, project, who, "push") == (False, "quota")
    assert (await decided(app, project, who, "pull"))[0]


def test_the_page_has_words_for_each_sentence() -> None:
    words = json.loads((ROOT / "portal/src/locales/en-US/explain.json").read_text())
    assert set(words["check"]) == set(SENTENCES)
    for code, sentence in SENTENCES.items():
        fields = {name for _, name, _, _ in Formatter().parse(sentence) if name}
        assert fields == set(re.findall(r"{{(\w+)}}", words["check"][code])), code


async def test_read_only_stops_changes(serve: Serve) -> None:
    app = await serve()
    project = await make_project(app)
    me = await make_user(app, {project: Role.DEVELOPER})
    answer = await call(administrator(app), app, "PUT", "/configurations", {"read_only": True})
    assert answer.status == 200
    assert await decided(app, project, f"user:{me.username}", "push") == (False, "read-only")
    assert await decided(app, project, f"user:{me.username}", "label:create") in {
        (False, "no-right"),
        (False, "read-only"),
    }
    assert await decided(app, project, f"user:{me.username}", "pull") == (True, "role")


async def test_only_who_manages_members_may_ask(app: Server, project: str) -> None:
    path = f"/projects/{project}/explain?principal=anonymous&action=pull"
    for role in ROLES:
        who = await make_user(app, {project: role} if role is not None else {})
        assert (await call(who, app, "GET", path)).status == (200 if role is Role.PROJECT_ADMIN else 403), role
    assert (await call(None, app, "GET", path)).status == 401
    other = await make_user(app, {await make_project(app): Role.PROJECT_ADMIN})
    assert (await call(other, app, "GET", path)).status == 403


@pytest.mark.parametrize(
    "query",
    [
        "principal=anonymous", "action=pull", "principal=x&action=pull", "principal=user:&action=pull",
        "principal=anonymous:x&action=pull", "principal=anonymous&action=fly", "principal=user:a%00&action=pull",
        "principal=anonymous&action=pull&repository=UPPER", "principal=anonymous&action=pull&tag=.x",
        "principal=anonymous&action=pull&scopes=all",
    ],
)  # fmt: skip
async def test_what_cannot_be_asked(app: Server, project: str, admin: Client, query: str) -> None:
    assert (await call(admin, app, "GET", f"/projects/{project}/explain?{query}")).status in {400, 422}


async def test_it_says_what_both_planes_do(app: Server) -> None:
    """Random roles and robots; the seed is in the message of a failure."""
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    for _ in range(8):
        project = await make_project(app, public=chance.random() < 0.4)
        number = await project_id(app, project)
        role = chance.choice(ROLES)
        person = await make_user(app, {project: role} if role is not None else {}, admin=chance.random() < 0.1)
        given = chance.sample(
            [
                (resource, action)
                for resource, actions in robot_permissions.PROJECT_PERMISSIONS.items()
                for action in sorted(actions)
            ],
            6,
        ) + chance.sample([("repository", "pull"), ("repository", "push"), ("artifact", "delete")], chance.randrange(3))
        own = chance.random() < 0.5
        where = chance.choice([number, None]) if not own else number
        may = [accounts.Permission(resource, action, where) for resource, action in dict.fromkeys(given)]
        made = await app.run(accounts.create_robot, unique("any"), may, project=(number, project) if own else None)
        robot = Client(app, f"robot${made.name}", made.secret, made.id)
        for client, who in ((person, f"user:{person.username}"), (robot, f"robot:{robot.username}")):
            place = f"/users/current/permissions?scope=/project/{number}&relative=true"
            answer = await call(client, app, "GET", place)
            held = {(one["resource"] or "project", one["action"]) for one in answer.json()}
            for resource, action in chance.sample(sorted(EVERY_PROJECT_PERMISSION), 10):
                allowed, rule = await decided(app, project, who, f"{resource}:{action}")
                assert allowed == ((resource, action) in held), (seed, who, resource, action, rule)
            for action in ("pull", "push", "delete"):
                repo = client.repo(f"{project}/app")
                status = (
                    await repo.send(
                        {"pull": "GET", "push": "POST", "delete": "DELETE"}[action],
                        {"pull": "tags/list", "push": "blobs/uploads/", "delete": "manifests/none"}[action],
                        headers=client.basic,
                    )
                ).status
                allowed, rule = await decided(app, project, who, action)
                assert allowed == (status != 401), (seed, who, action, rule, status)
