"""Garbage collection: what it would bring back, a run that is stopped, one that ends, its log, its schedule."""

import httpx
import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")


def test_collecting_is_watched_stopped_and_planned(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("team")
    pusher.push(images.image("old", size_bytes=90_000), "team/app:v1")
    with httpx.Client(
        base_url=moorage.url + "/api/v2.0", auth=(moorage.admin.username, moorage.admin.password), timeout=60
    ) as api:
        assert api.delete("/projects/team/repositories/app/artifacts/v1").status_code == 200
        assert api.put("/jobservice/queues/GARBAGE_COLLECTION", json={"action": "pause"}).status_code == 200
        reader.enter("/admin/gc", "Garbage collection", moorage.admin)
        reader.see("in the trash (1 deletion) until")
        reader.see("Nothing has been collected yet.")

        reader.press("Collect now…")
        reader.see("What is deleted can't be restored.")
        reader.look("gc.now")
        reader.press("Collect garbage")
        reader.see("Waiting")
        reader.look("gc.waiting")
        reader.press("Stop")
        reader.see("Stopped")
        assert api.put("/jobservice/queues/GARBAGE_COLLECTION", json={"action": "resume"}).status_code == 200

    reader.press("Dry run")
    reader.see("Done", seconds=30)  # nobody presses anything: the page asks by itself
    reader.press("Details of 2")
    reader.see("blobs would go")
    reader.press("Edit schedule")
    reader.press("Runs")
    reader.press("At other times", role="option")
    reader.type("Cron expression", "0 30 3 * * 6")
    reader.see("Every Saturday at 03:30 UTC")
    reader.look("gc.schedule")
    reader.press("Save schedule")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.see("Every Saturday at 03:30 UTC")
