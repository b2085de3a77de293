"""What was done in a project, as its administrator reads it."""

import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True


def test_what_was_done_is_found(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("logged")
    ann = moorage.create_user("ann")
    moorage.add_member("logged", ann, "admin")
    pusher.push(images.image("logged", size_bytes=9_000), "logged/app:v1", account=ann)
    reader.enter("/projects/logged/logs", "logged", ann)
    reader.see("logged/app:v1")
    reader.type("Filter by what it was done to", "app")
    reader.page.wait("location.search.includes('q=app')")
    reader.press("Actions for Push artifact logged/app:v1")
    reader.press("Only of ann")
    reader.page.wait("location.search.includes('f.who=ann')")
    reader.press("Details of Push artifact logged/app:v1")
    reader.see("logged/app:v1")
    reader.page.wait("document.querySelectorAll('tbody tr').length >= 2")
    reader.open("/projects/logged/logs?f.result=false", "logged")
    reader.see("Nothing matches this filter.")
    reader.open("/projects/logged/logs?f.days=7", "logged")
    reader.see("logged/app:v1")
