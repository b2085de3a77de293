"""skopeo: copies, looks, lists, deletes and mirrors, without a daemon."""

import json
import re
from pathlib import Path

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.docker_registry import DockerRegistry
from tests.parts.skopeo import Skopeo
from tests.serving import Account

pytestmark = pytest.mark.part("skopeo")

PLAIN = "--tls-verify=false"


class Copier(Client):
    """A skopeo command that is signed in by its login file."""

    def login(self, account: Account) -> None:
        """Sign in."""
        words = ("login", PLAIN, "--username", account.username, "--password-stdin", self.host)
        assert "Login Succeeded" in self.run(*words, given=account.password)

    def push(self, what: images.Image | images.Index, name: str, *options: str) -> None:
        """Copy what was made here to the registry, with all platforms."""
        layout = self.folder / what.digest.replace(":", "-")
        if not layout.exists():
            images.write_layout(layout, {"1": what})
        self.run(
            "copy", "--dest-tls-verify=false", "--all", *options, f"oci:{layout}:1", f"docker://{self.host}/{name}"
        )

    def digest(self, name: str) -> str:
        """The digest that a tag points to."""
        words = ("inspect", PLAIN, "--no-tags", "--format", "{{.Digest}}", f"docker://{self.host}/{name}")
        return self.run(*words).strip()


@pytest.fixture
def skopeo(parts: Parts, setting: Setting, alice: Account) -> Copier:
    part = parts.get("skopeo", Skopeo)
    client = Copier(setting, part, part.program)
    client.login(alice)
    return client


def read_layout(folder: Path) -> str:
    """The digest of the only manifest of a layout."""
    (one,) = json.loads((folder / "index.json").read_text())["manifests"]
    return str(one["digest"])


def test_a_wrong_password_is_refused(skopeo: Copier, carol: Account, repository: str) -> None:
    skopeo.run("logout", skopeo.host)

    said = skopeo.refuses(
        "list-tags", PLAIN, "--creds", f"{carol.username}:wrong", f"docker://{skopeo.host}/{repository}"
    )

    assert "unauthorized" in said or "invalid username/password" in said, said


@pytest.mark.part("docker_registry")
def test_an_index_moves_to_another_registry_and_back_with_its_digest(
    skopeo: Copier, parts: Parts, repository: str, image: images.Image
) -> None:
    other = parts.get("docker_registry", DockerRegistry)
    there = Account(other.username, other.password)
    words = ("login", PLAIN, "--username", there.username, "--password-stdin", other.host)
    skopeo.run(*words, given=there.password)
    both = images.index(image, images.image(repository, size_bytes=1000, architecture="arm64"))
    skopeo.push(both, f"{repository}:1")
    plain = ("copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false")

    skopeo.run(*plain, f"docker://{skopeo.host}/{repository}:1", f"docker://{other.host}/{repository}:1")
    skopeo.run(*plain, f"docker://{other.host}/{repository}:1", f"docker://{skopeo.host}/{repository}-back:1")

    assert skopeo.digest(f"{repository}-back:1") == both.digest


def test_a_copy_keeps_every_byte(skopeo: Copier, repository: str, image: images.Image) -> None:
    skopeo.push(image, f"{repository}:1")

    back = skopeo.folder / "back"
    skopeo.run("copy", "--src-tls-verify=false", f"docker://{skopeo.host}/{repository}:1", f"oci:{back}:1")

    assert skopeo.digest(f"{repository}:1") == image.digest
    assert read_layout(back) == image.digest
    for blob in image.blobs():
        assert (back / "blobs" / "sha256" / blob.digest.removeprefix("sha256:")).read_bytes() == blob.data


def test_an_index_is_copied_with_all_its_images(skopeo: Copier, repository: str, image: images.Image) -> None:
    both = images.index(image, images.image(repository, size_bytes=1000, architecture="arm64"))

    skopeo.push(both, f"{repository}:1")

    raw = skopeo.run("inspect", PLAIN, "--raw", f"docker://{skopeo.host}/{repository}:1")
    assert raw.encode() == both.manifest.data
    words = ("inspect", PLAIN, "--no-tags", "--override-arch", "arm64", f"docker://{skopeo.host}/{repository}:1")
    assert skopeo.json(*words)["Architecture"] == "arm64"


