"""`/configurations` and `/internalconfig`: the live settings of the server."""

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import inside, system
from moorage.configuration.cached_settings import Live
from moorage.configuration.connection_checks import Checks
from moorage.configuration.service import describe_items, list_values, set_items
from moorage.configuration.validation import change, list_unknown
from moorage.errors import ItemFixed, ItemInvalid, ReceiverUnusable


class InternalConfigurationValue(msgspec.Struct):
    """A live setting. `value` is a text, a number, a list or an object, as the setting is."""

    value: Any
    editable: bool


@operation("GET", "/configurations", id="getConfigurations", tag="configure", needs=system("configuration:read"))
async def get_configurations(call: NamedDependency[Call]) -> Response[dict[str, Any]]:
    """Every live setting but secrets: its value, whether it can be edited, and the variable that fixes it otherwise."""
    return Response(await call.look(describe_items))


@operation(
    "PUT", "/configurations", id="updateConfigurations", tag="configure", needs=system("configuration:update"),
    problems=(ItemInvalid, ItemFixed, ReceiverUnusable),
)  # fmt: skip
async def update_configurations(
    data: JSONBody[dict[str, Any]],
    call: NamedDependency[Call],
    live: NamedDependency[Live],
    checks: NamedDependency[Checks],
) -> Response[None]:
    """Change the live settings that are named; all of them or, when one cannot be, none.

    A syslog receiver that is set has to be reachable now. A directory or an OpenID provider that people come from is
    tried as well, and saved also where it does not work: a `Warning` says why not. Names that are no setting's are
    ignored, and a `Warning` says which.
    """
    call.ignored.extend(list_unknown(data))
    before = await live.items()
    call.warnings += await checks.run(before, change(before, data))
    await call.run(set_items, live.seals, data)
    await live.items()  # this process follows at once, also where it looks at `current` only
    return Response(None)


@operation(
    "GET", "/internalconfig", id="getInternalconfig", tag="configure",
    needs=inside("configuration:read in the system; this server has no component that would ask with a secret"),
)  # fmt: skip
async def get_internal_configurations(call: NamedDependency[Call]) -> Response[dict[str, InternalConfigurationValue]]:
    """Every live setting but secrets, each as the value it is: lists as lists, objects as objects."""
    await call.require_in_system("configuration:read")
    found = await call.look(list_values)
    return Response({name: InternalConfigurationValue(value, editable) for name, value, editable in found})


ROUTES = (get_configurations, update_configurations, get_internal_configurations)
