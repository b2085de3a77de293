"""Routes to preview selectors. Ours, not in the contract."""

import time
from typing import Annotated

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import SIGNED_IN, project, system
from moorage.errors import SelectorInvalid
from moorage.inspection import selector_preview
from moorage.inspection.selector_preview import Counted, Question, Wanted

MAX_GIVEN = 10_000
MAX_FIRST = 100


class SelectorToTry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A selector in the form that rules and policies have."""

    kind: str = "doublestar"
    """`doublestar`, `regex` or `semver`."""
    pattern: str = ""
    """An empty doublestar pattern selects everything."""
    decoration: str = ""
    """`matches`, `repoMatches`, or `excludes`, `repoExcludes`, which turn it round; empty: `matches`."""


class MatchReq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Selectors to try on what there is."""

    repository: SelectorToTry | None = None
    """Of repositories: in a project by their names without it, in the whole registry by their whole names. null: all
    of them."""
    tag: SelectorToTry | None = None
    """Of tags, in those repositories; null: tags are not looked at."""
    first: Annotated[int, Meta(ge=0, le=MAX_FIRST)] = 10
    """How many names the answer shows, 0 to 100."""


class TryReq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A selector to try on names."""

    selector: SelectorToTry
    names: Annotated[list[str], Meta(max_length=MAX_GIVEN)]
    """At most 10,000."""
    first: Annotated[int, Meta(ge=0, le=MAX_FIRST)] = 10
    """How many names the answer shows, 0 to 100."""


class MatchCount(msgspec.Struct, kw_only=True):
    """How many were meant, of how many that were looked at."""

    matched: int
    of: int


class MatchedTag(msgspec.Struct, kw_only=True):
    """A tag that is meant."""

    repository: str
    tag: str


class Matches(msgspec.Struct, kw_only=True):
    """What the selectors mean."""

    repositories: MatchCount
    tags: MatchCount | None
    """Of the repositories that are meant; null: tags were not looked at."""
    first_repositories: list[str]
    """In the order of their names."""
    first_tags: list[MatchedTag]
    """In the order of their repositories and names."""
    complete: bool
    """Whether everything was looked at; false: 200,000 names were, or 3 seconds were over."""


class TriedNames(msgspec.Struct, kw_only=True):
    """What a selector means of a list of names."""

    matched: int
    of: int
    first: list[str]
    """In the order in which they were given."""


@operation(
    "POST", "/projects/{project_name_or_id:str}/selectors/match", id="matchSelectors", tag="selector",
    needs=project("repository:list"), ours=True, reads=True, problems=(SelectorInvalid,),
)  # fmt: skip
async def match_selectors(data: JSONBody[MatchReq], call: NamedDependency[Call]) -> Response[Matches]:
    """How many repositories and tags of a project selectors mean, and the first of them. Changes nothing."""
    # A role that lists repositories lists tags; of a robot's permissions each is one of its own.
    if data.tag is not None and not call.project.may("tag", "list"):
        raise call.denied("tag:list", call.project.project_name, call.project.project_id)
    return Response(await _count(call, call.project.project_id, data.repository, data.tag, data.first))


@operation(
    "POST", "/selectors/match", id="matchSelectorsEverywhere", tag="selector", ours=True, reads=True,
    needs=system("replication-policy:read"), problems=(SelectorInvalid,),
)  # fmt: skip
async def match_everywhere(data: JSONBody[MatchReq], call: NamedDependency[Call]) -> Response[Matches]:
    """How many repositories and tags of the whole registry selectors mean. Changes nothing."""
    return Response(await _count(call, None, data.repository, data.tag, data.first))


@operation(
    "POST", "/selectors/try", id="trySelector", tag="selector", ours=True, reads=True, needs=SIGNED_IN,
    problems=(SelectorInvalid,),
)  # fmt: skip
async def try_selector(data: JSONBody[TryReq]) -> Response[TriedNames]:
    """Which of the names in the body a selector means. Changes nothing."""
    wanted = _read(data.selector, "selector")
    taken = [name for name in data.names if wanted.takes(name)]
    return Response(TriedNames(matched=len(taken), of=len(data.names), first=taken[: data.first]))


async def _count(
    call: Call, project_id: int | None, repository: SelectorToTry | None, tag: SelectorToTry | None, first: int
) -> Matches:
    question = Question(
        project_id,
        None if repository is None else _read(repository, "repository"),
        None if tag is None else _read(tag, "tag"),
        first,
    )
    until = time.monotonic() + selector_preview.SECONDS
    counted = await call.look(selector_preview.count_on, question, Counted())
    while not counted.complete and counted.looked_at < selector_preview.MAX_NAMES and time.monotonic() < until:
        counted = await call.look(selector_preview.count_on, question, counted)
    return Matches(
        repositories=MatchCount(matched=counted.taken_repositories, of=counted.repositories),
        tags=None if tag is None else MatchCount(matched=counted.taken_tags, of=counted.tags),
        first_repositories=list(counted.first),
        first_tags=[MatchedTag(repository=path, tag=name) for path, name in counted.first_tags],
        complete=counted.complete,
    )


def _read(said: SelectorToTry, field: str) -> Wanted:
    return selector_preview.read_selector(field, said.kind, said.decoration, said.pattern)


ROUTES = (match_selectors, match_everywhere, try_selector)
