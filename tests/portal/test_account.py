"""One's own account: profile, password, access tokens, and preferences that the server keeps."""

import httpx
import pytest

from tests.portal.conftest import Reader
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("chromium", "portal")
SHARED = True

KEPT = "fetch('/api/v2.0/users/current/preferences').then((one) => one.json())"
HIGH = "getComputedStyle(document.documentElement).getPropertyValue('--m-row').trim() === '40px'"
HAS_ROLES = "[...document.querySelectorAll('thead th')].some((one) => one.innerText.trim() === 'Role')"


def ask(moorage: Moorage, path: str, name: str, secret: str) -> httpx.Response:
    """Ask the REST API as a program does."""
    return httpx.get(f"{moorage.url}/api/v2.0{path}", auth=(name, secret), trust_env=False, timeout=60)


def test_profile_and_password(reader: Reader, moorage: Moorage) -> None:
    dora = moorage.create_user("dora")
    reader.enter("/projects", "Projects", dora)
    reader.press("dora")
    reader.press("Profile")
    reader.see_title("Profile")
    reader.type("Full name", "Dora Mare")
    reader.type("Email", "dora@example.com")
    reader.press("Save profile")
    reader.see("Profile saved")
    reader.expected = ["401 (Unauthorized)", "403 (Forbidden)"]
    reader.type("Current password", "Not-th1s-one")
    reader.type("New password", "An0ther-of-mine")
    reader.press("Change password")
    reader.see("This is not your current password.")
    reader.type("Current password", dora.password)
    reader.press("Change password")
    reader.see("Password changed")
    reader.open("/me/profile", "Profile")  # still signed in
    reader.page.wait("[...document.querySelectorAll('input')].some((one) => one.value === 'Dora Mare')")
    assert ask(moorage, "/users/current", "dora", "An0ther-of-mine").status_code == 200


def test_an_access_token_is_shown_once_works_and_is_revoked(reader: Reader, moorage: Moorage) -> None:
    flora = moorage.create_user("flora")
    reader.enter("/me/tokens", "Access tokens", flora)
    reader.see("You have no access token yet.")
    reader.press("New access token")
    reader.press("Create access token")
    reader.see("Enter 1 to 64 characters.")
    reader.type("Name", "laptop")
    reader.press("Read by the API")
    reader.press("Only some projects")
    reader.press("Create access token")
    reader.see("Choose at least one project.")
    reader.look("tokens.new")
    reader.press("All projects, now and later")
    reader.press("Create access token")
    reader.see("Copy this secret now.")
    secret = str(reader.page.value("document.querySelector('[data-secret]').textContent"))
    assert ask(moorage, "/projects", flora.username, secret).status_code == 200
    reader.press("Copy secret")
    reader.see("Copied")
    reader.press("Close", within="dialog")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.see("laptop")
    assert not reader.sees(secret)
    reader.press("Actions for laptop")
    reader.press("Revoke…")
    reader.type("Type laptop to confirm", "laptop")
    reader.press("Revoke access token")
    reader.see("You have no access token yet.")
    assert ask(moorage, "/projects", flora.username, secret).status_code == 401


def test_an_administrator_revokes_the_access_token_of_somebody_else(reader: Reader, moorage: Moorage) -> None:
    gita = moorage.create_user("gita")
    sent = {"name": "lost-laptop", "scopes": ["api:read"]}
    own = f"{moorage.url}/api/v2.0/users/current/tokens"
    made = httpx.post(own, json=sent, auth=(gita.username, gita.password), trust_env=False, timeout=60)
    secret = made.json()["token"]
    assert ask(moorage, "/projects", gita.username, secret).status_code == 200
    reader.enter("/admin/users?q=gita", "Users", moorage.admin)
    reader.press("Actions for gita")
    reader.press("Access tokens…")
    reader.see("lost-laptop")
    reader.look("users.tokens")
    reader.press("Actions for lost-laptop")
    reader.press("Revoke…")
    reader.see("only gita can make a new one")
    reader.type("Type lost-laptop to confirm", "lost-laptop")
    reader.press("Revoke access token")
    reader.see("No program has an access token of gita.")
    assert ask(moorage, "/projects", gita.username, secret).status_code == 401


def test_preferences_are_kept_by_the_server(reader: Reader, moorage: Moorage) -> None:
    erik = moorage.create_user("erik")
    reader.enter("/me/preferences", "Preferences", erik)
    reader.press("Times")
    reader.press("ISO 8601, in UTC", role="option")
    reader.page.wait("/^20\\d\\d-\\d\\d-\\d\\dT/.test(document.querySelector('main time').textContent)")
    reader.press("Rows of lists")
    reader.press("Comfortable", role="option")
    reader.page.wait(HIGH)
    reader.open("/projects", "Projects")
    reader.press("Columns")
    reader.press("Role", role="menuitemcheckbox")
    reader.page.wait(f"!{HAS_ROLES}")
    reader.page.wait(f"{KEPT}.then((one) => one.density === 'comfortable' && one.tables?.projects?.on.role === false)")
    reader.open("/me/preferences", "Preferences")
    reader.press("Language")
    reader.press("简体中文", role="option")
    reader.see_title("偏好设置")
    reader.page.wait("!document.querySelector('[aria-busy=true]')")
    wanted = {"times": "iso", "language": "zh-CN"}
    reader.page.wait(f"{KEPT}.then((one) => one.times === 'iso' && one.language === 'zh-CN')")
    kept = ask(moorage, "/users/current/preferences", erik.username, erik.password).json()
    assert {name: kept[name] for name in wanted} == wanted

    reader.page.value("localStorage.clear()")  # as in another browser
    reader.open("/me/preferences", "偏好设置")
    reader.page.wait("/^20\\d\\d-\\d\\d-\\d\\dT/.test(document.querySelector('main time').textContent)")
    reader.page.wait(HIGH)
    reader.open("/projects", "项目")
    reader.page.wait(f"document.querySelector('thead th') && !{HAS_ROLES.replace('Role', '角色')}")


def test_whoever_is_not_signed_in_has_preferences_of_the_browser(reader: Reader, moorage: Moorage) -> None:
    reader.open("/me/preferences", "Preferences")
    reader.see("Kept in this browser.")
    reader.open("/me/tokens", "Sign in")
    reader.sign_in(Account(moorage.admin.username, moorage.admin.password))
    reader.see_title("Access tokens")
