"""Fill a Moorage's database with projects, repositories, artifacts and an audit log, for the lists of the REST API.

Rows are written in bulk, past the API; ids, counters and flags are what the code that writes them would have left, and
everything is made from its number, so that two databases of one size hold the same. There are no blobs behind the
artifacts: a list never looks at one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import case, delete, func, insert, select

from moorage.access.policy import Role
from moorage.artifacts import kinds
from moorage.audit.row_counts import PART, PROJECT
from moorage.audit.tables import Audit, AuditCount, AuditMark, AuditPart, AuditSpan
from moorage.db.base import to_micros
from moorage.db.engine import Database
from moorage.db.seed import reserve_id
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.oci.versions import order_key
from moorage.projects import service as projects
from moorage.users import service as users
from moorage.users.passwords import hash_password
from tests.bench.store import CONFIG_TYPE, MANIFEST_TYPE, PASSWORD, USERNAME

LABELS = 20
MEMBERS = 5
"""Members of a project, the bench's own user not counted."""

PEOPLE = 200
_FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_ACTS = (("artifact", "pull"), ("artifact", "create"), ("artifact", "delete"), ("tag", "create"), ("project", "update"))
_BATCH = 50_000
_WORDS = ("api", "web", "worker", "cache", "proxy", "batch", "report", "search", "mail", "auth")


