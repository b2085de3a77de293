"""Parse and validate manifests and indexes.

A body is read twice by fast means. Its outline (what stands outside of strings) gives depth and size before anything
is built, and the number of its quotes gives duplicate keys away afterwards: a decoder that drops a key drops quotes.
"""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Never

import msgspec

from moorage.errors import DigestInvalid, ManifestInvalid
from moorage.oci.digest import Digest
from moorage.oci.media_types import DOCKER_MANIFESTS, FOREIGN_LAYERS, MANIFEST_KINDS, SCHEMA1_MANIFESTS, Kind

MAX_BYTES = 4 * 1024 * 1024
"""The largest manifest; the caller checks it, while the body arrives."""

MAX_DEPTH = 64
MAX_ENTRIES = 4_096
MAX_VALUES = 131_072
"""Values in one body, keys not counted: 32 for each of the most entries that are allowed."""

MAX_DIGITS = 64
"""Digits of a number in a body of over 128 KiB; in a smaller one 4,300, the decoder's limit."""

MAX_SIZE_BYTES = 2**63 - 1

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_DIGITS_TO_ONE = bytes(0x30 if byte in b"0123456789" else byte for byte in range(256))

_TOP_KEYS = frozenset(
    {"schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations"}
)
_DESCRIPTOR_KEYS = frozenset({"mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"})

_MediaType = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_ArtifactType = Annotated[str, msgspec.Meta(max_length=255)]
_Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_SIZE_BYTES)]


class Platform(msgspec.Struct, frozen=True):
    """What a child of an index runs on; empty where it says nothing.

    Source: OCI image-spec v1.1 image-index.md, "platform".
    """

    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = msgspec.field(name="os.version", default="")
    os_features: tuple[str, ...] = msgspec.field(name="os.features", default=())
    features: tuple[str, ...] = ()


