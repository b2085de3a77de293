"""Figures over everything, and search over what the caller may see."""

from functools import cache

import msgspec
from sqlalchemy import and_, bindparam, func, select

from moorage.access.policy import Account
from moorage.db.compiled_statements import Prepared
from moorage.db.list_query import holds_pattern, pattern_of
from moorage.db.trigrams import MIN_CHARACTERS, find_match, is_matched
from moorage.db.unit_of_work import Work
from moorage.projects.lists import (
    Audience,
    ListedProject,
    audience,
    search_visible_projects,
    seen_by,
    visible_project_ids,
)
from moorage.projects.tables import Project
from moorage.repositories.tables import Blob, Repository

MAX_FOUND = 100
"""Projects, and repositories, that one search shows; more are found by a longer word."""


class Figures(msgspec.Struct, frozen=True):
    """How many projects and repositories there are; `stored_bytes` counts each blob once."""

    public_projects: int
    private_projects: int
    public_repositories: int
    private_repositories: int
    stored_bytes: int


class FoundRepository(msgspec.Struct, frozen=True):
    """A repository that a search found."""

    project_id: int
    project_name: str
    project_public: bool
    path: str
    pull_count: int
    artifact_count: int


@cache
def _find_repositories(who: Audience, *, named: bool, indexed: bool, one_by_one: bool) -> Prepared:
    """Repositories with `:pattern` in their name; their ids are found over the index of the names or trigrams."""
    matching = select(Repository.id).where(Repository.trash_id.is_(None))
    if named:
        matching = matching.where(holds_pattern(Repository.path, bindparam("pattern", type_=Repository.path.type)))
    if indexed:
        matching = matching.where(is_matched("repository", Repository.id))
    if one_by_one:  # few: of each it is asked whether it may be seen, which takes the same time whatever else there is
        seen = select(Project.id).where(Project.id == Repository.project_id, *seen_by(who, one_by_one=True))
        matching = matching.where(seen.correlate(Repository).exists())
    else:
        matching = matching.where(Repository.project_id.in_(select(Project.id).where(*seen_by(who))))
    matching = matching.order_by(Repository.path).limit(bindparam("size"))
    return Prepared(
        select(
            Repository.project_id, Project.name, Project.public, Repository.path, Repository.pull_count,
            Repository.artifact_count,
        )
        .join(Project, Project.id == Repository.project_id)
        .where(Repository.id.in_(matching))
        .order_by(Repository.path)
    )  # fmt: skip


def count_everything(work: Work, account: Account) -> Figures:
    """The figures of what the account may see; an administrator also learns how much is stored.

    Cost: two statements. Projects keep the count of their repositories; blobs are summed one by one.
    """
    conditions = [Project.trash_id.is_(None)]
    visible = visible_project_ids(account)
    if visible is not None:
        conditions.append(Project.id.in_(visible))
    rows = work.db.execute(
        select(Project.public, func.count(), func.coalesce(func.sum(Project.repository_count), 0))
        .where(and_(*conditions))
        .group_by(Project.public)
    )
    projects, repositories = {True: 0, False: 0}, {True: 0, False: 0}
    for public, count, held in rows:
        projects[bool(public)], repositories[bool(public)] = count, int(held)
    stored = 0
    if account.admin:
        stored = int(work.db.scalar(select(func.sum(Blob.size_bytes)).where(Blob.state == "live")) or 0)
    return Figures(projects[True], projects[False], repositories[True], repositories[False], stored)


def search(work: Work, account: Account | None, word: str) -> tuple[list[ListedProject], list[FoundRepository]]:
    """Projects and repositories whose name holds `word`, whatever its case, of what the account may see.

    At most 100 of each, in the order of their names. Cost: two statements; on
    SQLite two more ask the indexes of trigrams.
    """
    projects = search_visible_projects(work, account, word, MAX_FOUND)
    values: dict[str, object] = {"caller": account.principal_id if account else 0, "size": MAX_FOUND}
    if word:
        values["pattern"] = pattern_of(word)
    match = find_match(work, "repository", word)
    if match is not None:
        values["match"] = match
    indexed = match is not None
    few = indexed or (work.db.dialect.name == "postgresql" and len(word) >= MIN_CHARACTERS)
    statement = _find_repositories(audience(account), named=bool(word), indexed=indexed, one_by_one=few)
    rows = statement.rows(work, values)
    return projects, [FoundRepository(*row) for row in rows]
