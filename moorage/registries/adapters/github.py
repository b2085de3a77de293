"""GitHub's container registry, ghcr.io. Its repositories are packages of an organisation or a user.

Source: docs.github.com/en/rest/packages/packages ("List packages for an organization", "… for a user", "… for the
authenticated user's namespace").
"""

from collections.abc import AsyncIterator, Collection
from urllib.parse import quote

from moorage.errors import RemoteRefused
from moorage.registries.adapters.base import Adapter, Place, Traits, count_pages, read_rows, read_text
from moorage.remotes.address_policy import parse_target
from moorage.remotes.registry_connection import Endpoint
from moorage.selectors import Selector

REGISTRY = "https://ghcr.io"
API = "https://api.github.com"

_PAGE = 100


class GitHub(Adapter):
    """GitHub: the secret is a personal access token (classic) that may read, or write, packages."""

    kind = "github-ghcr"
    label = "GitHub container registry"
    traits = Traits(
        note="GitHub's container registry; the secret is a personal access token (classic).",
        places=(Place("ghcr.io", REGISTRY),), fixed=True, fewest=2,
    )  # fmt: skip

    @classmethod
    def api_hosts(cls, endpoint: Endpoint) -> Collection[str]:
        """The host of the API."""
        return (API.partition("//")[2],) if parse_target(endpoint.url).host == "ghcr.io" else ()

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - see base
        """The packages of the owner that the pattern names, else of the account itself."""
        owner = prefix.partition("/")[0]
        named = quote(owner, safe="")
        places = [f"/orgs/{named}/packages", f"/users/{named}/packages"] if owner else ["/user/packages"]
        for place in places:
            found = False
            async for row in self._list(place):
                found = True
                login = owner or read_text(row.get("owner"), "login")
                yield f"{login}/{read_text(row, 'name')}".lower()
            if found:
                return

    async def delete_tag(self, repository: str, tag: str) -> None:  # noqa: ARG002 - none is deleted
        """Refused: versions are deleted, with all their tags.

        Raises:
            RemoteRefused: always.
        """
        raise RemoteRefused("GitHub's registry deletes no tags; delete the version on the package's web page.")

    async def delete_artifact(self, repository: str, digest: str) -> None:
        """Refused, as `delete_tag`.

        Raises:
            RemoteRefused: always.
        """
        await self.delete_tag(repository, digest)

    async def _list(self, place: str) -> AsyncIterator[dict[str, object]]:
        base = API if self.endpoint.url == REGISTRY else ""
        secret = self.endpoint.password.reveal()
        authorization = f"Bearer {secret}" if secret else ""
        headers = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
        for page in count_pages():
            url = f"{base}{place}?package_type=container&per_page={_PAGE}&page={page}"
            answer = await self.ask("GET", url, authorization=authorization, headers=headers, also=(404,))
            rows = read_rows(answer) if answer.status == 200 else []
            for row in rows:
                yield row
            if len(rows) < _PAGE:
                return


ADAPTER = GitHub
