"""Each operation that changes something leaves exactly one row in the audit log, and a refusal its own; reads none.

The list of operations comes from the route table: one that changes something and is not in `AUDITED` fails.
"""

import dataclasses
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler

from moorage.access.required_permission import Needs
from moorage.api.contract import OPERATIONS
from moorage.api.routes import BUILT
from moorage.audit.denials import DELAY_SECONDS
from moorage.configuration.validation import AUDIT_EVENTS
from tests.rest.conftest import Caller
from tests.rest.recipes import RECIPES, Place, Recipe, make_place
from tests.serving import ROOT, Account, Moorage

CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
CHANGING = {str(one.operation_id): one for one in BUILT if set(one.http_methods) & CHANGES and not one.opt["reads"]}
READING = {str(one.operation_id): one for one in BUILT if one.operation_id not in CHANGING}


@dataclasses.dataclass(frozen=True)
class Told:
    """What is written down.

    Attributes:
        event: operation and type of the resource, as in the row.
        resource: its name: what of the place, in braces.
        refused: permission and name in the row of somebody who may not; by default what the route needs.
        recipe: what is sent; by default that of the contract walk.
        before: makes what it needs, and returns more values for its path.
    """

    event: tuple[str, str]
    resource: str
    refused: tuple[str, str] | None = None
    recipe: Recipe | None = None
    before: Callable[[Caller, Place], dict[str, str]] | None = None


_ARTIFACT = "{project_name}/{repository_name}@{digest}"
_TAG = "{project_name}/{repository_name}:{tag_name}"
_NEW_TAG = "{project_name}/{repository_name}:{unused}"
_PROJECT = ("update", "project")
_number = itertools.count(100)
_TOKEN = {"scopes": ["pull"], "duration": 1}


def _token(caller: Caller, place: Place) -> dict[str, str]:
    """An access token of the administrator."""
    number = caller.make("/users/current/tokens", {**_TOKEN, "name": place.unused})
    user = caller.send("GET", "/users/current").json()["user_id"]
    return {"token_id": number, "user_id": str(user), "token_name": f"admin/{place.unused}"}


def _trash(caller: Caller, place: Place) -> dict[str, str]:
    """A deleted tag."""
    ids = place.ids
    tags = f"/projects/{ids['project_name']}/repositories/{ids['repository_name']}/artifacts/{ids['reference']}/tags"
    caller.make(tags, {"name": place.unused})
    assert caller.send("DELETE", f"{tags}/{place.unused}").status_code == 200
    name = f"{ids['project_name']}/{ids['repository_name']}:{place.unused}"
    rows = caller.send("GET", "/trash?sort=-id&page_size=100").json()
    (ours,) = (one for one in rows if (one["kind"], one["name"]) == ("tag", name))
    return {"id": str(ours["id"]), "trash_name": name}


def _label(caller: Caller, place: Place) -> dict[str, str]:
    """A label of the project."""
    label = {"name": place.unused, "scope": "p", "project_id": int(place.ids["project_id"])}
    return {"label_id": caller.make("/labels", label), "label_name": place.unused}


def _mirror(caller: Caller, place: Place) -> dict[str, str]:
    """A mirror of the project."""
    new = {"kind": "ns", "name": f"{place.unused}.test", "project_name": place.ids["project_name"]}
    return {"id": caller.make("/mirrors", new), "mirror_name": new["name"]}