@dataclass(frozen=True)
class Size:
    """How much there is. Half of the artifacts are in one repository, `PROJECTS[0]/BIG`.

    Attributes:
        repositories: the large one included, evenly over the projects.
        audit: rows of the log: a tenth in the first project, a twentieth in none, the others everywhere.
    """

    projects: int = 1_000
    repositories: int = 10_000
    artifacts: int = 100_000
    audit: int = 1_000_000

    def part(self, share: int) -> "Size":
        """The same with `1 / share` of everything."""
        return Size(*(count // share for count in (self.projects, self.repositories, self.artifacts, self.audit)))

    def __str__(self) -> str:
        return f"{self.projects:,} projects, {self.artifacts:,} artifacts, {self.audit:,} audit rows"


BIG = "big"
"""The repository of the first project with half of all artifacts."""


def project_name(number: int) -> str:
    """The name of a project, counted from 0."""
    return f"team-{number:04}"


def recipe() -> str:
    """A hash of what decides how the tables and their rows look, to keep what was made by."""
    root = Path(__file__).resolve().parents[2]
    sources = [*sorted((root / "moorage/db/migrations/versions").glob("*.py")), Path(__file__)]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


def fill(url: str, size: Size) -> None:
    """Add everything to a database that is up to date and holds no project but `library`."""
    database = Database(url)
    try:
        database.run_here(SYSTEM, _fill, size)
        if database.kind == "postgresql":  # as autovacuum would; SQLite's optimizer gets no figures from the product
            with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
    finally:
        database.engine.dispose()


def _fill(work: Work, size: Size) -> None:
    if work.db.dialect.name == "sqlite":
        work.db.exec_driver_sql("PRAGMA cache_size=-200000")
    else:
        work.db.exec_driver_sql("SET LOCAL statement_timeout = 0")
    for table in (Audit, AuditCount, AuditPart, AuditSpan, AuditMark):  # what the first start wrote would be in the way
        work.db.execute(delete(table))
    first = _add_projects(work, size)
    _add_repositories(work, size, first)
    _add_artifacts(work, size)
    _add_audit(work, size, first)


def _add_projects(work: Work, size: Size) -> int:
    """Projects with members; the bench's user has a role in every second one, half of these by a group.

    Returns:
        the id of the first; the others follow.
    """
    user = users.create_user(work, USERNAME, password_hash=hash_password(PASSWORD))
    people = [users.create_user(work, f"person-{number:03}") for number in range(PEOPLE)]
    _write(
        work, "user_group", ("id", "kind", "name", "key", "created_at"), [(1, 2, "bench-group", "bench-group", _FIRST)]
    )
    _write(work, "group_member", ("principal_id", "group_id"), [(user, 1)])
    first = 0
    bindings: list[tuple[object, ...]] = []
    roles = list(Role)[2:]
    for number in range(size.projects):
        made = projects.create_project(work, project_name(number), public=number % 10 == 9)
        first = first or made.id
        if number % 4 == 0:
            bindings.append((made.id, user, None, int(Role.PROJECT_ADMIN), _FIRST))
        elif number % 4 == 2:
            bindings.append((made.id, None, 1, int(Role.MAINTAINER), _FIRST))
        bindings += [
            (made.id, people[(number * 7 + place * 31) % PEOPLE], None, int(roles[place % len(roles)]), _FIRST)
            for place in range(MEMBERS)
        ]
    _write(work, "role_binding", ("project_id", "principal_id", "group_id", "role", "created_at"), bindings)
    reserve_id(work.db, "user_group", 1)
    _write(
        work, "label", ("id", "project_id", "name", "color", "created_at", "updated_at"),
        [(1 + one, first if one % 2 else None, f"label-{one:02}", "#0065AB", _FIRST, _FIRST) for one in range(LABELS)],
    )  # fmt: skip
    reserve_id(work.db, "label", LABELS)
    return first


def _held(size: Size, repository: int) -> range:
    """The artifacts of a repository, counted from 0 over all repositories; the first one is the large one."""
    half = size.artifacts // 2
    if repository == 0:
        return range(half)
    others = size.repositories - 1
    rest = size.artifacts - half
    return range(half + rest * (repository - 1) // others, half + rest * repository // others)


def _add_repositories(work: Work, size: Size, first: int) -> None:
    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(size.repositories):
            owner = number % size.projects
            word = _WORDS[number // size.projects % len(_WORDS)]
            path = f"{project_name(owner)}/{BIG if number == 0 else f'{word}-{number:05}'}"
            made = _FIRST + timedelta(seconds=number)
            yield 1 + number, first + owner, path, len(_held(size, number)), number % 1000, made, made

    _write(
        work, "repository",
        ("id", "project_id", "path", "artifact_count", "pull_count", "created_at", "updated_at"), rows(),
    )  # fmt: skip
    reserve_id(work.db, "repository", size.repositories)
    work.db.exec_driver_sql(
        "UPDATE project SET repository_count = (SELECT count(*) FROM repository r WHERE r.project_id = project.id"
        " AND r.artifact_count > 0)"
    )


def _add_artifacts(work: Work, size: Size) -> None:
    """Artifacts with a tag each, every tenth with two more, every fifth with one or two labels, and what they say."""
    attributes = json.dumps(
        {
            "architecture": "amd64", "os": "linux", "author": "", "created": "2025-01-01T00:00:00Z",
            "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"], "Cmd": ["/bin/server"]},
        }
    )  # fmt: skip
    history = 0
    for repository in range(size.repositories):
        here = _held(size, repository)
        _buffer(work, "artifact", ((1 + one, *_artifact(repository, one)) for one in here))
        _buffer(work, "artifact_description", ((1 + one, attributes) for one in here))
        _buffer(work, "pull", ((1 + one, _at(one), one % 50) for one in here if one % 3))
        labels = ((one, place) for one in here if one % 5 == 0 for place in range(1 + one % 2))
        _buffer(work, "artifact_label", ((1 + one, 1 + (one // 5 + place * 7) % LABELS) for one, place in labels))
        for one in here:
            for place in range(3 if one % 10 == 0 else 1):
                history += 1
                name = f"v1.{one}" if place == 0 else f"v1.{one}-{place}"
                _buffer(work, "tag_history", ((history, 1 + repository, name, _digest(one), _at(one)),))
                _buffer(work, "tag", ((1 + repository, name, 1 + one, history, _at(one), order_key(name)),))
    for table in _COLUMNS:
        _flush(work, table)
    reserve_id(work.db, "artifact", size.artifacts)
    reserve_id(work.db, "tag_history", history)


def _artifact(repository: int, one: int) -> tuple[object, ...]:
    config = hashlib.sha256(b"config %d" % one).digest()
    return (
        1 + repository, _digest(one), MANIFEST_TYPE, CONFIG_TYPE, b"\1" + config, kinds.IMAGE, 10_000_000 + one, 1_000,
        True, _at(one),
    )  # fmt: skip


def _digest(one: int) -> bytes:
    return b"\1" + hashlib.sha256(b"artifact %d" % one).digest()


def _at(number: int) -> datetime:
    return _FIRST + timedelta(seconds=number)


def _add_audit(work: Work, size: Size, first: int) -> None:
    """The log, and the counts of it."""
    rows: dict[int, list[int]] = {}

    def entries() -> Iterator[tuple[object, ...]]:
        for one in range(size.audit):
            project = _project_of(one, size, first)
            kind, act = _ACTS[one * 7 % len(_ACTS)]
            ok = one % 50 != 0
            counted = rows.setdefault(project or 0, [0, 0])
            counted[0] += 1
            counted[1] += not ok
            resource = f"{project_name((project or first) - first)}/{_WORDS[one % 10]}-{one % 9973:05}:v1.{one % 997}"
            yield (
                1 + one, _FIRST + timedelta(seconds=one * 7), f"person-{one * 13 % PEOPLE:03}", "password",
                "192.0.2.7", f"{one:032x}", project, kind, resource, act, ok,
            )  # fmt: skip

    _write(
        work, "audit",
        ("id", "at", "principal_name", "credential", "address", "request_id", "project_id", "resource_type", "resource",
         "operation", "ok"),
        entries(),
    )  # fmt: skip
    reserve_id(work.db, "audit", size.audit)
    _write(work, "audit_count", ("project_id", "rows", "refused"), [(key, *row) for key, row in sorted(rows.items())])
    counted = (PART.label("part"), func.count(), func.sum(case((Audit.ok, 0), else_=1)))
    parts = select(PROJECT, *counted).group_by(PROJECT, PART)
    work.db.execute(insert(AuditPart).from_select(["project_id", "part", "rows", "refused"], parts))
    spans = select(*counted, func.min(Audit.at), func.max(Audit.at)).group_by(PART)
    work.db.execute(insert(AuditSpan).from_select(["part", "rows", "refused", "first_at", "last_at"], spans))
    _write(work, "audit_mark", ("id", "upto"), [(1, size.audit)])


def _project_of(one: int, size: Size, first: int) -> int | None:
    if one % 20 == 0:
        return None
    return first if one % 10 == 1 else first + one * 7919 % size.projects


# -- bulk -------------------------------------------------------------------------------------------------

_COLUMNS: Mapping[str, Sequence[str]] = {
    "artifact": (
        "id", "repository_id", "digest", "media_type", "config_media_type", "config_digest", "kind", "size_bytes",
        "manifest_bytes", "tagged", "pushed_at",
    ),
    "artifact_description": ("artifact_id", "attributes"),
    "pull": ("artifact_id", "pulled_at", "pulls"),
    "artifact_label": ("artifact_id", "label_id"),
    "tag_history": ("id", "repository_id", "name", "digest", "since"),
    "tag": ("repository_id", "name", "artifact_id", "history_id", "pushed_at", "version"),
}  # fmt: skip
"""In the order in which they refer to each other."""

_waiting: dict[str, list[tuple[object, ...]]] = {table: [] for table in _COLUMNS}


def _buffer(work: Work, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    waiting = _waiting[table]
    waiting += rows
    if len(waiting) >= _BATCH:
        for name in _COLUMNS:
            _flush(work, name)


def _flush(work: Work, table: str) -> None:
    rows, _waiting[table] = _waiting[table], []
    _write(work, table, _COLUMNS[table], rows)


def _write(work: Work, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """Write rows past SQLAlchemy, which would take most of the time; on PostgreSQL by COPY."""
    names = ", ".join(f'"{column}"' for column in columns)
    raw: Any = work.db.connection.dbapi_connection
    if work.db.dialect.name == "sqlite":
        places = ", ".join("?" * len(columns))
        stream = iter(rows)
        times = [at for at, column in enumerate(columns) if column in _TIMES]
        while batch := list(islice(stream, _BATCH)):
            statement = f'INSERT INTO "{table}" ({names}) VALUES ({places})'  # noqa: S608 - names of ours
            raw.executemany(statement, (_plain(row, times) for row in batch))
        return
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)


_TIMES = frozenset({"created_at", "updated_at", "pushed_at", "pulled_at", "since", "at"})


def _plain(row: tuple[object, ...], times: Sequence[int]) -> tuple[object, ...]:
    """The row as SQLite holds it: moments are microseconds."""
    if not times:
        return row
    plain = list(row)
    for at in times:
        moment = plain[at]
        if isinstance(moment, datetime):
            plain[at] = to_micros(moment)
    return tuple(plain)
