"""regctl: uploads in chunks that say where they belong, and deletes tags by the API."""

import re

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.regctl import Regctl
from tests.serving import Account

pytestmark = pytest.mark.part("regctl")


class Pusher(Client):
    """A regctl command."""

    def login(self, account: Account) -> None:
        """Sign in; layers of more than 1,000 bytes are uploaded in chunks from here on."""
        chunks = ("--blob-max", "1000", "--blob-chunk", "700000")
        self.run("registry", "set", self.host, "--tls", "disabled", "--skip-check", *chunks)
        self.run("registry", "login", self.host, "--user", account.username, "--pass-stdin", given=account.password)

    def push(self, what: images.Image | images.Index, name: str) -> str:
        """Push what was made here; the requests it sent."""
        layout = self.folder / what.digest.replace(":", "-")
        if not layout.exists():
            images.write_layout(layout, {"1": what})
        return self.output("--verbosity", "trace", "image", "copy", f"ocidir://{layout}:1", name)


@pytest.fixture
def regctl(parts: Parts, setting: Setting, alice: Account) -> Pusher:
    part = parts.get("regctl", Regctl)
    client = Pusher(setting, part, part.program)
    client.login(alice)
    return client


@pytest.fixture
def name(regctl: Pusher, repository: str) -> str:
    return f"{regctl.host}/{repository}"


def test_a_layer_uploaded_in_chunks_arrives_whole(regctl: Pusher, name: str, image: images.Image) -> None:
    said = regctl.push(image, f"{name}:1")

    assert said.count("PATCH") >= 3, said
    assert regctl.run("image", "digest", f"{name}:1").strip() == image.digest
    back = regctl.folder / "back"
    regctl.run("image", "copy", f"{name}:1", f"ocidir://{back}:1")
    for layer in image.layers:
        assert (back / "blobs" / "sha256" / layer.digest.removeprefix("sha256:")).read_bytes() == layer.data


def test_a_wrong_password_is_refused(regctl: Pusher, carol: Account) -> None:
    words = ("registry", "login", regctl.host, "--user", carol.username, "--pass-stdin")

    said = regctl.refuses(*words, given="wrong")

    assert re.search(r"401|unauthorized", said, re.IGNORECASE), said


def test_a_tag_is_deleted_without_its_manifest(regctl: Pusher, name: str, image: images.Image) -> None:
    regctl.push(image, f"{name}:1")
    regctl.run("image", "copy", f"{name}:1", f"{name}:2")

    regctl.run("tag", "delete", f"{name}:1")

    assert regctl.run("tag", "ls", name).split() == ["2"]
    assert regctl.run("image", "digest", f"{name}@{image.digest}").strip() == image.digest


def test_an_artifact_is_put_and_listed_as_a_referrer(regctl: Pusher, name: str, image: images.Image) -> None:
    regctl.push(image, f"{name}:1")

    put = ("artifact", "put", "--artifact-type", "application/vnd.example.note", "--subject", f"{name}:1")
    regctl.run(*put, given="a note")

    listed = regctl.json("artifact", "list", f"{name}:1", "--format", "{{json .Manifest}}")
    assert [one["artifactType"] for one in listed["manifests"]] == ["application/vnd.example.note"]


def test_a_copy_takes_platforms_and_referrers_along(
    regctl: Pusher, name: str, repository: str, image: images.Image
) -> None:
    both = images.index(image, images.image(repository, size_bytes=1000, architecture="arm64"))
    regctl.push(both, f"{name}:1")
    put = ("artifact", "put", "--artifact-type", "application/vnd.example.note", "--subject", f"{name}:1")
    regctl.run(*put, given="a note")
    target = f"{regctl.host}/other/regctl-copied:1"

    regctl.run("image", "copy", "--referrers", f"{name}:1", target)

    assert regctl.run("image", "digest", target).strip() == both.digest
    listed = regctl.json("artifact", "list", target, "--format", "{{json .Manifest}}")
    assert [one["artifactType"] for one in listed["manifests"]] == ["application/vnd.example.note"]
