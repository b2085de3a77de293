"""Settings of a project: saved by who may, seen by others, and the project deleted by its name."""

import httpx
import pytest

from tests.parts.base import wait_until
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
    reader.page.wait("document.querySelector('form input[inputmode]').getAttribute('aria-invalid') === 'true'")
    reader.type("Days in the trash", "20")
    reader.page.hold("*/api/v2.0/projects/shaped")
    reader.press("Save settings")
    reader.type("Days in the trash", "30")  # while the first is on its way
    reader.page.let_go()
    reader.see("Settings saved")
    assert reader.page.value("document.querySelector('form input[inputmode]').value") == "30"
    reader.press("Save settings")
    account = (moorage.admin.username, moorage.admin.password)
    url = f"{moorage.url}/api/v2.0/projects/shaped"
    wait_until(
        lambda: httpx.get(url, auth=account, timeout=60).json()["metadata"]["trash_days"] == "30", what="the days"
    )
    reader.see("Public")
    reader.open("/projects/shaped/settings", "shaped")
    reader.page.wait("document.querySelector('[role=switch]')?.checked")
    assert reader.page.value("document.querySelector('form input[inputmode]').value") == "30"
    reader.press("Delete project…")
    reader.see("It can be restored from the trash until")
    reader.look("project.delete")
    reader.press("Delete project", within="dialog")
    reader.see_title("Projects")
    row = "[...document.querySelectorAll('td a')].some((one) => one.textContent === 'shaped')"
    reader.page.wait(f"!{row}")
    reader.press("Undo")
    reader.page.wait(row)
    reader.press("Select shaped")
    reader.press("Delete project…")
    reader.press("Delete project", within="dialog")
    reader.page.wait(f"!{row}")


def test_a_developer_sees_settings_and_is_offered_no_change(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("seen")
    devon = moorage.create_user("devon")
    moorage.add_member("seen", devon, "developer")
    reader.enter("/projects/seen", "seen", devon)
    reader.page.wait("document.querySelectorAll('nav a').length > 3")
    assert not reader.sees("Save settings")
    assert not reader.sees("Delete project")


def test_a_proxy_cache_is_made_and_set(reader: Reader, moorage: Moorage) -> None:
    account = (moorage.admin.username, moorage.admin.password)
    with httpx.Client(base_url=moorage.url + "/api/v2.0", auth=account, timeout=60) as api:
        credential = {"type": "basic", "access_key": account[0], "access_secret": account[1]}
        upstream = {"name": "upstream", "type": "harbor", "url": moorage.url, "credential": credential}
        assert api.post("/registries", json=upstream).status_code == 201

        reader.enter("/projects", "Projects", moorage.admin)
        reader.press("New project")
        reader.type("Name", "cached")
        reader.press("Content", within="dialog")
        reader.press("upstream", role="option")
        reader.press("Create project")
        reader.see_title("cached")
        reader.open("/projects/cached/repositories", "cached")
        reader.see("Nothing has been pulled through this proxy cache yet.")
        assert not reader.sees("Push commands")
        reader.open("/projects/cached/settings", "cached")
        reader.see("Upstream registry")
        reader.type("Seconds until a tag is looked up again", "2592001")
        reader.press("Save settings")
        reader.see("Use 0 to 2592000 seconds.")
        reader.type("Seconds until a tag is looked up again", "30")
        reader.type("Repositories that there are", "library/**")
        reader.press("Make room when the project is full")
        reader.look("project.settings.proxy")
        reader.press("Save settings")
        reader.see("Settings saved")
        saved = api.get("/projects/cached").json()["metadata"]
        assert saved["proxy_cache_tag_seconds"] == "30"
        assert (saved["proxy_cache_filter_pattern"], saved["proxy_cache_evict"]) == ("library/**", "false")

        reader.open("/projects/cached/settings", "cached")
        reader.page.wait("[...document.querySelectorAll('form input')].some((one) => one.value === 'library/**')")
        reader.type("Repositories that there are", "")
        reader.press("Save settings")
        wait_until(
            lambda: "proxy_cache_filter_pattern" not in api.get("/projects/cached").json()["metadata"],
            what="no pattern",
        )

        reader.type("Storage", "2")
        reader.type("Tags", "50")
        reader.press("Save limits")
        quota = {"reference": "project", "reference_id": api.get("/projects/cached").json()["project_id"]}
        wait_until(lambda: api.get("/quotas", params=quota).json()[0]["hard"]["tags"] == 50, what="the limits")
        assert api.get("/quotas", params=quota).json()[0]["hard"]["storage"] == 2 << 30
        reader.press("Add mirror")
        reader.type("Name", "docker.io")
        reader.look("project.settings.mirror")
        reader.press("Add mirror", within="dialog")
        reader.press("Remove mirror docker.io")
        reader.see("Mirror docker.io removed")
        assert api.get("/mirrors", params={"q": "project_name=cached"}).json() == []
