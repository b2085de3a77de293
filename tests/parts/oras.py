"""oras: artifacts of any type, referrers, copies with their referrers; Helm and notation share its library."""

from tests.parts.tool import GoTool


class Oras(GoTool):
    """As built from go.txt, or on PATH."""

    name = "oras"
    asks_version = ("version",)


PART = Oras
