"""Load tags, labels, accessories and children of the artifacts on a page, one statement per kind."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BindParameter, and_, bindparam, exists, func, select

from moorage.artifacts import kinds
from moorage.artifacts.addition_names import papers_of
from moorage.artifacts.immutable_rules import find_immutable_tags
from moorage.artifacts.lists import ArtifactRow, find_page
from moorage.db.compiled_statements import Prepared, each
from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.repositories.tables import Artifact, ArtifactLabel, ArtifactReference, Label, Manifest, Repository, Tag


class TagRow(msgspec.Struct, frozen=True):
    """A tag. `id` is that of its present place: a tag that moves gets another one."""

    id: int
    repository_id: int
    artifact_id: int
    name: str
    pushed_at: datetime


class LabelRow(msgspec.Struct, frozen=True):
    """A label; `project_id` None: of the whole system."""

    id: int
    project_id: int | None
    name: str
    description: str
    color: str
    created_at: datetime
    updated_at: datetime


class AccessoryRow(msgspec.Struct, frozen=True):
    """An artifact that refers to another one of its repository."""

    id: int
    repository: str
    digest: bytes
    kind: str
    size_bytes: int
    pushed_at: datetime
    subject_id: int
    subject_digest: bytes
    artifact_type: str
    is_subject: bool
    """Whether something refers to it in turn."""


class ReferenceRow(msgspec.Struct, frozen=True):
    """A child of an index."""

    parent_id: int
    child_id: int | None
    child_digest: bytes
    platform: dict[str, Any] | None
    annotations: dict[str, str] | None
    urls: list[str] | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to fetch beside the artifacts themselves."""

    tags: bool = True
    labels: bool = False
    accessories: bool = False
    inherited: bool = False
    immutable: bool = False


@dataclass(slots=True)
class Attached:
    """By the artifact's id.

    Attributes:
        papers: of models, which of readme and license they have; of those with a large manifest that is not known.
        immutable: tags that a rule keeps, as (whole name of the repository, tag).
    """

    tags: dict[int, list[TagRow]] = field(default_factory=lambda: defaultdict(list))
    labels: dict[int, list[LabelRow]] = field(default_factory=lambda: defaultdict(list))
    accessories: dict[int, list[AccessoryRow]] = field(default_factory=lambda: defaultdict(list))
    inherited: dict[int, list[AccessoryRow]] = field(default_factory=lambda: defaultdict(list))
    references: dict[int, list[ReferenceRow]] = field(default_factory=lambda: defaultdict(list))
    papers: dict[int, frozenset[str]] = field(default_factory=dict)
    immutable: frozenset[tuple[str, str]] = frozenset()


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_TAG_COLUMNS = (
    Tag.history_id.label("id"), Tag.repository_id, Tag.artifact_id, Tag.name, Tag.pushed_at,
)  # fmt: skip
_MAX_MANIFEST_BYTES = 128 << 10
_MANIFESTS = Prepared(
    select(Manifest.artifact_id, Manifest.bytes).where(
        Manifest.artifact_id.in_(_IDS), func.length(Manifest.bytes) <= _MAX_MANIFEST_BYTES
    )
)
_TAGS = Prepared(select(*_TAG_COLUMNS).where(Tag.artifact_id.in_(_IDS)).order_by(Tag.artifact_id, Tag.name))
LABEL_COLUMNS = (
    Label.id,
    Label.project_id,
    Label.name,
    Label.description,
    Label.color,
    Label.created_at,
    Label.updated_at,
)
_LABELS = Prepared(
    select(ArtifactLabel.artifact_id, *LABEL_COLUMNS)
    .join(Label, Label.id == ArtifactLabel.label_id)
    .where(ArtifactLabel.artifact_id.in_(_IDS))
    .order_by(Label.name, Label.id)
)
_SUBJECT = Artifact.__table__.alias("subject")
_UPON = Artifact.__table__.alias("upon")
_REFERS = and_(
    Artifact.repository_id == _SUBJECT.c.repository_id, Artifact.subject_digest == _SUBJECT.c.digest,
    Artifact.subject_digest.is_not(None), Artifact.trash_id.is_(None),
)  # fmt: skip
_ACCESSORY_COLUMNS = (
    Artifact.id,
    Repository.path,
    Artifact.digest,
    Artifact.accessory_kind,
    Artifact.size_bytes,
    Artifact.pushed_at,
    _SUBJECT.c.id.label("subject_id"),
    Artifact.subject_digest,
    Artifact.artifact_type,
    exists()
    .where(
        _UPON.c.repository_id == Artifact.repository_id,
        _UPON.c.subject_digest == Artifact.digest,
        _UPON.c.subject_digest.is_not(None),
        _UPON.c.trash_id.is_(None),
    )
    .label("is_subject"),
)
_ACCESSORIES_FROM = (
    select(*_ACCESSORY_COLUMNS)
    .select_from(_SUBJECT)
    .join(Artifact, _REFERS)
    .join(Repository, Repository.id == Artifact.repository_id)
)
_ACCESSORIES = Prepared(_ACCESSORIES_FROM.where(_SUBJECT.c.id.in_(_IDS)).order_by(Artifact.id))
_INHERITED = Prepared(
    select(ArtifactReference.child_id, *_ACCESSORY_COLUMNS)
    .select_from(ArtifactReference)
    .join(_SUBJECT, and_(_SUBJECT.c.id == ArtifactReference.parent_id, _SUBJECT.c.trash_id.is_(None)))
    .join(Artifact, and_(_REFERS, Artifact.accessory_kind.like("signature.%")))
    .join(Repository, Repository.id == Artifact.repository_id)
    .where(ArtifactReference.child_id.in_(_IDS))
    .order_by(Artifact.id)
)
_REFERENCES = Prepared(
    select(
        ArtifactReference.parent_id,
        ArtifactReference.child_id,
        ArtifactReference.child_digest,
        ArtifactReference.platform,
        ArtifactReference.annotations,
        ArtifactReference.urls,
    )
    .where(ArtifactReference.parent_id.in_(_IDS))
    .order_by(ArtifactReference.parent_id, ArtifactReference.position)
)