AUDITED: dict[str, Told] = {
    "createUser": Told(("create", "user"), "{unused}", ("user:create", "system")),
    "updateUserProfile": Told(("update", "user"), "{username}", ("user:update", "system")),
    "deleteUser": Told(("delete", "user"), "{username}"),
    "setUserSysAdmin": Told(("update", "user"), "{username}", recipe=Recipe(body=lambda _: {"sysadmin_flag": True})),
    "setUserLock": Told(("update", "user"), "{username}", recipe=Recipe(body=lambda _: {"locked": True})),
    "updateUserPassword": Told(("update", "user"), "{username}", ("user:update", "system")),
    "setPreferences": Told(("update", "user"), "admin", recipe=Recipe(body=lambda place: {"page": place.unused})),
    "createMyAccessToken": Told(
        ("create", "access_token"), "admin/{unused}", recipe=Recipe(body=lambda place: {**_TOKEN, "name": place.unused})
    ),
    "revokeMyAccessToken": Told(("delete", "access_token"), "{token_name}", before=_token),
    "revokeAccessToken": Told(("delete", "access_token"), "{token_name}", before=_token),
    "createUserGroup": Told(("create", "group"), "{unused}"),
    "updateUserGroup": Told(("update", "group"), "{unused}"),
    "deleteUserGroup": Told(("delete", "group"), "group{number}"),
    "CreateRobot": Told(("create", "robot"), "{project_name}+{unused}", ("robot:create", "{project_name}")),
    "UpdateRobot": Told(("update", "robot"), "{project_name}+here", ("robot:update", "{project_id}")),
    "RefreshSec": Told(("update", "robot"), "{project_name}+here", ("robot:update", "{project_id}")),
    "DeleteRobot": Told(("delete", "robot"), "{project_name}+here", ("robot:delete", "{project_id}")),
    "createProject": Told(("create", "project"), "{unused}"),
    "updateProject": Told(_PROJECT, "{project_name}"),
    "deleteProject": Told(("delete", "project"), "{empty_project}"),
    "addProjectMetadatas": Told(_PROJECT, "{project_name}"),
    "updateProjectMetadata": Told(_PROJECT, "{project_name}"),
    "deleteProjectMetadata": Told(_PROJECT, "{project_name}"),
    "createProjectMember": Told(("create", "member"), "{second_name}"),
    "updateProjectMember": Told(("update", "member"), "{username}"),
    "deleteProjectMember": Told(("delete", "member"), "{username}"),
    "updateQuota": Told(_PROJECT, "{project_name}"),
    "updateRepository": Told(("update", "repository"), "{project_name}/{repository_name}"),
    "deleteRepository": Told(("delete", "repository"), "{project_name}/{repository_name}"),
    "CopyArtifact": Told(("create", "artifact"), "{project_name}/copy:{tag_name}"),
    "deleteArtifact": Told(("delete", "artifact"), _ARTIFACT),
    "createTag": Told(("create", "tag"), _NEW_TAG),
    "deleteTag": Told(("delete", "tag"), _TAG),
    "pointTag": Told(
        ("create", "artifact"),
        _NEW_TAG,
        recipe=Recipe(
            path=lambda place: {"tag_name": place.unused}, body=lambda place: {"digest": place.ids["digest"]}
        ),
    ),
    "restoreTrash": Told(
        ("restore", "tag"), "{trash_name}", ("tag:delete", "{project_id}"), Recipe(body=lambda _: {}), _trash
    ),
    "purgeTrash": Told(("purge", "tag"), "{trash_name}", ("tag:delete", "{project_id}"), before=_trash),
    "CreateLabel": Told(("create", "label"), "{unused}", ("label:create", "{project_id}")),
    "UpdateLabel": Told(("update", "label"), "{unused}", ("label:update", "label {label_id}")),
    "DeleteLabel": Told(("delete", "label"), "{label_name}", ("label:delete", "label {label_id}"), before=_label),
    "addLabel": Told(("create", "artifact-label"), _ARTIFACT),
    "removeLabel": Told(("delete", "artifact-label"), _ARTIFACT),
    "createRegistry": Told(("create", "registry"), "{unused}"),
    "updateRegistry": Told(("update", "registry"), "{registry_name}"),
    "deleteRegistry": Told(("delete", "registry"), "{registry_name}"),
    "createMirror": Told(
        ("create", "mirror"),
        "{unused}.test",
        recipe=Recipe(
            body=lambda place: {
                "kind": "ns",
                "name": f"{place.unused}.test",
                "project_name": place.ids["project_name"],
            }
        ),
    ),
    "deleteMirror": Told(("delete", "mirror"), "{mirror_name}", before=_mirror),
    "CreateImmuRule": Told(("create", "immutable_rule"), ""),
    "UpdateImmuRule": Told(("update", "immutable_rule"), "{immutable_rule_id}"),
    "DeleteImmuRule": Told(("delete", "immutable_rule"), "{immutable_rule_id}"),
    "createRetention": Told(("create", "retention"), "", ("tag-retention:create", "{empty_id}")),
    "updateRetention": Told(("update", "retention"), "{retention_id}", ("tag-retention:update", "{project_id}")),
    "deleteRetention": Told(("delete", "retention"), "{retention_id}", ("tag-retention:delete", "{project_id}")),
    "triggerRetentionExecution": Told(("create", "execution"), "RETENTION", ("tag-retention:update", "{project_id}")),
    "createGCSchedule": Told(("update", "schedule"), "GARBAGE_COLLECTION"),
    "updateGCSchedule": Told(("update", "schedule"), "GARBAGE_COLLECTION"),
    "createPurgeSchedule": Told(("update", "schedule"), "PURGE_AUDIT_LOG"),
    "updatePurgeSchedule": Told(("update", "schedule"), "PURGE_AUDIT_LOG"),
    "actionPendingJobs": Told(
        ("update", "queue"), "GARBAGE_COLLECTION", recipe=Recipe(body=lambda _: {"action": "pause"})
    ),
    "createReplicationPolicy": Told(("create", "replication"), "{unused}"),
    "updateReplicationPolicy": Told(("update", "replication"), "replication-of-{project_name}"),
    "deleteReplicationPolicy": Told(("delete", "replication"), "replication-of-{project_name}"),
    "startReplication": Told(("create", "execution"), "REPLICATION"),
    "CreateWebhookPolicyOfProject": Told(("create", "webhook"), "{unused}"),
    "UpdateWebhookPolicyOfProject": Told(("update", "webhook"), "here"),
    "DeleteWebhookPolicyOfProject": Told(("delete", "webhook"), "here"),
    "renewWebhookSigningKey": Told(("update", "webhook"), "here"),
    "updateConfigurations": Told(
        ("update", "configuration"), "", recipe=Recipe(body=lambda _: {"robot_token_duration": next(_number)})
    ),
    "putSystemCVEAllowlist": Told(("update", "configuration"), "cve_allowlist"),
}

