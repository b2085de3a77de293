"""Uploads: in one piece, in chunks and as a stream; what is out of order is refused and loses nothing."""

import asyncio
import re

import pytest

from moorage.blobs import receive, uploads
from moorage.db.unit_of_work import Work
from moorage.errors import DatabaseUnavailable
from moorage.oci.digest import Digest
from moorage.settings import Uploads
from tests.api.client import GONE, OCI_LAYER, Answer, Client, Piece, Repo, Server, closing, digest_of
from tests.api.conftest import Serve, administrator, make_project, make_robot
from tests.api.rows import row
from tests.api.workers import until

DATA = bytes(range(256)) * 12
DIGEST = digest_of(DATA)


async def patch(
    repo: Repo, location: str, body: bytes, content_range: str | None = None, length: int | None = -1
) -> Answer:
    """Send a chunk."""
    headers = {} if content_range is None else {"content-range": content_range}
    return await repo.send("PATCH", location, body, headers=headers, length=length)


# -- the ways to upload -----------------------------------------------------------------------------------


async def test_an_upload_begins_with_what_clients_need_to_go_on(repo: Repo) -> None:
    answer = await repo.open()

    upload = answer.header("docker-upload-uuid")
    assert answer.location.startswith(f"/v2/{repo.name}/blobs/uploads/{upload}?_state=")
    assert answer.header("range") == "0-0"
    assert answer.header("content-length") == "0"
    assert answer.header("docker-distribution-api-version") == "registry/2.0"


async def test_post_and_put(repo: Repo) -> None:
    answer = await repo.close((await repo.open()).location, DIGEST, DATA)

    assert answer.status == 201
    assert answer.location == f"/v2/{repo.name}/blobs/{DIGEST}"
    assert answer.header("docker-content-digest") == DIGEST
    assert (await repo.get(answer.location)).body == DATA


async def test_chunks_in_order(repo: Repo) -> None:
    location = (await repo.open()).location
    for start in range(0, len(DATA), 1000):
        piece = DATA[start : start + 1000]
        answer = await patch(repo, location, piece, f"{start}-{start + len(piece) - 1}")
        assert (answer.status, answer.header("range")) == (202, f"0-{start + len(piece) - 1}")
        assert answer.location != location
        location = answer.location

    assert (await repo.close(location, DIGEST)).status == 201
    assert (await repo.get(f"blobs/{DIGEST}")).body == DATA


async def test_the_last_chunk_may_ride_on_the_closing_put(repo: Repo) -> None:
    location = (await patch(repo, (await repo.open()).location, DATA[:1000], "0-999")).location

    headers = {"content-range": f"1000-{len(DATA) - 1}"}
    answer = await repo.close(location, DIGEST, DATA[1000:], headers=headers)

    assert answer.status == 201


async def test_a_stream_without_length(repo: Repo) -> None:
    location = (await repo.open()).location

    answer = await repo.send("PATCH", location, [DATA[:10], DATA[10:1000], b"", DATA[1000:]], length=None)

    assert (answer.status, answer.header("range")) == (202, f"0-{len(DATA) - 1}")
    assert (await repo.send("PUT", closing(answer.location, DIGEST), b"", length=None)).status == 201


async def test_a_stream_of_many_pieces_is_stored_as_it_was_sent(repo: Repo) -> None:
    data = b"".join(number.to_bytes(4, "big") * 25_000 for number in range(30))
    location = (await repo.open()).location
    pieces: list[Piece] = [data[start : start + 65_536] for start in range(0, len(data), 65_536)]

    answer = await repo.send("PATCH", location, pieces, length=None)

    assert (await repo.close(answer.location, digest_of(data))).status == 201
    assert (await repo.get(f"blobs/{digest_of(data)}")).body == data


