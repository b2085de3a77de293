"""docker: the daemon of its own in `tests/parts/dockerd.py`, and the docker command."""

import re

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.dockerd import Dockerd
from tests.serving import Account

pytestmark = pytest.mark.part("dockerd")


class Docker(Client):
    """A docker command, at first not signed in anywhere."""

    def login(self, account: Account) -> None:
        """Sign in."""
        said = self.run("login", "--username", account.username, "--password-stdin", self.host, given=account.password)
        assert "Login Succeeded" in said

    def load(self, image: images.Image, name: str) -> str:
        """Make the image known to the daemon as `name`, without a registry; its id."""
        self.run("load", "--input", images.write_docker_archive(self.folder / "image.tar", {name: image}))
        return image.config.digest

    def push(self, name: str) -> tuple[str, str]:
        """Push; the digest that docker reports, and all it said."""
        said = self.run("push", name)
        found = re.search(r"digest: (sha256:[0-9a-f]{64}) size: \d+", said)
        assert found, said
        return found[1], said

    def identity(self, name: str) -> str:
        """The id of an image that the daemon has."""
        return self.run("image", "inspect", "--format", "{{.Id}}", name).strip()

    def says(self, name: str) -> str:
        """What the image prints when it runs."""
        return self.run("run", "--rm", "--network", "none", name).removesuffix("\n")


@pytest.fixture
def docker(parts: Parts, setting: Setting) -> Docker:
    part = parts.get("dockerd", Dockerd)
    return Docker(setting, part, part.program, environment={"DOCKER_HOST": part.host})


def test_a_wrong_password_is_refused_with_a_clear_message(docker: Docker, carol: Account) -> None:
    said = docker.refuses("login", "--username", carol.username, "--password-stdin", docker.host, given="wrong")

    assert "unauthorized" in said.lower()
    assert "login succeeded" not in said.lower()


def test_an_unknown_name_is_refused_like_a_wrong_password(docker: Docker, carol: Account) -> None:
    wrong = docker.refuses("login", "--username", carol.username, "--password-stdin", docker.host, given="wrong")
    unknown = docker.refuses("login", "--username", "nobody", "--password-stdin", docker.host, given="wrong")

    assert unknown == wrong


def test_what_is_pushed_runs_again_after_a_pull(
    docker: Docker, alice: Account, repository: str, image: images.Image
) -> None:
    name = f"{docker.host}/{repository}:1"
    docker.login(alice)
    identity = docker.load(image, name)

    digest, _ = docker.push(name)
    docker.run("image", "rm", name)
    docker.refuses("image", "inspect", name)
    said = docker.run("pull", name)

    assert f"Digest: {digest}" in said
    assert docker.identity(name) == identity
    assert docker.says(name) == repository


def test_an_image_can_be_pulled_by_its_digest(
    docker: Docker, alice: Account, repository: str, image: images.Image
) -> None:
    name = f"{docker.host}/{repository}"
    docker.login(alice)
    identity = docker.load(image, f"{name}:1")
    digest, _ = docker.push(f"{name}:1")
    docker.run("image", "rm", f"{name}:1")

    docker.run("pull", f"{name}@{digest}")

    assert docker.identity(f"{name}@{digest}") == identity


def test_a_second_repository_gets_its_layers_by_mount(
    docker: Docker, alice: Account, repository: str, image: images.Image
) -> None:
    first, second = f"{docker.host}/{repository}:1", f"{docker.host}/other/mounted:1"
    docker.login(alice)
    docker.load(image, first)
    digest, _ = docker.push(first)
    docker.run("tag", first, second)

    again, said = docker.push(second)

    assert again == digest
    assert said.count(f"Mounted from {repository}") == len(image.layers)
    docker.run("image", "rm", first, second)
    docker.run("pull", second)
    assert docker.says(second) == repository


def test_a_second_push_finds_the_layers_there(
    docker: Docker, alice: Account, repository: str, image: images.Image
) -> None:
    name = f"{docker.host}/{repository}"
    docker.login(alice)
    docker.load(image, f"{name}:1")
    digest, _ = docker.push(f"{name}:1")
    docker.run("tag", f"{name}:1", f"{name}:2")

    again, said = docker.push(f"{name}:2")

    assert again == digest
    assert said.count("Layer already exists") == len(image.layers)