WRITES_NOTHING = {
    "pingOIDC": "asks a provider, and keeps nothing",
    "pingLdap": "asks a directory, and keeps nothing",
    "pingSyslog": "asks a receiver, and keeps nothing",
}
ELSEWHERE = {
    "revokeMyRefreshToken": "tests/api/test_refresh_tokens.py",
    "importLdapUser": "tests/api/test_ldap_api.py",
    "setCliSecret": "tests/api/test_oidc.py",
    "operateRetentionExecution": "tests/api/test_retention.py",
    "stopGC": "tests/api/test_background_api.py",
    "stopPurge": "tests/api/test_background_api.py",
    "stopRunningJob": "tests/api/test_background_api.py",
    "stopWork": "tests/api/test_background_api.py",
    "redeliverWebhook": "tests/api/webhooks/test_deliveries.py",
    "stopReplication": "tests/api/replication/test_runs.py",
}
"""Operations that need a directory, a provider, or work that still runs; the named file looks at their rows."""

_PATHS = {one.id: one.path for one in OPERATIONS}


def _path(handler: HTTPRouteHandler) -> str:
    (path,) = handler.paths
    return re.sub(r":\w+\}", "}", path)


class Log:
    """A server's audit log, read as its administrator, who is never anonymous and never refused."""

    def __init__(self, admin: Caller, members: dict[str, Account]) -> None:
        self.admin = admin
        self._members = members
        self._number = 0
        self.place = make_place(admin, members)

    def renew(self) -> None:
        """Another place: the last one was changed."""
        self.place = make_place(self.admin, self._members)

    def since(self, mark: int) -> list[dict[str, Any]]:
        """What people did after the row with the id `mark`, the oldest first. The system works beside them."""
        entries = self.admin.send("GET", "/audit?page_size=100").json()["entries"]
        found = (one for one in entries if one["id"] > mark and one["username"] != "system")
        return sorted(found, key=lambda one: int(one["id"]))

    def mark(self) -> int:
        """The highest id of the newest rows; the system's own may have come in another order than their times say."""
        entries = self.admin.send("GET", "/audit?page_size=100").json()["entries"]
        return max(int(one["id"]) for one in entries)

    def ask(
        self,
        caller: Caller,
        operation: str,
        more: dict[str, str] | None = None,
        *,
        beside: dict[str, Any] | None = None,
    ) -> Any:
        """Send an operation; more values for its path, and what stands in its body beside what has to."""
        told = AUDITED.get(operation)
        recipe = (told.recipe if told else None) or RECIPES.get(operation, Recipe())
        handler = {**CHANGING, **READING}[operation]
        ids = {**_VALUES, **self.place.ids, **recipe.path(self.place), **(more or {})}
        query = recipe.query.format(**ids)
        target = _path(handler).replace("{", "{0[").replace("}", "]}").format(ids)
        (method,) = set(handler.http_methods) - {"OPTIONS"} if "HEAD" not in handler.http_methods else ("GET",)
        body = recipe.body(self.place)
        if isinstance(body, dict) and beside:
            body = {**beside, **body}
        return caller.send(method, target + (f"?{query}" if query else ""), body)

    def prepare(self, operation: str) -> dict[str, str]:
        """A name that nothing has, and what else the operation needs."""
        self._number += 1
        self.place = dataclasses.replace(self.place, unused=f"{operation.lower()}{self._number}")
        told = AUDITED[operation]
        (told.recipe or RECIPES.get(operation, Recipe())).path(self.place)  # what is made late is made now
        before = told.before
        return before(self.admin, self.place) if before else {}

    def names(self, more: dict[str, str]) -> dict[str, str]:
        """What is written in braces."""
        number = self.place.ids["project_name"].removeprefix("place")
        return {**self.place.ids, **more, "unused": self.place.unused, "number": number}


