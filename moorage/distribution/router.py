"""Route /v2 requests, reading the path from its end: repository names contain slashes."""

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

from moorage.configuration.read_only import require_writable
from moorage.distribution import blobs, lists, manifests, uploads
from moorage.distribution.context import Plane
from moorage.errors import (
    MirrorReadOnly,
    NotFound,
    Problem,
    QuotaExceeded,
    RouteUnknown,
    TicketRevoked,
    Unauthenticated,
    Unsupported,
)
from moorage.oci.names import parse_repository
from moorage.tokens.scopes import Scope
from moorage.web.request import Request
from moorage.web.response import Reply, json_reply, problem_reply

Handler = Callable[[Plane, Request, str, str], Awaitable[Reply]]

_VERSION = (b"docker-distribution-api-version", b"registry/2.0")
_PREFIX = "/v2/"

_require_name = lru_cache(maxsize=1024)(parse_repository)  # most requests name one of a few repositories


async def _base(plane: Plane, request: Request, _name: str, _reference: str) -> Reply:
    """The API check: 401 for strangers, so that clients log in; 200 for whoever is known, and still is."""
    await plane.gate.ticket(request, ())
    return json_reply(200, {})


ROUTES: Mapping[str, Mapping[str, Handler]] = {
    "base": {"GET": _base, "HEAD": _base},
    "catalog": {"GET": lists.catalog, "HEAD": lists.catalog},
    "manifests": {"GET": manifests.get, "HEAD": manifests.get, "PUT": manifests.put, "DELETE": manifests.remove},
    "blobs": {"GET": blobs.get, "HEAD": blobs.get, "DELETE": blobs.remove},
    "uploads": {"POST": uploads.start},
    "upload": {"GET": uploads.status, "PATCH": uploads.append, "PUT": uploads.finish, "DELETE": uploads.cancel},
    "tags": {"GET": lists.tags, "HEAD": lists.tags},
    "referrers": {"GET": lists.referrers, "HEAD": lists.referrers},
}


def route(path: str) -> tuple[str, str, str]:
    """The route, the repository and the reference of a path below /v2/.

    Raises:
        RouteUnknown: there is no such route.
    """
    if "%" in path:
        # Some clients encode the colon of a digest. Nothing else that is valid here needs encoding, and what is
        # authorised must be what is stored, byte for byte: so nothing else is decoded.
        path = path.replace("%3A", ":").replace("%3a", ":")
        if "%" in path:
            raise RouteUnknown(path=path[:300])
    rest = path[len(_PREFIX) :]
    if not rest:
        return "base", "", ""
    if rest == "_catalog":
        return "catalog", "", ""
    if rest.endswith("/tags/list"):
        return "tags", rest[:-10], ""
    head, _, last = rest.rpartition("/")
    if not last:
        if head.endswith("/blobs/uploads"):
            return "uploads", head[:-14], ""
        raise RouteUnknown(path=path[:300])
    if head.endswith("/manifests"):
        return "manifests", head[:-10], last
    if head.endswith("/blobs/uploads"):
        return "upload", head[:-14], last
    if head.endswith("/blobs"):
        return "blobs", head[:-6], last
    if head.endswith("/referrers"):
        return "referrers", head[:-10], last
    raise RouteUnknown(path=path[:300])


class Distribution:
    """The handler of everything below /v2."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; every answer says that this is a registry."""
        name = reference = ""
        try:
            if not request.path.startswith(_PREFIX):
                raise RouteUnknown(path=request.path[:300])
            kind, name, reference = route(request.path)
            request.route = kind
            if not self._plane.mirrors.idle:
                name = await self._through_mirror(request, kind, name)
            handlers = ROUTES[kind]
            handler = handlers.get(request.method)
            if self._plane.live.current.read_only:
                require_writable(self._plane.live.current, request.method)
            if handler is None:
                raise Unsupported(f"{request.method} is not supported here.", headers={"Allow": ", ".join(handlers)})
            if name and (b"authorization" in request.headers or not _is_plain(name)):
                _require_name(name)
            reply = await handler(self._plane, request, name, reference)
        except TicketRevoked as problem:
            actions = _ACTIONS.get(request.method, ("pull", "push"))
            needs = (Scope("repository", name, actions),) if name else ()
            reply = problem_reply(self._plane.gate.revoked(request, needs, problem), oci=True)
        except (Unauthenticated, NotFound) as problem:
            reply = problem_reply(problem, oci=True)
        except Problem as problem:
            if problem.status >= 500:
                raise
            if isinstance(problem, QuotaExceeded):
                actor = request.as_actor(None, request.principal, "")
                self._plane.refused.note(actor, name, reference if request.route == "manifests" else "", problem)
            reply = problem_reply(problem, oci=True)
        reply.headers.append(_VERSION)
        return reply

    async def _through_mirror(self, request: Request, kind: str, name: str) -> str:
        """The repository that a request means, which may leave out its project where a mirror knows it.

        Raises:
            MirrorUnknown: it comes through a mirror that leads nowhere.
            MirrorReadOnly: it would change something.
        """
        project = await self._plane.mirrors.find_project(request)
        if project is None:
            return name
        request.mirror = project
        if not name:
            return name
        if request.method not in _READS or kind in _UPLOADS:
            raise MirrorReadOnly(project=project)
        return f"{project}/{name}"


_READS = frozenset({"GET", "HEAD"})
_UPLOADS = frozenset({"uploads", "upload"})
_ACTIONS = {"GET": ("pull",), "HEAD": ("pull",), "DELETE": ("delete",)}


def _is_plain(name: str) -> bool:
    """Whether a name can stand in a header: what cannot is refused before it is quoted in a challenge."""
    return len(name) <= 255 and name.isascii() and name.isprintable() and '"' not in name
