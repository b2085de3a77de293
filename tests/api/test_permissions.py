"""Who may do what: every operation, the contract's and then ours, for every kind of caller.

`permissions.csv` is the table, written from the roles of the contract and not from our code: a row per operation, a
column per caller. `ok` is anything but 401 and 403: what is asked for may be missing, or the body may be empty. `-` is
a cell that nobody can ask for: a robot cannot be given the permission, or the operation is not built.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from moorage.access.policy import Role
from moorage.api.contract import OPERATIONS
from moorage.api.routes import BUILT
from moorage.api.unimplemented import contract_path, key_of, unbuilt
from moorage.artifacts import labels
from moorage.retention import service as retention
from moorage.robots import accounts
from tests.api.client import Client, Server
from tests.api.conftest import Stores, administrator, make_project, make_robot, make_user, project_id, unique
from tests.api.test_projects_api import call

TABLE = list(csv.DictReader(Path(__file__).with_name("permissions.csv").read_text(encoding="utf-8").splitlines()))
CALLERS = list(TABLE[0])[3:]
ROLES = {
    "limited_guest": Role.LIMITED_GUEST,
    "guest": Role.GUEST,
    "developer": Role.DEVELOPER,
    "maintainer": Role.MAINTAINER,
    "project_admin": Role.PROJECT_ADMIN,
}
BODIES: dict[tuple[str, str], object] = {
    ("POST", "/labels"): {"name": "x", "scope": "g"},
    ("POST", "/robots"): {
        "name": "x",
        "level": "system",
        "permissions": [{"kind": "system", "namespace": "/", "access": [{"resource": "robot", "action": "create"}]}],
    },
    ("POST", "/users/current/tokens"): {"name": "x", "scopes": ["pull"]},
    ("PUT", "/robots/{robot_id}"): {"name": "x", "level": "project"},
}
"""Bodies without which the operation cannot tell what is asked of it; the others get an empty object."""

QUERIES = {
    "/labels": "scope=g", "/search": "q=x", "/users/search": "username=x", "/usergroups/search": "groupname=x",
}  # fmt: skip

_UNDECIDED = {(one.method, one.path) for one in unbuilt(BUILT) if one.needs.level == "inside"}
"""Not built, and only the operation itself could say who may: they ask for an account, and answer 501."""

ASKED = [row for row in TABLE if (row["method"], row["path"]) not in _UNDECIDED]


@dataclass
class Place:
    """A project with one of everything, and who may be somebody there."""

    server: Server
    project: str
    ids: dict[str, str]
    callers: dict[str, Client]


OURS = [
    (min(str(one) for one in handler.http_methods), contract_path(path))
    for handler in BUILT
    if handler.opt["ours"]
    for path in handler.paths
]


def test_the_table_has_a_row_for_each_operation_and_a_cell_for_each_caller() -> None:
    rows = Counter((row["method"], row["path"]) for row in TABLE)
    assert rows == Counter([*((one.method, one.path) for one in OPERATIONS), *OURS])
    assert len(CALLERS) == len(ROLES) + 5
    assert set(ROLES) < set(CALLERS)
    later = {(one.method, one.path) for one in unbuilt(BUILT)}
    for row in TABLE:
        for caller in CALLERS:
            cell = row[caller]
            assert cell in {"ok", "401", "403", "-"}, row
            if (row["method"], row["path"]) not in later and caller not in {"robot_with", "robot_without"}:
                assert cell != "-", f"{row['method']} {row['path']} is built: say what {caller} may do"


def test_what_a_route_asks_for_is_what_its_row_says() -> None:
    """Of those whose own parameters do not decide."""
    said = {(row["method"], re.sub(r"\{[^}]*\}", "{}", row["path"])): row["permission"] for row in TABLE}
    for handler in BUILT:
        needs = handler.opt["needs"]
        if needs.level in {"project", "system"}:
            assert said[key_of(handler)] in {str(needs), ""}, handler.operation_id


@pytest.mark.parametrize("row", ASKED, ids=lambda row: f"{row['method']} {row['path']}")
async def test_each_caller_may_what_the_table_says(stores: Stores, row: dict[str, str]) -> None:
    server = await stores.shared("sqlite")
    method, path = row["method"], row["path"]
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    for caller in CALLERS:
        cell = row[caller]
        if cell == "-":
            continue
        place = await _place(server, fresh=method == "DELETE" or (method, path) in _CONSUMES)
        client = await _client(place, caller, row["permission"])
        ids = place.ids | ({"id": place.ids[_IDS[path.split("/")[1]]]} if path.split("/")[1] in _IDS else {})
        target = path.replace("{", "{0[").replace("}", "]}").format(ids)
        query = QUERIES.get(path)
        body = BODIES.get((method, path), {}) if method in {"POST", "PUT", "PATCH"} else None
        if (method, path) == ("POST", "/retentions"):
            body = {"scope": {"level": "project", "ref": int(place.ids["id"])}}
        answer = await call(client, server, method, f"{target}?{query}" if query else target, body)
        found[caller] = str(answer.status) if answer.status in {401, 403} else "ok"
        expected[caller] = cell
        assert answer.status < 500 or answer.status == 501, (caller, answer)
    assert found == expected


_IDS = {"retentions": "retention_id", "trash": "trash_id"}
"""What `{id}` is in paths that begin so; in the others it is that of the project."""
_CONSUMES = {("POST", "/trash/{id}/restore")}
_places: dict[int, Place] = {}


async def _place(server: Server, *, fresh: bool) -> Place:
    if not fresh and id(server) in _places:
        return _places[id(server)]
    project = await make_project(server)
    number = await project_id(server, project)
    pusher = await make_robot(server, project, "pull", "push")
    await pusher.repo(f"{project}/app").image("v1", "gone")
    await administrator(server).repo(f"{project}/app").delete("manifests/gone")
    ((trash_id,),) = await server.rows("SELECT id FROM trash WHERE project_id = :project", project=number)
    victim = await make_user(server)
    label = await server.run(labels.create_label, unique("label"), project_id=number)
    policy = await server.run(retention.create_policy, number, [], "")
    callers = {name: await make_user(server, {project: role}) for name, role in ROLES.items()}
    ids = dict.fromkeys(re.findall(r"\{(\w+)\}", " ".join(row["path"] for row in TABLE)), "999999999") | {
        "project_name_or_id": project,
        "project_name": project,
        "repository_name": "app",
        "reference": "v1",
        "tag_name": "v1",
        "meta_name": "public",
        "user_id": str(victim.id),
        "robot_id": str(pusher.id),
        "label_id": str(label),
        "id": str(number),
        "retention_id": str(policy),
        "trash_id": str(trash_id),
        "digest": "sha256:" + "0" * 64,
        "addition": "build_history",
    }
    place = Place(server, project, ids, callers)
    if not fresh:
        _places[id(server)] = place
    return place


async def _client(place: Place, caller: str, permission: str) -> Client | None:
    server = place.server
    if caller == "anonymous":
        return None
    if caller == "stranger":
        return await make_user(server)
    if caller == "system_admin":
        return administrator(server)
    if caller == "robot_without":
        return await _robot(place, "project log:list" if permission != "project log:list" else "project quota:read")
    if caller == "robot_with":
        return await _robot(place, permission or "project log:list")
    return place.callers[caller]


async def _robot(place: Place, permission: str) -> Client:
    level, _, what = permission.partition(" ")
    resource, _, action = what.partition(":")
    number = await project_id(place.server, place.project)
    one = accounts.Permission(resource, action, None if level == "system" else number, system=level == "system")
    made = await place.server.run(accounts.create_robot, unique("table"), [one])
    return Client(place.server, f"robot${made.name}", made.secret, made.id)
