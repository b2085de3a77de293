"""Pages of artifacts; a constant number of statements, however many rows.

A page is found over an index, from whichever end is nearer; then its rows are fetched. Totals without a filter are
counters. What hangs on the artifacts of a page (tags, labels, …) is in `attached.py`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    TextClause,
    and_,
    bindparam,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, String

from moorage.artifacts.service import get_repository
from moorage.db.compiled_statements import Prepared
from moorage.db.list_query import Clause, Field, Fields, Listing, Special, turn
from moorage.db.unit_of_work import Work
from moorage.errors import DigestInvalid
from moorage.oci.digest import Digest
from moorage.repositories.tables import Artifact, ArtifactLabel, Description, Pull, Repository, Tag

NEWEST_FIRST = "-push_time"
LISTED = text("repository.trash_id IS NULL AND repository.listed")
"""That a repository holds artifacts, in the words of the indexes, which SQLite compares by their form: `listed = 1`
would not find them."""

_EARLY = 100
"""Rows from an end of a list to which a page may reach that is fetched in one go."""

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
    skip, size, backwards = listing.window(total)
    if not size:
        return [], order(listing, default)[1]
    paged = {**(values or {}), "size": size, "skip": skip}
    if fixed:
        page, ignored = _kept_page(ids, order, listing.sort, default, backwards=backwards)
        found = [row[0] for row in page.rows(work, paged)]
    else:
        statement, ignored = _make_page(ids, order, listing.sort, default, backwards=backwards)
        found = list(work.db.execute(statement, paged).scalars())
    return found[::-1] if backwards else found, list(ignored)


def _order(
    order: Order, sort: tuple[tuple[str, bool], ...], default: str, *, backwards: bool
) -> tuple[list[Any], list[str]]:
    if backwards:
        sort, default = turn(sort, default)
    return order(Listing(sort=sort), default)


def _make_page(
    ids: Select[Any], order: Order, sort: tuple[tuple[str, bool], ...], default: str, *, backwards: bool
) -> tuple[Select[Any], list[str]]:
    """The statement for a page from one of the ends, and the sort keys that are ignored."""
    clauses, ignored = _order(order, sort, default, backwards=backwards)
    return _cut(ids.order_by(*clauses)), ignored


def _cut(statement: Any) -> Any:  # noqa: ANN401 - a select of whatever columns
    return statement.limit(bindparam("size")).offset(bindparam("skip"))


@lru_cache(256)  # making a statement takes longer than running it; the keys of a sort are anybody's
def _kept_page(
    ids: Select[Any], order: Order, sort: tuple[tuple[str, bool], ...], default: str, *, backwards: bool
) -> tuple[Prepared, list[str]]:
    statement, ignored = _make_page(ids, order, sort, default, backwards=backwards)
    return Prepared(statement), ignored


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


_PULLED_AT = select(Pull.pulled_at).where(Pull.artifact_id == Artifact.id).correlate(Artifact).scalar_subquery()
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
_ANY = (
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
)
_ROWS = Prepared(_ANY.where(Artifact.id.in_(bindparam("ids", expanding=True))))
_REPOSITORY_IDS = select(Repository.id, Repository.artifact_count).where(
    Repository.project_id == bindparam("project"), LISTED
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

    Cost: two statements, with a filter four.
    """
    repository = get_repository(work, project_id, path)
    conditions, ignored = _ARTIFACT_FIELDS.where(listing)
    base = _has_base(listing)
    if conditions or base:
        here: dict[str, object] = {"repository": repository.id, "repositories": [repository.id]}
        ids = select(Artifact.id).where(_HERE, _WITH_CHILDREN if base else _DEFAULT, *conditions)
        total = work.db.scalar(select(func.count()).select_from(ids.subquery()), here) or 0
        return _page(work, ids, listing, total=total, values=here, ignored=ignored)
    skip, size, backwards = listing.window(repository.artifact_count)
    page, more = _default_page(listing.sort, early=skip + size <= _EARLY, backwards=backwards)
    rows = page.rows(work, {"repository": repository.id, "size": size, "skip": skip}) if size else []
    found = [ArtifactRow(*row) for row in (rows[::-1] if backwards else rows)]
    return ArtifactPage(found, repository.artifact_count, ignored + more)


@lru_cache(256)  # as above
def _default_page(sort: tuple[tuple[str, bool], ...], *, early: bool, backwards: bool) -> tuple[Prepared, list[str]]:
    """The statement of a page of the default list, and the sort keys that are ignored.

    Unless it is an early one, it finds its ids first, so that nothing is joined to the rows before them.
    """
    order, ignored = _order(_ARTIFACT_FIELDS.order, sort, NEWEST_FIRST, backwards=backwards)
    if early:
        return Prepared(_cut(_ANY.where(_HERE, _DEFAULT).order_by(*order))), ignored
    ids = _cut(_DEFAULT_IDS.order_by(*order))
    return Prepared(_ANY.where(Artifact.id.in_(ids.correlate(None))).order_by(*order)), ignored


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
    in_project = select(Repository.id).where(Repository.project_id == project_id, LISTED)
    ids = select(Artifact.id).where(
        Artifact.repository_id.in_(in_project), _WITH_CHILDREN if base else _DEFAULT, *conditions
    )
    if latest:
        ids = ids.where(Artifact.id.in_(select(_NEWEST).where(Repository.project_id == project_id, LISTED)))
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
    found = {row[0]: ArtifactRow(*row) for row in _ROWS.rows(work, {"ids": ids})}
    return [found[one] for one in ids if one in found]


def _has_base(listing: Listing) -> bool:
    return any(clause.key == "base" and clause.values == ("*",) for clause in listing.clauses)


def _page(
    work: Work, ids: Select[Any], listing: Listing, *, total: int, values: dict[str, object], ignored: list[str]
) -> ArtifactPage:
    found, more = find_page(
        work, ids, listing, order=_ARTIFACT_FIELDS.order, default=NEWEST_FIRST, total=total, values=values
    )
    return ArtifactPage(get_artifact_rows(work, found), total, ignored + more)
