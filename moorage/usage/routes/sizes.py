"""Routes to the sizes of repositories and artifacts. Ours, not in the contract."""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import project
from moorage.artifacts.deletion_closure import Bytes
from moorage.artifacts.routes.repositories import ONE, path_of
from moorage.artifacts.routes.schemas import show_digest
from moorage.errors import MeasureLimit, RepositoryUnknown
from moorage.usage import sizes
from moorage.usage.sizes import MAX_REFERENCES, RepositorySize


class ProjectStorage(msgspec.Struct, kw_only=True):
    """What a project holds, in bytes."""

    held: int
    """What the quota counts: blobs, manifests, and what open uploads have reserved; in the trash, too."""
    trash: int
    """Of those, what only the trash holds."""
    limit: int
    """-1: none."""
    blobs: int
    """How many."""
    blob_bytes: int
    own: int | None
    """Of blobs that no other project holds; for system administrators only, else null."""
    shared: int | None
    """Of blobs that other projects hold, too; for system administrators only, else null."""


class RepositoryStorage(msgspec.Struct, kw_only=True):
    """What a repository holds, in bytes, with what is in its trash; and how it is used."""

    name: str
    """With the project before it."""
    artifacts: int
    """In its list."""
    own: int
    """What the project's quota gets back if the repository is deleted and purged."""
    shared: int
    """Of blobs that other repositories of the project hold, too."""
    tags: int
    last_pull_time: str | None
    """When something in it was last pulled, some seconds late; null: never that is known."""


class SharedWith(msgspec.Struct, kw_only=True):
    """A repository that holds some of the same blobs."""

    name: str
    shared: int


class OneRepositoryStorage(RepositoryStorage, kw_only=True):
    """The same, with whom it shares."""

    shared_with: list[SharedWith]
    """The repositories of the project that share most, at most 10."""


class MeasureReq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which artifacts to measure."""

    references: Annotated[list[str], Meta(min_length=1, max_length=MAX_REFERENCES)]
    """Tags and digests, 1 to 500."""


class ArtifactBytes(msgspec.Struct, kw_only=True):
    """What artifacts take, with what would go with them: accessories, and children that nothing else needs."""

    own: int
    """What the project's quota gets back once they are deleted and purged."""
    shared_here: int
    """Of blobs that other artifacts of the repository use, in its trash too, and no other repository holds."""
    shared_elsewhere: int
    """Of blobs that other repositories of the project hold."""


class MeasuredArtifact(ArtifactBytes, kw_only=True):
    """What one artifact takes, as if it alone were deleted."""

    reference: str
    digest: str
    size: int
    """What it takes to pull it."""


class MeasuredArtifacts(msgspec.Struct, kw_only=True):
    """What artifacts take."""

    each: list[MeasuredArtifact]
    """In the order of the references."""
    together: ArtifactBytes
    """As if all of them were deleted: what only they share comes back."""
    artifacts: int
    """How many would go, with accessories and children."""
    unknown: list[str]
    """References that name nothing."""


@operation(
    "GET", "/projects/{project_name_or_id:str}/storage", id="getProjectStorage", tag="storage",
    needs=project("quota:read"), ours=True,
)  # fmt: skip
async def get_project_storage(call: NamedDependency[Call]) -> Response[ProjectStorage]:
    """How many bytes a project holds."""
    found = await call.look(sizes.measure_project, call.project.project_id, over_projects=call.admin)
    return Response(
        ProjectStorage(
            held=found.held_bytes, trash=found.trash_bytes, limit=found.limit_bytes,
            blobs=found.blobs, blob_bytes=found.blob_bytes,
            own=found.own_bytes, shared=None if found.own_bytes is None else found.blob_bytes - found.own_bytes,
        )
    )  # fmt: skip


@operation(
    "GET", "/projects/{project_name_or_id:str}/storage/repositories", id="listRepositoryStorage", tag="storage",
    needs=project("quota:read"), paged=True, ours=True,
)  # fmt: skip
async def list_repository_storage(call: NamedDependency[Call]) -> Response[list[RepositoryStorage]]:
    """How many bytes the repositories of a project hold, the most own bytes first; how many tags; the last pull.

    `sort`: `own`, `shared`, `name`, `artifacts`. Keys of `q`: `name`, `artifacts`.
    """
    listing = call.listing()
    rows, total, ignored = await call.look(sizes.list_repositories, call.project.project_id, listing)
    return call.page([RepositoryStorage(**_show(row)) for row in rows], listing, total, ignored)


@operation(
    "GET", f"{ONE}/storage", id="getRepositoryStorage", tag="storage", needs=project("quota:read"), ours=True,
    problems=(RepositoryUnknown,),
)  # fmt: skip
async def get_repository_storage(
    call: NamedDependency[Call], repository_name: FromPath[str]
) -> Response[OneRepositoryStorage]:
    """How many bytes a repository holds, how many of them would come back, and with whom it shares the others."""
    row, sharers = await call.look(sizes.measure_repository, call.project.project_id, path_of(call, repository_name))
    shared_with = [SharedWith(name=one.path, shared=one.shared_bytes) for one in sharers]
    return Response(OneRepositoryStorage(**_show(row), shared_with=shared_with))


@operation(
    "POST", f"{ONE}/storage", id="measureArtifacts", tag="storage", needs=project("artifact:list"), ours=True,
    reads=True, problems=(RepositoryUnknown, MeasureLimit),
)  # fmt: skip
async def measure_artifacts(
    data: JSONBody[MeasureReq], call: NamedDependency[Call], repository_name: FromPath[str]
) -> Response[MeasuredArtifacts]:
    """How many bytes would come back if artifacts were deleted, each for itself and all together. Changes nothing."""
    found = await call.look(
        sizes.measure_artifacts, call.project.project_id, path_of(call, repository_name), data.references
    )
    each = [
        MeasuredArtifact(
            reference=reference, digest=show_digest(member.digest), size=member.size_bytes, **_bytes(measured)
        )
        for reference, (member, measured) in found.each.items()
    ]
    together = ArtifactBytes(**_bytes(found.together))
    return Response(
        MeasuredArtifacts(each=each, together=together, artifacts=found.artifacts, unknown=list(found.missing))
    )


def _show(row: RepositorySize) -> dict[str, Any]:
    return {
        "name": row.path, "artifacts": row.artifact_count, "own": row.own_bytes, "shared": row.shared_bytes,
        "tags": row.tag_count, "last_pull_time": None if row.pulled_at is None else stamp(row.pulled_at),
    }  # fmt: skip


def _bytes(measured: Bytes) -> dict[str, int]:
    return msgspec.structs.asdict(measured)


ROUTES = (get_project_storage, list_repository_storage, get_repository_storage, measure_artifacts)
