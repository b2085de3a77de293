"""Manifests: what is read, what is refused and how it is said, and that no body is slow."""

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moorage.errors import ManifestInvalid
from moorage.oci import media_types
from moorage.oci.manifest import MAX_BYTES, MAX_ENTRIES, MAX_SIZE_BYTES, MAX_VALUES, Manifest, parse
from moorage.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_FOREIGN_LAYER_GZIP,
    DOCKER_LAYER_GZIP,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1,
    DOCKER_SCHEMA1_SIGNED,
    EMPTY,
    MANIFEST_KINDS,
    OCI_CONFIG,
    OCI_FOREIGN_LAYER_GZIP,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Kind,
)

JSON = dict[str, object]
HEAD = b'{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:' + b"0" * 64 + b'","size":2},"layers":[],'


def sha256(number: int) -> str:
    return f"sha256:{number:064x}"


def descriptor(number: int, media_type: str = OCI_LAYER_GZIP, **more: object) -> JSON:
    return {"mediaType": media_type, "digest": sha256(number), "size": 100 + number, **more}


def image(count: int = 2, /, **more: object) -> JSON:
    """An OCI image whose config is number 0 and whose layers are numbers 1, 2, …; None takes a field away."""
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(0, OCI_CONFIG),
        "layers": [descriptor(number) for number in range(1, count + 1)],
    } | more
    return {key: value for key, value in body.items() if value is not None}


def index(count: int = 2, /, **more: object) -> JSON:
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor(number, OCI_MANIFEST) for number in range(1, count + 1)],
    } | more
    return {key: value for key, value in body.items() if value is not None}


def read(body: JSON, media_type: str = OCI_MANIFEST) -> Manifest:
    return parse(json.dumps(body).encode(), media_type)


def refused(raw: bytes, media_type: str = OCI_MANIFEST) -> str:
    """The message that this body is refused with; it must come within 200 ms."""
    began = time.process_time()
    with pytest.raises(ManifestInvalid) as caught:
        parse(raw, media_type)
    took = time.process_time() - began
    assert (caught.value.status, caught.value.oci_code) == (400, "MANIFEST_INVALID")
    assert took < 0.2
    assert len(str(caught.value)) < 1000
    return str(caught.value)


# -- what is read -----------------------------------------------------------------------------------------


def test_an_image_says_what_it_is_made_of() -> None:
    raw = json.dumps(image(annotations={"a": "ü"})).encode()

    manifest = parse(raw, OCI_MANIFEST)

    assert (manifest.media_type, manifest.kind, manifest.schema_version) == (OCI_MANIFEST, Kind.MANIFEST, 2)
    assert manifest.config is not None
    assert manifest.config.media_type == OCI_CONFIG
    assert [str(layer.digest) for layer in manifest.layers] == [sha256(1), sha256(2)]
    assert manifest.blobs == (manifest.config, *manifest.layers)
    assert manifest.annotations == {"a": "ü"}
    assert manifest.size_bytes == len(raw) + 100 + 101 + 102
    assert (manifest.children, manifest.foreign, manifest.subject) == ((), (), None)


def test_an_index_says_what_its_children_are() -> None:
    platform = {"architecture": "arm64", "os": "linux", "variant": "v8", "os.version": "10.0", "os.features": ["x"]}
    child = descriptor(1, OCI_MANIFEST, platform=platform, annotations={"k": "v"}, urls=["https://example.org/x"])
    raw = json.dumps(index(manifests=[child, descriptor(2, OCI_INDEX, artifactType="a/b")])).encode()

    manifest = parse(raw, OCI_INDEX)

    first, second = manifest.children
    assert first.platform is not None
    assert (first.platform.architecture, first.platform.os, first.platform.variant) == ("arm64", "linux", "v8")
    assert (first.platform.os_version, first.platform.os_features) == ("10.0", ("x",))
    assert (first.annotations, first.urls, first.size_bytes) == ({"k": "v"}, ("https://example.org/x",), 101)
    assert (second.media_type, second.artifact_type, second.platform) == (OCI_INDEX, "a/b", None)
    assert (manifest.kind, manifest.config, manifest.layers, manifest.blobs) == (Kind.INDEX, None, (), ())
    assert manifest.size_bytes == len(raw) + 101 + 102


