"""Preview a deletion: what it removes, when bytes come back, and what forbids it.

It only looks, without a lock: somebody may push or delete before it is done. Deleting itself decides under the gate.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import case, func, select

from moorage.artifacts import deletion_closure, service
from moorage.artifacts.deletion_closure import Bytes, Member
from moorage.artifacts.immutable_rules import find_keeping
from moorage.db.hand_written_sql import call, each
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import ManifestInUse, ProjectNotEmpty, TagImmutable
from moorage.oci.digest import Digest
from moorage.projects.tables import Project
from moorage.quotas import service as quotas
from moorage.repositories.tables import Artifact, Repository, Tag
from moorage.usage import sizes

MAX_TAGS = 1_000
"""Tags, or artifacts, of one question."""

MAX_SHOWN = 1_000
"""Tags, artifacts and reasons that an answer names; all of them are counted."""


class Refusal(msgspec.Struct, frozen=True):
    """Why it would be refused: `reason` as in the error. `tag`, `rule`, `index`: where it speaks of one.

    `artifact`: the digest of which of several.
    """

    reason: str
    tag: str = ""
    rule: int = 0
    pattern: str = ""
    index: str = ""
    artifact: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a delete would do.

    Attributes:
        going: artifacts, each with why it goes (`family.ITSELF`, …); the first of them.
        counts: how many artifacts go, by why.
        tags: names of tags that go; the first of them.
        untagged: artifacts that lose their last tag and stay.
        measured: what the artifacts that go take; of tags what those take that lose their last one.
        refusals: empty: it may be deleted.
        unknown: names that name nothing.
        trash_days: how long it can be restored.
        purge_at: until when, if it were deleted now.
    """

    trash_days: int
    purge_at: datetime
    going: Sequence[tuple[Member, str]] = ()
    counts: Counter[str] = field(default_factory=Counter)
    tags: Sequence[str] = ()
    tag_count: int = 0
    untagged: Sequence[Member] = ()
    untagged_count: int = 0
    measured: Bytes = field(default_factory=Bytes)
    refusals: Sequence[Refusal] = ()
    refusal_count: int = 0
    repositories: int = 0
    unknown: Sequence[str] = ()


_PROJECT = select(Project.trash_days, Project.immutable_rules, Project.repository_count)
_TAGS_OF = Query(
    "",
    sqlite="SELECT name, artifact_id FROM tag WHERE artifact_id IN (SELECT value FROM json_each($1)) ORDER BY name",
    postgresql="SELECT name, artifact_id FROM tag WHERE artifact_id = ANY($1::bigint[]) ORDER BY name",
)
_TAG_NAMES = select(Tag.name)
_COUNTS = select(
    func.count(),
    func.sum(case((Artifact.accessory, 1), else_=0)),
    func.sum(case((Artifact.child & ~Artifact.tagged & ~Artifact.accessory, 1), else_=0)),
)


def preview_artifact(work: Work, project_id: int, path: str, reference: str) -> Preview:
    """What goes with an artifact: its tags, its referrers, and the children that nothing else needs.

    Raises:
        RepositoryUnknown, ManifestUnknown: there is no such artifact.
        MeasureLimit: as `family.find_family`.

    Cost: ten statements at most.
    """
    repository = service.get_repository(work, project_id, path)
    artifact = service.get_artifact(work, repository.id, reference)
    found = deletion_closure.find_family(work, project_id, repository.id, [artifact.id])
    going = deletion_closure.find_going(found, [artifact.id])
    tags = [name for name, _ in _find_tags(work, going)]
    days, rules, _ = _get_project(work, project_id)
    refusals = _find_immutable(work, project_id, path, tags if rules else ())
    index = deletion_closure.find_index(found, artifact.id)
    if index is not None:
        refusals.insert(0, Refusal(ManifestInUse.reason, index=_find_digest(work, index)))
    return Preview(
        days,
        work.now + timedelta(days=days),
        going=[(found.members[one], why) for one, why in going.items()][:MAX_SHOWN],
        counts=Counter(going.values()),
        tags=tags[:MAX_SHOWN],
        tag_count=len(tags),
        measured=deletion_closure.measure(found, deletion_closure.find_uses(work, found), going),
        refusals=refusals[:MAX_SHOWN],
        refusal_count=len(refusals),
    )


