"""Docker Hub: the registry at one host, its tokens at another, the list of repositories at a third.

Source: docs.docker.com/reference/api/hub/latest (createAccessToken, listNamespaceRepositories);
docs.docker.com/reference/api/registry/latest.
"""

from collections.abc import AsyncIterator, Collection
from urllib.parse import quote

import msgspec

from moorage.errors import RemoteMisbehaved, RemoteRefused
from moorage.registries.adapters.base import Adapter, Place, Traits, count_pages, read_rows, read_text
from moorage.remotes.address_policy import parse_target
from moorage.remotes.registry_connection import Endpoint
from moorage.selectors import Selector

API = "https://hub.docker.com"
REGISTRY = "https://registry-1.docker.io"
TOKENS = "auth.docker.io"
OFFICIAL = "library"

_NAMES = frozenset(
    {"hub.docker.com", "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
)


class DockerHub(Adapter):
    """Docker Hub: repositories have a namespace, those of Docker itself `library`."""

    kind = "docker-hub"
    label = "Docker Hub"
    traits = Traits(note="Docker Hub.", places=(Place("hub.docker.com", API),), fixed=True, fewest=2, most=2)

    @classmethod
    def place(cls, endpoint: Endpoint) -> Endpoint:
        """Where the registry is; an address that is not Docker Hub's (a mirror of it) stays what it is."""
        if not _is_hub(endpoint):
            return endpoint
        hosts = tuple(dict.fromkeys([TOKENS, *endpoint.token_hosts]))
        return msgspec.structs.replace(endpoint, url=REGISTRY, token_hosts=hosts)

    @classmethod
    def api_hosts(cls, endpoint: Endpoint) -> Collection[str]:
        """The host of the API."""
        return (API.partition("//")[2],) if _is_hub(endpoint) else ()

    async def list_repositories(self, pattern: str) -> AsyncIterator[str]:
        """As `Adapter.list_repositories`; a name without a namespace is one of Docker's own."""
        whole = pattern if "/" in pattern or not pattern or "*" in pattern else f"{OFFICIAL}/{pattern}"
        async for name in super().list_repositories(whole):
            yield name

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - see base
        """The repositories of the namespace that the pattern names, else of the account's own.

        Raises:
            RemoteRefused: neither is known.
        """
        namespace = prefix or self.endpoint.username
        if not namespace:
            raise RemoteRefused("Docker Hub lists the repositories of one namespace: write it before the first slash.")
        authorization = await self._sign_in()
        base = API if self.endpoint.url == REGISTRY else ""
        path = f"{base}/v2/namespaces/{quote(namespace, safe='')}/repositories"
        for page in count_pages():
            answer = await self.ask(
                "GET", f"{path}?page_size=100&page={page}", authorization=authorization, also=(404,)
            )
            if answer.status == 404:
                return
            for row in read_rows(answer, "results"):
                yield f"{namespace}/{read_text(row, 'name')}"
            if not read_text(answer.json(), "next"):
                return

    async def delete_tag(self, repository: str, tag: str) -> None:  # noqa: ARG002 - none is deleted
        """Refused: neither the registry nor the API has a documented way.

        Raises:
            RemoteRefused: always.
        """
        raise RemoteRefused("Docker Hub has no documented way to delete a tag; delete it on its web page.")

    async def delete_artifact(self, repository: str, digest: str) -> None:
        """Refused, as `delete_tag`.

        Raises:
            RemoteRefused: always.
        """
        await self.delete_tag(repository, digest)

    async def _sign_in(self) -> str:
        """A token of the API, which is not one of the registry."""
        login = await self.login()
        if not login:
            return ""
        base = API if self.endpoint.url == REGISTRY else ""
        body = {"identifier": login.username, "secret": login.secret.reveal()}
        token = read_text((await self.ask("POST", f"{base}/v2/auth/token", body=body)).json(), "access_token")
        if not token:
            raise RemoteMisbehaved("Docker Hub gives no token.")
        return f"Bearer {token}"


def _is_hub(endpoint: Endpoint) -> bool:
    return parse_target(endpoint.url).host in _NAMES


ADAPTER = DockerHub
