"""Labels: of the whole system or of one project; and which are on which artifact."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from moorage.artifacts.list_associations import LABEL_COLUMNS, LabelRow
from moorage.artifacts.lists import find_page
from moorage.artifacts.service import enter_repository, get_artifact
from moorage.db.compiled_statements import Prepared
from moorage.db.list_query import Field, Fields, Listing, holds
from moorage.db.unit_of_work import Work
from moorage.errors import ArtifactLabelExists, LabelExists, LabelInvalid, LabelUnknown
from moorage.events import ArtifactLabelled, LabelChanged
from moorage.repositories.tables import Artifact, ArtifactLabel, Label

MAX_NAME_BYTES = 128
MAX_COLOR = 32
MAX_DESCRIPTION = 4_096

_FIELDS = Fields(
    {
        "id": Field(Label.id, kind="number"),
        "name": Field(Label.name),
        "description": Field(Label.description),
        "color": Field(Label.color),
        "creation_time": Field(Label.created_at, kind="time"),
        "update_time": Field(Label.updated_at, kind="time"),
    },
    key=Label.id,
)
_ONE = select(*LABEL_COLUMNS).where(Label.id == bindparam("label"))
_LOCKED = _ONE.with_for_update(read=True, key_share=True)
_INSERT = insert(Label).returning(Label.id)
_DELETE = delete(Label).where(Label.id == bindparam("label"))
_PUT_ON = {
    "postgresql": postgresql.insert(ArtifactLabel).on_conflict_do_nothing().returning(ArtifactLabel.label_id),
    "sqlite": sqlite.insert(ArtifactLabel).on_conflict_do_nothing().returning(ArtifactLabel.label_id),
}
_TAKE_OFF = delete(ArtifactLabel).where(
    ArtifactLabel.artifact_id == bindparam("artifact"), ArtifactLabel.label_id == bindparam("label")
)

_USES = Prepared(
    select(ArtifactLabel.label_id, func.count())
    .join(Artifact, Artifact.id == ArtifactLabel.artifact_id)
    .where(ArtifactLabel.label_id.in_(bindparam("labels", expanding=True)), Artifact.trash_id.is_(None))
    .group_by(ArtifactLabel.label_id)
)


def list_labels(
    work: Work, listing: Listing, *, project_id: int | None, name: str = ""
) -> tuple[list[LabelRow], int, list[str]]:
    """A page of labels by name; how many there are; what was ignored. Three statements.

    Args:
        project_id: of this project; None: those of the whole system.
        name: a part of the name.
    """
    conditions, ignored = _FIELDS.where(listing)
    conditions.append(Label.project_id.is_(None) if project_id is None else Label.project_id == project_id)
    if name:
        conditions.append(holds(Label.name, name))
    total = work.db.scalar(select(func.count()).select_from(Label).where(*conditions)) or 0
    ids, more = find_page(
        work, select(Label.id).where(*conditions), listing, order=_FIELDS.order, default="name", total=total
    )
    rows = work.db.execute(select(*LABEL_COLUMNS).where(Label.id.in_(ids))) if ids else ()
    found = {row[0]: _label(row) for row in rows}
    return [found[one] for one in ids if one in found], total, ignored + more


def count_uses(work: Work, label_ids: Sequence[int]) -> dict[int, int]:
    """How many artifacts carry each of these labels, where any does. One statement."""
    return {row[0]: row[1] for row in _USES.rows(work, {"labels": label_ids})} if label_ids else {}


def find_label(work: Work, label_id: int) -> LabelRow | None:
    """The label with this id."""
    row = work.db.execute(_ONE, {"label": label_id}).first()
    return None if row is None else _label(row)


def create_label(work: Work, name: str, *, project_id: int | None, description: str = "", color: str = "") -> int:
    """Make a label and return its id; of two who make one of a name at once, the second is refused.

    Raises:
        LabelInvalid: the name is empty or something is too long.
        LabelExists: there is one of this name.
    """
    _check(name, description, color)
    try:
        with work.db.begin_nested():
            made: int = work.db.execute(
                _INSERT,
                {
                    "project_id": project_id, "name": name, "description": description, "color": color,
                    "created_at": work.now, "updated_at": work.now,
                },
            ).scalar_one()  # fmt: skip
    except IntegrityError as error:
        raise LabelExists(name=name) from error
    work.emit(LabelChanged(made, project_id, name, "create"))
    return made


def update_label(
    work: Work,
    label_id: int,
    *,
    name: str | None = None,
    description: str | None = None,
    color: str | None = None,
) -> None:
    """Change a label; what is None stays. It stays where it is: its scope and its project cannot change.

    Raises:
        LabelUnknown: there is none.
        LabelInvalid, LabelExists: as for a new one.
    """
    before = find_label(work, label_id)
    if before is None:
        raise LabelUnknown(id=label_id)
    after = (
        before.name if name is None else name,
        before.description if description is None else description,
        before.color if color is None else color,
    )
    _check(*after)
    values = dict(zip(("name", "description", "color"), after, strict=True))
    try:
        with work.db.begin_nested():
            done = work.db.execute(update(Label).where(Label.id == label_id).values(updated_at=work.now, **values))
    except IntegrityError as error:
        raise LabelExists(name=after[0]) from error
    if done.rowcount != 1:
        raise LabelUnknown(id=label_id)
    work.emit(LabelChanged(label_id, before.project_id, after[0], "update"))


def delete_label(work: Work, label_id: int) -> None:
    """Delete a label; it comes off all artifacts.

    Raises:
        LabelUnknown: there is none.
    """
    before = find_label(work, label_id)
    if before is None or work.db.execute(_DELETE, {"label": label_id}).rowcount != 1:
        raise LabelUnknown(id=label_id)
    work.emit(LabelChanged(label_id, before.project_id, before.name, "delete"))


def put_label_on(work: Work, project_id: int, path: str, reference: str, label_id: int) -> None:
    """Put a label of the system, or of the artifact's own project, on an artifact.

    Raises:
        RepositoryUnknown, ManifestUnknown: there is no such artifact.
        LabelUnknown: there is no such label, or it is another project's.
        ArtifactLabelExists: it is on it already.
    """
    repository = enter_repository(work, project_id, path)
    artifact = get_artifact(work, repository.id, reference)
    row = work.db.execute(_LOCKED, {"label": label_id}).first()
    if row is None or row.project_id not in {None, project_id}:
        raise LabelUnknown(id=label_id)
    put = work.db.execute(_PUT_ON[work.db.dialect.name], {"artifact_id": artifact.id, "label_id": label_id})
    if put.scalar() is None:
        raise ArtifactLabelExists(label=row.name)
    work.emit(ArtifactLabelled(project_id, path, str(artifact.digest), row.name, on=True))


def take_label_off(work: Work, project_id: int, path: str, reference: str, label_id: int) -> None:
    """Take a label off an artifact.

    Raises:
        RepositoryUnknown, ManifestUnknown: there is no such artifact.
        LabelUnknown: it is not on it.
    """
    repository = enter_repository(work, project_id, path)
    artifact = get_artifact(work, repository.id, reference)
    label = find_label(work, label_id)
    gone = work.db.execute(_TAKE_OFF, {"artifact": artifact.id, "label": label_id})
    if label is None or gone.rowcount != 1:
        raise LabelUnknown(id=label_id)
    work.emit(ArtifactLabelled(project_id, path, str(artifact.digest), label.name, on=False))


def _label(row: Any) -> LabelRow:  # noqa: ANN401 - a row
    return LabelRow(*row)


def _check(name: str, description: str, color: str) -> None:
    if not 1 <= len(name.encode()) <= MAX_NAME_BYTES or not name.isprintable() or not name.strip():
        raise LabelInvalid
    if len(color) > MAX_COLOR or len(description) > MAX_DESCRIPTION or not color.isprintable():
        raise LabelInvalid
