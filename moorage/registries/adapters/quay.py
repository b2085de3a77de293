"""Quay, quay.io or one's own.

Source: docs.redhat.com, "Red Hat Quay API reference", listRepos; "Red Hat Quay API guide", OAuth 2 access tokens.
"""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from moorage.errors import RemoteRefused
from moorage.registries.adapters.base import Adapter, Place, Traits, count_pages, read_rows, read_text
from moorage.selectors import Selector

OAUTH = "$oauthtoken"
"""The name that stands for "the secret is an OAuth token"; only with it does the API know the account."""


class Quay(Adapter):
    """Quay: a robot pulls and pushes; lists of what is private need an OAuth token."""

    kind = "quay"
    label = "Quay"
    traits = Traits(
        note="Quay. With a robot, patterns find public repositories only; the name $oauthtoken with an OAuth token as "
        "the secret finds all.",
        places=(Place("quay.io", "https://quay.io"),), fewest=2,
    )  # fmt: skip

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - see base
        """The repositories of the namespace that the pattern names, else of the robot's.

        Raises:
            RemoteRefused: neither is known.
        """
        login = self.endpoint.username
        namespace = prefix.partition("/")[0] or (login.partition("+")[0] if login != OAUTH else "")
        if not namespace:
            raise RemoteRefused("Quay lists the repositories of one namespace: write it before the first slash.")
        authorization = f"Bearer {self.endpoint.password.reveal()}" if login == OAUTH else ""
        query = {"namespace": namespace, "public": "true"}
        for _ in count_pages():
            answer = await self.ask("GET", f"/api/v1/repository?{urlencode(query)}", authorization=authorization)
            for row in read_rows(answer, "repositories"):
                yield f"{read_text(row, 'namespace') or namespace}/{read_text(row, 'name')}"
            more = read_text(answer.json(), "next_page")
            if not more:
                return
            query["next_page"] = more


ADAPTER = Quay
