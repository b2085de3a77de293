"""Settings of a project: read, set and take away. What there is to set is in `metadata.py`."""

from collections.abc import Mapping

from sqlalchemy import select

from moorage.db.locks import close_gate
from moorage.db.unit_of_work import Work
from moorage.errors import MetadataExists, MetadataUnknown, ProjectUnknown
from moorage.events import ProjectChanged
from moorage.projects.metadata import (
    COLUMNS,
    DEFAULT_TRASH_DAYS,
    FILTER_KEYS,
    PUBLIC,
    READ_ONLY,
    RETENTION,
    TRASH_DAYS,
    require_filter,
)
from moorage.projects.service import change_project, get_project_by_id, set_public
from moorage.projects.tables import Project


def set_trash_days(work: Work, project_id: int, days: int) -> None:
    """For how many days what is deleted from a project from now on can be restored; 0: not at all.

    What is in the trash already stays as long as it was told.

    Raises:
        ProjectUnknown: there is none.
    """
    close_gate(work, project_id)
    project = get_project_by_id(work, project_id)
    if project.trash_days != days:
        change_project(work, project_id, by=0, trash_days=days)
        work.emit(ProjectChanged(project_id, project.name, {TRASH_DAYS: days}))


def set_metadata(work: Work, project_id: int, values: Mapping[str, str]) -> None:
    """Change settings of a project, `public` and `trash_days` among them; what is not named stays.

    Args:
        values: in the form that `metadata.parse_metadata` gives.

    Raises:
        ProjectUnknown: there is none.
        SelectorInvalid: with what the project has already, its filter of a proxy cache could not be read.
    """
    close_gate(work, project_id)
    project = get_project_by_id(work, project_id)
    rest = {key: value for key, value in values.items() if key not in COLUMNS}
    before = get_settings(work, project_id)
    changes: dict[str, object] = {key: value for key, value in rest.items() if before.get(key) != value}
    if changes:
        if not FILTER_KEYS.isdisjoint(changes):
            require_filter({**before, **rest})
        change_project(work, project_id, by=0, settings={**before, **rest})
        work.emit(ProjectChanged(project_id, project.name, changes))
    if PUBLIC in values:
        set_public(work, project_id, public=values[PUBLIC] == "true")
    if TRASH_DAYS in values:
        set_trash_days(work, project_id, int(values[TRASH_DAYS]))


def add_metadata(work: Work, project_id: int, key: str, value: str) -> None:
    """Give a project a setting that it does not have yet.

    Raises:
        ProjectUnknown: there is none.
        MetadataExists: it has it.
        SelectorInvalid: as `set_metadata`.
    """
    close_gate(work, project_id)
    if key in COLUMNS or key in get_settings(work, project_id):
        raise MetadataExists(name=key)
    set_metadata(work, project_id, {key: value})


def delete_metadata(work: Work, project_id: int, key: str) -> None:
    """Take a setting away: the project has the default again. Without `public` it is private.

    Raises:
        ProjectUnknown: there is none.
        MetadataUnknown: it does not have it.
        SelectorInvalid: as `set_metadata`.
    """
    close_gate(work, project_id)
    project = get_project_by_id(work, project_id)
    if key == PUBLIC:
        set_public(work, project_id, public=False)
        return
    if key == TRASH_DAYS:
        set_trash_days(work, project_id, DEFAULT_TRASH_DAYS)
        return
    if key in READ_ONLY:
        raise MetadataUnknown(name=key)
    before = get_settings(work, project_id)
    if key not in before:
        raise MetadataUnknown(name=key[:64])
    left = {name: value for name, value in before.items() if name != key}
    if key in FILTER_KEYS:
        require_filter(left)
    change_project(work, project_id, by=0, settings=left)
    work.emit(ProjectChanged(project_id, project.name, {key: None}))


def note_retention(work: Work, project_id: int, policy_id: int | None) -> None:
    """Show the id of the project's retention policy among its settings, as the contract has it; None: it has none.

    Raises:
        ProjectUnknown: there is none.
    """
    close_gate(work, project_id)
    kept = {key: value for key, value in get_settings(work, project_id).items() if key != RETENTION}
    if policy_id is not None:
        kept[RETENTION] = str(policy_id)
    change_project(work, project_id, by=0, settings=kept)


def get_settings(work: Work, project_id: int) -> dict[str, str]:
    """The settings of a live project but `public` and `trash_days`.

    Raises:
        ProjectUnknown: there is none.
    """
    found = work.db.scalar(select(Project.settings).where(Project.id == project_id, Project.trash_id.is_(None)))
    if found is None:
        raise ProjectUnknown(id=project_id)
    return {key: str(value) for key, value in found.items()}
