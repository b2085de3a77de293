"""Restore deleted things. The protocol is docs/develop/lossless.md, "Trash, restore, purge".

The project's gate is closed meanwhile: nobody pushes into the project, deletes from it, restores or purges there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError

from moorage import failpoints
from moorage.artifacts.manifest_rows import add_tag
from moorage.blobs import charge_states
from moorage.db.base import db_now
from moorage.db.locks import close_gate
from moorage.db.unit_of_work import Work
from moorage.errors import NameInvalid, RestoreBlocked, RestoreNameInvalid, RestoreTaken, TagInvalid, TrashUnknown
from moorage.events import TrashRestored
from moorage.oci.digest import Digest
from moorage.oci.names import MAX_REPOSITORY_BYTES, parse_project_name, parse_repository, parse_tag
from moorage.projects.tables import Project, Trash
from moorage.quotas import limits
from moorage.repositories.creation import count_artifacts
from moorage.repositories.tables import (
    Artifact,
    ArtifactBlob,
    ArtifactReference,
    Repository,
    RepositoryBlob,
    Tag,
    TagHistory,
)

LEAVE_OUT = ""
"""As the new name of a tag: it stays away."""

_PARENT = Artifact.__table__.alias("parent")
_trash: Any = bindparam("trash")
_FIND = select(Trash.project_id).where(Trash.id == _trash)
_ACT = (
    select(Trash.id, Trash.project_id, Trash.repository_id, Trash.kind, Trash.label)
    .where(Trash.id == _trash, ~Trash.purging, Trash.purge_at > db_now())
    .with_for_update()
)
_PROJECT = select(Project.name, Project.trash_id).where(Project.id == bindparam("project"))
_REPOSITORY = select(Repository.id, Repository.path, Repository.trash_id, Repository.artifact_count).where(
    Repository.id == bindparam("repository")
)
_TAGS = select(TagHistory.name, TagHistory.digest).where(TagHistory.trash_id == _trash).order_by(TagHistory.name)
_TAKEN_TAGS = select(Tag.name).where(
    Tag.repository_id == bindparam("repository"), Tag.name.in_(bindparam("names", expanding=True))
)
_OF_ACT = select(Artifact.id).where(Artifact.trash_id == _trash)
_OF_REPOSITORY = select(Artifact.id).where(
    Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None)
)
_UNHIDE = (
    update(RepositoryBlob)
    .where(RepositoryBlob.repository_id == bindparam("repository"), RepositoryBlob.hidden)
    .values(hidden=False)
)
_ARTIFACTS = select(Artifact.id, Artifact.digest, Artifact.trash_id).where(
    Artifact.repository_id == bindparam("repository"), Artifact.digest.in_(bindparam("digests", expanding=True))
)
_TAKE_CHILDREN = (
    update(Artifact)
    .where(
        Artifact.trash_id.is_not(None), Artifact.trash_id != _trash,
        Artifact.id.in_(
            select(ArtifactReference.child_id)
            .join(_PARENT, _PARENT.c.id == ArtifactReference.parent_id)
            .where(_PARENT.c.trash_id == _trash, ArtifactReference.child_id.is_not(None))
        ),
    )
    .values(trash_id=_trash)
)  # fmt: skip
_SET_CHILD = (
    update(Artifact)
    .where(Artifact.trash_id == _trash)
    .values(
        child=exists(
            select(_PARENT.c.id)
            .join(ArtifactReference, ArtifactReference.parent_id == _PARENT.c.id)
            .where(
                ArtifactReference.child_id == Artifact.id,
                (_PARENT.c.trash_id.is_(None)) | (_PARENT.c.trash_id == _trash),
            )
            .correlate(Artifact.__table__)
        )
    )
)
_ENTER = select(func.count()).where(Artifact.trash_id == _trash, ~Artifact.child, ~Artifact.accessory)
_MARK_CHILDREN = (
    update(Artifact)
    .where(
        Artifact.trash_id.is_(None), ~Artifact.child,
        Artifact.id.in_(
            select(ArtifactReference.child_id)
            .join(_PARENT, _PARENT.c.id == ArtifactReference.parent_id)
            .where(_PARENT.c.trash_id == _trash, ArtifactReference.child_id.is_not(None))
        ),
    )
    .values(child=True)
    .returning(Artifact.tagged, Artifact.accessory)
)  # fmt: skip
_BACK = update(Artifact).where(Artifact.trash_id == _trash).values(trash_id=None, tagged=False)
_REPOSITORY_BACK = (
    update(Repository)
    .where(Repository.id == bindparam("repository"))
    .values(trash_id=None, path=bindparam("new_path"), updated_at=bindparam("now"))
)
_REPOSITORIES_BACK = update(Repository).where(Repository.trash_id == _trash).values(trash_id=None)
_ONE_MORE = (
    update(Project).where(Project.id == bindparam("project")).values(repository_count=Project.repository_count + 1)
)
_PATHS = select(Repository.id).where(
    Repository.path == bindparam("path"), Repository.trash_id.is_(None), Repository.id != bindparam("own")
)
_NAMES = select(Project.id).where(Project.name == bindparam("name"), Project.trash_id.is_(None))
_PROJECT_BACK = (
    update(Project)
    .where(Project.id == bindparam("project"))
    .values(trash_id=None, name=bindparam("new_name"), epoch=Project.epoch + 1, updated_at=bindparam("now"))
)
_MOVE_PATHS = (
    update(Repository)
    .where(Repository.project_id == bindparam("project"))
    .values(path=bindparam("new_name", type_=Repository.path.type) + func.substr(Repository.path, bindparam("rest")))
)
_LONGEST = select(func.max(func.length(Repository.path))).where(Repository.project_id == bindparam("project"))
_MOVE_LABELS = (
    update(Trash)
    .where(Trash.project_id == bindparam("project"), Trash.kind != "project")
    .values(
        label=func.substr(
            bindparam("new_name", type_=Trash.label.type) + func.substr(Trash.label, bindparam("rest")), 1, 255
        )
    )
)
_FORGET_TAGS = update(TagHistory).where(TagHistory.trash_id == _trash).values(trash_id=None)
_FORGET = delete(Trash).where(Trash.id == _trash)


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back.

    Attributes:
        names: tags, or the name of the repository or the project: as it was called, and as it is called now.
        artifacts: how many came back.
    """

    kind: str
    label: str
    project_id: int
    names: Mapping[str, str] = field(default_factory=dict)
    artifacts: int = 0


