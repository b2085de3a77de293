"""The clients that put load on a server: wrk, ab and curl, and one connection that sends as fast as it is answered.

Each returns one figure, and refuses to return one when anything but the expected answer came: a fast error is no
result.
"""

import contextlib
import http.client
import json
import re
import selectors
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

SCRIPT = Path(__file__).with_name("requests.lua")
CONNECTIONS = 32


class Wrong(Exception):
    """A server did not do the work that was measured, so there is no figure."""


@dataclass(frozen=True)
class Target:
    """A registry under load.

    Attributes:
        label: the name of its column.
        host: `127.0.0.1:PORT`.
        account: user name and password, where it asks for one.
        pid: of its process or its parent process; 0: unknown.
    """

    label: str
    host: str
    account: tuple[str, str] | None = None
    pid: int = 0

    def authorise(self, repository: str, actions: str = "pull") -> str:
        """The value of Authorization for a repository: a bearer token; empty where no account is needed."""
        if self.account is None:
            return ""
        query = urlencode({"service": "harbor-registry", "scope": f"repository:{repository}:{actions}"})
        status, _, body = ask(self.host, "GET", f"/service/token?{query}", {"Authorization": self.basic})
        if status != 200:
            raise Wrong(f"{self.label}: no token: {status} {body[:200]!r}")
        return f"Bearer {json.loads(body)['token']}"

    @property
    def basic(self) -> str:
        """The value of Authorization with the account itself; empty where none is needed."""
        return "Basic " + b64encode(":".join(self.account).encode()).decode() if self.account else ""


