"""Where a browser may be sent on our word."""

from urllib.parse import unquote

MAX_CHARACTERS = 2_048


def local_path(wish: str | None) -> str:
    r"""The path on this server that somebody wants to come back to; `/` for everything that could lead elsewhere.

    Browsers read `//host`, `/\host` and `/<tab>/host` as another host, so none of these passes, encoded or not.

    Source: WHATWG URL, "basic URL parser": tabs and line ends are removed, a backslash is a slash.
    """
    if not wish or len(wish) > MAX_CHARACTERS or not wish.isascii() or not wish.isprintable() or " " in wish:
        return "/"
    path = wish.partition("?")[0].partition("#")[0]
    plain = path
    for _ in range(3):  # what a proxy decodes once more must not lead elsewhere either
        if not plain.startswith("/") or plain.startswith("//") or "\\" in plain or not plain.isprintable():
            return "/"
        plain = unquote(plain)
    return wish if "\\" not in wish else "/"
