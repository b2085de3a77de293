"""Plan what a run does with each artifact of a repository; shared by dry runs and real runs.

A repository is read in one snapshot; deleting is then played through in memory as `artifacts.delete` would do it, with
what goes along: referrers, and children that nothing else needs.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import bindparam, select

from moorage.artifacts.immutable_rules import find_immutable
from moorage.db.unit_of_work import Work
from moorage.projects.tables import Project
from moorage.repositories.tables import Artifact, ArtifactReference, Pull, Tag
from moorage.retention.rules import Candidate, Rule, Why

KEEP, DELETE, IMMUTABLE, IN_USE = "keep", "delete", "immutable", "in_use"
DELETED, CHANGED, GONE, UNNAMED = "deleted", "changed", "gone", "unnamed"
VERDICTS = {
    KEEP: "a rule keeps it",
    DELETE: "no rule keeps it",
    IMMUTABLE: "no rule keeps it, and an immutable tag cannot be deleted",
    IN_USE: "no rule keeps it, and something that stays needs it",
    DELETED: "no rule kept it; it is in the trash",
    CHANGED: "no rule kept it; it was tagged, pushed or pulled meanwhile, and stays",
    GONE: "no rule kept it; somebody else deleted it",
    UNNAMED: "no rule keeps it, but the dry run did not name it, so it stays",
}
"""The verdicts, and what they say."""


class Verdict(msgspec.Struct):
    """The verdict on an artifact. `pushed_at`: when it or one of its tags was pushed last."""

    artifact_id: int
    digest: bytes
    kind: str
    tags: tuple[str, ...]
    size_bytes: int
    pushed_at: datetime
    pulled_at: datetime | None
    verdict: str
    reasons: list[Why]


class Place(NamedTuple):
    """A repository: its id and its whole name, `project/rest`."""

    id: int
    path: str

    @property
    def name(self) -> str:
        """Its name without the project."""
        return self.path.partition("/")[2]


class _Row(NamedTuple):
    """An artifact that is live."""

    id: int
    digest: bytes
    kind: str
    subject_digest: bytes | None
    size_bytes: int
    pushed_at: datetime
    child: bool
    accessory: bool
    pulled_at: datetime | None


_ARTIFACTS = (
    select(
        Artifact.id, Artifact.digest, Artifact.kind, Artifact.subject_digest, Artifact.size_bytes, Artifact.pushed_at,
        Artifact.child, Artifact.accessory, Pull.pulled_at,
    )
    .outerjoin(Pull, Pull.artifact_id == Artifact.id)
    .where(Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None))
)  # fmt: skip
_TAGS = (
    select(Tag.artifact_id, Tag.name, Tag.pushed_at)
    .where(Tag.repository_id == bindparam("repository"))
    .order_by(Tag.name)
)
_REFERENCES = (
    select(ArtifactReference.parent_id, ArtifactReference.child_id)
    .join(Artifact, Artifact.id == ArtifactReference.parent_id)
    .where(Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None))
)
_HAS_RULES = select(Project.immutable_rules).where(Project.id == bindparam("project"))


def plan_repository(
    work: Work, project_id: int, repository: Place, rules: Sequence[Rule], now: datetime
) -> list[Verdict]:
    """The verdicts on a repository's artifacts, the one that was pushed last first. Four statements, or five.

    Those of the default list are looked at: tagged ones, and untagged ones that no index needs and that are no
    accessories; the others go with what they belong to.

    Args:
        rules: the enabled ones; where none speaks of this repository, nothing in it is looked at.
        now: the moment from which days are counted.
    """
    named = [rule for rule in rules if rule.speaks_of(repository.name)]
    if not named:
        return []
    where = {"repository": repository.id}
    rows = {row.id: _Row(*row) for row in work.db.execute(_ARTIFACTS, where)}
    pushed = {row.id: row.pushed_at for row in rows.values()}
    tags: dict[int, list[str]] = defaultdict(list)
    for artifact_id, name, at in work.db.execute(_TAGS, where):
        tags[artifact_id].append(name)
        pushed[artifact_id] = max(pushed.get(artifact_id, at), at)
    pairs = [(parent, child) for parent, child in work.db.execute(_REFERENCES, where) if child is not None]
    candidates = [
        Candidate(row.id, tuple(tags[row.id]) if row.id in tags else (), pushed[row.id], row.pulled_at)
        for row in rows.values()
        if (row.id in tags or not row.child) and not row.accessory
    ]
    said: dict[int, list[Why]] = {one.id: [] for one in candidates}
    for rule in named:
        for artifact_id, why in rule.ask(candidates, now).items():
            said[artifact_id].append(why)
    verdicts = dict.fromkeys(said, KEEP)
    condemned = [one for one in candidates if not any(why.kept for why in said[one.id])]
    if condemned:
        immutable = frozenset[str]()
        if work.db.execute(_HAS_RULES, {"project": project_id}).scalar():
            immutable = frozenset(
                find_immutable(work, project_id, repository.path, (name for some in tags.values() for name in some))
            )
        store = _Store(rows, tags, immutable)
        for parent, child in pairs:
            store.add(parent, child)
        stay = {one.id for one in candidates} - {one.id for one in condemned}
        verdicts |= store.delete(sorted(condemned, key=lambda one: (one.pushed_at, one.id)), stay)
    candidates.sort(key=lambda one: (one.pushed_at, one.id), reverse=True)
    return [
        Verdict(
            one.id, bytes(rows[one.id].digest), rows[one.id].kind, one.tags, rows[one.id].size_bytes, one.pushed_at,
            one.pulled_at, verdicts[one.id], said[one.id],
        )
        for one in candidates
    ]  # fmt: skip


@dataclass(slots=True)
class _Store:
    """A repository in memory, in which deleting is played through."""

    live: dict[int, _Row]
    tags: dict[int, list[str]]
    immutable: frozenset[str]
    children: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    parents: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    referrers: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for row in self.live.values():
            if row.subject_digest is not None:
                self.referrers[bytes(row.subject_digest)].append(row.id)

    def add(self, parent: int, child: int) -> None:
        """Note that an index names an artifact."""
        self.children[parent].append(child)
        self.parents[child].append(parent)

    def delete(self, condemned: Sequence[Candidate], stay: set[int]) -> dict[int, str]:
        """The verdict on each artifact that no rule keeps; indexes go before what they name."""
        verdicts: dict[int, str] = {}
        gone: set[int] = set()
        waiting = [one.id for one in condemned]
        while waiting:
            later = []
            for one in waiting:
                if one in gone:
                    verdicts[one] = DELETE
                elif not self._is_free(one, set(), gone):
                    later.append(one)
                else:
                    along = self._find_along(one, gone)
                    verdicts[one] = self._judge(along, stay)
                    if verdicts[one] == DELETE:
                        gone |= along
            if len(later) == len(waiting):
                break
            waiting = later
        return verdicts | dict.fromkeys(waiting, IN_USE)

    def _judge(self, along: Iterable[int], stay: set[int]) -> str:
        verdict = DELETE
        for one in along:
            if any(name in self.immutable for name in self.tags.get(one, ())):
                return IMMUTABLE
            if one in stay:
                verdict = IN_USE
        return verdict

    def _find_along(self, artifact: int, gone: set[int]) -> set[int]:
        """An artifact and all that is deleted with it. A referrer that an index still names stays."""
        along: set[int] = set()
        found, needed = [artifact], list[int]()
        while found:
            one = found.pop()
            if one not in along and one not in gone and one in self.live:
                along.add(one)
                children = self.children.get(one, ())
                found += [child for child in children if not self.tags.get(child) and self._is_free(child, along, gone)]
                needed += self.referrers.get(bytes(self.live[one].digest), ())
            if not found:
                found = [one for one in needed if self._is_free(one, along, gone)]
                needed = [one for one in needed if one not in found]
        return along

    def _is_free(self, artifact: int, along: set[int], gone: set[int]) -> bool:
        """Return whether no existing index names it."""
        parents = self.parents.get(artifact, ())
        return all(parent in along or parent in gone or parent not in self.live for parent in parents)
