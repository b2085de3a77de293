"""What the portal knows of our REST API: TypeScript types, made from the OpenAPI document.

`tools/write_docs.py` writes them to portal/src/api/schema.ts; a test compares that file with the code, so the page and
the server cannot drift apart. One entry for each operation, by method and path, and one interface for each schema.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.access.request_context import BASE
from moorage.api.openapi import build_document
from moorage.api.routes import every_route

NOTE = "// Written by tools/write_docs.py from the OpenAPI document; change the routes and run it.\n"
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_NAMES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def make_types() -> str:
    """The whole file."""
    document = build_document(every_route())
    lines = [NOTE]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += _comment(schema.get("description", ""), "")
        body = _type(schema, "")
        lines.append(f"export interface {_ident(name)} {body}" if body[0] == "{" else f"export type {name} = {body};")
        lines.append("")
    lines.append("/** Each operation: what stands in its path and query, its body, and what it answers. */")
    lines.append("export interface Operations {")
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                lines += _operation(f"{method.upper()} {path.removeprefix(BASE)}", item[method])
    lines.append("}")
    return "\n".join(lines) + "\n"


def _operation(key: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield f"  /** {said['operationId']}: {_first_sentence(said.get('description', ''))} */"
    yield f"  {json.dumps(key)}: {{"
    for where in ("path", "query", "header"):
        fields = [one for one in said.get("parameters", ()) if one["in"] == where]
        if where == "path":  # the document's order is that of a set
            fields.sort(key=lambda one: key.index("{" + one["name"] + "}"))
        if fields:
            yield f"    {where}: {{"
            for one in fields:
                mark = "" if one.get("required") else "?"
                yield f"      {_ident(one['name'])}{mark}: {_type(one['schema'], '      ', null=False)};"
            yield "    };"
    body = _content(said.get("requestBody"))
    if body is not None:
        yield f"    body: {_type(body, '    ')};"
    reply = next((_content(one) for status, one in sorted(said["responses"].items()) if status[0] == "2"), None)
    yield f"    reply: {'undefined' if reply is None else _type(reply, '    ')};"
    yield "  };"


def _content(described: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The schema of a JSON body, that of text as text, None where there is none."""
    content = (described or {}).get("content") or {}
    for media, one in content.items():
        if "json" in media:
            return one.get("schema") or {}
    return {"type": "string"} if content else None


def _type(schema: Mapping[str, Any], indent: str, *, null: bool = True) -> str:
    """A schema as a type; objects over several lines, indented below `indent`."""
    if "$ref" in schema:
        return _ident(schema["$ref"].rpartition("/")[2])
    for key in ("oneOf", "anyOf"):
        if key in schema:
            several = [_type(one, indent) for one in schema[key] if null or one.get("type") != "null"]
            return " | ".join(dict.fromkeys(several)) or "unknown"
    if "enum" in schema:
        return " | ".join(json.dumps(one, ensure_ascii=False) for one in schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_NAMES.get(one, "unknown") for one in kind if null or one != "null")
    if kind == "array":
        inner = _type(schema.get("items", {}), indent)
        return f"({inner})[]" if "|" in inner or "\n" in inner else f"{inner}[]"
    if kind == "object" or "properties" in schema:
        return _object(schema, indent)
    return _NAMES.get(str(kind), "unknown")


def _object(schema: Mapping[str, Any], indent: str) -> str:
    more = schema.get("additionalProperties")
    if not schema.get("properties") or more is True:  # what is open to any name is asked by name
        return f"Record<string, {_type(more, indent) if isinstance(more, dict) and more else 'unknown'}>"
    required, inner = set(schema.get("required", ())), indent + "  "
    lines = ["{"]
    for name, one in schema["properties"].items():
        lines += _comment(one.get("description", ""), inner)
        lines.append(f"{inner}{_ident(name)}{'' if name in required else '?'}: {_type(one, inner)};")
    return "\n".join([*lines, f"{indent}}}"])


def _comment(text: str, indent: str) -> list[str]:
    first = _first_sentence(text)
    return [f"{indent}/** {first} */"] if first else []


def _first_sentence(text: str) -> str:
    line = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    return re.split(r"(?<=[.;])\s", line)[0].replace("*/", "")[:160]


def _ident(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name)
