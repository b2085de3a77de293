"""Pages of repositories and of artifacts; a constant number of statements, however many rows.

A page is found over an index, from whichever end is nearer; then its rows are fetched. Totals without a filter are
counters. What hangs on the artifacts of a page (tags, labels, …) is in `attached.py`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    TextClause,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, String

from moorage.access.policy import Account
from moorage.access.tables import RoleBinding
from moorage.artifacts.service import REPOSITORY_COLUMNS, RepositoryRow, get_repository
from moorage.artifacts.tables import Artifact, ArtifactLabel, Description, Pull, Repository, Tag
from moorage.db.query import Clause, Field, Fields, Listing, Special
from moorage.db.work import Work
from moorage.errors import DigestInvalid
from moorage.identity.tables import GroupMember, RobotPermission
from moorage.oci.digest import Digest
from moorage.projects.tables import Project

NEWEST_FIRST = "-push_time"
_NEWEST_REPOSITORY_FIRST = "-creation_time"

Order = Callable[[Listing, str], tuple[list[Any], list[str]]]
T = TypeVar("T")


# -- a page from the nearer end ---------------------------------------------------------------------------


def find_page(
    work: Work,
    ids: Select[T],
    listing: Listing,
    *,
    order: Order,
    default: str,
    total: int,
    values: Mapping[str, object] | None = None,
    fixed: bool = False,
) -> tuple[list[T], list[str]]:
    """The ids of one page, and the sort keys that were ignored. One statement; none when the page is empty.

    Args:
        ids: selects the ids, or other unique values, of all rows that match.
        order: `Fields.order`.
        default: the order when none is asked for.
        total: how many rows match.
        values: of the parameters in `ids`.
        fixed: `ids` is one of few statements that last: what is made of it is kept.
    """
    count = min(listing.page_size, total - listing.offset)
    if count <= 0:
        return [], order(listing, default)[1]
    offset = listing.offset
    backwards = offset > total - offset - count
    if backwards:
        offset = total - offset - count
    make = _kept_page if fixed else _make_page
    statement, ignored = make(ids, order, listing.sort, default, backwards=backwards)
    rows = work.db.execute(statement, {**(values or {}), "size": count, "skip": offset}).scalars().all()
    return list(reversed(rows)) if backwards else list(rows), list(ignored)


def _make_page(
    ids: Select[Any], order: Order, sort: tuple[tuple[str, bool], ...], default: str, *, backwards: bool
) -> tuple[Select[Any], list[str]]:
    """The statement for a page from one of the ends, and the sort keys that are ignored."""
    if backwards:
        sort, default = _flip(sort), _flip_text(default)
    clauses, ignored = order(Listing(sort=sort), default)
    return ids.order_by(*clauses).limit(bindparam("size")).offset(bindparam("skip")), ignored


# Making a statement takes longer than running it. The keys of a sort are anybody's, so not all of them are kept.
_kept_page = lru_cache(256)(_make_page)


def _flip(sort: tuple[tuple[str, bool], ...]) -> tuple[tuple[str, bool], ...]:
    return tuple((key, not descends) for key, descends in sort)


def _flip_text(sort: str) -> str:
    return sort[1:] if sort.startswith("-") else f"-{sort}"


# -- repositories -----------------------------------------------------------------------------------------

_REPOSITORY_FIELDS = Fields(
    {
        "name": Field(Repository.path),
        "project_id": Field(Repository.project_id, kind="number"),
        "repository_id": Field(Repository.id, kind="number"),
        "description": Field(Repository.description),
        "artifact_count": Field(Repository.artifact_count, kind="number"),
        "pull_count": Field(Repository.pull_count, kind="number"),
        "creation_time": Field(Repository.created_at, kind="time"),
        "update_time": Field(Repository.updated_at, kind="time"),
    },
    key=Repository.id,
    aliases={"id": "repository_id"},
)
# In the words of the indexes, which SQLite compares by their form: `listed = 1` would not find them.
_LISTED = text("repository.trash_id IS NULL AND repository.listed")
_IDS = select(Repository.id).where(_LISTED)
_IDS_IN = _IDS.where(Repository.project_id == bindparam("project"))
_REPOSITORIES = select(*REPOSITORY_COLUMNS).where(Repository.id.in_(bindparam("ids", expanding=True)))
_COUNT_IN = select(Project.repository_count).where(Project.id == bindparam("project"))
_COUNT_ALL = select(func.sum(Project.repository_count)).where(Project.trash_id.is_(None))
_CALLER = bindparam("caller", type_=RoleBinding.principal_id.type)

Who = Literal["all", "anonymous", "robot", "user"]


def list_repositories(
    work: Work, account: Account | None, listing: Listing, *, project_id: int | None = None
) -> tuple[list[RepositoryRow], int, list[str]]:
    """A page of the repositories that hold artifacts, the newest first; how many there are; what was ignored.

    Args:
        account: without a project: who asks (None: anonymous); they see those of projects that they can list.
        project_id: those of one project, which the caller may list.

    Cost: three statements.
    """
    conditions, ignored = _REPOSITORY_FIELDS.where(listing)
    values: dict[str, object]
    if project_id is not None:
        counting, matching, values = _COUNT_IN, _IDS_IN, {"project": project_id}
    else:
        counting, matching = _of_projects(_who(account))
        values = {"caller": account.principal_id if account else 0}
    if conditions:
        matching = matching.where(*conditions)
        counting = select(func.count()).select_from(matching.subquery())
    total = work.db.scalar(counting, values) or 0
    ids, more = find_page(
        work,
        matching,
        listing,
        order=_REPOSITORY_FIELDS.order,
        default=_NEWEST_REPOSITORY_FIRST,
        total=total,
        values=values,
        fixed=not conditions,
    )
    found = {row[0]: RepositoryRow(*row) for row in work.db.execute(_REPOSITORIES, {"ids": ids})} if ids else {}
    return [found[one] for one in ids if one in found], total, ignored + more


def _who(account: Account | None) -> Who:
    if account is None:
        return "anonymous"
    if account.admin:
        return "all"
    return "robot" if account.kind == "robot" else "user"


@cache
def _of_projects(who: Who) -> tuple[Select[Any], Select[Any]]:
    """The statement that counts the repositories somebody may list, and the one that finds their ids."""
    if who == "all":
        return _COUNT_ALL, _IDS
    readable = _readable_projects(who)
    return _COUNT_ALL.where(Project.id.in_(readable)), _IDS.where(Repository.project_id.in_(readable))


def _readable_projects(who: Who) -> Any:  # noqa: ANN401 - what SQL's IN takes
    """Ids of the live projects whose repositories the principal `:caller` may list; each part has an index."""
    public = select(Project.id).where(Project.trash_id.is_(None), Project.public)
    if who == "anonymous":
        return public
    if who == "robot":
        allowed = select(RobotPermission.project_id).where(
            RobotPermission.robot_id == _CALLER,
            RobotPermission.resource == "repository",
            RobotPermission.action == "list",
        )
        everywhere = exists(allowed.where(RobotPermission.scope == "all"))
        return select(Project.id).where(
            Project.trash_id.is_(None),
            or_(Project.public, Project.id.in_(allowed.where(RobotPermission.scope == "project")), everywhere),
        )
    own = select(RoleBinding.project_id).where(RoleBinding.principal_id == _CALLER)
    groups = (
        select(RoleBinding.project_id)
        .join(GroupMember, GroupMember.group_id == RoleBinding.group_id)
        .where(GroupMember.principal_id == _CALLER)
    )
    return union_all(public, own, groups)


# -- artifacts --------------------------------------------------------------------------------------------


class ArtifactRow(msgspec.Struct, frozen=True):
    """A live artifact as its list shows it. `attributes`: None: its config was not read yet."""

    id: int
    repository_id: int
    project_id: int
    repository: str
    digest: bytes
    media_type: str
    artifact_type: str
    config_media_type: str
    config_digest: bytes | None
    kind: str
    size_bytes: int
    annotations: dict[str, str] | None
    pushed_at: datetime
    pulled_at: datetime | None
    attributes: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class ArtifactPage:
    """A page of artifacts in their order. `ignored`: keys of `q` and `sort` that are not known."""

    rows: list[ArtifactRow]
    total: int
    ignored: list[str]


class _has_part(FunctionElement[bool]):  # noqa: N801 - reads as a SQL function
    """Whether a text holds another, with regard to case."""

    type = Boolean()
    inherit_cache = True


@compiles(_has_part, "sqlite")
def _sqlite_has_part(element: _has_part, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    return f"(instr({compiler.process(element.clauses, **kw)}) > 0)"


@compiles(_has_part, "postgresql")
def _postgresql_has_part(element: _has_part, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - as above
    return f"(strpos({compiler.process(element.clauses, **kw)}) > 0)"


_REPOSITORY_PARAMETER: BindParameter[Any] = bindparam("repositories", expanding=True)


def _tags_condition(clause: Clause) -> ColumnElement[bool] | None:
    """`tags=*` tagged, `tags=nil` untagged, `tags=v1` and `tags={a b}` exactly, `tags=~v` a part, with its case."""
    if clause.shape == "exact" and clause.values[0] == "*":
        return Artifact.tagged.is_(True)
    if clause.shape == "exact" and clause.values[0] == "nil":
        return ~Artifact.tagged
    if clause.shape not in {"exact", "any", "fuzzy"}:
        raise clause.refuse("expected *, nil, a tag, ~ and a part of it, or {tags}")
    if clause.shape == "fuzzy":
        named: ColumnElement[bool] = _has_part(Tag.name, literal(clause.values[0], String()))
    else:
        named = Tag.name.in_(list(clause.values))
    # From the tags to the artifacts: one range of the tags' key, however many artifacts there are.
    return Artifact.id.in_(select(Tag.artifact_id).where(Tag.repository_id.in_(_REPOSITORY_PARAMETER), named))


_NUMBER = re.compile(r"[0-9]{1,18}\Z")


def labels_condition(clause: Clause) -> ColumnElement[bool] | None:
    """`labels=(1 2)`: those that carry all of them."""
    if clause.shape != "all" or not clause.values:
        raise clause.refuse("expected the ids of labels, as in labels=(1 2)")
    if not all(
        value.isascii() and value.isdigit() and int(value) < 2**63 for value in clause.values if len(value) < 30
    ):
        raise clause.refuse("the id of a label is a whole number")
    wanted = [int(value) if len(value) < 20 else 0 for value in clause.values]
    return and_(
        *(Artifact.id.in_(select(ArtifactLabel.artifact_id).where(ArtifactLabel.label_id == one)) for one in wanted)
    )


def digest_condition(clause: Clause) -> ColumnElement[bool] | None:
    """`digest=sha256:…` and `digest={a b}`: whole digests."""
    if clause.shape not in {"exact", "any"}:
        raise clause.refuse("expected a whole digest")
    try:
        return Artifact.digest.in_([Digest.parse(value).binary for value in clause.values])
    except DigestInvalid:
        raise clause.refuse("expected a digest such as sha256:…") from None


def _in_default_list(table: str) -> TextClause:
    """What the default list shows, in the words of its index, which SQLite compares by their form."""
    return text(f"{table}.trash_id IS NULL AND ({table}.tagged OR NOT {table}.child) AND NOT {table}.accessory")


_PULLED_AT = select(Pull.pulled_at).where(Pull.artifact_id == Artifact.id).scalar_subquery()
_ARTIFACT_FIELDS = Fields(
    {
        "id": Field(Artifact.id, kind="number"),
        "digest": Special(digest_condition),
        "type": Field(Artifact.kind),
        "media_type": Field(Artifact.config_media_type),
        "manifest_media_type": Field(Artifact.media_type),
        "artifact_type": Field(Artifact.artifact_type),
        "repository_id": Field(Artifact.repository_id, kind="number"),
        "size": Field(Artifact.size_bytes, kind="number"),
        "push_time": Field(Artifact.pushed_at, kind="time"),
        "pull_time": Field(_PULLED_AT, kind="time"),
        "tags": Special(_tags_condition),
        "labels": Special(labels_condition),
        "base": Special(lambda _clause: None),
    },
    key=Artifact.id,
)
_DEFAULT = _in_default_list("artifact")
_WITH_CHILDREN = and_(Artifact.trash_id.is_(None), ~Artifact.accessory)
_HERE = Artifact.repository_id == bindparam("repository")
_DEFAULT_IDS = select(Artifact.id).where(_HERE, _DEFAULT)
_ROWS = (
    select(
        Artifact.id,
        Artifact.repository_id,
        Repository.project_id,
        Repository.path,
        Artifact.digest,
        Artifact.media_type,
        Artifact.artifact_type,
        Artifact.config_media_type,
        Artifact.config_digest,
        Artifact.kind,
        Artifact.size_bytes,
        Artifact.annotations,
        Artifact.pushed_at,
        Pull.pulled_at,
        Description.attributes,
    )
    .join(Repository, Repository.id == Artifact.repository_id)
    .outerjoin(Pull, Pull.artifact_id == Artifact.id)
    .outerjoin(Description, Description.artifact_id == Artifact.id)
    .where(Artifact.id.in_(bindparam("ids", expanding=True)))
)
_REPOSITORY_IDS = select(Repository.id, Repository.artifact_count).where(
    Repository.project_id == bindparam("project"), _LISTED
)
_NEW = Artifact.__table__.alias("newest")
_NEWEST = (
    select(_NEW.c.id)
    .where(
        _NEW.c.repository_id == Repository.id,
        _in_default_list("newest"),
    )
    .order_by(_NEW.c.pushed_at.desc(), _NEW.c.id.desc())
    .limit(1)
    .correlate(Repository)
    .scalar_subquery()
)  # fmt: skip


def list_artifacts(work: Work, project_id: int, path: str, listing: Listing) -> ArtifactPage:
    """A page of a repository's artifacts, the newest first: those that are tagged, or no child of an index.

    Accessories are listed with what they refer to. `q` may ask for more (`base=*`) or less.

    Raises:
        RepositoryUnknown: there is none.

    Cost: three statements, with a filter four.
    """
    repository = get_repository(work, project_id, path)
    conditions, ignored = _ARTIFACT_FIELDS.where(listing)
    here: dict[str, object] = {"repository": repository.id, "repositories": [repository.id]}
    base = _has_base(listing)
    if conditions or base:
        ids = select(Artifact.id).where(_HERE, _WITH_CHILDREN if base else _DEFAULT, *conditions)
        total = work.db.scalar(select(func.count()).select_from(ids.subquery()), here) or 0
    else:
        ids, total = _DEFAULT_IDS, repository.artifact_count
    return _page(work, ids, listing, total=total, values=here, ignored=ignored)


def list_project_artifacts(work: Work, project_id: int, listing: Listing, *, latest: bool = False) -> ArtifactPage:
    """A page of the artifacts of all repositories of a project.

    Args:
        latest: only the newest one of each repository.

    Cost: three statements, with a filter four; it sorts all artifacts of the project.
    """
    conditions, ignored = _ARTIFACT_FIELDS.where(listing)
    repositories = work.db.execute(_REPOSITORY_IDS, {"project": project_id}).all()
    here: dict[str, object] = {"repositories": [row.id for row in repositories]}
    base = _has_base(listing)
    in_project = select(Repository.id).where(Repository.project_id == project_id, _LISTED)
    ids = select(Artifact.id).where(
        Artifact.repository_id.in_(in_project), _WITH_CHILDREN if base else _DEFAULT, *conditions
    )
    if latest:
        ids = ids.where(Artifact.id.in_(select(_NEWEST).where(Repository.project_id == project_id, _LISTED)))
    if conditions or base or latest:
        total = work.db.scalar(select(func.count()).select_from(ids.subquery()), here) or 0
    else:
        total = sum(row.artifact_count for row in repositories)
    return _page(work, ids, listing, total=total, values=here, ignored=ignored)


def get_artifact_row(work: Work, artifact_id: int) -> ArtifactRow:
    """One artifact that was just found. One statement."""
    return get_artifact_rows(work, [artifact_id])[0]


def get_artifact_rows(work: Work, ids: Sequence[int]) -> list[ArtifactRow]:
    """Artifacts that were just found, in this order. One statement; none for no ids."""
    if not ids:
        return []
    found = {row[0]: ArtifactRow(*tuple(row)) for row in work.db.execute(_ROWS, {"ids": list(ids)})}
    return [found[one] for one in ids if one in found]


def _has_base(listing: Listing) -> bool:
    return any(clause.key == "base" and clause.values == ("*",) for clause in listing.clauses)


def _page(
    work: Work, ids: Select[Any], listing: Listing, *, total: int, values: dict[str, object], ignored: list[str]
) -> ArtifactPage:
    found, more = find_page(
        work, ids, listing, order=_ARTIFACT_FIELDS.order, default=NEWEST_FIRST, total=total, values=values,
        fixed=ids is _DEFAULT_IDS,
    )  # fmt: skip
    return ArtifactPage(get_artifact_rows(work, found), total, ignored + more)
