"""JFrog Artifactory, by the repository path: the first part of a name is the key of a Docker repository.

Source: jfrog.com/help/r/jfrog-rest-apis ("Get Repositories", "List Docker Repositories"); "Docker Repositories",
the repository path method.
"""

from collections.abc import AsyncIterator
from urllib.parse import quote

from moorage.registries.adapters.base import Adapter, Traits, count_pages, read_rows, read_text
from moorage.selectors import Selector

_PAGE = 1_000


class JFrog(Adapter):
    """Artifactory: the Docker repository of the first part of a name has to be there."""

    kind = "jfrog-artifactory"
    label = "JFrog Artifactory"
    traits = Traits(
        note="JFrog Artifactory by the repository path method; names begin with a repository's key.", fewest=2
    )

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - see base
        """The images of the Docker repository that the pattern names, else of all."""
        login = await self.login()
        authorization = login.header if login else ""
        key = prefix.partition("/")[0]
        if key:
            keys = [key]
        else:
            answer = await self.ask(
                "GET", "/artifactory/api/repositories?packageType=docker", authorization=authorization
            )
            keys = [read_text(row, "key") for row in read_rows(answer)]
        for one in keys:
            async for name in self._list(one, authorization):
                yield f"{one}/{name}"

    async def _list(self, key: str, authorization: str) -> AsyncIterator[str]:
        path, last = f"/artifactory/api/docker/{quote(key, safe='')}/v2/_catalog?n={_PAGE}", ""
        for _ in count_pages():
            url = f"{path}&last={quote(last, safe='')}" if last else path
            answer = await self.ask("GET", url, authorization=authorization, also=(404,))
            body = answer.json() if answer.status == 200 else {}
            found = body.get("repositories") if isinstance(body, dict) else None
            names = [name for name in found or [] if isinstance(name, str)]
            for name in names:
                yield name
            if len(names) < _PAGE or names[-1] == last:
                return
            last = names[-1]


ADAPTER = JFrog
