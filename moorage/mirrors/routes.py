"""Mirrors through the REST API: ours, for system administrators."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import system
from moorage.errors import MirrorExists, MirrorInvalid, MirrorLimit, MirrorUnknown, ProjectUnknown
from moorage.mirrors import service
from moorage.mirrors.tables import HOST, PORT
from moorage.web.request import Hosts


class MirrorNew(msgspec.Struct, forbid_unknown_fields=True):
    """A mirror to make."""

    kind: str
    """`host`: where clients send their requests, `NAME` or `NAME:PORT`; `port`: the port of that alone; `ns`: the
    registry that containerd names in the query."""
    name: str
    """`hub.example.com`, `5001`, `docker.io`."""
    project_name: str
    """The project that it leads to; `NAME` is then `PROJECT/NAME`, for reading."""


class Mirror(msgspec.Struct):
    """A mirror."""

    id: int
    kind: str
    name: str
    project_id: int
    project_name: str
    in_trash: bool
    """Its project is in the trash: until it is restored, this leads nowhere."""
    creation_time: str


@operation("GET", "/mirrors", id="listMirrors", tag="mirror", needs=system("configuration:read"), paged=True, ours=True)
async def list_mirrors(call: NamedDependency[Call]) -> Response[list[Mirror]]:
    """The mirrors, by id."""
    listing = call.listing()
    rows, total, ignored = await call.look(service.list_mirrors, listing)
    shown = [
        Mirror(row.id, row.kind, row.name, row.project_id, row.project_name, row.in_trash, stamp(row.created_at))
        for row in rows
    ]
    return call.page(shown, listing, total, ignored)


@operation(
    "POST", "/mirrors", id="createMirror", tag="mirror", needs=system("configuration:update"), ours=True, status=201,
    problems=(MirrorInvalid, MirrorExists, MirrorLimit, ProjectUnknown),
)  # fmt: skip
async def create_mirror(
    call: NamedDependency[Call], hosts: NamedDependency[Hosts], data: JSONBody[MirrorNew]
) -> Response[None]:
    """Let a host, a port or containerd's `?ns=` lead into a project. It holds within a second, on every process.

    It gives nobody a right: who may pull from the project may pull through its mirrors.
    """
    name = service.read_name(data.kind, data.name)
    if data.kind in {HOST, PORT} and hosts.is_main(name if data.kind == HOST else f":{name}", call.request):
        message = "That is where this server itself is; a mirror there would hide all projects but one."
        raise MirrorInvalid(message, which="MIRROR_SELF")
    made = await call.run(service.create_mirror, data.kind, name, data.project_name)
    return call.created(f"/mirrors/{made}")


@operation(
    "DELETE", "/mirrors/{id:int}", id="deleteMirror", tag="mirror", needs=system("configuration:update"), ours=True,
    problems=(MirrorUnknown,),
)  # fmt: skip
async def delete_mirror(call: NamedDependency[Call], id: FromPath[int]) -> Response[None]:  # noqa: A002 - as the contract
    """Delete a mirror; what its project holds stays."""
    await call.run(service.delete_mirror, id)
    return Response(None)


ROUTES = (list_mirrors, create_mirror, delete_mirror)
