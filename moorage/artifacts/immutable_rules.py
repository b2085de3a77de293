"""Immutable tag rules: tags that may be neither moved nor deleted.

A rule has one selector for repositories (their names without the project) and one for tags; a tag is immutable when
both select it in a rule that is enabled. A tag that does not exist yet may be pushed.

Whoever changes rules passes the project's gate alone and keeps `project.immutable_rules`, the number of enabled ones.
Whoever moves or deletes a tag has passed the gate beside others and reads that number with the project, so "rule added"
and "tag moved" have one order, and a project without rules costs no statement.

Source: Harbor API v2.0, `ImmutableRule`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.db.locks import close_gate
from moorage.db.unit_of_work import Work
from moorage.errors import RuleExists, RuleInvalid, RuleLimit, RuleUnknown, TagImmutable
from moorage.events import ImmutableRuleChanged
from moorage.projects.tables import Project
from moorage.repositories.tables import ImmutableRule
from moorage.selectors import Selector, compile_selector

MAX_RULES = 15
"""Rules of one project; the contract's page offers no more."""
MAX_SELECTORS = 8
MAX_PARAMS_BYTES = 4096

TAG_DECORATIONS = ("matches", "excludes")
REPOSITORY_DECORATIONS = ("repoMatches", "repoExcludes")
_ACTION = "immutable"
_TEMPLATE = "immutable_template"


class RuleSelector(msgspec.Struct, kw_only=True):
    """One selector, as the contract shapes it. `extras` means something to retention only, and is kept."""

    kind: str = "doublestar"
    decoration: str = ""
    pattern: str = ""
    extras: Annotated[str, Meta(max_length=1024)] = ""


class RuleBody(msgspec.Struct, kw_only=True):
    """What a client says of a rule. Of each list of selectors the contract uses the first.

    Shape of `scope_selectors`: {"repository": [RuleSelector]}
    """

    id: int = 0
    priority: Annotated[int, Meta(ge=-(2**31), lt=2**31)] = 0
    disabled: bool = False
    action: Annotated[str, Meta(max_length=64)] = _ACTION
    template: Annotated[str, Meta(max_length=64)] = _TEMPLATE
    params: dict[str, Any] = {}  # Any: kept as it came, for the contract's clients
    tag_selectors: list[RuleSelector] = []
    scope_selectors: dict[str, list[RuleSelector]] = {}


_RULES = (
    select(*(getattr(ImmutableRule, name) for name in RuleBody.__struct_fields__))
    .where(ImmutableRule.project_id == bindparam("project"))
    .order_by(ImmutableRule.id)
)
_ENABLED = (
    select(ImmutableRule.id, ImmutableRule.tag_selectors, ImmutableRule.scope_selectors)
    .where(ImmutableRule.project_id == bindparam("project"), ~ImmutableRule.disabled)
    .order_by(ImmutableRule.id)
)
_COUNT = select(func.count()).where(ImmutableRule.project_id == bindparam("project"))
_INSERT = insert(ImmutableRule).returning(ImmutableRule.id)
_OF_PROJECT = (ImmutableRule.id == bindparam("rule"), ImmutableRule.project_id == bindparam("project"))
_UPDATE = update(ImmutableRule).where(*_OF_PROJECT)
_DELETE = delete(ImmutableRule).where(*_OF_PROJECT)
_NOTE_COUNT = (
    update(Project)
    .where(Project.id == bindparam("project"))
    .values(
        immutable_rules=select(func.count())
        .where(ImmutableRule.project_id == bindparam("project"), ~ImmutableRule.disabled)
        .scalar_subquery()
    )
)


@dataclass(frozen=True, slots=True)
class Rule:
    """An enabled rule, compiled; `kind` and `pattern` are those of its selector of tags."""

    id: int
    kind: str
    pattern: str
    tags: Selector
    excludes_tags: bool
    repositories: Selector
    excludes_repositories: bool

    def selects(self, repository: str) -> bool:
        """Whether it speaks of this repository, named without its project."""
        return self.repositories.matches(repository) is not self.excludes_repositories

    def holds(self, tag: str) -> bool:
        """Whether it makes this tag immutable, in a repository that it selects."""
        return self.tags.matches(tag) is not self.excludes_tags


# -- asking -----------------------------------------------------------------------------------------------


def find_immutable(work: Work, project_id: int, path: str, tags: Iterable[str]) -> dict[str, int]:
    """Which of these tags are immutable, each with the first rule that says so. One statement.

    Args:
        project_id: the project.
        path: the repository's whole name, `project/rest`.
        tags: names of tags, whether they exist or not.
    """
    return {tag: rule.id for tag, rule in find_keeping(work, project_id, path, tags).items()}


def find_keeping(work: Work, project_id: int, path: str, tags: Iterable[str]) -> dict[str, Rule]:
    """The same as `find_immutable`, with the whole rule."""
    repository = path.partition("/")[2]
    rules = [rule for rule in _load(work, project_id) if rule.selects(repository)]
    found: dict[str, Rule] = {}
    for tag in tags if rules else ():
        rule = next((rule for rule in rules if rule.holds(tag)), None)
        if rule is not None:
            found[tag] = rule
    return found


