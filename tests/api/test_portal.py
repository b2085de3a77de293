"""How the web page is sent: hashed files for ever, the page with an ETag, and never in the way of anything else."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from moorage.errors import RouteUnknown, Unsupported
from moorage.site.portal import MISSING, POLICY, Portal
from moorage.web.request import Request
from moorage.web.response import Reply
from tests.api.client import Server

PAGE = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page that was built: an index, a script with its packed forms, and the theme."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Moorage</title>")
    script = tmp_path / "assets" / "base-1a2b.js"
    script.write_text("export const a = 1;" * 100)
    script.with_name("base-1a2b.js.gz").write_bytes(gzip.compress(script.read_bytes()))
    script.with_name("base-1a2b.js.br").write_bytes(b"brotli")
    (tmp_path / "theme.js").write_text("1")
    (tmp_path / ".stamp").write_text("x")
    return tmp_path


async def ask(portal: Portal, path: str, method: str = "GET", **headers: str) -> Reply:
    """Send a request as the stack would."""
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    scope: dict[str, Any] = {
        "type": "http", "method": method, "raw_path": path.encode(), "path": path, "query_string": b"",
        "headers": list(given.items()), "scheme": "http", "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    request = Request(scope, receive, "id", given)
    request.origin = "http://registry.example.com"
    return await portal(request)


def header(reply: Reply, name: str) -> str | None:
    """A header of the reply."""
    return next((value.decode() for key, value in reply.headers if key == name.encode()), None)


async def test_a_hashed_file_is_kept_for_ever_in_the_best_form_that_the_browser_takes(folder: Path) -> None:
    portal = Portal(folder)
    for accepted, encoding in (
        ("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("identity", None), ("", None),
    ):  # fmt: skip
        reply = await ask(portal, "/assets/base-1a2b.js", accept_encoding=accepted)
        assert (reply.status, header(reply, "content-encoding")) == (200, encoding)
        assert header(reply, "cache-control") == "public, max-age=31536000, immutable"
        assert header(reply, "content-type") == "text/javascript; charset=utf-8"
        assert header(reply, "vary") == "accept-encoding"
        assert reply.path is not None
        assert reply.length == reply.path.stat().st_size


@pytest.mark.parametrize("path", ["/", "/projects", "/projects/team/repositories/a~b/tags/v1.0", "/harbor/projects/1"])
async def test_every_address_of_the_page_is_the_page_under_its_policy(folder: Path, path: str) -> None:
    reply = await ask(Portal(folder), path, **PAGE)

    assert (reply.status, reply.path) == (200, folder / "index.html")
    assert header(reply, "content-security-policy") == POLICY
    assert header(reply, "cache-control") == "no-cache"
    assert header(reply, "x-content-type-options") == "nosniff"
    tag = header(reply, "etag") or ""
    again = await ask(Portal(folder), path, **PAGE, if_none_match=tag)
    assert (again.status, again.path, again.body) == (304, None, b"")
    assert header(again, "etag") == tag


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/projects", {}), ("/projects", {"accept": "*/*"}), ("/favicon.ico", {"accept": "image/*"}),
        ("/assets/gone-9.js", PAGE), ("/.stamp", PAGE), ("/.well-known/security.txt", PAGE),
        ("/assets/../.stamp", {}), ("/manifest.json", {}), ("/assets/base-1a2b.js.br", {}),
    ],
)  # fmt: skip
async def test_what_no_browser_asks_to_show_is_not_there(folder: Path, path: str, headers: dict[str, str]) -> None:
    with pytest.raises(RouteUnknown):
        await ask(Portal(folder), path, **headers)


async def test_it_is_only_read(folder: Path) -> None:
    with pytest.raises(Unsupported):
        await ask(Portal(folder), "/", "POST", **PAGE)
    assert (await ask(Portal(folder), "/", "HEAD", **PAGE)).status == 200


async def test_without_a_page_the_server_says_how_it_is_built(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    portal = Portal(tmp_path / "files")

    assert MISSING in caplog.text
    reply = await ask(portal, "/", **PAGE)
    assert reply.status == 200
    assert MISSING.encode() in reply.body
    assert b"docker login registry.example.com" in reply.body
    with pytest.raises(RouteUnknown):
        await ask(portal, "/assets/base-1a2b.js")


async def test_a_page_that_is_built_meanwhile_is_found(folder: Path) -> None:
    portal = Portal(folder)
    await ask(portal, "/", **PAGE)
    (folder / "index.html").unlink()
    assert MISSING.encode() in (await ask(portal, "/", **PAGE)).body
    (folder / "index.html").write_text("anew")
    assert (await ask(portal, "/", **PAGE)).path == folder / "index.html"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2.0/nothing",
        "/v2/nothing",
        "/c/nothing",
        "/service/nothing",
        "/metrics/x",
        "/livez/x",
        "/devcenter-api-2.0/x",
    ],
)
async def test_it_is_in_nobodys_way(app: Server, path: str) -> None:
    answer = await app.send("GET", path, headers=PAGE)

    assert answer.status in {401, 404}
    assert answer.header("content-type") == "application/json"