class Descriptor(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says about another piece of content.

    The field `data` (the content itself, in base64) is not here: nothing may trust it instead of the blob.

    Attributes:
        media_type: of the content, 1 to 255 printable ASCII characters.
        size_bytes: 0 to 2^63-1, as the manifest claims.
        urls: where else the content may be had.
        artifact_type: of the manifest that this names; often empty.

    Source: OCI image-spec v1.1 descriptor.md.
    """

    media_type: _MediaType = msgspec.field(name="mediaType")
    digest: Digest
    size_bytes: _Size = msgspec.field(name="size")
    urls: tuple[str, ...] = ()
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    artifact_type: _ArtifactType = msgspec.field(name="artifactType", default="")
    platform: Platform | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest or an index says.

    Attributes:
        media_type: to be stored and served with these bytes for ever.
        kind: whether `config` and `layers`, or `children` are meant.
        schema_version: always 2.
        config: None for an index.
        layers: in order, foreign ones too; the same blob may occur twice.
        children: the entries of an index, in order.
        subject: what this refers to; it may be absent from the store.
        artifact_type: as the list of referrers shows it: `artifactType`, else the config's media type, else empty.
        blobs: config and layers, each digest once: what must be in the repository.
        foreign: layers that are not asked for, each digest once; to be linked when they are there all the same.
        size_bytes: the body, and config and all layers, or the children, as claimed; at most 2^63-1.
    """

    media_type: str
    kind: Kind
    schema_version: int
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    children: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str
    annotations: Mapping[str, str]
    blobs: tuple[Descriptor, ...]
    foreign: tuple[Descriptor, ...]
    size_bytes: int


class _Body(msgspec.Struct, rename="camel"):
    """The fields of a manifest and of an index together; the rest of a body is kept as bytes only."""

    schema_version: int
    media_type: str | None = None
    artifact_type: _ArtifactType = ""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = {}


def parse(raw: bytes, media_type: str) -> Manifest:
    """Read a manifest.

    Args:
        raw: the request body, byte for byte; at most 4 MiB (the caller checks).
        media_type: the Content-Type, without parameters.

    Raises:
        ManifestInvalid: not JSON, a duplicate key, too deep or too many parts, a missing field, or a media type that
            is not accepted or disagrees with the body.

    Source: OCI image-spec v1.1 manifest.md and image-index.md; Docker "Image Manifest V 2, Schema 2".
    """
    kind = _kind_of(media_type)
    body = _read_strictly(raw)
    _require_one_meaning(body, media_type, kind, may_have_null=b"null" in raw)
    try:
        read = msgspec.convert(body, _Body, dec_hook=_read_digest)
    except msgspec.ValidationError as error:
        raise _invalid(f"{error}.") from None

    referred = read.manifests if kind is Kind.INDEX else (*_one(read.config), *read.layers)
    _require_printable({read.artifact_type, *[part.media_type for part in (*referred, *_one(read.subject))]})
    _require_printable({part.artifact_type for part in referred})
    size_bytes = len(raw) + sum(part.size_bytes for part in referred)
    if size_bytes > MAX_SIZE_BYTES:
        raise _invalid("the sizes in it add up to more than 2^63-1 bytes.")
    # A config is always asked for, and so is a foreign layer that is also named as one of another type.
    distinct = _distinct(referred)
    needed = distinct
    if not FOREIGN_LAYERS.isdisjoint([part.media_type for part in referred]):
        needed = _distinct(part for part in referred if part.media_type not in FOREIGN_LAYERS or part is read.config)
    config_type = read.config.media_type if read.config else ""
    return Manifest(
        media_type=media_type,
        kind=kind,
        schema_version=read.schema_version,
        config=read.config,
        layers=read.layers,
        children=read.manifests,
        subject=read.subject,
        artifact_type=read.artifact_type or config_type,
        annotations=read.annotations,
        blobs=tuple(needed.values()) if kind is Kind.MANIFEST else (),
        foreign=tuple(part for digest, part in distinct.items() if digest not in needed)
        if needed is not distinct
        else (),
        size_bytes=size_bytes,
    )


def _invalid(sentence: str) -> ManifestInvalid:
    return ManifestInvalid(f"The manifest is invalid: {sentence}")


def _kind_of(media_type: str) -> Kind:
    kind = MANIFEST_KINDS.get(media_type)
    if kind is not None:
        return kind
    if media_type in SCHEMA1_MANIFESTS:
        raise _invalid("Docker schema 1 is not supported; push it with a newer client as schema 2 or as an OCI image.")
    given = f"the Content-Type {media_type[:100]!r} is not accepted" if media_type else "the Content-Type is missing"
    raise _invalid(f"{given}; accepted are {', '.join(MANIFEST_KINDS)}.")


# -- strict JSON ------------------------------------------------------------------------------------------


def _read_strictly(raw: bytes) -> dict[str, object]:
    """The object that a body is. Linear in its length, whatever it holds.

    Source: RFC 8259; I-JSON (RFC 7493) for duplicate keys and surrogates.
    """
    plain = _without_escapes(raw)
    _check_outline(plain)
    try:
        body: object = _DECODER.decode(raw)
    except UnicodeDecodeError:
        raise _invalid("it is not UTF-8.") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _invalid(f"it is not JSON ({error}).") from None
    if not isinstance(body, dict):
        raise _invalid("it is not a JSON object.")
    # Each key and each string has two quotes, so what was decoded has as many as what was sent.
    if _without_escapes(msgspec.json.encode(body)).count(b'"') != plain.count(b'"'):
        _refuse_duplicate(raw)
    return body


def _read_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("Number out of range")
    return number


_DECODER = msgspec.json.Decoder(float_hook=_read_float)


def _without_escapes(raw: bytes) -> bytes:
    """The body without escaped backslashes and quotes: each quote that is left is the border of a string."""
    if b"\\" not in raw:
        return raw
    return raw.replace(b"\\\\", b"").replace(b'\\"', b"")


def _check_outline(plain: bytes) -> None:
    """Refuse what would take long to build, or what no database can keep."""
    if plain.startswith(b"\xef\xbb\xbf"):
        raise _invalid("it begins with a byte order mark.")
    if b"\\u0000" in plain:
        raise _invalid("a string holds the character NUL.")

    # So short that nothing in it can take long, and too few brackets to be deep: nearly every manifest there is.
    if len(plain) <= MAX_VALUES and plain.count(b"[") + plain.count(b"{") <= MAX_DEPTH:
        return

    # A valid body has at most two strings, four quotes, for each value.
    if plain.count(b'"') > 4 * MAX_VALUES:
        raise _invalid(f"it holds more than {MAX_VALUES} values.")
    outline = b"".join(plain.split(b'"')[::2])
    if outline.count(b",") + outline.count(b"[") + outline.count(b"{") > MAX_VALUES:
        raise _invalid(f"it holds more than {MAX_VALUES} values.")
    if len(plain) > MAX_VALUES and b"0" * MAX_DIGITS in outline.translate(_DIGITS_TO_ONE):
        raise _invalid(f"a number in it has {MAX_DIGITS} digits or more.")

    # Each round removes the innermost brackets. Which kind closes which is for the decoder to see.
    brackets, depth = outline.translate(_BRACKETS, _NO_BRACKETS), 0
    while brackets:
        inner = brackets.replace(b"[]", b"")
        if len(inner) == len(brackets):
            raise _invalid("it is not JSON (brackets that are not closed or not opened).")
        brackets, depth = inner, depth + 1
        if depth > MAX_DEPTH:
            raise _invalid(f"it is nested more than {MAX_DEPTH} levels deep.")


def _refuse_duplicate(raw: bytes) -> Never:
    """Say which key occurs twice; reads the whole body once more, unless that would take long."""

    def require_distinct(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _invalid(f"the key {key[:100]!r} occurs twice in one object.")
            seen.add(key)

    if len(raw) <= MAX_VALUES:
        json.loads(raw, object_pairs_hook=require_distinct, parse_int=str, parse_float=str)
    raise _invalid("a key occurs twice in one object.")


# -- meaning ----------------------------------------------------------------------------------------------


def _require_one_meaning(body: dict[str, object], media_type: str, kind: Kind, *, may_have_null: bool) -> None:
    """Refuse what two readers could take for two things; drop `null`, which Go writes for what is absent.

    Source: OCI image-spec v1.1 manifest.md, "mediaType"; CVE-2021-41190.
    """
    if "fsLayers" in body or body.get("schemaVersion") == 1:
        raise _invalid("Docker schema 1 is not supported; push it with a newer client as schema 2 or as an OCI image.")
    required, foreign = ("manifests", ("config", "layers")) if kind is Kind.INDEX else ("config", ("manifests",))
    for key in foreign:
        if key in body:
            raise _invalid(f"it is sent as {media_type}, and {key!r} has no place in that.")
    if required not in body:
        raise _invalid(f"{required!r} is missing.")
    _require_exact_keys(body, _TOP_KEYS, "")
    _drop_null(body)

    _require_type_and_version(body, media_type)
    if required == "config" and required not in body:
        raise _invalid("'config' is missing.")
    for key in ("config", "subject", "layers", "manifests"):
        value = body.get(key)
        entries = value if isinstance(value, list) else [value]
        if len(entries) > MAX_ENTRIES:
            raise _invalid(f"{key!r} has {len(entries)} entries; at most {MAX_ENTRIES} are allowed.")
        # What is no object is left to the typed reading, which says where it is.
        descriptors = [entry for entry in entries if isinstance(entry, dict)]
        _require_exact_keys(set().union(*descriptors), _DESCRIPTOR_KEYS, f" in {key!r}")
        if may_have_null:
            for descriptor in descriptors:
                _drop_null(descriptor)
                platform = descriptor.get("platform")
                if isinstance(platform, dict):
                    _drop_null(platform)


def _require_type_and_version(body: dict[str, object], media_type: str) -> None:
    stated = body.get("mediaType")
    if stated is None:
        if media_type in DOCKER_MANIFESTS:
            raise _invalid("'mediaType' is missing; Docker's manifests need it.")
    elif stated != media_type:
        raise _invalid(f"its mediaType is {str(stated)[:100]!r}, but it is sent as {media_type!r}.")
    version = body.get("schemaVersion")
    if type(version) is not int or version != 2:
        raise _invalid("'schemaVersion' must be 2.")


def _drop_null(node: dict[str, object]) -> None:
    for key in [key for key, value in node.items() if value is None]:
        del node[key]


def _require_exact_keys(keys: Collection[str], known: frozenset[str], where: str) -> None:
    """Refuse a key that differs from one we know only by case: Go's decoder would take it for that one."""
    if known.issuperset(keys):
        return
    folded = {key.casefold(): key for key in known}
    for key in sorted(keys):
        meant = folded.get(key.casefold(), key)
        if meant != key:
            raise _invalid(f"the key {key!r}{where} differs from {meant!r} only by case.")


def _read_digest(wanted: type, value: object) -> Digest:
    """Turn text into a `Digest` for msgspec, which adds the place to the message."""
    if wanted is not Digest or not isinstance(value, str):
        raise ValueError(f"Expected a digest, got `{type(value).__name__}`")
    try:
        return Digest.parse(value)
    except DigestInvalid:
        raise ValueError(f"The digest {value[:200]!r} is invalid") from None


def _require_printable(types: set[str]) -> None:
    for named in types:
        if not (named.isascii() and named.isprintable()):
            raise _invalid(f"the media type {named[:100]!r} holds other than printable ASCII characters.")


def _one(part: Descriptor | None) -> tuple[Descriptor, ...]:
    return () if part is None else (part,)


def _distinct(parts: Iterable[Descriptor]) -> dict[Digest, Descriptor]:
    """The first descriptor of each digest, in order."""
    first: dict[Digest, Descriptor] = {}
    for part in parts:
        if first.setdefault(part.digest, part).size_bytes != part.size_bytes:
            raise _invalid(f"it gives two sizes for {part.digest}.")
    return first
