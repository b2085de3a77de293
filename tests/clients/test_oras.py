"""oras: artifacts of any type and what refers to them."""

import json
import re

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.oras import Oras
from tests.serving import Account

pytestmark = pytest.mark.part("oras")

PLAIN = "--plain-http"
BOX = "application/vnd.example.box"
SBOM = "application/vnd.example.sbom"
SIGNATURE = "application/vnd.example.signature"


class Pusher(Client):
    """An oras command."""

    def login(self, account: Account) -> None:
        """Sign in."""
        words = ("login", PLAIN, "--username", account.username, "--password-stdin", self.host)
        assert "Login Succeeded" in self.run(*words, given=account.password)

    def push(self, name: str, text: str = "cargo") -> str:
        """Push a file as an artifact of the type BOX; its digest."""
        (self.folder / "box.txt").write_text(text)
        words = ("push", PLAIN, "--format", "json", "--artifact-type", BOX, name, "box.txt:text/plain")
        return str(json.loads(self.run(*words, folder=self.folder))["digest"])

    def attach(self, name: str, artifact_type: str, note: str) -> str:
        """Attach a file to an artifact; the referrer's digest."""
        (self.folder / "note.txt").write_text(note)
        words = ("attach", PLAIN, "--format", "json", "--artifact-type", artifact_type, "--annotation", f"note={note}")
        return str(json.loads(self.run(*words, name, "note.txt:text/plain", folder=self.folder))["digest"])

    def discover(self, name: str, *options: str) -> dict[str, str]:
        """What refers to an artifact. Shape: {digest: artifact type}."""
        found = self.json("discover", PLAIN, "--format", "json", *options, name)
        return {one["digest"]: one["artifactType"] for one in found.get("referrers") or []}

    def resolve(self, name: str) -> str:
        """The digest that a tag points to."""
        return self.run("resolve", PLAIN, name).strip()


@pytest.fixture
def oras(parts: Parts, setting: Setting, alice: Account) -> Pusher:
    part = parts.get("oras", Oras)
    client = Pusher(setting, part, part.program)
    client.login(alice)
    return client


@pytest.fixture
def name(oras: Pusher, repository: str) -> str:
    return f"{oras.host}/{repository}"


def test_a_wrong_password_is_refused(oras: Pusher, carol: Account) -> None:
    said = oras.refuses("login", PLAIN, "--username", carol.username, "--password-stdin", oras.host, given="wrong")

    assert re.search(r"401|unauthorized", said, re.IGNORECASE), said


def test_an_artifact_comes_back_as_it_was_pushed(oras: Pusher, name: str) -> None:
    digest = oras.push(f"{name}:1", "a box of tea")
    back = oras.folder / "back"

    oras.run("pull", PLAIN, "--output", back, f"{name}:1")

    assert (back / "box.txt").read_text() == "a box of tea"
    assert oras.resolve(f"{name}:1") == digest
    assert oras.json("manifest", "fetch", PLAIN, f"{name}:1")["artifactType"] == BOX


def test_what_is_attached_is_discovered_without_a_tag_for_it(oras: Pusher, name: str) -> None:
    oras.push(f"{name}:1")
    sbom = oras.attach(f"{name}:1", SBOM, "contents")
    signature = oras.attach(f"{name}:1", SIGNATURE, "signed")

    assert oras.discover(f"{name}:1") == {sbom: SBOM, signature: SIGNATURE}
    assert oras.run("repo", "tags", PLAIN, name).split() == ["1"], "the referrers API is there, so no fallback tag"


def test_referrers_can_be_asked_by_type(oras: Pusher, name: str) -> None:
    oras.push(f"{name}:1")
    sbom = oras.attach(f"{name}:1", SBOM, "contents")
    oras.attach(f"{name}:1", SIGNATURE, "signed")

    assert oras.discover(f"{name}:1", "--artifact-type", SBOM) == {sbom: SBOM}


def test_a_referrer_has_referrers_of_its_own(oras: Pusher, name: str) -> None:
    oras.push(f"{name}:1")
    sbom = oras.attach(f"{name}:1", SBOM, "contents")
    signature = oras.attach(f"{name}@{sbom}", SIGNATURE, "signed")

    assert oras.discover(f"{name}@{sbom}") == {signature: SIGNATURE}


