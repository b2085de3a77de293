"""For each built operation of the contract: what to send so that it does its work, where there is one of everything.

A built operation without a row here fails the contract test.
"""

import base64
import dataclasses
import hashlib
import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from tests.rest.conftest import Caller
from tests.serving import Account

_number = itertools.count(1)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Ids(dict[str, str]):
    """Values of parameters; some of them are made when they are first asked for, because few ask and they take long."""

    def __init__(self, values: Mapping[str, str], late: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(values)
        self.late = late

    def __missing__(self, key: str) -> str:
        """One that is made late.

        Raises:
            KeyError: nothing is called so.
        """
        if key not in LATE:
            raise KeyError(key)
        self.update(self.late())
        return self[key]


LATE = ("retention_run", "retention_task")


@dataclasses.dataclass(frozen=True)
class Place:
    """A project with one of everything: the values of the parameters of paths.

    Attributes:
        ids: but for `LATE` all are there; whoever looks what changes asks for those first.
        unused: a name that nothing has yet, another one for each request.
    """

    ids: Ids
    unused: str


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A request.

    Attributes:
        query: what follows the `?`.
        empty: the reply may be an empty list or object, and why.
    """

    query: str = ""
    body: Callable[[Place], Any] = lambda _: None
    path: Callable[[Place], Mapping[str, str]] = lambda _: {}
    empty: str = ""


def _body(value: Any) -> Callable[[Place], Any]:
    return lambda _: value


def _permissions(place: Place, name: str) -> dict[str, Any]:
    access = [{"resource": "repository", "action": "pull"}]
    one = {"kind": "project", "namespace": place.ids["project_name"], "access": access}
    return {"name": name, "level": "project", "duration": 7, "permissions": [one]}


def rule(tag: str) -> dict[str, Any]:
    """An immutable tag rule."""
    return {
        "disabled": False,
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tag}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "none"}]},
    }


def _registry(place: Place, name: str) -> dict[str, Any]:
    """An endpoint: the server itself."""
    return {"name": name, "type": "docker-registry", "url": place.ids["registry_url"], "description": "ourselves"}


_OF_REGISTRY: Callable[[Place], Mapping[str, str]] = lambda place: {"id": place.ids["registry_id"]}  # noqa: E731 - short
DAILY = {"type": "Daily", "cron": "0 0 0 * * *"}
_GC = {"schedule": DAILY, "parameters": {"delete_untagged": True, "dry_run": True, "workers": 2}}
_PURGE = {"schedule": DAILY, "parameters": {"audit_retention_hour": 24, "include_event_types": "pull_artifact,other"}}


def _retention(project: str) -> dict[str, Any]:
    """A policy that keeps everything."""
    selector = {"kind": "doublestar", "pattern": "**"}
    one = {
        "action": "retain",
        "template": "always",
        "tag_selectors": [{**selector, "decoration": "matches"}],
        "scope_selectors": {"repository": [{**selector, "decoration": "repoMatches"}]},
    }
    trigger = {"kind": "Schedule", "settings": {"cron": "0 0 1 * * *"}}
    scope = {"level": "project", "ref": int(project)}
    return {"algorithm": "or", "rules": [one], "trigger": trigger, "scope": scope}


def _webhook(name: str) -> dict[str, Any]:
    """A policy whose target never answers."""
    target = {"type": "http", "address": "http://127.0.0.1:1/", "auth_header": "Bearer x", "skip_cert_verify": False}
    return {"name": name, "enabled": True, "event_types": ["PUSH_ARTIFACT"], "targets": [target]}


def _of_webhook(place: Place) -> dict[str, str]:
    return {"execution_id": place.ids["webhook_run"], "task_id": place.ids["webhook_task"]}


def _with_retention(place: Place) -> dict[str, str]:
    return {"id": place.ids["retention_id"]}


def _of_retention(place: Place) -> dict[str, str]:
    return {"id": place.ids["retention_id"], "eid": place.ids["retention_run"], "tid": place.ids["retention_task"]}


def _run_retention(admin: Caller, policy: str, project: str) -> Mapping[str, str]:
    """A dry run, to its end: the ids of its execution and of its task."""
    # What was asked before may have left the policy without rules, or the project without an image.
    assert admin.send("PUT", f"/retentions/{policy}", _retention(project)).status_code == 200
    push(admin, f"{admin.send('GET', f'/projects/{project}').json()['name']}/looked-at", "v1")
    run = admin.make(f"/retentions/{policy}/executions", {"dry_run": True})
    tasks: Any = []
    for _ in range(600):
        tasks = admin.send("GET", f"/retentions/{policy}/executions/{run}/tasks").json()
        if tasks and tasks[0]["status"] == "Success":
            return {"retention_run": run, "retention_task": str(tasks[0]["id"])}
        time.sleep(0.05)
    runs = admin.send("GET", f"/retentions/{policy}/executions").json()
    raise TimeoutError(f"the dry run {run} does not end: {tasks}, {runs}")


def _replication(place: Place, name: str) -> dict[str, Any]:
    """A policy that takes nothing, to the server itself."""
    trigger = {"type": "scheduled", "trigger_settings": {"cron": "0 0 1 * * *"}}
    filters = [{"type": "name", "value": f"{place.ids['project_name']}/none"}]
    other = {"id": int(place.ids["other_registry"])}
    return {"name": name, "dest_registry": other, "trigger": trigger, "filters": filters, "enabled": True}


def _of_policy(place: Place) -> dict[str, str]:
    return {"id": place.ids["replication_id"]}


def _of_replication(place: Place) -> dict[str, str]:
    return {"id": place.ids["replication_run"], "task_id": place.ids["replication_task"]}


_runs: dict[int, Mapping[str, str]] = {}


def _run_replication(admin: Caller, place: Place) -> Mapping[str, str]:
    """A run that pushed an image to the server itself, to its end: one for all places of a server."""
    if admin.moorage.port not in _runs:
        _runs[admin.moorage.port] = _begin_replication(admin, place)
    return _runs[admin.moorage.port]


def _begin_replication(admin: Caller, place: Place) -> Mapping[str, str]:
    project = place.ids["project_name"]
    sent = _replication(place, f"run-of-{project}") | {"filters": [{"type": "name", "value": f"{project}/app*"}]}
    policy = admin.make("/replication/policies", sent)
    run = admin.make("/replication/executions", {"policy_id": int(policy)})
    for _ in range(600):
        if admin.send("GET", f"/replication/executions/{run}").json()["status"] != "InProgress":
            tasks = admin.send("GET", f"/replication/executions/{run}/tasks").json()
            task = str(tasks[0]["id"])
            return {"replication_policy": policy, "replication_run": run, "replication_task": task}
        time.sleep(0.05)
    raise TimeoutError(run)


_PERSON = {"realname": "A Person", "comment": "here"}
_FEW = Recipe()

RECIPES: dict[str, Recipe] = {
    "listRegistries": _FEW,
    "createRegistry": Recipe(body=lambda place: _registry(place, place.unused)),
    "pingRegistry": Recipe(body=lambda place: _registry(place, "")),
    "getRegistry": Recipe(path=_OF_REGISTRY),
    "updateRegistry": Recipe(path=_OF_REGISTRY, body=_body({"description": "changed"})),
    "deleteRegistry": Recipe(path=_OF_REGISTRY),
    "getRegistryInfo": Recipe(path=_OF_REGISTRY),
    "listRegistryProviderTypes": _FEW,
    "listRegistryProviderInfos": _FEW,
    "listUsers": _FEW,
    "createUser": Recipe(
        body=lambda place: {
            **_PERSON,
            "username": place.unused,
            "email": f"{place.unused}@example.org",
            "password": "Passw0rd-1",
        }
    ),
    "getCurrentUserInfo": _FEW,
    "searchUsers": Recipe("username=victim"),
    "getUser": _FEW,
    "updateUserProfile": Recipe(body=lambda place: {**_PERSON, "email": f"{place.unused}@example.org"}),
    "deleteUser": _FEW,
    "setUserLock": Recipe(body=_body({"locked": True})),
    "setUserSysAdmin": Recipe(body=_body({"sysadmin_flag": False})),
    "updateUserPassword": Recipe(body=lambda place: {"new_password": "Other-Pass" + place.unused}),
    "getCurrentUserPermissions": Recipe("scope=/project/1&relative=true"),
    "getPermissions": _FEW,
    "listUserGroups": _FEW,
    "createUserGroup": Recipe(
        body=lambda place: {"group_name": place.unused, "group_type": 1, "ldap_group_dn": f"cn={place.unused},dc=x"}
    ),
    "searchUserGroups": Recipe("groupname=group"),
    "getUserGroup": _FEW,
    "updateUserGroup": Recipe(body=lambda place: {"group_name": place.unused}),
    "deleteUserGroup": _FEW,
    "ListRobot": Recipe("q=Level%3Dproject,ProjectID%3D{project_id}"),
    "CreateRobot": Recipe(body=lambda place: _permissions(place, place.unused)),
    "GetRobotByID": _FEW,
    "UpdateRobot": Recipe(
        body=lambda place: {
            **_permissions(place, place.ids["robot_name"]),
            "id": int(place.ids["robot_id"]),
            "description": "changed",
        }
    ),
    "RefreshSec": Recipe(body=_body({})),
    "DeleteRobot": _FEW,
    "listProjects": _FEW,
    "headProject": Recipe("project_name=library"),
    "createProject": Recipe(body=lambda place: {"project_name": place.unused, "metadata": {"public": "true"}}),
    "getProject": _FEW,
    "updateProject": Recipe(body=_body({"metadata": {"auto_scan": "true"}})),
    "deleteProject": Recipe(path=lambda place: {"project_name_or_id": place.ids["empty_project"]}),
    "getProjectDeletable": _FEW,
    "getProjectSummary": _FEW,
    "listProjectMetadatas": _FEW,
    "addProjectMetadatas": Recipe(body=_body({"prevent_vul": "true"})),
    "getProjectMetadata": _FEW,
    "updateProjectMetadata": Recipe(body=_body({"auto_scan": "true"})),
    "deleteProjectMetadata": _FEW,
    "listProjectMembers": _FEW,
    "createProjectMember": Recipe(
        body=lambda place: {"role_id": 3, "member_user": {"username": place.ids["second_name"]}}
    ),
    "getProjectMember": _FEW,
    "updateProjectMember": Recipe(body=_body({"role_id": 2})),
    "deleteProjectMember": _FEW,
    "getGCHistory": _FEW,
    "getGC": _FEW,
    "stopGC": _FEW,
    "getGCLog": Recipe(empty="it may wait for a worker; tests/jobs reads it"),
    "getGCSchedule": _FEW,
    "createGCSchedule": Recipe(body=_body(_GC)),
    "updateGCSchedule": Recipe(body=_body(_GC)),
    "getPurgeHistory": _FEW,
    "getPurgeJob": _FEW,
    "stopPurge": _FEW,
    "getPurgeJobLog": Recipe(empty="as getGCLog"),
    "getPurgeSchedule": _FEW,
    "createPurgeSchedule": Recipe(body=_body(_PURGE)),
    "updatePurgeSchedule": Recipe(body=_body(_PURGE)),
    "getWorkerPools": Recipe(empty="on SQLite there is a process only while there is work; tests/jobs looks at it"),
    "getWorkers": Recipe(empty="as getWorkerPools"),
    "stopRunningJob": _FEW,
    "actionGetJobLog": Recipe(empty="as getGCLog"),
    "listJobQueues": _FEW,
    "actionPendingJobs": Recipe(body=_body({"action": "resume"})),
    "listSchedules": _FEW,
    "getSchedulePaused": _FEW,
    "listQuotas": _FEW,
    "getQuota": _FEW,
    "updateQuota": Recipe(body=_body({"hard": {"storage": 1_000_000_000}})),
    "listAuditLogExts": _FEW,
    "getLogExts": _FEW,
    "listAuditLogs": Recipe(empty="the older form shows what happens to artifacts; others are asked in test_audit.py"),
    "getLogs": Recipe(empty="as listAuditLogs"),
    "listAuditLogEventTypes": _FEW,
    "listAllRepositories": _FEW,
    "listRepositories": _FEW,
    "getRepository": _FEW,
    "updateRepository": Recipe(body=_body({"description": "words"})),
    "deleteRepository": _FEW,
    "listArtifacts": Recipe("with_tag=true&with_label=true&with_accessory=true"),
    "listArtifactsOfProject": _FEW,
    "getArtifact": Recipe("with_tag=true&with_label=true"),
    "deleteArtifact": _FEW,
    "CopyArtifact": Recipe(
        path=lambda _: {"repository_name": "copy"},
        body=_body(None),
        query="from={project_name}/app%40{digest}",
    ),
    "listAccessories": Recipe(empty="the image of the place is not signed"),
    "getAddition": Recipe(path=lambda _: {"addition": "build_history"}),
    "listTags": _FEW,
    "createTag": Recipe(body=lambda place: {"name": place.unused}),
    "deleteTag": _FEW,
    "ListLabels": Recipe("scope=p&project_id={project_id}"),
    "CreateLabel": Recipe(
        body=lambda place: {"name": place.unused, "scope": "p", "project_id": int(place.ids["project_id"])}
    ),
    "GetLabelByID": _FEW,
    "UpdateLabel": Recipe(body=lambda place: {"name": place.unused, "color": "#fff"}),
    "DeleteLabel": _FEW,
    "addLabel": Recipe(body=lambda place: {"id": int(place.ids["second_label"])}),
    "removeLabel": _FEW,
    "ListImmuRules": _FEW,
    "CreateImmuRule": Recipe(body=lambda place: rule(place.unused)),
    "UpdateImmuRule": Recipe(body=lambda place: {**rule(place.unused), "id": int(place.ids["immutable_rule_id"])}),
    "DeleteImmuRule": _FEW,
    "getRentenitionMetadata": _FEW,
    "createRetention": Recipe(body=lambda place: _retention(place.ids["empty_id"])),
    "getRetention": Recipe(path=_with_retention),
    "updateRetention": Recipe(body=lambda place: _retention(place.ids["project_id"]), path=_with_retention),
    "deleteRetention": Recipe(path=_with_retention),
    "triggerRetentionExecution": Recipe(body=_body({"dry_run": True}), path=_with_retention),
    "listRetentionExecutions": Recipe(path=_of_retention),
    "operateRetentionExecution": Recipe(body=_body({"action": "stop"}), path=_of_retention),
    "listRetentionTasks": Recipe(path=_of_retention),
    "getRetentionTaskLog": Recipe(path=_of_retention),
    "listReplicationPolicies": _FEW,
    "createReplicationPolicy": Recipe(body=lambda place: _replication(place, place.unused)),
    "getReplicationPolicy": Recipe(path=_of_policy),
    "updateReplicationPolicy": Recipe(path=_of_policy, body=_body({"description": "changed"})),
    "deleteReplicationPolicy": Recipe(path=_of_policy),
    "listReplicationExecutions": Recipe("policy_id={replication_policy}"),
    "startReplication": Recipe(body=lambda place: {"policy_id": int(place.ids["replication_id"])}),
    "getReplicationExecution": Recipe(path=_of_replication),
    "stopReplication": Recipe(path=_of_replication),
    "listReplicationTasks": Recipe(path=_of_replication),
    "getReplicationLog": Recipe(path=_of_replication),
    "ListWebhookPoliciesOfProject": _FEW,
    "CreateWebhookPolicyOfProject": Recipe(body=lambda place: _webhook(place.unused)),
    "GetWebhookPolicyOfProject": _FEW,
    "UpdateWebhookPolicyOfProject": Recipe(body=_body({"description": "changed"})),
    "DeleteWebhookPolicyOfProject": _FEW,
    "ListExecutionsOfWebhookPolicy": _FEW,
    "ListTasksOfWebhookExecution": Recipe(path=_of_webhook),
    "GetLogsOfWebhookTask": Recipe(path=_of_webhook),
    "LastTrigger": _FEW,
    "ListWebhookJobs": Recipe("policy_id={webhook_policy_id}"),
    "GetSupportedEventTypes": _FEW,
    "getConfigurations": _FEW,
    "getInternalconfig": _FEW,
    "updateConfigurations": Recipe(body=_body({"robot_token_duration": 30})),
    "getPing": _FEW,
    "getHealth": _FEW,
    "getSystemInfo": _FEW,
    "getVolumes": _FEW,
    "getStatistic": _FEW,
    "search": Recipe("q={project_name}"),
    "getSystemCVEAllowlist": _FEW,
    "putSystemCVEAllowlist": Recipe(body=_body({"items": [{"cve_id": "CVE-2026-0001"}]})),
}

CONSUMES = frozenset(
    {"createProjectMember", "addProjectMetadatas", "addLabel", "CopyArtifact", "createRetention", "startReplication"}
)
"""Beside what deletes: operations that cannot be done twice in one place, or leave something that still runs."""

ELSEWHERE: dict[str, str] = {
    "setCliSecret": "tests/api/test_oidc.py",
    "pingOIDC": "tests/api/test_oidc.py",
    "pingLdap": "tests/api/test_ldap_api.py",
    "searchLdapUser": "tests/api/test_ldap_api.py",
    "importLdapUser": "tests/api/test_ldap_api.py",
    "searchLdapGroup": "tests/api/test_ldap_api.py",
    "getCert": "tests/api/test_system_api.py",
    "getIcon": "tests/api/test_artifacts_api.py",
}
"""Operations whose work needs more than a server: a directory, a provider, a file of the administrator's. Here only
their refusals are held against the contract; their work is in the named file."""


def push(caller: Caller, repository: str, tag: str) -> str:
    """Push a small image over /v2; its digest."""
    assert caller.account is not None
    url, auth = caller.moorage.url, (caller.account.username, caller.account.password)
    scope = f"repository:{repository}:pull,push"
    token = httpx.get(
        f"{url}/service/token", params={"service": "harbor-registry", "scope": scope}, auth=auth, timeout=60
    ).json()
    headers = {"authorization": f"Bearer {token['token']}"}

    def blob(data: bytes, kind: str) -> dict[str, Any]:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        done = httpx.post(
            f"{url}/v2/{repository}/blobs/uploads/?digest={digest}", content=data, headers=headers, timeout=60
        )
        assert done.status_code == 201, done.text
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    config = {
        "created": "2026-01-01T00:00:00Z", "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": repository}],
    }  # fmt: skip
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [blob(f"layer of {repository}".encode(), "application/vnd.oci.image.layer.v1.tar")],
    }
    put = {**headers, "content-type": MANIFEST}
    done = httpx.put(
        f"{url}/v2/{repository}/manifests/{tag}", content=json.dumps(manifest).encode(), headers=put, timeout=60
    )
    assert done.status_code == 201, done.text
    return done.headers["docker-content-digest"]


ROLES = {"guest": 3, "developer": 2, "maintainer": 4, "project_admin": 1}


def make_place(admin: Caller, members: Mapping[str, Account], *, word: str = "") -> Place:
    """A new project with one of everything, where `members` have the roles of their names.

    `word` ends the names of its repository and tag, so that those of two projects differ.
    """
    number = next(_number)
    name = f"place{number}"
    project = admin.make("/projects", {"project_name": name, "metadata": {"public": "false", "auto_scan": "false"}})
    for role, account in members.items():
        admin.make(f"/projects/{name}/members", {"role_id": ROLES[role], "member_user": {"username": account.username}})
    people = {}
    for who in ("victim", "second"):
        person = {"username": f"{who}{number}", "email": f"{who}{number}@example.org", "password": "Passw0rd-1"}
        people[who] = admin.make("/users", {**_PERSON, **person})
    member = admin.make(f"/projects/{name}/members", {"role_id": 3, "member_user": {"username": f"victim{number}"}})
    group = {"group_name": f"group{number}", "group_type": 1, "ldap_group_dn": f"cn=group{number},dc=example"}
    given = {
        "project_name": name, "project_name_or_id": name, "project_id": project, "mid": member,
        "user_id": people["victim"], "second_name": f"second{number}", "username": f"victim{number}",
        "group_id": admin.make("/usergroups", group), "repository_name": f"app{word}",
        "reference": f"v1{word}", "tag_name": f"v1{word}",
        "meta_name": "auto_scan", "empty_project": f"empty{number}", "addition": "build_history",
    }  # fmt: skip
    ids = Ids(given, lambda: _run_retention(admin, ids["retention_id"], project))
    for path, body in (("/system/gc/schedule", _GC), ("/system/purgeaudit/schedule", _PURGE)):
        assert admin.send("PUT", path, body).status_code == 200
    now = {"schedule": {"type": "Manual"}, "parameters": {"audit_retention_hour": 24, "include_event_types": "other"}}
    ids |= {"gc_id": admin.make("/system/gc/schedule", now), "purge_id": admin.make("/system/purgeaudit/schedule", now)}
    ids |= {"pool_id": "all", "job_id": "1", "job_type": "GARBAGE_COLLECTION"}
    ids["webhook_policy_id"] = admin.make(f"/projects/{name}/webhook/policies", _webhook("here"))
    ids["digest"] = push(admin, f"{name}/app{word}", f"v1{word}")
    ids["empty_id"] = admin.make("/projects", {"project_name": f"empty{number}"})
    runs = f"/projects/{name}/webhook/policies/{ids['webhook_policy_id']}/executions"
    ids["webhook_run"] = str(admin.send("GET", runs).json()[0]["id"])
    ids["webhook_task"] = str(admin.send("GET", f"{runs}/{ids['webhook_run']}/tasks").json()[0]["id"])
    ids["retention_id"] = admin.make("/retentions", _retention(project))
    if "project_admin" in members:
        body = {"role_id": 1, "member_user": {"username": members["project_admin"].username}}
        admin.make(f"/projects/empty{number}/members", body)
    label = {"scope": "p", "project_id": int(project)}
    ids["label_id"] = admin.make("/labels", {**label, "name": "first"})
    ids["second_label"] = admin.make("/labels", {**label, "name": "second"})
    labels = f"/projects/{name}/repositories/app{word}/artifacts/v1{word}/labels"
    assert admin.send("POST", labels, {"id": int(ids["label_id"])}).status_code == 200
    ids["immutable_rule_id"] = admin.make(f"/projects/{name}/immutabletagrules", rule("old"))
    quotas = admin.send("GET", f"/quotas?reference=project&reference_id={project}").json()
    ids["id"] = str(quotas[0]["id"])
    ids["registry_url"] = admin.moorage.url
    place = Place(ids, f"unused{number}")
    ids["registry_name"] = f"registry{number}"
    ids["registry_id"] = admin.make("/registries", _registry(place, ids["registry_name"]))
    ids["other_registry"] = admin.make("/registries", _registry(place, f"other{number}"))
    ids["replication_id"] = admin.make("/replication/policies", _replication(place, f"replication-of-{name}"))
    ids |= _run_replication(admin, place)
    robot = admin.send("POST", "/robots", _permissions(place, "here"))
    assert robot.status_code == 201, robot.text
    ids |= {"robot_id": str(robot.json()["id"]), "robot_name": robot.json()["name"]}
    return place


def basic(account: Account) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{account.username}:{account.password}".encode()).decode()
