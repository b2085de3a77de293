"""Settings of a project: saved by who may, seen by others, and the project deleted by its name."""

import pytest

from tests.portal.conftest import Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal")


def test_settings_are_saved_and_the_project_is_deleted_by_its_name(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("shaped")
    reader.enter("/projects/shaped/settings", "shaped", moorage.admin)
    reader.see("Days in the trash")
    reader.type("Days in the trash", "9999")
    reader.page.click("[role=switch]")
    reader.look("project.settings")
    reader.press("Save settings")
    reader.type("Days in the trash", "30")
    reader.press("Save settings")
    reader.see("Settings saved")
    reader.see("Public")
    reader.open("/projects/shaped/settings", "shaped")
    reader.page.wait("document.querySelector('[role=switch]')?.checked")
    assert reader.page.value("document.querySelector('form input[inputmode]').value") == "30"
    reader.press("Delete project…")
    reader.see("It can be restored for 30 days.")
    reader.look("project.delete")
    reader.type("Type shaped to confirm", "shaped")
    reader.press("Delete project", within="dialog")
    reader.see_title("Projects")
    reader.page.wait("![...document.querySelectorAll('td a')].some((one) => one.textContent === 'shaped')")


def test_a_developer_sees_settings_and_is_offered_no_change(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("seen")
    dora = moorage.create_user("dora")
    moorage.add_member("seen", dora, "developer")
    reader.enter("/projects/seen", "seen", dora)
    reader.page.wait("document.querySelectorAll('nav a').length > 3")
    assert not reader.sees("Save settings")
    assert not reader.sees("Delete project")
