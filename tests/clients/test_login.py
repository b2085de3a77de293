"""One `config.json`, written by the real `docker login`, read by every client: for a user, a robot, an access token."""

import base64
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.base import Part
from tests.parts.buildah import Buildah
from tests.parts.containerd import Containerd
from tests.parts.crane import Crane
from tests.parts.dockerd import Dockerd
from tests.parts.helm import Helm
from tests.parts.oras import Oras
from tests.parts.podman import Podman
from tests.parts.skopeo import Skopeo
from tests.serving import Account, Registry

pytestmark = pytest.mark.part("dockerd")

PLAIN = "--tls-verify=false"
LOGINS = 300


def ask(registry: Registry, who: Account, method: str, path: str, body: object = None) -> Any:
    """A request to the REST API; what it answers."""
    login = base64.b64encode(f"{who.username}:{who.password}".encode()).decode()
    request = urllib.request.Request(
        f"http://{registry.host}/api/v2.0{path}",
        None if body is None else json.dumps(body).encode(),
        {"authorization": f"Basic {login}", "content-type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        text = answer.read()
    return json.loads(text) if text else None


def make_robot(registry: Registry, name: str) -> Account:
    """A robot that pulls from and pushes to the project `team`."""
    access = [{"resource": "repository", "action": action} for action in ("pull", "push")]
    permission = {"kind": "project", "namespace": "team", "access": access}
    robot = {"name": name, "level": "project", "duration": -1, "permissions": [permission]}
    made = ask(registry, registry.admin, "POST", "/robots", robot)
    return Account(made["name"], made["secret"])


def make_access_token(registry: Registry, owner: Account, name: str) -> Account:
    """An access token of a person, in the place of the password."""
    made = ask(registry, owner, "POST", "/users/current/tokens", {"name": name, "scopes": ["pull", "push"]})
    return Account(owner.username, made["token"])


@pytest.fixture(params=["user", "robot", "access token"])
def who(request: pytest.FixtureRequest, registry: Registry, alice: Account, image: images.Image) -> Account:
    """Who logs in."""
    name = image.digest[-12:]
    if request.param == "robot":
        return make_robot(registry, f"ci{name}")
    return alice if request.param == "user" else make_access_token(registry, alice, name)


@pytest.fixture
def pushed(setting: Setting, alice: Account, image: images.Image, repository: str) -> str:
    """The name of an image that is there, put by a login of its own."""
    name = f"{setting.host}/{repository}:1"
    part = setting.parts.get("skopeo", Skopeo)
    layout = setting.folder / "layout"
    images.write_layout(layout, {"1": image})
    creds = ("--dest-creds", f"{alice.username}:{alice.password}")
    words = ("copy", "--dest-tls-verify=false", *creds, f"oci:{layout}:1", f"docker://{name}")
    Client(setting, part, part.program).run(*words)
    return name


@dataclass
class Login:
    """What `docker login` left in a folder, and the clients that read it."""

    setting: Setting
    parts: Parts
    folder: Path
    docker: Client

    @property
    def file(self) -> Path:
        """The login file."""
        return self.folder / "config.json"

    def client(self, part: Part, *command: str | Path, **more: str) -> Client:
        """A client that finds the login file where it looks for it by itself, or by the variable that names it."""
        words = {"DOCKER_CONFIG": str(self.folder), "REGISTRY_AUTH_FILE": str(self.file), **more}
        return Client(self.setting, part, *command, environment=words)


@pytest.fixture
def login(parts: Parts, setting: Setting) -> Callable[[Account], Login]:
    """Log in with docker, which writes the file."""

    def log_in(account: Account) -> Login:
        part = parts.get("dockerd", Dockerd)
        folder = setting.folder / "login"
        environment = {"DOCKER_HOST": part.host, "DOCKER_CONFIG": str(folder)}
        docker = Client(setting, part, part.program, environment=environment)
        words = ("login", "--username", account.username, "--password-stdin", setting.host)
        assert "Login Succeeded" in docker.run(*words, given=account.password)
        return Login(setting, parts, folder, docker)

    return log_in


def with_docker(login: Login, name: str) -> None:
    login.docker.run("pull", name)
    login.docker.run("image", "rm", name)


def with_podman(login: Login, name: str) -> None:
    part = login.parts.get("podman", Podman)
    login.client(part, *part.command()).run("pull", PLAIN, name)


def with_buildah(login: Login, name: str) -> None:
    part = login.parts.get("buildah", Buildah)
    login.client(part, *part.command()).run("pull", PLAIN, name)


def with_skopeo(login: Login, name: str) -> None:
    part = login.parts.get("skopeo", Skopeo)
    login.client(part, part.program).run("copy", "--src-tls-verify=false", f"docker://{name}", f"dir:{login.folder}/x")


def with_crane(login: Login, name: str) -> None:
    part = login.parts.get("crane", Crane)
    login.client(part, part.program).run("pull", name, login.folder / "image.tar")


def with_oras(login: Login, name: str) -> None:
    part = login.parts.get("oras", Oras)
    login.client(part, part.program).run("pull", "--plain-http", "--output", login.folder / "oras", name)


def with_helm(login: Login, name: str) -> None:
    part = login.parts.get("helm", Helm)
    homes = {f"HELM_{kind}_HOME": str(login.folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    client = login.client(part, part.program, **homes, HELM_REGISTRY_CONFIG=str(login.file))
    chart = images.write_chart(login.folder / "chart")
    client.run("package", chart, "--destination", login.folder)
    where = f"oci://{name.rpartition('/')[0]}"
    client.run("push", "--plain-http", login.folder / "quay-wall-0.1.0.tgz", where)
    (got := login.folder / "got").mkdir()
    client.run("pull", "--plain-http", f"{where}/quay-wall", "--version", "0.1.0", "--destination", got)


def with_containerd(login: Login, name: str) -> None:
    """As the kubelet does: take apart the entry's `auth`, and hand containerd user and password."""
    part = login.parts.get("containerd", Containerd)
    entry = json.loads(login.file.read_text())["auths"][login.setting.host]
    pair = base64.b64decode(entry["auth"]).decode()
    ctr = login.client(part, part.program, "--address", part.address, "--namespace", "login")
    ctr.run("images", "pull", "--plain-http", "--user", pair, name)
    ctr.run("images", "rm", "--sync", name)


CLIENTS = {
    "docker": ("dockerd", with_docker),
    "podman": ("podman", with_podman),
    "buildah": ("buildah", with_buildah),
    "skopeo": ("skopeo", with_skopeo),
    "containerd": ("containerd", with_containerd),
    "crane": ("crane", with_crane),
    "oras": ("oras", with_oras),
    "helm": ("helm", with_helm),
}


@pytest.mark.parametrize(
    "pull", [pytest.param(pull, id=name, marks=pytest.mark.part(part)) for name, (part, pull) in CLIENTS.items()]
)
def test_every_client_pulls_with_what_docker_login_wrote(
    login: Callable[[Account], Login], pull: Callable[[Login, str], None], who: Account, pushed: str, registry: Registry
) -> None:
    written = login(who)

    entry = json.loads(written.file.read_text())["auths"][registry.host]
    assert set(entry) == {"auth"}, "no identity token"
    assert base64.b64decode(entry["auth"]).decode() == f"{who.username}:{who.password}"
    pull(written, pushed)


def test_three_hundred_machines_of_one_robot_log_in_and_all_still_pull(
    login: Callable[[Account], Login], registry: Registry, pushed: str, image: images.Image, setting: Setting
) -> None:
    """Each machine is a folder with a login file of its own; crane pulls the manifest, with a token of its own."""
    robot = make_robot(registry, f"fleet{image.digest[-12:]}")
    machines = [login(robot).folder]
    part = setting.parts.get("dockerd", Dockerd)
    for number in range(1, LOGINS):
        folder = setting.folder / f"machine{number}"
        environment = {"DOCKER_HOST": part.host, "DOCKER_CONFIG": str(folder)}
        words = ("login", "--username", robot.username, "--password-stdin", registry.host)
        Client(setting, part, part.program, environment=environment).run(*words, given=robot.password)
        machines.append(folder)
    program = setting.parts.get("crane", Crane)

    def pull(folder: Path) -> str:
        client = Client(setting, program, program.program, environment={"DOCKER_CONFIG": str(folder)})
        return client.run("manifest", pushed)

    with ThreadPoolExecutor(4) as pool:
        pulled = list(pool.map(pull, machines))

    assert len(pulled) == LOGINS
    assert {text.strip() for text in pulled} == {image.manifest.data.decode().strip()}


@contextlib.contextmanager
def switched_on(registry: Registry) -> Any:
    """Refresh tokens for people, until the end."""
    ask(registry, registry.admin, "PUT", "/configurations", {"refresh_token_enable": True})
    try:
        yield
    finally:
        ask(registry, registry.admin, "PUT", "/configurations", {"refresh_token_enable": False})


@pytest.mark.parametrize("given", [False, True], ids=["password", "refresh token"])
@pytest.mark.parametrize("change", ["password", "disabled"])
def test_a_new_password_and_a_disabled_account_end_a_docker_login_at_once(
    login: Callable[[Account], Login], registry: Registry, carol: Account, pushed: str, *, given: bool, change: str
) -> None:
    registry.add_member("team", carol, "guest")
    with switched_on(registry) if given else contextlib.nullcontext():
        written = login(carol)
        assert ("identitytoken" in json.loads(written.file.read_text())["auths"][registry.host]) is given
        with_docker(written, pushed)

        number = ask(registry, carol, "GET", "/users/current")["user_id"]
        if change == "password":
            ask(registry, registry.admin, "PUT", f"/users/{number}/password", {"new_password": "An0ther-one"})
        else:
            ask(registry, registry.admin, "PUT", f"/users/{number}/lock", {"locked": True})

        said = written.docker.refuses("pull", pushed)
        assert "unauthorized" in said or "denied" in said, said
