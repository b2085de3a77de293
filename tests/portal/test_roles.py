"""Each role sees its own: what a page offers is what the server allows, and what it does not offer is refused."""

import json
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.clients import images
from tests.parts import Parts
from tests.parts.skopeo import Skopeo
from tests.portal.conftest import Pusher, Reader
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True

ROLES = {"project-admin": 1, "maintainer": 4, "developer": 2, "guest": 3, "limited-guest": 5}
API = "/api/v2.0"
PROJECT = f"{API}/projects/roles"
WITH_BUTTONS = {
    "Members": ("members", ""), "Robots": ("robots", ""), "Labels": ("labels", ""), "Webhooks": ("webhooks", ""),
    "Settings": ("settings", ""), "Retention": ("policy/retention", "that were pushed last"),
    "Immutability": ("policy/immutability", "v1.*"), "Trash": ("trash", "gone"),
}  # fmt: skip
"""Tabs whose pages offer more, where somebody has the tab: its address, and what stands there once all is there."""

ASKS: dict[str, tuple[str, str, Any]] = {
    "Members": ("GET", f"{PROJECT}/members", None),
    "Robots": ("GET", f"{API}/robots?q=Level%3Dproject%2CProjectID%3DPROJECT_ID", None),
    "Labels": ("POST", f"{API}/labels", {"scope": "p", "project_id": "PROJECT_ID", "name": ""}),
    "Webhooks": ("GET", f"{PROJECT}/webhook/policies", None),
    "Logs": ("GET", f"{PROJECT}/logs", None),
    "Settings": ("GET", f"{PROJECT}/metadatas/public", None),
    "Trash": ("GET", f"{PROJECT}/trash", None),
    "Retention": ("GET", f"{API}/retentions/RETENTION", None),
    "Immutability": ("GET", f"{PROJECT}/immutabletagrules", None),
    "Retention: Add rule": ("PUT", f"{API}/retentions/RETENTION", {"algorithm": "none"}),
    "Retention: Dry run": ("PATCH", f"{API}/retentions/RETENTION/executions/0", {"action": "stop"}),
    "Retention: Run now…": ("PATCH", f"{API}/retentions/RETENTION/executions/0", {"action": "stop"}),
    "Immutability: Add rule": ("POST", f"{PROJECT}/immutabletagrules", {}),
    "Immutability: Actions for rule 1": ("PUT", f"{PROJECT}/immutabletagrules/0", {}),
    "Trash: Actions for gone": ("POST", f"{API}/trash/TRASH_ID/restore", {"names": {"roles/gone": "!"}}),
    "Push commands": ("POST", "/v2/roles/app/blobs/uploads/", None),
    "Delete tag…": ("DELETE", f"{PROJECT}/repositories/app/artifacts/1.0.0/tags/none-such", None),
    "Add member": ("POST", f"{PROJECT}/members", {"member_user": {"username": "nobody-here"}, "role_id": 3}),
    "New robot": ("POST", f"{API}/robots", {
        "name": "", "level": "project", "duration": 1, "permissions": [
            {"kind": "project", "namespace": "roles", "access": [{"resource": "repository", "action": "pull"}]},
        ],
    }),
    "Copy to roles": ("POST", f"{PROJECT}/repositories/copied/artifacts?from=roles/app:none-such", None),
    "New label": ("POST", f"{API}/labels", {"scope": "p", "project_id": "PROJECT_ID", "name": ""}),
    "New webhook": ("POST", f"{PROJECT}/webhook/policies", {"name": "", "targets": [], "event_types": []}),
    "Delete project…": ("DELETE", PROJECT, None),
}  # fmt: skip
"""By what a page offers, what it would ask the server. What is asked here is refused for its content, or reads."""


OPTIONS = "[...document.querySelectorAll('[role=option]')].map((one) => one.textContent)"
PAGES: dict[str, tuple[str, str, Any]] = {
    "users": ("GET", "/users", None), "groups": ("POST", "/usergroups", {}), "registries": ("GET", "/registries", None),
    "replications": ("GET", "/replication/policies", None), "quotas": ("GET", "/quotas", None),
    "usage": ("GET", "/usage", None), "gc": ("GET", "/system/gc", None), "audit": ("GET", "/system/purgeaudit", None),
    "jobs": ("GET", "/jobservice/queues", None), "schedules": ("GET", "/schedules", None),
    "settings": ("GET", "/configurations", None), "labels": ("POST", "/labels", {"scope": "g", "name": ""}),
    "health": ("GET", "/health/findings", None), "robots": ("GET", "/robots", None),
}  # fmt: skip
"""By an administrator's page, what it asks that nobody else may; a change is refused for its content."""


