"""Members and labels of a project, as its administrator sees and changes them; and what others are not offered."""

import httpx
import pytest

from tests.portal.conftest import Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal")
SHARED = True


def test_members_are_added_changed_removed_and_brought_back(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("crew")
    bob = moorage.create_user("bob")
    reader.enter("/projects/crew/members", "crew", moorage.admin)
    reader.press("Add member")
    reader.see("Pull only.")
    reader.look("members.add")
    reader.type("User name", "nobody-here")
    reader.expected = ["400 (Bad Request)"]
    reader.press("Add member", within="dialog")
    reader.see("There is nobody called nobody-here.")
    reader.type("User name", bob.username)
    reader.page.press("Escape", code=27)  # the list of names
    reader.press("Add member", within="dialog")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.see("bob")
    reader.page.click('[aria-label="Role of bob"]')
    reader.press("Maintainer", role="option")
    reader.see("Role of bob changed")
    reader.press("Actions for bob")
    reader.press("Remove bob")
    reader.see("bob has no role here any more")
    reader.press("Undo")
    reader.page.wait("[...document.querySelectorAll('td[data-first]')].some((one) => one.textContent === 'bob')")
    account = (moorage.admin.username, moorage.admin.password)
    group = {"group_name": "crew-of-members", "group_type": 3}
    assert httpx.post(f"{moorage.url}/api/v2.0/usergroups", json=group, auth=account, timeout=60).status_code == 201
    reader.press("Add member")
    reader.press("Group")
    reader.type("Group name", "crew-of")
    reader.press("crew-of-members", role="option")
    reader.press("Add member", within="dialog")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.see("crew-of-members")


def test_several_members_are_added_changed_and_removed_together(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("choir")
    for name in ("choir-dave", "choir-erin"):
        moorage.create_user(name)
    reader.enter("/projects/choir/members", "choir", moorage.admin)
    reader.press("Add member")
    reader.type("User name", "choir-dave, choir-erin, nobody-sings,")
    reader.expected = ["400 (Bad Request)"]
    reader.press("Add 3 members", within="dialog")
    reader.see("There is nobody called nobody-sings.")
    reader.see("2 members added")
    reader.look("members.add.left")
    reader.page.resize(1280, 800)
    reader.press("Leave out nobody-sings")
    reader.press("Cancel")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    for name in ("choir-dave", "choir-erin"):
        reader.press(f"Select {name}")
    reader.page.click('[aria-label="Set role…"]')
    reader.press("Maintainer", role="option")
    reader.see("Roles of 2 members changed")
    reader.page.wait("document.querySelectorAll('td input[value=Maintainer]').length === 2")
    reader.press("Remove 2 members")
    reader.see("2 members removed")
    rows = "[...document.querySelectorAll('td[data-first]')]"
    there = f"{rows}.filter((one) => one.textContent.startsWith('choir-')).length"
    reader.page.wait(f"{there} === 0")
    reader.page.value("[...document.querySelectorAll('[data-undo]')].at(-1).click()")
    reader.page.wait(f"{there} === 2")


def test_a_guest_sees_members_and_may_not_change_them(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("guests")
    carol = moorage.create_user("carol")
    moorage.add_member("guests", carol, "guest")
    reader.enter("/projects/guests/members", "guests", carol)
    reader.see("carol")
    reader.see("Guest")
    assert not reader.sees("Add member")
    assert not reader.page.value("document.querySelector('[aria-label=\"Role of carol\"]')")
    assert reader.page.value("[...document.querySelectorAll('nav a')].every((one) => one.textContent !== 'Labels')")


def test_labels_are_made_changed_and_deleted(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("marked")
    reader.enter("/projects/marked/labels", "marked", moorage.admin)
    reader.see("No label exists yet.")
    reader.press("New label")
    reader.type("Name", "<img src=x onerror=alert(1)>")
    reader.press("#F57600", role="radio")
    reader.look("labels.new")
    reader.press("Create label")
    reader.see("<img src=x onerror=alert(1)>")
    reader.press("Actions for <img")
    reader.press("Edit label")
    reader.type("Name", "stable")
    reader.press("Save label")
    reader.see("stable")
    reader.press("Actions for stable")
    reader.press("Delete label")
    reader.see("No label exists yet.")

    reader.open("/admin/labels", "Labels")
    reader.see("Every project offers these")
    reader.press("New label")
    reader.type("Name", "approved by us")
    reader.press("Create label")
    reader.press("Actions for approved by us")
    reader.press("Delete label")
    reader.see("Label approved by us deleted")
