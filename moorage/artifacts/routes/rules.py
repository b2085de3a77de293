"""Immutable tag rules of a project: list, create, change, delete."""

from typing import Any

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import project
from moorage.artifacts import immutable_rules
from moorage.artifacts.immutable_rules import RuleBody
from moorage.artifacts.routes.rule_schemas import RuleShape, SelectorShape, read_rules, show_rule
from moorage.errors import RuleExists, RuleInvalid, RuleLimit, RuleUnknown, SelectorInvalid

_LIST = "/projects/{project_name_or_id:str}/immutabletagrules"
_ONE = f"{_LIST}/{{immutable_rule_id:int}}"


class ImmutableSelector(SelectorShape, kw_only=True):
    """Which repositories, or which tags. `kind`: `doublestar`, and of ours `regex` and `semver`."""

    extras: str | None = None


class ImmutableRule(RuleShape, kw_only=True):
    """A rule: tags that it selects, in repositories that it selects, may neither move nor be deleted."""

    params: dict[str, Any] | None = None
    tag_selectors: list[ImmutableSelector] | None = None
    scope_selectors: dict[str, list[ImmutableSelector]] | None = None


@operation("GET", _LIST, id="ListImmuRules", tag="immutable", needs=project("immutable-tag:list"), paged=True)
async def list_rules(call: NamedDependency[Call]) -> Response[list[ImmutableRule]]:
    """The rules of a project, disabled ones too, by id; there are at most 15."""
    listing = call.listing()
    call.ignored.extend(clause.key for clause in listing.clauses)
    call.ignored.extend(key for key, _ in listing.sort)
    found = await call.look(immutable_rules.list_rules, call.project.project_id)
    page = found[listing.offset : listing.offset + listing.page_size]
    return call.page([show_rule(one, ImmutableRule) for one in page], listing, len(found))


@operation(
    "POST",
    _LIST,
    id="CreateImmuRule",
    tag="immutable",
    needs=project("immutable-tag:create"),
    problems=(RuleInvalid, SelectorInvalid, RuleExists, RuleLimit),
    status=201,
)
async def create_rule(call: NamedDependency[Call], data: JSONBody[ImmutableRule]) -> Response[None]:
    """Add a rule. The id in the body is ignored."""
    made = await call.run(immutable_rules.create_rule, call.project.project_id, read_rules(data, RuleBody))
    return call.created(f"/projects/{call.project.project_id}/immutabletagrules/{made}")


@operation(
    "PUT",
    _ONE,
    id="UpdateImmuRule",
    tag="immutable",
    needs=project("immutable-tag:update"),
    problems=(RuleInvalid, SelectorInvalid, RuleExists, RuleUnknown),
)
async def update_rule(
    call: NamedDependency[Call], data: JSONBody[ImmutableRule], immutable_rule_id: FromPath[int]
) -> Response[None]:
    """Replace a rule. Without selectors it is only disabled, or enabled."""
    await call.run(immutable_rules.update_rule, call.project.project_id, immutable_rule_id, read_rules(data, RuleBody))
    return Response(None)


@operation(
    "DELETE",
    _ONE,
    id="DeleteImmuRule",
    tag="immutable",
    needs=project("immutable-tag:delete"),
    problems=(RuleUnknown,),
)
async def delete_rule(call: NamedDependency[Call], immutable_rule_id: FromPath[int]) -> Response[None]:
    """Delete a rule."""
    await call.run(immutable_rules.delete_rule, call.project.project_id, immutable_rule_id)
    return Response(None)


ROUTES = (list_rules, create_rule, update_rule, delete_rule)
