"""crane: the command line of go-containerregistry, which kaniko, ko, cosign and tekton push with."""

from tests.parts.tool import GoTool


class Crane(GoTool):
    """As built from go.txt, or on PATH."""

    name = "crane"
    asks_version = ("version",)


PART = Crane