def test_a_referrer_may_come_before_its_subject(oras: Pusher, name: str) -> None:
    oras.push(f"{name}:1")
    sbom = oras.attach(f"{name}:1", SBOM, "contents")
    subject = oras.resolve(f"{name}:1")
    kept = oras.folder / "kept"
    oras.run("copy", "--recursive", "--from-plain-http", "--to-oci-layout", f"{name}:1", f"{kept}:1")
    manifest = (kept / "blobs" / "sha256" / sbom.removeprefix("sha256:")).read_text()

    target = f"{name}-later"
    for blob in ("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", _layer(manifest)):
        file = kept / "blobs" / "sha256" / blob.removeprefix("sha256:")
        oras.run("blob", "push", PLAIN, f"{target}@{blob}", file)
    oras.run("manifest", "push", PLAIN, f"{target}@{sbom}", "-", given=manifest)
    oras.run("copy", "--from-oci-layout", "--to-plain-http", f"{kept}:1", f"{target}:1")

    assert oras.resolve(f"{target}:1") == subject
    assert oras.discover(f"{target}:1") == {sbom: SBOM}


def test_a_recursive_copy_takes_the_referrers_along(oras: Pusher, name: str) -> None:
    digest = oras.push(f"{name}:1")
    sbom = oras.attach(f"{name}:1", SBOM, "contents")
    signature = oras.attach(f"{name}@{sbom}", SIGNATURE, "signed")
    target = f"{oras.host}/other/oras-copied"

    oras.run("copy", "--recursive", "--from-plain-http", "--to-plain-http", f"{name}:1", f"{target}:1")

    assert oras.resolve(f"{target}:1") == digest
    assert oras.discover(f"{target}:1", "--depth", "1") == {sbom: SBOM}
    assert oras.discover(f"{target}@{sbom}") == {signature: SIGNATURE}


def test_a_deleted_referrer_is_not_discovered(oras: Pusher, name: str) -> None:
    digest = oras.push(f"{name}:1")
    sbom = oras.attach(f"{name}:1", SBOM, "contents")
    signature = oras.attach(f"{name}:1", SIGNATURE, "signed")

    oras.run("manifest", "delete", PLAIN, "--force", f"{name}@{sbom}")

    assert oras.discover(f"{name}:1") == {signature: SIGNATURE}
    oras.refuses("resolve", PLAIN, f"{name}@{sbom}")
    assert oras.resolve(f"{name}:1") == digest


def test_a_deleted_artifact_takes_its_tags_along(oras: Pusher, name: str) -> None:
    digest = oras.push(f"{name}:1")
    oras.run("tag", PLAIN, f"{name}:1", "2")
    other = oras.push(f"{name}:3", "other cargo")

    oras.run("manifest", "delete", PLAIN, "--force", f"{name}@{digest}")

    assert oras.run("repo", "tags", PLAIN, name).split() == ["3"]
    assert oras.resolve(f"{name}:3") == other


def test_a_manifest_list_with_all_its_images_is_copied(
    oras: Pusher, name: str, repository: str, image: images.Image
) -> None:
    both = images.index(image, images.image(repository, size_bytes=1000, architecture="arm64"))
    layout = images.write_layout(oras.folder / "layout", {"1": both})

    oras.run("copy", "--from-oci-layout", "--to-plain-http", f"{layout}:1", f"{name}:1")

    assert oras.resolve(f"{name}:1") == both.digest
    assert oras.run("resolve", PLAIN, "--platform", "linux/arm64", f"{name}:1").strip() == both.images[1].digest


def test_tags_are_listed_page_by_page_from_the_one_named(oras: Pusher, name: str) -> None:
    oras.push(f"{name}:v0")
    oras.run("tag", PLAIN, f"{name}:v0", *(f"v{number}" for number in range(1, 12)))

    whole = oras.run("repo", "tags", PLAIN, name).split()
    rest = oras.run("repo", "tags", PLAIN, "--last", "v10", name).split()

    assert whole == sorted(f"v{number}" for number in range(12))
    assert rest == [tag for tag in whole if tag > "v10"]


def _layer(manifest: str) -> str:
    """The digest of the only layer."""
    (layer,) = json.loads(manifest)["layers"]
    return str(layer["digest"])
