"""Real clients that pull `docker.io/library/NAME` through a mirror, with nothing changed but their configuration.

What they pull is in no other registry, so it came from this one. The mirror is found by the Host `localhost` (the
server itself is 127.0.0.1) or by containerd's `?ns=`.
"""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests import serving
from tests.clients import images
from tests.clients.client import Client, Record, Setting
from tests.parts import Parts
from tests.parts.base import wait_until
from tests.parts.containerd import Containerd
from tests.parts.docker_registry import DockerRegistry
from tests.parts.dockerd import Dockerd
from tests.parts.podman import Podman
from tests.parts.skopeo import Skopeo
from tests.serving import Account, Moorage

IMAGE = images.image("through a mirror", size_bytes=1000)
OTHER = images.image("from another registry", size_bytes=1000)
CACHED = images.image("kept on the way", size_bytes=1000)


@dataclass(frozen=True)
class Mirror:
    """A server whose mirrors lead into two projects.

    Attributes:
        host: where clients send what they want of docker.io.
        bob: may pull from both projects.
    """

    moorage: Moorage
    host: str
    bob: Account


@pytest.fixture(scope="module")
def mirror(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """docker.io leads into the public project `hub`, quay.io into the private project `vault`."""
    with serving.serve(tmp_path_factory.mktemp("mirror") / "data") as moorage:
        record.hide(moorage.host, "HOST")
        record.hide(f"localhost:{moorage.port}", "MIRROR")
        bob = moorage.create_user("bob")
        record.hide(bob.password, "PASSWORD")
        with httpx.Client(
            base_url=moorage.url, auth=(moorage.admin.username, moorage.admin.password), timeout=60
        ) as http:
            for project, name, image in (("hub", "library/moored", IMAGE), ("vault", "team/moored", OTHER)):
                public = {"public": "true" if project == "hub" else "false"}
                made = http.post("/api/v2.0/projects", json={"project_name": project, "metadata": public})
                assert made.status_code == 201, made.text
                member = {"role_id": 3, "member_user": {"username": bob.username}}
                made = http.post(f"/api/v2.0/projects/{project}/members", json=member)
                assert made.status_code == 201, made.text
                push(http, f"{project}/{name}", image)
            for kind, name, project in (
                ("ns", "quay.io", "vault"),
                ("ns", "docker.io", "hub"),
                ("host", "localhost", "hub"),
            ):
                made = http.post("/api/v2.0/mirrors", json={"kind": kind, "name": name, "project_name": project})
                assert made.status_code == 201, made.text
        yield settled(Mirror(moorage, f"localhost:{moorage.port}", bob))


def push(http: httpx.Client, repository: str, image: images.Image) -> None:
    """Push an image under the tag 1."""
    for blob in (image.config, *image.layers):
        opened = http.post(f"/v2/{repository}/blobs/uploads/")
        assert opened.status_code == 202, opened.text
        location = httpx.URL(opened.headers["location"]).copy_merge_params({"digest": blob.digest})
        done = http.put(location, content=blob.data)
        assert done.status_code == 201, done.text
    headers = {"content-type": image.manifest.media_type}
    assert http.put(f"/v2/{repository}/manifests/1", content=image.manifest.data, headers=headers).status_code == 201


def settled(mirror: Mirror, project: str = "hub") -> Mirror:
    """The mirror, once it leads there: within a second."""

    def is_there() -> bool:
        challenge = httpx.get(f"http://{mirror.host}/v2/", timeout=60).headers["www-authenticate"]
        return f'realm="http://{mirror.host}/service/token/{project}"' in challenge

    wait_until(is_there, what="the mirror")
    return mirror


def logged(moorage: Moorage) -> int:
    """How long the log is once every request so far is in it: lines come a moment after their answers."""
    path = f"/v2/{uuid.uuid4()}/manifests/1"
    httpx.get(f"{moorage.url}{path}", timeout=60)
    wait_until(lambda: "\n" in moorage.log_text().partition(path)[2], what="the access log")
    text = moorage.log_text()
    return text.index("\n", text.index(path))


# -- docker -----------------------------------------------------------------------------------------------


@pytest.fixture
def docker(parts: Parts, setting: Setting, mirror: Mirror) -> Iterator[Client]:
    """A docker command whose daemon has a mirror."""
    part = parts.get("dockerd", Dockerd)
    part.configure({"registry-mirrors": [f"http://{mirror.host}"]})
    yield Client(setting, part, part.program, environment={"DOCKER_HOST": part.host})
    part.configure({"registry-mirrors": []})


@pytest.mark.part("dockerd")
def test_docker_pulls_a_short_name_through_its_mirror(docker: Client) -> None:
    said = docker.run("pull", "moored:1")

    assert IMAGE.digest in said
    assert docker.run("run", "--rm", "--network", "none", "moored:1") == "through a mirror\n"
    docker.run("image", "rm", "moored:1")
    docker.run("pull", f"docker.io/library/moored@{IMAGE.digest}")
    docker.run("image", "rm", f"moored@{IMAGE.digest}")


@pytest.mark.part("dockerd")
@pytest.mark.parametrize("known", [True, False])
def test_docker_sends_a_mirror_what_it_holds_for_docker_hub(
    docker: Client, mirror: Mirror, tmp_path: Path, *, known: bool
) -> None:
    """Where nobody here has that name and password, it pulls what everybody may."""
    password = mirror.bob.password if known else "of Docker Hub"
    login = base64.b64encode(f"{mirror.bob.username}:{password}".encode()).decode()
    config = tmp_path / "home" / "docker"
    config.mkdir(parents=True, exist_ok=True)
    (config / "config.json").write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": login}}}))

    assert IMAGE.digest in docker.run("pull", "moored:1")

    docker.run("image", "rm", "moored:1")


# -- containerd -------------------------------------------------------------------------------------------


@pytest.fixture
def ctr(parts: Parts, setting: Setting, mirror: Mirror, tmp_path: Path) -> Client:
    """A ctr command whose registries have a mirror: `docker.io`, `quay.io`, and by `_default` every other."""
    part = parts.get("containerd", Containerd)
    for registry in ("docker.io", "quay.io", "_default"):
        folder = tmp_path / "certs.d" / registry
        folder.mkdir(parents=True)
        (folder / "hosts.toml").write_text(
            f'[host."http://{mirror.moorage.host}"]\n  capabilities = ["pull", "resolve"]\n'
        )
    return Client(setting, part, part.program, "--address", part.address, "--namespace", "through-mirrors")


@pytest.mark.part("containerd")
def test_containerd_pulls_by_the_registry_that_it_names(ctr: Client, mirror: Mirror, tmp_path: Path) -> None:
    hosts = ("--hosts-dir", tmp_path / "certs.d")

    ctr.run("images", "pull", *hosts, "docker.io/library/moored:1")
    user = f"{mirror.bob.username}:{mirror.bob.password}"
    ctr.run("images", "pull", *hosts, "--user", user, "quay.io/team/moored:1")

    listed = ctr.run("images", "ls")
    assert IMAGE.digest in listed
    assert OTHER.digest in listed
    said = ctr.run("run", "--rm", "--net-host", "docker.io/library/moored:1", "one")
    assert said == "through a mirror\n"


@pytest.mark.part("containerd")
def test_containerd_gets_nothing_that_it_may_not_have(ctr: Client, mirror: Mirror, tmp_path: Path) -> None:
    hosts = ("--hosts-dir", tmp_path / "certs.d")
    before = logged(mirror.moorage)

    ctr.refuses("images", "pull", *hosts, "quay.io/team/moored:1")
    # hub/library/moored is here under this very name; what was asked for is that of a registry that is not mirrored.
    ctr.refuses("images", "pull", *hosts, "registry.invalid/hub/library/moored:1")

    def answered() -> set[tuple[str, int]]:
        lines = mirror.moorage.log_text()[before:].splitlines()
        found = [json.loads(line) for line in lines if line.endswith("}")]
        return {(one["path"], one["status"]) for one in found if one["logger"] == "moorage.access"}

    last = ("/v2/hub/library/moored/manifests/1", 404)
    wait_until(lambda: last in answered(), what="the access log")
    assert ("/v2/team/moored/manifests/1", 401) in answered()
    assert not any(status == 200 for path, status in answered() if path.startswith("/v2/"))


# -- a proxy cache ----------------------------------------------------------------------------------------


@pytest.fixture
def cached(parts: Parts, mirror: Mirror) -> Iterator[Mirror]:
    """The same server: `localhost` and registry.upstream lead into a project that mirrors another registry."""
    upstream = parts.get("docker_registry", DockerRegistry)
    account = (upstream.username, upstream.password)
    with httpx.Client(base_url=f"http://{upstream.host}", auth=account, timeout=60) as http:
        push(http, "library/kept", CACHED)
    admin = mirror.moorage.admin
    with httpx.Client(
        base_url=f"{mirror.moorage.url}/api/v2.0", auth=(admin.username, admin.password), timeout=60
    ) as http:

        def make(path: str, body: Mapping[str, object]) -> str:
            made = http.post(path, json=body)
            assert made.status_code == 201, made.text
            return str(made.headers["location"].rpartition("/")[2])

        credential = {"type": "basic", "access_key": account[0], "access_secret": account[1]}
        endpoint = {"name": "up", "type": "docker-registry", "url": f"http://{upstream.host}", "credential": credential}
        registry = int(make("/registries", endpoint))
        make("/projects", {"project_name": "cache", "registry_id": registry, "metadata": {"public": "true"}})
        ways = (("ns", "registry.upstream"), ("host", mirror.host))
        made = [make("/mirrors", {"kind": kind, "name": name, "project_name": "cache"}) for kind, name in ways]
        yield settled(mirror, "cache")
        for one in made:
            assert http.delete(f"/mirrors/{one}").status_code == 200
    settled(mirror)


@pytest.mark.part("dockerd", "containerd", "docker_registry")
def test_what_another_registry_has_comes_by_its_own_name(
    docker: Client, ctr: Client, cached: Mirror, tmp_path: Path
) -> None:
    """Neither name is here before: the first pull fetches it, by docker, the second finds it, by containerd."""
    assert CACHED.digest in docker.run("pull", "kept:1")
    assert docker.run("run", "--rm", "--network", "none", "kept:1") == "kept on the way\n"
    docker.run("image", "rm", "kept:1")

    ctr.run("images", "pull", "--hosts-dir", tmp_path / "certs.d", "registry.upstream/library/kept:1")

    assert CACHED.digest in ctr.run("images", "ls")
    admin = cached.moorage.admin
    shown = httpx.get(
        f"{cached.moorage.url}/api/v2.0/projects/cache/repositories", auth=(admin.username, admin.password), timeout=60
    ).json()
    assert [one["name"] for one in shown] == ["cache/library/kept"]


# -- podman and skopeo ------------------------------------------------------------------------------------


def write_registries(folder: Path, mirror: Mirror) -> Path:
    """A registries.conf with a mirror of docker.io; and a file without logins, which podman wants to be there."""
    (folder / "home" / "docker").mkdir(parents=True, exist_ok=True)
    (folder / "home" / "docker" / "config.json").write_text("{}")
    path = folder / "registries.conf"
    path.write_text(
        f'[[registry]]\nlocation = "docker.io"\n\n[[registry.mirror]]\nlocation = "{mirror.host}"\ninsecure = true\n'
    )
    return path


@pytest.mark.part("podman")
def test_podman_pulls_through_its_mirror(parts: Parts, setting: Setting, mirror: Mirror, tmp_path: Path) -> None:
    part = parts.get("podman", Podman)
    settings = {"CONTAINERS_REGISTRIES_CONF": str(write_registries(tmp_path, mirror))}
    podman = Client(setting, part, *part.command(), environment=settings)

    podman.run("pull", "docker.io/library/moored:1")

    shown = podman.run("image", "inspect", "--format", "{{.Digest}}", "docker.io/library/moored:1")
    assert shown.strip() == IMAGE.digest
    podman.run("rmi", "--all", "--force")
    words = ("login", "--tls-verify=false", "--username", mirror.bob.username, "--password-stdin", mirror.host)
    assert "Login Succeeded" in podman.run(*words, given=mirror.bob.password)
    podman.run("pull", f"docker.io/library/moored@{IMAGE.digest}")


@pytest.mark.part("skopeo")
def test_skopeo_reads_and_may_not_write(parts: Parts, setting: Setting, mirror: Mirror, tmp_path: Path) -> None:
    part = parts.get("skopeo", Skopeo)
    settings = write_registries(tmp_path, mirror)
    skopeo = Client(setting, part, part.program, "--registries-conf", settings)

    shown = skopeo.json("inspect", "--no-tags", "docker://docker.io/library/moored:1")
    layout = images.write_layout(tmp_path / "layout", {"1": OTHER})
    admin = f"{mirror.moorage.admin.username}:{mirror.moorage.admin.password}"
    said = skopeo.refuses(
        *("copy", "--dest-tls-verify=false", "--dest-creds", admin, f"oci:{layout}:1"),
        f"docker://{mirror.host}/library/moored:2",
    )

    assert shown["Digest"] == IMAGE.digest
    assert "A mirror is for reading" in said
