"""Describe the live settings in the OpenAPI document: type, range and purpose of each.

Their operations take and give JSON objects whose names no type of Python holds. The components are named as in the
contract.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage.api.docstring_schemas import read_docstrings
from moorage.configuration.schema import MODES, Items
from moorage.configuration.validation import DEFAULTS, SECRETS, TYPES

_REF = "#/components/schemas/"
_ITEMS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "string": ("StringConfigItem", {"type": "string"}),
    "boolean": ("BoolConfigItem", {"type": "boolean"}),
    "integer": ("IntegerConfigItem", {"type": "integer"}),
    "array": ("ListConfigItem", {"type": "array", "items": {"type": "string"}}),
}
"""By the type of a value: the component that shows it, and its schema there."""
_MODE: dict[str, Any] = {
    "enum": list(MODES),
    "description": "Stands for the first of `auth_sources`; to set it moves that source to the front.",
}
_AS_TEXT = "oidc_extra_redirect_parms"
"""An object that is shown as the text of one, and taken as either."""
_AS_OBJECT = "scan_all_policy"
"""Shown as an object, where there is one."""


def describe_settings(document: dict[str, Any]) -> None:
    """Put the names of the live settings into the operations that read and change them, where the document has them."""
    operations = document["paths"].get("/api/v2.0/configurations")
    if operations is None:
        return
    components = document["components"]["schemas"]
    components["Configurations"] = _taken()
    components["ConfigurationsResponse"] = _shown()
    for name, schema in _ITEMS.values():
        components[name] = _item(schema)
    taken, shown = operations["put"]["requestBody"], operations["get"]["responses"]["200"]
    taken["content"]["application/json"]["schema"] = {"$ref": f"{_REF}Configurations"}
    shown["content"]["application/json"]["schema"] = {"$ref": f"{_REF}ConfigurationsResponse"}


def _taken() -> dict[str, Any]:
    """What a PUT may hold: any of the settings; null changes nothing, and neither does another name."""
    said = read_docstrings(Items)
    properties: dict[str, Any] = {"auth_mode": {"type": ["string", "null"], **_MODE, "enum": [*MODES, None]}}
    for name in TYPES:
        about: dict[str, Any] = {"description": said[name]}
        if name in SECRETS:
            about["writeOnly"] = True
        else:  # no `default`: that would be what a PUT without the name does
            about["description"] += f" Default: `{json.dumps(getattr(DEFAULTS, name))}`."
        schema = _schema(name)
        if name == _AS_TEXT:
            properties[name] = {"oneOf": [{"type": "string"}, schema, {"type": "null"}], **about}
        else:
            properties[name] = {"oneOf": [schema, {"type": "null"}], **about}
    return {
        "type": "object",
        "description": "Live settings to change. Names that are not here are ignored.",
        "properties": properties,
        "additionalProperties": True,
    }


def _shown() -> dict[str, Any]:
    """What a GET holds: every setting that is no secret."""
    said = read_docstrings(Items)
    names = [name for name in TYPES if name not in SECRETS and name != _AS_OBJECT]
    properties: dict[str, Any] = {
        "auth_mode": {"$ref": f"{_REF}StringConfigItem", "description": _MODE["description"]},
        _AS_OBJECT: {"type": "object", "additionalProperties": True, "description": said[_AS_OBJECT]},
    }
    for name in names:
        kind = "string" if name == _AS_TEXT else _schema(name).get("type", "string")
        properties[name] = {"$ref": f"{_REF}{_ITEMS[kind][0]}", "description": said[name]}
    return {
        "type": "object",
        "description": "Every live setting but secrets.",
        "properties": properties,
        "required": ["auth_mode", *names],
        "additionalProperties": True,
    }


def _item(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "A live setting.",
        "properties": {
            "value": value,
            "editable": {"type": "boolean", "description": "Whether it can be changed here."},
            "variable": {"type": "string", "description": "The variable of the environment that fixes it otherwise."},
        },
        "required": ["value", "editable"],
    }


def _schema(name: str) -> dict[str, Any]:
    """The type of a setting, and its range."""
    return {"type": "string"} if name in SECRETS else msgspec.json.schema(TYPES[name])