@row("U17")
@pytest.mark.parametrize("data", [b"", b"{}", b"x"], ids=["empty", "json", "one byte"])
@pytest.mark.parametrize("way", ["put", "patch", "stream", "post"])
async def test_small_blobs_go_every_way(repo: Repo, data: bytes, way: str) -> None:
    digest = digest_of(data)
    if way == "post":
        answer = await repo.send("POST", f"blobs/uploads/?digest={digest}", data)
    elif way == "put":
        answer = await repo.close((await repo.open()).location, digest, data)
    else:
        appended = await patch(repo, (await repo.open()).location, data, length=None if way == "stream" else -1)
        assert (appended.status, appended.header("range")) == (202, f"0-{max(0, len(data) - 1)}")
        answer = await repo.close(appended.location, digest)

    assert answer.status == 201
    got = await repo.get(f"blobs/{digest}")
    assert (got.status, got.body, got.header("content-length")) == (200, data, str(len(data)))


@row("U19")
async def test_a_monolithic_post(repo: Repo) -> None:
    answer = await repo.send("POST", f"blobs/uploads/?digest={DIGEST}", DATA)

    assert (answer.status, answer.location) == (201, f"/v2/{repo.name}/blobs/{DIGEST}")
    assert (await repo.get(answer.location)).body == DATA


