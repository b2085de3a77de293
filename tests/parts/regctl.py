"""regctl: the command line of regclient, which uploads in chunks with `Content-Range`."""

from tests.parts.tool import GoTool


class Regctl(GoTool):
    """As built from go.txt, or on PATH."""

    name = "regctl"
    asks_version = ("version",)


PART = Regctl
