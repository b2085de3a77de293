"""Manifests: stored byte for byte or refused whole; read by one meaning; tags moved all together or not at all."""

import asyncio
import json
import time

import pytest

from tests.api.client import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Repo,
    Server,
    descriptor,
    digest_of,
    encode,
    image,
    index,
    subject,
)
from tests.api.rows import row

MIB = 1 << 20


def padded(size: int) -> bytes:
    """An image manifest of exactly `size` bytes."""
    manifest = image(annotations={"pad": ""})
    return encode(image(annotations={"pad": "x" * (size - len(encode(manifest)))}))


# -- what is stored ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media_type", "config_type", "layer_type"),
    [
        (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER),
        (
            DOCKER_MANIFEST,
            "application/vnd.docker.container.image.v1+json",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        ),
    ],
    ids=["oci", "docker schema 2"],
)
async def test_a_manifest_comes_back_byte_for_byte(
    repo: Repo, media_type: str, config_type: str, layer_type: str
) -> None:
    await repo.image()
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(b"{}", config_type),
        "layers": [descriptor(b"layer", layer_type)],
        "x-unknown": {"b": 1, "a": [True, None, 1.50]},
    }
    raw = json.dumps(manifest, indent=3).encode() + b"\n"

    put = await repo.put("latest", raw, media_type)

    digest = digest_of(raw)
    assert put.status == 201
    assert put.location == f"/v2/{repo.name}/manifests/{digest}"
    assert put.header("docker-content-digest") == digest
    for reference in ("latest", digest):
        got = await repo.get(f"manifests/{reference}")
        assert (got.status, got.body, got.header("content-type")) == (200, raw, media_type)
        assert got.header("docker-content-digest") == digest


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
async def test_an_index_comes_back_byte_for_byte(repo: Repo, media_type: str) -> None:
    await repo.image()
    raw = json.dumps({**index(image()), "mediaType": media_type}, indent=1).encode()

    assert (await repo.put("multi", raw, media_type)).status == 201

    got = await repo.get("manifests/multi", accept=OCI_MANIFEST)
    assert (got.body, got.header("content-type")) == (raw, media_type)


async def test_a_manifest_may_arrive_in_pieces_and_without_a_length(repo: Repo) -> None:
    await repo.image()
    raw = encode(image())

    answer = await repo.send(
        "PUT", "manifests/chunked", [raw[:10], raw[10:]], headers={"content-type": OCI_MANIFEST}, length=None
    )

    assert answer.status == 201


@row("M1")
@pytest.mark.parametrize(("size", "status"), [(4 * MIB - 100_000, 201), (4 * MIB, 201), (4 * MIB + 1, 413)])
@pytest.mark.parametrize("length", [-1, None], ids=["announced", "chunked"])
async def test_a_manifest_may_have_4_mib(repo: Repo, size: int, status: int, length: int | None) -> None:
    await repo.image()
    raw = padded(size)
    pieces = [raw[start : start + 400_000] for start in range(0, len(raw), 400_000)]

    answer = await repo.send("PUT", "manifests/big", pieces, headers={"content-type": OCI_MANIFEST}, length=length)

    assert (len(raw), answer.status) == (size, status)
    if status == 413:
        assert answer.code == "SIZE_INVALID"
    else:
        assert (await repo.get("manifests/big")).body == raw


@row("M1")
@pytest.mark.parametrize("length", [100 * MIB, None], ids=["announced", "chunked"])
async def test_of_an_endless_manifest_little_more_than_the_limit_is_read(repo: Repo, length: int | None) -> None:
    pieces = [bytes(64 << 10) for _ in range(1600)]

    answer = await repo.send("PUT", "manifests/huge", pieces, headers={"content-type": OCI_MANIFEST}, length=length)

    assert (answer.status, answer.code) == (413, "SIZE_INVALID")
    assert answer.read <= 4 * MIB + (64 << 10)


def _wide() -> bytes:
    return b'{"schemaVersion":2,"a":{' + b",".join(b'"%d":1' % number for number in range(1_000_000 // 4)) + b"}}"


def _layers(count: int) -> bytes:
    layer = json.dumps(descriptor(b"layer", "a/b")).encode()
    head = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(b"{}", OCI_CONFIG)}).encode()
    return head[:-1] + b',"layers":[' + b",".join([layer] * count) + b"]}"


