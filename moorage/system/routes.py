"""Versions and signs of life."""

import msgspec
from litestar import MediaType, Response

from moorage.access.needs import PUBLIC
from moorage.access.operations import operation


class VersionOut(msgspec.Struct):
    """The version of the API."""

    version: str


@operation("GET", "/ping", id="getPing", tag="ping", needs=PUBLIC, answers=("text/plain",))
async def ping() -> Response[str]:
    """Answer without looking at anything."""
    return Response("Pong", media_type=MediaType.TEXT)


ROUTES = (ping,)
