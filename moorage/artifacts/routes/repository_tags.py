"""The tags of a repository in one list. Ours, not in the contract."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import project
from moorage.artifacts import kinds, repository_tags
from moorage.artifacts.describe import Contents, describe
from moorage.artifacts.list_associations import ReferenceRow
from moorage.artifacts.lists import ArtifactRow
from moorage.artifacts.repository_tags import MAX_EQUAL, RepositoryTagRow, TagPage
from moorage.artifacts.routes.repositories import ONE, path_of
from moorage.artifacts.routes.schemas import Label, show_digest, show_label
from moorage.errors import RepositoryUnknown
from moorage.oci.platforms import Platform, is_attestation, read_platform

UNREAD = "X-Unread-Count"


class PlatformOf(msgspec.Struct, kw_only=True):
    """What an image, or a child of an index, runs on."""

    name: str
    """`linux/amd64`, `linux/arm/v7`."""
    os: str
    architecture: str
    variant: str
    """Empty where none, or the usual one, is named."""
    os_version: str
    digest: str
    """Of the manifest."""


class KeptBy(msgspec.Struct, kw_only=True):
    """The rule that makes a tag immutable; with its selector of tags."""

    id: int
    kind: str
    pattern: str


class AccessoryCount(msgspec.Struct, kw_only=True):
    """How many accessories of a type an artifact has."""

    type: str
    count: int


class RepositoryTag(msgspec.Struct, kw_only=True):
    """A tag, with what it points to."""

    id: int
    """Changes when the tag moves."""
    name: str
    is_version: bool
    """Whether the name is one of semantic versioning; such tags are ordered by it."""
    push_time: str
    """When it was pointed to its artifact."""
    pushed_by: str | None
    """Who did; only for those who may see the members of the project."""
    pull_time: str | None
    """When the artifact was last pulled, under whatever name; null: never."""
    pull_count: int
    artifact_id: int
    digest: str
    type: str
    artifact_type: str
    manifest_media_type: str
    size: int
    platforms: list[PlatformOf]
    """In one order everywhere; attestations are none."""
    equal_tags: list[str]
    """Other tags of the same artifact, by name, at most 10."""
    equal_count: int
    """How many other tags of the same artifact there are."""
    immutable_rule: KeptBy | None
    """The first rule that forbids to move or delete it."""
    labels: list[Label]
    accessories: list[AccessoryCount]
    signature: str | None
    """The type of a signature of the artifact; null: there is none."""
    inherited_signature: str | None
    """The type of a signature of an index that holds the artifact."""


@operation(
    "GET", f"{ONE}/tags", id="listRepositoryTags", tag="artifact", needs=project("tag:list"), ours=True, paged=True,
    problems=(RepositoryUnknown,), headers=(UNREAD,),
)  # fmt: skip
async def list_repository_tags(
    call: NamedDependency[Call], contents: NamedDependency[Contents], repository_name: FromPath[str]
) -> Response[list[RepositoryTag]]:
    """All tags of a repository, the highest version first, then those that are no version, the newest first.

    `sort`: `version`, `name`, `push_time`, `pull_time`, `size`, `type`. Keys of `q`: `name`, `push_time`, `pull_time`,
    `size`, `type`, `artifact_type`, `digest`, `labels=(1 2)`, `platform=linux/amd64`, `signed=true`. What an image
    runs on stands in its config. For a filter by platform, up to 500 configs that nobody read before are read; the
    header `X-Unread-Count` says how many are left, and therefore not found.
    """
    listing = call.listing()
    project_id, path = call.project.project_id, path_of(call, repository_name)
    headers = {}
    if repository_tags.asks_for_platform(listing):
        unread, count = await call.look(repository_tags.find_unread, project_id, path)
        headers[UNREAD] = str(count - len(await describe(contents, unread)))
    page = await call.look(repository_tags.list_repository_tags, project_id, path, listing)
    described = await describe(contents, list(page.artifacts.values()))
    shows_people = call.project.may("member", "list")
    shown = [_show(row, page, described, shows_people=shows_people) for row in page.rows]
    answer = call.page(shown, listing, page.total, page.ignored)
    answer.headers.update(headers)
    return answer


def _show(
    row: RepositoryTagRow, page: TagPage, described: Mapping[int, Mapping[str, Any]], *, shows_people: bool
) -> RepositoryTag:
    artifact, rule, equal = page.artifacts[row.artifact_id], page.kept.get(row.name), page.equal[row.artifact_id]
    counted = Counter(one.kind for one in page.attached.accessories.get(artifact.id, ()))
    return RepositoryTag(
        id=row.id,
        name=row.name,
        is_version=bool(row.version),
        push_time=stamp(row.pushed_at),
        pushed_by=row.pushed_by if shows_people else None,
        pull_time=stamp(artifact.pulled_at) if artifact.pulled_at is not None else None,
        pull_count=row.pulls or 0,
        artifact_id=artifact.id,
        digest=show_digest(artifact.digest),
        type=artifact.kind,
        artifact_type=artifact.artifact_type,
        manifest_media_type=artifact.media_type,
        size=artifact.size_bytes,
        platforms=show_platforms(
            artifact, page.attached.references.get(artifact.id, ()), described.get(artifact.id)
        ),
        equal_tags=[name for name in equal.names if name != row.name][:MAX_EQUAL],
        equal_count=equal.count - 1,
        immutable_rule=KeptBy(id=rule.id, kind=rule.kind, pattern=rule.pattern) if rule is not None else None,
        labels=[show_label(label) for label in page.attached.labels.get(artifact.id, ())],
        accessories=[AccessoryCount(type=kind, count=count) for kind, count in sorted(counted.items())],
        signature=_signature(counted),
        inherited_signature=_signature(one.kind for one in page.attached.inherited.get(artifact.id, ())),
    )  # fmt: skip


def show_platforms(
    artifact: ArtifactRow, children: Iterable[ReferenceRow], attributes: Mapping[str, Any] | None
) -> list[PlatformOf]:
    """What an artifact runs on: of an index each child that says so, of an image what its config says."""
    found: list[tuple[Platform, bytes]] = []
    if artifact.config_digest is None:
        for child in children:
            platform = None if is_attestation(child.annotations) else read_platform(child.platform)
            if platform is not None:
                found.append((platform, child.child_digest))
    elif artifact.kind == kinds.IMAGE and (platform := read_platform(attributes)) is not None:
        found.append((platform, artifact.digest))
    return [
        PlatformOf(
            name=one.name, os=one.os, architecture=one.architecture, variant=one.variant, os_version=one.os_version,
            digest=show_digest(digest),
        )
        for one, digest in sorted(found, key=lambda pair: pair[0].place)
    ]  # fmt: skip


def _signature(accessory_kinds: Iterable[str]) -> str | None:
    return min((kind for kind in accessory_kinds if kind.startswith("signature.")), default=None)


ROUTES = (list_repository_tags,)
