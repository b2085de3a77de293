"""The tags of an artifact: list, create, delete; and, ours, pointing one elsewhere."""

from urllib.parse import quote

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import project
from moorage.artifacts import immutable_rules, list_associations, lists, service, tags
from moorage.artifacts.list_associations import TagRow
from moorage.artifacts.lists import ArtifactRow
from moorage.artifacts.routes.artifacts import ONE
from moorage.artifacts.routes.repositories import ONE as REPOSITORY
from moorage.artifacts.routes.repositories import path_of, require_hosted
from moorage.artifacts.routes.schemas import NewTag, Tag, artifact_path, show_tag
from moorage.db.list_query import Listing
from moorage.db.unit_of_work import Work
from moorage.errors import (
    ManifestBlobUnknown,
    ManifestUnknown,
    ProjectFull,
    ProxyReadOnly,
    RepositoryUnknown,
    TagExists,
    TagImmutable,
    TagInvalid,
    TagUnknown,
)


class PointTag(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where a tag is to point."""

    digest: str
    """Of an artifact of the repository."""


def _list(
    work: Work, project_id: int, path: str, reference: str, listing: Listing, *, immutable: bool
) -> tuple[ArtifactRow, list[TagRow], int, list[str], frozenset[tuple[str, str]]]:
    repository = service.get_repository(work, project_id, path)
    row = lists.get_artifact_row(work, service.get_artifact(work, repository.id, reference).id)
    found = list_associations.list_tags(work, row.id, listing)
    kept = (
        immutable_rules.find_immutable_tags(work, project_id, [(path, tag.name) for tag in found[0]])
        if immutable
        else ()
    )
    return row, *found, frozenset(kept)


@operation(
    "GET",
    f"{ONE}/tags",
    id="listTags",
    tag="artifact",
    needs=project("tag:list"),
    problems=(RepositoryUnknown, ManifestUnknown),
    paged=True,
)
async def list_tags(
    call: NamedDependency[Call],
    repository_name: FromPath[str],
    reference: FromPath[str],
    with_immutable_status: FromQuery[bool] = False,
) -> Response[list[Tag]]:
    """The tags of an artifact, the newest first."""
    listing = call.listing()
    path = path_of(call, repository_name)
    row, rows, total, ignored, kept = await call.look(
        _list, call.project.project_id, path, reference, listing, immutable=with_immutable_status
    )
    call.ignored.extend(ignored)
    pull_time = stamp(row.pulled_at)
    return call.page([show_tag(tag, pull_time, immutable=(path, tag.name) in kept) for tag in rows], listing, total)


@operation(
    "POST",
    f"{ONE}/tags",
    id="createTag",
    tag="artifact",
    needs=project("tag:create"),
    problems=(RepositoryUnknown, ManifestUnknown, TagInvalid, TagExists, ProjectFull, ProxyReadOnly),
    status=201,
)
async def create_tag(
    call: NamedDependency[Call], data: JSONBody[NewTag], repository_name: FromPath[str], reference: FromPath[str]
) -> Response[None]:
    """Put a new tag on an artifact."""
    require_hosted(call)
    path = path_of(call, repository_name)
    await call.run(tags.create_tag, call.project.project_id, path, reference, data.name)
    return call.created(f"{artifact_path(path, quote(reference))}/tags/{data.name}")


@operation(
    "DELETE",
    f"{ONE}/tags/{{tag_name:str}}",
    id="deleteTag",
    tag="artifact",
    needs=project("tag:delete"),
    problems=(RepositoryUnknown, ManifestUnknown, TagUnknown, TagImmutable),
)
async def delete_tag(
    call: NamedDependency[Call], repository_name: FromPath[str], reference: FromPath[str], tag_name: FromPath[str]
) -> Response[None]:
    """Take a tag off an artifact, which stays."""
    await call.run(tags.remove_tag, call.project.project_id, path_of(call, repository_name), reference, tag_name)
    return Response(None)


@operation(
    "PUT", f"{REPOSITORY}/tags/{{tag_name:str}}", id="pointTag", tag="artifact", needs=project("repository:push"),
    ours=True,
    problems=(
        RepositoryUnknown, ManifestUnknown, ManifestBlobUnknown, TagInvalid, TagImmutable, ProjectFull, ProxyReadOnly,
    ),
)  # fmt: skip
async def point_tag(
    call: NamedDependency[Call], data: JSONBody[PointTag], repository_name: FromPath[str], tag_name: FromPath[str]
) -> Response[None]:
    """Point a tag at an artifact of the repository, wherever it points now: as a push of it by that tag would.

    What the tag pointed to stays. Nothing is pulled or sent, and other systems are told as of a push.
    """
    require_hosted(call)
    path = path_of(call, repository_name)
    await call.run(tags.point_tag, call.project.project_id, path, tag_name, data.digest)
    return Response(None)


ROUTES = (list_tags, create_tag, delete_tag, point_tag)