def restore(work: Work, trash_id: int, names: Mapping[str, str] | None = None) -> Restored:
    """Undo an act of deleting: all of it or nothing. Safe to repeat.

    Args:
        names: new names for tags, the repository (`project/rest`) or the project, by the old ones. A tag with the new
            name "" stays away.

    Raises:
        TrashUnknown: it was restored, its time is over, or it was purged.
        RestoreBlocked: it belongs to something that is in the trash itself, or a tag does; the detail names that act.
        RestoreTaken: a name was taken since; the detail offers names that are free.
        RestoreNameInvalid: a new name cannot be one, or is for nothing that comes back.
        ProjectFull: the project may not hold so many repositories or tags.
    """
    wanted = names or {}
    project_id = work.db.execute(_FIND, {"trash": trash_id}).scalar()
    if project_id is None:
        raise TrashUnknown(id=trash_id)
    close_gate(work, project_id)
    act = work.db.execute(_ACT, {"trash": trash_id}).one_or_none()
    if act is None:
        raise TrashUnknown(id=trash_id)
    project = work.db.execute(_PROJECT, {"project": project_id}).one()
    if act.kind != "project" and project.trash_id is not None:
        raise RestoreBlocked(first=project.trash_id)
    done = _BY_KIND[act.kind](work, act, project.name, wanted)
    failpoints.point("restore.written")
    charge_states.settle(work, project_id)
    work.db.execute(_FORGET_TAGS, {"trash": trash_id})
    work.db.execute(_FORGET, {"trash": trash_id})
    renamed = {old: new for old, new in done.names.items() if old != new}
    work.emit(TrashRestored(act.project_id, act.kind, act.label, trash_id, renamed))
    failpoints.point("restore.recorded")
    return done


# -- tags and artifacts -----------------------------------------------------------------------------------


def _restore_tag(work: Work, act: Any, _project: str, names: Mapping[str, str]) -> Restored:  # noqa: ANN401 - a row
    home = _live_home(work, act)
    tags = _plan_tags(work, act, names)
    found = _find_named(work, act, tags)
    return _point(work, act, home, tags, found)


