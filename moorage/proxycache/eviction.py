"""Evict the least recently pulled artifacts of a full proxy cache.

What goes is deleted without a time in the trash, and whoever has no room takes it from there at once
(`trash/quota_reclaim.py`). So the project's limit is never passed, and nothing goes before there is need.
"""

import logging
from collections.abc import Awaitable, Callable

from moorage.artifacts.delete import delete_artifact
from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import ManifestInUse, ManifestUnknown, QuotaExceeded, TagImmutable
from moorage.events import Actor
from moorage.oci.digest import Digest
from moorage.proxycache.service import PROXY
from moorage.proxycache.upstreams import Proxy

Refused = Callable[[Actor, str, str, QuotaExceeded], None]
"""Told that a repository had no room for a tag, a digest or (empty) a blob, as of a push that was refused."""

_AT_ONCE = 20
_ROUNDS = 200

_OLDEST = Query(
    """SELECT r.id, r.path, a.digest
FROM repository r
JOIN artifact a ON a.repository_id = r.id AND a.trash_id IS NULL AND NOT a.accessory AND (a.tagged OR NOT a.child)
LEFT JOIN pull u ON u.artifact_id = a.id
WHERE r.project_id = $1 AND r.trash_id IS NULL
ORDER BY coalesce(u.pulled_at, a.pushed_at), a.id LIMIT $2""",
    alone=True,
)

log = logging.getLogger("moorage.proxycache")


class Evict:
    """Makes room in full proxies."""

    def __init__(self, database: Database, refused: Refused) -> None:
        self._database = database
        self._refused = refused

    async def making_room(self, proxy: Proxy, path: str, reference: str, act: Callable[[], Awaitable[None]]) -> None:
        """Do something that needs room, and make some where there is none.

        Args:
            proxy: whose room.
            path: of the repository.
            reference: the tag or digest that is to be kept; empty: a blob is.
            act: what needs room; repeated after some was made.

        Raises:
            QuotaExceeded: there is nothing left that could go, or the project keeps what it has, or it is too large.
        """
        for _ in range(_ROUNDS):
            try:
                await act()
            except QuotaExceeded as problem:
                asked, limit = problem.detail.get("asked_bytes", 0), problem.detail.get("limit_bytes", 0)
                hopeless = isinstance(asked, int) and isinstance(limit, int) and asked > limit
                if not proxy.evicts or hopeless or not await self._evict_one(proxy):
                    self._refused(PROXY, path, reference, problem)
                    raise
            else:
                return
        await act()

    async def _evict_one(self, proxy: Proxy) -> bool:
        """Delete what was pulled longest ago; False: there is nothing that could go."""
        for repository_id, path, binary in await self._database.read.all(_OLDEST, proxy.project_id, _AT_ONCE):
            digest = Digest.from_binary(bytes(binary))
            try:
                await self._database.run(PROXY, _delete, proxy.project_id, repository_id, path, digest)
            except (ManifestInUse, ManifestUnknown, TagImmutable):
                continue
            log.info("%s@%s made room in project %s", path, digest, proxy.name)
            return True
        return False


def _delete(work: Work, project_id: int, repository_id: int, path: str, digest: Digest) -> None:
    delete_artifact(work, project_id, repository_id, path, digest, trash_days=0, reason="evicted")
