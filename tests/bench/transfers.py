"""Rows of large things: a blob of 1 GiB pushed and pulled, memory while eight are pushed, and the start."""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from moorage.storage.keys import BLOBS
from tests.bench import machine, store
from tests.bench.load import Target, Wrong, pull, pull_command, push, start_upload, upload_command
from tests.bench.machine import GIB
from tests.bench.report import Column, Row, Side
from tests.bench.servers import NGINX, ONE, PEER, Peer, Servers
from tests.serving import Moorage

REPOSITORY = "bench/large"
UPLOADS = 8

HASHED = "sha256 of 1 GiB"
WRITTEN = "1 GiB written and synced"
PSS = "sum of Pss in /proc/PID/smaps_rollup"


class Payload:
    """A file of 1 GiB of random bytes, with another digest for each push: no server may know it already.

    Attributes:
        digest: of what is in the file now.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.digest = ""
        block = os.urandom(1 << 20)
        with file.open("wb") as out:
            for number in range(GIB >> 20):
                out.write(number.to_bytes(8, "big") + block[8:])
        self.change()

    def change(self) -> None:
        """Make it another blob."""
        with self.file.open("r+b") as out:
            out.write(os.urandom(64))
        with self.file.open("rb") as source:
            self.digest = f"sha256:{hashlib.file_digest(source, 'sha256').hexdigest()}"


def measure_pushes(servers: Servers, rounds: int) -> Iterator[Row]:
    """Push one blob of 1 GiB."""
    payload = _payload(servers)
    moorage, target = servers.moorage(ONE), servers.target(ONE)
    scratch = servers.folder / "scratch"
    limits = [
        Side(HASHED, machine.hash_command(), machine.hash_seconds),
        Side(WRITTEN, machine.write_command(scratch), partial(machine.write_seconds, scratch)),
    ]
    for name, chunked in (("push", False), ("push-chunked", True)):
        how = "one PATCH in chunked coding and an empty PUT, as docker does" if chunked else "one PUT"
        words = ("-X", "PATCH", "-H", "Transfer-Encoding: chunked") if chunked else ()
        command = upload_command("URL", payload.file, "", *words)
        sides = [
            *(
                Side(
                    peer.target.label, command, partial(_push_to_peer, peer, payload, chunked=chunked), peer.target.pid
                )
                for peer in servers.peers
            ),
            Side(ONE, command, partial(_push_to_us, moorage, target, payload, chunked=chunked), moorage.pid),
            *limits,
        ]
        row = Row(name, f"push one blob of 1 GiB: {how}", "s", "")
        row.alternate(sides, rounds)
        row.payload = f"1 GiB of random bytes, new each time; last {payload.digest}"
        row.ask("one worker against docker-registry, which does not sync", ONE, PEER, 2)
        slower = max((HASHED, WRITTEN), key=lambda label, row=row: row.median(label) or 0)  # type: ignore[misc]
        row.ask(f"aim: of the slower limit ({slower})", ONE, slower, 0.8)
        yield row


def measure_pulls(servers: Servers, rounds: int) -> Row:
    """Pull one blob of 1 GiB."""
    payload = _payload(servers)
    payload.change()  # what was pushed before is gone from the disks
    path = f"/v2/{REPOSITORY}/blobs/{payload.digest}"
    row = Row("pull", "pull one blob of 1 GiB", "s", f"1 GiB, {payload.digest}")
    sides = []
    for peer in servers.peers:
        push(peer.target, REPOSITORY, "", payload.file, payload.digest, chunked=False)
        sides.append(_pull_side(peer.target, path, ""))
    target = servers.target(ONE)
    push(target, REPOSITORY, target.authorise(REPOSITORY, "pull,push"), payload.file, payload.digest, chunked=False)
    sides.append(_pull_side(target, path, target.authorise(REPOSITORY)))
    if servers.nginx:
        (servers.nginx.folder / "files/blob").hardlink_to(payload.file)
        sides.append(_pull_side(servers.nginx.target, "/blob", ""))
    for side in sides:
        side.measure()
    row.alternate(sides, rounds + 2)
    row.ask("one worker against nginx with sendfile", ONE, NGINX, 1)
    row.ask("one worker against docker-registry", ONE, PEER, 1)
    for peer in servers.peers:
        peer.forget_blob(payload.digest)
    _blob_file(servers.moorage(ONE), payload.digest).unlink()
    return row


def measure_memory(servers: Servers, rounds: int) -> Row:
    """Memory of one worker, idle and while eight blobs of 1 GiB arrive."""
    del rounds
    payload = _payload(servers)
    row = Row("memory", "memory, sum of PSS of the process tree", "MB", f"idle; {UPLOADS} uploads of 1 GiB at once")
    for peer in servers.peers[:1]:
        row.columns.append(Column(f"{PEER}, started", PSS, [machine.memory_mb(peer.server.pid)]))
    moorage = servers.make_store("memory", store.Shape(1, 100, 100))
    moorage.start()
    target = Target("memory", moorage.host, (store.USERNAME, store.PASSWORD))
    try:
        time.sleep(2)
        idle = machine.memory_mb(moorage.pid)
        authorization = target.authorise(REPOSITORY, "pull,push")
        urls = [start_upload(target, REPOSITORY, authorization) for _ in range(UPLOADS)]
        commands = [upload_command(f"{url}digest={payload.digest}", payload.file, authorization) for url in urls]
        clients = [subprocess.Popen(list(map(str, command))) for command in commands]
        most = idle
        while any(client.poll() is None for client in clients):
            most = max(most, machine.memory_mb(moorage.pid))
            time.sleep(0.1)
        if any(client.returncode for client in clients):
            raise Wrong(f"memory: an upload ended with {[client.returncode for client in clients]}")
        command = f"{UPLOADS} x {' '.join(map(str, commands[0][:5]))} at once"
    finally:
        moorage.kill()
    row.columns.append(Column(f"{ONE}, idle", PSS, [idle]))
    row.columns.append(
        Column(f"{ONE}, more during {UPLOADS} uploads", command.replace(str(payload.file), "FILE"), [most - idle])
    )
    row.limit("idle, one worker: 150 MB", f"{ONE}, idle", 150)
    row.limit("more while 8 uploads run: 64 MB", f"{ONE}, more during {UPLOADS} uploads", 64)
    return row


def measure_start(servers: Servers, rounds: int) -> Row:
    """From the command to the first 200 of /readyz."""
    moorage = servers.moorage(ONE)
    row = Row(
        "start", "start on the large store until /readyz says 200", "s", f"{servers.shape.artifacts * 11 // 10:,} blobs"
    )

    def start() -> float:
        moorage.stop()
        began = time.perf_counter()
        moorage.start()
        return time.perf_counter() - began

    row.alternate([Side(ONE, "python -m moorage serve --data FOLDER --workers 1", start)], rounds)
    row.limit("1.5 s", ONE, 1.5)
    return row


_PAYLOADS: dict[Path, Payload] = {}


def _payload(servers: Servers) -> Payload:
    """The one payload of a run."""
    file = servers.folder / "payload"
    if file not in _PAYLOADS:
        _PAYLOADS[file] = Payload(file)
    return _PAYLOADS[file]


def _push_to_peer(peer: Peer, payload: Payload, *, chunked: bool) -> float:
    payload.change()
    took = push(peer.target, REPOSITORY, "", payload.file, payload.digest, chunked=chunked)
    peer.forget_blob(payload.digest)
    return took


def _push_to_us(moorage: Moorage, target: Target, payload: Payload, *, chunked: bool) -> float:
    payload.change()
    authorization = target.authorise(REPOSITORY, "pull,push")
    took = push(target, REPOSITORY, authorization, payload.file, payload.digest, chunked=chunked)
    _blob_file(moorage, payload.digest).unlink()
    return took


def _blob_file(moorage: Moorage, digest: str) -> Path:
    """Where Moorage keeps a blob; that it is there and whole is checked on the way."""
    algorithm, _, value = digest.partition(":")
    file = moorage.data / "storage" / BLOBS / algorithm / value[:2] / value / "data"
    if file.stat().st_size != GIB:
        raise Wrong(f"{file} has {file.stat().st_size} bytes")
    return file


def _pull_side(target: Target, path: str, authorization: str) -> Side:
    command = pull_command(target, path, authorization)
    return Side(target.label, command, lambda: pull(target, path, authorization, GIB))
