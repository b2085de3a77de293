"""Users and groups are made, changed and deleted, and the audit log says by whom; all on one server."""

import pytest

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

    reader.open("/admin/audit", "Audit")
    reader.see("engineers")
    reader.press("Details of create_")
    reader.see("Request")
    reader.type("Who", "nobody-like-this")
    reader.see("Nothing matches this filter.")
    reader.open("/admin/audit?f.event=login_user&f.days=1", "Audit")
    reader.see("login_user")
    assert not reader.sees("engineers")
    reader.open("/admin/audit/purge", "Retention of the audit log")
    reader.see("Nothing has been purged yet.")
    reader.press("Purge now…")
    reader.press("Dry run: only say what would go")
    reader.look("audit.purge")
    reader.press("Purge entries")
    reader.see("Done", seconds=30)


def test_others_read_why_not(reader: Reader, moorage: Moorage) -> None:
    carol = moorage.create_user("carol")
    reader.open("/sign-in?next=/admin/users", "Sign in")
    reader.sign_in(Account(carol.username, carol.password))
    reader.see_title("Not allowed")
    assert not reader.sees("Groups")
