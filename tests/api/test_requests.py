"""What every request meets: its Host, its id, its errors; and what lies beside /v2."""

import json
import re

import pytest

from moorage import failpoints
from moorage.robots import accounts
from tests.api.client import Client, Repo, Server, digest_of
from tests.api.conftest import Serve, unique
from tests.api.rows import row

# -- Host and proxies -------------------------------------------------------------------------------------


@row("T20")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "a/b", "registry.test/v2/public?", "registry.test#", "registry.test:8080:80", "registry.test:x",
        "registry.test@evil.example", "", " ", "\xe9.test", "[::1", "x" * 300, "registry.test, evil.example",
        "registry.test ",
        ".registry.test", "registry.test.evil.example", "0x7f.1", "2130706433",
    ],
)  # fmt: skip
async def test_a_host_that_is_not_ours_is_400_and_named_nowhere(app: Server, host: str) -> None:
    for path in ("/v2/", "/service/token", "/readyz", "/api/v2.0/users"):
        answer = await app.send("GET", path, host=host)
        assert (answer.status, answer.header("www-authenticate")) == (400, None)
        assert answer.code in {"UNSUPPORTED", "BAD_REQUEST"}


@pytest.mark.parametrize(
    "host", ["registry.test", "REGISTRY.test:8443", "127.0.0.1:8080", "[::1]:8080", "localhost", "10.1.2.3"]
)
async def test_our_names_and_addresses_are_answered_and_are_the_realm(app: Server, host: str) -> None:
    answer = await app.send("GET", "/v2/", host=host)

    assert answer.challenge["realm"] == f"http://{host}/service/token"


async def test_a_request_without_a_host_is_400_and_one_with_two_as_well(app: Server) -> None:
    assert (await app.send("GET", "/v2/", host=None)).status == 400
    assert (await app.send("GET", "/v2/", headers={"host": "localhost"})).status == 400


async def test_the_external_url_is_the_realm_whatever_the_host(serve: Serve) -> None:
    server = await serve(external_url="https://moorage.example:8443/")

    for host in ("moorage.example", "127.0.0.1", "registry.test"):
        answer = await server.send("GET", "/v2/", host=host)
        assert answer.challenge["realm"] == "https://moorage.example:8443/service/token"
    assert (await server.send("GET", "/v2/", host="other.example")).status == 400


@row("T20")
async def test_what_a_proxy_says_counts_only_from_a_trusted_one(serve: Serve) -> None:
    server = await serve(trusted_proxies=("192.0.2.0/24",))
    said = {"x-forwarded-proto": "https", "x-forwarded-host": "localhost:9443", "x-forwarded-for": "198.51.100.9"}

    trusted = await server.send("GET", "/v2/", headers=said, address="192.0.2.1")
    stranger = await server.send("GET", "/v2/", headers=said, address="203.0.113.1")
    forged = await server.send("GET", "/v2/", headers={"x-forwarded-host": "evil.example"}, address="192.0.2.1")
    scheme = await server.send("GET", "/v2/", headers={"x-forwarded-proto": "javascript"}, address="192.0.2.1")

    assert trusted.challenge["realm"] == "https://localhost:9443/service/token"
    assert stranger.challenge["realm"] == "http://registry.test/service/token"
    assert forged.status == 400
    assert scheme.challenge["realm"] == "http://registry.test/service/token"


async def test_the_address_that_is_written_down_is_the_first_one_that_no_proxy_of_ours_has(serve: Serve) -> None:
    server = await serve(trusted_proxies=("192.0.2.0/24",))
    wrong = Client(server, "nobody", "Wrong-passw0rd").basic

    for forwarded in ("198.51.100.77, 192.0.2.5", "1.2.3.4, 198.51.100.77", "garbage, 198.51.100.77"):
        await server.send("GET", "/v2/", headers={**wrong, "x-forwarded-for": forwarded}, address="192.0.2.1")
    await server.send("GET", "/v2/", headers={**wrong, "x-forwarded-for": "9.9.9.9"}, address="203.0.113.1")
    await server.stop()

    after = await serve(beside=server)
    found = await after.rows("SELECT DISTINCT address FROM audit WHERE address <> ''")
    assert {address for (address,) in found} == {"198.51.100.77", "203.0.113.1"}


