"""The page that shows the REST API: its files, its one policy, and nothing from elsewhere."""

import gzip
import json
import re
from importlib.resources import files

import pytest

from moorage.site.api_explorer import PATH, POLICY
from tests.api.client import Answer, Client, Server

NAMES = sorted(one.name for one in (files("moorage.site") / "explorer").iterdir())
REFERENCE = re.compile(r"""(?:src|href|from)\s*=?\s*["']([^"'#]+)["']""")


def policies(answer: Answer) -> list[str]:
    """Every Content-Security-Policy of a reply: a browser obeys all of them."""
    return [value for name, value in answer.headers if name == "content-security-policy"]


@pytest.mark.parametrize("name", ["", *NAMES])
async def test_each_file_is_sent_with_one_strict_policy(app: Server, name: str) -> None:
    answer = await app.send("GET", f"{PATH}/{name}")

    kind = {"": "text/html", "html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert answer.status == 200
    assert (answer.header("content-type") or "").startswith(kind[name.rpartition(".")[2]])
    assert policies(answer) == [POLICY]
    assert answer.header("x-content-type-options") == "nosniff"
    assert "unsafe" not in POLICY


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(name: str) -> None:
    text = (files("moorage.site") / "explorer" / name).read_text(encoding="utf-8")

    for found in REFERENCE.findall(text):
        known = found.removeprefix(f"{PATH}/").removeprefix("./") in NAMES or found == "/api/v2.0/openapi.json"
        assert known, found
    assert not re.search(r"@import|\burl\(|innerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
    if name.endswith(".html"):
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text)


async def test_files_are_asked_for_again_and_sent_only_when_they_changed(app: Server) -> None:
    first = await app.send("GET", PATH, headers={"accept-encoding": "br, gzip"})
    plain = await app.send("GET", f"{PATH}/", headers={"accept-encoding": "gzip;q=0"})
    again = await app.send("GET", PATH, headers={"if-none-match": first.header("etag") or ""})
    only_asked = await app.send("HEAD", PATH)

    assert first.header("cache-control") == "no-cache"
    assert (first.header("content-encoding"), plain.header("content-encoding")) == ("gzip", None)
    assert gzip.decompress(first.body) == plain.body
    assert (again.status, again.body, policies(again)) == (304, b"", [POLICY])
    assert (only_asked.status, only_asked.body) == (200, b"")


@pytest.mark.parametrize(
    "path", [f"{PATH}/nothing.js", f"{PATH}/../explorer.js", f"{PATH}/a/b", "/devcenter-api-2.0/x"]
)
async def test_there_is_nothing_else(app: Server, path: str) -> None:
    answer = await app.send("GET", path)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/explorer.js", "/devcenter-api-2.0"])
async def test_nothing_can_be_written_there(app: Server, path: str) -> None:
    answer = await app.send("POST", path, b"{}")
    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/devcenter-api-2.0", "/devcenter-api-2.0/"])
async def test_the_contracts_place_leads_to_it(app: Server, path: str) -> None:
    answer = await app.send("GET", path)
    assert (answer.status, answer.location) == (302, PATH)


async def test_the_document_is_packed_and_not_sent_twice(app: Server) -> None:
    first = await app.send("GET", "/api/v2.0/openapi.json", headers={"accept-encoding": "gzip"})
    again = await app.send("GET", "/api/v2.0/openapi.json", headers={"if-none-match": first.header("etag") or ""})

    assert (first.status, again.status) == (200, 304)
    assert json.loads(gzip.decompress(first.body))["openapi"].startswith("3.1")
    assert len(first.body) < 100_000


@pytest.mark.parametrize(
    "path", ["openapi.json", "ping", "systeminfo", "users/current", "nothing/here", "system/gc", "explorer"]
)
async def test_every_reply_has_one_policy(app: Server, admin: Client, path: str) -> None:
    answer = await app.send("GET", f"/api/v2.0/{path}", headers=admin.basic)
    assert len(policies(answer)) == 1
    assert [name for name, _ in answer.headers].count("cache-control") == 1
