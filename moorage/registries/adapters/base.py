"""What is particular about a kind of registry: naming, listing, preparing a push, credentials, deleting.

`Adapter` is the plain registry of the specifications, and says no to what those do not have; a member of the family
changes what differs. Moving content is the same everywhere and lives in `remotes`.
"""

from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any, ClassVar

import msgspec

from moorage.errors import RemoteMisbehaved, RemoteRefused, RepositoryUnknown
from moorage.remotes.bearer_auth import Credentials
from moorage.remotes.http_client import Answer
from moorage.remotes.registry_client import Client
from moorage.remotes.registry_connection import Endpoint, refusal
from moorage.selectors import Selector, compile_selector
from moorage.settings import Secret

MAX_PAGES = 10_000
"""A list of a vendor's API that is longer has no end."""

NOT_PROVEN = "Written from the vendor's public reference; not proven against the service."

_MAGIC = frozenset("*?[{\\")


class Place(msgspec.Struct, frozen=True):
    """An address that a form offers. `key`: how it is called."""

    key: str
    url: str


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What a form and a policy have to know of a kind.

    Attributes:
        proven: whether the tests run against the real thing.
        note: a sentence for people; `NOT_PROVEN` is added where that is so.
        places: addresses to choose from; empty: any.
        fixed: the only address is the first of `places`.
        fixed_key: the access key, where it is always the same.
        secret_is_file: the secret is a file's content.
        label_filter: artifacts are listed with labels.
        copy_by_chunk: a blob may be sent in chunks.
        fewest, most: how many parts, between slashes, a repository's name may have there.
    """

    proven: bool = False
    note: str = ""
    places: tuple[Place, ...] = ()
    fixed: bool = False
    fixed_key: str = ""
    secret_is_file: bool = False
    label_filter: bool = False
    copy_by_chunk: bool = False
    fewest: int = 1
    most: int = 0

    @property
    def description(self) -> str:
        """The sentence for people, honest."""
        return self.note if self.proven else f"{self.note} {NOT_PROVEN}".strip()


class RemoteArtifact(msgspec.Struct, frozen=True):
    """An artifact as a registry lists it.

    Attributes:
        reference: what leads to it: a tag where the list has only those, else the digest.
        tags: those that lead to it, as far as known.
        labels: names; empty where the registry has none.
        kind: the contract's `type`; empty where the list does not say.
    """

    reference: str
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    kind: str = ""


class Adapter:
    """A registry of the specifications. One is made for each job or request; `client` talks to it.

    What is raised beside what a method names: see `remotes.connection.Connection`.

    Source: OCI distribution-spec v1.1; `_catalog` of the distribution registry.
    """

    kind: ClassVar[str] = "docker-registry"
    label: ClassVar[str] = "Docker registry, OCI distribution"
    traits: ClassVar[Traits] = Traits(proven=True, copy_by_chunk=True)

    def __init__(self, client: Client, endpoint: Endpoint) -> None:
        """Take a client of the endpoint that `place` gave."""
        self.client = client
        self.endpoint = endpoint

    @classmethod
    def place(cls, endpoint: Endpoint) -> Endpoint:
        """Where `/v2/` is, and who issues its tokens, for the address that somebody entered."""
        return endpoint

    @classmethod
    def api_hosts(cls, endpoint: Endpoint) -> Collection[str]:  # noqa: ARG003 - others look
        """Further hosts, `HOST` or `HOST:PORT`, of an API of the vendor's; they may see the credentials."""
        return ()

    async def login(self) -> Credentials:
        """The credentials for `/v2/`; called for each token, so what expires is remembered here."""
        return Credentials(self.endpoint.username, Secret(self.endpoint.password.reveal()))

    async def ping(self) -> None:
        """See that it is there, is of this kind, and takes the credentials."""
        await self.client.ping()

    async def list_repositories(self, pattern: str) -> AsyncIterator[str]:
        """The names that match a glob. One that is no pattern is itself, without asking.

        Raises:
            RepositoryUnknown: the registry has no list; only names without `*`, `?`, `[` and `{` can be used.
        """
        if pattern and is_plain(pattern):
            yield pattern
            return
        selector = compile_selector("doublestar", pattern)
        async for name in self.find_repositories(selector, prefix_of(pattern)):
            if selector.matches(name):
                yield name

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - as above
        """Names that may match; the caller compares.

        Args:
            selector: what is looked for.
            prefix: the parts of the pattern before the first that is none of a plain name: `team` of `team/**`.
        """
        async for name in self.client.list_repositories():
            yield name

    async def list_artifacts(self, repository: str) -> AsyncIterator[RemoteArtifact]:
        """What a repository holds; here one for each tag. Nothing where there is no such repository."""
        try:
            async for tag in self.client.list_tags(repository):
                yield RemoteArtifact(tag, (tag,))
        except RepositoryUnknown:
            return

    async def prepare_push(self, repository: str) -> None:
        """See that a repository can be pushed to: make what has to be there before.

        Raises:
            RemoteRefused: no repository of this name can be there.
        """
        self.require_name(repository)

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Take a tag off; nothing where there is none. Not every registry can."""
        await self.client.delete_manifest(repository, tag)

    async def delete_artifact(self, repository: str, digest: str) -> None:
        """Delete an artifact with its tags; nothing where there is none."""
        await self.client.delete_manifest(repository, digest)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        authorization: str = "",
        also: Collection[int] = (),
        **given: Any,  # noqa: ANN401 - see there
    ) -> Answer:
        """A request to the vendor's API: a success, or a status in `also`. What is given: as `Connection.send_json`."""
        answer = await self.client.send_json(method, path, authorization=authorization, **given)
        if not 200 <= answer.status < 300 and answer.status not in also:
            raise refusal(answer.status, answer.body)
        return answer

    def require_name(self, repository: str) -> None:
        """Refuse a name that the registry cannot have.

        Raises:
            RemoteRefused: too many parts, or too few.
        """
        parts = repository.count("/") + 1
        traits = self.traits
        if parts < traits.fewest or (traits.most and parts > traits.most):
            wanted = (
                str(traits.fewest) if traits.most == traits.fewest else f"{traits.fewest} to {traits.most or 'many'}"
            )
            raise RemoteRefused(
                f"A repository of {self.label} has {wanted} parts between slashes, and {repository!r} has {parts}.",
                repository=repository,
            )


