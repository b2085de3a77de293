"""Another registry is added and tried, what is here is copied to it, and the copy is watched to its end."""

from collections.abc import Iterator

import httpx
import pytest

from tests import serving
from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    with serving.serve(tmp_path_factory.mktemp("there") / "data") as started:
        started.create_project("copy")
        yield started


def test_a_copy_is_watched_to_its_end(reader: Reader, moorage: Moorage, there: Moorage, pusher: Pusher) -> None:
    moorage.create_project("team")
    pusher.push(images.image("sent", size_bytes=600_000), "team/api:v1", "team/api:v2")
    reader.expected = ["400 (Bad Request)", "502 (Bad Gateway)", "500 (Internal"]
    reader.enter("/admin/registries", "Registries", moorage.admin)
    reader.press("New registry")
    reader.press("Kind")
    reader.press("Harbor", role="option")
    reader.type("Name", "second")
    reader.type("Address", f"http://{there.host}")
    reader.type("Access key", there.admin.username)
    reader.type("Access secret", "Wr0ng-secret")
    reader.press("Test connection")
    reader.see("The connection does not work")
    reader.look("registries.test")
    reader.type("Access secret", there.admin.password)
    reader.press("Test connection")
    reader.see("Answers, ")
    reader.press("Save registry")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.see("Answers")

    reader.open("/admin/replications", "Replications")
    reader.press("New replication")
    reader.type("Name", "to-second")
    reader.press("Other registry")
    reader.press("second", role="option")
    reader.type("Repositories", "team/**")
    reader.type("Namespace there", "copy")
    reader.look("replications.new")
    reader.press("Create replication")
    reader.see("to-second")
    reader.press("to-second")
    reader.see("It has not run yet.")
    reader.press("Run now")
    reader.see_title("Run 1")
    reader.see("team/api", seconds=30)  # nobody presses anything any more
    reader.see("Run again", seconds=60)
    reader.see("1 done")
    reader.press("Details of team/api")
    reader.see("Download")
    with httpx.Client(
        base_url=there.url + "/api/v2.0", auth=(there.admin.username, there.admin.password), timeout=60
    ) as api:
        tags = api.get("/projects/copy/repositories/api/tags").json()
    assert sorted(one["name"] for one in tags) == ["v1", "v2"]