def fetch_attached(work: Work, rows: Sequence[ArtifactRow], wanted: Wanted) -> Attached:
    """What is wanted of these artifacts, the children of indexes, and what models have of readme and license.

    At most seven statements; none for no rows.

    Cost: on PostgreSQL one round trip for all of them but the rules of immutable tags.
    """
    attached = Attached()
    if not rows:
        return attached
    models = {row.id: row.media_type for row in rows if row.kind == kinds.CNAI}
    chosen = [
        statement
        for statement, is_wanted in (
            (_REFERENCES, True),
            (_TAGS, wanted.tags),
            (_LABELS, wanted.labels),
            (_ACCESSORIES, wanted.accessories),
            (_INHERITED, wanted.inherited),
            (_MANIFESTS, bool(models)),
        )
        if is_wanted
    ]
    ids = [row.id for row in rows]
    asked = ((one, {"ids": list(models) if one is _MANIFESTS else ids}) for one in chosen)
    found = dict(zip(chosen, each(work, *asked), strict=True))
    for artifact_id, manifest in found.get(_MANIFESTS, ()):
        attached.papers[artifact_id] = papers_of(bytes(manifest), models[artifact_id])
    for reference in found[_REFERENCES]:
        attached.references[reference[0]].append(ReferenceRow(*reference))
    for tag in found.get(_TAGS, ()):
        attached.tags[tag[2]].append(TagRow(*tag))
    for label in found.get(_LABELS, ()):
        attached.labels[label[0]].append(LabelRow(*label[1:]))
    for one in found.get(_ACCESSORIES, ()):
        accessory = AccessoryRow(*one)
        attached.accessories[accessory.subject_id].append(accessory)
    for one in found.get(_INHERITED, ()):
        attached.inherited[one[0]].append(AccessoryRow(*one[1:]))
    if wanted.tags and wanted.immutable:
        named = [(row.repository, tag.name) for row in rows for tag in attached.tags.get(row.id, ())]
        attached.immutable = find_immutable_tags(work, rows[0].project_id, named)
    return attached


# -- lists of their own -----------------------------------------------------------------------------------

TAG_FIELDS = Fields(
    {
        "name": Field(Tag.name),
        "id": Field(Tag.history_id, kind="number"),
        "push_time": Field(Tag.pushed_at, kind="time"),
    },
    key=Tag.history_id,
)
ACCESSORY_FIELDS = Fields(
    {
        "id": Field(Artifact.id, kind="number"),
        "type": Field(Artifact.accessory_kind),
        "size": Field(Artifact.size_bytes, kind="number"),
        "creation_time": Field(Artifact.pushed_at, kind="time"),
    },
    key=Artifact.id,
)


def list_tags(work: Work, artifact_id: int, listing: Listing) -> tuple[list[TagRow], int, list[str]]:
    """A page of an artifact's tags, the newest first; how many there are; what was ignored. Three statements."""
    conditions, ignored = TAG_FIELDS.where(listing)
    matching = select(Tag.history_id).where(Tag.artifact_id == artifact_id, *conditions)
    total = work.db.scalar(select(func.count()).select_from(matching.subquery())) or 0
    ids, more = find_page(work, matching, listing, order=TAG_FIELDS.order, default="-push_time", total=total)
    found = {
        row[0]: TagRow(*row)
        for row in work.db.execute(select(*_TAG_COLUMNS).where(Tag.artifact_id == artifact_id, Tag.history_id.in_(ids)))
    }
    return [found[one] for one in ids], total, ignored + more


def list_accessories(work: Work, artifact_id: int, listing: Listing) -> tuple[list[AccessoryRow], int, list[str]]:
    """A page of what refers to an artifact, the newest first; how many there are; what was ignored."""
    conditions, ignored = ACCESSORY_FIELDS.where(listing)
    matching = _ACCESSORIES_FROM.with_only_columns(Artifact.id).where(_SUBJECT.c.id == artifact_id, *conditions)
    total = work.db.scalar(select(func.count()).select_from(matching.subquery())) or 0
    ids, more = find_page(work, matching, listing, order=ACCESSORY_FIELDS.order, default="-creation_time", total=total)
    found = {
        row[0]: AccessoryRow(*row)
        for row in work.db.execute(_ACCESSORIES_FROM.where(_SUBJECT.c.id == artifact_id, Artifact.id.in_(ids)))
    }
    return [found[one] for one in ids], total, ignored + more
