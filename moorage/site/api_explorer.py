"""Serve the API explorer, without anything loaded from elsewhere.

It is plain HTML, CSS and JavaScript in `explorer/`, sent as it is written there (docs/adr/0046).
"""

from importlib.resources import files

from moorage.errors import RouteUnknown, Unsupported
from moorage.web.request import Request
from moorage.web.response import Header, Reply
from moorage.web.static_content import Content

PATH = "/api/v2.0/explorer"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Scripts and styles from files only, requests to this server only, and no way to make markup of text."""

_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"clipboard-write=(self)"),
)
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


class Explorer:
    """The page and its files; read when it is first asked for."""

    def __init__(self) -> None:
        self._found: dict[str, Content] = {}

    async def __call__(self, request: Request) -> Reply:
        """The page, or one of its files.

        Raises:
            RouteUnknown: there is no such file.
            Unsupported: it is not asked for, but written to.
        """
        request.route = "explorer"
        if not self._found:
            self._found = _read()
        name = request.path.rstrip("/").removeprefix(PATH).removeprefix("/")
        content = self._found.get(name or "index.html")
        if content is None:
            raise RouteUnknown(path=request.path[:300])
        return content.reply(request, _HEADERS)

    async def moved(self, request: Request) -> Reply:
        """Where clients of the contract look for the page. Source: Harbor's `/devcenter-api-2.0`.

        Raises:
            RouteUnknown: a path below it.
            Unsupported: it is not asked for, but written to.
        """
        request.route = "explorer"
        if request.path.rstrip("/").count("/") > 1:
            raise RouteUnknown(path=request.path[:300])
        if request.method not in {"GET", "HEAD"}:
            raise Unsupported(headers={"Allow": "GET, HEAD"})
        return Reply(302, [(b"location", PATH.encode("ascii")), (b"cache-control", b"no-store")])


def _read() -> dict[str, Content]:
    folder = files("moorage.site") / "explorer"
    return {
        one.name: Content(one.read_bytes(), _TYPES[one.name.rpartition(".")[2]])
        for one in folder.iterdir()
        if one.is_file()
    }
