"""crane: the library behind it also pushes for kaniko, ko, cosign and tekton."""

import json
import re

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.crane import Crane
from tests.serving import Account, Registry

pytestmark = pytest.mark.part("crane")


class Pusher(Client):
    """A crane command."""

    def login(self, account: Account) -> None:
        """Sign in, which crane only writes down: it asks the registry when it needs to."""
        words = ("auth", "login", "--username", account.username, "--password-stdin", self.host)
        self.run(*words, given=account.password)

    def push(self, what: images.Image | images.Index, name: str) -> None:
        """Push an image or an index that was made here."""
        layout = self.folder / what.digest.replace(":", "-")
        if not layout.exists():
            images.write_layout(layout, {"1": what})
        self.run("push", *(["--index"] if isinstance(what, images.Index) else []), layout, name)


@pytest.fixture
def crane(parts: Parts, setting: Setting, alice: Account) -> Pusher:
    part = parts.get("crane", Crane)
    client = Pusher(setting, part, part.program)
    client.login(alice)
    return client


@pytest.fixture
def name(crane: Pusher, repository: str) -> str:
    return f"{crane.host}/{repository}"


def test_a_pushed_image_is_valid_and_keeps_its_digest(crane: Pusher, name: str, image: images.Image) -> None:
    crane.push(image, f"{name}:1")

    assert crane.run("digest", f"{name}:1").strip() == image.digest
    assert crane.run("manifest", f"{name}:1").encode().strip() == image.manifest.data
    assert json.loads(crane.run("config", f"{name}:1")) == json.loads(image.config.data)
    assert "PASS" in crane.output("validate", "--remote", f"{name}:1")


def test_a_wrong_password_is_refused(crane: Pusher, name: str, carol: Account) -> None:
    crane.run("auth", "login", "--username", carol.username, "--password-stdin", crane.host, given="wrong")

    said = crane.refuses("digest", f"{name}:1")

    assert re.search(r"401|UNAUTHORIZED", said), said


def test_the_tags_of_a_repository_are_listed_in_order(crane: Pusher, name: str, image: images.Image) -> None:
    crane.push(image, f"{name}:b")
    for tag in ("a", "B", "c10", "c9"):
        crane.run("tag", f"{name}:b", tag)

    assert crane.run("ls", name).split() == ["B", "a", "b", "c10", "c9"]


def test_the_catalog_names_the_repositories_for_an_administrator(
    crane: Pusher, registry: Registry, repository: str, name: str, image: images.Image
) -> None:
    crane.push(image, f"{name}:1")
    crane.login(registry.admin)

    listed = crane.run("catalog", crane.host).split()

    assert repository in listed
    assert listed == sorted(listed)


def test_the_catalog_is_not_for_everyone(crane: Pusher, name: str, image: images.Image) -> None:
    crane.push(image, f"{name}:1")

    said = crane.refuses("catalog", crane.host)

    assert re.search(r"401|403|UNAUTHORIZED|DENIED", said), said


def test_a_copy_within_the_registry_uploads_nothing(crane: Pusher, name: str, image: images.Image) -> None:
    crane.push(image, f"{name}:1")

    said = crane.output("--verbose", "copy", f"{name}:1", f"{crane.host}/other/crane-copied:1")

    answers = re.findall(r"<-- (\d+) \S*/blobs/uploads/\?\S*mount=", said)
    assert answers == ["201"] * len([*image.layers, image.config])
    assert "--> PATCH" not in said
    assert crane.run("digest", f"{crane.host}/other/crane-copied:1").strip() == image.digest
    assert "PASS" in crane.output("validate", "--remote", f"{crane.host}/other/crane-copied:1")


def test_a_tag_is_deleted_and_the_manifest_stays(crane: Pusher, name: str, image: images.Image) -> None:
    crane.push(image, f"{name}:1")
    crane.run("tag", f"{name}:1", "2")

    crane.run("delete", f"{name}:1")

    assert crane.run("ls", name).split() == ["2"]
    assert crane.run("digest", f"{name}:2").strip() == image.digest


def test_a_manifest_is_deleted_with_its_tags(crane: Pusher, name: str, image: images.Image) -> None:
    crane.push(image, f"{name}:1")
    crane.run("tag", f"{name}:1", "2")

    crane.run("delete", f"{name}@{image.digest}")

    said = crane.refuses("digest", f"{name}:2")
    assert re.search(r"404|MANIFEST_UNKNOWN|NAME_UNKNOWN", said), said


def test_an_index_is_put_together_in_the_registry(
    crane: Pusher, name: str, repository: str, image: images.Image
) -> None:
    other = images.image(repository, size_bytes=1000, architecture="arm64")
    crane.push(image, f"{name}:amd64")
    crane.push(other, f"{name}:arm64")

    crane.run("index", "append", "-m", f"{name}:amd64", "-m", f"{name}:arm64", "-t", f"{name}:1")

    manifests = crane.json("manifest", f"{name}:1")["manifests"]
    assert {one["digest"] for one in manifests} == {image.digest, other.digest}
    assert crane.run("digest", "--platform", "linux/arm64", f"{name}:1").strip() == other.digest
    assert "PASS" in crane.output("validate", "--remote", f"{name}:1")


def test_an_index_is_pushed_with_its_images(crane: Pusher, name: str, repository: str, image: images.Image) -> None:
    both = images.index(image, images.image(repository, size_bytes=1000, architecture="arm64"))

    crane.push(both, f"{name}:1")

    said = crane.output("validate", "--remote", f"{name}:1")
    assert "PASS" in said


def test_labels_are_changed_by_pushing_a_new_image(crane: Pusher, name: str, image: images.Image) -> None:
    crane.push(image, f"{name}:1")

    crane.run("mutate", "--label", "berth=7", "--tag", f"{name}:2", f"{name}:1")

    assert crane.json("config", f"{name}:2")["config"]["Labels"]["berth"] == "7"
    assert crane.run("digest", f"{name}:1").strip() == image.digest


def test_a_public_project_is_pulled_without_signing_in(crane: Pusher, image: images.Image) -> None:
    name = f"{crane.host}/library/crane-for-everyone:1"
    crane.push(image, name)
    crane.run("auth", "logout", crane.host)

    assert crane.run("digest", name).strip() == image.digest
    assert "PASS" in crane.output("validate", "--remote", name)
