"""From nothing to an image that was pushed, with no hand on the mouse; and the map of the keys."""

import re

import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True

COPIED = "navigator.clipboard.readText()"


def test_pushing_from_zero_by_keyboard_alone(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    reader.page.allow_clipboard()
    reader.open("/sign-in?next=/projects", "Sign in")
    reader.page.wait("document.activeElement?.name === 'username'")
    reader.page.type(moorage.admin.username)
    reader.tab_to("Password")
    reader.page.type(moorage.admin.password)
    reader.key("Enter")
    reader.see_title("Projects")

    reader.see("New project")
    reader.key("n")
    reader.page.wait("document.activeElement?.closest('[role=dialog]') && document.activeElement.tagName === 'INPUT'")
    reader.page.type("by-keys")
    reader.key("Enter")
    reader.see_title("by-keys")
    reader.page.wait("!document.querySelector('[role=dialog]')")

    reader.see("docker push")
    reader.key("c")
    reader.page.wait(f"{COPIED}.then((text) => text.includes('docker push'))")
    copied = re.search(r"docker push (\S+)", reader.page.value(COPIED))
    assert copied is not None
    host, _, name = copied[1].replace("REPOSITORY", "app").replace("TAG", "1.0.0").partition("/")
    assert host == moorage.host
    pusher.push(images.image("by-keys", size_bytes=9_000), name)

    reader.page.wait("document.querySelector('tbody tr a')", seconds=30)  # by itself
    reader.key("j")
    reader.page.wait("document.activeElement?.textContent === 'app'")
    reader.key("#")
    reader.see("Delete 1 repository?")
    reader.key("Escape")
    reader.page.wait("!document.querySelector('[role=dialog]') && document.activeElement?.textContent === 'app'")
    reader.key("Enter")
    reader.see_title("app")
    reader.see(f"docker pull {moorage.host}/by-keys/app:1.0.0")
    reader.key("c")
    reader.page.wait(f"{COPIED}.then((text) => text.includes('by-keys/app:1.0.0'))")


def test_the_map_says_what_keys_do_here(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("by-map")
    reader.enter("/projects?q=by-map", "Projects", moorage.admin)
    reader.page.wait("document.querySelectorAll('tbody tr').length === 1")
    reader.key("?")
    reader.see("Keyboard shortcuts")
    assert reader.sees("Next row")
    assert not reader.sees("Tab by its number")  # there are none on this page
    reader.look("keys.map")
    reader.key("Escape")
    reader.page.wait("!document.querySelector('[role=dialog]')")

    reader.key("j")
    reader.page.wait("document.activeElement?.textContent === 'by-map'")
    reader.key("o")
    reader.see_title("by-map")
    reader.key("g")
    reader.key("p")
    reader.see_title("Projects")
    reader.key("f")
    reader.page.wait("document.activeElement?.matches('[data-filter]')")
    reader.key("g")  # into the field
    reader.key("t")
    reader.see("Nothing matches")
    assert reader.page.value("location.pathname") == "/projects"
    reader.key("Escape")
    reader.page.wait("document.querySelector('tbody tr')")

    reader.page.value("document.querySelector('h1').focus()")
    reader.key("F6")
    reader.page.wait("document.activeElement?.closest('header')")
    reader.key("F6")
    reader.page.wait("document.activeElement?.closest('nav[data-rail]')")

    reader.key("/")
    reader.type("Search", ">new proj")
    reader.see("Action")
    reader.look("palette.actions")
    reader.key("Enter")
    reader.see("Create project")
    reader.key("Escape")
    reader.page.wait("document.activeElement?.textContent === 'New project'")


def test_tabs_that_do_not_fit_are_reached_by_keys(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("by-tabs")
    reader.enter("/projects/by-tabs", "by-tabs", moorage.admin)
    reader.page.resize(820, 800)
    more = "document.querySelector('[data-tabs] [data-more] button')"
    entries = "[...document.querySelectorAll('[role=menu] [role=menuitem]')]"
    reader.page.wait(f"{more}?.checkVisibility() && document.querySelectorAll('[data-tabs] a[hidden]').length > 2")
    reader.settle()
    reader.page.value("document.querySelector('h1').focus()")
    reader.tab_to("More")
    reader.key("Enter")
    reader.page.wait(f"{entries}.length > 2 && document.activeElement === {entries}[0]")
    reader.key("ArrowDown")
    reader.page.wait(f"document.activeElement === {entries}[1]")
    reader.key("ArrowUp", times=2)
    reader.page.wait(f"document.activeElement === {entries}.at(-1)")
    reader.key("Escape")
    reader.page.wait(f"!document.querySelector('[role=menu]') && document.activeElement === {more}")
    reader.key("Enter")
    reader.page.wait(f"document.activeElement === {entries}[0]")
    wanted = reader.page.value("document.activeElement.pathname")
    reader.key("Enter")
    reader.page.wait(f"location.pathname === {wanted!r} && !document.querySelector('[role=menu]')")
    reader.page.wait("document.querySelector('[data-tabs] a[data-active]').checkVisibility()")
    reader.page.resize(1280, 800)
