"""What became of tags, going back, and the trash of a project."""

from typing import Any

import httpx
import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True


def ask(moorage: Moorage, method: str, path: str) -> Any:
    """The answer of the API to an administrator."""
    account = (moorage.admin.username, moorage.admin.password)
    reply = httpx.request(method, f"{moorage.url}/api/v2.0{path}", auth=account, timeout=60)
    assert reply.is_success, reply.text
    return reply.json() if reply.content else None


def test_a_tag_that_was_moved_points_back(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("past")
    first, second = images.image("past-1", size_bytes=9_000), images.image("past-2", size_bytes=9_000)
    pusher.push(first, "past/app:v1")
    pusher.push(second, "past/app:v1", "past/app:v2")
    reader.enter("/projects/past/repositories/app", "app", moorage.admin)
    reader.press("Actions for v1")
    reader.press("History of v1")
    reader.see("Moved")
    assert not reader.sees("v2")
    reader.press(f"Actions for v1 {first.digest[:15]}")
    reader.press("Compare with now")
    reader.see("added")
    assert reader.page.value("new URLSearchParams(location.search).get('to')") == "v1"
    reader.page.value("history.back()")
    reader.see("Moved")
    reader.press("Clear filter")
    reader.see("v2")
    reader.press(f"Actions for v1 {first.digest[:15]}")
    reader.press("All tags as they were then")
    reader.see("Tags as they were on")
    reader.page.wait("!document.body.innerText.includes('v2')")
    reader.look("history.then")
    reader.press(f"Actions for v1 {first.digest[:15]}")
    reader.press("Restore v1")
    reader.see("What it points to now stays")
    reader.see(second.digest[:15])
    reader.look("history.back")
    reader.press("Restore v1", within="dialog")
    reader.see("Tag v1 restored")
    reader.press("Back to now")
    reader.see("v2")
    history = ask(moorage, "GET", "/projects/past/repositories/app/tags/v1/history")
    assert [row["digest"] for row in history] == [first.digest, second.digest, first.digest]
    assert history[0]["ended_by"] is None


def test_a_tag_points_back_to_what_is_in_the_trash(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("deep")
    first, second = images.image("deep-1", size_bytes=9_000), images.image("deep-2", size_bytes=9_000)
    pusher.push(first, "deep/app:v1")
    pusher.push(second, "deep/app:v1", "deep/app:v2")
    ask(moorage, "DELETE", f"/projects/deep/repositories/app/artifacts/{first.digest}")
    reader.enter("/projects/deep/repositories/app/history", "app", moorage.admin)
    reader.see("In the trash")
    reader.press(f"Actions for v1 {first.digest[:15]}")
    reader.press("Restore v1")
    reader.see("The artifact comes back from the trash.")
    reader.press("Restore v1", within="dialog")
    reader.see("Tag v1 restored")
    history = ask(moorage, "GET", "/projects/deep/repositories/app/tags/v1/history")
    assert [row["digest"] for row in history] == [first.digest, second.digest, first.digest]
    assert [row["kept"] for row in history] == ["here", "here", "here"]


def test_what_is_in_the_trash_comes_back_or_is_purged(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("bin")
    for name in ("one", "two"):
        pusher.push(images.image(f"bin-{name}", size_bytes=9_000), f"bin/{name}:v1")
        ask(moorage, "DELETE", f"/projects/bin/repositories/{name}")
    pusher.push(images.image("bin-new", size_bytes=9_000), "bin/one:v1")  # the name is taken again
    reader.enter("/projects/bin/trash", "bin", moorage.admin)
    reader.see("in 6 days")
    reader.expected = ["409 (Conflict)"]
    reader.press("Actions for one")
    reader.press("Restore", role="menuitem")
    reader.see("Enter a name that is free.")
    reader.look("trash.as")
    reader.type("New name of bin/one", "bin/kept")
    reader.press("Restore", within="dialog")
    reader.see("bin/kept restored")
    reader.press("Actions for two")
    reader.press("Purge now")
    reader.look("trash.purge")
    reader.type("Type bin/two to confirm", "bin/two")
    reader.press("Purge entry", within="dialog")
    reader.see("The trash is empty.")
    assert {row["name"] for row in ask(moorage, "GET", "/projects/bin/repositories")} == {"bin/one", "bin/kept"}