GOOD = encode(image())
NOT_MANIFESTS = {
    "M2-deep-list": b"[" * 100_000,
    "M2-deep-closed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "M2-wide": _wide(),
    "M2-many-layers": _layers(30_000),
    "M2-4097-layers": _layers(4_097),
    "M2-number": GOOD[:-1] + b',"a":1e99999}',
    "M2-digits": GOOD[:-1] + b',"a":' + b"9" * 100_000 + b"}",
    "M2-surrogate": GOOD[:-1] + b',"annotations":{"a":"\\ud800"}}',
    "M2-nan": GOOD[:-1] + b',"a":NaN}',
    "M2-trailing": GOOD + b"x",
    "M2-bom": b"\xef\xbb\xbf" + GOOD,
    "M2-empty": b"",
    "M2-null": b"null",
    "M2-list": b"[]",
    "M2-text": b'"x"',
    "M2-nul": GOOD[:-1] + b',"annotations":{"a":"\\u0000"}}',
    "M3-media-type": GOOD[:-1] + b',"mediaType":"' + OCI_MANIFEST.encode() + b'"}',
    "M3-layers": GOOD[:-1] + b',"layers":[]}',
    "M3-config": GOOD[:-1] + b',"config":null}',
    "M3-escaped": GOOD[:-1] + b',"l\\u0061yers":[]}',
    "M3-case": GOOD[:-1] + b',"Layers":[]}',
    "M3-subject": GOOD[:-1] + b',"subject":%(s)s,"subject":%(s)s}' % {b"s": json.dumps(descriptor(b"{}")).encode()},
    "M5-string": GOOD[:-1] + b',"annotations":{"a":"\xff"}}',
    "M5-overlong": GOOD[:-1] + b',"annotations":{"a":"\xc0\xaf"}}',
    "M6-both": encode({**image(), "manifests": []}),
    "M6-other-type": encode({**image(), "mediaType": OCI_INDEX}),
    "M8-unsigned": b'{"schemaVersion":1,"name":"a/b","tag":"x","fsLayers":[],"history":[]}',
    "M8-in-oci": encode({**image(), "schemaVersion": 1}),
    "M15-size": encode({**image(), "layers": [{**descriptor(b"layer"), "size": -1}]}),
    "M15-size-text": encode({**image(), "layers": [{**descriptor(b"layer"), "size": "5"}]}),
    "D1-config": encode({**image(), "config": {**descriptor(b"{}"), "digest": "sha256:../x"}}),
    "D2-layer": encode({**image(), "layers": [{**descriptor(b"layer"), "digest": "md5:" + "0" * 32}]}),
}


@row("M2", "M3", "M5", "M6", "M8", "M15")
@pytest.mark.parametrize("raw", NOT_MANIFESTS.values(), ids=NOT_MANIFESTS.keys())
async def test_what_is_no_manifest_is_refused_soon_and_leaves_nothing(repo: Repo, raw: bytes) -> None:
    await repo.image("good")
    begun = time.process_time()

    answer = await repo.put("bad", raw, OCI_MANIFEST)

    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    assert time.process_time() - begun < 1
    assert await repo.listed() == ["good"]
    assert (await repo.head(f"manifests/{digest_of(raw)}")).status == 404


