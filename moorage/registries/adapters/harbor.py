"""Harbor, by its API v2.0; and so another Moorage.

Source: Harbor API v2.0 (the contract that we keep ourselves): listProjects, listRepositories, listArtifacts,
headProject, createProject, deleteTag, deleteArtifact.
"""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from moorage.errors import RemoteMisbehaved, RemoteRefused
from moorage.registries.adapters.base import Adapter, RemoteArtifact, Traits, count_pages, read_rows, read_text
from moorage.remotes.http_client import Answer
from moorage.remotes.registry_client import Client
from moorage.remotes.registry_connection import Endpoint
from moorage.selectors import Selector

_PAGE = 100
_SEEN_SECONDS = 10.0
"""How long a project is believed to be there: many small images are pushed in that time."""


class Harbor(Adapter):
    """Harbor: artifacts with labels and types; a push makes the project."""

    kind = "harbor"
    label = "Harbor, Moorage"
    traits = Traits(
        proven=True,
        note="Harbor v2.0 and later by its API, and Moorage.",
        label_filter=True,
        copy_by_chunk=True,
        fewest=2,
    )

    def __init__(self, client: Client, endpoint: Endpoint) -> None:
        """As any adapter."""
        super().__init__(client, endpoint)
        self._seen: dict[str, float] = {}

    async def ping(self) -> None:
        """See that it is a Harbor, and takes the credentials."""
        answer = await self._ask("GET", "/systeminfo")
        if not isinstance(answer.json(), dict):
            raise RemoteMisbehaved("The other system is no Harbor.")
        if self.endpoint.username:
            await self.client.ping()

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - see base
        """The repositories of the projects that the account sees, or of the one that the pattern names."""
        project = prefix.partition("/")[0]
        if project:
            names = [project] if (await self._find_project(project)) else []
        else:
            names = [read_text(one, "name") async for one in self._list("/projects", {})]
        for name in names:
            async for row in self._list(f"/projects/{quote(name)}/repositories", {}):
                yield read_text(row, "name")

    async def list_artifacts(self, repository: str) -> AsyncIterator[RemoteArtifact]:
        """The artifacts of a repository with their tags and labels. Accessories are not among them."""
        query = {"with_tag": "true", "with_label": "true"}
        async for row in self._list(f"{_path(repository)}/artifacts", query):
            digest = read_text(row, "digest")
            if digest:
                tags, labels = _names(row.get("tags")), _names(row.get("labels"))
                yield RemoteArtifact(digest, tags, labels, read_text(row, "type"))

    async def prepare_push(self, repository: str) -> None:
        """Make the project unless it is there: a private one."""
        self.require_name(repository)
        project = repository.partition("/")[0]
        if time.monotonic() - self._seen.get(project, -_SEEN_SECONDS) < _SEEN_SECONDS:
            return
        if not await self._find_project(project):
            await self._make_project(project)
        self._seen[project] = time.monotonic()

    async def _make_project(self, project: str) -> None:
        body = {"project_name": project, "metadata": {"public": "false"}}
        answer = await self._ask("POST", "/projects", also=(409,), body=body)
        if answer.status not in {201, 409}:
            raise RemoteMisbehaved("The other registry did not make the project.")

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Take a tag off; the artifact stays."""
        await self._ask("DELETE", f"{_path(repository)}/artifacts/{quote(tag)}/tags/{quote(tag)}", also=(404,))

    async def delete_artifact(self, repository: str, digest: str) -> None:
        """Delete an artifact with its tags."""
        await self._ask("DELETE", f"{_path(repository)}/artifacts/{digest}", also=(404,))

    async def _find_project(self, name: str) -> bool:
        answer = await self._ask("HEAD", f"/projects?{urlencode({'project_name': name})}", also=(404,))
        return answer.status == 200

    async def _list(self, path: str, query: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """The rows of a list of the API, page by page. Nothing where there is no such thing."""
        for page in count_pages():
            fields = urlencode({**query, "page": page, "page_size": _PAGE})
            answer = await self._ask("GET", f"{path}?{fields}", also=(404,))
            rows = read_rows(answer) if answer.status == 200 else []
            for row in rows:
                yield row
            if len(rows) < _PAGE:
                return

    async def _ask(self, method: str, path: str, *, also: tuple[int, ...] = (), body: object = None) -> Answer:
        """A request of its API, with Basic: the API takes that without being asked."""
        credentials = await self.login()
        secret = credentials.header if credentials else ""
        return await self.ask(method, f"/api/v2.0{path}", authorization=secret, also=also, body=body)


def _path(repository: str) -> str:
    project, _, rest = repository.partition("/")
    if not rest:
        raise RemoteRefused(f"A repository of Harbor has a project: {repository!r} names none.")
    return f"/projects/{quote(project)}/repositories/{quote(quote(rest, safe=''), safe='')}"


def _names(rows: object) -> tuple[str, ...]:
    found = rows if isinstance(rows, list) else []
    return tuple(row["name"] for row in found if isinstance(row, dict) and isinstance(row.get("name"), str))


ADAPTER = Harbor
