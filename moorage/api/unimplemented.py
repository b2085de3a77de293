"""Answer 501 for operations of the contract that are not implemented yet.

The guard asks for what the operation needs first, so that nobody learns more here than they will later.
"""

import re
from collections.abc import Collection

from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.api.contract import OPERATIONS, Operation
from moorage.errors import NotBuilt

NUMBERS = frozenset(
    {"user_id", "task_id", "gc_id", "purge_id", "eid", "webhook_policy_id", "mid", "label_id", "id", "group_id"}
    | {"execution_id", "immutable_rule_id", "robot_id", "tid"}
)
"""Parameters of paths that are numbers; all others are text."""

_PARAMETER = re.compile(r"\{(\w+)\}")
_TYPED = re.compile(r"\{(\w+):\w+\}")


def litestar_path(path: str) -> str:
    """A path of the contract in Litestar's form: `/users/{user_id}` as `/users/{user_id:int}`."""
    return _PARAMETER.sub(lambda found: f"{{{found[1]}:{'int' if found[1] in NUMBERS else 'str'}}}", path)


def contract_path(path: str) -> str:
    """A path of Litestar's in the form of the contract."""
    return _TYPED.sub(r"{\1}", path)


def key_of(handler: HTTPRouteHandler) -> tuple[str, str]:
    """Method and path of a route, with the names of its parameters left out."""
    (path,) = handler.paths
    (method,) = handler.http_methods
    return str(method), re.sub(r"\{[^}]*\}", "{}", path)


def unbuilt(built: Collection[HTTPRouteHandler]) -> list[Operation]:
    """The operations of the contract that none of these routes is."""
    keys = {key_of(handler) for handler in built}
    return [one for one in OPERATIONS if (one.method, _PARAMETER.sub("{}", one.path)) not in keys]


def stand_in(one: Operation) -> HTTPRouteHandler:
    """The route of an operation that is not built."""
    handler = operation(
        one.method, litestar_path(one.path), id=one.id, tag=one.tag, needs=one.needs, status=501, problems=(NotBuilt,)
    )

    async def answer(call: NamedDependency[Call]) -> None:
        if one.needs.level == "inside":
            call.signed_in()
        raise NotBuilt(
            f"'{one.id}' is not built yet in this version of Moorage; docs/use/api.md lists what is.",
            operation=one.id,
        )

    answer.__doc__ = f"Not built yet: {one.id}."
    return handler(answer)
