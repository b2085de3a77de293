"""Compute which artifacts a deletion would remove, and how many bytes it would free.

With an artifact go its referrers and the children without tags, but for what an index needs that stays; as
`delete.delete_artifact` does it.

*Own* bytes are those that the project's quota would get back once the deleted things are purged: the manifests, and
the blobs that nothing else in the project holds: no other artifact of the repository, in its trash too, and no other
repository. *Shared* are the other bytes that they use. Whether another project holds the same blob is not looked at:
each project is charged for itself, and nobody learns what is in the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from moorage.db.hand_written_sql import call, each
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import MeasureLimit

ITSELF, ACCESSORY, CHILD = "itself", "accessory", "child"
"""Why an artifact goes."""

MAX_MEMBERS = 20_000


class Member(NamedTuple):
    """An artifact that may go. `size_bytes`: with its blobs, of an index with its children."""

    id: int
    digest: bytes
    kind: str
    media_type: str
    tagged: bool
    manifest_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Family:
    """Artifacts with all that hangs on them, at whatever depth: what may go with them, and more.

    Attributes:
        members: by their ids.
        children: of indexes among them.
        parents: live indexes that name a member, whether they are members or not.
        referrers: of members.
    """

    repository_id: int
    project_id: int
    members: Mapping[int, Member] = field(default_factory=dict)
    children: Mapping[int, list[int]] = field(default_factory=dict)
    parents: Mapping[int, set[int]] = field(default_factory=dict)
    referrers: Mapping[int, list[int]] = field(default_factory=dict)


class Bytes(msgspec.Struct, frozen=True):
    """What artifacts take.

    Attributes:
        own: what would come back.
        shared_here: of blobs that other artifacts of the repository use, and no other repository holds.
        shared_elsewhere: of blobs that other repositories of the project hold.
    """

    own: int = 0
    shared_here: int = 0
    shared_elsewhere: int = 0


class BlobUse(NamedTuple):
    """A blob that members use. `users`: artifacts of the repository that use it; `elsewhere`: in other repositories."""

    size_bytes: int
    users: int
    elsewhere: bool


# A child leads to its parents only through the second statement: what an index needs may be needed elsewhere.
_MEMBER = "a.id, a.digest, a.kind, a.media_type, a.tagged, a.manifest_bytes, a.size_bytes"
_MEMBERS = Query(
    "",
    sqlite=f"""WITH RECURSIVE family (id) AS (
    SELECT value FROM json_each($1)
    UNION
    SELECT c.id FROM family f JOIN artifact_reference r ON r.parent_id = f.id
        JOIN artifact c ON c.id = r.child_id AND c.trash_id IS NULL
    UNION
    SELECT w.id FROM family f JOIN artifact s ON s.id = f.id
        JOIN artifact w ON w.repository_id = s.repository_id AND w.subject_digest = s.digest
        AND w.subject_digest IS NOT NULL AND w.trash_id IS NULL
)
SELECT {_MEMBER} FROM family f CROSS JOIN artifact a ON a.id = f.id LIMIT $2""",  # noqa: S608 - put together from constants
    postgresql=f"""WITH RECURSIVE family (id) AS (
    SELECT id FROM unnest($1::bigint[]) AS root (id)
    UNION
    SELECT next.id FROM family f CROSS JOIN LATERAL (
        SELECT c.id FROM artifact_reference r JOIN artifact c ON c.id = r.child_id AND c.trash_id IS NULL
        WHERE r.parent_id = f.id
        UNION ALL
        SELECT w.id FROM artifact s
        JOIN artifact w ON w.repository_id = s.repository_id AND w.subject_digest = s.digest
            AND w.subject_digest IS NOT NULL AND w.trash_id IS NULL
        WHERE s.id = f.id
    ) next
)
SELECT {_MEMBER} FROM family f JOIN artifact a ON a.id = f.id LIMIT $2""",  # noqa: S608 - put together from constants
)
_PARENTS = """SELECT r.child_id, r.parent_id
FROM artifact_reference r JOIN artifact p ON p.id = r.parent_id AND p.trash_id IS NULL
WHERE r.child_id IN ({ids})"""
_REFERRERS = """SELECT s.id, w.id
FROM artifact s JOIN artifact w ON w.repository_id = s.repository_id AND w.subject_digest = s.digest
    AND w.subject_digest IS NOT NULL AND w.trash_id IS NULL
WHERE s.id IN ({ids})"""
_USES = """SELECT artifact_id, blob_id FROM artifact_blob WHERE artifact_id IN ({ids})"""
_BLOBS = """SELECT c.blob_id, c.size_bytes,
    (SELECT count(*) FROM artifact_blob u WHERE u.repository_id = $3 AND u.blob_id = c.blob_id),
    EXISTS (SELECT 1 FROM repository_blob l
        WHERE l.project_id = $2 AND l.blob_id = c.blob_id AND l.repository_id <> $3)
