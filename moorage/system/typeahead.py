"""Find projects, repositories, tags and digests that the caller may see, by a few letters.

Names of projects and repositories are found by any part of them, those where a part between slashes is or begins so
first. Tags are found by how they begin, one in each repository; digests by how they begin, at least four digits. Where
a registry holds more than 20,000 repositories that the caller may see, tags are looked for in the newest ones, unless
the repository is named too.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal, NamedTuple

import msgspec

from moorage.access.policy import Account
from moorage.db.base import from_micros
from moorage.db.hand_written_sql import Call, call, each
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.oci.digest import Digest
from moorage.projects.lists import Audience, audience

MAX_CHARACTERS = 512
MAX_FOUND = 100
MAX_PAGE = 10_000
MIN_DIGITS = 4
"""Digits of a digest from which on it is looked for."""
_BARE_DIGITS = 7
"""The same without `sha256:` before them."""
_MAX_REPOSITORIES = 20_000

_DIGEST = re.compile(r"(sha256|sha512):([0-9a-f]{4,128})", re.IGNORECASE)
_HEX = re.compile(rf"[0-9a-f]{{{_BARE_DIGITS},64}}", re.IGNORECASE)
_TAG_START = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_AFTER_EVERY_TAG = "\x7f"


class FoundProject(msgspec.Struct, frozen=True):
    """A project."""

    id: int
    name: str
    public: bool


class FoundPath(msgspec.Struct, frozen=True):
    """A repository, by its whole name."""

    project_id: int
    path: str


class FoundTag(msgspec.Struct, frozen=True):
    """A tag, and where it points."""

    project_id: int
    path: str
    name: str
    digest: str
    pushed_at: datetime


class FoundDigest(msgspec.Struct, frozen=True):
    """An artifact. `tag`: the first of its tags, None: it has none."""

    project_id: int
    path: str
    digest: str
    kind: str
    tag: str | None
    pushed_at: datetime


Kind = Literal["projects", "repositories", "tags", "artifacts"]


@dataclass(frozen=True, slots=True)
class Findings:
    """Of each kind so many as were asked for, the best first.

    Attributes:
        totals: of each kind how many there are in all; None: nobody asked.
    """

    projects: list[FoundProject]
    repositories: list[FoundPath]
    tags: list[FoundTag]
    artifacts: list[FoundDigest]
    totals: dict[Kind, int] | None = None


class Pages(msgspec.Struct, frozen=True):
    """Which of the things found are wanted.

    Attributes:
        size: how many of each kind, 1 to 100.
        number: from 1 on.
        of: only of this kind; None: of each.
        counted: with how many there are.
    """

    size: int
    number: int = 1
    of: Kind | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody typed.

    Attributes:
        name: a part of the name of a project or repository, in lower case.
        tag: how a tag begins, as it was typed; None: it cannot be one.
        digests: the least binary digest that begins so, and the first one after them; None: no digest.
        plain: a word, which may be each of them.
    """

    name: str
    tag: str | None = None
    digests: tuple[bytes, bytes] | None = None
    plain: bool = False


def read_query(text: str, host: str) -> Asked:
    """Understand what was typed: a word, `NAME:TAG`, `NAME@DIGEST`, a digest, or a whole pull reference.

    Args:
        text: as typed.
        host: of this server, with its port: it may stand before a name.
    """
    text = _SCHEME.sub("", text.strip(), count=1).replace("\0", "")
    first, slash, rest = text.partition("/")
    if slash and (first.lower() == host.lower() or ":" in first):
        text = rest
    name, _, digest = text.rpartition("@")
    found = _DIGEST.fullmatch(digest)
    if found is not None:
        folder, slash, last = name.rpartition("/")
        path = (folder + slash + last.partition(":")[0]).lower()
        return Asked(path, digests=_between(found[1].lower(), found[2].lower()))
    folder, slash, last = text.partition("@")[0].rpartition("/")
    word, colon, tag = last.partition(":")
    path = folder + slash + word
    if colon:
        return Asked(path.lower(), tag if not tag or _TAG_START.fullmatch(tag) else None)
    digests = _between("sha256", path.lower()) if _HEX.fullmatch(path) else None
    return Asked(path.lower(), path if _TAG_START.fullmatch(path) else None, digests, plain=True)


def _between(algorithm: str, digits: str) -> tuple[bytes, bytes] | None:
    """The binary digests that begin with these digits: from the first one, up to another that is not of them."""
    length = {"sha256": 64, "sha512": 128}[algorithm]
    if len(digits) > length:
        return None
    low = Digest(f"{algorithm}:{digits.ljust(length, '0')}").binary
    high = Digest(f"{algorithm}:{digits.ljust(length, 'f')}").binary
    return low, high + b"\0"


