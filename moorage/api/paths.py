"""Which path is routed, of the one that was sent."""

from urllib.parse import unquote

from moorage.errors import RouteUnknown


def route_path(raw: str) -> str:
    """The path that is routed, from the one that was sent.

    Repeated slashes are one, a last one is none. Everything is decoded once, but an encoded slash stays `%2F`: it
    belongs to a name. `a%2Fb` and `a%252Fb` both come out as `a%2Fb`: the contract asks for the second, and people
    write the first.

    Raises:
        RouteUnknown: what is encoded is no UTF-8.
    """
    parts = [part.replace("%2F", "%252F").replace("%2f", "%252F") for part in raw.split("/") if part]
    try:
        return "/" + "/".join(unquote(part, errors="strict") for part in parts)
    except UnicodeDecodeError as error:
        raise RouteUnknown(path=raw[:300]) from error