# -- ids and errors ---------------------------------------------------------------------------------------


async def test_a_request_id_is_echoed_or_made(app: Server) -> None:
    given = await app.send("GET", "/v2/", headers={"x-request-id": "build-7.step_3"})
    made = [(await app.send("GET", "/v2/")).header("x-request-id") or "" for _ in range(3)]

    assert given.header("x-request-id") == "build-7.step_3"
    assert len(set(made)) == 3
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one) for one in made)


@pytest.mark.parametrize("bad", ["a b", "x" * 65, "", "<script>", "a\tb", "\xe9", "a;b"])
async def test_a_request_id_of_another_form_is_replaced(app: Server, bad: str) -> None:
    answer = await app.send("GET", "/v2/", headers={"x-request-id": bad})

    assert re.fullmatch(r"[0-9a-f-]{36}", answer.header("x-request-id") or "")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/x", "NAME_UNKNOWN"), ("/v2/a/b", "NAME_UNKNOWN"), ("/v2/a/b/tags", "NAME_UNKNOWN"), ("/v2",
        "NAME_UNKNOWN"),
        ("/v2/a/b/manifests/", "NAME_UNKNOWN"), ("/v2/a/b/blobs/", "NAME_UNKNOWN"), ("/v2/_catalog/", "NAME_UNKNOWN"),
        ("/v1/_ping", "NOT_FOUND"), ("/service", "NAME_UNKNOWN"), ("/service/tokens", "NAME_UNKNOWN"),
        ("/service/token/", "NAME_UNKNOWN"), ("/api/v2.0/no-such-thing", "NOT_FOUND"), ("/api", "NOT_FOUND"),
        ("/api/", "NOT_FOUND"), ("/c/nothing", "NOT_FOUND"), ("/livez/x", "NOT_FOUND"), ("/chartrepo/x", "NOT_FOUND"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_404_in_the_envelope(
    app: Server, admin: Client, path: str, code: str, method: str
) -> None:
    answer = await app.send(method, path, headers=admin.basic)

    assert (answer.status, answer.code) == (404, code)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v2/", "GET, HEAD"), ("PUT", "/v2/_catalog", "GET, HEAD"), ("POST", "/v2/a/b/tags/list", "GET, HEAD"),
        ("PATCH", "/v2/a/b/manifests/x", "GET, HEAD, PUT, DELETE"), ("PUT", f"/v2/a/b/blobs/{digest_of(b'')}",
        "GET, HEAD, DELETE"),
        ("GET", "/v2/a/b/blobs/uploads/", "POST"), ("POST", "/v2/a/b/blobs/uploads/x", "GET, PATCH, PUT, DELETE"),
        ("DELETE", f"/v2/a/b/referrers/{digest_of(b'')}", "GET, HEAD"), ("OPTIONS", "/v2/", "GET, HEAD"),
        ("TRACE", "/v2/", "GET, HEAD"),
        ("BREW", "/v2/", "GET, HEAD"), ("POST", "/livez", "GET, HEAD"), ("DELETE", "/readyz", "GET, HEAD"),
    ],
)  # fmt: skip
async def test_a_wrong_method_is_405_with_those_that_are_allowed(
    app: Server, method: str, path: str, allow: str
) -> None:
    answer = await app.send(method, path)

    assert (answer.status, answer.header("allow")) == (405, allow)
    assert answer.code in {"UNSUPPORTED", "METHOD_NOT_ALLOWED"}


@pytest.mark.parametrize("header", ["x-http-method-override", "x-method-override", "x-http-method"])
async def test_no_header_changes_the_method(repo: Repo, header: str) -> None:
    await repo.image("latest")

    await repo.send("GET", "manifests/latest", headers={header: "DELETE"})
    await repo.send("GET", "manifests/latest?_method=DELETE")

    assert await repo.listed() == ["latest"]


@pytest.mark.parametrize(
    "target", [b"*", b"", b"/%ff%fe", b"/v2/\xff/r/tags/list", b"/v2/a%ff/r/tags/list", b"/?" + b"&" * 10_000]
)
async def test_odd_targets_are_answered(app: Server, target: bytes) -> None:
    answer = await app.send("GET", target)

    assert answer.status < 500


