"""Rows of proxy caches: a cold pull beside the upstream's own time, and a warm one beside a hosted one."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from tests.bench import store
from tests.bench.images import push_image
from tests.bench.load import Target, Wrong, ask, pull, pull_command, push, write_requests
from tests.bench.machine import GIB
from tests.bench.report import Row, Side
from tests.bench.servers import PEER, Peer, Servers, answers, start_peer
from tests.bench.transfers import Payload
from tests.parts.base import Missing, Server, find_program, free_port
from tests.serving import Moorage

DIRECT, COLD, WARM, HOSTED = f"{PEER}, directly", "Moorage, cold", "Moorage, warm", "Moorage, hosted"
PEER_COLD = f"{PEER} as a proxy, cold"
NEAR, FAR = "near", "far"
SECONDS = 3
_NGINX_SETTINGS = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  proxy_max_temp_file_size 0;
  server {{
    listen 127.0.0.1:{port};
    limit_rate 119m;
    location / {{ proxy_pass http://{peer}; proxy_set_header Host $http_host; proxy_http_version 1.1; }}
  }}
}}
"""


def measure(servers: Servers, rounds: int) -> Iterator[Row]:
    """Pull through projects that mirror docker-registry: on this machine, and as if 1 Gbit/s lay between."""
    if not servers.peers:
        raise Missing("there is no docker-registry to mirror")
    peer = servers.peers[0].target
    moorage = servers.make_store("proxy", store.Shape(1, 100, 100))
    moorage.start()
    servers.end_with(moorage)
    target = Target("proxy", moorage.host, (moorage.admin.username, moorage.admin.password), moorage.pid)
    payload = Payload(servers.folder / "proxied")
    program = find_program("docker-registry", mend="apt-get install docker-registry")
    for project, upstream in ((NEAR, peer), (FAR, _start_far(servers, peer))):
        _make(target, project, upstream)
        mirror = start_peer(PEER_COLD, program, servers.folder / f"mirror-{project}", mirrors=f"http://{upstream.host}")
        servers.stop_at_end(mirror.server)
        pulls = _Pulls(servers, moorage, target, upstream, mirror, payload, project)
        yield pulls.measure(rounds)
    yield from _measure_warm(servers, target, peer, rounds)


@dataclass(frozen=True)
class _Pulls:
    """Pulls of one blob of 1 GiB, new for each round."""

    servers: Servers
    moorage: Moorage
    target: Target
    upstream: Target
    mirror: Peer
    payload: Payload
    project: str

    def measure(self, rounds: int) -> Row:
        """The row."""
        how = "1 Gbit/s away" if self.project == FAR else "on the same machine"
        work = f"pull one blob of 1 GiB that a proxy cache has not got, its upstream {how}"
        row = Row(f"proxy-cold-{self.project}", work, "s", "1 GiB, new each time")
        direct = pull_command(self.upstream, "/v2/bench/large/blobs/DIGEST", "")
        ours = pull_command(self.target, f"/v2/{self.project}/bench/large/blobs/DIGEST", "TOKEN")
        sides = [
            Side(DIRECT, direct, self._pull_directly),
            Side(
                PEER_COLD,
                pull_command(self.mirror.target, "/v2/bench/large/blobs/DIGEST", ""),
                self._pull_mirror,
                self.mirror.target.pid,
            ),
            Side(COLD, ours, self._pull_cold, self.moorage.pid),
            Side(WARM, ours, self._pull_warm, self.moorage.pid),
        ]
        row.alternate(sides, rounds)
        row.ask("a cold pull within 1.2 x of the upstream's own time", COLD, DIRECT, 0.83)
        row.ask("a cold pull against docker-registry's own proxy mode", COLD, PEER_COLD, 0.9)
        return row

    def _pull_directly(self) -> float:
        payload = self.payload
        payload.change()
        push(self.servers.peers[0].target, "bench/large", "", payload.file, payload.digest, chunked=False)
        return pull(self.upstream, f"/v2/bench/large/blobs/{payload.digest}", "", GIB)

    def _pull_mirror(self) -> float:
        return pull(self.mirror.target, f"/v2/bench/large/blobs/{self.payload.digest}", "", GIB)

    def _pull(self) -> float:
        repository = f"{self.project}/bench/large"
        path = f"/v2/{repository}/blobs/{self.payload.digest}"
        return pull(self.target, path, self.target.authorise(repository), GIB)

    def _pull_cold(self) -> float:
        took, until = self._pull(), time.monotonic() + 60
        while any((self.moorage.data / "arrivals").iterdir()):
            if time.monotonic() > until:
                raise Wrong("the blob was not stored")
            time.sleep(0.05)
        return took

    def _pull_warm(self) -> float:
        took = self._pull()
        self.servers.peers[0].forget_blob(self.payload.digest)
        return took


