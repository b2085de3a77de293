"""Another registry is added and tried, what is here is copied to it, and the copy is watched to its end."""

from collections.abc import Iterator

import httpx
import pytest

from tests import serving
from tests.clients import images
from tests.parts.base import wait_until
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
    number = "location.pathname.match(/runs\\/(\\d+)$/)?.[1]"
    reader.page.wait(f"{number} && document.querySelector('h1')?.textContent === 'Run ' + {number}")
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


def test_what_is_slow_is_stopped_and_policy_and_registry_are_changed_and_deleted(
    reader: Reader, moorage: Moorage, there: Moorage, pusher: Pusher
) -> None:
    moorage.create_project("slow")
    pusher.push(images.image("slow", size_bytes=900_000), "slow/tar:v1")
    account = (moorage.admin.username, moorage.admin.password)
    with httpx.Client(base_url=moorage.url + "/api/v2.0", auth=account, timeout=60) as api:
        credential = {"type": "basic", "access_key": there.admin.username, "access_secret": there.admin.password}
        registry = {"name": "slowly", "type": "harbor", "url": f"http://{there.host}", "credential": credential}
        number = _made(api.post("/registries", json=registry))
        policy = {
            "name": "drip", "dest_registry": {"id": number}, "enabled": True, "dest_namespace": "copy", "speed": 1,
            "trigger": {"type": "manual"}, "filters": [{"type": "name", "value": "slow/**"}],
        }  # fmt: skip
        made = _made(api.post("/replication/policies", json=policy))
        run = _made(api.post("/replication/executions", json={"policy_id": made}))
        tasks = f"/replication/executions/{run}/tasks"
        wait_until(
            lambda: [one["status"] for one in api.get(tasks).json()] == ["InProgress"], what="a copy", seconds=60
        )
        task = api.get(tasks).json()[0]["id"]

    reader.enter("/admin/jobs", "Jobs", moorage.admin)
    reader.press(f"Actions for Replication {task}")  # 900 s of work
    reader.press("Stop task")
    reader.see("Nothing runs now.", seconds=30)
    reader.open(f"/admin/replications/{made}/runs/{run}", f"Run {run}")
    reader.see("1 stopped")
    reader.keep("replications.stopped")
    reader.press("Run again")
    reader.page.wait(f"![...document.querySelectorAll('h1')].some((one) => one.textContent === 'Run {run}')")
    reader.press("Stop")
    reader.see("Run again", seconds=30)
    reader.see("Stopped")

    reader.open("/admin/replications", "Replications")
    reader.press("Actions for drip")
    reader.press("Edit…")
    reader.type("Name", "drop")
    reader.press("Save replication")
    reader.press("Actions for drop")
    reader.press("Delete replication…")
    reader.type("Type drop to confirm", "drop")
    reader.press("Delete replication", within="dialog")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.open("/admin/registries", "Registries")
    reader.press("Actions for slowly")
    reader.press("Edit registry…")
    reader.type("Name", "formerly")
    reader.press("Save registry")
    reader.press("Actions for formerly")
    reader.press("Delete registry…")
    reader.type("Type formerly to confirm", "formerly")
    reader.press("Delete registry", within="dialog")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.page.wait("!document.querySelector('main').innerText.includes('formerly')")


def _made(answer: httpx.Response) -> int:
    """The id of what was made."""
    assert answer.status_code == 201, answer.text
    return int(answer.headers["location"].rpartition("/")[2])