def find_immutable_tags(work: Work, project_id: int, tags: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Which of these tags of a project, as (whole name of the repository, tag), are immutable. One statement."""
    rules = _load(work, project_id)
    return frozenset(
        (path, tag)
        for path, tag in (tags if rules else ())
        if any(rule.selects(path.partition("/")[2]) and rule.holds(tag) for rule in rules)
    )


def require_mutable(work: Work, project_id: int, path: str, tags: Iterable[str]) -> None:
    """See that no rule keeps one of these tags, which exist, from being moved or deleted.

    Call it only where `project.immutable_rules` is not 0, with the project's gate passed.

    Raises:
        TagImmutable: a rule does; the detail names the tag and the rule.
    """
    names = sorted(tags)
    for tag, rule in find_keeping(work, project_id, path, names).items() if names else ():
        message = f"Failed to process request due to '{path}:{tag}' configured as immutable."
        raise TagImmutable(message, tag=tag, rule=rule.id, pattern=rule.pattern)


def list_rules(work: Work, project_id: int) -> list[RuleBody]:
    """The rules of a project, disabled ones too, by id: at most 15, so they are one page."""
    return [msgspec.convert(dict(row), RuleBody) for row in work.db.execute(_RULES, {"project": project_id}).mappings()]


def _load(work: Work, project_id: int) -> list[Rule]:
    rules = []
    for row in work.db.execute(_ENABLED, {"project": project_id}):
        tags, repositories = row.tag_selectors[0], row.scope_selectors["repository"][0]
        rules.append(
            Rule(
                row.id,
                tags["kind"],
                tags["pattern"],
                compile_selector(tags["kind"], tags["pattern"]),
                tags["decoration"] == "excludes",
                compile_selector(repositories["kind"], repositories["pattern"]),
                repositories["decoration"] == "repoExcludes",
            )
        )
    return rules


# -- changing ---------------------------------------------------------------------------------------------


def create_rule(work: Work, project_id: int, body: RuleBody) -> int:
    """Add a rule to a project and return its id. Two callers pass the gate one after the other.

    Raises:
        RuleInvalid: a selector is missing, or has a decoration that it cannot have.
        SelectorInvalid: a pattern cannot be used.
        RuleExists: the project has a rule with the same selectors; the unique index decides.
        RuleLimit: the project has 15 rules.
    """
    columns = _columns(body)
    close_gate(work, project_id)
    if work.db.execute(_COUNT, {"project": project_id}).scalar_one() >= MAX_RULES:
        raise RuleLimit(limit=MAX_RULES)
    try:
        with work.db.begin_nested():
            made: int = work.db.execute(
                _INSERT, {"project_id": project_id, "created_at": work.now, **columns}
            ).scalar_one()
    except IntegrityError as error:
        raise RuleExists from error
    _settle(work, project_id, made, "created")
    return made


def update_rule(work: Work, project_id: int, rule_id: int, body: RuleBody) -> None:
    """Replace a rule by what `body` says. Without any selector it is only disabled, or enabled: clients send no more.

    Raises:
        RuleInvalid: as for a new one, or `body.id` is given and another.
        SelectorInvalid: a pattern cannot be used.
        RuleUnknown: the project has no such rule.
        RuleExists: another rule of the project has the same selectors.
    """
    if body.id not in {0, rule_id}:
        raise RuleInvalid("The id in the body is not the one in the path.", id=body.id)
    is_switch = not body.tag_selectors and not body.scope_selectors
    columns: dict[str, object] = {"disabled": body.disabled} if is_switch else _columns(body)
    close_gate(work, project_id)
    try:
        with work.db.begin_nested():
            done = work.db.execute(_UPDATE.values(**columns), {"rule": rule_id, "project": project_id})
    except IntegrityError as error:
        raise RuleExists from error
    if not done.rowcount:
        raise RuleUnknown(id=rule_id)
    _settle(work, project_id, rule_id, "disabled" if body.disabled else "updated")


def delete_rule(work: Work, project_id: int, rule_id: int) -> None:
    """Delete a rule.

    Raises:
        RuleUnknown: the project has no such rule.
    """
    close_gate(work, project_id)
    if not work.db.execute(_DELETE, {"rule": rule_id, "project": project_id}).rowcount:
        raise RuleUnknown(id=rule_id)
    _settle(work, project_id, rule_id, "deleted")


def _settle(work: Work, project_id: int, rule_id: int, change: str) -> None:
    work.db.execute(_NOTE_COUNT, {"project": project_id})
    work.emit(ImmutableRuleChanged(project_id, rule_id, change))


def _columns(body: RuleBody) -> dict[str, object]:
    """The columns of a rule that can be used."""
    if body.scope_selectors.keys() - {"repository"}:
        raise RuleInvalid("scope_selectors has one key: repository.", field="scope_selectors")
    repositories = body.scope_selectors.get("repository", [])
    _check(body.tag_selectors, "tag_selectors", TAG_DECORATIONS)
    _check(repositories, "scope_selectors.repository", REPOSITORY_DECORATIONS)
    if len(msgspec.json.encode(body.params)) > MAX_PARAMS_BYTES:
        raise RuleInvalid(f"params may take {MAX_PARAMS_BYTES} bytes.", field="params")
    said = [(entry.kind, entry.decoration, entry.pattern) for entry in (body.tag_selectors[0], repositories[0])]
    return {
        "priority": body.priority,
        "disabled": body.disabled,
        "action": body.action,
        "template": body.template,
        "params": body.params,
        "tag_selectors": msgspec.to_builtins(body.tag_selectors),
        "scope_selectors": msgspec.to_builtins(body.scope_selectors),
        "fingerprint": hashlib.sha256(msgspec.json.encode(said)).digest(),
    }


def _check(selectors: list[RuleSelector], field: str, decorations: tuple[str, ...]) -> None:
    if not 1 <= len(selectors) <= MAX_SELECTORS:
        raise RuleInvalid(f"{field} needs one selector.", field=field)
    for selector in selectors:
        if selector.decoration not in decorations:
            raise RuleInvalid(f"The decoration of a selector in {field} is {' or '.join(decorations)}.", field=field)
        compile_selector(selector.kind, selector.pattern)
