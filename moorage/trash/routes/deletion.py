"""Routes to preview a deletion. Ours, not in the contract."""

from typing import Annotated

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import project
from moorage.artifacts import deletion_closure
from moorage.artifacts.routes.artifacts import ONE as ARTIFACT
from moorage.artifacts.routes.repositories import ONE, path_of
from moorage.artifacts.routes.schemas import show_digest
from moorage.errors import ManifestUnknown, MeasureLimit, RepositoryUnknown
from moorage.trash import deletion_preview
from moorage.trash.deletion_preview import MAX_TAGS, Preview


class GoingArtifact(msgspec.Struct, kw_only=True):
    """An artifact that would go, or lose its last tag."""

    digest: str
    type: str
    media_type: str
    size: int
    why: str
    """`itself`, `accessory`: it refers to what goes, `child`: only what goes needs it; `untagged`: it stays."""


class Refused(msgspec.Struct, kw_only=True):
    """Why deleting would be refused."""

    reason: str
    """As in the error: `TAG_IMMUTABLE`, `MANIFEST_IN_USE`, `PROJECT_NOT_EMPTY`."""
    tag: str | None
    rule: int | None
    """The id of the immutable tag rule."""
    pattern: str | None
    """Of the rule's selector of tags."""
    index: str | None
    """The digest of an index that names the artifact, and stays."""
    artifact: str | None
    """The digest of the artifact that stays, where several were asked about."""


class Deletion(msgspec.Struct, kw_only=True):
    """What deleting would do."""

    allowed: bool
    """Whether nothing refuses it."""
    refused: list[Refused]
    """At most 1,000."""
    refused_count: int
    tags: list[str]
    """That go, by name, at most 1,000."""
    tag_count: int
    artifacts: list[GoingArtifact]
    """That go, or stay without a tag; at most 1,000. Of a repository none: all of them go."""
    artifact_count: int
    """That go, without the accessories and children among them."""
    accessory_count: int
    child_count: int
    untagged_count: int
    """That lose their last tag, and stay."""
    repository_count: int
    freed: int
    """Bytes that the project's quota gets back at the purge; of tags: if what loses its last tag is deleted, too."""
    shared: int
    """Bytes that are used elsewhere, and stay."""
    trash_days: int
    """How long it can be restored; 0: not at all."""
    purge_time: str
    """Until when, if it were deleted now. What is purged is freed within hours."""
    unknown: list[str]
    """Tags and digests that the repository has not."""


class TagsReq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Tags of a repository."""

    tags: Annotated[list[str], Meta(min_length=1, max_length=MAX_TAGS)]
    """1 to 1,000."""


class ReferencesReq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Artifacts of a repository."""

    references: Annotated[list[str], Meta(min_length=1, max_length=MAX_TAGS)]
    """1 to 1,000 tags or digests."""


@operation(
    "GET", f"{ARTIFACT}/deletion", id="previewArtifactDeletion", tag="trash", needs=project("artifact:delete"),
    ours=True, problems=(RepositoryUnknown, ManifestUnknown, MeasureLimit),
)  # fmt: skip
async def preview_artifact(
    call: NamedDependency[Call], repository_name: FromPath[str], reference: FromPath[str]
) -> Response[Deletion]:
    """What would go with an artifact: tags, accessories, children that nothing else needs; and what forbids it."""
    path = path_of(call, repository_name)
    return Response(_show(await call.look(deletion_preview.preview_artifact, call.project.project_id, path, reference)))


@operation(
    "POST", f"{ONE}/tags/deletion", id="previewTagDeletion", tag="trash", needs=project("tag:delete"), ours=True,
    reads=True, problems=(RepositoryUnknown, MeasureLimit),
)  # fmt: skip
async def preview_tags(
    data: JSONBody[TagsReq], call: NamedDependency[Call], repository_name: FromPath[str]
) -> Response[Deletion]:
    """What deleting tags would do: which artifacts would have none, and what keeps them. Changes nothing."""
    path = path_of(call, repository_name)
    return Response(_show(await call.look(deletion_preview.preview_tags, call.project.project_id, path, data.tags)))


@operation(
    "GET", f"{ONE}/deletion", id="previewRepositoryDeletion", tag="trash", needs=project("repository:delete"),
    ours=True, problems=(RepositoryUnknown,),
)  # fmt: skip
async def preview_repository(call: NamedDependency[Call], repository_name: FromPath[str]) -> Response[Deletion]:
    """What would go with a repository, and what forbids it."""
    path = path_of(call, repository_name)
    return Response(_show(await call.look(deletion_preview.preview_repository, call.project.project_id, path)))


@operation(
    "POST", f"{ONE}/deletion", id="previewArtifactsDeletion", tag="trash", needs=project("artifact:delete"), ours=True,
    reads=True, problems=(RepositoryUnknown, MeasureLimit),
)  # fmt: skip
async def preview_artifacts(
    data: JSONBody[ReferencesReq], call: NamedDependency[Call], repository_name: FromPath[str]
) -> Response[Deletion]:
    """What would go with several artifacts together, and which of them stay, and why. Changes nothing.

    What only they share comes back as well, and what several of them need is counted once.
    """
    path = path_of(call, repository_name)
    return Response(
        _show(await call.look(deletion_preview.preview_artifacts, call.project.project_id, path, data.references))
    )


@operation(
    "GET", "/projects/{project_name_or_id:str}/deletion", id="previewProjectDeletion", tag="trash",
    needs=project("project:delete"), ours=True,
)  # fmt: skip
async def preview_project(call: NamedDependency[Call]) -> Response[Deletion]:
    """What would go with a project: what is left in it is in its trash. It is refused while there are repositories."""
    return Response(_show(await call.look(deletion_preview.preview_project, call.project.project_id)))


def _show(found: Preview) -> Deletion:
    artifacts = [(member, why) for member, why in found.going] + [(member, "untagged") for member in found.untagged]
    return Deletion(
        allowed=not found.refusal_count,
        refused=[
            Refused(
                reason=one.reason, tag=one.tag or None, rule=one.rule or None,
                pattern=one.pattern if one.rule else None, index=one.index or None, artifact=one.artifact or None,
            )
            for one in found.refusals
        ],
        refused_count=found.refusal_count,
        tags=list(found.tags),
        tag_count=found.tag_count,
        artifacts=[
            GoingArtifact(
                digest=show_digest(one.digest), type=one.kind, media_type=one.media_type, size=one.size_bytes, why=why
            )
            for one, why in artifacts
        ],
        artifact_count=found.counts[deletion_closure.ITSELF],
        accessory_count=found.counts[deletion_closure.ACCESSORY],
        child_count=found.counts[deletion_closure.CHILD],
        untagged_count=found.untagged_count,
        repository_count=found.repositories,
        freed=found.measured.own,
        shared=found.measured.shared_here + found.measured.shared_elsewhere,
        trash_days=found.trash_days,
        purge_time=stamp(found.purge_at),
        unknown=list(found.unknown),
    )  # fmt: skip


ROUTES = (preview_artifact, preview_artifacts, preview_tags, preview_repository, preview_project)
