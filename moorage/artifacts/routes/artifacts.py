"""Artifacts: list, get, delete; accessories; icons."""

import base64
from typing import Annotated

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from moorage import failpoints
from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import PUBLIC, project
from moorage.artifacts import copy, delete, list_associations, lists, service
from moorage.artifacts.describe import Contents, describe
from moorage.artifacts.icons import CONTENT_TYPE, ICONS
from moorage.artifacts.list_associations import Attached, Wanted
from moorage.artifacts.lists import ArtifactPage, ArtifactRow
from moorage.artifacts.routes.repositories import path_of, require_hosted
from moorage.artifacts.routes.schemas import Accessory, Artifact, artifact_path, show_accessory, show_artifact
from moorage.db.list_query import Listing
from moorage.db.unit_of_work import Work
from moorage.errors import (
    AccessoryCopy,
    CopyLimit,
    CopySourceInvalid,
    IconUnknown,
    ManifestInUse,
    ManifestUnknown,
    ProjectFull,
    ProxyReadOnly,
    QuotaExceeded,
    RepositoryUnknown,
    TagImmutable,
)
from moorage.settings import Settings

LIST = "/projects/{project_name:str}/repositories/{repository_name:str}/artifacts"
ONE = f"{LIST}/{{reference:str}}"


class Icon(msgspec.Struct, kw_only=True):
    """A drawing: `content` in base64."""

    content: str
    content_type: str = msgspec.field(name="content-type")


def _list_page(
    work: Work, project_id: int, path: str, listing: Listing, wanted: Wanted
) -> tuple[ArtifactPage, Attached]:
    page = lists.list_artifacts(work, project_id, path, listing)
    return page, list_associations.fetch_attached(work, page.rows, wanted)


def _list_project_page(
    work: Work, project_id: int, listing: Listing, wanted: Wanted, *, latest: bool
) -> tuple[ArtifactPage, Attached]:
    page = lists.list_project_artifacts(work, project_id, listing, latest=latest)
    return page, list_associations.fetch_attached(work, page.rows, wanted)


def _get_one(work: Work, project_id: int, path: str, reference: str, wanted: Wanted) -> tuple[ArtifactRow, Attached]:
    repository = service.get_repository(work, project_id, path)
    row = lists.get_artifact_row(work, service.get_artifact(work, repository.id, reference).id)
    return row, list_associations.fetch_attached(work, [row], wanted)


async def _show(contents: Contents, rows: list[ArtifactRow], found: Attached) -> list[Artifact]:
    described = await describe(contents, rows)
    return [show_artifact(row, found, described.get(row.id)) for row in rows]


@operation(
    "GET",
    LIST,
    id="listArtifacts",
    tag="artifact",
    needs=project("artifact:list"),
    problems=(RepositoryUnknown,),
    paged=True,
)
async def list_artifacts(
    call: NamedDependency[Call],
    contents: NamedDependency[Contents],
    repository_name: FromPath[str],
    with_tag: FromQuery[bool] = True,
    with_label: FromQuery[bool] = False,
    with_scan_overview: FromQuery[bool] = False,
    with_sbom_overview: FromQuery[bool] = False,
    with_immutable_status: FromQuery[bool] = False,
    with_accessory: FromQuery[bool] = False,
    with_inherited_accessory: FromQuery[bool] = False,
) -> Response[list[Artifact]]:
    """The artifacts of a repository, the newest first: those that have a tag or are no child of an index.

    Keys of `q` with a meaning of their own: `tags=*` tagged, `tags=nil` untagged, `tags=v1` and `tags=~v` by name,
    `labels=(1 2)` with all of these labels, `base=*` children of indexes too.
    """
    listing = call.listing()
    wanted = Wanted(with_tag, with_label, with_accessory, with_inherited_accessory, with_immutable_status)
    page, found = await call.look(_list_page, call.project.project_id, path_of(call, repository_name), listing, wanted)
    return call.page(await _show(contents, page.rows, found), listing, page.total, page.ignored)


@operation(
    "GET",
    "/projects/{project_name_or_id:str}/artifacts",
    id="listArtifactsOfProject",
    tag="project",
    needs=project("artifact:list"),
    paged=True,
)
async def list_project_artifacts(
    call: NamedDependency[Call],
    contents: NamedDependency[Contents],
    with_tag: FromQuery[bool] = True,
    with_label: FromQuery[bool] = False,
    with_scan_overview: FromQuery[bool] = False,
    with_sbom_overview: FromQuery[bool] = False,
    with_immutable_status: FromQuery[bool] = False,
    with_accessory: FromQuery[bool] = False,
    with_inherited_accessory: FromQuery[bool] = False,
    latest_in_repository: FromQuery[bool] = False,
) -> Response[list[Artifact]]:
    """The artifacts of all repositories of a project, the newest first; or only the newest of each repository."""
    listing = call.listing()
    wanted = Wanted(with_tag, with_label, with_accessory, with_inherited_accessory, with_immutable_status)
    page, found = await call.look(
        _list_project_page, call.project.project_id, listing, wanted, latest=latest_in_repository
    )
    return call.page(await _show(contents, page.rows, found), listing, page.total, page.ignored)


