"""Repositories: list, get, describe, delete."""

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage import failpoints
from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import PUBLIC, project
from moorage.artifacts import delete, repository_lists, service
from moorage.artifacts.routes.schemas import Repository, show_repository
from moorage.errors import DescriptionInvalid, ProxyReadOnly, RepositoryUnknown, TagImmutable

ONE = "/projects/{project_name:str}/repositories/{repository_name:str}"


def path_of(call: Call, repository_name: str) -> str:
    """The whole name of a repository that a path names, `project/rest`."""
    return f"{call.project.project_name}/{repository_name}"


def require_hosted(call: Call) -> None:
    """Refuse to put something into a project that mirrors another registry.

    Raises:
        ProxyReadOnly: it does.
    """
    if call.project.is_proxy:
        raise ProxyReadOnly(project=call.project.project_name)


@operation("GET", "/repositories", id="listAllRepositories", tag="repository", needs=PUBLIC, paged=True)
async def list_all_repositories(call: NamedDependency[Call]) -> Response[list[Repository]]:
    """The repositories of all projects that the caller can list, the newest first; empty ones are not shown."""
    listing = call.listing()
    rows, total, ignored = await call.look(repository_lists.list_repositories, call.account, listing)
    return call.page([show_repository(row) for row in rows], listing, total, ignored)


@operation(
    "GET",
    "/projects/{project_name:str}/repositories",
    id="listRepositories",
    tag="repository",
    needs=project("repository:list"),
    paged=True,
)
async def list_repositories(call: NamedDependency[Call]) -> Response[list[Repository]]:
    """The repositories of a project, the newest first; empty ones are not shown."""
    listing = call.listing()
    rows, total, ignored = await call.look(
        repository_lists.list_repositories, call.account, listing, project_id=call.project.project_id
    )
    return call.page([show_repository(row) for row in rows], listing, total, ignored)


@operation(
    "GET",
    ONE,
    id="getRepository",
    tag="repository",
    needs=project("repository:read"),
    problems=(RepositoryUnknown,),
)
async def get_repository(call: NamedDependency[Call], repository_name: FromPath[str]) -> Response[Repository]:
    """One repository. A slash in its name is sent as `%252F`."""
    row = await call.look(service.get_repository, call.project.project_id, path_of(call, repository_name))
    return Response(show_repository(row))


@operation(
    "PUT",
    ONE,
    id="updateRepository",
    tag="repository",
    needs=project("repository:update"),
    problems=(RepositoryUnknown, DescriptionInvalid),
)
async def update_repository(
    call: NamedDependency[Call], data: JSONBody[Repository], repository_name: FromPath[str]
) -> Response[None]:
    """Change the description of a repository. What else the body holds is ignored."""
    path = path_of(call, repository_name)
    if data.description is None:
        await call.look(service.get_repository, call.project.project_id, path)
    else:
        await call.run(service.set_description, call.project.project_id, path, data.description)
    return Response(None)


@operation(
    "DELETE",
    ONE,
    id="deleteRepository",
    tag="repository",
    needs=project("repository:delete"),
    problems=(RepositoryUnknown, TagImmutable),
)
async def delete_repository(call: NamedDependency[Call], repository_name: FromPath[str]) -> Response[None]:
    """Delete a repository with all its artifacts; they wait in the trash. An immutable tag among them refuses it."""
    await call.run(delete.delete_repository, call.project.project_id, path_of(call, repository_name))
    failpoints.point("repository.done")
    return Response(None)


ROUTES = (list_all_repositories, list_repositories, get_repository, update_repository, delete_repository)
