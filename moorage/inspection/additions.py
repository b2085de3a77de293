"""Read the additions of an artifact: image history, chart files, model documents.

It is read when somebody asks, out of bytes that a stranger pushed. So everything is bounded: how large, how long, how
many at a time; what is beyond a bound is refused with its reason, and is no failure of ours.

Source: Harbor API v2.0 (`getAddition`); OCI image-spec v1.1 config.md ("history"); Helm's format of charts; the model
format of the CNCF (its layers' annotation of the path).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml
from sqlalchemy import bindparam, select

from moorage.artifacts import kinds, lists, service
from moorage.artifacts.addition_names import FILES, MODEL_NAMES, README, VALUES, additions_of, find_layer, model_path
from moorage.artifacts.describe import Contents, read_blob
from moorage.db.unit_of_work import Work
from moorage.errors import (
    AdditionInvalid,
    AdditionsBusy,
    AdditionUnknown,
    AdditionUnsupported,
    BlobDamaged,
    BlobUnknown,
)
from moorage.inspection import archives
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest, compute
from moorage.oci.manifest import Descriptor
from moorage.repositories.tables import Blob, Manifest, RepositoryBlob

JSON, MARKDOWN, TEXT = "application/json; charset=utf-8", "text/markdown", "text/plain"  # text gets it at the edge

MAX_YAML_BYTES = 128 << 10
MAX_YAML_DEPTH = 32
MAX_NODES = 10_000
"""Files and folders of a model."""

_MAX_PATH_PARTS = 64
_WAIT_SECONDS = 5.0
_AT_ONCE = 2
_threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="addition")

_CHART_FILES = ("Chart.yaml", "requirements.yaml", "values.yaml")

_MANIFEST = select(Manifest.bytes).where(Manifest.artifact_id == bindparam("artifact"))
_PLACE = (
    select(Blob.key, Blob.size_bytes)
    .join(RepositoryBlob, RepositoryBlob.blob_id == Blob.id)
    .where(
        RepositoryBlob.repository_id == bindparam("repository"),
        RepositoryBlob.hidden.is_(False),
        Blob.state == "live",
        Blob.digest == bindparam("digest"),
    )
)


@dataclass(frozen=True, slots=True)
class Addition:
    """An addition as it is sent."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A blob to read: where it is, and what its manifest says of it."""

    key: str
    digest: Digest
    size_bytes: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Found:
    """What an addition is made of: a blob, or (`files`) the layers as their manifest names them."""

    kind: str
    part: _Part | None
    layers: tuple[Descriptor, ...]


def find_addition(work: Work, project_id: int, path: str, reference: str, addition: str) -> Found:
    """What an addition is to be read from. Only blobs of the same repository are.

    Raises:
        RepositoryUnknown, ManifestUnknown: as `service.get_repository` and `service.get_artifact`.
        AdditionUnsupported: such artifacts have no such addition.
        AdditionUnknown: this one has not.
        BlobUnknown: the blob is not in the repository any more.
    """
    repository = service.get_repository(work, project_id, path)
    row = lists.get_artifact_row(work, service.get_artifact(work, repository.id, reference).id)
    if addition not in additions_of(row.kind, has_config=row.config_digest is not None):
        raise AdditionUnsupported(addition=addition[:64], type=row.kind)
    raw = work.db.execute(_MANIFEST, {"artifact": row.id}).scalar_one()
    parsed = manifests.parse(bytes(raw), row.media_type)
    if addition == FILES:
        return Found(row.kind, None, parsed.layers)
    wanted = parsed.config if row.kind == kinds.IMAGE else find_layer(row.kind, parsed.layers, addition)
    if wanted is None:
        raise AdditionUnknown(addition=addition)
    place = work.db.execute(_PLACE, {"repository": repository.id, "digest": wanted.digest.binary}).first()
    if place is None:
        raise BlobUnknown(digest=str(wanted.digest))
    return Found(row.kind, _Part(place.key, wanted.digest, place.size_bytes, wanted.media_type), ())


