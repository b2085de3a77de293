"""Users and groups are made, changed and deleted, and the audit log says by whom; all on one server."""

import json

import httpx
import msgspec
import pytest

from tests.api.identity.directories import make_town
from tests.parts import Parts
from tests.parts.slapd import Slapd
from tests.portal.conftest import Reader
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("chromium", "portal")


def test_a_user_is_made_promoted_and_deleted(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/admin/users", "Users", moorage.admin)
    reader.press("New user")
    reader.type("User name", "alice")
    reader.type("Full name", "Alice Weiß")
    reader.type("Email", "alice@example.com")
    reader.type("New password", "short")
    reader.press("Create user")
    reader.see("8 to 128 characters")
    reader.look("users.new")
    reader.type("New password", "Us3r-of-the-portal")
    reader.press("Create user")
    reader.see("Alice Weiß")
    reader.press("Actions for alice")
    reader.press("Make administrator…")
    reader.see("everything on this server")
    reader.press("Make administrator")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    moorage.create_user("bob")
    reader.open("/admin/users?q=bob", "Users")
    reader.press("Actions for bob")
    reader.press("Set password…")
    reader.type("New password", "An0ther-secret")
    reader.press("Set password")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.press("Actions for bob")
    reader.press("Lock account…")
    reader.press("Lock account", within="dialog")
    reader.see("Locked")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.press("Actions for bob")
    reader.press("Unlock account")
    reader.see_gone("Locked")
    reader.press("Actions for bob")
    reader.press("Delete user…")
    reader.type("Type bob to confirm", "bo")
    reader.press("Delete user")
    reader.see("Type exactly bob.")
    reader.look("users.delete")
    reader.type("Type bob to confirm", "bob")
    reader.press("Delete user")
    reader.see("Nothing matches “bob”.")


def test_groups_and_what_the_audit_log_says(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/admin/groups", "Groups", moorage.admin)
    reader.see("No group is known yet.")
    reader.press("New group")
    reader.press("Source")
    reader.press("OpenID Connect", role="option")
    reader.type("Name", "engineers")
    reader.look("groups.new")
    reader.press("Create group")
    reader.see("engineers")
    reader.press("Actions for engineers")
    reader.press("Rename group…")
    reader.type("Name", "builders")
    reader.press("Rename group", within="dialog")
    reader.see("builders")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.press("Actions for builders")
    reader.press("Delete group…")
    reader.type("Type builders to confirm", "builders")
    reader.press("Delete group", within="dialog")
    reader.see("No group is known yet.")

    reader.open("/admin/audit", "Audit")
    reader.see("engineers")
    reader.press("Details of Delete group")
    reader.see("Request")
    reader.type("Who", "nobody-like-this")
    reader.see("Nothing matches this filter.")
    reader.open("/admin/audit?q=op:login%20kind:user%20result:done&live=1", "Audit")
    reader.page.wait("document.querySelector('tbody tr') && document.querySelector('[role=switch]').checked")
    events = "[...document.querySelectorAll('tbody td[data-label=Event]')]"
    reader.page.wait(f"{events}.length > 0 && {events}.every((one) => one.textContent === 'Sign in')")
    reader.press("Export")
    reader.see("saved")
    reader.open("/admin/audit?f.event=login_user&f.days=1", "Audit")
    rows = "[...document.querySelectorAll('tbody tr')].map((row) => row.innerText)"
    signed_in = "row.includes('Sign in') && !row.includes('engineers')"
    reader.page.wait(f"{rows}.length > 0 && {rows}.every((row) => {signed_in})")


def test_the_audit_log_is_purged_at_times_and_a_purge_is_stopped(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/admin/audit/purge", "Retention of the audit log", moorage.admin)
    reader.see("Nothing has been purged yet.")
    reader.press("Edit schedule")
    reader.press("Purges")
    reader.press("Every day at 00:00 UTC", role="option")
    reader.press("Save schedule")
    reader.see("entries older than 180 days")
    queue = f"{moorage.url}/api/v2.0/jobservice/queues/PURGE_AUDIT_LOG"
    account = (moorage.admin.username, moorage.admin.password)
    assert httpx.put(queue, json={"action": "pause"}, auth=account, timeout=60).status_code == 200
    try:
        reader.press("Purge now…")
        reader.press("Dry run: only say what would go")
        reader.look("audit.purge")
        reader.press("Purge entries")
        reader.page.wait("[...document.querySelectorAll('button')].some((one) => one.textContent === 'Stop')")
        reader.look("audit.purge.waits")
        reader.press("Stop")
        reader.see("Stopped")
    finally:
        assert httpx.put(queue, json={"action": "resume"}, auth=account, timeout=60).status_code == 200
    reader.press("Purge now…")
    reader.press("Dry run: only say what would go")
    reader.press("Purge entries")
    reader.see("Done", seconds=30)
    reader.press("Details of")
    reader.see("would be")


@pytest.mark.part("slapd")
def test_people_of_the_directory_are_imported_and_its_groups_found(
    reader: Reader, moorage: Moorage, parts: Parts
) -> None:
    town = make_town(parts.get("slapd", Slapd))
    anna, bert = town.person("anna"), town.person("annabert")
    town.group("crew")
    items = msgspec.structs.asdict(town.items(ldap_search_password=town.part.search_password))
    sent = {name: value for name, value in items.items() if name.startswith("ldap_") or name == "auth_sources"}
    auth = (moorage.admin.username, moorage.admin.password)
    configurations = f"{moorage.url}/api/v2.0/configurations"
    assert httpx.put(configurations, json=sent, auth=auth, timeout=60).status_code == 200
    reader.enter("/admin/users", "Users", moorage.admin)
    reader.press("Import from directory")
    reader.type("Name in the directory", "nobody-like-this")
    reader.see("Nobody in the directory is called so.")
    reader.type("Name in the directory", "anna")
    reader.press(bert.name)
    reader.press(anna.name)
    reader.look("users.import")
    town.remove(bert.dn)
    reader.expected = ["404 (Not Found)"]
    reader.press("Import 2 people")
    reader.see("These could not be imported; all others were.")
    reader.see("The directory has nobody of this name, or several.")
    reader.hear("de-DE")
    reader.see("Niemand im Verzeichnis heißt so, oder mehrere.")
    reader.hear("en-US")
    reader.look("users.import.failed")
    reader.see("Import 1 person")  # who could not be is still chosen, and nobody else
    reader.press(bert.name)
    reader.press(anna.name)
    reader.press("Import 1 person")
    reader.see("1 person imported")
    reader.open(f"/admin/users?q={anna.name}", "Users")
    reader.see("Directory")

    reader.open("/admin/groups", "Groups")
    reader.press("New group")
    reader.type("Look for it in the directory", "crew")
    reader.press("cn=", role="option")
    filled = json.dumps(town.name("crew"))
    reader.page.wait(f"[...document.querySelectorAll('[role=dialog] input')].some((one) => one.value === {filled})")
    reader.look("groups.directory")
    assert httpx.put(configurations, json={"auth_sources": ["local"]}, auth=auth, timeout=60).status_code == 200


def test_others_read_why_not(reader: Reader, moorage: Moorage) -> None:
    carol = moorage.create_user("carol")
    reader.open("/sign-in?next=/admin/users", "Sign in")
    reader.sign_in(Account(carol.username, carol.password))
    reader.see_title("Not allowed")
    assert not reader.sees("Groups")
