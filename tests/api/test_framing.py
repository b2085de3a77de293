"""What only a socket shows: framing, slow clients, those that go away, replies that are cut; on the started server."""

import os
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests import serving
from tests.api.client import digest_of
from tests.api.rows import row
from tests.parts.base import wait_until
from tests.serving import Moorage

MIB = 1 << 20


@pytest.fixture(scope="module")
def moorage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server with a short patience for silence, and the project `team`."""
    folder = tmp_path_factory.mktemp("framing")
    with serving.serve(folder / "data", settings={"uploads.idle_seconds": 2}) as server:
        server.create_project("team")
        yield server


@pytest.fixture
def http(moorage: Moorage) -> Iterator[httpx.Client]:
    """A client that signs in as the administrator."""
    with httpx.Client(
        base_url=moorage.url, auth=(moorage.admin.username, moorage.admin.password), timeout=60, trust_env=False
    ) as client:
        yield client


class Line:
    """A connection on which a test writes what it likes."""

    def __init__(self, server: Moorage) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.auth = httpx.BasicAuth(server.admin.username, server.admin.password)._auth_header

    def head(self, method: str, target: str, *headers: str) -> None:
        """Send the head of a request."""
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Authorization: {self.auth}", *headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def read(self, seconds: float = 60) -> bytes:
        """All that comes until the server closes, or until it has been silent for a second after something came."""
        data = b""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.socket], [], [], min(left, 1.0) if data else left)
            if not ready:
                break
            try:
                piece = self.socket.recv(65_536)
            except ConnectionResetError:
                break
            if not piece:
                break
            data += piece
        return data

    def statuses(self) -> list[int]:
        """The statuses of all replies that come."""
        return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", self.read())]


@contextmanager
def connected(server: Moorage) -> Iterator[Line]:
    """A connection, closed at the end."""
    line = Line(server)
    try:
        yield line
    finally:
        line.socket.close()


def open_upload(http: httpx.Client, name: str = "team/app") -> str:
    """The Location of a new upload."""
    return str(http.post(f"/v2/{name}/blobs/uploads/").headers["location"])


def offset(http: httpx.Client, location: str) -> str:
    """The Range of an upload."""
    answer = http.get(location)
    assert answer.status_code == 204
    return str(answer.headers["range"])


BAD_FRAMES = {
    "negative length": ["Content-Length: -1"],
    "plus": ["Content-Length: +5"],
    "hexadecimal": ["Content-Length: 0x5"],
    "list": ["Content-Length: 5, 6"],
    "two lengths": ["Content-Length: 5", "Content-Length: 6"],
    "length and chunked": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "unknown coding": ["Transfer-Encoding: xchunked"],
    "chunked not last": ["Transfer-Encoding: chunked, identity"],
    "space before the colon": ["Content-Length : 5"],
    "huge length": ["Content-Length: 99999999999999999999"],
}


@row("U13")
@pytest.mark.parametrize("headers", BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
def test_ambiguous_framing_is_refused_and_no_second_request_is_read_from_it(
    moorage: Moorage, http: httpx.Client, headers: list[str]
) -> None:
    location = open_upload(http)

    with connected(moorage) as line:
        line.head("PATCH", location, *headers)
        line.socket.sendall(b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        statuses = line.statuses()

    assert 200 not in statuses, "the smuggled request was answered"
    assert not statuses or statuses[0] >= 400 or headers == BAD_FRAMES["length and chunked"]
    assert all(status < 600 and status not in {500, 502, 503} for status in statuses)
    assert http.get("/livez").status_code == 200


@row("U13")
@pytest.mark.parametrize(
    "body",
    [
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"zz\r\nabc",
        b"-1\r\n",
        b"5\r\nmooXX0\r\n\r\n",
        b"5;" + b"x" * MIB + b"\r\nhello\r\n0\r\n\r\n",
    ],
    ids=["huge size", "no number", "negative", "no end", "1 MiB of extensions"],
)
def test_a_bad_chunk_ends_the_request_and_commits_nothing(moorage: Moorage, http: httpx.Client, body: bytes) -> None:
    location = open_upload(http)

    with connected(moorage) as line:
        line.head("PUT", f"{location}&digest={digest_of(b'hello')}", "Transfer-Encoding: chunked")
        try:
            line.socket.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            assert 201 not in line.statuses()

    assert http.head(f"/v2/team/app/blobs/{digest_of(b'hello')}").status_code == 404
    assert http.get("/livez").status_code == 200


@row("U13")
def test_trailers_are_read_over(moorage: Moorage, http: httpx.Client) -> None:
    location = open_upload(http)

    with connected(moorage) as line:
        line.head("PATCH", location, "Transfer-Encoding: chunked", "Trailer: X-Sum")
        line.socket.sendall(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert line.statuses() == [202]

    assert offset(http, location) == "0-4"


@row("U12", "U13")
def test_a_body_without_any_framing_is_none(moorage: Moorage, http: httpx.Client) -> None:
    location = open_upload(http)

    with connected(moorage) as line:
        line.head("PATCH", location)
        statuses = line.statuses()

    assert statuses == [202]
    assert offset(http, location) == "0-0"


@row("U12")
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_connection_that_breaks_in_a_body_keeps_what_came_and_commits_nothing(
    moorage: Moorage, http: httpx.Client, method: str
) -> None:
    location = open_upload(http)
    data = os.urandom(1000)

    with connected(moorage) as line:
        line.head(method, f"{location}&digest={digest_of(data)}", "Content-Length: 1000")
        line.socket.sendall(data[:600])
        time.sleep(0.2)
    end = time.monotonic() + 30
    while offset(http, location) == "0-0" and time.monotonic() < end:
        time.sleep(0.05)

    assert offset(http, location) == "0-599"
    state = http.get(location).headers["location"]
    assert http.put(f"{state}&digest={digest_of(data)}", content=data[600:]).status_code == 201


@row("U12")
def test_more_than_was_announced_is_not_part_of_the_body(moorage: Moorage, http: httpx.Client) -> None:
    location = open_upload(http)

    with connected(moorage) as line:
        line.head("PATCH", location, "Content-Length: 10")
        line.socket.sendall(b"0123456789abcdefghij")
        statuses = line.statuses()

    assert statuses[0] == 202
    assert set(statuses[1:]) <= {400}
    assert offset(http, location) == "0-9"


@row("U15")
def test_a_client_that_falls_silent_in_a_body_is_cut_off_and_can_go_on(moorage: Moorage, http: httpx.Client) -> None:
    location = open_upload(http)

    with connected(moorage) as line:
        line.head("PATCH", location, "Content-Length: 1000")
        line.socket.sendall(b"x" * 100)
        begun = time.monotonic()
        answer = line.read()

    assert b" 400 " in answer.split(b"\r\n")[0]
    assert time.monotonic() - begun < 60
    assert offset(http, location) == "0-99"


@row("U15")
def test_many_idle_and_half_sent_requests_hold_nobody_up(moorage: Moorage, http: httpx.Client) -> None:
    lines = [Line(moorage) for _ in range(200)]
    try:
        for number, line in enumerate(lines):
            line.socket.sendall(b"GET /v2/ HTTP/1.1\r\nHost: local" if number % 2 else b"")
        begun = time.monotonic()
        for _ in range(20):
            assert http.get("/v2/").status_code == 200
        assert time.monotonic() - begun < 60
    finally:
        for line in lines:
            line.socket.close()


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("OPTIONS * HTTP/1.1", {400, 404, 405}), ("GET http://evil.example/v2/ HTTP/1.1", {400, 401}),
        ("CONNECT evil.example:443 HTTP/1.1", {400, 404, 405}), ("GET /v2/../v2/ HTTP/1.1", {400, 404}),
        ("GET /v2/%2e%2e/ HTTP/1.1", {400, 404}), ("GET //v2/ HTTP/1.1", {404}), ("GET /etc/passwd HTTP/1.1", {404}),
        ("GET /%2F%2F..%2F..%2Fetc/passwd HTTP/1.1", {400, 404}), ("GET /v2/\x00 HTTP/1.1", {400}),
        ("GET HTTP/1.1", {400}),
        ("GET /v2/#x HTTP/1.1", {400, 401}), ("GET /" + "a" * 100_000 + " HTTP/1.1", {400, 404, 414, 431}),
    ],
)  # fmt: skip
def test_odd_request_lines_get_an_answer_below_500(moorage: Moorage, request_line: str, expected: set[int]) -> None:
    with connected(moorage) as line:
        line.socket.sendall(f"{request_line}\r\nHost: localhost\r\n\r\n".encode("latin-1"))
        answer = line.read()

    status = int(re.match(rb"HTTP/1\.\d (\d{3})", answer)[1]) if answer else 400  # type: ignore[index]  # or it is a failure
    assert status in expected
    assert b"root:" not in answer


def test_an_endless_head_is_not_read(moorage: Moorage) -> None:
    with connected(moorage) as line:
        line.socket.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for _ in range(100):
                line.socket.sendall(b"X-Pad: " + b"x" * 10_000 + b"\r\n")
            answer = line.read()
        except (BrokenPipeError, ConnectionResetError):
            answer = b""

    assert not answer or re.match(rb"HTTP/1\.1 4\d\d", answer)


@row("M1")
def test_a_manifest_that_is_too_large_is_refused_though_the_client_goes_on_sending(
    moorage: Moorage, http: httpx.Client
) -> None:
    type_ = "application/vnd.oci.image.manifest.v1+json"
    with connected(moorage) as line:
        line.head("PUT", "/v2/team/app/manifests/big", f"Content-Type: {type_}", "Transfer-Encoding: chunked")
        try:
            for _ in range(160):
                line.socket.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = line.read()

    assert not answer or b" 413 " in answer.split(b"\r\n")[0]
    assert http.get("/v2/team/app/manifests/big").status_code == 404


@row("R8")
@pytest.mark.parametrize("size", [1000, 3 * MIB], ids=["one piece", "several"])
def test_a_damaged_blob_is_cut_off_and_never_a_clean_200(moorage: Moorage, http: httpx.Client, size: int) -> None:
    data = os.urandom(size)
    digest = digest_of(data)
    assert http.put(f"{open_upload(http)}&digest={digest}", content=data).status_code == 201
    name = digest.removeprefix("sha256:")
    path = moorage.data / "storage/docker/registry/v2/blobs/sha256" / name[:2] / name / "data"

    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    if size <= MIB:
        assert http.get(f"/v2/team/app/blobs/{digest}").status_code == 503
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            http.get(f"/v2/team/app/blobs/{digest}")

    path.write_bytes(data)
    assert http.get(f"/v2/team/app/blobs/{digest}").content == data
    wait_until(lambda: "not what their digest says" in moorage.log_text(), what="a line of the log")


def test_a_client_that_leaves_in_the_middle_of_a_pull_is_no_error_of_ours(moorage: Moorage, http: httpx.Client) -> None:
    data = os.urandom(8 * MIB)
    digest = digest_of(data)
    assert http.put(f"{open_upload(http)}&digest={digest}", content=data).status_code == 201

    for headers in ([], ["Range: bytes=10-"]):
        with connected(moorage) as line:
            line.head("GET", f"/v2/team/app/blobs/{digest}", *headers)
            line.socket.recv(1000)

    assert http.get(f"/v2/team/app/blobs/{digest}").content == data
    moorage.check_log()


def test_a_pipeline_is_answered_in_order(moorage: Moorage) -> None:
    with connected(moorage) as line:
        line.socket.sendall(
            b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        assert line.statuses() == [200, 401]


def test_nothing_of_a_request_reaches_the_log_as_a_line_of_its_own(moorage: Moorage, http: httpx.Client) -> None:
    forged = "robot$x\n2026-01-01 INFO admin login ok"
    assert http.get("/v2/", auth=httpx.BasicAuth(forged.replace("\n", "%0a"), "x")).status_code == 401
    assert http.get("/v2/a%0a2026-01-01%20INFO/tags/list").status_code == 404
    time.sleep(0.5)

    assert not [line for line in Path(moorage.log).read_text().splitlines() if line.startswith("2026-01-01 INFO")]
