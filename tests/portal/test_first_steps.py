"""From signing in to the first pull command, as somebody does who has never seen the page."""

import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True


def test_from_signing_in_to_the_pull_command(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    reader.open("/sign-in?next=/projects", "Sign in")
    reader.sign_in(moorage.admin)
    reader.see_title("Projects")

    reader.press("New project")
    reader.see("Use lower-case letters")
    reader.look("projects.new")
    reader.type("Name", "team")
    reader.press("Create project")
    reader.see_title("team")
    reader.see(f"docker push {moorage.host}/team/REPOSITORY:TAG")

    image = images.image("first", size_bytes=40_000)
    pusher.push(image, "team/backend/api:v1.0.0", "team/backend/api:latest")
    reader.see("backend/api", seconds=20)  # by itself: nobody presses anything
    reader.press("backend/api")
    reader.see_title("backend/api")
    assert reader.page.value("location.pathname") == "/projects/team/repositories/backend~api"
    reader.see(f"docker pull {moorage.host}/team/backend/api:v1.0.0")
    reader.see("= latest")

    reader.press("v1.0.0")
    reader.see_title("v1.0.0")
    reader.see(image.digest[:15])
    reader.press("Layers")
    reader.see("Command")
    reader.look("artifact.layers")
    reader.page.wait("document.title === 'v1.0.0 · team/backend/api · Moorage'")


def test_many_platforms_are_one_row_and_chosen_one_by_one(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("many", public=True)
    both = images.index(
        images.image("many", size_bytes=9_000), images.image("many", architecture="arm64", size_bytes=9_000)
    )
    pusher.push(both, "many/app:2.0.0", "many/app:2.0", "many/app:2")
    pusher.push(images.image("one", size_bytes=9_000), "many/app:1.0.0")
    reader.open("/projects/many/repositories/app", "app")
    reader.see("arm64")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 4")
    reader.page.click("[aria-label=Platforms]")
    reader.press("linux/arm64", role="option")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 3")
    reader.press("Details of 2.0.0")
    reader.page.wait("[...document.querySelectorAll('dd')].some((one) => one.textContent === 'image')")
    reader.press("2.0.0")
    reader.see("2 platforms")
    reader.press("Accessories")
    reader.see("No signature")
    reader.look("artifact.index")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/projects/library", "library"),
        ("/nothing/here", "Not found"),
        ("/projects/missing", "Not found"),
    ],
)
def test_a_deep_link_survives_signing_in(reader: Reader, moorage: Moorage, path: str, title: str) -> None:
    reader.expected = ["404 (Not Found)"] if path.endswith("missing") else []
    reader.open(f"/sign-in?next={path}", "Sign in")
    reader.sign_in(moorage.admin)
    reader.see_title(title)
    assert reader.page.value("location.pathname") == path
    if path == "/nothing/here":
        reader.keep("not-found")


def test_deleting_says_what_goes_and_can_be_undone(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    shown = "[...document.querySelectorAll('td[data-first] a')].some((one) => one.textContent === '1.0.0')"
    moorage.create_project("gone")
    pusher.push(images.image("gone", size_bytes=9_000), "gone/app:1.0.0", "gone/app:1.1.0")
    reader.enter("/projects/gone/repositories/app", "app", moorage.admin)
    reader.press("Select 1.0.0")
    reader.see("1 selected")
    reader.look("tags.selected")
    reader.key("#")
    reader.see("Delete 1 tag?")
    reader.look("tags.delete")
    reader.press("Delete 1 tag")
    reader.see("1 tag moved to the trash")
    reader.page.wait(f"!{shown}")
    reader.see_gone("1 selected")
    reader.photograph("tags.deleted")
    assert reader.axe() == []
    reader.press("Undo")
    reader.page.wait(shown)


def test_the_palette_finds_by_keyboard(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("sought", public=True)
    pusher.push(images.image("sought", size_bytes=9_000), "sought/deep/thing:3.1.4")
    reader.open("/projects", "Projects")
    reader.keep("projects.anonymous")
    reader.key("/")
    reader.type("Search", "thing:3.1")
    reader.see("sought/deep/thing:3.1.4")
    reader.look("palette.found")
    reader.key("ArrowRight")
    reader.see("Copy reference of")
    reader.look("palette.row")
    reader.key("Escape")
    reader.see_gone("Copy reference of")
    reader.key("Enter")
    reader.see_title("3.1.4")
    reader.page.wait("document.activeElement.tagName === 'H1'")
    reader.press("Another repository")
    reader.page.wait("document.activeElement?.type === 'search'")
    reader.see("deep/thing")
    assert reader.axe(within="[role=dialog]") == []
    reader.photograph("switcher")
    reader.press("deep/thing", within="dialog")
    reader.see_title("deep/thing")
    reader.page.wait("!document.querySelector('[role=dialog]')")

    reader.key("/")
    reader.type("Search", "sought")
    listed = "[...document.querySelectorAll('[role=listbox]')]"
    reader.page.wait(f"{listed}.some((one) => one.textContent.includes('sought/deep/thing'))")
    reader.key("ArrowUp")  # from the first to the last
    reader.key("Enter")
    reader.see_title("Search")
    reader.see("sought/deep/thing")
    assert reader.page.value("location.pathname + location.search") == "/search?q=sought"
    reader.look("search.anonymous")
    reader.type("Search", "sought-nowhere")
    reader.see("Nothing public matches “sought-nowhere”. Sign in to search what you may see.")


def test_names_that_would_do_harm_are_text(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("evil", public=True)
    pusher.push(images.image("evil", size_bytes=9_000), "evil/" + "a-long_name.of/" * 8 + "end:" + "v" + "9" * 127)
    reader.enter("/projects/evil/repositories", "evil", moorage.admin)
    reader.see("a-long_name.of/")
    reader.look("repositories.long")
    reader.press("a-long_name.of")
    reader.see("v" + "9" * 127)
    reader.look("tags.long")


def test_a_wrong_password_is_told_at_the_form(reader: Reader) -> None:
    reader.expected = ["401 (Unauthorized)"]
    reader.open("/sign-in", "Sign in")
    reader.type("User name", "admin")
    reader.type("Password", "wrong")
    reader.page.click("form [type=submit]")
    reader.see("The user name or the password is not right.")
    reader.look("sign-in.wrong")
