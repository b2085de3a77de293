"""Retention rules: read, checked, and asked which artifacts they keep. Pure functions.

A rule speaks of the repositories that all of its `scope_selectors` select (by their names without the project). Of
their artifacts it looks at those that all of its `tag_selectors` select: `matches` one of whose tags matches,
`excludes` one of whose tags does not. Whether untagged ones are among them says `extras`: `matches` takes them unless
it says `{"untagged": false}`, `excludes` unless it says true. Of these its template keeps some; what no rule keeps is
deleted. A pull time that is not known keeps, unless the rule says that the push stands for it
(`params.never_pulled: "push_time"`, ours).

Source: Harbor API v2.0, `RetentionRule`; the templates are the contract's, `latestVersionK` is ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from moorage.artifacts.immutable_rules import REPOSITORY_DECORATIONS, TAG_DECORATIONS, RuleSelector
from moorage.errors import RuleExists, RuleInvalid, RuleLimit
from moorage.oci.versions import order_key
from moorage.selectors import Selector, compile_selector

MAX_RULES = 15
MAX_SELECTORS = 8
ACTION = "retain"
NEVER_PULLED = "never_pulled"

Unit = Literal["COUNT", "DAYS"]


class Template(NamedTuple):
    """What a rule keeps.

    Attributes:
        display: for people; `#` stands for the number.
        unit: of the number; None: it has none.
        default: the number where the rule has none.
        maximum: of the number; at least 0.
        offered: whether the list of templates has it; the others are understood.
    """

    display: str
    unit: Unit | None = None
    default: int = 0
    maximum: int = 0
    offered: bool = True


_MOST, _MOST_DAYS = 32_766, 20_190_904
TEMPLATES: dict[str, Template] = {
    "latestPushedK": Template("the # artifacts that were pushed last", "COUNT", 10, _MOST),
    "latestPulledN": Template("the # artifacts that were pulled last", "COUNT", 10, _MOST),
    "nDaysSinceLastPush": Template("the artifacts that were pushed within # days", "DAYS", 30, _MOST_DAYS),
    "nDaysSinceLastPull": Template("the artifacts that were pulled within # days", "DAYS", 30, _MOST_DAYS),
    "always": Template("all artifacts"),
    "latestVersionK": Template("the # artifacts with the highest semantic versions", "COUNT", 10, _MOST),
    "latestActiveK": Template("the # artifacts that were pushed or pulled last", "COUNT", 10, _MOST, offered=False),
    "lastXDays": Template("the artifacts that were pushed within # days", "DAYS", 10, _MOST_DAYS, offered=False),
}
_BY_PULL = frozenset({"latestPulledN", "nDaysSinceLastPull"})


class RuleBody(msgspec.Struct, kw_only=True):
    """A rule, as the contract shapes it. Shape of `scope_selectors`: {"repository": [RuleSelector]}."""

    id: int = 0
    priority: int = 0
    disabled: bool = False
    action: str = ACTION
    template: str = ""
    params: dict[str, Any] = {}  # Any: JSON, checked by its template
    tag_selectors: list[RuleSelector] = []
    scope_selectors: dict[str, list[RuleSelector]] = {}


class Why(msgspec.Struct, frozen=True):
    """The reason that a rule gives for an artifact.

    Attributes:
        rule: its id.
        kept: whether it keeps it.
        why: `not_selected`, `always`, `rank` (with `rank`), `age` or `unknown_pull`.
        rank: place in the rule's order, from 1.
    """

    rule: int
    kept: bool
    why: str
    rank: int | None = None


class Candidate(NamedTuple):
    """An artifact that rules are asked about.

    Attributes:
        pushed_at: when it or one of its tags was pushed last.
        pulled_at: None: not known, or never.
    """

    id: int
    tags: tuple[str, ...]
    pushed_at: datetime
    pulled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rule:
    """An enabled rule, compiled."""

    id: int
    template: str
    number: int
    never_pulled_by_push: bool
    tags: tuple[tuple[Selector, bool, bool], ...]
    """(selector, excludes, takes untagged ones)."""
    repositories: tuple[tuple[Selector, bool], ...]
    """(selector, excludes)."""

    def speaks_of(self, repository: str) -> bool:
        """Return whether the rule selects this repository, named without its project."""
        return all(selector.matches(repository) is not excludes for selector, excludes in self.repositories)

    def selects(self, tags: Sequence[str]) -> bool:
        """Return whether the rule selects an artifact with these tags."""
        return all(
            any(selector.matches(tag) is not excludes for tag in tags) if tags else untagged
            for selector, excludes, untagged in self.tags
        )

    def ask(self, candidates: Iterable[Candidate], now: datetime) -> dict[int, Why]:
        """Evaluate the rule for each artifact; results by the artifact's id."""
        said, looked_at = dict[int, Why](), list[Candidate]()
        for one in candidates:
            if not self.selects(one.tags):
                said[one.id] = Why(self.id, kept=False, why="not_selected")
            elif self._pull_is_unknown(one):
                said[one.id] = Why(self.id, kept=True, why="unknown_pull")
            else:
                looked_at.append(one)
        unit = TEMPLATES[self.template].unit
        if unit is None:
            said |= {one.id: Why(self.id, kept=True, why="always") for one in looked_at}
        elif unit == "DAYS":
            oldest = now - timedelta(days=min(self.number, 365_000))
            said |= {one.id: Why(self.id, kept=self._moment(one) >= oldest, why="age") for one in looked_at}
        else:
            looked_at.sort(key=self._order, reverse=True)
            for rank, one in enumerate(looked_at, 1):
                said[one.id] = Why(self.id, kept=rank <= self.number, why="rank", rank=rank)
        return said

    def _pull_is_unknown(self, one: Candidate) -> bool:
        return self.template in _BY_PULL and one.pulled_at is None and not self.never_pulled_by_push

    def _moment(self, one: Candidate) -> datetime:
        if self.template in _BY_PULL:
            return one.pulled_at or one.pushed_at
        if self.template == "latestActiveK":
            return max(one.pulled_at or one.pushed_at, one.pushed_at)
        return one.pushed_at

    def _order(self, one: Candidate) -> tuple[str, datetime, int]:
        version = max((order_key(tag) for tag in one.tags), default="") if self.template == "latestVersionK" else ""
        return version, self._moment(one), one.id