@pytest.mark.parametrize(
    ("body", "media_type", "artifact_type"),
    [
        (image(), OCI_MANIFEST, OCI_CONFIG),
        (image(artifactType="application/x"), OCI_MANIFEST, "application/x"),
        (image(artifactType=""), OCI_MANIFEST, OCI_CONFIG),
        (image(config=descriptor(0, EMPTY)), OCI_MANIFEST, EMPTY),
        (index(), OCI_INDEX, ""),
        (index(artifactType="application/x"), OCI_INDEX, "application/x"),
    ],
    ids=["image", "artifact", "empty type", "empty config", "index", "artifact index"],
)
def test_the_artifact_type_falls_back_to_the_config(body: JSON, media_type: str, artifact_type: str) -> None:
    assert read(body, media_type).artifact_type == artifact_type


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (image(0), OCI_MANIFEST),
        (image(layers=None), OCI_MANIFEST),
        (image(config=descriptor(0, EMPTY, size=2), artifactType="application/x"), OCI_MANIFEST),
        (image(mediaType=None), OCI_MANIFEST),
        (index(0), OCI_INDEX),
        (index(mediaType=None), OCI_INDEX),
        (image(mediaType=DOCKER_MANIFEST, config=descriptor(0, DOCKER_CONFIG)), DOCKER_MANIFEST),
        (index(mediaType=DOCKER_LIST), DOCKER_LIST),
        (image(com_example={"layers": [1, None, 1.5, True, {"deep": []}]}), OCI_MANIFEST),
        (image(config=descriptor(0, OCI_CONFIG, org="x"), Custom="\U0001f600"), OCI_MANIFEST),
        (image(MAX_ENTRIES), OCI_MANIFEST),
        (index(MAX_ENTRIES), OCI_INDEX),
        (image(annotations={f"k{number}": "x" * 10_000 for number in range(390)}), OCI_MANIFEST),
        (image(annotations={f"k{number}": '{"[\\' * 2_000 for number in range(390)}), OCI_MANIFEST),
        (image(annotations={f"k{number}": "," * 10_000 for number in range(390)}), OCI_MANIFEST),
    ],
    ids=[
        "layers: []", "no layers", "artifact without layers", "OCI without mediaType", "manifests: []",
        "index without mediaType", "docker", "docker list", "unknown fields", "unknown fields of a descriptor",
        "4096 layers", "4096 children", "3.9 MB", "3 MB of escapes", "3.9 MB of commas",
    ],
)  # fmt: skip
def test_everything_that_conforms_is_accepted(body: JSON, media_type: str) -> None:
    assert read(body, media_type).media_type == media_type


def test_a_body_of_exactly_4_mib_is_read() -> None:
    empty = json.dumps(image(annotations={"k": ""})).encode()
    raw = json.dumps(image(annotations={"k": "x" * (MAX_BYTES - len(empty))})).encode()
    assert len(raw) == MAX_BYTES
    assert parse(raw, OCI_MANIFEST).size_bytes == MAX_BYTES + 303


@pytest.mark.parametrize("body", [image() | {"layers": None}, image() | {"annotations": None, "subject": None}])
def test_null_is_what_go_writes_for_nothing(body: JSON) -> None:
    assert read(body).subject is None


def test_null_in_a_descriptor_is_nothing() -> None:
    child = descriptor(
        1, OCI_MANIFEST, urls=None, annotations=None, platform={"os": "linux", "architecture": "x", "os.features": None}
    )
    (found,) = read(index(manifests=[child]), OCI_INDEX).children
    assert (found.urls, found.annotations) == ((), {})


def test_digests_may_be_sha512() -> None:
    digest = "sha512:" + "0f" * 64
    manifest = read(image(config=descriptor(0) | {"digest": digest}, subject=descriptor(9) | {"digest": digest}))
    assert str(manifest.blobs[0].digest) == digest
    assert manifest.subject is not None
    assert str(manifest.subject.digest) == digest


def test_a_subject_is_none_of_the_blobs() -> None:
    manifest = read(image(subject=descriptor(9, OCI_MANIFEST)))
    assert manifest.subject is not None
    assert manifest.subject.digest not in [blob.digest for blob in manifest.blobs]


