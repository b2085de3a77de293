"""Routes of the typeahead. Ours, not in the contract."""

from typing import Annotated

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import PUBLIC
from moorage.errors import Invalid
from moorage.system.typeahead import MAX_CHARACTERS, MAX_FOUND, MAX_PAGE, Kind, Pages, find, read_query


class ProjectFound(msgspec.Struct, kw_only=True):
    """A project."""

    project_id: int
    name: str
    public: bool


class RepositoryFound(msgspec.Struct, kw_only=True):
    """A repository."""

    project_id: int
    repository: str
    """The whole name."""


class TagFound(msgspec.Struct, kw_only=True):
    """A tag."""

    project_id: int
    repository: str
    """The whole name."""
    tag: str
    digest: str
    push_time: str


class ArtifactFound(msgspec.Struct, kw_only=True):
    """An artifact."""

    project_id: int
    repository: str
    """The whole name."""
    digest: str
    type: str
    tag: str | None
    """The first of its tags; null: it has none."""
    push_time: str


class FoundTotals(msgspec.Struct, kw_only=True):
    """How many there are of each kind."""

    projects: int
    repositories: int
    tags: int
    """Of a word: repositories with such a tag; of `NAME:TAG`: tags in the best 50 repositories of that name."""
    artifacts: int


class Found(msgspec.Struct, kw_only=True):
    """What was found, the best of each kind first."""

    projects: list[ProjectFound]
    repositories: list[RepositoryFound]
    tags: list[TagFound]
    artifacts: list[ArtifactFound]
    totals: FoundTotals | None
    """null: nobody asked."""


@operation("GET", "/find", id="find", tag="search", needs=PUBLIC, ours=True, problems=(Invalid,))
async def find_anything(
    call: NamedDependency[Call],
    q: FromQuery[str],
    size: Annotated[int, QueryParameter(ge=1, le=MAX_FOUND)] = 8,
    page: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)] = 1,
    kind: FromQuery[Kind | None] = None,
    count: FromQuery[bool] = False,
) -> Response[Found]:
    """Projects, repositories, tags and artifacts, of those that the caller may see, by what is typed into one field.

    `q` is a part of a name, `NAME:TAG`, `NAME@DIGEST`, a digest, or a whole pull reference; tags and digests are found
    by how they begin. `size`, 1 to 100, is how many of each kind are shown, `page` (1 to 10,000) which of them; `kind`
    only shows one: `projects`, `repositories`, `tags` or `artifacts`. With `count` it says how many there are of each.
    """
    if len(q) > MAX_CHARACTERS:
        raise Invalid(f"q may have {MAX_CHARACTERS} characters.", parameter="q")
    asked = read_query(q, call.request.origin.partition("://")[2])
    found = await call.look(find, call.account, asked, Pages(size, page, kind, count))
    return Response(
        Found(
            projects=[ProjectFound(project_id=one.id, name=one.name, public=one.public) for one in found.projects],
            repositories=[
                RepositoryFound(project_id=one.project_id, repository=one.path) for one in found.repositories
            ],
            tags=[
                TagFound(
                    project_id=one.project_id,
                    repository=one.path,
                    tag=one.name,
                    digest=one.digest,
                    push_time=stamp(one.pushed_at),
                )
                for one in found.tags
            ],
            artifacts=[
                ArtifactFound(
                    project_id=one.project_id,
                    repository=one.path,
                    digest=one.digest,
                    type=one.kind,
                    tag=one.tag,
                    push_time=stamp(one.pushed_at),
                )
                for one in found.artifacts
            ],
            totals=FoundTotals(**found.totals) if found.totals is not None else None,
        )
    )


ROUTES = (find_anything,)
