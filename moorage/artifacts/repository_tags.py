"""The tags of a repository in one list: in the order of versions, with what people look for beside each.

A page takes a constant number of statements. Sorting goes over the rows of the repository's tags, without an index of
its own: one would have to be written with every push (docs/develop/performance.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, exists, func, or_, select

from moorage.artifacts import kinds, lists, service
from moorage.artifacts.immutable_rules import Rule, find_keeping
from moorage.artifacts.list_associations import Attached, Wanted, fetch_attached
from moorage.artifacts.lists import ArtifactRow, digest_condition, find_page, labels_condition
from moorage.db.list_query import Clause, Field, Fields, Listing, Special
from moorage.db.unit_of_work import Work
from moorage.repositories.tables import Artifact, ArtifactReference, Description, Pull, Tag, TagHistory
from moorage.users.tables import Principal

DEFAULT_ORDER = "-version"
MAX_EQUAL = 10
"""Names of equal tags that a row shows; it counts all of them."""

MAX_UNREAD = 500
"""Images whose configs are read before a filter by platform."""

_SIGNATURES = "signature.%"
_AFTER_ALL = "~"
"""After every name that a tag can have."""

_REPOSITORY = bindparam("repository", type_=Tag.repository_id.type)


class RepositoryTagRow(msgspec.Struct, frozen=True):
    """A tag. `id` changes when it moves; `pushed_by` is who moved it last, while the account exists."""

    id: int
    name: str
    artifact_id: int
    pushed_at: datetime
    version: str
    pulls: int | None
    pushed_by: str | None


@dataclass(frozen=True, slots=True)
class Equal:
    """Tags of one artifact: the first of them by name, and how many there are."""

    names: list[str]
    count: int


@dataclass(frozen=True, slots=True)
class TagPage:
    """A page of tags in their order.

    Attributes:
        artifacts: what the tags point to, by id.
        equal: by the artifact's id.
        kept: the rule that makes a tag immutable, by the tag's name.
        ignored: keys of `q` and `sort` that are not known.
    """

    rows: list[RepositoryTagRow]
    total: int
    ignored: list[str]
    artifacts: dict[int, ArtifactRow] = field(default_factory=dict)
    attached: Attached = field(default_factory=Attached)
    equal: dict[int, Equal] = field(default_factory=dict)
    kept: Mapping[str, Rule] = field(default_factory=dict)


# -- what may be asked ------------------------------------------------------------------------------------


def _of_artifact(condition: Callable[[Clause], ColumnElement[bool] | None]) -> Special:
    """A condition on what the tag points to."""

    def on_tag(clause: Clause) -> ColumnElement[bool] | None:
        found = condition(clause)
        if found is None:
            return None
        return Tag.artifact_id.in_(select(Artifact.id).where(Artifact.repository_id == _REPOSITORY, found))

    return Special(on_tag)


def _platform_condition(clause: Clause) -> ColumnElement[bool]:
    """`platform=linux/amd64`, `platform={linux/arm/v7 linux/arm64}`; without a variant any will do."""
    if clause.shape not in {"exact", "any"}:
        raise clause.refuse("expected os/architecture, as in platform=linux/amd64")
    return or_(*(_runs_on(clause, value) for value in clause.values))


def _runs_on(clause: Clause, value: str) -> ColumnElement[bool]:
    parts = value.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise clause.refuse("expected os/architecture or os/architecture/variant")
    named = dict(zip(("os", "architecture", "variant"), parts, strict=False))
    child, own = ArtifactReference.platform, Description.attributes
    in_index = (child[key].as_string() == text for key, text in named.items())
    in_config = (own[key].as_string() == text for key, text in named.items())
    return or_(
        Artifact.id.in_(
            select(ArtifactReference.parent_id).where(ArtifactReference.parent_id == Artifact.id, *in_index)
        ),
        and_(
            Artifact.kind == kinds.IMAGE,
            Artifact.id.in_(select(Description.artifact_id).where(Description.artifact_id == Artifact.id, *in_config)),
        ),
    )


def _signed_condition(clause: Clause) -> ColumnElement[bool]:
    signature = Artifact.__table__.alias("signature")
    signed = exists(
        select(signature.c.id).where(
            signature.c.repository_id == Artifact.repository_id,
            signature.c.subject_digest == Artifact.digest,
            signature.c.subject_digest.is_not(None),  # in the words of the index
            signature.c.trash_id.is_(None),
            signature.c.accessory_kind.like(_SIGNATURES),
        )
    )
    wanted = clause.values[0].lower() if clause.shape == "exact" else ""
    if wanted not in {"true", "false"}:
        raise clause.refuse("expected true or false")
    return signed if wanted == "true" else ~signed


def _column_of_artifact(column: Any, **more: Any) -> Field:  # noqa: ANN401 - a column, and what `Field` takes
    return Field(select(column).where(Artifact.id == Tag.artifact_id).scalar_subquery(), **more)


_PULLED_AT = select(Pull.pulled_at).where(Pull.artifact_id == Tag.artifact_id).scalar_subquery()
_FIELDS = Fields(
    {
        "version": Field(Tag.version, searchable=False),
        "name": Field(Tag.name),
        "push_time": Field(Tag.pushed_at, kind="time"),
        "pull_time": Field(_PULLED_AT, kind="time"),
        "size": _column_of_artifact(Artifact.size_bytes, kind="number", nullable=False),
        "type": _column_of_artifact(Artifact.kind, nullable=False),
        "artifact_type": _column_of_artifact(Artifact.artifact_type, nullable=False),
        "digest": _of_artifact(digest_condition),
        "labels": _of_artifact(labels_condition),
        "platform": _of_artifact(_platform_condition),
        "signed": _of_artifact(_signed_condition),
    },
    key=Tag.history_id,
)
_NAMES = select(Tag.name).where(Tag.repository_id == _REPOSITORY)
_COUNT = select(func.count()).where(Tag.repository_id == _REPOSITORY)
_ROWS = (
    select(
        Tag.history_id, Tag.name, Tag.artifact_id, Tag.pushed_at, Tag.version, Pull.pulls, Principal.name.label("who"),
    )
    .join(TagHistory, TagHistory.id == Tag.history_id)
    .outerjoin(Principal, Principal.id == TagHistory.principal_id)
    .outerjoin(Pull, Pull.artifact_id == Tag.artifact_id)
    .where(Tag.repository_id == _REPOSITORY, Tag.name.in_(bindparam("names", expanding=True)))
)  # fmt: skip
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_EQUAL_COUNTS = select(Tag.artifact_id, func.count()).where(Tag.artifact_id.in_(_IDS)).group_by(Tag.artifact_id)
# Up to the eleventh name of each: a window function would number all of ten thousand.
_OTHER = Tag.__table__.alias("other")
_ELEVENTH = (
    select(_OTHER.c.name)
    .where(_OTHER.c.artifact_id == Artifact.id)
    .order_by(_OTHER.c.name)
    .limit(1)
    .offset(MAX_EQUAL)
    .correlate(Artifact)
    .scalar_subquery()
)
_EQUAL = (
    select(Tag.artifact_id, Tag.name)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .where(Artifact.id.in_(_IDS), Tag.name <= func.coalesce(_ELEVENTH, _AFTER_ALL))
    .order_by(Tag.artifact_id, Tag.name)
)
_UNREAD = (
    select(Artifact.id)
    .outerjoin(Description, Description.artifact_id == Artifact.id)
    .where(
        Artifact.repository_id == _REPOSITORY, Artifact.trash_id.is_(None), Artifact.tagged,
        Artifact.kind == kinds.IMAGE, Artifact.config_digest.is_not(None), Description.artifact_id.is_(None),
    )
)  # fmt: skip
_UNREAD_FIRST = _UNREAD.order_by(Artifact.id.desc()).limit(MAX_UNREAD)
_UNREAD_COUNT = select(func.count()).select_from(_UNREAD.subquery())


# -- asking -----------------------------------------------------------------------------------------------


def list_repository_tags(work: Work, project_id: int, path: str, listing: Listing) -> TagPage:
    """A page of a repository's tags, the highest version first, then what is no version, the newest first.

    Raises:
        RepositoryUnknown: there is none.
        QueryInvalid: a filter cannot be used.

    Cost: twelve statements, three for an empty page.
    """
    repository = service.get_repository(work, project_id, path)
    conditions, ignored = _FIELDS.where(listing)
    here = {"repository": repository.id}
    names = _NAMES.where(*conditions) if conditions else _NAMES
    counting = select(func.count()).select_from(names.subquery()) if conditions else _COUNT
    total = work.db.scalar(counting, here) or 0
    found, more = find_page(
        work, names, listing, order=_FIELDS.order, default=DEFAULT_ORDER, total=total, values=here,
        fixed=not conditions,
    )  # fmt: skip
    ignored += more
    if not found:
        return TagPage([], total, ignored)
    by_name = {row[1]: RepositoryTagRow(*row) for row in work.db.execute(_ROWS, {**here, "names": found})}
    rows = [by_name[name] for name in found]
    ids = list(dict.fromkeys(row.artifact_id for row in rows))
    artifacts = lists.get_artifact_rows(work, ids)
    wanted = Wanted(tags=False, labels=True, accessories=True, inherited=True)
    return TagPage(
        rows,
        total,
        ignored,
        {row.id: row for row in artifacts},
        fetch_attached(work, artifacts, wanted),
        _find_equal(work, ids),
        find_keeping(work, project_id, path, found),
    )


def _find_equal(work: Work, ids: Sequence[int]) -> dict[int, Equal]:
    found = {artifact: Equal([], count) for artifact, count in work.db.execute(_EQUAL_COUNTS, {"ids": ids})}
    for artifact, name in work.db.execute(_EQUAL, {"ids": ids}):
        found[artifact].names.append(name)
    return found


def asks_for_platform(listing: Listing) -> bool:
    """Whether the list is to be filtered by what images run on, which takes their configs."""
    return any(clause.key == "platform" for clause in listing.clauses)


def find_unread(work: Work, project_id: int, path: str) -> tuple[list[ArtifactRow], int]:
    """Tagged images of a repository whose configs nobody has read yet, the newest 500; how many there are.

    Raises:
        RepositoryUnknown: there is none.
    """
    here = {"repository": service.get_repository(work, project_id, path).id}
    ids = work.db.execute(_UNREAD_FIRST, here).scalars().all()
    total = len(ids) if len(ids) < MAX_UNREAD else work.db.scalar(_UNREAD_COUNT, here) or 0
    return lists.get_artifact_rows(work, ids), total
