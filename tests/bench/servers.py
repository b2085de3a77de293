"""The servers that are compared: Moorage on filled stores, docker-registry, a newer distribution, nginx.

All of them run at the same time and are idle while one of them is measured.
"""

import asyncio
import http.client
import os
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sqlalchemy import make_url

from moorage.db.migrate import migrate
from tests.bench import floor, store
from tests.bench.load import Target, run
from tests.bench.store import Shape
from tests.parts import Parts
from tests.parts.base import Missing, Server, find_program, free_port
from tests.parts.postgres import Postgres
from tests.serving import Moorage
from tools import build_go_tools

PEER = "docker-registry 2.8"
NEWER = "distribution 3.1"
NGINX = "nginx"
ONE = "Moorage, 1 worker"
TWO = "Moorage, 2 workers"
ON_POSTGRES = "Moorage, 2 workers, PostgreSQL"

PINS = Path(__file__).with_name("go.txt")

_PEER_SETTINGS = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
_NGINX_SETTINGS = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 100000000;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{
    listen 127.0.0.1:{port};
    location / {{ root {folder}/files; }}
    location = /v2/ {{ return 200; }}
  }}
}}
"""


def find_newer() -> Path:
    """The program of distribution 3, built by `python -m tests.bench --build-peer`.

    Raises:
        Missing: it is not built.
    """
    program = build_go_tools.folder(PINS) / "registry"
    if not program.exists():
        raise Missing("distribution 3 is not built (python -m tests.bench --build-peer)")
    return program


def build_newer() -> None:
    """Build distribution 3 by go, in the version that go.txt pins.

    Raises:
        Missing: there is no go, or it could not build it.
    """
    if build_go_tools.main(PINS):
        raise Missing("distribution 3 could not be built; its reason is above")


@dataclass
class Peer:
    """Another registry that starts on an empty folder and asks for no account."""

    target: Target
    folder: Path
    server: Server

    def forget_blob(self, digest: str) -> None:
        """Remove a blob's bytes, so that the disk does not fill."""
        algorithm, _, value = digest.partition(":")
        shutil.rmtree(self.folder / "data/docker/registry/v2/blobs" / algorithm / value[:2] / value)

    def link_tags(self, repository: str, digest: str, names: list[str]) -> None:
        """Give an image that is there many tags, by writing the links that pushes would write."""
        tags = self.folder / "data/docker/registry/v2/repositories" / repository / "_manifests/tags"
        for name in names:
            place = tags / name / "current"
            place.mkdir(parents=True)
            (place / "link").write_text(digest)


def start_peer(label: str, program: Path, folder: Path, *, mirrors: str = "") -> Peer:
    """Start docker-registry or distribution 3: well under a second. `mirrors`: the URL of what it is a proxy of."""
    folder.mkdir()
    port = free_port()
    proxy = f'proxy: {{remoteurl: "{mirrors}"}}\n' if mirrors else ""
    (folder / "config.yml").write_text(_PEER_SETTINGS.format(folder=folder, port=port) + proxy)
    server = Server(
        [program, "serve", folder / "config.yml"], folder / "log", environment={"OTEL_TRACES_EXPORTER": "none"}
    )
    host = f"127.0.0.1:{port}"
    server.wait(lambda: answers(host, "/v2/"), what=label)
    return Peer(Target(label, host, pid=server.pid), folder, server)


def start_nginx(folder: Path) -> Peer:
    """Start nginx with one worker; `folder/files` is what it serves."""
    program = find_program("nginx", mend="apt-get install nginx-light")
    (folder / "files").mkdir(parents=True)
    port = free_port()
    (folder / "nginx.conf").write_text(
        ("user root;\n" if os.geteuid() == 0 else "") + _NGINX_SETTINGS.format(folder=folder, port=port)
    )
    server = Server([program, "-p", folder, "-c", folder / "nginx.conf"], folder / "log")
    host = f"127.0.0.1:{port}"
    server.wait(lambda: answers(host, "/v2/"), what="nginx")
    return Peer(Target(NGINX, host, pid=server.pid), folder, server)


