"""Digests, repository names and tags: what the grammar does not allow never reaches a table or a file."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.client import OCI_LAYER, Client, Repo, Server, digest_of, image
from tests.api.conftest import project_id
from tests.api.rows import row

H64 = "0" * 64
BAD_DIGESTS = {
    "D1-word": "sha256:baddigeststring",
    "D1-no-hash": "sha256:",
    "D1-no-algorithm": f":{H64}",
    "D1-short": f"sha256:{H64[1:]}",
    "D1-long": f"sha256:{H64}0",
    "D1-upper-hex": "sha256:" + "AB" * 32,
    "D1-upper-algorithm": f"SHA256:{H64}",
    "D1-space": f"sha256:{H64}%20",
    "D1-newline": f"sha256:{H64}%0A",
    "D1-sha512-of-sha256-length": f"sha512:{H64}",
    "D2-md5": "md5:" + "0" * 32,
    "D2-sha1": "sha1:" + "0" * 40,
    "D2-sha384": "sha384:" + "0" * 96,
    "D2-plus": "foo+bar:" + H64,
    "D2-blake3": "blake3:" + H64,
    "D4-path": "sha256:../../../../etc/passwd",
    "D4-encoded-path": "sha256:%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "D4-tail": f"sha256:{H64[2:]}/..",
    "D4-nul": f"sha256:{H64[1:]}%00",
}
bad_digests = pytest.mark.parametrize("digest", BAD_DIGESTS.values(), ids=BAD_DIGESTS.keys())


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that were opened meanwhile."""
    paths: list[str] = []
    real = os.open

    def note(path: str | Path, *args: int, **options: int) -> int:
        paths.append(str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "open", note)
    return iter([paths])


@row("D1", "D2", "D4")
@bad_digests
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT"])
async def test_a_bad_digest_names_no_manifest(repo: Repo, method: str, digest: str) -> None:
    answer = await repo.send(method, f"manifests/{digest}", b"{}" if method == "PUT" else b"")

    assert answer.status in {400, 404}
    if method != "HEAD":
        assert answer.code in {"DIGEST_INVALID", "NAME_UNKNOWN", "NAME_INVALID"}
    assert "%" in digest or "/" in digest or answer.status == 400


@row("D1", "D2", "D4")
@bad_digests
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_bad_digest_names_no_blob_and_opens_no_file(
    repo: Repo, opened: Iterator[list[str]], method: str, digest: str
) -> None:
    paths = next(opened)

    answer = await repo.send(method, f"blobs/{digest}")

    assert answer.status in {400, 404}
    assert not [path for path in paths if "passwd" in path or "docker/registry" in path]


@row("D1", "D2", "D4")
@bad_digests
async def test_a_bad_digest_closes_no_upload_and_the_upload_lives_on(repo: Repo, digest: str) -> None:
    location = (await repo.open()).location

    answer = await repo.send("PUT", f"{location}&digest={digest}", b"moor")

    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert (await repo.close(location, digest_of(b"moor"), b"moor")).status == 201


@row("D3")
async def test_sha512_is_supported_everywhere(repo: Repo) -> None:
    digest = await repo.blob(b"moor", "sha512")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest, "size": 4},
        "layers": [{"mediaType": OCI_LAYER, "digest": digest, "size": 4}],
    }
    name = digest_of(manifest, "sha512")

    pushed = await repo.put(name, manifest)
    pulled = await repo.get(f"manifests/{name}")
    blob = await repo.get(f"blobs/{digest}")

    assert (pushed.status, pushed.header("docker-content-digest")) == (201, name)
    assert pulled.header("docker-content-digest") == name
    assert (blob.body, blob.header("docker-content-digest")) == (b"moor", digest)
    assert (await repo.get(f"blobs/{digest_of(b'moor')}")).status == 404
    assert (await repo.delete(f"manifests/{name}")).status == 202


@row("D3")
async def test_an_upload_may_announce_its_algorithm(repo: Repo) -> None:
    location = (await repo.open("?digest-algorithm=sha512")).location

    assert (await repo.close(location, digest_of(b"moor", "sha512"), b"moor")).status == 201
    assert (await repo.send("POST", "blobs/uploads/?digest-algorithm=md5")).code == "DIGEST_INVALID"


