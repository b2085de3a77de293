"""Add the docstrings of structs and fields to the schemas of the OpenAPI document."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_type_hints

import msgspec
from litestar.handlers import HTTPRouteHandler

_ATTRIBUTE = re.compile(r"(\w+): (.*)")


def describe(schemas: dict[str, Any], routes: Sequence[HTTPRouteHandler]) -> None:
    """Add descriptions to the components that are structs of these routes, and to their fields.

    Cost: reads the source of each module with such structs once; where there is none, nothing is added.
    """
    modules: dict[str, dict[str, ast.ClassDef]] = {}
    for kind in _list_structs(routes):
        schema = schemas.get(kind.__name__)
        if schema is None or "properties" not in schema:
            continue
        about, fields = _read(kind, modules)
        if about:
            schema.setdefault("description", about)
        for field in msgspec.structs.fields(kind):
            said = fields.get(field.name)
            if said and field.encode_name in schema["properties"]:
                schema["properties"][field.encode_name].setdefault("description", said)


def read_docstrings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What is said below each field of a struct; an empty text where nothing is, or where there is no source."""
    fields = _read(kind, {})[1]
    return {field.name: fields.get(field.name, "") for field in msgspec.structs.fields(kind)}


def _list_structs(routes: Sequence[HTTPRouteHandler]) -> Iterator[type[msgspec.Struct]]:
    waiting: list[Any] = [hint for one in routes for hint in get_type_hints(one.fn, include_extras=True).values()]
    seen: dict[int, Any] = {}  # the hints themselves, too: an id is good while its object lives
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        waiting += get_args(one)
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one is not msgspec.Struct:
            waiting += get_type_hints(one).values()
            yield one


def _read(kind: type[msgspec.Struct], modules: dict[str, dict[str, ast.ClassDef]]) -> tuple[str, dict[str, str]]:
    """The first paragraph of a struct's docstring; by name, what is said of a field below it or under `Attributes`."""
    about = ""
    fields: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if not issubclass(one, msgspec.Struct) or one is msgspec.Struct:
            continue
        if one.__module__ not in modules:
            modules[one.__module__] = _read_module(one.__module__)
        body = modules[one.__module__].get(one.__name__)
        if body is None:
            continue
        text = ast.get_docstring(body) or ""
        about = " ".join(text.partition("\n\n")[0].split())
        fields |= _read_attributes(text.partition("Attributes:\n")[2])
        for before, after in zip(body.body, body.body[1:], strict=False):
            if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and _is_text(after):
                fields[before.target.id] = " ".join(ast.literal_eval(after.value).split())  # type: ignore[attr-defined]
    return about, fields


def _read_module(name: str) -> dict[str, ast.ClassDef]:
    """The classes of a module, as they are written."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except OSError:  # there are only compiled files
        return {}
    return {one.name: one for one in tree.body if isinstance(one, ast.ClassDef)}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _read_attributes(block: str) -> dict[str, str]:
    """`name: what it is`, each four spaces in, with lines that go on deeper."""
    found: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.strip() and not line.startswith("    "):
            break
        begins = _ATTRIBUTE.fullmatch(line[4:]) if line[4:5].strip() else None
        if begins is not None:
            name = begins[1]
            found[name] = begins[2]
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found
