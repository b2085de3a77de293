"""cosign: an image is signed and attested with a key pair, by tags and by referrers, without Sigstore's services."""

import json

import pytest

from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.cosign import Cosign
from tests.parts.oras import Oras
from tests.serving import Account

pytestmark = pytest.mark.part("cosign")

PLAIN = "--allow-http-registry"
OFFLINE = ("--tlog-upload=false", "--use-signing-config=false", "--yes")
UNLOGGED = "--insecure-ignore-tlog"
PASSWORD = "of-the-key"
WAYS = {
    "tags": ("--new-bundle-format=false",),
    "referrers": ("--new-bundle-format=true",),
}


class Signer(Client):
    """A cosign command with a key pair of its own."""

    def make_keys(self) -> None:
        """Make `cosign.key` and `cosign.pub`."""
        self.run("generate-key-pair", folder=self.folder)

    def sign(self, name: str, *way: str) -> None:
        """Sign what a digest names."""
        self.run("sign", PLAIN, *OFFLINE, *way, "--key", "cosign.key", name, folder=self.folder)

    def attest(self, name: str, *way: str) -> None:
        """Attest that it was built by somebody."""
        (self.folder / "predicate.json").write_text('{"builder": "harbour"}')
        words = ("--key", "cosign.key", "--type", "custom", "--predicate", "predicate.json")
        self.run("attest", PLAIN, *OFFLINE, *way, *words, name, folder=self.folder)


@pytest.fixture
def cosign(parts: Parts, setting: Setting, alice: Account) -> Signer:
    part = parts.get("cosign", Cosign)
    client = Signer(setting, part, part.program, environment={"COSIGN_PASSWORD": PASSWORD})
    client.run("login", "--username", alice.username, "--password-stdin", client.host, given=alice.password)
    client.make_keys()
    return client


@pytest.fixture
def oras(parts: Parts, setting: Setting, alice: Account) -> Client:
    part = parts.get("oras", Oras)
    client = Client(setting, part, part.program)
    words = ("login", "--plain-http", "--username", alice.username, "--password-stdin", client.host)
    client.run(*words, given=alice.password)
    return client


@pytest.fixture
def image(oras: Client, setting: Setting, repository: str) -> str:
    """A pushed artifact, by its digest."""
    (setting.folder / "box.txt").write_text("a box of tea")
    name = f"{oras.host}/{repository}"
    words = ("push", "--plain-http", "--format", "json", f"{name}:1", "box.txt:text/plain")
    return f"{name}@{json.loads(oras.run(*words, folder=setting.folder))['digest']}"


@pytest.mark.parametrize("way", WAYS)
def test_what_is_signed_is_verified_and_by_no_other_key(cosign: Signer, oras: Client, image: str, way: str) -> None:
    before = cosign.refuses("verify", PLAIN, *WAYS[way], UNLOGGED, "--key", cosign.folder / "cosign.pub", image)
    assert "no signatures found" in before, before

    cosign.sign(image, *WAYS[way])

    said = cosign.run("verify", PLAIN, *WAYS[way], UNLOGGED, "--key", cosign.folder / "cosign.pub", image)
    assert image.rpartition("@")[2] in said
    tags = oras.run("repo", "tags", "--plain-http", image.partition("@")[0]).split()
    named = image.rpartition("@")[2].replace(":", "-")
    assert sorted(tags) == (["1", f"{named}.sig"] if way == "tags" else ["1"])
    referrers = oras.json("discover", "--plain-http", "--format", "json", image).get("referrers") or []
    assert len(referrers) == 1, "a signature under a tag is listed, too"
    (cosign.folder / "cosign.key").unlink()
    (cosign.folder / "cosign.pub").unlink()
    cosign.make_keys()
    cosign.refuses("verify", PLAIN, *WAYS[way], UNLOGGED, "--key", cosign.folder / "cosign.pub", image)


@pytest.mark.parametrize("way", WAYS)
def test_an_attestation_is_attached_and_verified(cosign: Signer, image: str, way: str) -> None:
    cosign.attest(image, *WAYS[way])

    words = ("--key", cosign.folder / "cosign.pub", "--type", "custom")
    said = cosign.run("verify-attestation", PLAIN, *WAYS[way], UNLOGGED, *words, image)
    assert "payload" in said
    assert image.rpartition("@")[2] in cosign.output("tree", PLAIN, image)


def test_the_tag_of_a_signature_is_named_and_pulled(cosign: Signer, image: str) -> None:
    cosign.sign(image, *WAYS["tags"])

    tag = cosign.run("triangulate", PLAIN, image).strip()
    assert tag.endswith(image.rpartition("@")[2].replace(":", "-") + ".sig")
    tree = cosign.output("tree", PLAIN, image)
    assert tag in tree, tree
