"""GitLab's container registry. Tokens and the list of repositories come from GitLab itself, at another host.

Source: docs.gitlab.com/api/container_registry ("List registry repositories", within a project, within a group);
docs.gitlab.com/api/projects ("List all projects"); docs.gitlab.com/api/rest/#pagination.
"""

from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec

from moorage.registries.adapters.base import Adapter, Place, Traits, count_pages, read_rows, read_text
from moorage.remotes.address_policy import parse_target
from moorage.remotes.registry_connection import Endpoint
from moorage.selectors import Selector

REGISTRY = "https://registry.gitlab.com"
GITLAB = "gitlab.com"


class GitLab(Adapter):
    """GitLab: the address is that of its registry; of one's own GitLab, its host is the first token host."""

    kind = "gitlab"
    label = "GitLab container registry"
    traits = Traits(
        note="GitLab's registry. Of a GitLab of one's own, give its own host as the token host; the secret is a token "
        "with read_api beside read_registry or write_registry.",
        places=(Place("registry.gitlab.com", REGISTRY),), fewest=2,
    )  # fmt: skip

    @classmethod
    def place(cls, endpoint: Endpoint) -> Endpoint:
        """gitlab.com issues the tokens of its own registry."""
        if parse_target(endpoint.url).host != "registry.gitlab.com" or GITLAB in endpoint.token_hosts:
            return endpoint
        return msgspec.structs.replace(endpoint, token_hosts=(GITLAB, *endpoint.token_hosts))

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - see base
        """The repositories of the group or project that the pattern names, else of every project of the account."""
        if not prefix:
            async for project in self._list("/projects?membership=true&simple=true"):
                async for name in self._find("projects", str(project.get("id"))):
                    yield name
            return
        parts = prefix.split("/")
        for length in range(len(parts), 0, -1):  # the pattern may name a repository below its project
            path = "/".join(parts[:length])
            for kind in ("groups", "projects"):
                names = [name async for name in self._find(kind, quote(path, safe=""))]
                for name in names:
                    yield name
                if names:
                    return

    async def _find(self, kind: str, number: str) -> AsyncIterator[str]:
        async for row in self._list(f"/{kind}/{number}/registry/repositories"):
            yield read_text(row, "path")

    async def _list(self, path: str) -> AsyncIterator[dict[str, object]]:
        target = parse_target(self.endpoint.url)
        hosts = self.endpoint.token_hosts
        base = f"{target.scheme}://{hosts[0]}" if hosts else ""
        secret = self.endpoint.password.reveal()
        authorization = f"Bearer {secret}" if secret else ""
        page = "1"
        for _ in count_pages():
            url = f"{base}/api/v4{path}{'&' if '?' in path else '?'}per_page=100&page={page}"
            answer = await self.ask("GET", url, authorization=authorization, also=(404,))
            for row in read_rows(answer) if answer.status == 200 else []:
                yield row
            page = answer.headers.get("x-next-page", "").strip()
            if not page.isdigit():
                return


ADAPTER = GitLab
