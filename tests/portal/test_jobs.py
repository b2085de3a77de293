"""Queues, what runs, what ran, and what starts by itself: watched, paused, stopped."""

import httpx
import pytest

from tests.portal.conftest import Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal")

COLLECT = {"schedule": {"type": "Manual"}, "parameters": {"dry_run": True}}


def test_work_is_paused_stopped_and_read(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/admin/jobs", "Jobs", moorage.admin)
    reader.press("Actions for Garbage collection")
    reader.press("Pause queue")
    reader.see("1 queue paused")
    with httpx.Client(
        base_url=moorage.url + "/api/v2.0", auth=(moorage.admin.username, moorage.admin.password), timeout=60
    ) as api:
        assert api.post("/system/gc/schedule", json=COLLECT).status_code == 201
        reader.see("1 task waits. The oldest, Garbage collection,")  # nobody presses anything
        reader.look("jobs.paused")
        reader.press("Show as table")
        reader.page.wait(
            "document.querySelectorAll('section[aria-label=\"Work in the queues\"] tbody tr').length === 1"
        )
        reader.press("Actions for Garbage collection")
        reader.press("Stop 1 waiting task…")
        reader.see("They end as stopped")
        reader.look("jobs.end")
        reader.press("Stop 1 task")
        reader.see("0 waiting")
        assert api.post("/system/gc/schedule", json=COLLECT).status_code == 201
        reader.open("/activity?f.status=Running", "Activity")
        reader.press("Actions for Garbage collection")
        reader.press("Stop run")
        reader.see("Nothing matches this filter.")
        reader.open("/admin/jobs", "Jobs")
        reader.press("Resume all queues")
        reader.see("0 running")
        assert api.post("/system/gc/schedule", json=COLLECT).status_code == 201

    reader.open("/activity?f.kind=GARBAGE_COLLECTION", "Activity")
    reader.see("a run would free", seconds=30)
    opener = "document.querySelector('tbody button[aria-label^=\"Details of Garbage collection\"]')"
    reader.page.wait(f"Boolean({opener})")
    reader.page.value(f"{opener}.click()")
    reader.see("blobs would go")
    reader.look("activity.done")
    reader.open("/activity?f.status=Error", "Activity")
    reader.see("Nothing matches this filter.")
    reader.themed("dark")  # and on paper it is light, with its address below each sheet
    reader.page.wait("(dispatchEvent(new Event('beforeprint')), document.adoptedStyleSheets.length > 0)")
    reader.page.wait("document.documentElement.dataset.mantineColorScheme === 'light'")
    printed = "document.adoptedStyleSheets[0].cssRules[0].cssText"
    assert "/activity?f.status=Error" in str(reader.page.value(printed))
    reader.page.value("dispatchEvent(new Event('afterprint'))")
    reader.page.wait("document.documentElement.dataset.mantineColorScheme === 'dark'")
    reader.themed("light")


def test_schedules_say_whose_they_are_and_are_paused_together(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("keeps")
    with httpx.Client(
        base_url=moorage.url + "/api/v2.0", auth=(moorage.admin.username, moorage.admin.password), timeout=60
    ) as api:
        scope = {"level": "project", "ref": api.get("/projects/keeps").json()["project_id"]}
        trigger = {"kind": "Schedule", "settings": {"cron": "0 0 2 * * *"}}
        sent = {"algorithm": "or", "rules": [], "trigger": trigger, "scope": scope}
        made = api.post("/retentions", json=sent)
        assert made.status_code == 201
        ran = api.post(f"/retentions/{made.headers['location'].rpartition('/')[2]}/executions", json={"dry_run": True})
        assert ran.status_code == 201
    reader.enter("/activity", "Activity", moorage.admin)
    reader.page.wait("Boolean(document.querySelector('tbody a[href=\"/projects/keeps\"]'))")
    reader.open("/admin/schedules", "Schedules")
    reader.see("Every day at 0")
    reader.page.wait("Boolean(document.querySelector('tbody a[href=\"/projects/keeps\"]'))")
    reader.press("Pause all schedules…")
    reader.see("What falls into the pause is left out")
    reader.press("Pause all schedules")
    reader.see("All paused")
    reader.look("schedules.paused")
    reader.press("Resume all schedules")
    reader.page.wait("!document.body.innerText.includes('All paused')")
