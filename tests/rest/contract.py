"""Hold a reply against Harbor's contract: its status, its headers and the shape of its body."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

FILE = Path(__file__).parents[1] / "api" / "contract" / "harbor-v2.0.json"
ALWAYS = {401, 403, 413, 422, 429, 501, 503}
"""Statuses that every operation may give beside its own."""


@cache
def document() -> dict[str, Any]:
    """The contract: swagger 2.0, without prose."""
    read: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return read


@cache
def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and description by operation id."""
    return {
        described["operationId"]: (method.upper(), path.rstrip("/"), described)
        for path, item in document()["paths"].items()
        for method, described in item.items()
        if method != "parameters"
    }


def response_of(operation: str, status: int) -> dict[str, Any] | None:
    """What the contract says of one status of an operation."""
    found: dict[str, Any] | None = operations()[operation][2]["responses"].get(str(status))
    if found is not None and "$ref" in found:
        found = document()["responses"][found["$ref"].rpartition("/")[2]]
    return found


@cache
def _validator(operation: str, status: int) -> jsonschema_rs.Draft4Validator | None:
    schema = (response_of(operation, status) or {}).get("schema")
    if schema is None or schema.get("type") == "file":
        return None
    whole = {**schema, "definitions": document()["definitions"]}
    return jsonschema_rs.Draft4Validator(_nullable(whole), validate_formats=True)


def _nullable(schema: Any) -> Any:
    """A schema with what `x-nullable` and `x-omitempty` say in words of JSON Schema: may be null, is never left out."""
    if isinstance(schema, list):
        return [_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _nullable(value) for key, value in schema.items()}
    if schema.get("x-nullable") is True and "type" in schema:
        made["type"] = [schema["type"], "null"]
    properties = schema.get("properties", {})
    always = [name for name, one in properties.items() if isinstance(one, dict) and one.get("x-omitempty") is False]
    if always:
        made["required"] = sorted({*schema.get("required", ()), *always})
    return made


def _is_whole(answer: httpx.Response) -> bool:
    """Whether a list is all there is: no other page could be linked."""
    return int(answer.headers["x-total-count"]) == len(answer.json())


def deviations(operation: str, answer: httpx.Response) -> dict[str, str]:
    """How a reply differs from the contract. Shape: {"status 404" | "header Link" | "body": what was seen}."""
    status = answer.status_code
    said = response_of(operation, status)
    found: dict[str, str] = {}
    if said is None and status not in ALWAYS:
        found[f"status {status}"] = answer.text[:200]
    for name in (said or {}).get("headers", {}) if status < 400 else {}:
        if name not in answer.headers and not (name == "Link" and _is_whole(answer)):
            found[f"header {name}"] = str(dict(answer.headers))
    if status >= 400:
        if answer.content and set(answer.json()) != {"errors"}:
            found["errors"] = answer.text[:200]
        return found
    has_body = "schema" in (said or {})
    if has_body != bool(answer.content) and answer.request.method != "HEAD":
        found["body"] = f"expected: {has_body}; sent: {answer.content[:100]!r}"
    validator = _validator(operation, status)
    if validator is not None and answer.content:
        try:
            body = answer.text if "text/plain" in answer.headers["content-type"] else answer.json()
        except ValueError:
            return {**found, "body": answer.text[:100]}
        for error in validator.iter_errors(body):
            found[f"shape {'.'.join(str(one) for one in error.instance_path if isinstance(one, str))}"] = error.message
    return found