def check_rules(bodies: list[RuleBody]) -> list[RuleBody]:
    """Rules that can be used, each with an id of its own: what it came with, where that is free.

    Raises:
        RuleInvalid: a template, a number, a selector or a decoration that there is not.
        SelectorInvalid: a pattern cannot be used.
        RuleLimit: more than 15.
        RuleExists: two of them say the same.
    """
    if len(bodies) > MAX_RULES:
        raise RuleLimit(limit=MAX_RULES)
    taken, said = set[int](), set[bytes]()
    for body in bodies:
        _compile(body)
        same = msgspec.json.encode([body.template, body.params, body.tag_selectors, body.scope_selectors])
        if same in said:
            raise RuleExists("Two rules of the policy say the same.", template=body.template)
        said.add(same)
        if body.id in taken or not 0 < body.id < 2**31:
            body.id = 0
        taken.add(body.id)
    free = (number for number in range(1, 2 * MAX_RULES + 1) if number not in taken)
    for body in bodies:
        body.id = body.id or next(free)
    return bodies


def compile_rules(bodies: Iterable[RuleBody]) -> list[Rule]:
    """The enabled ones, ready to be asked.

    Raises:
        RuleInvalid, SelectorInvalid: as `check_rules`.
    """
    return [_compile(body) for body in bodies if not body.disabled]


def _compile(body: RuleBody) -> Rule:
    template = TEMPLATES.get(body.template)
    if template is None:
        raise RuleInvalid(f"The template of a rule is one of {', '.join(TEMPLATES)}.", template=body.template[:64])
    if body.action != ACTION:
        raise RuleInvalid(f"The action of a retention rule is {ACTION}.", action=body.action[:64])
    unknown = body.params.keys() - {body.template, NEVER_PULLED}
    if unknown:
        raise RuleInvalid("A rule has one parameter, called like its template.", parameter=min(unknown)[:64])
    if body.scope_selectors.keys() - {"repository"}:
        raise RuleInvalid("scope_selectors has one key: repository.", field="scope_selectors")
    repositories = body.scope_selectors.get("repository", [])
    _check_selectors(body.tag_selectors, "tag_selectors", TAG_DECORATIONS)
    _check_selectors(repositories, "scope_selectors.repository", REPOSITORY_DECORATIONS)
    return Rule(
        body.id,
        body.template,
        _number(body, template),
        _never_pulled_by_push(body),
        tuple(
            (compile_selector(one.kind, one.pattern), one.decoration == "excludes", _takes_untagged(one))
            for one in body.tag_selectors
        ),
        tuple((compile_selector(one.kind, one.pattern), one.decoration == "repoExcludes") for one in repositories),
    )


def _number(body: RuleBody, template: Template) -> int:
    value = body.params.get(body.template, template.default)
    if template.unit is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= template.maximum:
        raise RuleInvalid(
            f"The parameter {body.template} is a whole number from 0 to {template.maximum}.", parameter=body.template
        )
    return value


def _never_pulled_by_push(body: RuleBody) -> bool:
    value = body.params.get(NEVER_PULLED, "keep")
    if value not in {"keep", "push_time"} or (NEVER_PULLED in body.params and body.template not in _BY_PULL):
        raise RuleInvalid(
            "never_pulled is keep or push_time, in a rule that goes by the time of pulls.", parameter=NEVER_PULLED
        )
    return bool(value == "push_time")


def _check_selectors(selectors: list[RuleSelector], field: str, decorations: tuple[str, ...]) -> None:
    if not 1 <= len(selectors) <= MAX_SELECTORS:
        raise RuleInvalid(f"{field} needs one selector.", field=field)
    for one in selectors:
        if one.decoration not in decorations:
            raise RuleInvalid(f"The decoration of a selector in {field} is {' or '.join(decorations)}.", field=field)


class _Extras(msgspec.Struct):
    untagged: bool | None = None


def _takes_untagged(selector: RuleSelector) -> bool:
    """Return whether untagged artifacts are considered. `extras` is JSON in a text; an empty one says nothing."""
    try:
        said = msgspec.json.decode(selector.extras, type=_Extras).untagged if selector.extras else None
    except msgspec.DecodeError as error:
        raise RuleInvalid('extras is a JSON text such as {"untagged": true}.', field="extras") from error
    if selector.decoration == "excludes":
        return not said
    return said is not False