async def test_a_small_monolithic_post_is_received_at_once(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    data = f"at once {repo.name}".encode()

    async def write(*_args: object, **_named: object) -> None:
        raise AssertionError("it went step by step")

    monkeypatch.setattr(receive, "write", write)

    assert (await repo.send("POST", f"blobs/uploads/?digest={digest_of(data)}", data)).status == 201
    assert (await repo.get(f"blobs/{digest_of(data)}")).body == data


@row("U19")
@pytest.mark.parametrize(
    ("body", "length", "code"),
    [([b"other"], 5, "DIGEST_INVALID"), ([DATA[:10], GONE], len(DATA), "UNSUPPORTED")],
    ids=["wrong", "broken"],
)
async def test_a_monolithic_post_that_fails_leaves_no_open_upload(
    app: Server, repo: Repo, body: list[Piece], length: int, code: str
) -> None:
    """Its client never learned the Location, so nobody could go on with it."""
    answer = await repo.send("POST", f"blobs/uploads/?digest={DIGEST}", body, length=length)

    assert (answer.status, answer.code) == (400, code)
    assert (await repo.head(f"blobs/{DIGEST}")).status == 404
    assert await app.rows("SELECT count(*) FROM upload WHERE principal_id = :id", id=repo.client.id) == [(0,)]


@row("U19")
async def test_with_mount_the_digest_of_a_post_is_not_looked_at(repo: Repo) -> None:
    answer = await repo.send("POST", f"blobs/uploads/?mount={DIGEST}&digest={DIGEST}", DATA)

    assert answer.status == 202
    assert (await repo.close(answer.location, DIGEST, DATA)).status == 201


# -- out of order -----------------------------------------------------------------------------------------


@row("U1")
@pytest.mark.parametrize(
    ("content_range", "status", "code"),
    [
        ("11-20", 416, "BLOB_UPLOAD_INVALID"), ("9-18", 416, "BLOB_UPLOAD_INVALID"),
        ("0-9", 416, "BLOB_UPLOAD_INVALID"),
        ("19-10", 400, "BLOB_UPLOAD_INVALID"), ("bytes 10-19/20", 400, "BLOB_UPLOAD_INVALID"),
        ("bytes=10-19", 400, "BLOB_UPLOAD_INVALID"), ("10-", 400, "BLOB_UPLOAD_INVALID"),
        ("-5", 400, "BLOB_UPLOAD_INVALID"), ("10-99999999999999999999", 400, "BLOB_UPLOAD_INVALID"),
        ("10 - 19", 400, "BLOB_UPLOAD_INVALID"), ("", 400, "BLOB_UPLOAD_INVALID"),
        ("010-019", 400, "BLOB_UPLOAD_INVALID"), ("+10-19", 400, "BLOB_UPLOAD_INVALID"),
    ],
    ids=[
        "gap", "overlap", "replay", "backwards", "bytes with a total", "bytes", "open", "suffix", "huge", "spaces",
        "empty",
        "zeros", "plus",
    ],
)  # fmt: skip
async def test_a_chunk_out_of_order_moves_nothing(repo: Repo, content_range: str, status: int, code: str) -> None:
    location = (await patch(repo, (await repo.open()).location, DATA[:10], "0-9")).location

    answer = await patch(repo, location, b"x" * 10, content_range)

    assert (answer.status, answer.code) == (status, code)
    if status == 416:
        assert (answer.location, answer.header("range")) == (location, "0-9")
    state = await repo.get(location)
    assert (state.status, state.header("range"), state.location) == (204, "0-9", location)
    assert (await repo.close(location, DIGEST, DATA[10:])).status == 201


@row("U1")
async def test_two_content_ranges_are_refused(repo: Repo) -> None:
    location = (await repo.open()).location

    answer = await repo.send(
        "PATCH", location, b"0123456789", headers=[("content-range", "0-9"), ("content-range", "10-19")]
    )

    assert answer.status == 400
    assert (await repo.get(location)).header("range") == "0-0"


@row("U2")
@pytest.mark.parametrize("content_range", ["0-4", "0-19"], ids=["too long", "too short"])
async def test_a_chunked_body_has_to_be_as_long_as_its_range(repo: Repo, content_range: str) -> None:
    location = (await repo.open()).location

    answer = await patch(repo, location, b"0123456789", content_range, length=None)

    assert (answer.status, answer.code) == (400, "SIZE_INVALID")
    assert (await repo.close(location, DIGEST, DATA)).status == 201


@row("U2")
async def test_a_chunked_body_with_a_range_out_of_order_is_refused(repo: Repo) -> None:
    location = (await repo.open()).location

    assert (await patch(repo, location, b"0123456789", "5-14", length=None)).status == 416
    assert (await patch(repo, location, b"0123456789", "0-9", length=None)).status == 202


@row("U3")
async def test_a_range_that_disagrees_with_the_length_is_refused(repo: Repo) -> None:
    location = (await repo.open()).location

    answer = await patch(repo, location, b"01234", "0-9")

    assert (answer.status, answer.code) == (400, "SIZE_INVALID")
    assert (await repo.get(location)).header("range") == "0-0"


@row("U4")
async def test_a_closing_put_out_of_order_leaves_the_upload_alive(repo: Repo) -> None:
    location = (await patch(repo, (await repo.open()).location, DATA[:10], "0-9")).location

    answer = await repo.close(location, DIGEST, DATA[20:], headers={"content-range": f"20-{len(DATA) - 1}"})
    state = await repo.get(closing(location, DIGEST))

    assert answer.status == 416
    assert (state.status, state.header("range")) == (204, "0-9")
    assert (await repo.close(location, DIGEST, DATA[10:])).status == 201


async def test_the_location_before_the_newest_may_ask_and_may_not_write(repo: Repo) -> None:
    first = (await repo.open()).location
    second = (await patch(repo, first, DATA[:10], "0-9")).location

    state = await repo.get(first)

    assert (state.status, state.header("range"), state.location) == (204, "0-9", second)
    assert (await patch(repo, first, DATA[:10], "0-9")).status == 416
    assert (await patch(repo, first, DATA[10:20])).status == 416


# -- two at once, and lost replies ------------------------------------------------------------------------


@row("U6")
async def test_of_two_writers_one_is_refused_and_no_bytes_mix(repo: Repo) -> None:
    location = (await repo.open()).location
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        inside.set()
        await go_on.wait()

    slow = asyncio.create_task(repo.send("PATCH", location, [DATA[:300_000], hold, DATA[10:]], length=None))
    await inside.wait()
    fast = await patch(repo, location, b"x" * 10)
    go_on.set()
    first = await slow

    assert (fast.status, fast.code) == (416, "BLOB_UPLOAD_INVALID")
    assert first.status == 202
    whole = DATA[:300_000] + DATA[10:]
    assert (await repo.close(first.location, digest_of(whole))).status == 201


@row("U7")
async def test_a_put_while_a_patch_is_writing_is_refused(repo: Repo) -> None:
    location = (await repo.open()).location
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        inside.set()
        await go_on.wait()

    slow = asyncio.create_task(repo.send("PATCH", location, [DATA, hold], length=None))
    await inside.wait()
    closed = await repo.close(location, DIGEST, DATA)
    empty = await repo.close(location, digest_of(b""))
    go_on.set()
    first = await slow

    assert closed.status == 416
    assert empty.status == 416
    assert (await repo.close(first.location, DIGEST)).status == 201


@row("U7")
async def test_two_puts_at_once_commit_once(app: Server, repo: Repo) -> None:
    location = (await patch(repo, (await repo.open()).location, DATA)).location

    answers = await asyncio.gather(*(repo.close(location, DIGEST) for _ in range(4)))

    assert {answer.status for answer in answers} <= {201, 404, 416}
    assert [answer.status for answer in answers].count(201) >= 1
    assert (await repo.get(f"blobs/{DIGEST}")).body == DATA
    assert await app.rows("SELECT count(*) FROM upload WHERE principal_id = :id", id=repo.client.id) == [(0,)]


@row("U7")
async def test_a_put_after_a_lost_reply_is_201_when_the_blob_is_there(repo: Repo) -> None:
    location = (await repo.open()).location
    assert (await repo.close(location, DIGEST, DATA)).status == 201

    again = await repo.close(location, DIGEST, DATA)
    other = await repo.close(location, digest_of(b"never pushed"), b"")

    assert (again.status, again.location) == (201, f"/v2/{repo.name}/blobs/{DIGEST}")
    assert (other.status, other.code) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_many_pushes_of_one_blob_at_once_store_it_once(app: Server, repo: Repo) -> None:
    data = repo.name.encode() * 1000

    answers = await asyncio.gather(
        *(repo.send("POST", f"blobs/uploads/?digest={digest_of(data)}", data) for _ in range(6))
    )

    assert [answer.status for answer in answers] == [201] * 6
    found = await app.rows(
        "SELECT count(*) FROM blob WHERE state = 'live' AND digest = :digest", digest=Digest(digest_of(data)).binary
    )
    assert found == [(1,)]


# -- clients that go away ---------------------------------------------------------------------------------


@row("U12")
async def test_bytes_that_came_before_the_client_went_are_kept(repo: Repo) -> None:
    location = (await repo.open()).location

    await repo.send("PATCH", location, [DATA[:100], DATA[100:200], GONE], length=len(DATA))
    state = await repo.get(location)

    assert (state.status, state.header("range")) == (204, "0-199")
    answer = await patch(repo, state.location, DATA[200:], f"200-{len(DATA) - 1}")
    assert (await repo.close(answer.location, DIGEST)).status == 201


@row("U12")
async def test_a_closing_put_that_breaks_commits_nothing_and_can_be_sent_again(repo: Repo) -> None:
    location = (await repo.open()).location

    await repo.send("PUT", closing(location, DIGEST), [DATA[:100], GONE], length=len(DATA))

    assert (await repo.head(f"blobs/{DIGEST}")).status == 404
    state = await repo.get(location)
    assert (await repo.close(state.location, DIGEST, DATA[100:])).status == 201


@row("U12")
@pytest.mark.parametrize("length", [5, 20])
async def test_a_body_of_another_length_than_announced_is_not_kept(repo: Repo, length: int) -> None:
    location = (await repo.open()).location

    answer = await repo.send("PATCH", location, b"0123456789", length=length)

    assert answer.status == 400
    if length == 5:
        assert answer.code == "SIZE_INVALID"
        assert (await repo.get(location)).header("range") == "0-0"


@row("U15")
async def test_a_client_that_falls_silent_is_not_waited_for(serve: Serve) -> None:
    server = await serve(uploads=Uploads(idle_seconds=1))
    repo = (await make_robot(server, project := await make_project(server), "push")).repo(f"{project}/app")
    location = (await repo.open()).location

    async def silence() -> None:
        await asyncio.sleep(20)

    answer = await repo.send("PATCH", location, [DATA[:100], silence, DATA[100:]], length=len(DATA))

    assert answer.status == 400
    assert (await repo.get(location)).header("range") == "0-99"


async def test_an_upload_goes_on_after_a_restart(serve: Serve) -> None:
    server = await serve()
    repo = (await make_robot(server, project := await make_project(server), "push")).repo(f"{project}/app")
    location = (await patch(repo, (await repo.open()).location, DATA[:1000], "0-999")).location

    after = repo.on(await serve(beside=server))
    state = await after.get(location)
    answer = await patch(after, state.location, DATA[1000:], f"1000-{len(DATA) - 1}")

    assert (state.status, state.header("range")) == (204, "0-999")
    assert (await repo.close(answer.location, DIGEST)).status == 201


async def test_bytes_are_read_back_only_for_a_sha512_that_nobody_announced(serve: Serve) -> None:
    one = await serve()
    two = await serve(beside=one)
    repo = (await make_robot(one, project := await make_project(one), "push")).repo(f"{project}/app")
    other = repo.on(two)

    async def push(data: bytes, algorithm: str, query: str = "") -> list[int]:
        """Push with each request at another worker than the one before; the bytes that each worker read back so far."""
        opened = await repo.send("POST", f"blobs/uploads/{query}")
        first = await patch(other, opened.location, data[:1000], "0-999")
        second = await patch(repo, first.location, data[1000:], f"1000-{len(data) - 1}")
        digest = digest_of(data, algorithm)
        assert (await other.close(second.location, digest)).status == 201
        assert (await repo.get(f"blobs/{digest}")).body == data
        texts = [(await each.send("GET", "/metrics", headers=administrator(each).basic)).body for each in (one, two)]
        found = [re.search(rb"^moorage_upload_rehashed_bytes_total (\d+)$", text, re.MULTILINE) for text in texts]
        return [int(each[1]) for each in found if each]

    assert await push(DATA + b"a", "sha256") == [0, 0]
    assert await push(DATA + b"b", "sha512", "?digest-algorithm=sha512") == [0, 0]
    assert await push(DATA + b"c", "sha512") == [0, len(DATA) + 1]


# -- whose session ----------------------------------------------------------------------------------------


@row("U8")
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
async def test_a_session_is_unknown_to_everybody_else_and_everywhere_else(
    app: Server, repo: Repo, project: str, method: str
) -> None:
    location = (await patch(repo, (await repo.open()).location, DATA[:10])).location
    session = location.rpartition("/")[2]
    other = await make_robot(app, project, "pull", "push", "delete")
    foreign = await make_project(app)
    outsider = await make_robot(app, foreign, "pull", "push")
    body = DATA[10:] if method in {"PATCH", "PUT"} else b""

    for elsewhere, target in (
        (repo.seen_by(other), location),
        (repo.seen_by(administrator(app)), location),
        (repo.client.repo(f"{project}/other"), f"/v2/{project}/other/blobs/uploads/{session}"),
        (outsider.repo(f"{foreign}/app"), f"/v2/{foreign}/app/blobs/uploads/{session}"),
    ):
        answer = await elsewhere.send(method, closing(target, DIGEST), body)
        assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")

    assert (await outsider.repo(repo.name).send(method, location, body)).status == 401
    assert (await repo.close(location, DIGEST, DATA[10:])).status == 201


@row("U8")
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "session", ["0" * 32, "x", "..", "a" * 10_000, "%2e%2e%2fx", "0f8fad5b-d9cb-469f-a165-70867728950e", "a'--", "%00"]
)
async def test_an_unknown_session_is_404(repo: Repo, method: str, session: str) -> None:
    answer = await repo.send(method, f"blobs/uploads/{session}?digest={DIGEST}", b"")

    assert answer.status == 404
    assert answer.code in {"BLOB_UPLOAD_UNKNOWN", "NAME_UNKNOWN"}


