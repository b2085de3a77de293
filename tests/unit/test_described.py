"""What docstrings say of structs gets into the OpenAPI document."""

from typing import Any

import msgspec
from litestar import Response

from moorage.access.operations import operation
from moorage.access.required_permission import PUBLIC
from moorage.api.docstring_schemas import describe
from moorage.api.openapi import build_document
from moorage.api.routes import every_route


class Ship(msgspec.Struct, rename={"mast_count": "masts"}):
    """Something that floats, and moves.

    What else there is to say is for us.

    Attributes:
        mast_count: how many masts,
            stumps included.
        name: as painted: `Anna`.
    """

    name: str
    mast_count: int
    crew: "list[Sailor]"
    """Whoever is on board."""
    flag: str


class Sailor(msgspec.Struct):
    """Somebody on board."""

    name: str
    """As on the list."""


class Captain(Sailor):
    """Somebody who commands."""

    ship: Ship | None = None


@operation("GET", "/ships", id="listShips", tag="ship", needs=PUBLIC)
async def list_ships() -> Response[dict[str, Captain]]:
    """Ships."""
    return Response({})


def test_fields_have_what_stands_below_them_or_under_attributes() -> None:
    schemas: dict[str, Any] = {
        "Ship": {"properties": {"name": {}, "masts": {}, "crew": {"$ref": "#/x"}, "flag": {}}},
        "Captain": {"properties": {"name": {}, "ship": {"description": "said by hand"}}},
        "Elsewhere": {"properties": {"name": {}}},
    }

    describe(schemas, [list_ships])

    ship, captain = schemas["Ship"], schemas["Captain"]
    assert ship["description"] == "Something that floats, and moves."
    assert ship["properties"] == {
        "name": {"description": "as painted: `Anna`."},
        "masts": {"description": "how many masts, stumps included."},
        "crew": {"$ref": "#/x", "description": "Whoever is on board."},
        "flag": {},
    }
    assert captain["description"] == "Somebody who commands."
    assert captain["properties"] == {
        "name": {"description": "As on the list."},
        "ship": {"description": "said by hand"},
    }
    assert schemas["Elsewhere"] == {"properties": {"name": {}}}


def test_each_component_of_our_document_says_what_it_is() -> None:
    schemas = build_document(every_route())["components"]["schemas"]

    assert [name for name, schema in schemas.items() if "properties" in schema and not schema.get("description")] == []


def test_every_operation_takes_and_gives_a_request_id_and_may_fail() -> None:
    for path, item in build_document(every_route())["paths"].items():
        for method, described in item.items():
            if "operationId" not in described:
                continue
            names = [one["name"] for one in described["parameters"] if one["in"] == "header"]
            assert names.count("X-Request-Id") == 1, (method, path)
            assert "500" in described["responses"], (method, path)
            for status, response in described["responses"].items():
                assert "X-Request-Id" in response["headers"], (method, path, status)
