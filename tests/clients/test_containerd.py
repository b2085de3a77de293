"""containerd: what a Kubernetes node uses, driven by its command ctr."""

import re

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.containerd import Containerd
from tests.serving import Account

pytestmark = pytest.mark.part("containerd")


class Ctr(Client):
    """A ctr command in a namespace of its own, so that no other test's content is there."""

    def load(self, what: images.Image | images.Index, name: str, tag: str) -> None:
        """Make an image known as `name:tag`, without a registry."""
        archive = images.write_layout_archive(self.folder / "image.tar", {tag: what})
        self.run("images", "import", "--all-platforms", "--base-name", name, archive)

    def push(self, name: str, account: Account, *options: str) -> None:
        """Push by plain HTTP."""
        self.run("images", "push", "--plain-http", *options, "--user", f"{account.username}:{account.password}", name)

    def pull(self, name: str, account: Account | None, *options: str) -> None:
        """Pull by plain HTTP."""
        user = ("--user", f"{account.username}:{account.password}") if account else ()
        self.run("images", "pull", "--plain-http", *options, *user, name)

    def forget(self) -> None:
        """Remove all images and all content."""
        self.run("images", "rm", "--sync", *self.run("images", "ls", "--quiet").split())
        assert self.run("content", "ls", "--quiet") == ""


@pytest.fixture
def ctr(parts: Parts, setting: Setting) -> Ctr:
    part = parts.get("containerd", Containerd)
    namespace = re.sub(r"[^a-z0-9]+", "-", setting.test.lower()).strip("-")[:70]
    return Ctr(setting, part, part.program, "--address", part.address, "--namespace", namespace)


def test_what_is_pushed_runs_again_after_a_pull(ctr: Ctr, alice: Account, repository: str, image: images.Image) -> None:
    name = f"{ctr.host}/{repository}"
    ctr.load(image, name, "1")

    ctr.push(f"{name}:1", alice)
    ctr.forget()
    ctr.pull(f"{name}:1", alice)

    assert ctr.run("run", "--rm", "--net-host", f"{name}:1", "one") == f"{repository}\n"
    assert image.digest in ctr.run("images", "ls")


def test_an_image_can_be_pulled_by_its_digest(ctr: Ctr, alice: Account, repository: str, image: images.Image) -> None:
    name = f"{ctr.host}/{repository}"
    ctr.load(image, name, "1")
    ctr.push(f"{name}:1", alice)
    ctr.forget()

    ctr.pull(f"{name}@{image.digest}", alice)

    assert ctr.run("images", "ls", "--quiet").split() == [f"{name}@{image.digest}"]


def test_an_index_is_pushed_and_one_platform_is_pulled(
    ctr: Ctr, alice: Account, repository: str, image: images.Image
) -> None:
    name = f"{ctr.host}/{repository}"
    other = images.image(repository, size_bytes=1000, architecture="arm64")
    ctr.load(images.index(image, other), name, "1")

    ctr.push(f"{name}:1", alice)
    ctr.forget()
    ctr.pull(f"{name}:1", alice, "--platform", "linux/arm64")

    content = ctr.run("content", "ls", "--quiet").split()
    assert other.layers[0].digest in content
    assert image.layers[0].digest not in content


def test_a_wrong_password_is_refused(
    ctr: Ctr, alice: Account, carol: Account, repository: str, image: images.Image
) -> None:
    name = f"{ctr.host}/{repository}"
    ctr.load(image, name, "1")
    ctr.push(f"{name}:1", alice)

    said = ctr.refuses("images", "pull", "--plain-http", "--user", f"{carol.username}:wrong", f"{name}:1")

    assert re.search(r"401|[Uu]nauthorized|authorization failed", said), said


def test_a_public_project_is_pulled_without_signing_in(ctr: Ctr, alice: Account, image: images.Image) -> None:
    name = f"{ctr.host}/library/ctr-for-everyone"
    ctr.load(image, name, "1")
    ctr.push(f"{name}:1", alice)
    ctr.forget()

    ctr.pull(f"{name}:1", None)

    assert image.digest in ctr.run("images", "ls")


def test_what_is_not_there_is_not_found(ctr: Ctr, alice: Account, repository: str) -> None:
    user = f"{alice.username}:{alice.password}"

    said = ctr.refuses("images", "pull", "--plain-http", "--user", user, f"{ctr.host}/{repository}:1")

    assert "not found" in said
