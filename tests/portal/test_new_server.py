"""Pages of a server that nobody has used yet: what they have nothing of is said, and what comes first."""

import pytest

from tests.portal.conftest import Reader
from tests.portal.test_states import ask, go
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal")

EMPTY = {
    "/admin/groups": "admin.groups", "/admin/robots": "admin.robots", "/admin/registries": "admin.registries",
    "/admin/replications": "admin.replications", "/admin/gc": "admin.gc", "/admin/jobs": "admin.jobs",
    "/admin/schedules": "admin.schedules", "/activity": "activity", "/trash": "trash", "/me/tokens": "me.tokens",
}  # fmt: skip
"""Pages that have nothing to show at first, with their names."""


def test_pages_of_a_new_server_say_what_comes_first(reader: Reader, moorage: Moorage) -> None:
    if ask(moorage, "GET", "/projects?q=name%3Dlibrary"):
        ask(moorage, "DELETE", "/projects/library")
    reader.enter("/projects", "Projects", moorage.create_user("newcomer"))
    reader.see("New project")
    reader.keep("projects.empty")
    ask(moorage, "PUT", "/configurations", {"project_creation_restriction": "adminonly"})
    reader.open("/projects", "Projects")
    reader.page.wait("document.querySelector('main tbody:empty')")
    reader.keep("projects.empty.ask")
    reader.open("/first-run", "Not allowed")
    reader.keep("first.run.denied")
    ask(moorage, "PUT", "/configurations", {"project_creation_restriction": "everyone"})
    reader.take_session(moorage.admin)
    reader.open("/search?q=nowhere")
    reader.see("nowhere")
    reader.settle()
    reader.keep("search.nothing")
    for path, name in EMPTY.items():
        go(reader, path)
        reader.page.wait("document.querySelector('main h1, main [class*=empty]')")
        reader.keep(f"{name}.empty")