@row("M6", "M8")
@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        (OCI_MANIFEST + "; charset=utf-8", 201), (OCI_MANIFEST + ";a=b", 201), (OCI_INDEX, 400), (DOCKER_MANIFEST, 400),
        ("text/html", 400), ("application/json", 400), ("application/vnd.docker.distribution.manifest.v1+json", 400),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", 400), (" ", 400), ("*/*", 400),
    ],
)  # fmt: skip
async def test_the_content_type_decides_and_has_to_agree(repo: Repo, media_type: str, status: int) -> None:
    await repo.image("good")

    answer = await repo.put("typed", GOOD, media_type)

    assert answer.status == status
    if status == 400:
        assert answer.code == "MANIFEST_INVALID"
    else:
        assert (await repo.get("manifests/typed")).header("content-type") == OCI_MANIFEST


@row("M6")
async def test_without_a_media_type_inside_the_content_type_is_kept(repo: Repo) -> None:
    await repo.image()
    manifest = image()
    del manifest["mediaType"]

    assert (await repo.put("plain", encode(manifest), OCI_MANIFEST)).status == 201

    assert (await repo.get("manifests/plain")).header("content-type") == OCI_MANIFEST
    missing = await repo.send("PUT", "manifests/typeless", encode(manifest))
    assert (missing.status, missing.code) == (400, "MANIFEST_INVALID")


@row("M7")
async def test_the_type_of_a_digest_never_changes(repo: Repo) -> None:
    await repo.image()
    neutral = {"schemaVersion": 2, "manifests": []}
    assert (await repo.put("first", neutral, OCI_INDEX)).status == 201

    again = await repo.put("second", neutral, DOCKER_LIST)

    assert (again.status, again.code) == (400, "MANIFEST_INVALID")
    assert (await repo.get("manifests/first")).header("content-type") == OCI_INDEX
    assert (await repo.get(f"manifests/{digest_of(neutral)}")).header("content-type") == OCI_INDEX


# -- what a manifest names --------------------------------------------------------------------------------


async def test_a_manifest_whose_blobs_are_missing_is_refused_and_names_them(repo: Repo) -> None:
    await repo.blob(b"{}")

    answer = await repo.put("latest", image())

    assert (answer.status, answer.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["detail"]["missing"] == [digest_of(b"layer")]
    assert await repo.listed() == []


@row("M10")
async def test_an_index_whose_children_are_missing_is_refused_and_names_them(repo: Repo) -> None:
    await repo.image()
    missing = image(layers=[b"another"])

    answer = await repo.put("multi", index(image(), missing))

    assert (answer.status, answer.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["detail"]["missing"] == [digest_of(missing)]


async def test_foreign_layers_are_not_asked_for(repo: Repo) -> None:
    await repo.blob(b"{}")
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    manifest = image(layers=[], config=b"{}")
    manifest["layers"] = [descriptor(b"elsewhere", foreign, urls=["https://example.com/layer"])]

    assert (await repo.put("windows", manifest)).status == 201
    assert (await repo.get(f"blobs/{digest_of(b'elsewhere')}")).status == 404


async def test_a_blob_may_be_of_no_bytes_and_a_manifest_of_no_layers(repo: Repo) -> None:
    await repo.blob(b"")

    assert (await repo.put("nothing", image(config=b"", layers=[]))).status == 201
    assert (await repo.put("empty-index", index())).status == 201


@row("M11")
async def test_indexes_may_nest_and_share_children(repo: Repo) -> None:
    await repo.image()
    below = image()
    for depth in range(12):
        above = index(below, below, annotations={"depth": str(depth)})
        assert (await repo.put(digest_of(above), above)).status == 201
        below = above

    assert (await repo.put("top", below)).status == 201
    assert (await repo.delete(f"manifests/{digest_of(below)}")).status == 202
    assert (await repo.get(f"manifests/{digest_of(image())}")).status == 404


@row("M11")
async def test_an_index_has_at_most_4096_entries(repo: Repo) -> None:
    await repo.image()
    child = descriptor(encode(image()), OCI_MANIFEST)
    entries = {"schemaVersion": 2, "mediaType": OCI_INDEX}

    assert (await repo.put("most", {**entries, "manifests": [child] * 4096})).status == 201
    assert (await repo.put("more", {**entries, "manifests": [child] * 4097})).code == "MANIFEST_INVALID"


@row("M12")
async def test_a_blob_is_no_child_and_a_manifest_no_layer(repo: Repo) -> None:
    await repo.image()
    wrong_child = {**index(), "manifests": [descriptor(b"layer", OCI_LAYER)]}
    wrong_layer = {**image(), "layers": [descriptor(encode(image()), OCI_MANIFEST)]}

    assert (await repo.put("child", wrong_child)).code == "MANIFEST_BLOB_UNKNOWN"
    assert (await repo.put("layer", wrong_layer)).code == "MANIFEST_BLOB_UNKNOWN"


@row("M12")
async def test_a_manifest_pushed_as_a_blob_too_is_both(repo: Repo) -> None:
    await repo.image()
    digest = await repo.blob(encode(image()))
    odd = {**image(), "layers": [descriptor(encode(image()), OCI_MANIFEST)]}

    assert (await repo.put("odd", odd)).status == 201
    assert (await repo.get(f"blobs/{digest}")).body == encode(image())
    assert (await repo.get(f"manifests/{digest}")).body == encode(image())


@row("M15")
async def test_data_is_kept_and_never_served_instead_of_the_blob(repo: Repo) -> None:
    await repo.image()
    lying = image()
    lying["layers"] = [{**descriptor(b"layer"), "data": "bGllcw=="}]

    assert (await repo.put("lying", lying)).status == 201
    assert (await repo.get(f"blobs/{digest_of(b'layer')}")).body == b"layer"
    only_data = {**image(), "layers": [{**descriptor(b"inline"), "data": "aW5saW5l"}]}
    assert (await repo.put("only-data", only_data)).code == "MANIFEST_BLOB_UNKNOWN"


@row("M16")
@pytest.mark.parametrize(
    "value",
    ["<script>alert(1)</script>", "a\r\nSet-Cookie: x=1", "\x1b[31mred", "javascript:alert(1)",
    "x" * MIB, "'; DROP TABLE tag; --"],
    ids=["html", "newlines", "ansi", "url", "1 MiB", "sql"],
)  # fmt: skip
async def test_annotations_are_kept_as_they_are(repo: Repo, value: str) -> None:
    await repo.image("base")
    manifest = image(annotations={"org.opencontainers.image.url": value}, subject=subject(image()))

    assert (await repo.put("noted", manifest)).status == 201

    assert (await repo.get("manifests/noted")).body == encode(manifest)
    (entry,) = (await repo.get(f"referrers/{digest_of(image())}")).json()["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.url": value}


# -- conditions -------------------------------------------------------------------------------------------


@row("M18")
async def test_what_the_client_has_is_not_sent_again(repo: Repo) -> None:
    digest = await repo.image("latest")

    for reference in ("latest", digest):
        for given in (f'"{digest}"', digest, f'W/"{digest}"', f'"x", "{digest}"', "*"):
            answer = await repo.get(f"manifests/{reference}", if_none_match=given)
            assert (answer.status, answer.body, answer.header("etag")) == (304, b"", f'"{digest}"')
    assert (await repo.get("manifests/latest", if_none_match='"sha256:other"')).status == 200


@row("M18")
async def test_a_tag_moves_only_from_where_if_match_says(repo: Repo) -> None:
    first = await repo.image("latest")
    second = image(annotations={"v": "2"})

    refused = await repo.put("latest", second, if_match=f'"{digest_of(b"other")}"')
    weak = await repo.put("latest", second, if_match=f'W/"{first}"')
    missing = await repo.put("unheard-of", second, if_match="*")
    moved = await repo.put("latest", second, if_match=f'"{first}"')
    any_one = await repo.put("latest", image(), if_match="*")

    assert [(one.status, one.code) for one in (refused, weak, missing)] == [(412, "DENIED")] * 3
    assert (moved.status, any_one.status) == (201, 201)
    assert await repo.listed() == ["latest"]


@row("M18")
async def test_if_none_match_keeps_an_existing_tag(repo: Repo) -> None:
    first = await repo.image("latest")
    second = image(annotations={"v": "2"})

    refused = await repo.put("latest", second, if_none_match="*")
    same = await repo.put("latest", second, if_none_match=f'"{first}"')
    new = await repo.put("new", second, if_none_match="*")

    assert (refused.status, same.status, new.status) == (412, 412, 201)
    assert (await repo.head("manifests/latest")).header("docker-content-digest") == first


@row("M18")
async def test_of_two_who_move_a_tag_at_once_one_is_told(repo: Repo) -> None:
    first = await repo.image("latest")
    new = [image(annotations={"v": str(number)}) for number in range(6)]

    answers = await asyncio.gather(*(repo.put("latest", one, if_match=f'"{first}"') for one in new))

    assert sorted(answer.status for answer in answers) == [201, 412, 412, 412, 412, 412]
    winner = next(digest_of(one) for one, answer in zip(new, answers, strict=True) if answer.status == 201)
    assert (await repo.head("manifests/latest")).header("docker-content-digest") == winner


# -- several tags -----------------------------------------------------------------------------------------


@row("M19")
async def test_one_put_may_set_a_hundred_tags(repo: Repo) -> None:
    await repo.image()
    tags = [f"v{number:03}" for number in range(100)]
    query = "&".join(f"tag={tag}" for tag in tags)

    answer = await repo.put(f"{digest_of(image())}?{query}", image())
    more = await repo.put(f"{digest_of(image())}?{query}&tag=one-more", image())

    assert answer.status == 201
    assert (answer.header("oci-tag") or "").split(", ") == tags
    assert await repo.listed() == tags
    assert more.status == 400


@row("M19")
@pytest.mark.parametrize("bad", ["-x", "", "a%20b", "sha256:x", "a/b", "t" * 129, "a%00"])
async def test_one_bad_tag_of_several_leaves_all_untouched(repo: Repo, bad: str) -> None:
    first = await repo.image("latest")
    second = image(annotations={"v": "2"})

    answer = await repo.put(f"{digest_of(second)}?tag=new&tag=latest&tag={bad}", second)

    assert (answer.status, answer.code) == (400, "TAG_INVALID")
    assert await repo.listed() == ["latest"]
    assert (await repo.head("manifests/latest")).header("docker-content-digest") == first
    assert (await repo.head(f"manifests/{digest_of(second)}")).status == 404


@row("M19")
async def test_a_tag_that_is_named_twice_is_one(repo: Repo) -> None:
    await repo.image()

    answer = await repo.put("a?tag=a&tag=b&tag=b", image())

    assert (answer.status, answer.header("oci-tag")) == (201, "a, b")
    assert await repo.listed() == ["a", "b"]


@row("M19")
async def test_a_failed_condition_moves_none_of_several_tags(repo: Repo) -> None:
    await repo.image("a")
    second = image(annotations={"v": "2"})

    answer = await repo.put("a?tag=b", second, if_match=f'"{digest_of(b"other")}"')

    assert answer.status == 412
    assert await repo.listed() == ["a"]
    assert (await repo.head(f"manifests/{digest_of(second)}")).status == 404


async def test_a_moved_tag_keeps_its_history(app: Server, repo: Repo) -> None:
    first = await repo.image("latest")
    second = image(annotations={"v": "2"})
    await repo.put("latest", second)
    await repo.put("latest", second)

    history = await app.rows(
        """SELECT h.until IS NULL, h.ended_by FROM tag_history h JOIN repository r ON r.id = h.repository_id
        WHERE r.path = :path ORDER BY h.id""",
        path=repo.name,
    )

    assert [(bool(open_), how) for open_, how in history] == [(False, "moved"), (True, None)]
    assert (await repo.get(f"manifests/{first}")).status == 200


# -- deleting ---------------------------------------------------------------------------------------------


@row("M20")
async def test_a_tag_can_be_deleted_and_its_manifest_stays(repo: Repo) -> None:
    digest = await repo.image("a", "b")

    answer = await repo.delete("manifests/a")

    assert (answer.status, answer.body) == (202, b"")
    assert (await repo.head("manifests/a")).status == 404
    assert (await repo.head(f"manifests/{digest}")).status == 200
    assert await repo.listed() == ["b"]


@row("M20")
async def test_deleting_a_digest_deletes_its_tags(repo: Repo) -> None:
    digest = await repo.image("a", "b")

    assert (await repo.delete(f"manifests/{digest}")).status == 202

    for reference in ("a", "b", digest):
        assert (await repo.get(f"manifests/{reference}")).code in {"MANIFEST_UNKNOWN", "NAME_UNKNOWN"}
    assert await repo.listed() == []


@row("M20")
async def test_a_child_of_an_index_cannot_be_deleted_from_under_it(repo: Repo) -> None:
    child = await repo.image()
    await repo.put("multi", index(image()))

    refused = await repo.delete(f"manifests/{child}")

    assert (refused.status, refused.code) == (412, "DENIED")
    assert refused.json()["errors"][0]["detail"]["index"] == digest_of(index(image()))
    assert (await repo.get(f"manifests/{child}")).status == 200


@row("M20")
async def test_deleting_an_index_leaves_children_that_others_use(repo: Repo) -> None:
    tagged, shared = image(layers=[b"tagged"]), image(layers=[b"shared"])
    for one, tags in ((tagged, ["t"]), (shared, [])):
        await repo.image(*tags, layers=[b"tagged" if one is tagged else b"shared"])
    one, two = index(tagged, shared), index(shared)
    await repo.put("one", one)
    await repo.put("two", two)

    assert (await repo.delete(f"manifests/{digest_of(one)}")).status == 202

    assert (await repo.get("manifests/t")).status == 200
    assert (await repo.get(f"manifests/{digest_of(shared)}")).status == 200
    assert (await repo.delete(f"manifests/{digest_of(two)}")).status == 202
    assert (await repo.get(f"manifests/{digest_of(shared)}")).status == 404


@row("M20")
async def test_referrers_go_with_their_subject(repo: Repo) -> None:
    digest = await repo.image("signed")
    signature = image(subject=subject(image()))
    answer = await repo.put(digest_of(signature), signature)

    assert answer.header("oci-subject") == digest
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    assert (await repo.get(f"manifests/{digest_of(signature)}")).status == 404


@row("M20")
@pytest.mark.parametrize("reference", ["never", digest_of(b"never")])
async def test_deleting_what_is_not_there_is_404(repo: Repo, reference: str) -> None:
    unknown = await repo.delete(f"manifests/{reference}")
    await repo.image("latest")
    missing = await repo.delete(f"manifests/{reference}")

    assert (unknown.status, unknown.code) == (404, "NAME_UNKNOWN")
    assert (missing.status, missing.code) == (404, "MANIFEST_UNKNOWN")


async def test_what_was_deleted_can_be_pushed_again_without_its_old_tags(repo: Repo) -> None:
    digest = await repo.image("old")
    await repo.delete(f"manifests/{digest}")

    assert (await repo.put("new", image())).status == 201

    assert await repo.listed() == ["new"]
    assert (await repo.get(f"manifests/{digest}")).status == 200
