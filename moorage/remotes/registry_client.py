"""A registry client for one endpoint: OCI distribution and Docker v2.

All that comes back was written by a stranger: sizes are bounded, digests compared, lists and pages counted, and every
address that is followed stays with the endpoint's own unless it carries no credentials.

Source: OCI distribution-spec v1.1.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from moorage.errors import RemoteMisbehaved, RemoteRefused
from moorage.oci.digest import Digest, compute
from moorage.oci.media_types import MANIFEST_KINDS, Kind
from moorage.remotes.address_policy import By, parse_target
from moorage.remotes.bearer_auth import Credentials, Login
from moorage.remotes.blob_upload import Journal, Read, send_blob
from moorage.remotes.http_client import Answer, Outgoing
from moorage.remotes.registry_connection import Endpoint
from moorage.remotes.registry_reader import Reading, find_digest, pushing
from moorage.remotes.retry_policy import Patience

_TAG_WAITS = (0.1, 0.3, 1.0, 3.0)
_TAG_RACE = "DIGEST_INVALID"
"""docker-registry 2.8 answers 400 with this where two put the same tag at a time, though no digest was named: it reads
the tag's file while the other one writes it. So the same is sent again, after each of these seconds."""


class Client(Reading):
    """One registry, to read and to write. What is raised beside what a method names: see `Connection`."""

    compares = False

    async def put_blob(
        self,
        repository: str,
        digest: Digest,
        size_bytes: int,
        read: Read,
        *,
        mount_from: str = "",
        chunk_bytes: int = 0,
        journal: Journal | None = None,
    ) -> bool:
        """Put a blob into a repository, as `uploads.send_blob`. True: it was mounted, and nothing was read."""
        return await send_blob(
            self, repository, digest, size_bytes, read, mount_from=mount_from, chunk_bytes=chunk_bytes, journal=journal
        )

    async def put_manifest(self, repository: str, reference: str, raw: bytes, media_type: str) -> bool:
        """Put a manifest under a tag or its digest. Safe to repeat.

        Returns whether the registry lists it among its subject's referrers.
        """
        headers = {"content-type": media_type}
        if MANIFEST_KINDS.get(media_type) is Kind.INDEX:
            headers["moorage-sparse"] = "true"  # children that are left out are meant to be; others do not know it
        answer = await self._put(repository, reference, raw, headers)
        said = find_digest(answer.headers.get("docker-content-digest", ""))
        if said is not None and said != compute(raw, said.algorithm):
            raise RemoteMisbehaved("The other registry stored something else than it was given.")
        return "oci-subject" in answer.headers

    async def _put(self, repository: str, reference: str, raw: bytes, headers: dict[str, str]) -> Answer:
        path, scopes = self.manifest_path(repository, reference), pushing(repository)
        for seconds in _TAG_WAITS if ":" not in reference else ():
            try:
                return await self.send("PUT", path, scopes, headers=headers, body=raw)
            except RemoteRefused as problem:
                if problem.detail.get("refused") != _TAG_RACE:
                    raise
            await asyncio.sleep(seconds)
        return await self.send("PUT", path, scopes, headers=headers, body=raw)

    async def delete_manifest(self, repository: str, reference: str) -> bool:
        """Delete a tag, or a manifest by its digest; False when it was not there."""
        scope = (f"repository:{repository}:delete,pull",)
        answer = await self.send("DELETE", self.manifest_path(repository, reference), scope, also=(404,))
        return answer.status != 404


@contextlib.asynccontextmanager
async def open_client(
    outgoing: Outgoing,
    endpoint: Endpoint,
    *,
    login: Login | None = None,
    patience: Patience = Patience(),  # noqa: B008 - frozen
    by: By = "project",
) -> AsyncIterator["Client"]:
    """A client with connections of its own.

    Args:
        outgoing: the one guarded client.
        endpoint: where to; if it is trusted, its own host and port, and its token hosts, may be in a private network.
        login: gives credentials instead of the endpoint's own.
        patience: how often a request is tried.
        by: who may reach what the endpoint redirects to: a project by default, so public addresses only.

    Raises:
        TargetRefused: the URL or the authority cannot be used.
    """
    target = parse_target(endpoint.url)
    hosts = [parse_target(f"{target.scheme}://{one}") for one in endpoint.token_hosts]
    named = [(one.host, one.port) for one in (target, *hosts)]
    granted = named if endpoint.trusted else ()
    async with outgoing.session(by, verify=not endpoint.insecure, ca_pem=endpoint.ca_pem, granted=granted) as session:
        yield Client(session, target, login or _fixed(endpoint), token_hosts=named[1:], patience=patience)


def _fixed(endpoint: Endpoint) -> Login:
    credentials = Credentials(endpoint.username, endpoint.password)

    async def login() -> Credentials:
        return credentials

    return login