FROM project_blob c WHERE c.project_id = $2 AND c.blob_id IN ({ids})"""


def of_ids(text: str) -> Query:
    """A statement on `{ids}`, which are its first argument: see `ids_argument`."""
    lite, postgresql = "SELECT value FROM json_each($1)", "SELECT unnest($1::bigint[])"
    return Query("", sqlite=text.format(ids=lite), postgresql=text.format(ids=postgresql))


_PARENTS_OF, _REFERRERS_OF, _USES_OF, _BLOBS_OF = (of_ids(one) for one in (_PARENTS, _REFERRERS, _USES, _BLOBS))


def ids_argument(work: Work, ids: Iterable[int]) -> object:
    """Ids as the database takes them in one argument."""
    listed = sorted(ids)
    return msgspec.json.encode(listed).decode() if work.db.dialect.name == "sqlite" else listed


# -- who goes ---------------------------------------------------------------------------------------------


def find_family(work: Work, project_id: int, repository_id: int, artifacts: Iterable[int]) -> Family:
    """Live artifacts with all that hangs on them. Three statements, whatever is nested in what.

    Raises:
        MeasureLimit: that are more than 20,000.
    """
    (rows,) = each(work, (call(_MEMBERS, ids_argument(work, artifacts), MAX_MEMBERS + 1),))
    if len(rows) > MAX_MEMBERS:
        raise MeasureLimit
    members = {row[0]: Member(row[0], bytes(row[1]), row[2], row[3], bool(row[4]), row[5], row[6]) for row in rows}
    ids = ids_argument(work, members)
    named, referring = each(work, (call(_PARENTS_OF, ids), call(_REFERRERS_OF, ids)))
    children: dict[int, list[int]] = {}
    parents: dict[int, set[int]] = {}
    referrers: dict[int, list[int]] = {}
    for child, parent in named:
        parents.setdefault(child, set()).add(parent)
        if parent in members:
            children.setdefault(parent, []).append(child)
    for subject, referrer in referring:
        referrers.setdefault(subject, []).append(referrer)
    return Family(repository_id, project_id, members, children, parents, referrers)


def find_going(family: Family, artifacts: Iterable[int], gone: Mapping[int, str] | None = None) -> dict[int, str]:
    """The ids of all that goes if these members are deleted, each with why, in the order in which it is found.

    Whether something forbids it is not looked at. `gone`: members that have been deleted before.
    """
    before = gone or {}
    going = {one: ITSELF for one in artifacts if one not in before}
    waiting = list(going)
    needed: dict[int, None] = {}

    def is_free(one: int) -> bool:
        return one not in going and one not in before and not any_left(family, one, going, before)

    while waiting:
        here = waiting.pop()
        needed |= dict.fromkeys(one for one in family.referrers.get(here, ()) if one not in going)
        for child in family.children.get(here, ()):
            if not family.members[child].tagged and is_free(child):
                going[child] = CHILD
                waiting.append(child)
        if not waiting:
            free = [one for one in needed if is_free(one)]
            going |= dict.fromkeys(free, ACCESSORY)
            waiting = free
    return going


def any_left(family: Family, artifact: int, *gone: Mapping[int, str]) -> bool:
    """Whether an index that names an artifact stays when these go."""
    return any(not any(index in some for some in gone) for index in family.parents.get(artifact, ()))


def find_index(family: Family, artifact: int) -> int | None:
    """A live index that names an artifact, which forbids to delete it."""
    return min(family.parents.get(artifact, ()), default=None)


# -- what they take ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Uses:
    """What members use: blobs by artifact, and each blob's size and other users."""

    by_artifact: Mapping[int, Sequence[int]]
    blobs: Mapping[int, BlobUse]


def find_uses(work: Work, family: Family) -> Uses:
    """The blobs of a family. Two statements."""
    by_artifact: dict[int, list[int]] = {}
    for artifact, blob in each(work, (call(_USES_OF, ids_argument(work, family.members)),))[0]:
        by_artifact.setdefault(artifact, []).append(blob)
    wanted = ids_argument(work, {blob for blobs in by_artifact.values() for blob in blobs})
    (rows,) = each(work, (call(_BLOBS_OF, wanted, family.project_id, family.repository_id),))
    return Uses(by_artifact, {blob: BlobUse(size, users, bool(elsewhere)) for blob, size, users, elsewhere in rows})


def measure(family: Family, uses: Uses, going: Iterable[int]) -> Bytes:
    """What members take together."""
    own = shared_here = shared_elsewhere = 0
    counted: dict[int, int] = {}
    for artifact in set(going):
        own += family.members[artifact].manifest_bytes
        for blob in uses.by_artifact.get(artifact, ()):
            counted[blob] = counted.get(blob, 0) + 1
    for blob, users in counted.items():
        use = uses.blobs[blob]
        if use.elsewhere:
            shared_elsewhere += use.size_bytes
        elif use.users > users:
            shared_here += use.size_bytes
        else:
            own += use.size_bytes
    return Bytes(own, shared_here, shared_elsewhere)
