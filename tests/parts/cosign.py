"""cosign: signatures and attestations, by tags of their own and by referrers."""

from tests.parts.tool import GoTool


class Cosign(GoTool):
    """As built from go.txt, or on PATH."""

    name = "cosign"
    asks_version = ("version",)


PART = Cosign