def preview_artifacts(work: Work, project_id: int, path: str, references: Iterable[str]) -> Preview:
    """What goes with several artifacts together: what only they need goes, too, and is counted once.

    What is refused of them stays, and so does what hangs on it; the rest is told as if it were deleted. An index among
    them does not keep its children.

    Args:
        references: tags and digests, at most 1,000.

    Raises:
        RepositoryUnknown: there is none.
        MeasureLimit: as `family.find_family`.

    Cost: twelve statements at most.
    """
    repository = service.get_repository(work, project_id, path)
    wanted = list(dict.fromkeys(references))
    named = service.find_artifacts(work, repository.id, wanted)
    found = deletion_closure.find_family(work, project_id, repository.id, named.values())
    named_by: dict[int, list[str]] = {}
    for tag, artifact in _find_tags(work, found.members):
        named_by.setdefault(artifact, []).append(tag)
    days, rules, _ = _get_project(work, project_id)
    tags = sorted(tag for several in named_by.values() for tag in several)
    kept = {one.tag: one for one in _find_immutable(work, project_id, path, tags if rules else ())}
    going, refusals = _settle(work, found, list(dict.fromkeys(named.values())), named_by, kept)
    gone = sorted(tag for artifact in going for tag in named_by.get(artifact, ()))
    return Preview(
        days,
        work.now + timedelta(days=days),
        going=[(found.members[one], why) for one, why in going.items()][:MAX_SHOWN],
        counts=Counter(going.values()),
        tags=gone[:MAX_SHOWN],
        tag_count=len(gone),
        measured=deletion_closure.measure(found, deletion_closure.find_uses(work, found), going),
        refusals=refusals[:MAX_SHOWN],
        refusal_count=len(refusals),
        unknown=[name for name in wanted if name not in named],
    )


def preview_tags(work: Work, project_id: int, path: str, names: Iterable[str]) -> Preview:
    """What deleting tags does: the artifacts stay, and some of them have no tag then.

    What it measures is what those take, and comes back only when they are deleted, too.

    Args:
        names: at most 1,000.

    Raises:
        RepositoryUnknown: there is none.
        MeasureLimit: as `family.find_family`.

    Cost: eleven statements at most.
    """
    repository = service.get_repository(work, project_id, path)
    wanted = list(dict.fromkeys(names))
    tags = service.find_artifacts(work, repository.id, [name for name in wanted if ":" not in name])
    losing = Counter(tags.values())
    having = Counter(artifact for _, artifact in _find_tags(work, losing))
    bare = [artifact for artifact, count in losing.items() if having[artifact] == count]
    found = deletion_closure.find_family(work, project_id, repository.id, bare)
    deletable = [artifact for artifact in bare if deletion_closure.find_index(found, artifact) is None]
    going = deletion_closure.find_going(found, deletable)
    days, rules, _ = _get_project(work, project_id)
    refusals = _find_immutable(work, project_id, path, sorted(tags) if rules else ())
    return Preview(
        days,
        work.now + timedelta(days=days),
        tags=sorted(tags)[:MAX_SHOWN],
        tag_count=len(tags),
        untagged=[found.members[artifact] for artifact in sorted(bare)][:MAX_SHOWN],
        untagged_count=len(bare),
        measured=deletion_closure.measure(found, deletion_closure.find_uses(work, found), going),
        refusals=refusals[:MAX_SHOWN],
        refusal_count=len(refusals),
        unknown=[name for name in wanted if name not in tags],
    )