async def read_addition(contents: Contents, found: Found, addition: str) -> Addition:
    """An addition, from what `find_addition` found.

    Raises:
        AdditionInvalid, ArchiveInvalid, ArchiveLimit: what was pushed cannot be read, or not within the bounds.
        AdditionUnknown: the file is not in there.
        AdditionsBusy: others are being read, for 5 s already; with `Retry-After`.
        BlobDamaged, StorageUnavailable: as `Storage.read`.
    """
    if found.part is None:
        listed = await asyncio.get_running_loop().run_in_executor(_threads, list_files, found.layers)
        return Addition(listed, JSON)
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await contents.turns.acquire()
    except TimeoutError:
        raise AdditionsBusy(headers={"Retry-After": "5"}) from None
    try:
        return await _read(contents, found.kind, found.part, addition)
    finally:
        contents.turns.release()


async def _read(contents: Contents, kind: str, part: _Part, addition: str) -> Addition:
    if kind == kinds.IMAGE:
        raw = await read_blob(contents.storage, part.key, part.digest, part.size_bytes)
        if raw is None:
            raise BlobDamaged(digest=str(part.digest))
        return Addition(read_history(raw), JSON)
    if part.size_bytes > archives.MAX_PACKED_BYTES:
        raise AdditionInvalid(why=f"over {archives.MAX_PACKED_BYTES >> 20} MiB")
    packed = b"".join([piece async for piece in contents.storage.read(part.key)])
    read: Callable[[], Addition]
    if kind == kinds.CHART:
        read = lambda: _read_chart(_verified(packed, part), addition)  # noqa: E731
    else:
        read = lambda: _read_model(_verified(packed, part), part.media_type, addition)  # noqa: E731
    return await asyncio.get_running_loop().run_in_executor(_threads, read)


def _verified(packed: bytes, part: _Part) -> bytes:
    if compute(packed, part.digest.algorithm) != part.digest:
        raise BlobDamaged(digest=str(part.digest))
    return packed


# -- images -----------------------------------------------------------------------------------------------


def read_history(config: bytes) -> bytes:
    """The steps that built an image, as a JSON array; empty where the config has none.

    Raises:
        AdditionInvalid: the config is no JSON object of at most 1 MiB, or its history no array of objects.
    """
    try:
        read = msgspec.json.decode(config)
        history = read.get("history") if isinstance(read, dict) else read
        if history is None:
            return b"[]"
        if isinstance(read, dict) and isinstance(history, list) and all(isinstance(step, dict) for step in history):
            return msgspec.json.encode(history)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, TypeError, ValueError):
        pass
    raise AdditionInvalid(why="the config holds no history that can be read")


# -- charts -----------------------------------------------------------------------------------------------


def _read_chart(packed: bytes, addition: str) -> Addition:
    found = archives.read_files(packed, _chart_file, gzipped=True)
    if addition == VALUES:
        return Addition(found.get(VALUES, b""), TEXT)
    if addition == README:
        return Addition(found.get(README, b""), MARKDOWN)
    if "Chart.yaml" not in found:
        raise AdditionInvalid(why="the archive holds no Chart.yaml")
    listed = read_dependencies(found["Chart.yaml"])
    if not listed and "requirements.yaml" in found:  # charts of the first form
        listed = read_dependencies(found["requirements.yaml"])
    return Addition(msgspec.json.encode(listed), JSON)


def _chart_file(path: str) -> str | None:
    """What a file right in the folder of the chart is; files of the charts that it brings along are deeper."""
    folder, _, name = path.partition("/")
    if folder in {"", ".", ".."}:
        return None
    return README if name.lower() == README else name if name in _CHART_FILES else None