def answers(host: str, path: str) -> bool:
    """Whether a server says 200."""
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass
class Servers:
    """Every server of a run, started when a row first asks for it.

    Attributes:
        folder: where all data is.
        shape: what the large store holds.
        missing: why a server is not there, by its label.
    """

    folder: Path
    shape: Shape
    missing: dict[str, str] = field(default_factory=dict)
    _parts: Parts = field(default_factory=Parts)
    _stop: list[Server] = field(default_factory=list)
    _moorages: dict[str, Moorage] = field(default_factory=dict)

    @cached_property
    def peers(self) -> list[Peer]:
        """docker-registry, and the newer distribution when it is built."""
        found = []
        try:
            program = find_program("docker-registry", mend="apt-get install docker-registry")
            found.append(start_peer(PEER, program, self.folder / "peer"))
        except Missing as exc:
            self.missing[PEER] = str(exc)
        try:
            found.append(start_peer(NEWER, find_newer(), self.folder / "newer"))
        except Missing as exc:
            self.missing[NEWER] = str(exc)
        self._stop += [peer.server for peer in found]
        return found

    @cached_property
    def nginx(self) -> Peer | None:
        """nginx, the limit of what a server of files can do."""
        try:
            peer = start_nginx(self.folder / "nginx")
        except Missing as exc:
            self.missing[NGINX] = str(exc)
            return None
        self._stop.append(peer.server)
        return peer

    @cached_property
    def floor(self) -> Target:
        """Granian with an application that does nothing: the ceiling of small answers."""
        server, target = floor.start(self.folder / "floor")
        self._stop.append(server)
        return target

    def moorage(self, label: str) -> Moorage:
        """A started Moorage: on the large store with one or two workers, or on PostgreSQL.

        Raises:
            Missing: there is no PostgreSQL.
        """
        if label not in self._moorages:
            workers = 1 if label == ONE else 2
            if label == ON_POSTGRES:
                moorage = self._fill_postgres(workers)
            elif label == ONE:
                moorage = self._filled
            else:
                shared = {"storage.path": str(self._filled.data / "storage")}
                moorage = Moorage(self.folder / "two", workers=workers, settings=shared)
            moorage.start()
            self._moorages[label] = moorage
        return self._moorages[label]

    def target(self, label: str) -> Target:
        """The same as something to put load on."""
        moorage = self.moorage(label)
        return Target(label, moorage.host, (store.USERNAME, store.PASSWORD), moorage.pid)

    def make_store(self, name: str, shape: Shape) -> Moorage:
        """A Moorage on a new store with this content; it is not started."""
        moorage = Moorage(self.folder / name, workers=1)
        moorage.start()
        moorage.stop()
        asyncio.run(store.fill(f"sqlite:///{moorage.data / 'moorage.db'}", shape))
        store.write_files(moorage.data / "storage", shape)
        return moorage

    @cached_property
    def _filled(self) -> Moorage:
        """The large store; a copy of its database is left beside it for a second server."""
        moorage = self.make_store("one", self.shape)
        shutil.copytree(moorage.data, self.folder / "two", ignore=shutil.ignore_patterns("storage", "run"))
        return moorage

    def _fill_postgres(self, workers: int) -> Moorage:
        url = self.postgres_url()
        shared = {"storage.path": str(self._filled.data / "storage")}
        moorage = Moorage(self.folder / "postgres", database_url=url, workers=workers, settings=shared)
        migrate(url)
        moorage.start()
        moorage.stop()
        asyncio.run(store.fill(url, self.shape))
        run(["psql", "-q", url, "-c", "VACUUM ANALYZE"])
        return moorage

    def postgres_url(self) -> str:
        """The URL of a new database.

        Raises:
            Missing: there is no PostgreSQL.
        """
        found = self._parts.find("postgres")
        if found.reason:
            self.missing[ON_POSTGRES] = found.reason
            raise Missing(found.reason)
        postgres = self._parts.get("postgres", Postgres)
        return (
            make_url(postgres.url(postgres.create())).set(drivername="postgresql").render_as_string(hide_password=False)
        )

    def end_with(self, moorage: Moorage) -> None:
        """Stop this one, too, with all the others."""
        self._moorages[str(moorage.data)] = moorage

    def stop_at_end(self, server: Server) -> None:
        """Stop this program, too, with all the others."""
        self._stop.append(server)

    def stop(self) -> None:
        """Stop all of them."""
        for moorage in self._moorages.values():
            moorage.kill()
        for server in self._stop:
            server.stop()
        self._parts.stop()