def test_inspect_shows_config_layers_and_tags(skopeo: Copier, repository: str, image: images.Image) -> None:
    skopeo.push(image, f"{repository}:1")
    skopeo.push(image, f"{repository}:2")

    shown = skopeo.json("inspect", PLAIN, f"docker://{skopeo.host}/{repository}:1")

    assert shown["Digest"] == image.digest
    assert shown["Layers"] == [layer.digest for layer in image.layers]
    assert shown["Labels"] == {"org.opencontainers.image.title": repository}
    assert shown["RepoTags"] == ["1", "2"]


def test_a_long_list_of_tags_is_complete_and_in_order(skopeo: Copier, repository: str) -> None:
    layout = images.write_layout(skopeo.folder / "layout", {"1": images.image(repository, size_bytes=10)})
    tags = [f"v{number}" for number in range(12)]
    for tag in tags:
        skopeo.run("copy", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{skopeo.host}/{repository}:{tag}")

    listed = skopeo.json("list-tags", PLAIN, f"docker://{skopeo.host}/{repository}")

    assert listed["Tags"] == sorted(tags)


def test_delete_removes_the_manifest(skopeo: Copier, repository: str, image: images.Image) -> None:
    skopeo.push(image, f"{repository}:1")

    skopeo.run("delete", PLAIN, f"docker://{skopeo.host}/{repository}:1")

    said = skopeo.refuses("inspect", PLAIN, f"docker://{skopeo.host}/{repository}@{image.digest}")
    assert re.search(r"manifest unknown|not found", said), said


def test_a_copy_between_repositories_keeps_the_digest(skopeo: Copier, repository: str, image: images.Image) -> None:
    skopeo.push(image, f"{repository}:1")

    skopeo.run(
        *("copy", "--src-tls-verify=false", "--dest-tls-verify=false"),
        *(f"docker://{skopeo.host}/{repository}:1", f"docker://{skopeo.host}/other/skopeo-copied:1"),
    )

    assert skopeo.digest("other/skopeo-copied:1") == image.digest


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_both_kinds_of_manifest_are_taken(skopeo: Copier, repository: str, image: images.Image, form: str) -> None:
    skopeo.push(image, f"{repository}:1", "--format", form)

    raw = json.loads(skopeo.run("inspect", PLAIN, "--raw", f"docker://{skopeo.host}/{repository}:1"))

    expected = {"oci": images.IMAGE_MANIFEST, "v2s2": "application/vnd.docker.distribution.manifest.v2+json"}
    assert raw["mediaType"] == expected[form]


def test_sync_mirrors_a_repository_both_ways(skopeo: Copier, repository: str, image: images.Image) -> None:
    for tag in ("1", "2"):
        skopeo.push(image, f"{repository}:{tag}")
    mirror = skopeo.folder / "mirror"
    mirror.mkdir()

    skopeo.run(
        "sync", "--src-tls-verify=false", "--src", "docker", "--dest", "dir", f"{skopeo.host}/{repository}", mirror
    )
    skopeo.run(
        "sync", "--dest-tls-verify=false", "--src", "dir", "--dest", "docker", mirror, f"{skopeo.host}/other/sync"
    )

    short = repository.rpartition("/")[2]
    assert sorted(folder.name for folder in mirror.iterdir()) == [f"{short}:1", f"{short}:2"]
    listed = skopeo.json("list-tags", PLAIN, f"docker://{skopeo.host}/other/sync/{short}")
    assert listed["Tags"] == ["1", "2"]
    assert skopeo.digest(f"other/sync/{short}:2") == image.digest


def test_nothing_is_listed_without_signing_in(skopeo: Copier, repository: str, image: images.Image) -> None:
    skopeo.push(image, f"{repository}:1")
    skopeo.run("logout", skopeo.host)

    said = skopeo.refuses("list-tags", PLAIN, f"docker://{skopeo.host}/{repository}")

    assert re.search(r"unauthorized|authentication required|denied", said), said