_VALUES = {"task_id": "1", "eid": "1", "delivery_id": "1", "execution_id": "1", "addition": "build_history"}
_VALUES |= {"token_id": "1", "digest": "sha256:" + "0" * 64}


@pytest.fixture(scope="module")
def log(admin: Caller, moorage: Moorage) -> Log:
    """The log of a server with one of everything."""
    return Log(admin, {"project_admin": moorage.create_user("ruler")})


def test_each_operation_that_changes_something_says_what_is_written() -> None:
    known = (AUDITED.keys(), WRITES_NOTHING.keys(), ELSEWHERE.keys())
    told = Counter(name for part in known for name in part)
    assert CHANGING.keys() - told.keys() == set(), "say in AUDITED what it writes"
    assert told.keys() - CHANGING.keys() == set()
    assert max(told.values()) == 1
    for operation, file in ELSEWHERE.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        assert "FROM audit" in text, operation


def test_what_is_written_can_be_left_out_by_its_name() -> None:
    assert {"_".join(told.event) for told in AUDITED.values()} - set(AUDIT_EVENTS) == set()


@pytest.mark.parametrize("operation", AUDITED)
def test_a_change_is_one_row(operation: str, log: Log) -> None:
    told, more = AUDITED[operation], log.prepare(operation)
    mark = log.mark()
    answer = log.ask(log.admin, operation, more)
    assert answer.status_code < 300, answer.text
    rows = log.since(mark)
    names = log.names(more)
    if set(CHANGING[operation].http_methods) & {"DELETE"} or operation in ONCE:
        log.renew()
    rows = [one for one in rows if (one["operation"], one["resource_type"]) != _ENDS.get(operation)]
    assert [(one["operation"], one["resource_type"]) for one in rows] == [told.event]
    (row,) = rows
    assert (row["username"], row["credential"], row["address"]) == ("admin", "password", "127.0.0.1")
    assert row["operation_result"] is True
    assert row["repeats"] == 1
    assert row["request_id"] == answer.headers["x-request-id"]
    assert row["resource"] == told.resource.format(**names) or not told.resource


