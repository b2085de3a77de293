"""Routes to explain permissions. Ours, not in the contract."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromQuery

from moorage.access.operations import operation
from moorage.access.policy import EVERY_ACTION, TOKEN_SCOPES
from moorage.access.request_context import Call
from moorage.access.required_permission import project
from moorage.configuration.cached_settings import Live
from moorage.errors import Invalid, NameInvalid, TagInvalid
from moorage.inspection.explain import KNOWN, Check, Question, decide, explain
from moorage.oci.names import parse_repository, parse_tag

MAX_NAME_CHARACTERS = 520


class Explanation(msgspec.Struct, kw_only=True):
    """Whether the action is allowed, and why."""

    allowed: bool
    decided_by: str
    """The rule that decided: the first that takes the right away, else the first that gives it."""
    checks: list[Check]
    """Every rule that was asked, in order."""


@operation(
    "GET", "/projects/{project_name_or_id:str}/explain", id="explain", tag="project", needs=project("member:update"),
    ours=True, problems=(Invalid, NameInvalid, TagInvalid),
)  # fmt: skip
async def explain_access(
    call: NamedDependency[Call],
    live: NamedDependency[Live],
    principal: FromQuery[str],
    action: FromQuery[str],
    repository: FromQuery[str] = "",
    tag: FromQuery[str] = "",
    scopes: FromQuery[str] = "",
) -> Response[Explanation]:
    """Why somebody may do something here, or may not: for project administrators and system administrators.

    `principal` is `user:NAME`, `robot:NAME` (as it signs in) or `anonymous`; `action` is `pull`, `push`, `delete`, or a
    permission such as `member:list`; `repository` is named without the project; `scopes` are those of an access token,
    with commas between them.
    """
    items = await live.items()
    kind, colon, name = principal.partition(":")
    if (
        kind not in {"user", "robot", "anonymous"}
        or bool(colon) is (kind == "anonymous")
        or len(name) > MAX_NAME_CHARACTERS
    ):
        raise Invalid("principal is user:NAME, robot:NAME or anonymous.")
    if "\0" in name or (colon and not name):
        raise Invalid("principal is user:NAME, robot:NAME or anonymous.")
    if action not in EVERY_ACTION and tuple(action.split(":")) not in KNOWN:
        raise Invalid("action is pull, push, delete, or a permission such as member:list.")
    wanted = frozenset(scopes.split(",")) if scopes else None
    if wanted is not None and not wanted <= set(TOKEN_SCOPES):
        raise Invalid(f"scopes are of {', '.join(TOKEN_SCOPES)}.")
    path = f"{call.project.project_name}/{repository}" if repository else ""
    if path:
        parse_repository(path)
    if tag:
        parse_tag(tag)
    question = Question(
        call.project.project_id, kind, name.removeprefix(items.robot_name_prefix) if kind == "robot" else name, action,
        path, tag, wanted, items.read_only,
    )  # fmt: skip
    checks = await call.look(explain, question)
    allowed, decided_by = decide(checks)
    return Response(Explanation(allowed=allowed, decided_by=decided_by, checks=checks))


ROUTES = (explain_access,)
