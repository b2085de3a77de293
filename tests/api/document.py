"""Hold every reply of the REST API against our own OpenAPI document.

`Server.send` does it for each request that a test makes: the operation has to be there, the status declared, and the
body of the shape that the document promises.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from moorage.access.request_context import BASE
from moorage.api.openapi import build_document
from moorage.api.paths import route_path
from moorage.api.routes import every_route
from moorage.errors import Problem

Reply = tuple[int, str, bytes]
"""Status, media type and body."""


@cache
def document() -> dict[str, Any]:
    """The document, as the server gives it."""
    made: dict[str, Any] = json.loads(json.dumps(build_document(every_route())))
    return made


@cache
def _paths() -> tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...]:
    """Paths with what may be done there; those with fewer parameters first, as requests are routed."""
    found = sorted(document()["paths"].items(), key=lambda item: (item[0].count("{"), item[0]))
    return tuple((re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), item) for path, item in found)


@cache
def _validator(operation_id: str, status: str, media_type: str) -> Callable[[Any], None]:
    for _, item in _paths():
        for described in item.values():
            if isinstance(described, dict) and described.get("operationId") == operation_id:
                schema = described["responses"][status]["content"][media_type]["schema"]
                validator = jsonschema_rs.validator_for({**schema, "components": document()["components"]})
                return validator.validate
    raise AssertionError(operation_id)


def find_operation(method: str, target: str) -> dict[str, Any] | None:
    """What the document says of a request; None where it says nothing (404 and 405)."""
    try:
        path = route_path(target.partition("?")[0])
    except Problem:
        return None
    for pattern, item in _paths():
        if pattern.fullmatch(path) and method.lower() in item:
            described: dict[str, Any] = item[method.lower()]
            return described
    return None


def check(method: str, target: str, reply: Reply) -> None:
    """Hold a reply against the document.

    Raises:
        AssertionError: the document does not speak of it, or speaks otherwise.
    """
    status, media_type, body = reply
    if not target.startswith(f"{BASE}/") or target.startswith((f"{BASE}/openapi.json", f"{BASE}/explorer")):
        return
    described = find_operation(method, target)
    said = f"{method} {target.partition('?')[0]} answered {status}"
    if described is None:
        assert status in {400, 401, 403, 404, 405, 413}, f"{said}, and is not in the document"
        return
    responses = described["responses"]
    if status in {400, 404, 405, 500}:  # a malformed request or path may be refused before it is anybody's
        return
    assert str(status) in responses, f"{said}; the document knows {sorted(responses)}"
    content = responses[str(status)].get("content")
    if method == "HEAD" or not body:
        empty_text = (content or {}).keys() & {media_type.partition(";")[0]} - {"application/json"}
        assert method == "HEAD" or not content or empty_text or status == 304, (
            f"{said} without the body that the document promises"
        )
        return
    assert content, f"{said} with a body that the document does not know: {body[:200]!r}"
    kind = media_type.partition(";")[0]
    assert kind in content, f"{said} as {kind}; the document knows {sorted(content)}"
    if kind == "application/json":
        try:
            _validator(described["operationId"], str(status), kind)(json.loads(body))
        except jsonschema_rs.ValidationError as error:
            raise AssertionError(f"{said} with a body of another shape: {error}") from None