@pytest.mark.parametrize("name", ["authorization", "content-length", "content-range", "range", "content-type", "host"])
async def test_headers_of_which_two_could_be_read_two_ways_are_refused(repo: Repo, name: str) -> None:
    headers = [("authorization", "Bearer x"), (name, "1"), (name, "2")]

    answer = await repo.send("PUT", "manifests/x", b"", headers=headers, length=None)

    assert (answer.status, answer.code) == (400, "UNSUPPORTED")


async def test_too_many_fields_of_a_query_are_400(repo: Repo) -> None:
    await repo.image("a")

    assert (await repo.get("tags/list?" + "&".join(f"f{number}=1" for number in range(1000)))).status == 400


async def test_a_bug_of_ours_is_500_with_the_request_id_and_nothing_else(
    app: Server, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise RuntimeError(f"secret detail of {name}")

    monkeypatch.setattr(failpoints, "point", fail)
    answer = await repo.send("POST", "blobs/uploads/", headers={"x-request-id": "mine"})

    assert answer.status == 500
    assert json.loads(answer.body) == {
        "errors": [{"code": "UNKNOWN", "message": "internal server error", "detail": {"request_id": "mine"}}]
    }
    assert app.database.kind


@pytest.mark.parametrize(("error", "reason"), [(28, "STORAGE_FULL"), (5, "STORAGE_UNAVAILABLE")])
async def test_a_disk_that_fails_is_503_and_the_upload_lives_on(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, error: int, reason: str
) -> None:
    location = (await repo.open()).location

    def fail(name: str) -> None:
        if name == "append.written":
            raise OSError(error, "made up")

    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "point", fail)
        answer = await repo.send("PATCH", location, b"moor")

    assert (answer.status, answer.header("retry-after") is not None) == (503, True)
    assert answer.json()["errors"][0]["detail"]["reason"] == reason
    assert (await repo.close(location, digest_of(b"moor"), b"moor")).status == 201


# -- what lies beside -------------------------------------------------------------------------------------


async def test_the_probes_need_no_login_and_say_no_more_than_yes(app: Server) -> None:
    for path, body in (("/livez", b"ok\n"), ("/readyz", b"ready\n")):
        answer = await app.send("GET", path)
        assert (answer.status, answer.body, answer.header("cache-control")) == (200, body, "no-store")


async def test_metrics_are_for_administrators_and_robots_that_read_the_catalog(
    app: Server, owner: Client, admin: Client
) -> None:
    made = await app.run(accounts.create_robot, unique("robot"), [accounts.Permission("catalog", "read", system=True)])
    scraper = Client(app, f"robot${made.name}", made.secret, made.id)

    stranger = await app.send("GET", "/metrics")
    robot = await app.send("GET", "/metrics", headers=owner.basic)
    allowed = await app.send("GET", "/metrics", headers=admin.basic)

    assert (stranger.status, robot.status) == (401, 401)
    assert (await app.send("GET", "/metrics", headers=scraper.basic)).status == 200
    assert robot.json()["errors"][0]["message"] == "unauthorized to read /metrics"
    assert b"harbor_core_http_request_total" in allowed.body
    assert re.search(rb'^harbor_task_queue_size\{type="REPLICATION"\} \d+$', allowed.body, re.MULTILINE)
    assert allowed.body.endswith(b"\n")


async def test_no_origin_is_let_in(app: Server, repo: Repo) -> None:
    await repo.image("latest")

    for answer in (
        await repo.get("manifests/latest", origin="https://evil.example"),
        await app.send(
            "OPTIONS", "/v2/", headers={"origin": "https://evil.example", "access-control-request-method": "PUT"}
        ),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("access-control")]


async def test_the_server_names_itself_without_a_version(app: Server) -> None:
    assert (await app.send("GET", "/v2/")).header("server") == "moorage"


async def test_basic_may_be_the_challenge_for_clients_that_fetch_no_tokens(serve: Serve, admin: Client) -> None:
    server = await serve(registry_auth="basic")

    stranger = await server.send("GET", "/v2/")
    known = await server.send("GET", "/v2/", headers=admin.basic)

    assert (stranger.status, stranger.header("www-authenticate")) == (401, 'Basic realm="harbor"')
    assert known.status == 200
