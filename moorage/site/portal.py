"""The page that people open: files built from `portal/`, one policy, and an address for each of its views.

The files are in `files/`, made by `tools/portal.py`; without them the server does everything but this.
"""

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from moorage import __version__
from moorage.errors import RouteUnknown, Unsupported
from moorage.web.ranges import etag_matches
from moorage.web.request import Request
from moorage.web.response import Header, Reply

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Everything from this server, nothing inline, and no way to make markup of text (docs/adr/0062)."""

HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"clipboard-write=(self)"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".json": b"application/json",
    ".txt": b"text/plain; charset=utf-8",
    ".woff2": b"font/woff2",
}
_PACKED = ((b"br", ".br"), (b"gzip", ".gz"))
_WEIGHT = re.compile(r"\s*([A-Za-z*]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d*)?)\s*)?$")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
MISSING = "The web page has not been built. Run `make run`, or `python tools/portal.py`, where npm can be reached."

log = logging.getLogger("moorage.portal")


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the page.

    Attributes:
        packed: the same in a shorter form, by its name in `Content-Encoding`, the best first.
    """

    path: Path
    size: int
    etag: str
    packed: tuple[tuple[bytes, Path, int], ...]


class Portal:
    """What the stack calls for every path that nobody else has."""

    def __init__(self, folder: Path | None = None) -> None:
        """Look whether the page is there; its files are listed when it is first asked for.

        Args:
            folder: where it was built; that of the package otherwise.
        """
        self._folder = folder if folder is not None else Path(str(files("moorage.site"))) / "files"
        self._found: dict[str, _File] = {}
        self._stamp = 0
        if not (self._folder / "index.html").is_file():
            log.warning("%s Everything else works.", MISSING)

    async def __call__(self, request: Request) -> Reply:
        """A file of the page; the page itself for any other address that a browser wants to show.

        Raises:
            RouteUnknown: there is no such file, and what asks is no browser that wants a page.
            Unsupported: it is not asked for, but written to.
        """
        found = self._list().get(request.path.removeprefix("/"))
        if found is None and not _wants_page(request) and request.path != "/":
            raise RouteUnknown(path=request.path[:300])
        if request.method not in {"GET", "HEAD"}:
            raise Unsupported(headers={"Allow": "GET, HEAD"})
        request.route = "root" if request.path == "/" else "portal"
        if found is not None:
            return _reply(request, found, hashed=request.path.startswith("/assets/"))
        index = self._found.get("index.html")
        if index is not None and _wants_page(request):
            return _reply(request, index, hashed=False)
        return _line(request, built=index is not None)

    def _list(self) -> dict[str, _File]:
        """The files by their paths; anew when the page was built again."""
        try:
            stamp = (self._folder / "index.html").stat().st_mtime_ns
        except OSError:
            stamp = 0
        if stamp != self._stamp:
            self._stamp = stamp
            self._found = _read(self._folder) if stamp else {}
        return self._found


def _read(folder: Path) -> dict[str, _File]:
    found: dict[str, _File] = {}
    for path in folder.rglob("*"):
        if path.suffix in _TYPES and path.name != "manifest.json":
            packed = tuple(
                (name, small, small.stat().st_size)
                for name, ending in _PACKED
                if (small := path.with_name(path.name + ending)).is_file()
            )
            etag = f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}"'
            found[path.relative_to(folder).as_posix()] = _File(path, path.stat().st_size, etag, packed)
    return found


def _wants_page(request: Request) -> bool:
    """Whether a browser asks for something to show, and not a script, a client or a probe for one of theirs."""
    return "text/html" in (request.header(b"accept") or "") and not request.path.startswith(("/assets/", "/."))


def _reply(request: Request, found: _File, *, hashed: bool) -> Reply:
    headers = [
        (b"content-type", _TYPES[found.path.suffix]),
        (b"etag", f"W/{found.etag}".encode("ascii")),
        (b"cache-control", b"public, max-age=31536000, immutable" if hashed else b"no-cache"),
        (b"vary", b"accept, accept-encoding" if found.path.name == "index.html" else b"accept-encoding"),
        *HEADERS,
    ]
    known = request.header(b"if-none-match")
    if known is not None and etag_matches(known, found.etag, weak=True):
        return Reply(304, headers[1:])
    accepted = _accepted(request.header(b"accept-encoding") or "")
    for name, path, size in found.packed:
        if name.decode("ascii") in accepted:
            return Reply(200, [*headers, (b"content-encoding", name)], path=path, length=size)
    return Reply(200, headers, path=found.path, length=found.size)


def _accepted(text: str) -> set[str]:
    """The encodings that a client takes. Source: RFC 9110, section 12.5.3."""
    matches = (_WEIGHT.match(one) for one in text.split(","))
    return {one[1].lower() for one in matches if one is not None and float(one[2] or 1) > 0}


def _line(request: Request, *, built: bool) -> Reply:
    """What `/` says to programs, and to people while the page is not built."""
    lines = [
        f"Moorage {__version__}",
        "",
        f"This is a container registry: docker login {request.origin.partition('://')[2]}",
        f"Its REST API: {request.origin}/api/v2.0/explorer",
    ]
    if not built:
        lines += ["", MISSING]
    headers = [_TEXT, (b"cache-control", b"no-store"), (b"vary", b"accept"), (b"x-content-type-options", b"nosniff")]
    return Reply(200, headers, ("\n".join(lines) + "\n").encode())