ONCE = {
    *("createProjectMember", "addProjectMetadatas", "addLabel", "CopyArtifact", "setUserSysAdmin", "updateProject"),
    *("updateProjectMetadata", "restoreTrash", "createTag", "pointTag", "createRetention"),
    "startReplication",
}
"""Beside what deletes: operations after which others would change nothing in the place, say another name, or be refused
while what was begun runs."""


_ENDS = {"deleteRetention": ("stop", "execution")}
"""What an operation ends by the way, where that still runs: another act on another thing, and a row of its own."""


def _refused(told: Told, needs: Needs, names: dict[str, str]) -> tuple[str, str, str] | None:
    """Operation, type and resource of the row of a refusal. None: everybody who signed in may do it of themselves."""
    if told.refused is not None:
        permission, _, name = *told.refused[:1], "", told.refused[1]
        resource, _, action = permission.partition(":")
        return action, resource, name.format(**names)
    if needs.level == "project":
        return needs.action, needs.resource, names["project_name"]
    if needs.level == "system":
        return needs.action, needs.resource, "system"
    return None


def test_a_refusal_is_a_row_too(log: Log, moorage: Moorage) -> None:
    """All of them by one stranger; the same refusal again within a minute is counted in its row."""
    stranger = Caller(moorage, moorage.create_user("stranger"))
    expected: Counter[tuple[str, str, str]] = Counter()
    prepared = {operation: log.prepare(operation) for operation in AUDITED}
    mark = log.mark()
    for operation, more in prepared.items():
        told = AUDITED[operation]
        names = log.names(more)
        if operation == "deleteProject":
            names["project_name"] = names["empty_project"]
        row = _refused(told, CHANGING[operation].opt["needs"], names)
        if row is not None:
            answer = log.ask(stranger, operation, more)
            assert answer.status_code == 403, (operation, answer.text)
            expected[row] += 1
    rows = _wait(log, mark, sum(expected.values()))
    assert {(one["username"], one["credential"], one["operation_result"]) for one in rows} == {
        ("stranger", "password", False)
    }
    found = Counter({(one["operation"], one["resource_type"], one["resource"]): one["repeats"] for one in rows})
    assert found == expected
    assert len(rows) == len(expected)


def _wait(log: Log, mark: int, count: int) -> list[dict[str, Any]]:
    """The rows after `mark`, once `count` acts are written."""
    end = time.monotonic() + 60
    while sum(one["repeats"] for one in log.since(mark)) < count and time.monotonic() < end:
        time.sleep(0.1)
    return log.since(mark)


def test_reading_leaves_nothing(log: Log, moorage: Moorage) -> None:
    """Nor does a challenge to somebody who brought no credentials."""
    assert log.place.ids["retention_run"]
    mark = log.mark()
    for operation in READING:
        assert log.ask(log.admin, operation).status_code < 500, operation
    for operation in (*READING, *CHANGING):
        assert log.ask(Caller(moorage), operation).status_code < 500, operation
    time.sleep(2 * DELAY_SECONDS)
    assert log.since(mark) == []


def test_a_wrong_password_is_a_row_and_the_same_again_is_counted(log: Log, moorage: Moorage) -> None:
    mark = log.mark()
    for _ in range(3):
        assert Caller(moorage, Account("nobody", "wrong-passw0rd")).send("GET", "/users/current").status_code == 401
    (row,) = _wait(log, mark, 3)
    assert (row["operation"], row["resource_type"], row["resource"]) == ("login", "user", "nobody")
    assert (row["operation_result"], row["repeats"], row["address"]) == (False, 3, "127.0.0.1")