def test_after_logout_a_push_is_refused(docker: Docker, alice: Account, repository: str, image: images.Image) -> None:
    name = f"{docker.host}/{repository}:1"
    docker.login(alice)
    docker.load(image, name)
    docker.run("logout", docker.host)

    said = docker.refuses("push", name)

    assert re.search(r"unauthorized|denied|no basic auth credentials", said), said


def test_a_guest_pulls_and_may_not_push(
    docker: Docker,
    alice: Account,
    bob: Account,
    repository: str,
    image: images.Image,
) -> None:
    name = f"{docker.host}/{repository}"
    docker.login(alice)
    docker.load(image, f"{name}:1")
    docker.push(f"{name}:1")
    docker.login(bob)

    docker.run("pull", f"{name}:1")
    docker.run("tag", f"{name}:1", f"{name}:2")
    said = docker.refuses("push", f"{name}:2")

    assert re.search(r"unauthorized|denied", said), said
    docker.refuses("pull", f"{name}:2")


def test_a_public_project_is_pulled_without_signing_in(docker: Docker, alice: Account, image: images.Image) -> None:
    name = f"{docker.host}/library/for-everyone:1"
    docker.login(alice)
    identity = docker.load(image, name)
    docker.push(name)
    docker.run("image", "rm", name)
    docker.run("logout", docker.host)

    docker.run("pull", name)

    assert docker.identity(name) == identity
    said = docker.refuses("push", name)
    assert re.search(r"unauthorized|denied", said), said


def test_a_private_project_is_not_pulled_without_signing_in(
    docker: Docker, alice: Account, repository: str, image: images.Image
) -> None:
    name = f"{docker.host}/{repository}:1"
    docker.login(alice)
    docker.load(image, name)
    docker.push(name)
    docker.run("logout", docker.host)

    private = docker.refuses("pull", name)
    absent = docker.refuses("pull", f"{docker.host}/nosuchproject/nothing:1")

    assert re.search(r"unauthorized|denied|no basic auth credentials", private), private
    assert private.replace(repository, "X") == absent.replace("nosuchproject/nothing", "X"), "existence is private"


def test_a_pull_of_what_is_not_there_says_so(docker: Docker, alice: Account, repository: str) -> None:
    docker.login(alice)

    said = docker.refuses("pull", f"{docker.host}/{repository}:1")

    assert re.search(r"not found|manifest unknown", said), said


def test_a_manifest_list_is_made_from_two_platforms(docker: Docker, alice: Account, repository: str) -> None:
    name = f"{docker.host}/{repository}"
    docker.login(alice)
    for architecture in ("amd64", "arm64"):
        one = images.image(repository, size_bytes=1000, architecture=architecture)
        docker.load(one, f"{name}:{architecture}")
        docker.push(f"{name}:{architecture}")

    docker.run("manifest", "create", "--insecure", f"{name}:1", f"{name}:amd64", f"{name}:arm64")
    docker.run("manifest", "push", "--insecure", f"{name}:1")

    listed = docker.json("manifest", "inspect", "--insecure", f"{name}:1")
    assert {one["platform"]["architecture"] for one in listed["manifests"]} == {"amd64", "arm64"}
    docker.run("image", "rm", f"{name}:amd64")
    docker.run("pull", "--platform", "linux/amd64", f"{name}:1")
    assert docker.says(f"{name}:1") == repository


@pytest.mark.parametrize("size_mib", [32], ids=lambda size: f"{size} MiB")
def test_a_larger_image_survives_the_round_trip(docker: Docker, alice: Account, repository: str, size_mib: int) -> None:
    name = f"{docker.host}/{repository}:1"
    docker.login(alice)
    identity = docker.load(images.image(repository, size_bytes=size_mib * images.MIB), name)
    docker.push(name)
    docker.run("image", "rm", name)

    docker.run("pull", name)

    assert docker.identity(name) == identity