@dataclass(frozen=True)
class Roles:
    """What was made.

    Attributes:
        accounts: one of each role in the private project `roles`, and the administrator.
        ids: what stands in `ASKS` for ids.
    """

    accounts: dict[str, Account]
    ids: dict[str, str]


@pytest.fixture(scope="module")
def made(moorage: Moorage, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Roles:
    """Two projects, one of them private with an artifact, rules and something in the trash."""
    found = {role: Account(f"a-{role}", f"A-{role}-of-t3sts") for role in ROLES}
    with httpx.Client(base_url=moorage.url, auth=_auth(moorage.admin), trust_env=False, timeout=60) as admin:
        for name in ("roles", "open"):
            project = {"project_name": name, "metadata": {"public": str(name == "open").lower()}}
            assert admin.post(f"{API}/projects", json=project).status_code == 201
        for role, account in found.items():
            person = {"username": account.username, "password": account.password, "realname": role}
            assert admin.post(f"{API}/users", json={**person, "email": f"{role}@example.com"}).status_code == 201
            member = {"member_user": {"username": account.username}, "role_id": ROLES[role]}
            assert admin.post(f"{PROJECT}/members", json=member).status_code == 201
        pusher = Pusher(parts.get("skopeo", Skopeo).program, tmp_path_factory.mktemp("roles"), moorage)
        pusher.push(images.image("roles", size_bytes=9_000), "roles/app:1.0.0", "roles/gone:1.0.0", "open/app:1.0.0")
        assert admin.delete(f"{PROJECT}/repositories/gone").status_code == 200
        number = admin.get(PROJECT).json()["project_id"]
        selector = {"kind": "doublestar", "pattern": "**"}
        scopes = {"repository": [{**selector, "decoration": "repoMatches"}]}
        tags = {"kind": "doublestar", "decoration": "matches", "pattern": "v1.*"}
        kept = {
            "action": "retain", "template": "latestPushedK", "params": {"latestPushedK": 3}, "tag_selectors": [tags],
            "scope_selectors": scopes,
        }  # fmt: skip
        policy = {
            "algorithm": "or", "rules": [kept], "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
            "scope": {"level": "project", "ref": number},
        }  # fmt: skip
        answer = admin.post(f"{API}/retentions", json=policy)
        assert answer.status_code == 201, answer.text
        fixed = {
            "disabled": False, "action": "immutable", "template": "immutable_template", "tag_selectors": [tags],
            "scope_selectors": scopes,
        }  # fmt: skip
        assert admin.post(f"{PROJECT}/immutabletagrules", json=fixed).status_code == 201
        trash = {one["name"]: one["id"] for one in admin.get(f"{PROJECT}/trash").json()}
    ids = {"PROJECT_ID": str(number), "RETENTION": answer.headers["location"].rpartition("/")[2]}
    return Roles({**found, "administrator": moorage.admin}, {**ids, "TRASH_ID": str(trash["roles/gone"])})


def _auth(account: Account) -> tuple[str, str]:
    return account.username, account.password


def offered(reader: Reader) -> set[str]:
    """What stands in the page to be pressed, by its name."""
    reader.settle()
    reader._look()
    kinds = "[data-tabs] a, main button, main input[type=checkbox]"
    seen = "(one) => one.matches('[data-tabs] a') || window.__seen(one)"  # a tab that does not fit is in a menu
    said = f"[...document.querySelectorAll({json.dumps(kinds)})].filter({seen}).map(window.__name)"
    return {str(name) for name in reader.page.value(said)}


def allowed(moorage: Moorage, made: Roles, account: Account | None) -> set[str]:
    """What of `ASKS` the server does not refuse to somebody."""
    auth = None if account is None else _auth(account)
    with httpx.Client(base_url=moorage.url, auth=auth, trust_env=False, timeout=60) as client:
        found: set[str] = set()
        for name, (method, path, content) in ASKS.items():
            body = json.dumps(content).replace('"PROJECT_ID"', made.ids["PROJECT_ID"])
            url = re.sub("|".join(made.ids), lambda word: made.ids[word[0]], path)
            reply = client.request(method, url, json=None if content is None else json.loads(body))
            assert reply.status_code < 500, (name, reply.text)
            if reply.status_code not in {401, 403}:
                found.add(name)
    return found


@pytest.mark.parametrize("role", [*ROLES, "administrator"])
def test_pages_offer_what_the_server_allows(reader: Reader, moorage: Moorage, made: Roles, role: str) -> None:
    account = made.accounts[role]
    reader.enter("/projects/roles/repositories/app", "app", account)
    reader.press("Select 1.0.0")
    reader.see("1 selected")
    found = offered(reader)
    reader.press("Copy to…")
    reader.type("Project", "roles")
    none = "document.body.innerText.includes('No project that you may push to')"
    reader.page.wait(f"{OPTIONS}.includes('roles') || {none}")
    found |= {f"Copy to {name}" for name in reader.page.value(OPTIONS)}
    reader.press("Cancel", within="dialog")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.press("roles")  # the way up
    reader.see_title("roles")
    reader.page.wait("document.querySelectorAll('[data-tabs] a').length > 1")
    tabs = offered(reader)
    found |= tabs
    for tab, (path, shown) in WITH_BUTTONS.items():
        if tab in tabs:
            reader.to_tab(tab)
            reader.page.wait(f"location.pathname === '/projects/roles/{path}'")
            reader.see(shown)
            there = offered(reader)
            found |= there | {f"{tab}: {name}" for name in there}
    assert found & set(ASKS) == allowed(moorage, made, account)

    links = "[...document.querySelectorAll('a[href^=\"/admin/\"]')].map((one) => one.pathname.split('/')[2])"
    with httpx.Client(base_url=moorage.url + API, auth=_auth(account), trust_env=False, timeout=60) as client:
        answers = {
            name: client.request(method, path, json=body).status_code for name, (method, path, body) in PAGES.items()
        }
    assert set(reader.page.value(links)) == {name for name, status in answers.items() if status not in {401, 403}}


def test_whoever_is_not_signed_in_reads_what_is_public(reader: Reader, moorage: Moorage, made: Roles) -> None:
    reader.open("/projects/open/repositories", "open")
    reader.see("app")
    assert offered(reader) & set(ASKS) == set()
    reader.press("app")
    reader.see_title("app")
    reader.see(f"docker pull {moorage.host}/open/app:1.0.0")
    assert offered(reader) & set(ASKS) == set()
    reader.look("tags.anonymous")
    assert allowed(moorage, made, None) == set()
    reader.expected = ["401 (Unauthorized)", "403 (Forbidden)", "404 (Not Found)"]
    reader.open("/projects/roles/members")
    reader.see_title("Sign in")
    reader.sign_in(made.accounts["guest"])
    reader.see_title("roles")
    assert reader.page.value("location.pathname") == "/projects/roles/members"


def test_activity_shows_members_the_runs_of_their_projects(reader: Reader, moorage: Moorage, made: Roles) -> None:
    policy = f"{moorage.url}{API}/retentions/{made.ids['RETENTION']}/executions"
    auth = _auth(moorage.admin)
    with httpx.Client(auth=auth, trust_env=False, timeout=60) as admin:
        assert admin.post(policy, json={"dry_run": True}).status_code == 201
        collect = {"schedule": {"type": "Manual"}, "parameters": {"dry_run": True}}
        assert admin.post(f"{moorage.url}{API}/system/gc/schedule", json=collect).status_code == 201

    reader.enter("/activity", "Activity", made.accounts["maintainer"])
    reader.see("roles")
    kinds = "[...document.querySelectorAll('main tbody tr td:first-child')].map((one) => one.innerText.trim())"
    reader.page.wait(f"{kinds}.some((one) => one.startsWith('Retention'))")
    assert not [one for one in reader.page.value(kinds) if "Garbage" in str(one)]
    assert offered(reader) & {"Stop", "Stop run"} == set()
    assert reader.page.value("[...document.querySelectorAll('[data-rail] a')].map((one) => one.pathname)") == [
        "/projects", "/activity", "/trash",
    ]  # fmt: skip
    reader.look("activity.member")
    reader.press("Retention")  # the run, in its project
    reader.page.wait("location.pathname === '/projects/roles/policy/retention'")