@pytest.mark.parametrize("foreign", [OCI_FOREIGN_LAYER_GZIP, DOCKER_FOREIGN_LAYER_GZIP])
def test_foreign_layers_are_not_asked_for_but_counted(foreign: str) -> None:
    layers = [descriptor(1, foreign, urls=["https://example.org/1"]), descriptor(2), descriptor(1, foreign)]
    manifest = read(image(layers=layers))
    assert [str(blob.digest) for blob in manifest.blobs] == [sha256(0), sha256(2)]
    assert [str(blob.digest) for blob in manifest.foreign] == [sha256(1)]
    assert len(manifest.layers) == 3


def test_addresses_do_not_excuse_an_ordinary_layer() -> None:
    manifest = read(image(layers=[descriptor(1, DOCKER_LAYER_GZIP, urls=["https://example.org/1"])]))
    assert [str(blob.digest) for blob in manifest.blobs] == [sha256(0), sha256(1)]


def test_a_blob_that_is_foreign_and_not_is_asked_for() -> None:
    manifest = read(image(layers=[descriptor(1, OCI_FOREIGN_LAYER_GZIP), descriptor(1)]))
    assert [str(blob.digest) for blob in manifest.blobs] == [sha256(0), sha256(1)]
    assert manifest.foreign == ()


def test_a_config_of_a_foreign_type_is_asked_for() -> None:
    assert len(read(image(0, config=descriptor(0, OCI_FOREIGN_LAYER_GZIP))).blobs) == 1


def test_a_blob_that_occurs_twice_is_asked_for_once() -> None:
    manifest = read(image(layers=[descriptor(1), descriptor(2), descriptor(1)]))
    assert [str(blob.digest) for blob in manifest.blobs] == [sha256(0), sha256(1), sha256(2)]
    assert len(manifest.layers) == 3


@pytest.mark.parametrize("data", ["eyJ9", "no base64!", "QUJD" * 100_000, 7, None])
def test_the_content_inside_a_descriptor_is_ignored(data: object) -> None:
    assert read(image(config=descriptor(0, data=data))).config == read(image(config=descriptor(0))).config


@pytest.mark.parametrize("key", ["a\\", 'a"', '"', "\\\\", '\\"', "\\\\\\", "\n", "ü", "\u2028", "\U0001f600"])
def test_escapes_are_not_taken_for_duplicate_keys(key: str) -> None:
    assert read(image(annotations={key: key, "x": key * 3})).annotations == {key: key, "x": key * 3}


# -- strict JSON ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"null", b"[]", b'"x"', b"1", b"true", b"{", b"{}}", b"{]", b"[}", b"{'a':1}", b'{"a":1,}',
        b"\xff\xfe{}", b"\xef\xbb\xbf" + HEAD + b'"a":1}', HEAD + b'"a":1} x', HEAD + b'"a":1}{}', HEAD + b'"a":NaN}',
        HEAD + b'"a":Infinity}', HEAD + b'"a":-Infinity}', HEAD + b'"a":1e99999}', HEAD + b'"a":-1e99999}',
        HEAD + b'"a":' + b"1" * 100_000 + b"}", HEAD + b'"a":' + b"1" * 4_000_000 + b"}", HEAD + b'"a":01}',
        HEAD + b'"a":"\\ud800"}', HEAD + b'"a":"\\udc00\\ud800"}', HEAD + b'"\\ud800":1}', HEAD + b'"a":"\xff"}',
        HEAD + b'"a":"\xc0\xae"}', HEAD + b'"a":"\xed\xa0\x80"}', HEAD + b'"\xff":1}', HEAD + b'"a":"\x00"}',
        HEAD + b'"a":"\\u0000"}', HEAD + b'"a":"\\\\\\u0000"}', HEAD + b'"a":"\n"}', HEAD + b'"a":"\\x"}',
        HEAD + b'"a":1//x\n}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_strict_json_object_is_refused(raw: bytes) -> None:
    refused(raw)


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert parse(HEAD + b'"a":"\\\\u0000"}', OCI_MANIFEST).kind is Kind.MANIFEST


