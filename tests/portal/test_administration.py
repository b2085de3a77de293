"""The trash of all projects, limits that are changed where they stand, and what the server says is to be mended."""

import httpx
import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")


def test_the_trash_of_all_projects(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    for name in ("team", "other"):
        moorage.create_project(name)
        pusher.push(images.image(f"of-{name}", size_bytes=40_000), f"{name}/app:v1", f"{name}/app:v2")
    with httpx.Client(
        base_url=moorage.url + "/api/v2.0", auth=(moorage.admin.username, moorage.admin.password), timeout=60
    ) as api:
        assert api.delete("/projects/team/repositories/app/artifacts/v1/tags/v1").status_code == 200
        assert api.delete("/projects/other/repositories/app").status_code == 200
    reader.enter("/trash", "Trash", moorage.admin)
    reader.see("team/app:v1")
    reader.see("other/app")
    reader.press("Actions for team/app:v1")
    reader.press("Restore", role="menuitem")
    reader.see("team/app:v1 restored")
    reader.press("Actions for other/app")
    reader.press("Purge now")
    reader.type("Type other/app to confirm", "other/app")
    reader.press("Purge entry", within="dialog")
    reader.see("The trash is empty.")


def test_a_limit_is_changed_where_it_stands(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/admin/quotas", "Quotas", moorage.admin)
    reader.press("Edit the limit of library")
    reader.type("Limit of library", "2")
    reader.look("quotas.edit")
    reader.press("Save")
    reader.see("2\N{NO-BREAK SPACE}GiB")
    reader.open("/admin/quotas?q=nowhere", "Quotas")
    reader.see("Nothing matches “nowhere”.")


def test_health_says_what_to_mend(reader: Reader, moorage: Moorage) -> None:
    with httpx.Client(
        base_url=moorage.url + "/api/v2.0", auth=(moorage.admin.username, moorage.admin.password), timeout=60
    ) as api:
        assert api.put("/configurations", json={"read_only": True}).status_code == 200
        reader.enter("/admin/health", "Health", moorage.admin)
        reader.see("Turn off read-only mode in the settings.", seconds=20)
        reader.see("Machine")
        reader.look("health.mend")
        assert api.put("/configurations", json={"read_only": False}).status_code == 200
