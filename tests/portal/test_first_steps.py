"""From signing in to the first pull command, as somebody does who has never seen the page."""

import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")


def test_from_signing_in_to_the_pull_command(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    reader.open("/", "Sign in")
    reader.look("sign-in.form")
    reader.sign_in(moorage.admin)
    reader.see_title("Projects")

    reader.press("New project")
    reader.see("Use lower-case letters")
    reader.look("projects.new")
    reader.type("Name", "team")
    reader.press("Create project")
    reader.see_title("team")
    reader.see(f"docker push {moorage.host}/team/REPOSITORY:TAG")
    reader.look("repositories.empty")

    image = images.image("first", size_bytes=40_000)
    pusher.push(image, "team/backend/api:v1.0.0", "team/backend/api:latest")
    reader.see("backend/api", seconds=20)  # by itself: nobody presses anything
    reader.press("backend/api")
    reader.see_title("backend/api")
    assert reader.page.value("location.pathname") == "/projects/team/repositories/backend~api"
    reader.see(f"docker pull {moorage.host}/team/backend/api:v1.0.0")
    reader.see("= latest")
    reader.look("tags.two")

    reader.press("v1.0.0")
    reader.see_title("v1.0.0")
    reader.see(image.digest[:15])
    reader.look("artifact.overview")
    reader.press("Layers")
    reader.see("Command")
    reader.look("artifact.layers")
    assert reader.page.value("document.title") == "v1.0.0 · team/backend/api · Moorage"


def test_many_platforms_are_one_row_and_chosen_one_by_one(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("many", public=True)
    both = images.index(
        images.image("many", size_bytes=9_000), images.image("many", architecture="arm64", size_bytes=9_000)
    )
    pusher.push(both, "many/app:2.0.0", "many/app:2.0", "many/app:2")
    reader.open("/projects/many/repositories/app", "app")
    reader.see("arm64")
    assert reader.page.value("document.querySelectorAll('tbody tr').length") == 3
    reader.look("tags.platforms")
    reader.press("Details of 2.0.0")
    reader.see("IMAGE")
    reader.press("2.0.0")
    reader.see("2 platforms")
    reader.press("Accessories")
    reader.see("No signature")
    reader.look("artifact.index")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/projects", "Projects"),
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