def read_dependencies(raw: bytes) -> list[dict[str, str]]:
    """Name, version and repository of each of the `dependencies` of a Chart.yaml or requirements.yaml.

    Raises:
        AdditionInvalid: it cannot be read.
    """
    read = _read_yaml(raw)
    listed = read.get("dependencies") if isinstance(read, dict) else None
    if not isinstance(listed, list):
        return []
    return [
        {key: one[key] if isinstance(one.get(key), str) else "" for key in ("name", "version", "repository")}
        for one in listed
        if isinstance(one, dict)
    ]


def _read_yaml(raw: bytes) -> object:
    """The first document, every scalar as its text: no tag is looked at, nothing is constructed, no alias followed."""
    if len(raw) > MAX_YAML_BYTES:
        raise AdditionInvalid(why=f"the YAML is over {MAX_YAML_BYTES >> 10} KiB")
    root: list[Any] = []
    open_nodes: list[list[Any]] = [root]  # a mapping is collected as key, value, key, value, …
    try:
        for event in yaml.parse(raw, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            if isinstance(event, yaml.AliasEvent):
                raise AdditionInvalid(why="the YAML has aliases")
            if isinstance(event, yaml.ScalarEvent):
                open_nodes[-1].append(event.value)
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(open_nodes) > MAX_YAML_DEPTH:
                    raise AdditionInvalid(why="the YAML is nested too deeply")
                open_nodes.append([])
            elif isinstance(event, yaml.CollectionEndEvent):
                node = open_nodes.pop()
                open_nodes[-1].append(_mapping(node) if isinstance(event, yaml.MappingEndEvent) else node)
            elif isinstance(event, yaml.DocumentEndEvent):
                break
    except (yaml.YAMLError, ValueError, RecursionError):
        raise AdditionInvalid(why="the YAML cannot be read") from None
    return root[0] if root else None


def _mapping(node: list[Any]) -> dict[str, Any]:
    return {key: value for key, value in zip(node[::2], node[1::2], strict=True) if isinstance(key, str)}


# -- models -----------------------------------------------------------------------------------------------


def _read_model(packed: bytes, media_type: str, addition: str) -> Addition:
    names = MODEL_NAMES[addition]
    if media_type.endswith(".raw"):
        content = packed
        if len(content) > archives.MAX_FILE_BYTES:
            raise AdditionInvalid(why=f"over {archives.MAX_FILE_BYTES >> 20} MiB")
    else:
        files = archives.read_files(
            packed, lambda path: addition if path.removeprefix("./") in names else None, gzipped="gzip" in media_type
        )
        if addition not in files:
            raise AdditionUnknown(addition=addition)
        content = files[addition]
    return Addition(content, MARKDOWN if addition == README else TEXT)


def list_files(layers: tuple[Descriptor, ...]) -> bytes:
    """The files of a model as a tree, by the paths that its layers name: a JSON array, folders first.

    Raises:
        AdditionInvalid: over 10,000 files and folders, or over 64 folders in each other.
    """
    root: dict[str, Any] = {}
    count = 0
    for layer in layers:
        path = model_path(layer)
        parts = [part for part in path.split("/", _MAX_PATH_PARTS + 1) if part not in {"", "."}]
        if len(parts) > _MAX_PATH_PARTS:
            raise AdditionInvalid(why="the paths are too deep")
        folder = root
        for part in parts if path.endswith("/") else parts[:-1]:
            count += part not in folder
            below = folder.setdefault(part, {})
            if not isinstance(below, dict):
                below = folder[part] = {}
            folder = below
        if parts and not path.endswith("/"):
            count += 1
            folder.setdefault(parts[-1], layer.size_bytes)
        if count > MAX_NODES:
            raise AdditionInvalid(why=f"over {MAX_NODES} files and folders")
    return msgspec.json.encode(_show_folder(root))


def _show_folder(folder: dict[str, Any]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for name, what in sorted(folder.items(), key=lambda item: (not isinstance(item[1], dict), item[0])):
        if isinstance(what, dict):
            shown.append({"name": name, "type": "directory", "children": _show_folder(what)})
        else:
            shown.append({"name": name, "type": "file", "size": what})
    return shown
