"""podman, with everything it keeps in the test's folder."""

import re

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.podman import Podman
from tests.serving import Account

pytestmark = pytest.mark.part("podman")

PLAIN = "--tls-verify=false"


class Pod(Client):
    """A podman command, at first not signed in anywhere."""

    def login(self, account: Account) -> None:
        """Sign in."""
        words = ("login", PLAIN, "--username", account.username, "--password-stdin", self.host)
        assert "Login Succeeded" in self.run(*words, given=account.password)

    def load(self, image: images.Image, name: str) -> str:
        """Make the image known as `name`, without a registry; its id."""
        self.run("load", "--input", images.write_docker_archive(self.folder / "image.tar", {"localhost/made:1": image}))
        self.run("tag", "localhost/made:1", name)
        return image.config.digest.removeprefix("sha256:")

    def identity(self, name: str) -> str:
        """The id of an image it has."""
        return self.run("image", "inspect", "--format", "{{.Id}}", name).strip()

    def says(self, name: str) -> str:
        """What the image prints when it runs."""
        limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
        words = ("run", "--rm", "--pull", "never", "--network", "none", "--no-healthcheck", *limits, name)
        return self.run(*words).removesuffix("\n")


@pytest.fixture
def podman(parts: Parts, setting: Setting) -> Pod:
    part = parts.get("podman", Podman)
    return Pod(setting, part, *part.command())


def test_a_wrong_password_is_refused_with_a_clear_message(podman: Pod, carol: Account) -> None:
    said = podman.refuses("login", PLAIN, "--username", carol.username, "--password-stdin", podman.host, given="wrong")

    assert "invalid username/password" in said


def test_what_is_pushed_runs_again_after_a_pull(
    podman: Pod, alice: Account, repository: str, image: images.Image
) -> None:
    name = f"{podman.host}/{repository}:1"
    podman.login(alice)
    identity = podman.load(image, name)

    podman.run("push", PLAIN, name)
    podman.run("rmi", "--all", "--force")
    podman.refuses("image", "inspect", name)
    podman.run("pull", PLAIN, name)

    assert podman.identity(name) == identity
    assert podman.says(name) == repository


def test_an_image_can_be_pulled_by_its_digest(
    podman: Pod, alice: Account, repository: str, image: images.Image
) -> None:
    name = f"{podman.host}/{repository}"
    podman.login(alice)
    identity = podman.load(image, f"{name}:1")
    podman.run("push", PLAIN, "--digestfile", podman.folder / "digest", f"{name}:1")
    podman.run("rmi", "--all", "--force")

    digest = (podman.folder / "digest").read_text()
    podman.run("pull", PLAIN, f"{name}@{digest}")

    assert podman.identity(f"{name}@{digest}") == identity


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_both_kinds_of_manifest_are_taken(
    podman: Pod, alice: Account, repository: str, image: images.Image, form: str
) -> None:
    name = f"{podman.host}/{repository}:1"
    podman.login(alice)
    identity = podman.load(image, name)

    podman.run("push", PLAIN, "--format", form, name)
    podman.run("rmi", "--all", "--force")
    podman.run("pull", PLAIN, name)

    media_type = podman.run("image", "inspect", "--format", "{{.ManifestType}}", name).strip()
    assert ("vnd.oci.image" in media_type) == (form == "oci")
    assert podman.identity(name) == identity


def test_a_manifest_list_is_pushed_with_its_images(podman: Pod, alice: Account, repository: str) -> None:
    name = f"{podman.host}/{repository}:1"
    podman.login(alice)
    podman.run("manifest", "create", "both")
    for architecture in ("amd64", "arm64"):
        one = images.image(repository, size_bytes=1000, architecture=architecture)
        layout = images.write_layout(podman.folder / architecture, {"1": one})
        podman.run("manifest", "add", "both", f"oci:{layout}:1")

    podman.run("manifest", "push", PLAIN, "--all", "both", f"docker://{name}")
    podman.run("manifest", "rm", "both")
    podman.run("pull", PLAIN, name)

    assert podman.says(name) == repository


def test_after_logout_a_push_is_refused(podman: Pod, alice: Account, repository: str, image: images.Image) -> None:
    name = f"{podman.host}/{repository}:1"
    podman.login(alice)
    podman.load(image, name)
    podman.run("logout", podman.host)

    said = podman.refuses("push", PLAIN, name)

    assert re.search(r"unauthorized|authentication required|denied", said), said


def test_a_public_project_is_pulled_without_signing_in(podman: Pod, alice: Account, image: images.Image) -> None:
    name = f"{podman.host}/library/podman-for-everyone:1"
    podman.login(alice)
    identity = podman.load(image, name)
    podman.run("push", PLAIN, name)
    podman.run("rmi", "--all", "--force")
    podman.run("logout", podman.host)

    podman.run("pull", PLAIN, name)

    assert podman.identity(name) == identity