def _restore_artifact(work: Work, act: Any, _project: str, names: Mapping[str, str]) -> Restored:  # noqa: ANN401 - a row
    home = _live_home(work, act)
    tags = _plan_tags(work, act, names)
    where = {"trash": act.id}
    while work.db.execute(_TAKE_CHILDREN, where).rowcount:
        pass
    work.db.execute(_SET_CHILD, where)
    listed = work.db.execute(_ENTER, where).scalar_one()
    listed -= sum(not (row.tagged or row.accessory) for row in work.db.execute(_MARK_CHILDREN, where).all())
    _unhide(work, act.repository_id, _OF_ACT, where)
    charge_states.from_trash(work, act.project_id, trash_id=act.id)
    count = work.db.execute(_BACK, where).rowcount
    count_artifacts(work, act.repository_id, listed)
    # Not all of them come back with this act: what was pushed again meanwhile may have been deleted again.
    return _point(work, act, home, tags, _find_named(work, act, tags), artifacts=count)


def _live_home(work: Work, act: Any) -> Any:  # noqa: ANN401 - rows
    """The repository that it was in.

    Raises:
        RestoreBlocked: it is in the trash.
    """
    home = work.db.execute(_REPOSITORY, {"repository": act.repository_id}).one()
    if home.trash_id is not None:
        raise RestoreBlocked(first=home.trash_id)
    return home


def _plan_tags(work: Work, act: Any, names: Mapping[str, str]) -> dict[str, tuple[str, bytes]]:  # noqa: ANN401 - a row
    """Which tags are to be pointed again, by their new names: the old name and the digest.

    Raises:
        RestoreTaken, RestoreNameInvalid: as `restore`.
    """
    rows = work.db.execute(_TAGS, {"trash": act.id}).all()
    _require_known(names, [row.name for row in rows])
    wanted = {row.name: names.get(row.name, row.name) for row in rows}
    for new in wanted.values():
        if new != LEAVE_OUT:
            _parsed(parse_tag, new)
    kept = [(row.name, wanted[row.name], bytes(row.digest)) for row in rows if wanted[row.name] != LEAVE_OUT]
    asked = [new for _, new, _ in kept]

    def taken(some: Iterable[str]) -> set[str]:
        values = {"repository": act.repository_id, "names": list(some)}
        return set(work.db.execute(_TAKEN_TAGS, values).scalars()) if values["names"] else set()

    held = taken(asked) | {new for new in asked if asked.count(new) > 1}
    if held:
        offer = {old: _offer(new, lambda one: bool(taken([one])) or one in asked, 128) for old, new, _ in kept
                 if new in held}  # fmt: skip
        raise RestoreTaken(taken=sorted(held), offer=offer)
    return {new: (old, digest) for old, new, digest in kept}


def _find_named(work: Work, act: Any, tags: Mapping[str, tuple[str, bytes]]) -> dict[bytes, tuple[int, int | None]]:  # noqa: ANN401 - a row
    """The live artifacts that tags are to point to, as `_find_artifacts`.

    Raises:
        TrashUnknown, RestoreBlocked: one of them was purged, or is in the trash by another act.
    """
    found = _find_artifacts(work, act.repository_id, {digest for _, digest in tags.values()})
    for _, digest in tags.values():
        artifact, trash = found.get(digest, (0, None))
        if not artifact:
            raise TrashUnknown("The artifact that a tag named was purged.", id=act.id)
        if trash is not None:
            raise RestoreBlocked("The artifact that a tag named is in the trash by another act.", first=trash)
    return found


def _unhide(work: Work, repository_id: int, scope: Any, values: Mapping[str, object]) -> None:  # noqa: ANN401 - a select
    """Show the blobs again that were deleted while only what comes back now needed them."""
    needed = select(ArtifactBlob.blob_id).where(ArtifactBlob.artifact_id.in_(scope))
    work.db.execute(_UNHIDE.where(RepositoryBlob.blob_id.in_(needed)), {**values, "repository": repository_id})


def _find_artifacts(work: Work, repository_id: int, digests: set[bytes]) -> dict[bytes, tuple[int, int | None]]:
    """By digest, the id and the act that it is in the trash by."""
    if not digests:
        return {}
    rows = work.db.execute(_ARTIFACTS, {"repository": repository_id, "digests": sorted(digests)})
    return {bytes(row.digest): (row.id, row.trash_id) for row in rows}


