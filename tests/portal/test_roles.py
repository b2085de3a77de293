"""Each role sees its own: what a page offers is what the server allows, and what it does not offer is refused."""

import json
from typing import Any

import httpx
import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True

ROLES = {"project-admin": 1, "maintainer": 4, "developer": 2, "guest": 3, "limited-guest": 5}
API = "/api/v2.0"
PROJECT = f"{API}/projects/roles"
WITH_BUTTONS = ("Members", "Robots", "Labels", "Webhooks", "Settings")
"""Tabs whose pages offer more, where somebody has the tab."""

ASKS: dict[str, tuple[str, str, Any]] = {
    "Members": ("GET", f"{PROJECT}/members", None),
    "Robots": ("GET", f"{API}/robots?q=Level%3Dproject%2CProjectID%3DPROJECT_ID", None),
    "Labels": ("POST", f"{API}/labels", {"scope": "p", "project_id": "PROJECT_ID", "name": ""}),
    "Webhooks": ("GET", f"{PROJECT}/webhook/policies", None),
    "Logs": ("GET", f"{PROJECT}/logs", None),
    "Settings": ("GET", f"{PROJECT}/metadatas/public", None),
    "Trash": ("GET", f"{PROJECT}/trash", None),
    "Push commands": ("POST", "/v2/roles/app/blobs/uploads/", None),
    "Delete tag…": ("DELETE", f"{PROJECT}/repositories/app/artifacts/1.0.0/tags/none-such", None),
    "Add member": ("POST", f"{PROJECT}/members", {"member_user": {"username": "nobody-here"}, "role_id": 3}),
    "New robot": ("POST", f"{API}/robots", {
        "name": "", "level": "project", "duration": 1, "permissions": [
            {"kind": "project", "namespace": "roles", "access": [{"resource": "repository", "action": "pull"}]},
        ],
    }),
    "New label": ("POST", f"{API}/labels", {"scope": "p", "project_id": "PROJECT_ID", "name": ""}),
    "New webhook": ("POST", f"{PROJECT}/webhook/policies", {"name": "", "targets": [], "event_types": []}),
    "Delete project…": ("DELETE", PROJECT, None),
}  # fmt: skip
"""By what a page offers, what it would ask the server. What is asked here is refused for its content, or reads."""


@pytest.fixture(scope="module")
def roles(moorage: Moorage) -> dict[str, Account]:
    """An account of each role in the private project `roles`, and of the administrator."""
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
    return {**found, "administrator": moorage.admin}


def _auth(account: Account) -> tuple[str, str]:
    return account.username, account.password


def offered(reader: Reader) -> set[str]:
    """What stands in the page to be pressed, by its name."""
    reader.settle()
    reader._look()
    kinds = "[data-tabs] a, main button, main input[type=checkbox]"
    said = f"[...document.querySelectorAll({json.dumps(kinds)})].filter(window.__seen).map(window.__name)"
    return {str(name) for name in reader.page.value(said)}


def allowed(moorage: Moorage, account: Account | None) -> set[str]:
    """What of `ASKS` the server does not refuse to somebody."""
    auth = None if account is None else _auth(account)
    with httpx.Client(base_url=moorage.url, auth=auth, trust_env=False, timeout=60) as client:
        number = httpx.get(moorage.url + PROJECT, auth=_auth(moorage.admin), trust_env=False, timeout=60).json()[
            "project_id"
        ]
        found: set[str] = set()
        for name, (method, path, content) in ASKS.items():
            body = None if content is None else json.loads(json.dumps(content).replace('"PROJECT_ID"', str(number)))
            reply = client.request(method, path.replace("PROJECT_ID", str(number)), json=body)
            assert reply.status_code < 500, (name, reply.text)
            if reply.status_code not in {401, 403}:
                found.add(name)
    return found


@pytest.mark.parametrize("role", [*ROLES, "administrator"])
def test_pages_offer_what_the_server_allows(
    reader: Reader, moorage: Moorage, pusher: Pusher, roles: dict[str, Account], role: str
) -> None:
    pusher.push(images.image("roles", size_bytes=9_000), "roles/app:1.0.0")
    reader.enter("/projects/roles/repositories/app", "app", roles[role])
    reader.press("Select 1.0.0")
    reader.see("1 selected")
    found = offered(reader)
    reader.press("roles")  # the way up
    reader.see_title("roles")
    reader.page.wait("document.querySelectorAll('[data-tabs] a').length > 1")
    tabs = offered(reader)
    found |= tabs
    for tab in WITH_BUTTONS:
        if tab in tabs:
            reader.page.click(f"[data-tabs] a[href='/projects/roles/{tab.lower()}']")
            reader.page.wait(f"document.querySelector('[data-tabs] [aria-current]')?.textContent === {json.dumps(tab)}")
            found |= offered(reader)
    assert found & set(ASKS) == allowed(moorage, roles[role])
    assert reader.page.value("Boolean(document.querySelector('a[href=\"/admin/users\"]'))") == (role == "administrator")


def test_whoever_is_not_signed_in_reads_what_is_public(
    reader: Reader, moorage: Moorage, pusher: Pusher, roles: dict[str, Account]
) -> None:
    assert roles
    pusher.push(images.image("roles", size_bytes=9_000), "open/app:1.0.0")
    reader.open("/projects/open/repositories", "open")
    reader.see("app")
    assert offered(reader) & set(ASKS) == set()
    reader.press("app")
    reader.see_title("app")
    reader.see(f"docker pull {moorage.host}/open/app:1.0.0")
    assert offered(reader) & set(ASKS) == set()
    reader.look("tags.anonymous")
    assert allowed(moorage, None) == set()
    reader.expected = ["401 (Unauthorized)", "403 (Forbidden)", "404 (Not Found)"]
    reader.open("/projects/roles/members")
    reader.see_title("Sign in")
    reader.sign_in(roles["guest"])
    reader.see_title("roles")
    assert reader.page.value("location.pathname") == "/projects/roles/members"