@pytest.mark.parametrize(
    "body",
    [
        b'{"mediaType":"%b",' % OCI_INDEX.encode() + HEAD[1:] + b'"mediaType":"%b"}' % OCI_MANIFEST.encode(),
        HEAD + b'"layers":[]}',
        HEAD + b'"subject":null,"subject":null}',
        HEAD + b'"config":{}}',
        HEAD + b'"annotations":{"a":"b","a":"b"}}',
        HEAD + b'"x":[{"y":{"":1,"":2}}]}',
        HEAD + b'"a":1,"\\u0061":2}',
        HEAD + b'"a\\"":"\\\\","a\\u0022":3}',
        HEAD + b'"x":{' + b",".join([b'"k":"' + b"v" * 20 + b'"'] * 100_000) + b"}}",
    ],
    ids=["mediaType", "layers", "subject", "config", "annotation", "deep", "escaped", "quotes", "100,000"],
)
def test_a_key_that_occurs_twice_is_refused(body: bytes) -> None:
    assert "occurs twice" in refused(body)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (image(Layers=[]), "layers"),
        (image(MEDIATYPE=OCI_INDEX), "mediaType"),
        (image() | {"layer\u017f": []}, "layers"),
        (image(config=descriptor(0, Digest=sha256(3))), "digest"),
        (image(layers=[descriptor(1, SIZE=3)]), "size"),
        (image(subject=descriptor(1, mediatype="a/b")), "mediaType"),
    ],
    ids=["Layers", "MEDIATYPE", "long s", "Digest", "SIZE", "mediatype"],
)
def test_a_key_that_go_would_take_for_another_is_refused(body: JSON, key: str) -> None:
    message = refused(json.dumps(body).encode())
    assert f"differs from '{key}' only by case" in message


def test_annotations_may_have_any_keys() -> None:
    assert len(read(image(annotations={"Digest": "a", "digest": "b", "DIGEST": "c"})).annotations) == 3


