"""Somebody who signs in through an OpenID provider, at the command line: docker and skopeo with a CLI secret."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests import serving
from tests.api.test_oidc import PEOPLE, settings_for
from tests.clients import images
from tests.clients.client import Record, Setting
from tests.clients.test_docker import Docker
from tests.clients.test_skopeo import PLAIN, Copier
from tests.parts import Parts
from tests.parts.base import free_port
from tests.parts.dockerd import Dockerd
from tests.parts.oidc import Oidc
from tests.parts.skopeo import Skopeo
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("oidc")

NAME = "registry.test"
"""What browsers call the server: the provider leads back there, and to nowhere else."""


class Person:
    """The browser of somebody who signed in through the provider."""

    def __init__(self, moorage: Moorage, provider: Oidc, who: str) -> None:
        self._browser = httpx.Client(base_url=moorage.url, headers={"host": NAME}, trust_env=False, timeout=60)
        begun = self._browser.get("/c/oidc/login")
        assert begun.status_code == 302, begun.text
        back = urlsplit(provider.sign_in(begun.headers["location"], who))
        done = self._browser.get(f"{back.path}?{back.query}")
        assert done.status_code == 302, done.text
        current = self._browser.get("/api/v2.0/users/current")
        assert current.status_code == 200, current.text
        self._csrf = current.headers["x-harbor-csrf-token"]
        self.username: str = current.json()["username"]
        self._secret = f"/api/v2.0/users/{current.json()['user_id']}/cli_secret"

    def close(self) -> None:
        """Close the browser."""
        self._browser.close()

    def make_secret(self) -> Account:
        """A new CLI secret; the one before ends."""
        made = self._browser.put(self._secret, json={}, headers={"x-harbor-csrf-token": self._csrf})
        assert made.status_code == 200, made.text
        return Account(self.username, made.json()["secret"])


@pytest.fixture(scope="module")
def provider(parts: Parts) -> Oidc:
    """The provider, with its people."""
    found = parts.get("oidc", Oidc)
    found.change(people=PEOPLE, rotate=True)
    return found


@pytest.fixture(scope="module")
def moorage(provider: Oidc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server that lets the provider's people in, two workers, with the private project `team`."""
    settings = {"allowed_hosts": [NAME]}
    with serving.serve(tmp_path_factory.mktemp("oidc") / "data", settings=settings, workers=2) as started:
        configure(started, **settings_for(provider))
        started.create_project("team")
        yield started


def configure(moorage: Moorage, **changes: object) -> None:
    """Change live settings."""
    auth = (moorage.admin.username, moorage.admin.password)
    answer = httpx.put(f"{moorage.url}/api/v2.0/configurations", json=changes, auth=auth, trust_env=False, timeout=60)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def alice(moorage: Moorage, provider: Oidc) -> Iterator[Person]:
    """A developer of `team` who came in through the provider."""
    person = Person(moorage, provider, "alice-1")
    moorage.add_member("team", Account(person.username, ""), "developer")
    yield person
    person.close()


@pytest.fixture
def place(request: pytest.FixtureRequest, moorage: Moorage, parts: Parts, record: Record, tmp_path: Path) -> Setting:
    """What this test gives to its clients."""
    record.hide(moorage.host, "HOST")
    record.hide(str(tmp_path), "FOLDER")
    return Setting(request.node.name, moorage.host, tmp_path, parts, record)


@pytest.mark.part("dockerd")
def test_docker_signs_in_with_a_cli_secret_pushes_and_pulls(alice: Person, place: Setting, parts: Parts) -> None:
    part = parts.get("dockerd", Dockerd)
    docker = Docker(place, part, part.program, environment={"DOCKER_HOST": part.host})
    first = alice.make_secret()
    place.record.hide(first.password, "SECRET")
    name = f"{docker.host}/team/docker-cli-secret:1"
    image = images.image("oidc", size_bytes=20_000)

    docker.login(first)
    identity = docker.load(image, name)
    docker.push(name)
    docker.run("image", "rm", name)
    docker.run("pull", name)
    assert docker.identity(name) == identity

    second = alice.make_secret()
    words = ("login", "--username", alice.username, "--password-stdin", docker.host)
    assert "unauthorized" in docker.refuses(*words, given=first.password).lower()
    docker.login(second)
    docker.run("image", "rm", name)
    docker.run("pull", name)


@pytest.mark.part("skopeo")
def test_skopeo_copies_with_a_cli_secret_while_the_provider_is_away(
    alice: Person, place: Setting, parts: Parts, moorage: Moorage, provider: Oidc
) -> None:
    part = parts.get("skopeo", Skopeo)
    skopeo = Copier(place, part, part.program)
    account = alice.make_secret()
    image = images.image("skopeo-oidc", size_bytes=20_000)

    configure(moorage, oidc_endpoint=f"http://127.0.0.1:{free_port()}")
    try:
        skopeo.login(account)
        skopeo.push(image, "team/skopeo-cli-secret:1")
        assert skopeo.digest("team/skopeo-cli-secret:1") == image.digest
    finally:
        configure(moorage, oidc_endpoint=provider.issuer)

    said = skopeo.refuses("login", PLAIN, "--username", alice.username, "--password-stdin", skopeo.host, given="wrong")
    assert "unauthorized" in said or "invalid username/password" in said, said