@row("U8")
@pytest.mark.parametrize("state", ["9", "11", "-1", "x", "1e1", "9" * 30, "%00", "10&_state=10"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT"])
async def test_a_changed_state_is_refused_and_moves_nothing(repo: Repo, method: str, state: str) -> None:
    await patch(repo, location := (await repo.open()).location, DATA[:10])
    target = f"{location.partition('?')[0]}?_state={state}"

    answer = await repo.send(method, closing(target, DIGEST), DATA[10:] if method != "GET" else b"")

    assert answer.status in {400, 416}
    assert (await repo.get(location.partition("?")[0])).header("range") == "0-9"


@row("U11")
async def test_a_cancelled_session_is_gone(repo: Repo) -> None:
    location = (await patch(repo, (await repo.open()).location, DATA)).location

    cancelled = await repo.delete(location)

    assert (cancelled.status, cancelled.body) == (204, b"")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert (await repo.send(method, closing(location, DIGEST))).code == "BLOB_UPLOAD_UNKNOWN"


@row("U10")
async def test_open_uploads_are_limited_per_account_and_closing_one_makes_room(serve: Serve) -> None:
    server = await serve(uploads=Uploads(open_limit=3))
    project = await make_project(server)
    repo = (await make_robot(server, project, "push")).repo(f"{project}/app")
    locations = [(await repo.open()).location for _ in range(3)]

    refused = await repo.send("POST", "blobs/uploads/")
    other = await (await make_robot(server, project, "push")).repo(repo.name).send("POST", "blobs/uploads/")
    await repo.delete(locations[0])

    assert (refused.status, refused.code, refused.header("retry-after")) == (429, "TOOMANYREQUESTS", "60")
    assert other.status == 202
    assert (await repo.send("POST", "blobs/uploads/")).status == 202


@row("U10")
async def test_an_upload_that_expired_counts_no_more_and_cannot_go_on(serve: Serve) -> None:
    server = await serve(uploads=Uploads(open_limit=1))
    repo = (await make_robot(server, project := await make_project(server), "push")).repo(f"{project}/app")
    location = (await repo.open()).location

    await server.rows("UPDATE upload SET expires_at = started_at")

    assert (await repo.get(location)).code == "BLOB_UPLOAD_UNKNOWN"
    assert (await repo.send("POST", "blobs/uploads/")).status == 202


# -- what else comes with a body --------------------------------------------------------------------------


@row("U16")
async def test_a_content_encoding_is_refused_and_a_content_type_ignored(repo: Repo) -> None:
    location = (await repo.open()).location

    encoded = await repo.send("PATCH", location, DATA, headers={"content-encoding": "gzip"})
    closed = await repo.close(location, DIGEST, DATA, headers={"content-type": "text/html"})
    got = await repo.get(f"blobs/{DIGEST}")

    assert (encoded.status, encoded.code) == (415, "UNSUPPORTED")
    assert closed.status == 201
    assert got.header("content-type") == "application/octet-stream"
    assert got.header("x-content-type-options") == "nosniff"


@row("U21")
async def test_an_upload_ends_with_its_project(app: Server, owner: Client, repo: Repo, project: str) -> None:
    location = (await patch(repo, (await repo.open()).location, DATA[:10])).location

    await app.rows("UPDATE project SET epoch = epoch + 1 WHERE name = :name", name=project)

    for method in ("GET", "PATCH", "PUT"):
        answer = await repo.send(method, closing(location, DIGEST), DATA[10:] if method != "GET" else b"")
        assert (answer.status, answer.challenge.get("error")) == (401, "invalid_token")
    fresh = owner.repo(repo.name)
    owner.tokens.clear()
    assert (await fresh.close(location, DIGEST, DATA[10:])).status == 201


async def test_a_claim_that_could_not_be_renewed_once_is_renewed_again(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew, beats = uploads.renew_claim, list[bool]()

    def renew_but_once(work: Work, claimed: uploads.Claimed) -> bool:
        beats.append(renew(work, claimed))
        if len(beats) == 1:
            raise DatabaseUnavailable
        return beats[-1]

    monkeypatch.setattr(receive, "_HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(uploads, "renew_claim", renew_but_once)
    location = (await repo.open()).location

    answer = await repo.send("PATCH", location, [DATA[:100], lambda: until(lambda: len(beats) > 2), DATA[100:]])

    assert answer.status == 202, answer
    assert all(beats)


async def test_a_blob_of_an_upload_serves_a_manifest_at_once(repo: Repo) -> None:
    await repo.blob(b"{}")
    await repo.blob(DATA)
    layer = {"mediaType": OCI_LAYER, "digest": DIGEST, "size": len(DATA)}
    manifest = {
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2},
        "layers": [layer],
    }

    answer = await repo.put("latest", manifest)

    assert answer.status == 201