def find(work: Work, account: Account | None, asked: Asked, pages: Pages) -> Findings:
    """What `account` (None: anonymous) may see of what was asked for, a page of each kind.

    Robots see what their permissions say: repositories with `repository:list`, tags with `tag:list`, artifacts with
    `artifact:read`; everybody what is public.

    Cost: at most four statements, eight where it counts, on PostgreSQL in one round trip. Names take time in the
    number of repositories, tags a look-up for each that may be seen, digests none of both.
    """
    who = audience(account)
    caller = account.principal_id if account is not None else 0
    wanted: dict[Kind, tuple[_Found, tuple[object, ...]]] = {}
    if asked.plain and asked.name:
        wanted["projects"] = _projects(who), (asked.name,)
        wanted["repositories"] = _repositories(who), (asked.name, f"/{asked.name}")
    if asked.tag is not None and (asked.tag or asked.name):
        named = bool(asked.name) and not asked.plain
        names = (asked.name, f"/{asked.name}") if named else ()
        wanted["tags"] = _tags(who, named=named), (asked.tag, asked.tag + _AFTER_EVERY_TAG, *names)
    if asked.digests is not None:
        wanted["artifacts"] = _artifacts(who), (*asked.digests, "" if asked.plain else asked.name)
    calls: dict[tuple[str, bool], Call] = {}
    for kind, (query, args) in wanted.items():
        if pages.of in {None, kind}:
            calls[kind, False] = call(query.rows, caller, pages.size, *args, (pages.number - 1) * pages.size)
        if pages.counted:
            calls[kind, True] = call(query.total, caller, *args)
    found = dict(zip(calls, each(work, list(calls.values())), strict=True))
    kinds: tuple[Kind, ...] = ("projects", "repositories", "tags", "artifacts")
    projects, repositories, tags, artifacts = (found.get((kind, False), []) for kind in kinds)
    return Findings(
        [FoundProject(row[0], row[1], bool(row[2])) for row in projects],
        [FoundPath(row[0], row[1]) for row in repositories],
        [FoundTag(row[0], row[1], row[2], _text(row[3]), _moment(row[4])) for row in tags],
        [FoundDigest(row[0], row[1], _text(row[2]), row[3], row[4], _moment(row[5])) for row in artifacts],
        {kind: found[kind, True][0][0] if (kind, True) in found else 0 for kind in kinds} if pages.counted else None,
    )


def _text(binary: object) -> str:
    return str(Digest.from_binary(bytes(binary)))  # type: ignore[call-overload]  # a column of bytes


def _moment(value: object) -> datetime:
    """A column of time as the driver gives it."""
    return value if isinstance(value, datetime) else from_micros(int(str(value)))


# -- the statements: $1 is the caller, $2 how many are wanted, the last how many come before them -----------


def _seen(who: Audience, resource: str, action: str) -> str:
    """That the caller may do this in the live project `p`."""
    if who == "all":
        return "p.trash_id IS NULL AND CAST($1 AS bigint) IS NOT NULL"
    if who == "public":
        return "p.trash_id IS NULL AND p.public AND CAST($1 AS bigint) IS NOT NULL"
    if who == "robot":
        wanted = f"x.resource = '{resource}' AND x.action = '{action}'" if resource else "x.scope <> 'system'"
        return f"""p.trash_id IS NULL AND (p.public OR EXISTS (SELECT 1 FROM robot_permission x
    WHERE x.robot_id = $1 AND (x.project_id = p.id OR x.scope = 'all') AND {wanted}))"""  # noqa: S608 - constants
    return """p.trash_id IS NULL AND (p.public OR p.id IN (
    SELECT b.project_id FROM role_binding b WHERE b.principal_id = $1
    UNION ALL SELECT b.project_id FROM group_member g JOIN role_binding b ON b.group_id = g.group_id
    WHERE g.principal_id = $1))"""


class _Found(NamedTuple):
    """A kind of things: a page of them, and how many there are: with the arguments of `rows` but $2 and the last."""

    rows: Query
    total: Query


def _made(rows: str, source: str) -> _Found:
    """`rows` and how many rows `source` has, of which they are some; `rows` has one more argument than that."""
    arguments = max(int(one) for one in re.findall(r"\$(\d+)", source))
    # The count has no $2: what comes after it moves up.
    count = re.sub(r"\$(\d+)", lambda one: one[0] if one[1] == "1" else f"${int(one[1]) - 1}", source)
    texts = f"{rows} LIMIT $2 OFFSET ${arguments + 1}", f"SELECT count(*) FROM ({count}) c"  # noqa: S608 - constants
    return _Found(*(Query(text, postgresql=text.replace("instr(", "strpos(")) for text in texts))