def preview_repository(work: Work, project_id: int, path: str) -> Preview:
    """What goes with a repository: all of it. What waits in its trash goes when the repository is purged.

    Raises:
        RepositoryUnknown: there is none.

    Cost: eight statements at most.
    """
    measured, _ = sizes.measure_repository(work, project_id, path)
    tags = list(work.db.execute(_TAG_NAMES.where(Tag.repository_id == measured.id).order_by(Tag.name)).scalars())
    days, rules, _ = _get_project(work, project_id)
    refusals = _find_immutable(work, project_id, path, tags if rules else ())
    counted = work.db.execute(_COUNTS.where(Artifact.repository_id == measured.id, Artifact.trash_id.is_(None))).one()
    artifacts, accessories, children = (int(number or 0) for number in counted)
    return Preview(
        days,
        work.now + timedelta(days=days),
        counts=Counter(
            {
                deletion_closure.ITSELF: artifacts - accessories - children,
                deletion_closure.ACCESSORY: accessories,
                deletion_closure.CHILD: children,
            }
        ),
        tags=tags[:MAX_SHOWN],
        tag_count=len(tags),
        measured=Bytes(measured.own_bytes, 0, measured.shared_bytes),
        refusals=refusals[:MAX_SHOWN],
        refusal_count=len(refusals),
        repositories=1,
    )


def preview_project(work: Work, project_id: int) -> Preview:
    """What goes with a project. It is refused while the project lists repositories; what is left is in its trash.

    Raises:
        ProjectUnknown: there is none.

    Cost: three statements.
    """
    days, _, listed = _get_project(work, project_id)
    usage = quotas.get_usage(work, project_id)
    count = work.db.scalar(
        select(func.count()).where(Repository.project_id == project_id, Repository.trash_id.is_(None))
    )
    refusals = [Refusal(ProjectNotEmpty.reason)] if listed else []
    return Preview(
        days,
        work.now + timedelta(days=days),
        measured=Bytes(usage.used_bytes + usage.trash_bytes),
        refusals=refusals,
        refusal_count=len(refusals),
        repositories=count or 0,
    )


def _settle(
    work: Work,
    found: deletion_closure.Family,
    asked: Sequence[int],
    named_by: Mapping[int, Sequence[str]],
    kept: Mapping[str, Refusal],
) -> tuple[dict[int, str], list[Refusal]]:
    """What goes if these are deleted one after the other, and what keeps the others.

    What an index needs comes after the index; told in the order in which it is done.
    """
    gone: dict[int, str] = {}
    refusals: list[Refusal] = []
    left = list(asked)
    while True:
        waiting = []
        for artifact in (one for one in left if one not in gone):
            if deletion_closure.any_left(found, artifact, gone):
                waiting.append(artifact)
                continue
            going = deletion_closure.find_going(found, [artifact], gone)
            by_rule = [kept[tag] for one in going for tag in named_by.get(one, ()) if tag in kept]
            refusals += [msgspec.structs.replace(one, artifact=_digest_of(found, artifact)) for one in by_rule]
            gone |= {} if by_rule else going
        if len(waiting) == len(left) or not waiting:
            break
        left = waiting
    for artifact in waiting:
        index = min(one for one in found.parents[artifact] if one not in gone)
        refusals.append(
            Refusal(ManifestInUse.reason, index=_find_digest(work, index), artifact=_digest_of(found, artifact))
        )
    return gone | {one: deletion_closure.ITSELF for one in asked if one in gone}, refusals


def _find_tags(work: Work, artifacts: Iterable[int]) -> list[tuple[str, int]]:
    (rows,) = each(work, (call(_TAGS_OF, deletion_closure.ids_argument(work, artifacts)),))
    return [(name, artifact) for name, artifact in rows]


def _get_project(work: Work, project_id: int) -> tuple[int, int, int]:
    row = work.db.execute(_PROJECT.where(Project.id == project_id)).one()
    return row[0], row[1], row[2]


def _digest_of(found: deletion_closure.Family, artifact: int) -> str:
    return str(Digest.from_binary(found.members[artifact].digest))


def _find_digest(work: Work, artifact: int) -> str:
    found = work.db.execute(select(Artifact.digest).where(Artifact.id == artifact)).scalar_one()
    return str(Digest.from_binary(bytes(found)))


def _find_immutable(work: Work, project_id: int, path: str, tags: Sequence[str]) -> list[Refusal]:
    kept = find_keeping(work, project_id, path, tags) if tags else {}
    return [Refusal(TagImmutable.reason, tag, rule.id, rule.pattern) for tag, rule in kept.items()]