@pytest.mark.parametrize("wrap", [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_64_levels_are_read_and_65_are_not(wrap: tuple[bytes, bytes]) -> None:
    def nested(depth: int) -> bytes:
        return HEAD + b'"x":' + wrap[0] * (depth - 1) + b"1" + wrap[1] * (depth - 1) + b"}"

    assert parse(nested(64), OCI_MANIFEST).kind is Kind.MANIFEST
    assert "64 levels" in refused(nested(65))


def test_brackets_in_strings_are_no_levels() -> None:
    assert read(image(annotations={"a": "[" * 1000, "b": '"[[{{"' * 100})).kind is Kind.MANIFEST


HOSTILE = {
    "open arrays": b"[",
    "closed arrays": b"]",
    "open objects": b'{"a":',
    "empty arrays": b"[],",
    "empty objects": b"{},",
    "empty strings": b'"",',
    "escaped quotes": b'\\"',
    "backslashes": b"\\\\",
    "one backslash": b"\\",
    "digits": b"1",
    "numbers": b"1,",
    "long numbers": b"1" * 63 + b".5,",
    "small floats": b"1." + b"1" * 60 + b"e-300,",
    "quotes": b'"',
    "same keys": b'"":1,',
    "colons": b":",
    "60 levels": b"[" * 60 + b"]" * 60 + b",",
    "0xff": b"\xff",
    "spaces": b" ",
    "letters": b"a",
    "nulls": b"null,",
    "NULs": b"\x00",
    "escapes": b"\\u0041",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "frame",
    [lambda piece: piece, lambda piece: HEAD + b'"x":[' + piece, lambda piece: HEAD + b'"x":"' + piece],
    ids=["bare", "in an array", "in a string"],
)
def test_4_mib_of_anything_are_refused_within_200_ms(piece: bytes, frame: Callable[[bytes], bytes]) -> None:
    refused(frame(piece * (MAX_BYTES // len(piece))))


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("wrap", [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_a_deep_body_does_not_exhaust_the_stack(depth: int, wrap: tuple[bytes, bytes]) -> None:
    refused(wrap[0] * depth + b"1" + wrap[1] * depth)


def test_many_long_fractions_do_not_take_long() -> None:
    raw = HEAD + b'"x":[' + b",".join([b"1." + b"1" * 60 + b"e-300"] * 50_000) + b"]}"
    began = time.process_time()
    parse(raw, OCI_MANIFEST)
    assert time.process_time() - began < 0.2


def test_too_many_values_are_refused() -> None:
    assert f"more than {MAX_VALUES} values" in refused(HEAD + b'"x":[' + b",".join([b"1"] * (MAX_VALUES + 1)) + b"]}")
    assert f"more than {MAX_VALUES} values" in refused(HEAD + b'"x":{' + b",".join([b'"":1'] * 800_000) + b"}}")


# -- meaning ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["layers", "manifests"])
@pytest.mark.parametrize("count", [MAX_ENTRIES + 1, 20_000])
def test_too_many_entries_are_refused(key: str, count: int) -> None:
    body, media_type = (image(count), OCI_MANIFEST) if key == "layers" else (index(count), OCI_INDEX)
    message = refused(json.dumps(body).encode(), media_type)
    assert f"'{key}' has {count} entries" in message


def test_100_000_layers_are_refused() -> None:
    refused(json.dumps(image(100_000)).encode())


@pytest.mark.parametrize(
    ("body", "media_type", "part"),
    [
        (image(), OCI_INDEX, "no place"),
        (index(), OCI_MANIFEST, "no place"),
        (image(mediaType=OCI_INDEX), OCI_MANIFEST, "is sent as"),
        (image(mediaType=DOCKER_MANIFEST), OCI_MANIFEST, "is sent as"),
        (image(mediaType=""), OCI_MANIFEST, "is sent as"),
        (image(mediaType=7), OCI_MANIFEST, "is sent as"),
        (image(manifests=[]), OCI_MANIFEST, "'manifests' has no place"),
        (index(layers=[]), OCI_INDEX, "'layers' has no place"),
        (index(config=descriptor(0)), OCI_INDEX, "'config' has no place"),
        (image() | {"manifests": None}, OCI_MANIFEST, "'manifests' has no place"),
        (image(mediaType=None), DOCKER_MANIFEST, "'mediaType' is missing"),
        (index(mediaType=None), DOCKER_LIST, "'mediaType' is missing"),
        (image(config=None), OCI_MANIFEST, "'config' is missing"),
        (image() | {"config": None}, OCI_MANIFEST, "'config' is missing"),
        (index(manifests=None), OCI_INDEX, "'manifests' is missing"),
        (image(schemaVersion=None), OCI_MANIFEST, "'schemaVersion' must be 2"),
        (image(schemaVersion=3), OCI_MANIFEST, "'schemaVersion' must be 2"),
        (image(schemaVersion="2"), OCI_MANIFEST, "'schemaVersion' must be 2"),
        (image(schemaVersion=2.0), OCI_MANIFEST, "'schemaVersion' must be 2"),
        (image(schemaVersion=1), OCI_MANIFEST, "schema 1"),
        (image(schemaVersion=True), OCI_MANIFEST, "schema"),
        (image(fsLayers=[]), OCI_MANIFEST, "schema 1"),
        (image(layers={}), OCI_MANIFEST, "$.layers"),
        (image(layers=[None]), OCI_MANIFEST, "$.layers[0]"),
        (image(layers=[descriptor(1), "x"]), OCI_MANIFEST, "$.layers[1]"),
        (image(config=[]), OCI_MANIFEST, "$.config"),
        (image(subject="x"), OCI_MANIFEST, "$.subject"),
        (image(subject={}), OCI_MANIFEST, "$.subject"),
        (image(annotations={"a": 1}), OCI_MANIFEST, "$.annotations"),
        (image(annotations={"a": None}), OCI_MANIFEST, "$.annotations"),
        (image(annotations=[]), OCI_MANIFEST, "$.annotations"),
        (image(artifactType=1), OCI_MANIFEST, "$.artifactType"),
        (image(artifactType="a\nb"), OCI_MANIFEST, "media type"),
        (image(artifactType="x" * 256), OCI_MANIFEST, "$.artifactType"),
        (image(layers=[descriptor(1, "")]), OCI_MANIFEST, "$.layers[0].mediaType"),
        (image(layers=[descriptor(1, "ä/b")]), OCI_MANIFEST, "media type"),
        (image(layers=[descriptor(1, "x" * 256)]), OCI_MANIFEST, "$.layers[0].mediaType"),
        (image(layers=[descriptor(1, urls="x")]), OCI_MANIFEST, "$.layers[0].urls"),
        (image(layers=[descriptor(1) | {"size": -1}]), OCI_MANIFEST, "$.layers[0].size"),
        (image(layers=[descriptor(1) | {"size": 2**63}]), OCI_MANIFEST, "$.layers[0].size"),
        (image(layers=[descriptor(1) | {"size": 10**100}]), OCI_MANIFEST, "$.layers[0].size"),
        (image(layers=[descriptor(1) | {"size": 1.5}]), OCI_MANIFEST, "$.layers[0].size"),
        (image(layers=[descriptor(1) | {"size": "1"}]), OCI_MANIFEST, "$.layers[0].size"),
        (image(layers=[descriptor(1) | {"size": True}]), OCI_MANIFEST, "$.layers[0].size"),
        (image(layers=[descriptor(1) | {"size": None}]), OCI_MANIFEST, "$.layers[0]"),
        (image(layers=[descriptor(1) | {"digest": "sha256:x"}]), OCI_MANIFEST, "$.layers[0].digest"),
        (image(layers=[descriptor(1) | {"digest": 7}]), OCI_MANIFEST, "$.layers[0].digest"),
        (image(layers=[descriptor(1) | {"digest": "sha256:" + "A" * 64}]), OCI_MANIFEST, "$.layers[0].digest"),
        (image(layers=[descriptor(1), descriptor(1) | {"size": 5}]), OCI_MANIFEST, "two sizes"),
        (image(layers=[descriptor(1) | {"size": MAX_SIZE_BYTES}]), OCI_MANIFEST, "2^63-1"),
        (index(manifests=[descriptor(1, platform="x")]), OCI_INDEX, "$.manifests[0].platform"),
    ],
)  # fmt: skip
def test_a_manifest_with_no_or_two_meanings_is_refused_and_told_why(body: JSON, media_type: str, part: str) -> None:
    assert part in refused(json.dumps(body).encode(), media_type)


@pytest.mark.parametrize("media_type", [DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED])
def test_schema_1_is_refused_by_name(media_type: str) -> None:
    body = {"schemaVersion": 1, "name": "a/r", "tag": "x", "fsLayers": [], "history": []}
    assert "schema 1 is not supported" in refused(json.dumps(body).encode(), media_type)


@pytest.mark.parametrize(
    "media_type",
    ["", "text/html", "application/json", media_types.OCI_ARTIFACT_MANIFEST, OCI_MANIFEST + ";a=b", "x" * 10_000],
)
def test_another_content_type_is_told_which_are_accepted(media_type: str) -> None:
    message = refused(json.dumps(image()).encode(), media_type)
    assert all(accepted in message for accepted in MANIFEST_KINDS)


# -- properties -------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXT | st.sampled_from(sorted(image() | descriptor(0))), inner, max_size=3)
    ),
    max_leaves=12,
)
TYPES = st.sampled_from(sorted(MANIFEST_KINDS))


@given(st.binary(max_size=400), TYPES)
@example(b'"\\', OCI_MANIFEST)
@example(b"{" * 70 + b'\\"', OCI_MANIFEST)
def test_any_bytes_are_read_or_refused(raw: bytes, media_type: str) -> None:
    try:
        parse(raw, media_type)
    except ManifestInvalid:
        return


@given(
    st.dictionaries(
        st.sampled_from(["schemaVersion", "mediaType", "config", "layers", "manifests", "subject"]), VALUES
    ),
    TYPES,
)
def test_any_json_in_any_place_is_read_or_refused(more: JSON, media_type: str) -> None:
    base = image() if MANIFEST_KINDS[media_type] is Kind.MANIFEST else index()
    try:
        read(base | {"mediaType": media_type} | more, media_type)
    except ManifestInvalid:
        return


@given(st.dictionaries(TEXT.map("x-{}".format), VALUES, max_size=4), st.booleans(), st.integers(0, 1) | st.none())
def test_unknown_fields_never_matter(more: JSON, ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(image() | more, ensure_ascii=ascii_only, indent=indent).encode()
    manifest = parse(raw, OCI_MANIFEST)
    assert manifest.layers == read(image()).layers
    assert manifest.size_bytes == len(raw) + 303


@given(st.lists(TEXT, min_size=1, max_size=4), st.data())
def test_a_doubled_key_is_always_found(keys: list[str], data: st.DataObject) -> None:
    doubled = [*keys, data.draw(st.sampled_from(keys))]
    pairs = ",".join(
        f"{json.dumps(key, ensure_ascii=data.draw(st.booleans()))}:{json.dumps(data.draw(TEXT))}" for key in doubled
    )
    assert "occurs twice" in refused(HEAD + b'"annotations":{' + pairs.encode() + b"}}")