@operation(
    "GET",
    ONE,
    id="getArtifact",
    tag="artifact",
    needs=project("artifact:read"),
    problems=(RepositoryUnknown, ManifestUnknown),
)
async def get_artifact(
    call: NamedDependency[Call],
    contents: NamedDependency[Contents],
    repository_name: FromPath[str],
    reference: FromPath[str],
    with_tag: FromQuery[bool] = True,
    with_label: FromQuery[bool] = False,
    with_scan_overview: FromQuery[bool] = False,
    with_sbom_overview: FromQuery[bool] = False,
    with_signature: FromQuery[bool] = False,
    with_immutable_status: FromQuery[bool] = False,
    with_accessory: FromQuery[bool] = False,
    with_inherited_accessory: FromQuery[bool] = False,
) -> Response[Artifact]:
    """One artifact, by a tag or by its digest."""
    wanted = Wanted(with_tag, with_label, with_accessory, with_inherited_accessory, with_immutable_status)
    row, found = await call.look(_get_one, call.project.project_id, path_of(call, repository_name), reference, wanted)
    return Response((await _show(contents, [row], found))[0])


@operation(
    "DELETE",
    ONE,
    id="deleteArtifact",
    tag="artifact",
    needs=project("artifact:delete"),
    problems=(RepositoryUnknown, ManifestUnknown, ManifestInUse, TagImmutable),
)
async def delete_artifact(
    call: NamedDependency[Call], repository_name: FromPath[str], reference: FromPath[str]
) -> Response[None]:
    """Delete an artifact with all its tags, its accessories, and the children that nothing else needs."""
    await call.run(delete.delete_by_reference, call.project.project_id, path_of(call, repository_name), reference)
    failpoints.point("delete.done")
    return Response(None)


@operation(
    "GET",
    f"{ONE}/accessories",
    id="listAccessories",
    tag="artifact",
    needs=project("accessory:list"),
    problems=(RepositoryUnknown, ManifestUnknown),
    paged=True,
)
async def list_accessories(
    call: NamedDependency[Call], repository_name: FromPath[str], reference: FromPath[str]
) -> Response[list[Accessory]]:
    """What refers to an artifact: signatures, SBOMs, …; the newest first."""
    listing = call.listing()

    def story(work: Work) -> tuple[list[list_associations.AccessoryRow], int, list[str]]:
        repository = service.get_repository(work, call.project.project_id, path_of(call, repository_name))
        artifact = service.get_artifact(work, repository.id, reference)
        return list_associations.list_accessories(work, artifact.id, listing)

    rows, total, ignored = await call.look(story)
    return call.page([show_accessory(row) for row in rows], listing, total, ignored)


@operation("GET", "/icons/{digest:str}", id="getIcon", tag="icon", needs=PUBLIC, problems=(IconUnknown,))
async def get_icon(digest: FromPath[str]) -> Response[Icon]:
    """The icon of a type of artifacts, by the digest that an artifact shows."""
    drawn = ICONS.get(digest)
    if drawn is None:
        raise IconUnknown(digest=digest[:200])
    return Response(Icon(content=base64.b64encode(drawn).decode("ascii"), content_type=CONTENT_TYPE))


@operation(
    "POST",
    LIST,
    id="CopyArtifact",
    tag="artifact",
    needs=project("artifact:create"),
    problems=(
        CopySourceInvalid,
        CopyLimit,
        AccessoryCopy,
        RepositoryUnknown,
        ManifestUnknown,
        QuotaExceeded,
        ProjectFull,
        TagImmutable,
        ProxyReadOnly,
    ),
    status=201,
)
async def copy_artifact(
    call: NamedDependency[Call],
    settings: NamedDependency[Settings],
    repository_name: FromPath[str],
    source: Annotated[str, QueryParameter(name="from")],
) -> Response[None]:
    """Copy an artifact from a repository that the caller may pull from: with its children, accessories and tags.

    `from` is `project/repository:tag` or `project/repository@digest`. No byte moves; all of it is copied, or nothing.
    """
    require_hosted(call)
    path = path_of(call, repository_name)
    wanted = copy.read_source(source)
    there = await call.require_in_project("repository:pull", name=wanted.path.partition("/")[0])
    digest = await call.run(
        copy.copy_artifact,
        call.project.project_id,
        path,
        source_project=there.project_id,
        source=wanted,
        lease_seconds=settings.uploads.lease_seconds,
    )
    failpoints.point("copy.done")
    return call.created(artifact_path(path, str(digest)))


ROUTES = (
    copy_artifact,
    list_artifacts,
    list_project_artifacts,
    get_artifact,
    delete_artifact,
    list_accessories,
    get_icon,
)
