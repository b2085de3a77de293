"""Preview which repositories and tags a selector matches, while it is written.

The same matcher as the rules themselves use (`moorage.selectors`), over the same names: in a project a repository's
name is the one without its project, over the whole registry it is the whole one. What is there is read piece by piece,
each piece a look of its own, so that nobody waits for more than one of them; the caller stops when it was enough.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from moorage.db.hand_written_sql import call, each
from moorage.db.statements import Query, Row
from moorage.db.unit_of_work import Work
from moorage.errors import SelectorInvalid
from moorage.selectors import Selector, compile_selector

DECORATIONS = ("", "matches", "repoMatches", "excludes", "repoExcludes")
"""What a selector of a policy may say of itself; "" is `matches`."""

MAX_NAMES = 200_000
"""Repositories and tags that one question looks at."""
SECONDS = 3.0
"""How long one question takes: after that it tells what it has counted so far."""

_REPOSITORIES_AT_ONCE = 10_000
_TAGS_AT_ONCE = 10_000
_CHUNK = 512
"""Of so many repositories the tags are read together, unless they are more than `_TAGS_AT_ONCE`."""

_IN_PROJECT = Query(
    """SELECT id, path FROM repository
WHERE project_id = $1 AND path > $2 AND trash_id IS NULL AND listed ORDER BY path LIMIT $3"""
)
_EVERYWHERE = Query(
    """SELECT r.id, r.path FROM repository r JOIN project p ON p.id = r.project_id
WHERE r.path > $1 AND r.trash_id IS NULL AND r.listed AND p.trash_id IS NULL ORDER BY r.path LIMIT $2"""
)
_TAGS = Query(
    "",
    sqlite="SELECT repository_id, name FROM tag WHERE repository_id IN (SELECT value FROM json_each($1)) LIMIT $2",
    postgresql="""SELECT repository_id, name FROM tag
WHERE repository_id = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(CAST($1 AS text) AS jsonb))::bigint)) LIMIT $2""",
)
_TAGS_OF_ONE = Query(
    "SELECT repository_id, name FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A compiled selector, and whether it means what its pattern does not match."""

    selector: Selector
    excludes: bool

    def takes(self, name: str) -> bool:
        """Whether the selector means this name."""
        return self.selector.matches(name) is not self.excludes


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        project_id: None: over the whole registry, by whole names.
        repositories: None: all.
        tags: None: tags are not looked at.
        first: how many names the answer shows.
    """

    project_id: int | None
    repositories: Wanted | None
    tags: Wanted | None
    first: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How far the counting has come.

    Attributes:
        first: of repositories.
        first_tags: repository and tag.
        after: the name of the last repository that was read.
        waiting: repositories that were taken, whose tags are to be read; of the first all up to `after_tag` are.
        chunk: of how many of them the tags are read next.
        last: no more repositories are to be read.
    """

    repositories: int = 0
    taken_repositories: int = 0
    tags: int = 0
    taken_tags: int = 0
    first: tuple[str, ...] = ()
    first_tags: tuple[tuple[str, str], ...] = ()
    after: str = ""
    waiting: tuple[tuple[int, str], ...] = ()
    after_tag: str = ""
    chunk: int = _CHUNK
    last: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything was looked at."""
        return self.last and not self.waiting

    @property
    def looked_at(self) -> int:
        """How many names that were."""
        return self.repositories + self.tags


def read_selector(field: str, kind: str, decoration: str, pattern: str) -> Wanted:
    """Compile a selector as a rule or policy has it.

    Args:
        field: its name in the request, for the message.
        kind: `doublestar`, `regex` or `semver`.
        decoration: of `DECORATIONS`.
        pattern: what the client wrote.

    Raises:
        SelectorInvalid: one of them; `detail` has the field, and for a pattern the position in it.
    """
    if decoration not in DECORATIONS:
        said = ", ".join(DECORATIONS[1:])
        raise SelectorInvalid(f"{field}: the decoration of a selector is one of {said}.", field=field)
    try:
        selector = compile_selector(kind, pattern)
    except SelectorInvalid as problem:
        position = problem.detail.get("position", 0)
        raise SelectorInvalid(f"{field}: {problem}", field=field, position=position) from None
    return Wanted(selector, decoration.lower().endswith("excludes"))


def count_on(work: Work, question: Question, counted: Counted) -> Counted:
    """Look at the next piece: at most 10,000 repositories, or 10,000 tags. One statement."""
    if counted.waiting:
        return _count_tags(work, question, counted)
    return _count_repositories(work, question, counted)


def _count_repositories(work: Work, question: Question, counted: Counted) -> Counted:
    if question.project_id is None:
        asked = call(_EVERYWHERE, counted.after, _REPOSITORIES_AT_ONCE)
    else:
        asked = call(_IN_PROJECT, question.project_id, counted.after, _REPOSITORIES_AT_ONCE)
    [rows] = each(work, (asked,))
    taken = [(row[0], row[1]) for row in rows if _takes(question, row[1])]
    shown = tuple(_shown(question, path) for _, path in taken[: question.first - len(counted.first)])
    return replace(
        counted,
        repositories=counted.repositories + len(rows),
        taken_repositories=counted.taken_repositories + len(taken),
        first=counted.first + shown,
        after=rows[-1][1] if rows else counted.after,
        waiting=tuple(taken) if question.tags is not None else (),
        last=len(rows) < _REPOSITORIES_AT_ONCE,
    )


def _takes(question: Question, path: str) -> bool:
    return question.repositories is None or question.repositories.takes(_shown(question, path))


def _shown(question: Question, path: str) -> str:
    """The name that a selector is asked about."""
    return path if question.project_id is None else path.partition("/")[2]


def _count_tags(work: Work, question: Question, counted: Counted) -> Counted:
    """The tags of the next repositories: of several together, or a part of those of one that has very many."""
    here = counted.waiting[: counted.chunk]
    if len(here) == 1 or counted.after_tag:
        repository, _ = here[0]
        [rows] = each(work, (call(_TAGS_OF_ONE, repository, counted.after_tag, _TAGS_AT_ONCE),))
        after_tag = rows[-1][1] if len(rows) == _TAGS_AT_ONCE else ""
        done = 0 if after_tag else 1
        here = here[:1]
    else:
        ids = json.dumps([repository for repository, _ in here])
        [rows] = each(work, (call(_TAGS, ids, _TAGS_AT_ONCE + 1),))
        if len(rows) > _TAGS_AT_ONCE:
            return replace(counted, chunk=max(1, len(here) // 8))  # nothing is counted: fewer of them next
        after_tag, done = "", len(here)
    taken = _taken(question, rows)
    room = question.first - len(counted.first_tags)
    shown = tuple(
        (_shown(question, path), tag) for repository, path in here for tag in sorted(taken.get(repository, ()))
    )[:room]
    return replace(
        counted,
        tags=counted.tags + len(rows),
        taken_tags=counted.taken_tags + sum(map(len, taken.values())),
        first_tags=counted.first_tags + shown,
        waiting=counted.waiting[done:],
        after_tag=after_tag,
        chunk=min(_CHUNK, counted.chunk * 2),
    )


def _taken(question: Question, rows: Sequence[Row]) -> dict[int, list[str]]:
    """The tags that are meant, by repository."""
    taken: dict[int, list[str]] = {}
    for repository, tag in rows:
        if question.tags is not None and question.tags.takes(tag):
            taken.setdefault(repository, []).append(tag)
    return taken