def ask(
    host: str, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own: status, headers by lower-case name, body."""
    connection = http.client.HTTPConnection(host, timeout=120)
    try:
        connection.request(method, path, body, {name: value for name, value in (headers or {}).items() if value})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def run(words: Sequence[str | Path], *, seconds: float = 120) -> str:
    """What a program printed.

    Raises:
        Wrong: it ended with another status than 0.
    """
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise Wrong(f"{words[0]} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout


# -- many requests ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Requests:
    """What wrk sends to one server, written to a file.

    Attributes:
        target: the server.
        file: see `requests.lua`.
        connections: how many wrk keeps open.
    """

    target: Target
    file: Path
    connections: int = CONNECTIONS

    def command(self, seconds: int = 3, seed: int = 1) -> list[str | Path]:
        """The command line."""
        return [
            "wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "-s", SCRIPT, f"http://{self.target.host}", "--",
            self.file, str(seed),
        ]  # fmt: skip

    def rate(self, seconds: int = 3, seed: int = 1) -> float:
        """Requests per second. Shape of the last line: see `requests.lua`.

        Raises:
            Wrong: one answer was not 2xx, or a connection failed.
        """
        printed = run(self.command(seconds, seed))
        found = json.loads(printed.strip().splitlines()[-1])
        if found["bad"] or found["broken"] or not found["requests"]:
            raise Wrong(f"{self.target.label}: {found['bad']} answers were no success, {found['broken']} broke off")
        rate: float = found["requests"] * 1e6 / found["microseconds"]
        return rate


def write_requests(
    target: Target, file: Path, paths: Iterable[tuple[str, str]], *, connections: int = CONNECTIONS
) -> Requests:
    """Write GET requests for wrk.

    Args:
        paths: each with its value of Authorization; empty: none.
    """
    numbers: dict[str, int] = {"": 0}
    lines = []
    for path, authorization in paths:
        if authorization not in numbers:
            numbers[authorization] = len(numbers)
            lines.append(f"= {authorization}")
        lines.append(f"GET {path} {numbers[authorization]}")
    file.write_text("\n".join(sorted(lines, key=lambda line: not line.startswith("= "))) + "\n")
    return Requests(target, file, connections)


def head_command(target: Target, path: str, authorization: str, count: int) -> list[str | Path]:
    """HEAD requests to one path by ab: wrk would wait for the bodies that answers to HEAD announce."""
    given = ["-H", f"Authorization: {authorization}"] if authorization else []
    return ["ab", "-q", "-i", "-k", f"-c{CONNECTIONS}", f"-n{count}", *given, f"http://{target.host}{path}"]


def head_rate(target: Target, path: str, authorization: str, count: int) -> float:
    """HEAD requests per second.

    Raises:
        Wrong: one answer was not 2xx, or a connection failed.
    """
    printed = run(head_command(target, path, authorization, count))
    failed = re.search(r"Failed requests:\s+(\d+)", printed)
    rate = re.search(r"Requests per second:\s+([\d.]+)", printed)
    if "Non-2xx responses" in printed or failed is None or int(failed[1]) or rate is None:
        raise Wrong(f"{target.label}: {printed[-800:]}")
    return float(rate[1])


# -- one connection ---------------------------------------------------------------------------------------


def send_all(host: str, requests: Iterable[bytes], *, expect: int) -> float:
    """Send requests one after the other on one connection; the seconds it took.

    The client does as little as it can, for it runs on the server's cores.

    Raises:
        Wrong: another status came.
    """
    name, _, port = host.partition(":")
    wanted = f"HTTP/1.1 {expect}".encode()
    with socket.create_connection((name, int(port)), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        for request in requests:
            connection.sendall(request)
            answer = _receive(connection)
            if not answer.startswith(wanted):
                raise Wrong(f"{host}: {answer[:300]!r}")
        return time.perf_counter() - began


def send_side_by_side(host: str, requests: Sequence[bytes], connections: int, *, expect: int) -> float:
    """Send requests on some connections, each its next one when its last one is answered; the seconds it took.

    Raises:
        Wrong: another status came.
    """
    name, _, port = host.partition(":")
    wanted = f"HTTP/1.1 {expect}".encode()
    waiting = iter(requests)
    ready = selectors.DefaultSelector()
    with contextlib.ExitStack() as stack:
        stack.enter_context(ready)
        for _ in range(connections):
            connection = stack.enter_context(socket.create_connection((name, int(port)), timeout=60))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(connection, selectors.EVENT_READ, connection)
        began = time.perf_counter()
        for key, request in zip(ready.get_map().values(), waiting, strict=False):
            key.data.sendall(request)
        missing = len(requests)
        while missing:
            if not (found := ready.select(timeout=60)):
                raise Wrong(f"{host}: no answer within 60 s")
            for key, _ in found:
                answer = _receive(key.data)
                if not answer.startswith(wanted):
                    raise Wrong(f"{host}: {answer[:300]!r}")
                missing -= 1
                if (following := next(waiting, None)) is not None:
                    key.data.sendall(following)
        return time.perf_counter() - began


def _receive(connection: socket.socket) -> bytes:
    """One answer whose length is announced, or that has no body."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65_536)
        if not piece:
            raise Wrong("the connection was closed")
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0:
        missing -= len(connection.recv(65_536))
    return answer


# -- large blobs ------------------------------------------------------------------------------------------


def start_upload(target: Target, repository: str, authorization: str) -> str:
    """Open an upload; the URL that its bytes go to, ready for another parameter."""
    status, headers, body = ask(
        target.host, "POST", f"/v2/{repository}/blobs/uploads/", {"Authorization": authorization, "Content-Length": "0"}
    )
    if status != 202:
        raise Wrong(f"{target.label}: POST of an upload: {status} {body[:300]!r}")
    return _joined(target, headers["location"])


def upload_command(url: str, payload: Path, authorization: str, *words: str) -> list[str | Path]:
    """The command line of curl that sends a file."""
    given = ["-H", f"Authorization: {authorization}"] if authorization else []
    octets = ["-H", "Content-Type: application/octet-stream"]
    return ["curl", "-sS", "-f", "-o", "/dev/null", "-T", payload, *octets, *given, *words, url]


def push(target: Target, repository: str, authorization: str, payload: Path, digest: str, *, chunked: bool) -> float:
    """Push a blob by curl; seconds from the POST to the 201.

    Args:
        chunked: as docker does it, one PATCH of unknown length and an empty PUT; else one PUT with all of it.
    """
    began = time.perf_counter()
    url = start_upload(target, repository, authorization)
    if chunked:
        words = ("-X", "PATCH", "-H", "Transfer-Encoding: chunked", "-D", "-")
        printed = run(upload_command(url, payload, authorization, *words))
        location = re.findall(r"^location: *(\S+)", printed, re.IGNORECASE | re.MULTILINE)[-1]
        url = _joined(target, location)
        parts = urlsplit(url)
        headers = {"Authorization": authorization, "Content-Length": "0"}
        status, _, body = ask(target.host, "PUT", f"{parts.path}?{parts.query}digest={digest}", headers)
        if status != 201:
            raise Wrong(f"{target.label}: PUT of an upload: {status} {body[:300]!r}")
    else:
        run(upload_command(f"{url}digest={digest}", payload, authorization))
    return time.perf_counter() - began


def pull_command(target: Target, path: str, authorization: str) -> list[str | Path]:
    """The command line of curl that fetches a blob and forgets it."""
    given = ["-H", f"Authorization: {authorization}"] if authorization else []
    return ["curl", "-sS", "-f", "-o", "/dev/null", "-w", "%{time_total} %{size_download}", *given,
            f"http://{target.host}{path}"]  # fmt: skip


def pull(target: Target, path: str, authorization: str, size_bytes: int) -> float:
    """Fetch a blob by curl; seconds.

    Raises:
        Wrong: it had another size.
    """
    seconds, size = run(pull_command(target, path, authorization)).split()
    if int(size) != size_bytes:
        raise Wrong(f"{target.label}: {size} bytes of {size_bytes}")
    return float(seconds)


def _joined(target: Target, location: str) -> str:
    url = location if location.startswith("http") else f"http://{target.host}{location}"
    return url + ("&" if "?" in url else "?")