def count_pages() -> Iterator[int]:
    """1, 2, 3, … for the pages of a list of a vendor's API, until whoever reads has all.

    Raises:
        RemoteMisbehaved: it has no end.
    """
    yield from range(1, MAX_PAGES)
    raise RemoteMisbehaved("The other registry's list has no end.")


def read_rows(answer: Answer, key: str = "") -> list[dict[str, Any]]:
    """The objects of a list: the whole body, or under a key of it. What is no object is left out.

    Raises:
        RemoteMisbehaved: the body has another shape.
    """
    body = answer.json()
    found = body.get(key) if key and isinstance(body, dict) else body
    if found is None and key:
        return []
    if not isinstance(found, list):
        raise RemoteMisbehaved("The other registry's answer has another shape than it should.")
    return [row for row in found if isinstance(row, dict)]


def read_text(row: object, key: str) -> str:
    """A text under a key of an object; "" when it is none."""
    value = row.get(key) if isinstance(row, dict) else None
    return value if isinstance(value, str) else ""


def is_plain(pattern: str) -> bool:
    """Whether a glob stands for itself only."""
    return _MAGIC.isdisjoint(pattern)


def prefix_of(pattern: str) -> str:
    """The leading parts of a glob that are plain; "" when the first is none. The last part never counts."""
    parts = pattern.split("/")[:-1]
    plain = []
    for part in parts:
        if not part or not is_plain(part):
            break
        plain.append(part)
    return "/".join(plain)