@row("D5")
async def test_a_wrong_digest_leaves_no_blob_and_charges_nothing(app: Server, repo: Repo, project: str) -> None:
    location = (await repo.open()).location

    answer = await repo.close(location, digest_of(b"other"), b"moor")

    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    for data in (b"other", b"moor"):
        assert (await repo.head(f"blobs/{digest_of(data)}")).status == 404
    assert (await repo.get(location)).status == 404
    assert await app.rows(
        "SELECT sum(used_bytes) FROM quota_slot JOIN project p ON p.id = project_id WHERE p.name = :name", name=project
    ) == [(0,)]


@row("D7")
async def test_a_closing_put_without_a_digest_leaves_the_upload_open(repo: Repo) -> None:
    location = (await repo.open()).location

    answer = await repo.send("PUT", location, b"moor")

    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert (await repo.close(location, digest_of(b"moor"), b"moor")).status == 201


@row("D8")
async def test_a_manifest_put_by_another_digest_is_not_stored(repo: Repo) -> None:
    await repo.image()
    spaced = (await repo.get(f"manifests/{digest_of(image())}")).body + b"  "
    await repo.delete(f"manifests/{digest_of(image())}")

    answer = await repo.put(digest_of(image()), spaced)

    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert (await repo.head(f"manifests/{digest_of(image())}")).status == 404
    assert (await repo.head(f"manifests/{digest_of(spaced)}")).status == 404


@row("D9")
async def test_the_same_bytes_have_two_names(repo: Repo) -> None:
    names = [await repo.blob(b"twice", algorithm) for algorithm in ("sha256", "sha512")]

    for name in names:
        answer = await repo.get(f"blobs/{name}")
        assert (answer.body, answer.header("docker-content-digest")) == (b"twice", name)


BAD_NAMES = {
    "N1-upper": "{p}/A",
    "N1-upper-project": "P{p}/r",
    "N1-two-slashes": "{p}//r",
    "N1-last-slash": "{p}/r/",
    "N1-first-slash": "/{p}/r",
    "N1-first-dash": "{p}/-r",
    "N1-last-dash": "{p}/r-",
    "N1-first-dot": "{p}/.r",
    "N1-two-dots": "{p}/r..x",
    "N1-three-underscores": "{p}/r___x",
    "N1-first-underscores": "{p}/__r",
    "N1-at": "{p}/r@x",
    "N1-colon": "{p}/r:x",
    "N1-accent": "{p}/\xc3\xa9",
    "N1-space": "{p}/r%20x",
    "N1-quote": '{p}/r"x',
    "N1-long": "{p}/" + "r" * 256,
    "N1-one-component": "{p}",
    "N2-up": "{p}/../{p}/r",
    "N2-up-encoded": "{p}/..%2f..%2fr",
    "N2-slash-encoded": "{p}%2fr",
    "N2-slash-encoded-twice": "{p}%252fr",
    "N2-backslash": "{p}%5cr",
    "N2-semicolon": "{p}/..;/r",
    "N2-overlong": "{p}/%c0%ae%c0%ae/r",
    "N2-session-up": "{p}/r/blobs/uploads/../../../{p}/r",
    "N2-dot": "./{p}/r",
}
bad_names = pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())


@row("N1", "N2")
@bad_names
async def test_a_bad_name_is_refused_on_every_route_and_nothing_is_made(
    app: Server, project: str, owner: Client, name: str
) -> None:
    path = name.format(p=project)
    headers = await owner.bearer(f"{project}/r")

    for method, rest in (
        ("GET", "tags/list"), ("GET", "manifests/x"), ("PUT", "manifests/x"), ("DELETE", "manifests/x"),
        ("POST", "blobs/uploads/"), ("GET", f"blobs/sha256:{H64}"), ("GET", f"referrers/sha256:{H64}"),
    ):  # fmt: skip
        answer = await app.send(method, f"/v2/{path}/{rest}".encode("latin-1"), headers=headers)
        assert answer.status in {400, 404}, (method, rest)
        assert answer.code in {"NAME_INVALID", "NAME_UNKNOWN"}

    assert await app.rows("SELECT path FROM repository WHERE project_id = :p", p=await project_id(app, project)) == []


@row("N1")
@bad_names
async def test_a_bad_name_is_never_granted_and_never_breaks_a_challenge(app: Server, project: str, name: str) -> None:
    target = f"/v2/{name.format(p=project)}/tags/list".encode("latin-1")

    answer = await app.send("GET", target)

    assert answer.status in {400, 401, 404}
    if answer.status == 401:
        assert answer.challenge["service"] == "harbor-registry"
        assert answer.challenge["scope"].startswith("repository:")


