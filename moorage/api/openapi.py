"""Our own OpenAPI 3.1 document: generated from the routes, with what every operation has in common put in.

Source: OpenAPI Specification 3.1; the names of components are those of Harbor API v2.0.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

from litestar import Litestar, Router
from litestar.di import Dependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig

from moorage import __version__
from moorage.access.request_context import BASE
from moorage.access.required_permission import Needs
from moorage.api.docstring_schemas import describe
from moorage.api.settings_schemas import describe_settings
from moorage.errors import (
    Denied,
    Invalid,
    NotFound,
    Problem,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from moorage.web.response import InternalError

_ERRORS: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong. `detail.reason` is our finer name for it; docs/use/errors.md lists them.",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "detail": {"type": "object", "additionalProperties": True},
                },
            },
        }
    },
}
_PAGE_PARAMETERS: tuple[dict[str, Any], ...] = (
    {
        "name": "q",
        "in": "query",
        "required": False,
        "description": "Filters: `k=v`, `k=~part`, `k=[from~to]`, `k={a b}`, `k=(a b)`, separated by commas.",
        "schema": {"type": "string"},
    },
    {
        "name": "sort",
        "in": "query",
        "required": False,
        "description": "Fields to sort by, separated by commas; a `-` before one turns it round.",
        "schema": {"type": "string"},
    },
    {
        "name": "page",
        "in": "query",
        "required": False,
        "description": "The page, from 1.",
        "schema": {"type": "integer", "format": "int64", "default": 1},
    },
    {
        "name": "page_size",
        "in": "query",
        "required": False,
        "description": "Entries on a page, at most 100; 0 or less means 100.",
        "schema": {"type": "integer", "format": "int64", "default": 10, "maximum": 100},
    },
)
_HEADERS: Mapping[str, dict[str, Any]] = {
    "X-Total-Count": {"description": "How many there are in all.", "schema": {"type": "integer"}},
    "Link": {"description": "The previous and the next page.", "schema": {"type": "string"}},
    "Location": {"description": "Where the new thing is.", "schema": {"type": "string"}},
    "X-Request-Id": {
        "description": "The id of the request, the client's own or a new one; the server's log has it.",
        "schema": {"type": "string"},
    },
}
_REQUEST_ID: dict[str, Any] = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": "An id for this request: 1 to 64 letters, digits, dots, dashes and underscores. Without one the "
    "server makes one.",
    "schema": {"type": "string"},
}
_IS_NAME: dict[str, Any] = {
    "name": "X-Is-Resource-Name",
    "in": "header",
    "required": False,
    "description": "Whether the project in the path is a name even if it is all digits.",
    "schema": {"type": "boolean", "default": False},
}
_NAME_IN_LOCATION: dict[str, Any] = {
    "name": "X-Resource-Name-In-Location",
    "in": "header",
    "required": False,
    "description": "Whether the Location of the reply ends in the name, not in the id.",
    "schema": {"type": "boolean", "default": False},
}
_EVERYWHERE: tuple[type[Problem], ...] = (Unauthenticated, TooMany, Unprocessable, InternalError, Unavailable)


def build_document(routes: Sequence[HTTPRouteHandler]) -> dict[str, Any]:
    """The document of these routes; all of them, also those that are not built."""
    nothing = {name: Provide(lambda: None, sync_to_thread=False) for name in _dependencies(routes)}
    app = Litestar(
        route_handlers=[Router(BASE, route_handlers=list(routes))],
        dependencies=nothing,
        logging_config=None,
        openapi_config=OpenAPIConfig(title="Moorage", version=__version__, use_handler_docstrings=True),
    )
    document: dict[str, Any] = app.openapi_schema.to_schema()
    document["info"]["description"] = (
        "Harbor's REST API v2.0, and our own additions to it, which are marked `x-moorage`. An operation that answers "
        "501 has its place but is not built yet."
    )
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    document["servers"] = [{"url": "/"}]
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Errors"] = _ERRORS
    describe(components["schemas"], routes)
    components["securitySchemes"] = {
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
    }
    by_id = {handler.operation_id: handler for handler in routes}
    for item in document["paths"].values():
        for described in item.values():
            if isinstance(described, dict) and described.get("operationId") in by_id:
                _complete(described, by_id[described["operationId"]])
    describe_settings(document)
    return document


def _dependencies(routes: Sequence[HTTPRouteHandler]) -> set[str]:
    """The names of what handlers ask for by `NamedDependency`."""
    return {
        name
        for handler in routes
        for name, hint in get_type_hints(handler.fn, include_extras=True).items()
        if any(isinstance(one, Dependency) for one in getattr(hint, "__metadata__", ()))
    }


def _complete(described: dict[str, Any], handler: HTTPRouteHandler) -> None:
    """Add what the route declares to what Litestar found in its types."""
    needs: Needs = handler.opt["needs"]
    found: dict[str, Any] = described["responses"]
    success: dict[str, Any] = found.pop(str(handler.status_code), None) or next(iter(found.values()), {})
    parameters: list[dict[str, Any]] = described.setdefault("parameters", [])
    if handler.opt["paged"]:
        parameters.extend(dict(one) for one in _PAGE_PARAMETERS)
    if any(one["name"] == "project_name_or_id" for one in parameters):
        parameters.append(dict(_IS_NAME))
    if handler.operation_id == "createProject":
        parameters.append(dict(_NAME_IN_LOCATION))
    parameters.append(dict(_REQUEST_ID))
    if "requestBody" in described and handler.parsed_data_field is not None:
        described["requestBody"]["required"] = handler.parsed_data_field.is_required
    responses: dict[str, Any] = {}
    if handler.status_code < 400:
        responses[str(handler.status_code)] = _success(success, handler)
    responses.update(_failures(handler, {one["in"] for one in parameters}))
    described["responses"] = responses
    described["security"] = [{"basic": []}, {"bearer": []}, {"session": []}] + ([{}] if needs.level == "public" else [])
    described["x-needs"] = str(needs)
    if needs.note:
        described["x-needs-note"] = needs.note
    if handler.opt["ours"]:
        described["x-moorage"] = True


def _success(success: dict[str, Any], handler: HTTPRouteHandler) -> dict[str, Any]:
    headers = list(handler.opt["headers"])
    if handler.opt["paged"]:
        headers += ["X-Total-Count", "Link"]
    if handler.status_code == 201 and "Location" not in headers:
        headers.append("Location")
    headers.append("X-Request-Id")
    success["headers"] = {name: _HEADERS.get(name, {"schema": {"type": "string"}}) for name in headers}
    content: dict[str, Any] = success.get("content") or {}
    if any({"type": "null"} in (one["schema"], *one["schema"].get("oneOf", ())) for one in content.values()):
        del success["content"]  # nothing is said there, not even `null`
    elif content:
        one = next(iter(content.values()))
        as_bytes = one["schema"].get("type") == "string"  # JSON that is sent as bytes may be any value
        success["content"] = {
            kind: {"schema": {}} if as_bytes and kind == "application/json" and len(handler.opt["answers"]) > 1 else one
            for kind in handler.opt["answers"]
        }
    return success


def _failures(handler: HTTPRouteHandler, places: set[str]) -> dict[str, Any]:
    """What may go wrong, by status: what the route declares, and what comes with its needs, parameters and method."""
    problems: set[type[Problem]] = {*handler.opt["problems"], *_EVERYWHERE}
    problems.add(Denied)  # an access token without the scope is refused everywhere
    if "path" in places:
        problems.add(NotFound)
    if "query" in places:
        problems.add(Invalid)
    if {str(one) for one in handler.http_methods} & {"POST", "PUT", "PATCH", "DELETE"}:
        problems |= {Invalid, TooLarge, Denied}
    described: dict[str, Any] = {}
    for status in sorted({kind.status for kind in problems}):
        said = sorted({kind for kind in problems if kind.status == status}, key=lambda kind: kind.__name__)
        described[str(status)] = {
            "description": " ".join((kind.__doc__ or kind.code).splitlines()[0] for kind in said),
            "headers": {"X-Request-Id": _HEADERS["X-Request-Id"]},
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}},
        }
    return described