def _measure_warm(servers: Servers, target: Target, peer: Target, rounds: int) -> Iterator[Row]:
    """A manifest by its tag, and a pull of an image: its manifest by tag and by digest, its config and its layer."""
    push_image(peer, "bench/app", "v1")
    _api(target, "/projects", {"project_name": "hosted"})
    push_image(target, "hosted/bench/app", "v1")
    manifests: list[Side] = []
    images: list[Side] = []
    for label, repository in ((WARM, f"{NEAR}/bench/app"), (HOSTED, "hosted/bench/app")):
        token, path = target.authorise(repository), f"/v2/{repository}/manifests/v1"
        status, headers, raw = ask(target.host, "GET", path, {"Authorization": token})
        if status != 200:
            raise Wrong(f"{path}: {status}")
        manifest = json.loads(raw)
        paths = [path, f"/v2/{repository}/manifests/{headers['docker-content-digest']}"]
        paths += [f"/v2/{repository}/blobs/{part['digest']}" for part in (manifest["config"], *manifest["layers"])]
        for one in paths:
            ask(target.host, "GET", one, {"Authorization": token})
        for sides, name, asked in ((manifests, "tag", [path]), (images, "image", paths)):
            file = servers.folder / f"proxy-warm-{name}-{len(sides)}.txt"
            requests = write_requests(target, file, [(one, token) for one in asked])
            sides.append(Side(label, requests.command(SECONDS), partial(requests.rate, SECONDS), target.pid))
    time.sleep(1)
    payload = "one image, private projects, bearer tokens"
    row = Row("proxy-warm", "GET of a manifest by tag", "req/s", payload)
    _compare(row, manifests, rounds, 0.95)
    yield row
    row = Row(
        "proxy-warm-image", "GET of all that a pull asks for: manifest by tag and digest, blobs", "req/s", payload
    )
    _compare(row, images, rounds, 0.9)
    yield row


def _compare(row: Row, sides: list[Side], rounds: int, wanted: float) -> None:
    for side in sides:
        side.measure()
    row.alternate(sides, rounds)
    row.ask("a warm pull is as quick as a hosted one", WARM, HOSTED, wanted)


def _start_far(servers: Servers, peer: Target) -> Target:
    """The peer behind nginx, which lets 1 Gbit/s through for each connection."""
    folder, port = servers.folder / "far", free_port()
    folder.mkdir()
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(user + _NGINX_SETTINGS.format(folder=folder, port=port, peer=peer.host))
    program = find_program("nginx", mend="apt-get install nginx-light")
    server = Server([program, "-p", folder, "-c", folder / "nginx.conf"], folder / "log")
    host = f"127.0.0.1:{port}"
    server.wait(lambda: answers(host, "/v2/"), what="nginx")
    servers.stop_at_end(server)
    return Target(FAR, host, pid=server.pid)


def _make(target: Target, project: str, upstream: Target) -> None:
    """A project that mirrors a registry."""
    registry = {"name": project, "type": "docker-registry", "url": f"http://{upstream.host}", "insecure": False}
    made = _api(target, "/registries", registry)
    _api(target, "/projects", {"project_name": project, "registry_id": made})


def _api(target: Target, path: str, body: dict[str, object]) -> int:
    headers = {"Authorization": target.basic, "Content-Type": "application/json"}
    status, found, answer = ask(target.host, "POST", f"/api/v2.0{path}", headers, json.dumps(body).encode())
    if status != 201:
        raise Wrong(f"POST {path}: {status} {answer[:300]!r}")
    return int(found["location"].rpartition("/")[2])