@row("N2")
@pytest.mark.parametrize(
    "path",
    ["/v2/../api/v2.0/users", "/v2/%2e%2e/api/v2.0/users", "/v2/..%2fapi", "//v2/", "/v2//", "/v2", "/%76%32/", "/V2/"],
)
async def test_a_path_is_taken_as_it_is_and_leads_nowhere(app: Server, admin: Client, path: str) -> None:
    answer = await app.send("GET", path, headers=admin.basic)

    assert (answer.status, answer.code) in {(404, "NAME_UNKNOWN"), (404, "NOT_FOUND"), (400, "NAME_INVALID")}


@row("N2")
async def test_an_encoded_colon_of_a_digest_is_the_one_thing_that_is_decoded(repo: Repo) -> None:
    digest = await repo.blob(b"colon")

    assert (await repo.get(f"blobs/{digest.replace(':', '%3A')}")).body == b"colon"
    assert (await repo.get(f"blobs/{digest.replace(':', '%253A')}")).status == 404


@row("N3")
@pytest.mark.parametrize(
    "rest",
    [
        "blobs",
        "manifests",
        "uploads",
        "tags/list",
        "referrers",
        "blobs/uploads",
        "tags",
        "manifests/blobs/uploads",
        "v2",
    ],
)
async def test_a_repository_named_like_a_route_works(project: str, owner: Client, rest: str) -> None:
    repo = owner.repo(f"{project}/{rest}")

    digest = await repo.image("latest", "list", "uploads")
    child = digest_of(b"layer")

    assert (await repo.get("manifests/list")).header("docker-content-digest") == digest
    assert (await repo.get(f"blobs/{child}")).body == b"layer"
    assert await repo.listed() == ["latest", "list", "uploads"]
    assert (await repo.get(f"referrers/{digest}")).json()["manifests"] == []
    assert (await repo.delete("manifests/uploads")).status == 202
    assert await owner.repo(project + "/app").listed() == []


BAD_TAGS = {
    "N4-dash": "-x", "N4-dot": ".x", "N4-long": "t" * 129, "N4-space": "a%20b", "N4-nul": "a%00",
    "N4-script": "<script>",
    "N4-dots": "..", "N4-plus": "a+b", "N4-accent": "\xc3\xa9", "N4-digest": "sha256:x",
}  # fmt: skip
bad_tags = pytest.mark.parametrize("tag", BAD_TAGS.values(), ids=BAD_TAGS.keys())


@row("N4")
@bad_tags
async def test_a_bad_tag_is_never_written(repo: Repo, tag: str) -> None:
    await repo.image("good")

    put = await repo.put(tag, image())

    assert put.status in {400, 404}
    assert put.code in {"TAG_INVALID", "DIGEST_INVALID", "NAME_UNKNOWN"}
    for method in ("GET", "DELETE"):
        answer = await repo.send(method, f"manifests/{tag}")
        assert (answer.status, bool(answer.code)) in {(400, True), (404, True)}
    assert await repo.listed() == ["good"]


@row("N4")
async def test_an_empty_tag_and_one_with_a_slash_are_no_routes(repo: Repo) -> None:
    assert (await repo.put("", image())).status == 404
    assert (await repo.put("a/b", image())).status == 404


@row("N6")
@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        ("last=", {200}), ("n=", {400}), ("n=%00", {400}), ("last=%00", {200}), ("last=a%00", {200}),
        ("last=" + "x" * 10_000, {400}), ("n=" + "9" * 10_000, {400}), ("last='", {200}), ("n='", {400}),
        ("last=zzz", {200}), ("n=-1", {400}), ("n=abc", {400}), ("n=1e9", {400}), ("n=1.5", {400}), ("n=%2B5", {400}),
        ("n=2147483647", {200}), ("n=99999999999999999999", {200}), ("n=1&n=2", {400}), ("last=%ff%fe", {200}),
        ("last=%ed%a0%80", {200}), ("n=%d9%a3", {400}), ("&&&=&n=2", {200}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("route", ["tags", "catalog"])
async def test_odd_pages_are_200_or_400(repo: Repo, admin: Client, route: str, query: str, statuses: set[int]) -> None:
    await repo.image("a", "b")

    if route == "tags":
        answer = await repo.get(f"tags/list?{query}")
    else:
        answer = await admin.server.send("GET", f"/v2/_catalog?{query}", headers=admin.basic)

    assert answer.status in statuses
    if answer.status == 400:
        assert answer.code in {"PAGINATION_NUMBER_INVALID", "UNSUPPORTED"}