def _point(
    work: Work,
    act: Any,  # noqa: ANN401 - a row
    home: Any,  # noqa: ANN401 - a row
    tags: Mapping[str, tuple[str, bytes]],
    found: Mapping[bytes, tuple[int, int | None]],
    *,
    artifacts: int = 0,
) -> Restored:
    for name, (_, digest) in sorted(tags.items()):
        add_tag(work, home.id, name, found[digest][0], Digest.from_binary(digest))
    limits.count_tags(work, act.project_id, len(tags))
    return Restored(act.kind, act.label, act.project_id, {old: new for new, (old, _) in tags.items()}, artifacts)


# -- repositories and projects ----------------------------------------------------------------------------


def _restore_repository(work: Work, act: Any, project: str, names: Mapping[str, str]) -> Restored:  # noqa: ANN401 - a row
    row = work.db.execute(_REPOSITORY, {"repository": act.repository_id}).one()
    _require_known(names, [row.path])
    path = names.get(row.path, row.path)
    if _parsed(parse_repository, path).project != project:
        raise RestoreNameInvalid("A repository stays in its project.", name=path[:255], project=project)

    def taken(one: str) -> bool:
        return work.db.execute(_PATHS, {"path": one, "own": row.id}).first() is not None

    if taken(path):
        raise RestoreTaken(taken=[path], offer={row.path: _offer(path, taken, 255)})
    _unhide(work, row.id, _OF_REPOSITORY, {"repository": row.id})
    charge_states.from_trash(work, act.project_id, repository_id=row.id)
    work.db.execute(_REPOSITORY_BACK, {"repository": row.id, "new_path": path, "now": work.now})
    if row.artifact_count > 0:
        work.db.execute(_ONE_MORE, {"project": act.project_id})
        limits.require_repositories(work, act.project_id)
    limits.count_repository(work, act.project_id, act.repository_id, 1)
    return Restored(act.kind, act.label, act.project_id, {row.path: path}, row.artifact_count)


def _restore_project(work: Work, act: Any, project: str, names: Mapping[str, str]) -> Restored:  # noqa: ANN401 - a row
    _require_known(names, [project])
    name = _parsed(parse_project_name, names.get(project, project))

    def taken(one: str) -> bool:
        return work.db.execute(_NAMES, {"name": one}).first() is not None

    if taken(name):
        raise RestoreTaken(taken=[name], offer={project: _offer(name, taken, 255)})
    values = {"project": act.project_id, "new_name": name, "now": work.now, "trash": act.id}
    try:
        with work.db.begin_nested():
            work.db.execute(_PROJECT_BACK, values)
    except IntegrityError as error:  # somebody made it between the look and the update: no gate holds for a name
        raise RestoreTaken(taken=[name], offer={project: _offer(name, taken, 255)}) from error
    if name != project:
        longest = work.db.execute(_LONGEST, values).scalar() or 0
        if longest - len(project) + len(name) > MAX_REPOSITORY_BYTES:
            raise RestoreNameInvalid("With this name, a repository's would be too long.", name=name)
        # `project/rest`: the slash and what is behind it stay.
        work.db.execute(_MOVE_PATHS, {**values, "rest": len(project) + 1})
        work.db.execute(_MOVE_LABELS, {**values, "rest": len(project) + 1})
    work.db.execute(_REPOSITORIES_BACK, values)
    return Restored(act.kind, act.label, act.project_id, {project: name})


_BY_KIND: dict[str, Callable[[Work, Any, str, Mapping[str, str]], Restored]] = {
    "tag": _restore_tag,
    "artifact": _restore_artifact,
    "repository": _restore_repository,
    "project": _restore_project,
}


# -- names ------------------------------------------------------------------------------------------------


def _require_known(names: Mapping[str, str], old: list[str]) -> None:
    unknown = sorted(names.keys() - set(old))
    if unknown:
        raise RestoreNameInvalid("A new name is given to what does not come back.", name=unknown[0][:255], names=old)


def _parsed(parse: Callable[[str], Any], name: str) -> Any:  # noqa: ANN401 - whatever the name is parsed to
    try:
        return parse(name)
    except (NameInvalid, TagInvalid) as problem:
        raise RestoreNameInvalid(str(problem), name=name[:255]) from problem


def _offer(name: str, taken: Callable[[str], bool], longest: int) -> str:
    """A name like this one that is free."""
    for number in range(1, 100):
        ending = "-restored" if number == 1 else f"-restored-{number}"
        one = name[: longest - len(ending)].rstrip("._-/") + ending
        if not taken(one):
            return one
    return ""
