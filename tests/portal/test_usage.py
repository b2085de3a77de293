"""Charts of what is stored, pulled and pushed; work that runs, from everywhere; what the server is."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")

HISTORY = [(29, 40, 12, 300_000_000), (20, 310, 44, 900_000_000), (11, 280, 20, None), (5, 240, 61, 1_400_000_000)]
"""Days ago, pulls, pushes, held bytes: what a month leaves behind. The same rows for a project and for all."""


def api_of(moorage: Moorage) -> httpx.Client:
    """The REST API, as the administrator."""
    account = (moorage.admin.username, moorage.admin.password)
    return httpx.Client(base_url=moorage.url + "/api/v2.0", auth=account, timeout=60)


def live_through_a_month(moorage: Moorage, project_id: int) -> None:
    """Write the days that a test can't wait for."""
    today = (datetime.now(UTC).date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days
    rows = [(today - ago, pulls, pushes, held) for ago, pulls, pushes, held in HISTORY]
    with closing(sqlite3.connect(moorage.data / "moorage.db", timeout=120)) as db, db:
        db.executemany("INSERT INTO total_day (day, pulls, pushes, held_bytes) VALUES (?, ?, ?, ?)", rows)
        db.executemany(
            "INSERT INTO project_day (project_id, day, pulls, pushes, held_bytes) VALUES (?, ?, ?, ?, ?)",
            [(project_id, *row) for row in rows],
        )


def fail_delivery(moorage: Moorage, webhook: int) -> None:
    """Write that a webhook's last delivery failed: a real one is tried for a quarter of an hour."""
    with closing(sqlite3.connect(moorage.data / "moorage.db", timeout=120)) as db, db:
        db.execute(
            "INSERT INTO execution (vendor_type, vendor_id, status, trigger, started_at, updated_at, ended_at) SELECT"
            " 'WEBHOOK', ?, 'Error', 'EVENT', created_at, created_at, created_at FROM webhook_policy WHERE id = ?",
            (webhook, webhook),
        )


def test_storage_pulls_and_pushes_are_seen_over_time(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    with api_of(moorage) as api:
        for name, limit in (("grows", 1_000_000), ("small", -1)):
            made = api.post("/projects", json={"project_name": name, "storage_limit": limit})
            assert made.status_code == 201
        project = api.get("/projects/grows").json()["project_id"]
        access = [{"resource": "repository", "action": "pull"}]
        robot = {"permissions": [{"kind": "project", "namespace": "grows", "access": access}]}
        made = api.post("/robots", json={"name": "ci", "level": "project", "duration": 7, **robot})
        assert made.status_code == 201
        target = {"type": "http", "address": "http://127.0.0.1:1/hook"}
        hook = {"name": "deploys", "enabled": True, "event_types": ["DELETE_ARTIFACT"], "targets": [target]}
        made = api.post("/projects/grows/webhook/policies", json=hook)
        assert made.status_code == 201
        fail_delivery(moorage, int(made.headers["location"].rpartition("/")[2]))
    live_through_a_month(moorage, project)
    pusher.push(images.image("large", size_bytes=900_000), "grows/app:v1")
    pusher.push(images.image("little", size_bytes=20_000), "small/app:v1")

    reader.enter("/admin/usage", "Usage", moorage.admin)
    reader.see("Storage by project")
    reader.see("977\N{NO-BREAK SPACE}KiB")  # the limit of the first
    reader.page.wait("document.querySelectorAll('[role=slider] svg').length === 2")
    reader.look("usage.all")
    reader.page.value("document.querySelectorAll('[role=slider]')[1].focus()")
    reader.page.press("Home", code=36)
    reader.page.wait("document.activeElement.getAttribute('aria-valuetext').includes('Pulls: 40 ')")
    reader.press("Show as table")
    reader.page.wait("document.querySelectorAll('table tbody tr').length === 30")
    reader.look("usage.table")
    today = datetime.now(UTC).date()
    reader.open(f"/admin/usage?from={today - timedelta(days=6)}&to={today}", "Usage")
    reader.page.wait("document.querySelectorAll('input[type=date]').length === 2")
    reader.page.wait("document.querySelectorAll('[role=slider] svg title').length === 2")
    reader.page.wait("document.querySelector('[role=slider]').getAttribute('aria-valuemax') === '6'")
    reader.open("/projects", "Projects")
    reader.page.wait("document.querySelectorAll('ul[aria-label=\"Storage by project\"] a').length >= 2")
    reader.see("today")
    reader.page.wait("[...document.querySelectorAll('tbody [role=progressbar]')].length > 0")  # of those on the page
    reader.look("projects.figures")
    reader.open("/projects/grows?range=7", "grows")
    reader.page.wait("document.querySelectorAll('[role=slider] svg').length === 2")
    reader.page.value("document.querySelectorAll('[role=slider]')[1].focus()")
    reader.page.press("Home", code=36)
    reader.page.press("ArrowRight", code=39)
    reader.page.wait("document.activeElement.getAttribute('aria-valuetext').includes('Pushes: 61')")
    reader.see("Needs attention")
    reader.see("of the storage limit is used.")
    reader.see("The robot robot$grows+ci expires on")
    reader.see("The last delivery of the webhook deploys failed on")
    reader.see("Latest changes")
    reader.page.wait("Boolean(document.querySelector('section[aria-label=\"Most storage\"] li'))")
    reader.look("usage.project")
    reader.page.value("scrollTo(0, 0)")
    reader.look("project.attention")
    for language in ("zh-CN", "de-DE"):
        reader.hear(language)
        reader.photograph("project.attention", language=language)
    reader.hear("en-US")
    reader.open("/projects/grows/webhooks", "grows")
    reader.page.wait("document.querySelector('tbody tr td[data-label=\"Last event\"]')?.innerText.includes('Failed')")


def test_running_work_is_one_press_away_and_the_server_says_what_it_is(reader: Reader, moorage: Moorage) -> None:
    with api_of(moorage) as api:
        schedule = {"schedule": {"type": "Manual"}, "parameters": {}}
        assert api.post("/system/gc/schedule", json=schedule).status_code == 201
        version = api.get("/systeminfo").json()["moorage_version"]
    reader.enter("/projects", "Projects", moorage.admin)
    reader.page.wait("Boolean(document.querySelector('header [aria-haspopup=dialog]'))")
    reader.page.click("header [aria-haspopup=dialog]")
    reader.see("Work in the background")
    links = "[...document.querySelectorAll('[role=dialog] li a')]"
    reader.page.wait(f"{links}.some((one) => one.textContent === 'Garbage collection')", seconds=60)
    reader.see("Done", seconds=60)
    reader.look("jobs.drawer")
    reader.press("Garbage collection", within="dialog")
    reader.see_title("Garbage collection")
    reader.open("/about", "About")
    reader.see(version)
    reader.see("SQLite")
