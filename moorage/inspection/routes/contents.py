"""Routes to the contents of an artifact. Ours, not in the contract."""

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import project
from moorage.artifacts.describe import Contents
from moorage.artifacts.routes.artifacts import ONE
from moorage.artifacts.routes.repositories import path_of
from moorage.artifacts.routes.schemas import show_digest
from moorage.errors import ManifestUnknown, RepositoryUnknown
from moorage.inspection import contents as inspection_contents
from moorage.inspection.contents import ChildRow, Config, Parts, Step
from moorage.oci.manifest import Descriptor
from moorage.oci.platforms import is_attestation, read_platform


class UsedBy(msgspec.Struct, kw_only=True):
    """What uses a blob beside this artifact."""

    artifacts: int
    """Others of this repository; in its trash too."""
    repositories: int
    """Others of the project that hold it; in the trash too."""
    repository_names: list[str]
    """The first of them, at most 5, with the project before them."""


class ConfigPart(msgspec.Struct, kw_only=True):
    """The config of an artifact."""

    media_type: str
    digest: str
    size: int
    used_by: UsedBy | None
    """null: the blob is not in the repository."""
    content: dict[str, Any] | None
    """As it was pushed, if it is a JSON object of at most 1 MiB."""
    unread: str
    """Why there is no content: `absent`, `too_large`, `damaged`, `unavailable` (now), `not_json`. Empty: there is."""


class LayerPart(msgspec.Struct, kw_only=True):
    """A layer, or a file of what is no image."""

    media_type: str
    digest: str
    size: int
    annotations: dict[str, str]
    urls: list[str]
    """Where a foreign layer can be had."""
    used_by: UsedBy | None
    """null: the blob is not in the repository."""
    created_by: str | None
    """The command that made it; null: the history says nothing, or speaks of another number of layers."""
    created: str | None
    author: str | None
    comment: str | None


class ChildPart(msgspec.Struct, kw_only=True):
    """An entry of an index."""

    media_type: str
    digest: str
    artifact_type: str
    annotations: dict[str, str]
    platform: str
    """`linux/amd64`, `linux/arm/v7`; empty: none, or not known."""
    os_version: str
    attestation: bool
    """Whether it is what a builder says of another entry, and nothing that runs."""
    artifact_id: int | None
    """null: the child is not in the repository."""
    type: str
    size: int
    """With config and layers; of a child that is not here what the index says of its manifest."""


class PointedTo(msgspec.Struct, kw_only=True):
    """The artifact that one refers to; it may be absent."""

    media_type: str
    digest: str
    size: int


class ArtifactParts(msgspec.Struct, kw_only=True):
    """What an artifact consists of."""

    artifact_id: int
    digest: str
    type: str
    media_type: str
    """Of the manifest."""
    artifact_type: str
    annotations: dict[str, str]
    subject: PointedTo | None
    manifest: str
    """As it was pushed: the UTF-8 of this text has the digest."""
    manifest_size: int
    size: int
    """The manifest with config and layers, or with its children."""
    platform: str
    """Of an image; empty: none, or not known."""
    config: ConfigPart | None
    """null: an index has none."""
    layers: list[LayerPart]
    children: list[ChildPart]


@operation(
    "GET", f"{ONE}/parts", id="getArtifactParts", tag="artifact", needs=project("artifact-addition:read"), ours=True,
    problems=(RepositoryUnknown, ManifestUnknown),
)  # fmt: skip
async def get_artifact_parts(
    call: NamedDependency[Call],
    contents: NamedDependency[Contents],
    repository_name: FromPath[str],
    reference: FromPath[str],
) -> Response[ArtifactParts]:
    """The manifest of an artifact as it was pushed, and what it consists of: config, layers, children of an index.

    Each blob says how many other artifacts of the repository and how many other repositories of the project use it;
    each layer of an image the command that made it.
    """
    found = await call.look(
        inspection_contents.find_parts, call.project.project_id, path_of(call, repository_name), reference
    )
    return Response(_show(found, await inspection_contents.read_config(contents, found)))


def _show(found: Parts, config: Config) -> ArtifactParts:
    row, parsed = found.row, found.parsed
    platform = inspection_contents.platform_of(found, config)
    return ArtifactParts(
        artifact_id=row.id,
        digest=show_digest(row.digest),
        type=row.kind,
        media_type=row.media_type,
        artifact_type=row.artifact_type,
        annotations=dict(parsed.annotations),
        subject=_show_subject(parsed.subject),
        manifest=found.raw.decode(),
        manifest_size=len(found.raw),
        size=row.size_bytes,
        platform=platform.name if platform else "",
        config=_show_config(found, config),
        layers=[
            _show_layer(found, layer, step)
            for layer, step in zip(parsed.layers, inspection_contents.steps_of(found, config), strict=True)
        ],
        children=[_show_child(entry, child) for entry, child in zip(parsed.children, found.children, strict=True)],
    )


def _show_subject(subject: Descriptor | None) -> PointedTo | None:
    if subject is None:
        return None
    return PointedTo(media_type=subject.media_type, digest=str(subject.digest), size=subject.size_bytes)


def _show_users(found: Parts, part: Descriptor) -> UsedBy | None:
    users = inspection_contents.users_of(found, part)
    if users is None:
        return None
    return UsedBy(artifacts=users.artifacts, repositories=users.repositories, repository_names=list(users.names))


def _show_config(found: Parts, config: Config) -> ConfigPart | None:
    part = found.parsed.config
    if part is None:
        return None
    return ConfigPart(
        media_type=part.media_type, digest=str(part.digest), size=part.size_bytes, used_by=_show_users(found, part),
        content=config.content, unread=config.unread,
    )  # fmt: skip


def _show_layer(found: Parts, part: Descriptor, step: Step | None) -> LayerPart:
    return LayerPart(
        media_type=part.media_type,
        digest=str(part.digest),
        size=part.size_bytes,
        annotations=dict(part.annotations),
        urls=list(part.urls),
        used_by=_show_users(found, part),
        created_by=step.created_by if step else None,
        created=step.created if step else None,
        author=step.author if step else None,
        comment=step.comment if step else None,
    )


def _show_child(entry: Descriptor, child: ChildRow) -> ChildPart:
    platform = read_platform(child.platform)
    return ChildPart(
        media_type=entry.media_type,
        digest=str(entry.digest),
        artifact_type=entry.artifact_type,
        annotations=dict(entry.annotations),
        platform=platform.name if platform else "",
        os_version=platform.os_version if platform else "",
        attestation=is_attestation(entry.annotations),
        artifact_id=child.artifact_id,
        type=child.kind or "",
        size=entry.size_bytes if child.size_bytes is None else child.size_bytes,
    )


ROUTES = (get_artifact_parts,)