@cache
def _projects(who: Audience) -> _Found:
    """By a part ($3) of the name."""
    source = f"SELECT p.id, p.name, p.public FROM project p WHERE instr(p.name, $3) > 0 AND {_seen(who, '', '')}"  # noqa: S608
    return _made(
        f"{source} ORDER BY CASE WHEN p.name = $3 THEN 0 WHEN instr(p.name, $3) = 1 THEN 1 ELSE 2 END, p.name", source
    )


def _rank(name: str, part: str) -> str:
    """0: the name, or its last part, is this; 1: a part begins so; 2: it is somewhere. `part`: with a slash before."""
    last = f"substr(r.path, length(r.path) - length(CAST({part} AS text)) + 1)"
    return f"""CASE WHEN r.path = {name} OR {last} = {part} THEN 0
WHEN instr(r.path, {name}) = 1 OR instr(r.path, {part}) > 0 THEN 1 ELSE 2 END"""


@cache
def _repositories(who: Audience) -> _Found:
    """By a part ($3, $4 with a slash before) of the whole name."""
    rank = _rank("$3", "$4")
    source = f"""SELECT r.project_id, r.path, {rank} AS place FROM repository r JOIN project p ON p.id = r.project_id
WHERE r.trash_id IS NULL AND r.listed AND instr(r.path, $3) > 0 AND {_seen(who, "repository", "list")}"""  # noqa: S608
    return _made(f"{source} ORDER BY place, length(r.path), r.path", source)


@cache
def _tags(who: Audience, *, named: bool) -> _Found:
    """By how they begin ($3, before $4); `named`: in the best 50 repositories with a part ($5, $6) in the name.

    Of each repository the first one, in the order of names; of named ones all.
    """
    if named:
        source = f"""SELECT f.project_id, f.path, t.name, a.digest, t.pushed_at, f.place FROM (
    SELECT r.id, r.project_id, r.path, {_rank("$5", "$6")} AS place
    FROM repository r JOIN project p ON p.id = r.project_id
    WHERE r.trash_id IS NULL AND r.listed AND instr(r.path, $5) > 0 AND {_seen(who, "tag", "list")}
    ORDER BY place, length(r.path), r.path LIMIT 50) f
JOIN tag t ON t.repository_id = f.id AND t.name >= $3 AND t.name < $4
JOIN artifact a ON a.id = t.artifact_id"""  # noqa: S608 - put together from constants
        return _made(f"{source} ORDER BY f.place, length(f.path), f.path, t.name", source)
    source = f"""SELECT e.id, e.project_id, e.path, e.first FROM (
        SELECT r.id, r.project_id, r.path, (
            SELECT t.name FROM tag t WHERE t.repository_id = r.id AND t.name >= $3 AND t.name < $4
            ORDER BY t.name LIMIT 1) AS first
        FROM repository r JOIN project p ON p.id = r.project_id
        WHERE r.trash_id IS NULL AND r.listed AND {_seen(who, "tag", "list")}
        ORDER BY r.id DESC LIMIT {_MAX_REPOSITORIES}) e
    WHERE e.first IS NOT NULL"""  # noqa: S608 - put together from constants
    page, total = _made(f"{source} ORDER BY e.first, e.path", source)
    return _Found(_with_tags(page), total)


def _with_tags(page: Query) -> Query:
    """The first tags of a page of repositories, with where they point."""
    around = """SELECT f.project_id, f.path, t.name, a.digest, t.pushed_at FROM ({}) f
JOIN tag t ON t.repository_id = f.id AND t.name = f.first
JOIN artifact a ON a.id = t.artifact_id
ORDER BY t.name, f.path"""
    return Query("", sqlite=around.format(page.sqlite), postgresql=around.format(page.postgresql))


@cache
def _artifacts(who: Audience) -> _Found:
    """By digest, from $3 to before $4, in repositories with $5 in their name."""
    columns = """SELECT r.project_id, r.path, a.digest, a.kind,
    (SELECT t.name FROM tag t WHERE t.artifact_id = a.id ORDER BY t.name LIMIT 1), a.pushed_at"""
    source = f"""FROM artifact a JOIN repository r ON r.id = a.repository_id JOIN project p ON p.id = r.project_id
WHERE a.digest >= $3 AND a.digest < $4 AND a.trash_id IS NULL AND r.trash_id IS NULL
    AND (CAST($5 AS text) = '' OR instr(r.path, CAST($5 AS text)) > 0) AND {_seen(who, "artifact", "read")}"""
    return _made(f"{columns} {source} ORDER BY a.digest, r.path", f"SELECT a.id {source}")
